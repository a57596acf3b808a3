"""Leases: one process drives a run, the dead are replaced at once, and whoever lost a run can write nothing to it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.store_kit import Hand, beside, said, started
from workbench.clock import ManualClock
from workbench.errors import RunHeldError, StaleDriverError, UserError
from workbench.store import Batch, RunHeader, Store

ROOT = Path(__file__).parents[2]

DRIVER = """
import asyncio, sys
from pathlib import Path
from tests.store_kit import Hand, said
from workbench.clock import SystemClock
from workbench.store import Store
async def main():
    store = await Store.open(Path(sys.argv[1]), clock=SystemClock())
    hand = Hand(store)
    await hand.run("aaaa", said("from the other process"))
    print(hand.tokens["aaaa"], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    if sys.argv[2] == "close":
        await store.close()
asyncio.run(main())
"""


@contextmanager
def other_driver(path: Path, ending: str = "close") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run another process that drives run `aaaa`, and yield it with its token."""
    command = [sys.executable, "-c", DRIVER, str(path), ending]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def strangers_lease(path: Path, *, host: str = "elsewhere", beat: int = 0) -> None:
    """Put the lease of run `aaaa` into the hands of a process that cannot be seen from here."""
    row = ("stranger", 1, host, "another boot", "1", beat)
    beside(path, lambda other: other.execute("INSERT OR REPLACE INTO processes VALUES (?, ?, ?, ?, ?, ?)", row))
    beside(path, lambda other: other.execute("INSERT OR REPLACE INTO leases VALUES ('aaaa', 'stranger', 4, 1.0)"))


class Patience:
    """Stands for the pauses of a watching store: moves the clock and does what happens meanwhile."""

    def __init__(self, clock: ManualClock, path: Path, *, beats: bool) -> None:
        self.clock, self.path, self.beats, self.pauses = clock, path, beats, 0

    async def __call__(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.pauses += 1
        if self.beats:
            beside(self.path, lambda other: other.execute("UPDATE processes SET beat = beat + 1"))


async def test_a_run_has_one_driver(tmp_path: Path) -> None:
    """While another process drives a run, taking it says who does, since when, and how to watch."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        with other_driver(path) as (process, _):
            with pytest.raises(RunHeldError) as error:
                await store.acquire("aaaa")
            assert f"pid {process.pid} on " in str(error.value)
            assert "workbench open aaaa" in str(error.value)
            assert (await store.holder("aaaa") or "").startswith(f"pid {process.pid} on ")
            (row,) = await store.runs()
            assert row.live
            assert row.held_by == await store.holder("aaaa")


async def test_a_killed_driver_is_replaced_at_once(tmp_path: Path) -> None:
    """After kill -9 the lease is free without any waiting, under a higher token."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        with other_driver(path) as (process, token):
            process.kill()
            process.wait()
            assert await store.holder("aaaa") is None
            assert await store.acquire("aaaa") == token + 1
        (row,) = await store.runs()
        assert "pid" in row.held_by


async def test_a_driver_that_is_dead_but_not_yet_buried_is_replaced_too(tmp_path: Path) -> None:
    """A process whose parent has not collected it counts as gone."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        with other_driver(path) as (process, token):
            process.kill()
            await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert process.returncode is None
            assert await store.acquire("aaaa") == token + 1


async def test_closing_gives_all_leases_back(tmp_path: Path) -> None:
    """A driver that ends in order leaves its runs free."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        with other_driver(path) as (process, token):
            process.communicate("")
            assert process.returncode == 0
            assert await store.holder("aaaa") is None
            assert await store.acquire("aaaa") == token + 1


async def test_a_store_that_is_closed_holds_nothing(tmp_path: Path) -> None:
    """Closing frees the runs even when the process lives on."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as other:
        async with await Store.open(path, clock=ManualClock()) as store:
            await store.acquire("aaaa")
            assert await other.holder("aaaa") is not None
        assert await other.holder("aaaa") is None
        assert await other.acquire("aaaa") == 2


async def test_who_lost_a_run_can_write_nothing_to_it(tmp_path: Path) -> None:
    """After a takeover the old token is refused in the inserting transaction, for the run and its subagents."""
    path = tmp_path / "x.db"
    clock = ManualClock()
    async with (
        await Store.open(path, clock=clock) as store,
        await Store.open(path, clock=clock) as other,
    ):
        hand = Hand(store)
        await hand.run("aaaa")
        await hand.child("bbbb", "aaaa", "0.0")
        with pytest.raises(RunHeldError):
            await other.acquire("aaaa")
        assert await other.holder("aaaa") is not None
        clock.advance(15.0)
        token = await other.acquire("aaaa")
        assert token == hand.tokens["aaaa"] + 1
        for run in ("aaaa", "bbbb"):
            with pytest.raises(StaleDriverError):
                await hand.add(run, said("late"))
        await other.append(Batch("aaaa", 1, ((1.0, said("new driver")),), token=token))
        await other.append(Batch("bbbb", 1, ((1.0, said("new driver")),), token=token))
        assert [len(await store.read(run)) for run in ("aaaa", "bbbb")] == [2, 2]


async def test_a_heartbeat_keeps_a_lease(tmp_path: Path) -> None:
    """A holder that beats is never replaced, however much time passes on the observer's clock."""
    path = tmp_path / "x.db"
    clock = ManualClock()
    async with (
        await Store.open(path, clock=ManualClock()) as store,
        await Store.open(path, clock=clock) as other,
    ):
        await store.acquire("aaaa")
        for _ in range(10):
            with pytest.raises(RunHeldError):
                await other.acquire("aaaa")
            clock.advance(14.0)
            await store.heartbeat()


async def test_an_unseen_holder_that_stands_still_is_replaced_after_15_seconds(tmp_path: Path) -> None:
    """A process of another machine or boot is watched; 15 s without a beat, and the run is free."""
    path = tmp_path / "x.db"
    clock = ManualClock()
    async with await Store.open(path, clock=clock) as store:
        strangers_lease(path)
        store._pause = patience = Patience(clock, path, beats=False)
        assert await store.acquire("aaaa") == 5
        assert patience.pauses == 15


async def test_an_unseen_holder_that_beats_keeps_its_run(tmp_path: Path) -> None:
    """The first beat that is seen ends the watching: the run is held."""
    path = tmp_path / "x.db"
    clock = ManualClock()
    async with await Store.open(path, clock=clock) as store:
        strangers_lease(path)
        store._pause = patience = Patience(clock, path, beats=True)
        with pytest.raises(RunHeldError, match="pid 1 on elsewhere"):
            await store.acquire("aaaa")
        assert patience.pauses == 1


@pytest.mark.parametrize("jump", [-86_400.0, -1.0, 1.0, 86_400.0])
async def test_a_jump_of_the_wall_clock_frees_nothing(tmp_path: Path, jump: float) -> None:
    """Only the observer's own monotonic clock counts; the time of day may be set to anything."""
    path = tmp_path / "x.db"
    async with (
        await Store.open(path, clock=ManualClock()) as store,
        await Store.open(path, clock=ManualClock(1_790_000_000.0 + jump)) as other,
    ):
        await store.acquire("aaaa")
        for _ in range(3):
            with pytest.raises(RunHeldError):
                await other.acquire("aaaa")


async def test_taking_a_lease_twice_gives_the_same_token(tmp_path: Path) -> None:
    """The holder may ask again; after giving it back, the next token is higher."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        assert await store.acquire("aaaa") == await store.acquire("aaaa") == 1
        await store.release("aaaa")
        assert await store.holder("aaaa") is None
        assert await store.acquire("aaaa") == 2


async def test_a_lease_is_given_back_only_by_its_holder(tmp_path: Path) -> None:
    """Releasing what another process drives changes nothing."""
    path = tmp_path / "x.db"
    async with (
        await Store.open(path, clock=ManualClock()) as store,
        await Store.open(path, clock=ManualClock()) as other,
    ):
        await store.acquire("aaaa")
        await other.release("aaaa")
        assert await other.holder("aaaa") is not None


async def test_an_imported_run_is_never_driven(tmp_path: Path) -> None:
    """The lease of an imported run is refused; a fork of it is a root of its own and can be driven."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        await store.import_runs([(RunHeader("aaaa", "aaaa", 1.0), [(0, 1.0, started().model_dump_json())])], "x.jsonl")
        with pytest.raises(UserError, match="imported"):
            await store.acquire("aaaa")
        hand = Hand(store)
        await hand.fork("bbbb", "aaaa", 0, said("mine"))
        assert len(await store.read("bbbb")) == 3


BUSY = """
import asyncio, sys
from pathlib import Path
from tests.store_kit import Hand, said
from workbench.clock import SystemClock
from workbench.store import Store
async def main():
    async with await Store.open(Path(sys.argv[1]), clock=SystemClock()) as store:
        hand = Hand(store)
        await hand.run(sys.argv[2])
        for number in range(150):
            await hand.add(sys.argv[2], said(str(number)))
asyncio.run(main())
"""


def busy(path: Path, *runs: str) -> list[int]:
    """Let one process a run write to it, all at once, and return their exit codes."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY, str(path), run], cwd=ROOT) for run in runs]
    return [process.wait(timeout=60) for process in processes]


async def test_two_processes_write_at_once(tmp_path: Path) -> None:
    """Two processes with 150 writes each, at the same time: none is lost, none fails because of the other."""
    path = tmp_path / "x.db"
    assert busy(path, "aaaa", "bbbb") == [0, 0]
    async with await Store.open(path, clock=ManualClock()) as store:
        assert [len(await store.read(run)) for run in ("aaaa", "bbbb")] == [151, 151]
        assert await store.holder("aaaa") is None
