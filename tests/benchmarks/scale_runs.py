"""Many runs at once, and one of many steps: through the public API, as a program that embeds agents has them."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from tests.benchmarks.measure import now, percentile
from workbench import Agent, Limits, Store, UserError, tool
from workbench.events.request import AssistantMessage, Request, Usage
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TextDelta, TurnEnd

STEPS, CALLS = 4, 4
MODEL_SECONDS, TOOL_SECONDS = (0.5, 1.5), 0.02
EACH = 0.01
"""Seconds between two looks at how late the event loop is."""
WARM = 20
"""Runs before the memory of the others is measured: they import and connect what all share."""
_RANDOM = random.Random(3)


@tool(read_only=True)
async def work(number: int) -> str:
    """Work a moment."""
    await asyncio.sleep(TOOL_SECONDS)
    return f"{number:>200}"


@tool(permission="ask")
async def send(text: str) -> str:
    """Send a text."""
    return text


class Model:
    """Asks for calls, step after step, and then answers; told to sum up, it does."""

    def __init__(self, steps: int, seconds: tuple[float, float] = (0.0, 0.0), ask: str = "work") -> None:
        self._steps, self._seconds, self._ask = steps, seconds, ask

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream a turn."""
        await asyncio.sleep(_RANDOM.uniform(*self._seconds))
        if request.purpose == "summary":
            yield TextDelta("Four things were looked at in each step.")
            yield TurnEnd("end_turn", Usage(input_tokens=100, output_tokens=10))
            return
        for index, (name, text) in enumerate(self._calls(request)):
            yield CallOpened(index, name)
            yield CallInput(index, text)
            yield CallClosed(index)
        yield TurnEnd("tool_calls", Usage(input_tokens=100, output_tokens=20))

    def _calls(self, request: Request) -> list[tuple[str, str]]:
        if self._ask == "send":
            return [("send", '{"text": "hello"}')]
        if self._done(request) < self._steps:
            return [("work", f'{{"number": {number}}}') for number in range(CALLS)]
        return [("submit_answer", '{"answer": "done"}')]

    def _done(self, request: Request) -> int:
        return sum(isinstance(message, AssistantMessage) for message in request.messages)


class Counting(Model):
    """Counts its turns instead of looking at the request, which is cut where it would grow too large."""

    _turns = -1

    def _done(self, request: Request) -> int:
        self._turns += 1
        return self._turns


@dataclass(frozen=True)
class ManyRuns:
    """What many runs at once took."""

    seconds: float
    processor: float
    events: int
    failed: int
    late: float
    """How late the event loop was, p99."""
    latest: float
    peak: int
    """Bytes of the process at most."""


def many_runs(folder: Path | None, count: int) -> ManyRuns:
    """Run so many at once, to their ends; kept in a store, or nowhere."""
    return asyncio.run(_many_runs(folder, count))


async def _many_runs(folder: Path | None, count: int) -> ManyRuns:
    agent = Agent(model=Model(STEPS, MODEL_SECONDS), tools=[work], plan="off")
    events, late = 0, list[float]()

    async def one(store: Store | None) -> bool:
        nonlocal events
        run = agent.stream("How late is it?", store=store)
        async for _ in run:
            events += 1
        return (await run).answer == "done"

    async def look() -> None:
        while True:
            begun = now()
            await asyncio.sleep(EACH)
            late.append(now() - begun - EACH)

    async with AsyncExitStack() as stack:
        store = None if folder is None else await stack.enter_async_context(Store(folder / "many.db"))
        looking = asyncio.create_task(look())
        begun, used = now(), process_time()
        ends = await asyncio.gather(*(one(store) for _ in range(count)), return_exceptions=True)
        seconds, processor = now() - begun, process_time() - used
        looking.cancel()
    failed = sum(end is not True for end in ends)
    return ManyRuns(seconds, processor, events, failed, percentile(late, 0.99), max(late), memory("VmHWM"))


def idle_runs(folder: Path | None, count: int) -> float:
    """Return the bytes of a run that waits for a permission, over so many."""
    return asyncio.run(_idle_runs(folder, count))


async def _idle_runs(folder: Path | None, count: int) -> float:
    agent = Agent(model=Model(1, ask="send"), tools=[send], plan="off")

    async def begin(store: Store | None, count: int) -> list[asyncio.Task[object]]:
        asked, all_ask = 0, asyncio.Event()

        async def never(_: object) -> bool:
            nonlocal asked
            asked += 1
            if asked == count:
                all_ask.set()
            nobody: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            return await nobody

        runs = [asyncio.create_task(_awaited(agent.run("?", store=store, approve=never))) for _ in range(count)]
        await all_ask.wait()
        gc.collect()
        return runs

    async with AsyncExitStack() as stack:
        store = None if folder is None else await stack.enter_async_context(Store(folder / "idle.db"))
        runs = await begin(store, WARM)
        before = memory("VmRSS")
        runs += await begin(store, count)
        grown = memory("VmRSS") - before
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
    return grown / count


async def _awaited(run: Awaitable[object]) -> object:
    return await run


@dataclass(frozen=True)
class LongRun:
    """What a run of many steps took."""

    run: str
    seconds: float
    growth: float
    """Its last steps ÷ its first ones, by the processor's time."""
    grown: int
    """Bytes that the process has more at its end."""


def long_run(path: Path, steps: int) -> LongRun:
    """Drive a run of so many steps with the store, and return what it took."""
    return asyncio.run(_long_run(path, steps))


async def _long_run(path: Path, steps: int) -> LongRun:
    @tool(read_only=True, name="work")
    async def quick(number: int) -> str:
        """Return something."""
        return f"{number:>200}"

    agent = Agent(model=Counting(steps), tools=[quick], plan="off", limits=Limits(steps=None))
    turns: list[float] = []
    async with Store(path) as store:
        before, begun = memory("VmRSS"), now()
        run = agent.stream("How long is it?", store=store)
        async for record in run:
            if record.event.kind == "turn_started":
                turns.append(process_time())
        result = await run
        if result.status != "completed":
            raise UserError(f"the long run did not end: {result.error}")
        part = max(10, steps // 50)
        growth = (turns[-1] - turns[-1 - part]) / (turns[2 * part] - turns[part])
        return LongRun(result.run_id, now() - begun, growth, memory("VmRSS") - before)


def memory(name: str) -> int:
    """Return what Linux says of this process: `VmRSS` now or `VmHWM` at most, in bytes; 0 elsewhere."""
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
