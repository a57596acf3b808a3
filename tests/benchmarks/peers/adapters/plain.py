"""The floors: loops written by hand, with nothing around them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import now
from tests.benchmarks.peers.work import ANSWER, TASK, TOOL, Job, Revisited, Watch, expect

Message = dict[str, Any]
Made = Callable[[Sequence[int]], Awaitable[Sequence[str]]]
Kept = Callable[[Sequence[Message]], Awaitable[None]]
_SCHEMA = """
CREATE TABLE runs (run TEXT PRIMARY KEY, parent TEXT, cut INTEGER);
CREATE TABLE events (id INTEGER PRIMARY KEY, run TEXT, body TEXT);
CREATE INDEX events_of_run ON events (run, id);
"""


async def run(job: Job, watch: Watch, store: Path | None) -> str:
    """Gather the calls of a turn, and append what they gave."""

    async def made(numbers: Sequence[int]) -> Sequence[str]:
        return await asyncio.gather(*(watch.call(number) for number in numbers))

    return await _loop(watch, made, _nowhere)


async def run_careful(job: Job, watch: Watch, store: Path | None) -> str:
    """Do the same as a careful hand would: a group that ends together, a limit, a timeout and a check for each call."""
    places = asyncio.Semaphore(16)

    async def one(number: Any) -> str:
        if not isinstance(number, int):
            raise TypeError("number is an integer")
        async with places, asyncio.timeout(60):
            return await watch.call(number)

    async def made(numbers: Sequence[int]) -> Sequence[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number)) for number in numbers]
        return [task.result() for task in tasks]

    return await _loop(watch, made, _nowhere)


async def run_kept(job: Job, watch: Watch, store: Path | None) -> str:
    """Gather the calls, and keep each step in SQLite with one full commit, through aiosqlite."""
    import aiosqlite

    async def made(numbers: Sequence[int]) -> Sequence[str]:
        return await asyncio.gather(*(watch.call(number) for number in numbers))

    async with aiosqlite.connect(str(store)) as database:
        await database.execute("PRAGMA journal_mode=WAL")
        await database.execute("PRAGMA synchronous=FULL")
        await database.executescript(_SCHEMA)
        await database.execute("INSERT INTO runs VALUES ('a', NULL, NULL)")

        async def kept(messages: Sequence[Message]) -> None:
            rows = [("a", json.dumps(message)) for message in messages]
            await database.executemany("INSERT INTO events (run, body) VALUES (?, ?)", rows)
            await database.commit()

        return await _loop(watch, made, kept)


async def revisit_kept(job: Job, store: Path) -> Revisited:
    """Read the run again, list its events, and fork it as a row that points at its parent."""
    import aiosqlite

    async def read(database: aiosqlite.Connection, where: str) -> list[Message]:
        rows = await database.execute_fetchall(f"SELECT body FROM events WHERE run = 'a' {where} ORDER BY id")
        return [json.loads(row[0]) for row in rows]

    start = now()
    async with aiosqlite.connect(str(store)) as database:
        messages = await read(database, "")
        opened = now() - start
        expect("results that were kept", job.found(_results(messages)), job.steps * job.calls)
        start = now()
        listed = list(
            await database.execute_fetchall("SELECT id, length(body) FROM events WHERE run = 'a' ORDER BY id")
        )
        took = now() - start
        expect("events listed", len(listed), 2 + 2 * job.steps)
        await database.execute("PRAGMA synchronous=FULL")
        start = now()
        cut = 1 + 2 * (job.steps // 2)
        await database.execute("INSERT INTO runs VALUES ('b', 'a', ?)", (cut,))
        changed = json.dumps({"role": "user", "content": "Do it otherwise."})
        await database.execute("INSERT INTO events (run, body) VALUES ('b', ?)", (changed,))
        await database.commit()
        return Revisited(opened, took, now() - start)


async def _nowhere(messages: Sequence[Message]) -> None:
    """Keep nothing."""


async def _loop(watch: Watch, made: Made, kept: Kept) -> str:
    messages: list[Message] = [{"role": "user", "content": TASK}]

    def seen() -> list[str]:
        return _results(messages)

    await kept(messages)
    while numbers := await watch.turn(seen):
        wanted = [
            {"type": "tool_use", "id": str(number), "name": TOOL, "input": {"number": number}} for number in numbers
        ]
        results = await made(numbers)
        answered = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": result}
            for call, result in zip(wanted, results, strict=True)
        ]
        step = [{"role": "assistant", "content": wanted}, {"role": "user", "content": answered}]
        messages += step
        await kept(step)
    await kept([{"role": "assistant", "content": ANSWER}])
    return ANSWER


def _results(messages: Sequence[Message]) -> list[str]:
    """Return the texts of all results."""
    blocks = (block for message in messages if isinstance(message["content"], list) for block in message["content"])
    return [block["content"] for block in blocks if block["type"] == "tool_result"]
