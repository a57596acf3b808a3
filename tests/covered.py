"""What the tests reach, of all but the screens: `python -m tests.covered`.

It comes after `python -m coverage run -m pytest -n auto`. It puts together what the workers and the programs that
tests started have measured, prints lines and branches of each room and the files that are below what is asked, and
ends with 1 where there is too little.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

ROOT = Path(__file__).parents[1]
WANTED: Final = 90.0
"""Percent of the lines, and of the branches, of everything that is measured."""
OF_A_FILE: Final = 80.0
"""Percent of both together in each file of the core; in a small one a branch is much."""
CORE: Final = ("engine", "store", "state", "conversation", "events", "debugger", "policy")


@dataclass
class Count:
    """How many of how many."""

    lines: int = 0
    of_lines: int = 0
    branches: int = 0
    of_branches: int = 0

    def add(self, summary: Mapping[str, Any]) -> None:
        """Add what `coverage json` says of a file."""
        self.lines += summary["covered_lines"]
        self.of_lines += summary["num_statements"]
        self.branches += summary["covered_branches"]
        self.of_branches += summary["num_branches"]

    @property
    def percents(self) -> tuple[float, float]:
        """Lines and branches; nothing of nothing is all."""
        return _percent(self.lines, self.of_lines), _percent(self.branches, self.of_branches)

    @property
    def together(self) -> float:
        """Lines and branches in one figure, for a file that has few of them."""
        return _percent(self.lines + self.branches, self.of_lines + self.of_branches)

    def __str__(self) -> str:
        lines, branches = self.percents
        return f"lines {lines:5.1f} % of {self.of_lines:6,}   branches {branches:5.1f} % of {self.of_branches:6,}"


def _percent(some: int, of: int) -> float:
    return 100 * some / of if of else 100.0


def room(path: str) -> str:
    """Return the part of the program that a file belongs to."""
    parts = PurePath(path).parts
    inside = parts[parts.index("workbench") + 1 :]
    return inside[0] if len(inside) > 1 else "workbench"


def shortfalls(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what there is too little of, in all and in the files of the core."""
    total = Count()
    total.add(report["totals"])
    for what, percent in zip(("lines", "branches"), total.percents, strict=True):
        if percent < WANTED:
            yield f"{percent:.1f} % of all {what} are reached, {WANTED:.0f} % are wanted"
    for path, file in report["files"].items():
        count = Count()
        count.add(file["summary"])
        if room(path) in CORE and count.together < OF_A_FILE:
            yield f"{path}: {count}"


def table(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each room and one for all."""
    rooms: dict[str, Count] = defaultdict(Count)
    for path, file in sorted(report["files"].items()):
        rooms[room(path)].add(file["summary"])
    total = Count()
    total.add(report["totals"])
    for name, count in {**rooms, "all": total}.items():
        yield f"{name:13} {count}"


def measured() -> dict[str, Any]:
    """Put together what was measured, and return it as `coverage json` has it."""
    command = [sys.executable, "-m", "coverage"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        for words in (["combine", "-q"], ["json", "-q", "-o", str(report)]):
            subprocess.run([*command, *words], cwd=ROOT, check=True)
        found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return found


def main() -> int:
    """Print what was measured; return 0 where it is enough, else 1."""
    report = measured()
    print("\n".join(table(report)))
    wrong = list(shortfalls(report))
    if wrong:
        print("\nToo little:", *wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
