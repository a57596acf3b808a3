"""`Agent`: the public class. It is defined, and it runs."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.agent.definition import AgentDefinition
from workbench.api.memory import MemoryRun
from workbench.api.places import LivingRun, Store, StoredRun, Watch, shared_store
from workbench.api.result import RunResult, WaitingCall, result_of
from workbench.debugger.parameters import check_agent
from workbench.driver.attaching import attached
from workbench.driver.commands import AgentOptions
from workbench.driver.leaving import leave
from workbench.errors import AgentError, EditRefusedError, UserError
from workbench.events.base import Recorded
from workbench.events.content import Content
from workbench.providers.remote import Endpoint
from workbench.tools.library import NoDocuments, NotesInMemory

Approve = Callable[[WaitingCall], bool | Awaitable[bool]]
"""Answers for a person whether a call may run; it may be async."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Agent(AgentDefinition):
    """An agent: instructions, a model, tools. Named in a file, it runs in the workbench with `-a FILE`.

    `await agent.run("question")` runs it without a screen; `agent.stream("question")` gives its events as well.
    """

    def __post_init__(self) -> None:
        """Refuse what cannot be used, where it was written."""
        super().__post_init__()
        record = self(NoDocuments(), NotesInMemory(), None).record()
        if self.mcp:  # what is named may be a tool of a server, which nobody has asked yet
            parameters = record.parameters.model_copy(update={"tool_choice": "auto"})
            record = record.model_copy(update={"roles": (), "parameters": parameters})
        try:
            check_agent(record)
        except EditRefusedError as error:
            raise AgentError(str(error)) from None

    async def run(
        self,
        question: str,
        *,
        store: str | Path | Store | None = None,
        attach: Sequence[str | Path] = (),
        approve: Approve | None = None,
        endpoints: Mapping[str, Endpoint] | None = None,
    ) -> RunResult:
        """Run it on a question, to its end or to where only a person can go on.

        `store` is a database, by its path or open; without one nothing is kept. `attach` are files that are given with
        the question. `approve` answers for calls that ask for permission; without it the run rests at the first
        (`result.waiting`), and what subagents ask is denied. `endpoints` says how providers are reached, where no open
        store does. Errors of tools and models are part of the result; `UserError` is raised where nothing could begin,
        `StoreError` where the database can be written no more. Cancelled, the run is stopped.
        """
        return await AgentRun(self, self._begin(question, store, attach, endpoints), approve, is_heard=False)

    def stream(
        self,
        question: str,
        *,
        store: str | Path | Store | None = None,
        attach: Sequence[str | Path] = (),
        approve: Approve | None = None,
        endpoints: Mapping[str, Endpoint] | None = None,
    ) -> AgentRun:
        """Return a run that has not begun: iterate over its events, await its result, or both. As for `run`."""
        return AgentRun(self, self._begin(question, store, attach, endpoints), approve)

    def _begin(
        self,
        question: str,
        store: str | Path | Store | None,
        attach: Sequence[str | Path],
        endpoints: Mapping[str, Endpoint] | None,
    ) -> _Begin:
        async def begin(watch: Watch, stack: AsyncExitStack) -> LivingRun:
            files: Content = attached([str(path) for path in attach])
            if store is None:
                living: MemoryRun | StoredRun = MemoryRun(self, watch, endpoints)
            else:
                living = StoredRun(await _opened(store, endpoints, stack), self, watch)
            stack.push_async_callback(living.close)
            await living.start(question, files, AgentOptions(fallback=_WITHOUT_A_PERSON))
            return living

        return begin

    async def resume(
        self,
        run: str,
        *,
        store: str | Path | Store,
        say: str | None = None,
        approve: Approve | None = None,
        max_steps: int | None = None,
        endpoints: Mapping[str, Endpoint] | None = None,
    ) -> RunResult:
        """Let a run of the store go on, by its id or a beginning of it, with this agent's tools.

        `say` adds a message first; a completed run goes on as a fork of itself. `max_steps` is a higher limit.
        """

        async def begin(watch: Watch, stack: AsyncExitStack) -> LivingRun:
            living = StoredRun(await _opened(store, endpoints, stack), self, watch)
            stack.push_async_callback(living.close)
            await living.resume(run, say, AgentOptions(max_steps=max_steps))
            return living

        return await AgentRun(self, begin, approve, is_heard=False)

    def run_sync(self, question: str, **options: Any) -> RunResult:
        """Run it from code without an event loop; `options` are those of `run`."""
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        try:
            return runner.run(self.run(question, **options))
        finally:  # not by the runner's own end, which waits for each tool that it cancels, for ever if need be
            leave(runner.get_loop())


_WITHOUT_A_PERSON = AgentOptions(plan="off")
"""What holds where the agent says nothing: nobody is there to whom a plan would be shown."""
_Begin = Callable[[Watch, AsyncExitStack], Awaitable[LivingRun]]


class AgentRun:
    """A run that begins when it is awaited or iterated over.

    Iterating gives each event (`Recorded`) of the run and its subagents once it is kept; awaiting gives the result.
    Leaving the iteration does not stop the run; `stop` does, and so does cancelling whoever awaits it.
    """

    def __init__(
        self, agent: AgentDefinition, begin: _Begin, approve: Approve | None, *, is_heard: bool = True
    ) -> None:
        """`is_heard`: somebody may ask for its events, so they are kept until then."""
        self._agent, self._begin, self._approve = agent, begin, approve
        self._events: asyncio.Queue[Recorded | None] = asyncio.Queue()
        self._watch: Watch = self._events.put_nowait if is_heard else _unheard
        self._living: LivingRun | None = None
        self._is_stopped = False
        self._task: asyncio.Task[RunResult] | None = None

    def __await__(self) -> Generator[Any, None, RunResult]:
        """Wait for the result."""
        return self._result().__await__()

    async def __aiter__(self) -> AsyncIterator[Recorded]:
        """Give the events, and raise where the run could not begin."""
        task = self._started()
        while (event := await self._events.get()) is not None:
            yield event
        self._events.put_nowait(None)  # whoever iterates again gets no event, and does not wait for one
        await task

    async def stop(self) -> None:
        """Bring the run to rest at once, or as soon as it has begun; a run in a store can be resumed."""
        self._is_stopped = True
        if self._living is not None:
            await self._living.stop()

    def _started(self) -> asyncio.Task[RunResult]:
        if self._task is None:
            self._task = asyncio.create_task(self._go())
        return self._task

    async def _result(self) -> RunResult:
        task = self._started()
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()  # which stops the run on its way out
            await asyncio.wait({task})
            raise

    async def _go(self) -> RunResult:
        try:
            async with AsyncExitStack() as stack:
                self._living = living = await self._begin(self._watch, stack)
                stack.push_async_callback(living.stop)  # it rests already, unless this is cancelled or fails
                if self._is_stopped:
                    await living.stop()
                rests = False
                while not rests:
                    rests = await living.to_rest_or_question()
                    rests = not await self._answered(living) and rests
                return result_of(living.state, self._agent.output)
        finally:
            self._events.put_nowait(None)

    async def _answered(self, living: LivingRun) -> bool:
        """Answer the calls that ask; return whether any was. Without anybody to ask, those of subagents are denied."""
        calls = living.waiting
        if self._approve is None:
            calls = tuple(call for call in calls if call.run != living.state.run)
        for call in calls:
            answer = self._approve(call) if self._approve is not None else False
            allow = await answer if inspect.isawaitable(answer) else answer
            await living.decide(call, allow=bool(allow))
        return bool(calls)


def _unheard(_: Recorded) -> None:
    """Keep nothing."""


async def _opened(store: str | Path | Store, endpoints: Mapping[str, Endpoint] | None, stack: AsyncExitStack) -> Store:
    if isinstance(store, Store):
        if endpoints is not None:
            raise UserError("endpoints belong to the store: Store(path, endpoints=…)")
        return store
    return await stack.enter_async_context(shared_store(store, endpoints))
