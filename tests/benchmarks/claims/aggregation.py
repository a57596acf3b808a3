"""From a turn's calls to their aggregated results, at p95."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.claims.timed import steps_before
from tests.benchmarks.measure import Table, now, percentile
from workbench import Agent, Limits, Store, tool
from workbench.events.request import Request, Usage
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TextDelta, TurnEnd

CALLS, TURNS, AT_ONCE = 4, 200, 20
MODEL_SECONDS = 0.3
"""What a turn takes on average where runs go on at once, so that they do not go in step; one is answered at once."""
FEWEST, MOST = 0.010, 0.040
"""Seconds that a call takes."""
RESULT = 2_000
"""Bytes of a result."""
PERCENTILES = (0.5, 0.95, 0.99)


@dataclass
class Spans:
    """What was measured, in seconds."""

    calls: list[float] = field(default_factory=list)
    """In the tool itself."""
    aggregation: list[float] = field(default_factory=list)
    """From the end of the last tool of a turn to the next request."""
    whole: list[float] = field(default_factory=list)
    """From the end of the turn that asks for the calls to the next request, which has their results."""


class Asking:
    """A model that asks for calls, and knows when it was heard and when it was asked again; one for each run."""

    def __init__(self, turns: int, seconds: float, chance: random.Random, spans: Spans) -> None:
        self._turns, self._seconds, self._chance, self._spans = turns, seconds, chance, spans
        self.last_tool = self._ended = 0.0

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream a turn; it ends when its last block was taken."""
        asked = now()
        done = steps_before(request)
        if done:
            self._spans.whole.append(asked - self._ended)
            self._spans.aggregation.append(asked - self.last_tool)
        if self._seconds:
            await asyncio.sleep(self._seconds * self._chance.uniform(0.5, 1.5))
        for number in range(CALLS if done < self._turns else 0):
            yield CallOpened(number, "work")
            yield CallInput(number, f'{{"number": {number}}}')
            yield CallClosed(number)
        if done >= self._turns:
            yield TextDelta("done")
        self._ended = now()
        yield TurnEnd("tool_calls" if done < self._turns else "end_turn", Usage())


async def run(turns: int, seconds: float, spans: Spans, seed: int, store: Store | None) -> None:
    """Do one run."""
    chance = random.Random(seed)
    model = Asking(turns, seconds, chance, spans)

    @tool(read_only=True)
    async def work(number: int) -> str:
        """Take a while."""
        start = now()
        await asyncio.sleep(chance.uniform(FEWEST, MOST))
        model.last_tool = now()
        spans.calls.append(model.last_tool - start)
        return "x" * RESULT

    agent = Agent(model=model, tools=[work], plan="off", limits=Limits(steps=None, request_tokens=10**9), eager=False)
    result = await agent.run("?", store=store)
    assert result.is_completed, result.error


async def measured(turns: int, at_once: int = 1, *, stored: bool, seconds: float = 0.0) -> Spans:
    """Return what so many runs at once take."""
    spans = Spans()
    async with AsyncExitStack() as stack:
        store = None
        if stored:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            store = await stack.enter_async_context(Store(folder / "runs.db"))
        await asyncio.gather(*(run(turns, seconds, spans, seed, store) for seed in range(at_once)))
    return spans


def syncs() -> list[float]:
    """Return what it takes to write so many bytes as a step has to a file, and to have them on the disk."""
    samples = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(TURNS):
            start = now()
            file.write(b"x" * CALLS * RESULT)
            os.fsync(file.fileno())
            samples.append(now() - start)
    return samples


def _line(what: str, samples: list[float], target: float | None) -> tuple[str, ...]:
    found = [percentile(samples, share) for share in PERCENTILES]
    times = [f"{one * 1e3:.1f} ms" for one in found]
    if target is None:
        return what, *times, "–", "–"
    return what, *times, f"< {target * 1e3:.0f} ms", "yes" if found[1] < target else "**no**"


def table() -> Table:
    """Measure and return the table."""
    lines = [_line("a step's results written and synced, without a store (the floor of one)", syncs(), None)]
    for name, spans in (
        ("one run, in memory", asyncio.run(measured(TURNS, stored=False))),
        ("one run, in a store", asyncio.run(measured(TURNS, stored=True))),
        (
            f"{AT_ONCE} runs at once, in a store",
            asyncio.run(measured(TURNS // AT_ONCE, AT_ONCE, stored=True, seconds=MODEL_SECONDS)),
        ),
    ):
        lines += [
            _line(f"{name}: a call", spans.calls, 0.05),
            _line(f"{name}: aggregation", spans.aggregation, 0.02),
            _line(f"{name}: the whole", spans.whole, 0.1),
        ]
    return Table(
        "From a turn's calls to aggregated results",
        ("what", "p50", "p95", "p99", "target of p95", "met"),
        lines,
        "The claim: 100 ms at p95 from a turn with calls to their aggregated results, a tool under 50 ms, aggregation "
        f"under 20 ms. Here each of {TURNS} turns a line asks for {CALLS} calls of {FEWEST * 1e3:.0f} to "
        f"{MOST * 1e3:.0f} ms that give 2 KB each, none of them started early; the model answers one run at once, and "
        f"many in {MODEL_SECONDS * 500:.0f} to {MODEL_SECONDS * 1500:.0f} ms. The whole is from the end of the turn to "
        "the next request, which has the results; aggregation is its part after the last tool returned, and in a store "
        "the results are on disk by then.",
    )
