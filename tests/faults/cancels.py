"""A process that cancels runs at random moments and looks what is left of them; `test_cancels.py` starts it.

`python -m tests.faults.cancels FOLDER COUNT [naive]` prints what is wrong, one finding a line, then `leaving`, and ends
while a thread of a tool is still asleep. `naive` is the mistake that the test must catch: a transaction over several
awaits, which nobody shields.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from tests.fork_kit import everything_said
from tests.harness import Rig, answer
from tests.store_kit import beside, serious
from workbench.agent.spec import AgentSpec
from workbench.clock import SystemClock
from workbench.driver import runs
from workbench.driver.commands import AgentOptions, StartRun
from workbench.driver.feed import Feed
from workbench.driver.journal import StoreJournal, _Write, recorded
from workbench.driver.opening import opened_session
from workbench.driver.session import Session
from workbench.events.base import Event
from workbench.events.call import SubagentStarted
from workbench.events.request import AssistantMessage, Request
from workbench.providers.base import Delta
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.state.fold import fold
from workbench.store import Batch, Durability, Store
from workbench.store import append as appending
from workbench.tools.base import Tool
from workbench.tools.declaring import tool
from workbench.tools.processes import run_program

WARM = 10
"""Runs after which everything is there that stays."""
PATIENCE = 3.0
"""Seconds in which what was cancelled must be gone."""


class SlowModel(ScriptedProvider):
    """A scripted model that lets others have their turn between its pieces."""

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the next turn."""
        async for delta in super().stream(request):
            await asyncio.sleep(0)
            yield delta


def model(request: Request) -> Turn:
    """Use every tool at once, hand something over, and answer."""
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    task = everything_said(request)
    if turns == 2 or (turns == 1 and task.startswith("task")):
        return answer("done")
    calls: list[tuple[str, dict[str, Any]]] = [("look", {"word": "a"}), ("ponder", {}), ("write", {})]
    if task.startswith("task"):
        return Turn("I look.", calls, pieces=2)
    if "program" in task:
        calls.append(("program", {}))
    return Turn("I look.", [*calls, ("spawn_subagent", {"task": "task"})] if turns else calls, pieces=2)


def tools(folder: Path) -> list[Tool]:
    """Return tools on the loop, on threads and in processes."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        await asyncio.sleep(0.001)
        return f"found {word}" * 200

    @tool(read_only=True)
    def ponder() -> str:
        time.sleep(0.001)
        return "pondered"

    @tool
    async def write() -> str:
        await asyncio.sleep(0)
        return "written"

    @tool
    async def program() -> AsyncIterator[Any]:
        async with aclosing(run_program(["/bin/sh", "-c", "sleep 30 & sleep 30"], folder, {})) as parts:
            async for part in parts:
                yield part

    @tool(read_only=True)
    def never() -> str:
        (folder / "asleep").touch()
        time.sleep(60)
        return "at last"

    return [look, ponder, write, program, never]


async def cancel_one(session: Session, chance: random.Random, number: int) -> str:
    """Start a run, cancel it after a random number of awaits, and let go of it."""
    run = await runs.start(session, StartRun("program" if number % 25 == 0 else "What?", AgentOptions()))
    for _ in range(chance.randrange(200)):
        await asyncio.sleep(0)
    if number % 3 == 0:
        await asyncio.sleep(chance.uniform(0.0, 0.02))
    for live in session.tree(run):
        if live.task is not None:
            live.task.cancel()
            await asyncio.wait({live.task})
    await session.forget(run)
    return run


async def gone(what: Callable[[], Any]) -> Any:
    """Return what is still there when it had time to go; nothing, where all is well."""
    clock = SystemClock()
    until = clock.monotonic() + PATIENCE
    while (left := what()) and clock.monotonic() < until:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    return left


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def has_children() -> bool:
    """Whether a process that was started from here is not ended and looked after."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def open_transaction(path: Path) -> str:
    """Say whether somebody else could not write within two seconds: commits take less, what is left open does not."""
    try:
        beside(path, lambda other: other.execute("PRAGMA busy_timeout=2000").execute("BEGIN IMMEDIATE") and None)
    except sqlite3.Error as error:
        return f"a transaction is open: {error}"
    return ""


async def whole(store: Store, run: str) -> Iterator[str]:
    """Say what of a run is there by halves."""
    found = []
    records = await store.read(run)
    fold(records)
    named = {record.event.run for record in records if isinstance(record.event, SubagentStarted)}
    there = {header.id for header in await store.children(run)}
    if named != there:
        found.append(f"run {run} names subagents {named}, there are {there}")
    return iter(found)


async def campaign(rig: Rig, folder: Path, count: int) -> list[str]:
    """Cancel many runs, then look at what is left."""
    chance, faults, started = random.Random(9), list[str](), list[str]()
    async with opened_session(rig.driver.settings, Feed()) as session:
        for number in range(WARM):
            await cancel_one(session, chance, number)
            faults += filter(None, [open_transaction(folder / "runs.db")])  # SQLite keeps one file open after that
        await gone(lambda: len(asyncio.all_tasks()) > 4)
        before, tasks = descriptors(), set(asyncio.all_tasks())
        for number in range(count):
            try:
                started.append(await cancel_one(session, chance, number))
            except Exception as error:  # noqa: BLE001 - it is what is looked for
                faults.append(f"run {number}: {type(error).__name__}: {error}")
                break
            if number % 50 == 49:
                await session.store.heartbeat()
                faults += filter(None, [open_transaction(folder / "runs.db")])
        left = await gone(lambda: [t for t in asyncio.all_tasks() - tasks if t.get_name() != "store writer"])
        faults += [f"{len(left)} tasks are left: {left[:3]}"] if left else []
        faults += ["a process is left"] if await gone(has_children) else []
        more = await gone(lambda: max(descriptors() - before, 0))
        faults += [f"{more} files are left open"] if more else []
        faults += filter(None, [open_transaction(folder / "runs.db")])
        lengths = set()
        for run in started:
            faults += await whole(session.store, run)
            lengths.add(await session.store.last_seq(run))
        faults += serious(await session.store.check())
        if count > 100 and len(lengths) < 10:
            faults.append(f"all were cancelled at about the same moments: {sorted(lengths)}")
    return faults


async def sleeper(rig: Rig) -> None:
    """Leave a thread behind that is asleep."""
    async with opened_session(rig.driver.settings, Feed()) as session:
        run = await runs.start(session, StartRun("What?", AgentOptions()))
        await gone(lambda: not (rig.driver.settings.database.parent / "asleep").exists())
        await session.mover.stop(session.live[run])


def be_naive() -> None:
    """Spread transactions over awaits that a cancellation may end."""
    one = asyncio.Lock()

    async def write(store: Store, work: Any, durability: Durability = Durability.NORMAL) -> Any:
        database = store._database
        assert database is not None
        async with one:
            await database.run(lambda of: of.execute("BEGIN IMMEDIATE") and None)
            value = await database.run(work)
            await database.run(lambda of: of.execute("COMMIT") and None)
        return value

    async def append(store: Store, *batches: Batch, durability: Durability = Durability.NORMAL) -> None:
        rows, owner = [appending.encode(batch) for batch in batches], store._leases.process.owner
        await write(store, lambda connection: appending.append(connection, rows, owner), durability)

    async def said(journal: StoreJournal, *events: Event, durable: bool = False) -> None:
        batches = journal._batches(_Write(events))
        await append(journal._store, *batches, durability=Durability.FULL if durable else Durability.NORMAL)
        for record in recorded(batches[-1]):
            journal._take(record)

    Store._write = write  # type: ignore[assignment, method-assign]
    Store.append = append  # type: ignore[assignment, method-assign]
    StoreJournal.append = said  # type: ignore[assignment, method-assign]


def main() -> None:
    """Do it, and say what is wrong."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    if sys.argv[3:]:
        be_naive()
    rig = Rig(folder, (), tools(folder), spec=AgentSpec(plan="off", subagent="You look."))
    rig.models["scripted"] = SlowModel(model)
    for fault in asyncio.run(campaign(rig, folder, count)):
        print(fault, flush=True)
    if not sys.argv[3:]:
        rig.models["scripted"] = ScriptedProvider([Turn("", [("never", {})])])
        asyncio.run(sleeper(rig))
    print("leaving", flush=True)


if __name__ == "__main__":
    main()
