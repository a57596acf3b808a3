"""A loop on a log in memory, with a scripted model and the test's own tools; nothing in it waits for the clock.

Every run made with it is checked as it goes: after each event the state equals the fold of the log, each event comes
back from its JSON as it was, and every request that the model got is a history that providers accept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from workbench.agent.hooks import Hooks
from workbench.agent.spec import AgentSpec
from workbench.clock import Clock, ManualClock
from workbench.conversation.messages import problems
from workbench.debugger.breakpoints import parse_rule
from workbench.debugger.stops import Stops
from workbench.engine.journal import MemoryJournal
from workbench.engine.loop import RunLoop
from workbench.engine.surroundings import Subagents, Surroundings
from workbench.engine.threads import ToolThreads
from workbench.events.agent import AgentRecord, Limits, ModelRetries
from workbench.events.base import Event, Recorded
from workbench.events.call import ResultEvent
from workbench.events.codec import body_json, head_json, parse_event, whole_json
from workbench.events.content import plain_text, text_content
from workbench.events.request import Request
from workbench.events.run import RunResumed, RunStarted
from workbench.providers.base import Provider
from workbench.providers.scripted import Script, ScriptedProvider, Turn
from workbench.state.fold import fold
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.control import spawn_subagent, submit_answer
from workbench.tools.toolkit import Toolkit

PATIENCE = 30.0
"""Seconds after which a test that hangs fails."""
UNLIMITED = Limits(steps=None)
AT_ONCE = ModelRetries(first_wait=0.0)
"""A further attempt of the model is not waited for."""

T = TypeVar("T")
EventT = TypeVar("EventT", bound=Event)


class CheckedJournal(MemoryJournal):
    """A log in memory that holds its own invariants, and says when something was written."""

    def __init__(self, run: str, clock: Clock, inherited: Sequence[Recorded] = ()) -> None:
        super().__init__(run, clock, inherited)
        self.changed = asyncio.Event()
        self.durable: list[int] = []
        """Seq of the last event of each append that power loss must not lose."""
        self.batches: list[list[str]] = []
        self.drafts: list[str] = []

    async def append(self, *events: Event, durable: bool = False) -> None:
        """Append one by one; after each, the fold of the log must be the state."""
        for event in events:
            assert parse_event(whole_json(head_json(event), body_json(event))) == event
            await super().append(event)
            assert fold(self.records) == self.state
        self.batches.append([event.kind for event in events])
        if durable:
            self.durable.append(self.state.seq)
        self.changed.set()

    def draft(self, step: int, purpose: str, text: str, thinking: str) -> None:
        """Keep what would be shown."""
        self.drafts.append(text)
        self.changed.set()


class Lab:
    """One run."""

    def __init__(
        self,
        script: Script,
        tools: Sequence[Tool] = (),
        *,
        plan_turn: Turn | None = None,
        provider: Provider | None = None,
        subagents: Subagents | None = None,
        deny_asks: bool = False,
        clock: Clock | None = None,
        records: Sequence[Recorded] = (),
        run: str = "r1",
        threads: ToolThreads | None = None,
        submit: Tool = submit_answer,
        rules: Sequence[str] = (),
        hooks: tuple[Hooks, ...] = (),
        live_hooks: tuple[Hooks, ...] | None = None,
        has_class: bool = True,
        answer_class: type[BaseModel] | None = None,
        **agent: Any,
    ) -> None:
        clock = clock or ManualClock()
        self.model = ScriptedProvider(script, plan=plan_turn)
        self.toolkit = Toolkit([*tools, spawn_subagent, submit])
        self.journal = CheckedJournal(run, clock, records)
        self.threads = threads or ToolThreads()
        answering: Provider = provider or self.model
        self.around = Surroundings(
            self.toolkit,
            lambda _: answering,
            clock,
            self.threads,
            subagents,
            deny_asks=deny_asks,
            hooks=hooks if live_hooks is None else live_hooks,
            output=answer_class or (agent.get("output") if has_class else None),
            breakpoints=lambda: self.stops,
        )
        self.stops = Stops(tuple(parse_rule(rule) for rule in rules))
        """The breakpoints in force; a test may replace them while the run goes on."""
        self.loop = RunLoop(self.journal, self.around)
        options = {"plan": "off", "limits": UNLIMITED, "retries": AT_ONCE, "hooks": hooks, **agent}
        self.agent = AgentSpec(toolkit=self.toolkit, **options).record()

    @property
    def state(self) -> RunState:
        """The run as it is."""
        return self.journal.state

    @property
    def requests(self) -> list[Request]:
        """What the model was asked."""
        return self.model.requests

    async def begin(self, task: str = "What?") -> None:
        """Give the task, where none was given."""
        if self.state.seq < 0:
            await self.journal.append(RunStarted(task=text_content(task), agent=self.agent, date="2026-09-21"))

    async def run(self) -> RunState:
        """Run until the loop rests; check every request."""
        await self.begin()
        await patiently(self.loop.run())
        self.check()
        return self.state

    def check(self) -> None:
        """Fail where a request was a history that a provider refuses."""
        for request in self.requests:
            assert problems(request.messages) == []

    async def started(self) -> asyncio.Task[None]:
        """Begin the run and let it go on in the background; await the task, or `finish` it."""
        await self.begin()
        return asyncio.create_task(self.loop.run())

    async def finish(self, task: asyncio.Task[None]) -> RunState:
        """Wait for a run in the background; check every request."""
        await patiently(task)
        self.check()
        return self.state

    async def until(self, reached: Callable[[], object]) -> None:
        """Wait until something holds, looking again after every event."""

        async def watch() -> None:
            while not reached():
                self.journal.changed.clear()
                await self.journal.changed.wait()

        await patiently(watch())

    async def go_on(self) -> RunState:
        """Let a run that rests go on, as a person does."""
        await self.journal.append(RunResumed())
        return await self.run()

    def statuses(self, step: int = 0) -> list[str]:
        """Return the statuses of the calls that a step knows, in the order in which they became known."""
        steps = self.state.steps
        return [call.status for call in steps[step].calls.values()] if step < len(steps) else []

    def call(self, call: str) -> CallState:
        """Return a call that must exist."""
        known = self.state.call(call)
        assert known is not None, f"no call {call}"
        return known

    def text(self, call: str) -> str:
        """Return a call's result as text."""
        ref = self.call(call).result
        assert ref is not None, f"call {call} has no result"
        event = self.journal.records[ref.seq].event
        assert isinstance(event, ResultEvent)
        return plain_text(event.result)

    def all(self, kind: type[EventT]) -> list[EventT]:
        """Return the events of one kind, in order."""
        return [record.event for record in self.journal.records if isinstance(record.event, kind)]

    @property
    def kinds(self) -> list[str]:
        """The kinds of all events, in order."""
        return [record.event.kind for record in self.journal.records]

    def sent_results(self, request: int = -1) -> list[tuple[str, str, bool]]:
        """Return call, text and is_error of the results that a request ends with."""
        last = self.requests[request].messages[-1]
        assert last.role == "user"
        return [(result.call, plain_text(result.content), result.is_error) for result in last.results]


async def patiently(awaited: Coroutine[Any, Any, T] | asyncio.Future[T] | asyncio.Task[T]) -> T:
    """Wait, but not for ever."""
    return await asyncio.wait_for(awaited, PATIENCE)


def answer(text: str = "42", *sources: str) -> Turn:
    """Return the turn that submits `text`."""
    return Turn(calls=[("submit_answer", {"answer": text, "citations": [{"source": name} for name in sources]})])


def asks(*calls: tuple[str, Mapping[str, Any] | str], **more: Any) -> Turn:
    """Return a turn with calls."""
    return Turn(calls=calls, **more)


class Barrier:
    """Lets nobody through before `count` have come."""

    def __init__(self, count: int) -> None:
        self._count, self._here, self._open = count, 0, asyncio.Event()

    async def wait(self) -> None:
        """Come, and wait for the others."""
        self._here += 1
        if self._here >= self._count:
            self._open.set()
        await self._open.wait()


def with_limits(record: AgentRecord, **limits: Any) -> AgentRecord:
    """Return the agent with other limits."""
    return record.model_copy(update={"limits": record.limits.model_copy(update=limits)})
