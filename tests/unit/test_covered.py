"""What the tests reach: lines and branches apart, and each file of the core by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests import covered
from tests.check import checks


def summary(lines: int, branches: int, of: int = 100) -> dict[str, int]:
    """Return what is said of a file, or of all."""
    return {"covered_lines": lines, "num_statements": of, "covered_branches": branches, "num_branches": of}


def report(total: dict[str, int], **files: dict[str, int]) -> dict[str, Any]:
    """Return a report of files by their rooms."""
    return {
        "totals": total,
        "files": {f"/some/workbench/{room}/file.py": {"summary": each} for room, each in files.items()},
    }


@pytest.mark.parametrize(
    ("lines", "branches", "said"),
    [
        (90, 90, []),
        (99, 89, ["89.0 % of all branches are reached, 90 % are wanted"]),
        (89, 99, ["89.0 % of all lines are reached, 90 % are wanted"]),
    ],
)
def test_lines_do_not_make_up_for_branches(lines: int, branches: int, said: list[str]) -> None:
    """Each of them is to be enough by itself."""
    assert list(covered.shortfalls(report(summary(lines, branches)))) == said


def test_no_file_of_the_core_hides_behind_others() -> None:
    """What is much elsewhere does not help one that runs are lost by."""
    many = report(summary(95, 95), engine=summary(90, 60), cli=summary(10, 10), state=summary(0, 0, of=0))
    (said,) = covered.shortfalls(many)
    assert said.startswith("/some/workbench/engine/file.py: lines  90.0 %")


def test_rooms_are_added_up(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each room and one for all; what is too little comes last, and fails the check."""
    many = report(summary(150, 120, of=200), cli=summary(100, 70), engine=summary(50, 50))
    monkeypatch.setattr(covered, "measured", lambda: many)
    assert covered.main() == 1
    printed = capsys.readouterr()
    assert [line.split()[:3] for line in printed.out.splitlines()] == [
        ["cli", "lines", "100.0"], ["engine", "lines", "50.0"], ["all", "lines", "75.0"],
    ]  # fmt: skip
    assert printed.err.count("\n") == 5


def test_it_is_measured_where_that_is_asked_for() -> None:
    """The tests are the same ones, with and without."""
    plain, measured = (checks(fix=False, tests=True, coverage=asked) for asked in (False, True))
    assert plain["tests"][1:] == ["-m", "pytest", "-n", "auto"]
    assert measured["tests"][1:] == ["-m", "coverage", "run", "-m", "pytest", "-n", "auto"]
    assert set(measured) - set(plain) == {"coverage"}
