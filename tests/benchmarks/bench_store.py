"""The store: durable steps, disk, opening, listing, forking, at 20, 100 and 400 steps, and a long run."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Row, median, now, percentile, spread
from workbench.agent.spec import AgentSpec
from workbench.clock import SystemClock
from workbench.debugger.address import Place
from workbench.debugger.fork import Edits, plan_fork
from workbench.driver.journal import first_batch
from workbench.events.base import Event
from workbench.events.call import CallFinished, CallStarted
from workbench.events.codec import result_fields
from workbench.events.content import text_content
from workbench.events.request import ToolCallBlock, Usage
from workbench.events.run import RunStarted
from workbench.events.turn import TurnFinished, TurnStarted
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.store import Batch, Durability, RunHeader, Store

CALLS, RESULT_BYTES = 4, 2048
_RANDOM = random.Random(7)


def result() -> str:
    """Return text that does not compress to nothing."""
    return "".join(_RANDOM.choices("abcdefghijklmnopqrstuvwxyz     \n", k=RESULT_BYTES))


def step_events(step: int) -> tuple[tuple[Event, ...], ...]:
    """Return a step's events as the engine writes them: the turn's start, the turn with its calls, the results."""
    calls = [f"{step}.{number}" for number in range(CALLS)]
    blocks = tuple(ToolCallBlock(id=call, tool="work", input={"number": 1}) for call in calls)
    started = TurnStarted(step=step, attempt=0, purpose="step", model="scripted", request_key="0" * 64)
    turn = TurnFinished(
        step=step,
        attempt=0,
        purpose="step",
        content=blocks,
        stop_reason="tool_calls",
        usage=Usage(input_tokens=100, output_tokens=20),
        elapsed=0.1,
    )
    starts = [
        CallStarted(call=call, tool="work", input={"number": 1}, effect="read_only", permission="allow")
        for call in calls
    ]
    ends = tuple(
        CallFinished(call=call, outcome="ok", elapsed=0.1, **result_fields(text_content(result()), is_error=False))
        for call in calls
    )
    return (started,), (turn, *starts), ends


async def write_run(store: Store, run: str, steps: int, *, durable: bool) -> list[float]:
    """Write a run as the engine does and return the seconds of each step."""
    token = await store.acquire(run)
    started = RunStarted(task=text_content("?"), agent=AgentSpec().record(), date="2026-01-01")
    await store.append(first_batch(RunHeader(run, run, 0.0), (started,), at=0.0, token=token))
    seq, took = 1, []
    for step in range(steps):
        batches = step_events(step)
        start = now()
        for number, events in enumerate(batches):
            last = durable and number == len(batches) - 1
            batch = Batch(run, seq, tuple((0.0, event) for event in events), token=token)
            await store.append(batch, durability=Durability.FULL if last else Durability.NORMAL)
            seq += len(events)
        took.append(now() - start)
    await store.release(run)
    return took


def raw_commit(folder: Path, count: int = 100) -> list[float]:
    """Return the seconds of a bare SQLite commit at FULL of one step's bytes, on the same disk."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
    took = []
    for _ in range(count):
        bodies = [(result(),) for _ in range(CALLS)]
        start = now()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO rows (body) VALUES (?)", bodies)
        connection.execute("COMMIT")
        took.append(now() - start)
    connection.close()
    return took


async def seconds_to_open(store: Store, run: str, steps: int) -> float:
    """Read and fold a run; what was read is kept till then, as the program keeps it."""
    start = now()
    records = await store.read(run)
    state = fold(records)
    took = now() - start
    assert len(state.steps) == steps
    return took


async def seconds_to_fork(store: Store, run: str, fork: str, step: int) -> float:
    """Fork a run that is open inside of a step, with another result, and store the fork."""
    history = History(await store.read(run))
    token = await store.acquire(fork)
    start = now()
    plan = plan_fork(history, Place("call", step, f"{step}.1"), Edits(results={f"{step}.1": text_content("x")}))
    header = RunHeader(fork, fork, 0.0, parent=plan.owner, cut=plan.cut.seq, made_from=run)
    await store.append(first_batch(header, plan.events, at=0.0, token=token), durability=Durability.FULL)
    took = now() - start
    await store.release(fork)
    return took


async def measure(folder: Path, steps: int) -> dict[str, float | list[float]]:
    """Write a run of `steps` steps and return the figures of everything done with it."""
    path = folder / f"{steps}.db"
    async with await Store.open(path, clock=SystemClock()) as store:
        took = await write_run(store, "a" * 16, steps, durable=True)
        own_bytes = sum(len(text.encode()) for _, _, text in await store.raw("a" * 16))
        opens, lists, forks = [], [], []
        for number in range(7):
            opens.append(await seconds_to_open(store, "a" * 16, steps))
            start = now()
            await store.runs()
            lists.append(now() - start)
            forks.append(await seconds_to_fork(store, "a" * 16, f"{number:016x}", steps // 2))
    return {"steps": took, "disk": on_disk(folder, steps) / own_bytes, "open": opens, "list": lists, "fork": forks}


def on_disk(folder: Path, steps: int) -> int:
    """Return the bytes that the closed database takes, with whatever lies beside it."""
    return sum(file.stat().st_size for file in folder.glob(f"{steps}.db*"))


def fork_bytes(folder: Path) -> float:
    """Return the bytes that one more fork of a 400-step run takes on disk, over 200 forks."""

    async def grow() -> float:
        path = folder / "forks.db"
        async with await Store.open(path, clock=SystemClock()) as store:
            await write_run(store, "a" * 16, 400, durable=False)
            history = History(await store.read("a" * 16))
            before = pages(path)
            for number in range(200):
                run = f"{number:016x}"
                token = await store.acquire(run)
                plan = plan_fork(history, Place("call", 200, "200.1"), Edits(results={"200.1": text_content("x")}))
                header = RunHeader(run, run, 0.0, parent=plan.owner, cut=plan.cut.seq, made_from="a" * 16)
                await store.append(first_batch(header, plan.events, at=0.0, token=token))
                await store.release(run)
            return (pages(path) - before) / 200

    return asyncio.run(grow())


def pages(path: Path) -> int:
    """Return the size of the database in bytes, what is still in its log included."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    count, size = connection.execute("SELECT page_count, page_size FROM pragma_page_count, pragma_page_size").fetchone()
    connection.close()
    return int(count) * int(size)


async def open_long(folder: Path, steps: int) -> list[float]:
    """Return the seconds it takes to open a run of `steps` steps."""
    async with await Store.open(folder / "long.db", clock=SystemClock()) as store:
        await write_run(store, "b" * 16, steps, durable=False)
        return [await seconds_to_open(store, "b" * 16, steps) for _ in range(3)]


async def scrub_long(folder: Path) -> list[float]:
    """Return the seconds to show arbitrary moments of the long run."""
    async with await Store.open(folder / "long.db", clock=SystemClock()) as store:
        history = History(await store.read("b" * 16))
    took = []
    for _ in range(200):
        seq = _RANDOM.randrange(history.live.seq)
        start = now()
        history.at(seq)
        took.append(now() - start)
    return took


def rows() -> list[Row]:
    """Measure and return the table."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        raw = raw_commit(folder)
        found.append(Row("raw SQLite commit at FULL of the same bytes (the floor)", "–", spread(raw)))
        for steps in (20, 100, 400):
            figures = asyncio.run(measure(folder, steps))
            took = figures["steps"]
            opens, lists, forks, disk = figures["open"], figures["list"], figures["fork"], figures["disk"]
            assert isinstance(took, list)
            assert isinstance(opens, list)
            assert isinstance(lists, list)
            assert isinstance(forks, list)
            assert isinstance(disk, float)
            last = steps == 400
            found += [
                Row(
                    f"durable step, N = {steps} (4 results of 2 KB, FULL at its end)",
                    "≤ 0.8 ms" if last else "–",
                    f"{spread(took)}, {median(took) / median(raw):.1f} × the floor",
                    median(took) <= 0.8e-3 if last else None,
                ),
                Row(
                    f"durable step, p99, N = {steps}",
                    "≤ 5 ms" if last else "–",
                    f"{percentile(took, 0.99) * 1e3:.2f} ms",
                    percentile(took, 0.99) <= 5e-3 if last else None,
                ),
                Row(
                    f"disk ÷ the events' own bytes, N = {steps}",
                    "≤ 1.3" if last else "–",
                    f"{disk:.2f}",
                    disk <= 1.3 if last else None,
                ),
                Row(
                    f"open (read and fold), N = {steps}",
                    "≤ 20 ms" if last else "–",
                    spread(opens),
                    median(opens) <= 0.02 if last else None,
                ),
                Row(
                    f"list runs, N = {steps}",
                    "≤ 15 ms" if last else "–",
                    spread(lists),
                    median(lists) <= 0.015 if last else None,
                ),
                Row(
                    f"fork in the middle, stored at FULL, N = {steps}",
                    "≤ 3 ms" if last else "–",
                    spread(forks),
                    median(forks) <= 0.003 if last else None,
                ),
            ]
        size = fork_bytes(folder)
        found.append(Row("a fork on disk, whatever its parent's length", "≤ 4 KB", f"{size:.0f} bytes", size <= 4096))
        long = asyncio.run(open_long(folder, 10_000))
        found.append(
            Row("open a run of 10,000 steps (100,000 events)", "≤ 0.5 s", spread(long, 1, "s"), median(long) <= 0.5)
        )
        scrub = asyncio.run(scrub_long(folder))
        found.append(
            Row(
                "show any moment of it, p95",
                "≤ 30 ms",
                f"{percentile(scrub, 0.95) * 1e3:.2f} ms",
                percentile(scrub, 0.95) <= 0.03,
            )
        )
    return found
