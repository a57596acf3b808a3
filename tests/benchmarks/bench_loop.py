"""The loop alone: 4 concurrent calls a step, no store; beside the floor of plain asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

from tests.benchmarks.measure import Row, median, now, repeated, spread
from workbench.agent.spec import AgentSpec
from workbench.clock import SystemClock
from workbench.engine.journal import MemoryJournal
from workbench.engine.loop import RunLoop
from workbench.engine.surroundings import Surroundings
from workbench.engine.threads import ToolThreads
from workbench.events.agent import Limits
from workbench.events.content import text_content
from workbench.events.request import Request, Usage
from workbench.events.run import RunStarted
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TurnEnd
from workbench.tools.control import submit_answer
from workbench.tools.declaring import tool
from workbench.tools.toolkit import Toolkit

CALLS = 4


class Model:
    """Asks for `CALLS` calls a turn, `steps` times, and then answers; it costs as little time as a model can."""

    def __init__(self, steps: int, seconds: float) -> None:
        self._left, self._seconds = steps, seconds

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream a turn."""
        await asyncio.sleep(self._seconds)
        calls = [("work", f'{{"number": {number}}}') for number in range(CALLS)]
        for index, (name, given) in enumerate(calls if self._left else [("submit_answer", '{"answer": "done"}')]):
            yield CallOpened(index, name)
            yield CallInput(index, given)
            yield CallClosed(index)
        self._left -= 1
        yield TurnEnd("tool_calls", Usage(input_tokens=10, output_tokens=5))


async def run_loop(steps: int, seconds: float = 0.0) -> tuple[float, list[float]]:
    """Return the seconds of a whole run, and the moments at which each turn started."""

    @tool(read_only=True)
    async def work(number: int) -> str:
        """Do nothing, or wait."""
        await asyncio.sleep(seconds)
        return "ok"

    clock, kit = SystemClock(), Toolkit([work, submit_answer])
    limits = Limits(steps=None, request_tokens=10**9)
    spec = replace(AgentSpec(), toolkit=kit, plan="off", limits=limits, eager=False)
    journal = MemoryJournal("bench", clock)
    provider = Model(steps, seconds)
    loop = RunLoop(journal, Surroundings(kit, lambda _: provider, clock, ToolThreads()))
    await journal.append(RunStarted(task=text_content("?"), agent=spec.record(), date="2026-01-01"))
    start = now()
    await loop.run()
    took = now() - start
    assert journal.state.status == "completed"
    turns = [record.at for record in journal.records if record.event.kind == "turn_started"]
    return took, turns


async def plain(steps: int, seconds: float = 0.0) -> float:
    """Return the seconds that asyncio itself needs for the same number of waits."""

    async def work() -> str:
        await asyncio.sleep(seconds)
        return "ok"

    start = now()
    for _ in range(steps):
        if seconds:
            await asyncio.sleep(seconds)
        async with asyncio.timeout(60):
            await asyncio.gather(*(work() for _ in range(CALLS)))
    return now() - start


def rows() -> list[Row]:
    """Measure and return the table."""
    floor = [sample / 100 for sample in repeated(5, lambda: asyncio.run(plain(100)))]
    overhead = [sample / 21 for sample in repeated(9, lambda: asyncio.run(run_loop(20))[0])]
    growth = []
    for _ in range(3):
        turns = asyncio.run(run_loop(400))[1]
        steps = [later - earlier for earlier, later in pairwise(turns)]
        growth.append(median(steps[-20:]) / median(steps[:20]))
    slow = repeated(3, lambda: asyncio.run(run_loop(20, 0.02))[0])
    efficiency = (20 * 0.04 + 0.02) / median(slow)
    waits = 20 * 0.04 / median(repeated(3, lambda: asyncio.run(plain(20, 0.02))))
    long = asyncio.run(run_loop(10_000))[0] / 10_000
    return [
        Row("plain asyncio, 4 waits a step (the floor)", "–", spread(floor)),
        Row(
            "loop, a step of 4 concurrent calls, no store",
            "≤ 0.25 ms",
            spread(overhead),
            median(overhead) <= 0.25e-3,
            "a step makes 29 validated values, ten events, four tasks with a timer each, and a request: no part of it "
            "takes a tenth, so what is left is all of Python's calls together",
        ),
        Row(
            "growth: median of the last 20 steps ÷ of the first 20, of 400",
            "≤ 1.1",
            f"{median(growth):.2f}",
            median(growth) <= 1.1,
        ),
        Row("10,000 steps: no recursion, a step", "–", f"{long * 1e3:.2f} ms"),
        Row("efficiency of plain asyncio, the same waits (the floor)", "–", f"{waits:.3f}"),
        Row(
            "efficiency: critical path ÷ wall, 20 ms model + 20 ms tools",
            "≥ 0.97",
            f"{efficiency:.3f}",
            efficiency >= 0.97,
            "the loop's own share of a step, and that asyncio wakes up to 1 ms late, twice a step",
        ),
    ]
