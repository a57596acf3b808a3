"""Runs that nobody keeps: the engine on a log in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakKeyDictionary, finalize

from workbench.agent.definition import AgentDefinition
from workbench.api.places import Watch
from workbench.clock import Clock
from workbench.config.settings import find_places
from workbench.driver.agents import Agents
from workbench.driver.commands import AgentOptions
from workbench.driver.feed import Feed
from workbench.driver.moving import STOP_SECONDS
from workbench.driver.settings import DriverSettings
from workbench.driver.works import Works
from workbench.engine.journal import MemoryJournal
from workbench.engine.loop import RunLoop
from workbench.engine.surroundings import Surroundings
from workbench.engine.threads import ToolThreads
from workbench.errors import UserError, WorkbenchError
from workbench.events.base import Recorded
from workbench.events.call import PermissionDecided
from workbench.events.content import Content, normalise_content, text_content
from workbench.events.run import RunStarted
from workbench.providers.own import OwnModels
from workbench.providers.registry import Providers
from workbench.providers.remote import Endpoint
from workbench.state.run_state import RunState
from workbench.tools.library import NotesInMemory


class MemoryRun:
    """A run that nobody keeps, on the caller's event loop."""

    def __init__(self, agent: AgentDefinition, watch: Watch, endpoints: Mapping[str, Endpoint] | None) -> None:
        self._agent, self._watch = agent, watch
        self._models = OwnModels(Providers(endpoints))
        for model in agent.own_models.values():
            self._models.add(model)
        settings = DriverSettings(Path(), find_places().cache, make_provider=self._models)
        feed = Feed()
        self._settings = settings
        self._agents = Agents(settings, feed, Works(feed), NotesInMemory())
        self._journal: WatchedJournal | None = None
        self._loop: RunLoop | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, task: str, attached: Content, options: AgentOptions) -> None:
        """Begin a run; raises `UserError` where something cannot be used."""
        if not task.strip():
            raise UserError("the question is empty; write what you want to know")
        record = await self._agents.new(options, self._agent)
        clock = self._settings.clock
        run = clock.new_id()
        self._agents.use(run, self._agent)
        self._journal = journal = WatchedJournal(run, clock, self._watch)
        today = datetime.fromtimestamp(clock.wall(), tz=UTC).astimezone().date().isoformat()
        question = (*text_content(task.strip()), *normalise_content(attached))
        await journal.append(RunStarted(task=question, agent=record, date=today))
        around = Surroundings(
            toolkit=(await self._agents.code(record, run)).toolkit,
            provider=lambda model: self._models(model, record.pace),
            clock=clock,
            threads=_threads_of(self._agent),
            lineage=(run,),
            deny_asks=options.deny_asks,
        )
        self._loop = RunLoop(journal, around)
        self._go_on()

    def _go_on(self) -> None:
        if self._loop is not None:
            self._task = asyncio.create_task(self._loop.run())

    @property
    def state(self) -> RunState:
        """The run as it is."""
        if self._journal is None:
            raise WorkbenchError("the run has not begun")
        return self._journal.state

    async def to_rest(self) -> None:
        """Wait until it ends, or goes on only with a decision."""
        while self._task is not None:
            await asyncio.shield(self._task)
            if self.state.is_resting:
                return
            self._go_on()  # a decision came while the loop was ending

    async def decide(self, call: str, *, allow: bool) -> None:
        """Answer a call that asks for permission."""
        if self._journal is not None:
            await self._journal.append(PermissionDecided(call=call, verdict="allow" if allow else "deny"))
            if self._loop is not None:
                self._loop.wake()

    async def stop(self) -> None:
        """Bring it to rest at once; what does not obey is left behind."""
        if self._loop is None or self._task is None:
            return
        self._loop.pause()
        self._loop.pause()
        await asyncio.wait({self._task}, timeout=STOP_SECONDS)

    async def close(self) -> None:
        """Close what its agent opened."""
        await self._agents.close()


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
