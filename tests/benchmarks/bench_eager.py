"""Calls that start while the model still writes: what that wins, and that it leaves nothing wrong behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from tests.benchmarks.measure import Row, median, now
from workbench.agent.spec import AgentSpec
from workbench.clock import SystemClock
from workbench.engine.journal import MemoryJournal
from workbench.engine.loop import RunLoop
from workbench.engine.surroundings import Surroundings
from workbench.engine.threads import ToolThreads
from workbench.errors import TransientModelError
from workbench.events.agent import Limits
from workbench.events.call import CallFinished
from workbench.events.content import text_content
from workbench.events.request import Request, Usage
from workbench.events.run import RunStarted
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TurnEnd
from workbench.tools.control import submit_answer
from workbench.tools.declaring import tool
from workbench.tools.toolkit import Toolkit

STREAM, CALL = 1.0, 0.3
"""Seconds of the turn that asks for the calls, and of each call."""
EVENLY = (0.2, 0.4, 0.6, 0.8)
"""When the blocks of four calls are whole, in seconds; then the model writes on."""
AT_THE_END = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Shape:
    """How the first turn comes."""

    whole_at: Sequence[float] = EVENLY
    breaks_at: float | None = None
    """When its first attempt breaks; the second comes at once and asks for the same."""
    submits: bool = False
    """It ends in `submit_answer`."""


class Writer:
    """A model that takes its time for the turn with the calls, and none for the answer."""

    def __init__(self, shape: Shape) -> None:
        self._shape, self._attempts = shape, 0

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream a turn."""
        if len(request.messages) > 1:
            for delta in _call(0, "submit_answer", '{"answer": "done"}'):
                yield delta
            yield TurnEnd("tool_calls", Usage())
            return
        first, self._attempts = self._attempts == 0, self._attempts + 1
        start = now()
        for number, moment in enumerate(self._shape.whole_at):
            if first and self._shape.breaks_at is not None and moment > self._shape.breaks_at:
                await asyncio.sleep(self._shape.breaks_at - (now() - start))
                raise TransientModelError("the stream broke", kind="broken", retry_after=0.0)
            await asyncio.sleep(max(0.0, moment - (now() - start)))
            for delta in _call(number, "work", f'{{"number": {number}}}'):
                yield delta
        await asyncio.sleep(max(0.0, STREAM - (now() - start)))
        if self._shape.submits:
            for delta in _call(len(self._shape.whole_at), "submit_answer", '{"answer": "done"}'):
                yield delta
        yield TurnEnd("tool_calls", Usage())


def _call(number: int, name: str, arguments: str) -> list[Delta]:
    return [CallOpened(number, name), CallInput(number, arguments), CallClosed(number)]


@dataclass(frozen=True)
class Ran:
    """What came of a run."""

    seconds: float
    began: int
    """How often the tool was begun."""
    journal: MemoryJournal

    def count(self, kind: str) -> int:
        """Return how many events of a kind there are."""
        return sum(record.event.kind == kind for record in self.journal.records)

    def is_sound(self) -> bool:
        """Whether the run is completed, nothing runs on, and each call that was asked for has its one result."""
        state = self.journal.state
        calls = [call for step in state.steps for call in step.calls.values()]
        finished = Counter(
            record.event.call for record in self.journal.records if isinstance(record.event, CallFinished)
        )
        return (
            state.status == "completed"
            and all(call.has_result if call.asked else call.status == "discarded" for call in calls)
            and max(finished.values()) == 1
        )


async def run(shape: Shape, *, eager: bool, one_at_a_time: bool = False) -> Ran:
    """Do a run of two turns, the calls while the first is written or after it."""
    began = 0

    @tool(read_only=True, max_concurrency=1 if one_at_a_time else None)
    async def work(number: int) -> str:
        """Take a while."""
        nonlocal began
        began += 1
        await asyncio.sleep(CALL)
        return f"done {number}"

    clock, kit = SystemClock(), Toolkit([work, submit_answer])
    spec = replace(AgentSpec(), toolkit=kit, plan="off", limits=Limits(steps=None), eager=eager)
    journal, model = MemoryJournal("bench", clock), Writer(shape)
    loop = RunLoop(journal, Surroundings(kit, lambda _: model, clock, ToolThreads()))
    await journal.append(RunStarted(task=text_content("?"), agent=spec.record(), date="2026-01-01"))
    start = now()
    await loop.run()
    return Ran(now() - start, began, journal)


def compared(name: str, shape: Shape, *, one_at_a_time: bool = False, wins: bool = True) -> Row:
    """Measure one shape both ways."""

    def seconds(eager: bool) -> float:
        return median([asyncio.run(run(shape, eager=eager, one_at_a_time=one_at_a_time)).seconds for _ in range(3)])

    waiting, early = seconds(eager=False), seconds(eager=True)
    met = early <= waiting - 0.15 if wins else None
    return Row(name, "eager is quicker" if wins else "–", f"waiting {waiting:.2f} s, eager {early:.2f} s", met)


def rows() -> list[Row]:
    """Measure and return the table."""
    broken = asyncio.run(run(Shape(breaks_at=0.7), eager=True))
    submitted = asyncio.run(run(Shape(submits=True), eager=True))
    return [
        compared("4 calls, the model writes on for 0.2 s", Shape()),
        compared("the same, of a tool that runs one call at a time", Shape(), one_at_a_time=True),
        compared("4 calls, the last whole with the end of the stream", Shape(AT_THE_END), wins=False),
        Row(
            "the stream breaks at 0.7 s and is asked for again",
            "no call is begun twice",
            f"{broken.began} begun, {broken.count('call_reused')} taken over, {broken.seconds:.2f} s",
            broken.is_sound() and broken.began == len(EVENLY),
        ),
        Row(
            "the turn ends in `submit_answer`",
            "nothing is left",
            f"{submitted.began} begun, {submitted.count('call_discarded')} given up, {submitted.seconds:.2f} s",
            submitted.is_sound(),
        ),
    ]


if __name__ == "__main__":
    for row in rows():
        print(row.line(), flush=True)
