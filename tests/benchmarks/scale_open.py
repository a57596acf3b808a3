"""What is done with a large database and with a long run, each in a process that has done nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.measure import now
from tests.benchmarks.scale_database import run_id
from tests.benchmarks.scale_runs import memory
from workbench.clock import SystemClock
from workbench.driver.commands import FindInResults, ForkRun, IndexRuns, ListRuns, OpenRun, SearchRuns
from workbench.driver.driver import Driver
from workbench.driver.settings import DriverSettings
from workbench.events.call import ResultEvent
from workbench.events.library import RunHidden
from workbench.state.history import History
from workbench.store import Store
from workbench.tui.bridge import PAGE
from workbench.views.run_tree import tree_rows

T = TypeVar("T")
TIMES = 5
Figures = dict[str, list[float]]


def repeated(figures: Figures, name: str, work: Callable[[], T], times: int = TIMES) -> T:
    """Do `work` some times, and keep under `name` how long each took."""
    for _ in range(times):
        begun = now()
        answer = work()
        figures.setdefault(name, []).append(now() - begun)
    return answer


def use_database(path: Path, runs: int) -> Figures:
    """Do what a person does with the database, through the driver as the screen does it."""
    figures: Figures = {}
    opened = repeated(figures, "open", lambda: asyncio.run(_opened(path)))
    assert opened is None
    driver = Driver(DriverSettings(path, path.parent / "cache"))
    with driver:
        rows = repeated(figures, "list", lambda: driver.ask_blocking(ListRuns(limit=PAGE)))
        repeated(figures, "draw", lambda: tree_rows(rows, 100))
        repeated(figures, "list all", lambda: driver.ask_blocking(ListRuns()))
        figures["listed"] = [float(memory("VmRSS"))]
        repeated(figures, "index", lambda: driver.ask_blocking(IndexRuns()), 1)
        for name, text in (("rare", f"question {runs // 2}"), ("common", "rate limit"), ("absent", "marmalade")):
            repeated(figures, f"search {name}", lambda text=text: driver.ask_blocking(SearchRuns(text)))  # type: ignore[misc]
        numbers = iter(range(1, runs, max(1, runs // 20)))
        repeated(figures, "open run", lambda: driver.ask_blocking(OpenRun(run_id(next(numbers)))))
        numbers = iter(range(1, runs, max(1, runs // 20)))
        repeated(figures, "fork", lambda: driver.ask_blocking(ForkRun(run_id(next(numbers)), "3", drive=False)))
        figures["used"] = [float(memory("VmRSS"))]
    return figures


async def _opened(path: Path) -> None:
    async with await Store.open(path, clock=SystemClock()):
        pass


def use_commands(path: Path, runs: int) -> Figures:
    """Do it by commands, each a process of its own."""
    figures: Figures = {}

    def command(name: str, *arguments: str, times: int = 3) -> None:
        whole = [sys.executable, "-m", "workbench", *arguments]
        repeated(figures, name, lambda: subprocess.run(whole, check=True, capture_output=True), times)

    database = ("--db", str(path))
    command("version", "--version")
    command("runs", "runs", *database)
    command("runs --search", "runs", "--search", f"question {runs // 2}", *database)
    command("show", "show", run_id(1), *database)
    command("doctor", "doctor", *database, times=1)
    return figures


def purge_one(path: Path) -> Figures:
    """Hide a run, and take it out for good."""
    figures: Figures = {}

    async def purge(store: Store) -> object:
        await store.append_library(RunHidden(run=run_id(0), hidden=True), 0.0)
        return await store.purge()

    repeated(figures, "purge", lambda: asyncio.run(_with_store(path, purge)), 1)
    return figures


async def _with_store(path: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    async with await Store.open(path, clock=SystemClock()) as store:
        return await work(store)


def use_long_run(path: Path, run: str) -> Figures:
    """Open, fold, scrub, search and fork the long run; then open and fork it where nothing of it is in memory."""
    figures: Figures = {}
    settings = DriverSettings(path, path.parent / "cache")
    with Driver(settings) as driver:
        before = memory("VmRSS")
        opened = repeated(figures, "open", lambda: driver.ask_blocking(OpenRun(run)), 1)
        history = History()
        begun = now()
        history.extend(opened.records)
        figures["fold"] = [now() - begun]
        figures["memory"] = [float(memory("VmRSS") - before)]
        figures["events"] = [float(len(opened.records))]
        places = iter(range(1, len(opened.records), max(1, len(opened.records) // 199)))
        repeated(figures, "scrub", lambda: history.at(next(places)), 190)
        refs = tuple((each.run, each.seq) for each in opened.records if isinstance(each.event, ResultEvent))
        repeated(figures, "find", lambda: driver.ask_blocking(FindInResults(refs, "3")), 3)
        fork = ForkRun(run, str(len(history.live.steps) // 2), drive=False)
        repeated(figures, "fork", lambda: driver.ask_blocking(fork))
    for name, command in (("open", OpenRun(run)), ("fork unread", fork)):
        for _ in range(3):
            with Driver(settings) as driver:
                repeated(figures, name, lambda: driver.ask_blocking(command), 1)  # noqa: B023 - it is called at once
    return figures
