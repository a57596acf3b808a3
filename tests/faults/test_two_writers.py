"""Several processes write to one database, and runs change hands: nothing is lost, and who lost one writes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.store_kit import Hand, beside, said, texts
from workbench.clock import ManualClock
from workbench.errors import StaleDriverError
from workbench.store import Batch, Store, append

ROOT = Path(__file__).parents[2]
WRITES = 500
HELD = 3.0
TAKEOVERS = 50
RUN = "aaaa"


def begin(path: Path, *words: str) -> subprocess.Popen[str]:
    """Start a process, and return it when it is at work."""
    command = [sys.executable, "-m", "tests.faults.lock_holder", str(path), *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


async def test_two_processes_write_while_a_third_holds_the_lock(tmp_path: Path) -> None:
    """500 writes each, 3 seconds of them behind a lock: all are acknowledged, none is lost, none fails."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()):
        pass
    writers = [begin(path, run, str(WRITES)) for run in ("aaaa", "bbbb")]
    holder = begin(path, "hold", str(HELD))
    ends = [process.communicate(timeout=60) for process in (*writers, holder)]
    assert [process.returncode for process in (*writers, holder)] == [0, 0, 0]
    assert ends == [(f"{WRITES}\n", ""), (f"{WRITES}\n", ""), ("", "")]
    async with await Store.open(path, clock=ManualClock()) as store:
        for run in ("aaaa", "bbbb"):
            assert texts(await store.read(run)) == [str(number) for number in range(WRITES)]
        assert [line for line in await store.check() if not line.startswith("SQLite ")] == []


async def takeovers(path: Path, count: int) -> list[str]:
    """Let two stores take a run from each other, and the one that lost it go on writing; return what came of it."""
    faults: list[str] = []
    async with await Store.open(path, clock=ManualClock()) as one, await Store.open(path, clock=ManualClock()) as two:
        hand = Hand(one)
        await hand.run(RUN)
        token, written = hand.tokens[RUN], 0
        loser, winner = one, two
        for number in range(count):
            # As the system would say of a process that is gone, or cannot be seen: the loser does not know it.
            beside(path, lambda of: of.execute("UPDATE processes SET started = 'long ago'"))
            before, token = token, await winner.acquire(RUN)
            if token <= before:
                faults.append(f"takeover {number}: token {token} after {before}")
            for stale in (before, token):
                try:
                    await loser.append(Batch(RUN, written + 1, ((1.0, said("late")),), token=stale))
                except StaleDriverError:
                    pass
                else:
                    faults.append(f"takeover {number}: who lost it wrote with token {stale}")
                    written += 1
            await winner.append(Batch(RUN, written + 1, ((1.0, said(str(number))),), token=token))
            written += 1
            loser, winner = winner, loser
        if texts(await winner.read(RUN)) != [str(number) for number in range(count)]:
            faults.append("the log has what nobody may have written")
    return faults


async def test_a_run_changes_hands_fifty_times(tmp_path: Path) -> None:
    """Each time the token grows, and the one before writes nothing any more, with neither token."""
    assert await takeovers(tmp_path / "x.db", TAKEOVERS) == []


async def test_an_append_without_its_token_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not look who holds the run lets the one write that lost it."""
    monkeypatch.setattr(append, "_require_lease", lambda *_: None)
    assert any("who lost it wrote" in fault for fault in await takeovers(tmp_path / "x.db", 3))
