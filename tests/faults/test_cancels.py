"""Runs are cancelled at any await: no transaction stays open, nothing is there by halves, nothing goes on behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.store_kit import said
from workbench.clock import ManualClock, SessionTime, SystemClock
from workbench.driver.feed import Feed
from workbench.driver.journal import StoreJournal
from workbench.errors import StaleDriverError
from workbench.store import Store

ROOT = Path(__file__).parents[2]
CANCELS = 500
MOST_SECONDS = 3.0
CLOCK = SystemClock()


def campaign(folder: Path, count: int, *mistakes: str) -> tuple[list[str], float]:
    """Let a process cancel many runs; return what it finds wrong, and how long it takes to leave."""
    (data := folder / "data").mkdir()
    command = [sys.executable, "-m", "tests.faults.cancels", str(data), str(count), *mistakes]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        found: list[str] = []
        for line in process.stdout:
            if line == "leaving\n":
                break
            found.append(line.strip())
        begun = CLOCK.monotonic()
        said = process.stderr.read()
        code = process.wait(timeout=60)
    took = CLOCK.monotonic() - begun
    return [*found, *([f"it ends with {code}: {said[-2000:]}"] if code or said else [])], took


def test_runs_cancelled_at_any_await_leave_nothing(tmp_path: Path) -> None:
    """500 cancels in turns, tools, threads, programs and subagents: clean, and the interpreter ends in 3 seconds."""
    faults, took = campaign(tmp_path, CANCELS)
    assert faults == []
    assert took < MOST_SECONDS


def test_a_commit_that_is_not_shielded_is_found_out(tmp_path: Path) -> None:
    """A store whose transactions a cancellation can cut is caught, so the test above can fail."""
    faults, _ = campaign(tmp_path, 100, "naive")
    assert any("transaction" in fault for fault in faults), faults


async def test_a_write_that_fails_when_nobody_waits_is_not_reported() -> None:
    """Whoever waited for it was cancelled, and asyncio has nothing to print over a screen."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def append(*_batches: object, **_options: object) -> None:
        await asyncio.sleep(0)
        raise StaleDriverError("another process drives it")

    journal = StoreJournal(
        cast("Store", SimpleNamespace(append=append)), Feed(), SessionTime(ManualClock()), run="aaaa", token=1
    )
    waiting = asyncio.create_task(journal.append(said("a")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(StaleDriverError):
        await journal.append(said("b"))
    gc.collect()
    assert waiting.cancelled()
    assert told == []


@pytest.mark.slow
def test_many_runs_cancelled_at_any_await_leave_nothing(tmp_path: Path) -> None:
    """The same five thousand times."""
    faults, took = campaign(tmp_path, 10 * CANCELS)
    assert faults == []
    assert took < MOST_SECONDS
