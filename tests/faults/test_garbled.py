"""512 bytes of a database are rubbish: each command answers as before, or says in one sentence that it is damaged."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli_harness import Shell
from tests.faults.points import rig_on
from workbench.driver.commands import ForkEdits, ForkRun
from workbench.store import opening
from workbench.store.opening import PAGE_SIZE

HITS = 500
SIZE = 512


def make(folder: Path) -> tuple[Path, list[str]]:
    """Return a database with a run and a fork of it, closed, and their ids."""
    folder.mkdir()
    with rig_on(folder, size=200) as rig:
        run = rig.start()
        rig.finish(run)
        fork = str(rig.ask(ForkRun(run, "2", ForkEdits(say="And?"))))
        rig.finish(fork)
    return folder / "runs.db", [run, fork]


def commands(run: str, fork: str) -> list[tuple[str, ...]]:
    """Return what is asked of each database."""
    return [("runs", "--all", "--json"), ("show", run, "--json"), ("show", fork, "--json"), ("diff", run, fork)]


def hit(whole: bytes, chance: random.Random) -> bytes:
    """Return the file with rubbish somewhere in it: anywhere, or where a page has its head or its content."""
    page = PAGE_SIZE * chance.randrange(len(whole) // PAGE_SIZE)
    place = page + chance.choice([0, chance.randrange(PAGE_SIZE - SIZE), PAGE_SIZE - SIZE * chance.randrange(1, 4)])
    return whole[:place] + chance.randbytes(SIZE) + whole[place + SIZE :]


def campaign(shell: Shell, whole: bytes, asked: Sequence[tuple[str, ...]], hits: int) -> tuple[list[str], Counter[str]]:
    """Ask each of many garbled databases something; return what is wrong with the answers, and figures."""
    shell.database.write_bytes(whole)
    right = {words: shell(*words).out for words in asked}
    chance, faults, figures = random.Random(4), list[str](), Counter[str]()
    for number in range(hits):
        garbled = hit(whole, chance)
        shell.database.write_bytes(garbled)
        words = asked[number % len(asked)]
        printed = shell(*words)
        told = printed.err.strip()
        if printed.code == 0 and printed.out == right[words]:
            figures["harmless"] += 1
        elif printed.code == 0:
            faults.append(f"hit {number}: {words[0]} answers otherwise, and says nothing")
        elif printed.code != 2 or told.count("\n") or str(shell.database) not in told or "Traceback" in told:
            faults.append(f"hit {number}: {words[0]} ends with {printed.code}: {told[:300]}")
        else:
            figures["refused"] += 1
        if shell.database.read_bytes() != garbled:
            faults.append(f"hit {number}: {words[0]} wrote to the file")
    return faults, figures


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database to be garbled."""
    (tmp_path / "garbled").mkdir()
    return Shell(tmp_path / "garbled" / "x.db", capsys)


def test_rubbish_in_a_database_is_never_passed_over(tmp_path: Path, shell: Shell) -> None:
    """500 hits, four commands: no answer is wrong, no error is more than a sentence that names the file."""
    path, runs = make(tmp_path / "made")
    faults, figures = campaign(shell, path.read_bytes(), commands(*runs), HITS)
    assert faults == []
    assert figures["refused"] > HITS // 4


def writes(shell: Shell, whole: bytes, run: str, hits: int) -> tuple[list[str], int]:
    """Write to each of many garbled databases; return what is wrong with what came of it, and how many refused."""
    chance, faults, refused = random.Random(8), list[str](), 0
    for number in range(hits):
        for each in shell.database.parent.iterdir():
            each.unlink()
        garbled = hit(whole, chance)
        shell.database.write_bytes(garbled)
        printed = shell("runs", "--name", f"{run}=name {number}")
        if printed.code:
            refused += 1
            if (printed.code, printed.err.count("\n")) != (2, 1) or str(shell.database) not in printed.err:
                faults.append(f"hit {number}: ends with {printed}")
            if shell.database.read_bytes() != garbled:
                faults.append(f"hit {number}: refused, and written to")
            continue
        try:
            with closing(sqlite3.connect(shell.database)) as of:
                report = of.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            report = str(error)
        if report != "ok":
            faults.append(f"hit {number}: written to, though it is damaged")
    return faults, refused


def test_nothing_is_written_to_a_damaged_database(tmp_path: Path, shell: Shell) -> None:
    """Commands that write are refused, too, before they have changed a byte."""
    path, (run, _) = make(tmp_path / "made")
    faults, refused = writes(shell, path.read_bytes(), run, 60)
    assert faults == []
    assert refused > 15


def test_opening_without_a_look_is_found_out(tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not judge what it opens writes to damaged files, so the tests above can fail."""
    path, (run, _) = make(tmp_path / "made")
    monkeypatch.setattr(opening, "_judge", lambda of, path: None)
    faults, _ = writes(shell, path.read_bytes(), run, 60)
    assert sum("though it is damaged" in fault for fault in faults) > 3, faults
