"""Runs that nobody keeps: the engine on a log in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakKeyDictionary, finalize

from workbench.agent.definition import AgentDefinition
from workbench.api.places import Watch, question_or_end
from workbench.api.result import WaitingCall, waiting_calls
from workbench.clock import Clock
from workbench.config.settings import find_cache
from workbench.driver.agents import Agents
from workbench.driver.commands import AgentOptions
from workbench.driver.feed import Feed
from workbench.driver.moving import STOP_SECONDS
from workbench.driver.settings import DriverSettings
from workbench.driver.works import Works
from workbench.engine.journal import MemoryJournal
from workbench.engine.loop import RunLoop
from workbench.engine.memory_children import MemoryChildren, loop_with_children
from workbench.engine.surroundings import Surroundings, nothing_around
from workbench.engine.threads import ToolThreads
from workbench.errors import UserError, WorkbenchError
from workbench.events.base import Recorded
from workbench.events.call import PermissionAsked, PermissionDecided
from workbench.events.content import Content, normalise_content, text_content
from workbench.events.run import RunPaused, RunStarted
from workbench.providers.own import OwnModels
from workbench.providers.registry import Providers
from workbench.providers.remote import Endpoint
from workbench.state.run_state import RunState
from workbench.telemetry.programs import followed
from workbench.tools.library import NotesInMemory


class MemoryRun:
    """A run that nobody keeps, on the caller's event loop."""

    def __init__(self, agent: AgentDefinition, watch: Watch, endpoints: Mapping[str, Endpoint] | None) -> None:
        self._agent, self._watch = agent, watch
        self._models = OwnModels(Providers(endpoints))
        for model in agent.own_models.values():
            self._models.add(model)
        cache = find_cache() if agent.needs_documents else Path()
        settings = DriverSettings(Path(), cache, make_provider=self._models)
        feed = Feed()
        self._settings = settings
        self._agents = Agents(settings, feed, Works(feed), NotesInMemory())
        self._journal: WatchedJournal | None = None
        self._loop: RunLoop | None = None
        self._children: MemoryChildren | None = None
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._followed = followed()

    async def start(self, task: str, attached: Content, options: AgentOptions) -> None:
        """Begin a run; raises `UserError` where something cannot be used."""
        if not task.strip():
            raise UserError("the question is empty; write what you want to know")
        record = await self._agents.new(options, self._agent)
        clock = self._settings.clock
        run = clock.new_id()
        self._agents.use(run, self._agent)
        self._journal = journal = self._new_journal(run)
        today = datetime.fromtimestamp(clock.wall(), tz=UTC).astimezone().date().isoformat()
        question = (*text_content(task.strip()), *normalise_content(attached))
        await journal.append(RunStarted(task=question, agent=record, date=today))
        code = await self._agents.code(record, run)
        around = Surroundings(
            toolkit=code.toolkit,
            hooks=code.hooks,
            output=code.output,
            provider=lambda model: self._models(model, record.pace),
            clock=clock,
            threads=_threads_of(self._agent),
            lineage=(run,),
            deny_asks=options.deny_asks,
            around_call=self._followed.around_call if self._followed is not None else nothing_around,
        )
        self._loop, self._children = loop_with_children(journal, around, self._new_journal)
        self._go_on()

    def _new_journal(self, run: str) -> WatchedJournal:
        return WatchedJournal(run, self._settings.clock, self._tell)

    def _tell(self, record: Recorded) -> None:
        if isinstance(record.event, PermissionAsked):
            self._asked.set()
        if self._followed is not None:
            self._followed.take(record)
        self._watch(record)

    def _go_on(self) -> None:
        if self._loop is not None:
            self._task = asyncio.create_task(self._loop.run())

    @property
    def state(self) -> RunState:
        """The run as it is."""
        if self._journal is None:
            raise WorkbenchError("the run has not begun")
        return self._journal.state

    @property
    def waiting(self) -> tuple[WaitingCall, ...]:
        """The calls that ask for permission, those of subagents too."""
        children = self._children.all.values() if self._children is not None else ()
        return tuple(call for state in (self.state, *(one.state for one in children)) for call in waiting_calls(state))

    async def to_rest_or_question(self) -> bool:
        """Wait until it ends or goes on only with a decision, or until a call asks; return whether it rests."""
        if self._task is None:
            return True
        if self._task.done() and not self.state.is_resting:
            self._go_on()  # a decision came while the loop was ending, or after
        await question_or_end(self._task, self._asked)
        if self._task.done() and not self._task.cancelled():
            self._task.result()
        return self._task.done() and self.state.is_resting

    async def decide(self, call: WaitingCall, *, allow: bool) -> None:
        """Answer a call that asks for permission."""
        decided = PermissionDecided(call=call.call, verdict="allow" if allow else "deny")
        if self._children is not None and call.run in self._children.all:
            await self._children.all[call.run].journal.append(decided)
            self._children.wake(call.run)
        elif self._journal is not None and self._loop is not None:
            await self._journal.append(decided)
            self._loop.wake()

    async def stop(self) -> None:
        """Bring it to rest at once; what does not obey is left behind."""
        if self._loop is None or self._task is None or self._task.done():
            return
        await asyncio.sleep(0)  # a loop that was only just made begins, and forgets no more that it is to stop
        children = self._children.moving if self._children is not None else []
        for _ in range(2):
            for loop in (self._loop, *(child.loop for child in children)):
                loop.pause()
        await asyncio.wait({self._task}, timeout=STOP_SECONDS)
        stuck = [task for task in (self._task, *(child.task for child in children)) if task and not task.done()]
        for task in stuck:
            task.cancel()
        if stuck:
            await asyncio.wait(stuck, timeout=STOP_SECONDS)
            if self._journal is not None and not self.state.is_resting:
                await self._journal.append(RunPaused())

    async def close(self) -> None:
        """Close what its agent opened, and let go of the run.

        Its parts know each other, so Python would keep them until it looks for garbage: a program that begins many runs
        would hold what is over.
        """
        if self._followed is not None:
            self._followed.close()
        await self._agents.close()
        if self._children is not None:
            self._children.close()
        self._loop = self._children = self._journal = self._task = None


class WatchedJournal(MemoryJournal):
    """A log in memory whose events somebody is told."""

    def __init__(self, run: str, clock: Clock, watch: Watch) -> None:
        super().__init__(run, clock)
        self._watch = watch

    def _take(self, record: Recorded) -> None:
        super()._take(record)
        self._watch(record)


_THREADS: WeakKeyDictionary[AgentDefinition, ToolThreads] = WeakKeyDictionary()


def _threads_of(agent: AgentDefinition) -> ToolThreads:
    """Return the threads of an agent's sync tools, which live as long as the agent."""
    if agent not in _THREADS:
        _THREADS[agent] = threads = ToolThreads()
        finalize(agent, threads.close)
    return _THREADS[agent]
