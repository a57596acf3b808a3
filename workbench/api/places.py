"""Where the runs of a program live in a database; those in memory stand in `memory`.

Both are the same engine with the same agents; what differs is who keeps the log, and that a run in memory cannot be
opened by anybody else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from weakref import WeakKeyDictionary

from workbench.agent.definition import AgentDefinition
from workbench.api.result import WaitingCall, waiting_calls
from workbench.config.settings import find_cache
from workbench.driver.commanding import obey
from workbench.driver.commands import AgentOptions, DecidePermission, ResumeRun, Say, StartRun
from workbench.driver.feed import Feed, Trouble
from workbench.driver.live import LiveRun
from workbench.driver.opening import opened_session
from workbench.driver.session import Session
from workbench.driver.settings import DriverSettings
from workbench.errors import StoreError, UserError, WorkbenchError
from workbench.events.base import Recorded
from workbench.events.call import PermissionAsked, SubagentStarted
from workbench.events.content import Content
from workbench.providers.own import OwnModels
from workbench.providers.registry import Providers
from workbench.providers.remote import Endpoint
from workbench.state.run_state import RunState
from workbench.telemetry.facts import Kin
from workbench.telemetry.programs import followed

Watch = Callable[[Recorded], None]
"""Is told each event of a run and of its subagents, in order, once it is kept."""


class LivingRun(Protocol):
    """A run that somebody waits for."""

    @property
    def state(self) -> RunState:
        """The run as it is."""
        ...

    @property
    def waiting(self) -> tuple[WaitingCall, ...]:
        """The calls that ask for permission, those of subagents too."""
        ...

    async def to_rest_or_question(self) -> bool:
        """Wait until it ends or goes on only with a decision, or until a call asks; return whether it rests."""
        ...

    async def decide(self, call: WaitingCall, *, allow: bool) -> None:
        """Answer a call that asks for permission."""
        ...

    async def stop(self) -> None:
        """Bring it to rest at once."""
        ...

    async def close(self) -> None:
        """Let go of what was opened for it."""
        ...


class Store:
    """A database of runs for a program, open as long as its `async with` block; any number of runs may live in it.

    `endpoints` says how the providers of models are reached, by their names; else the environment says so. Runs that
    are left in it can be looked at with `workbench --db PATH`, also while they go on.
    """

    def __init__(self, path: str | Path, *, endpoints: Mapping[str, Endpoint] | None = None) -> None:
        self.path = Path(path).expanduser()
        self.endpoints = endpoints
        self._models = OwnModels(Providers(endpoints))
        self._stack = AsyncExitStack()
        self._session: Session | None = None

    async def __aenter__(self) -> Self:
        """Open the database; raises `StoreError` where it cannot be used."""
        settings = DriverSettings(self.path, find_cache(), make_provider=self._models)
        self._session = await self._stack.enter_async_context(opened_session(settings, Feed()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Pause what still runs, and close it."""
        self._session = None
        await self._stack.aclose()

    @property
    def session(self) -> Session:
        """What lives on the event loop while the store is open."""
        if self._session is None:
            raise WorkbenchError("the store is not open; use it inside of `async with Store(…) as store:`")
        return self._session

    def know(self, agent: AgentDefinition) -> None:
        """Let the models be asked that an agent has as objects."""
        for model in agent.own_models.values():
            self._models.add(model)


_SHARED: dict[tuple[int, Path], tuple[Store, int]] = {}
"""Stores that runs opened by their path, by event loop, with how many use them: one process writes once."""


@asynccontextmanager
async def shared_store(path: str | Path, endpoints: Mapping[str, Endpoint] | None) -> AsyncIterator[Store]:
    """Give the store at `path`, which runs at the same time share."""
    place = Path(os.path.realpath(Path(path).expanduser()))  # noqa: ASYNC240 - as quick as opening it
    key = (id(asyncio.get_running_loop()), place)
    lock = _OPENING.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with lock:
        store, users = _SHARED.get(key, (None, 0))
        if store is None:
            store = await Store(path, endpoints=endpoints).__aenter__()
        elif endpoints is not None and dict(endpoints) != dict(store.endpoints or {}):
            raise UserError(
                f"{str(path)!r} is open with other endpoints; open a Store with them, and give that to runs"
            )
        _SHARED[key] = store, users + 1
    try:
        yield store
    finally:
        async with lock:
            store, users = _SHARED[key]
            _SHARED[key] = store, users - 1
            if users == 1:
                del _SHARED[key]
                await store.__aexit__(None, None, None)


_OPENING: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def question_or_end(moving: asyncio.Task[None], asked: asyncio.Event) -> None:
    """Wait until a run rests, or until one of its calls asks for permission; each question is waited for once."""
    asking = asyncio.ensure_future(asked.wait())
    try:
        await asyncio.wait({moving, asking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asking.cancel()
        asked.clear()


class StoredRun:
    """A run in a database, on the caller's event loop."""

    def __init__(self, store: Store, agent: AgentDefinition, watch: Watch) -> None:
        store.know(agent)
        self._session, self._agent, self._watch = store.session, agent, watch
        self._known: set[str] = set()
        self._root = ""
        """The root run that has this agent."""
        self._asked = asyncio.Event()
        self._trouble = ""
        """What went wrong last that no event says."""
        self._live: LiveRun | None = None
        self._followed = followed(self._kin)
        self._surrounded = set[str]()
        feed = self._session.feed
        self._facts = feed.subscribe(facts_of_here=True) if self._followed is not None else None
        self._subscription = feed.subscribe(self._tell)

    async def start(self, task: str, attached: Content, options: AgentOptions) -> None:
        """Begin a run; nothing is written where something cannot be used."""
        self._root = self._session.new_id()
        self._surround(self._root)
        self._know(self._root)
        start = StartRun(task, options, attached=attached, make_agent=self._agent, run=self._root)
        self._follow(await obey(self._session, start))

    async def resume(self, run: str, say: str | None, options: AgentOptions) -> None:
        """Let a run go on, or say something to it; a completed one goes on as a fork of itself."""
        session = self._session
        run = await session.store.resolve(run)
        self._root = await session.root_of(run)
        session.agents.use(self._root, self._agent)
        if say is not None:
            self._follow(await obey(session, Say(run, say)))
            return
        if not (await session.state(run)).is_resting or (await session.state(run)).end is not None:
            await obey(session, ResumeRun(run, options))
        else:
            await session.revive(run)  # it waits for a decision
        self._follow(run)

    def _know(self, run: str) -> None:
        self._known.add(run)
        if self._facts is not None:
            self._facts.only(run)  # first, so that a fact is there when the other tells of it
        self._subscription.only(run)

    def _surround(self, root: str) -> None:
        if self._followed is not None and root not in self._surrounded:
            self._session.around_calls.setdefault(root, []).append(self._followed.around_call)
            self._surrounded.add(root)

    def _follow(self, run: str) -> None:
        """Watch a run that goes on, and the subagents that it had before, which go on with it."""
        self._know(run)
        self._live = self._session.live.get(run)
        if self._live is not None:
            self._surround(self._live.root)
        step = self._live.state.open_step if self._live is not None else None
        for call in step.calls.values() if step is not None else ():
            for subagent in call.children:
                self._know(subagent)
        self._tell()

    def _tell(self) -> None:
        if not self._known:
            return  # what is this run's, will be known in a moment
        for change in self._subscription.drain():
            if isinstance(change, Trouble) and change.level == "error" and change.run in self._known:
                self._trouble = change.message
            elif isinstance(change, Recorded) and change.run in self._known:
                if isinstance(change.event, SubagentStarted):
                    self._know(change.event.run)
                elif isinstance(change.event, PermissionAsked):
                    self._asked.set()
                self._watch(change)
        if self._facts is not None and self._followed is not None:
            for fact in self._facts.drain():
                if isinstance(fact, Recorded) and fact.run in self._known:
                    self._followed.take(fact)

    def _kin(self, run: str) -> Kin | None:
        """Say where a run belongs that goes on here."""
        live = self._session.live.get(run)
        if live is None:
            return None
        caller, agent = live.state.caller, live.state.agent
        name = agent.name if agent is not None else ""
        return Kin(live.root, agent=name) if caller is None else Kin(live.root, caller.run, caller.call, name)

    @property
    def state(self) -> RunState:
        """The run as it is."""
        if self._live is None:
            raise WorkbenchError("the run does not go on here")
        return self._live.state

    @property
    def waiting(self) -> tuple[WaitingCall, ...]:
        """The calls that ask for permission, those of subagents too."""
        tree = [self.state, *(live.state for live in self._session.tree(self.state.run) if live is not self._live)]
        return tuple(call for state in tree for call in waiting_calls(state))

    async def to_rest_or_question(self) -> bool:
        """Wait until it ends or goes on only with a decision, or until a call asks; return whether it rests.

        Raises `StoreError` where its log cannot be written any more.
        """
        live = self._live
        if live is None or live.task is None or live.task.done():
            return True
        await question_or_end(live.task, self._asked)
        if live.task.done() and not live.state.is_resting and self._trouble:
            raise StoreError(self._trouble)  # nothing of it can be written any more
        return live.task.done()

    async def decide(self, call: WaitingCall, *, allow: bool) -> None:
        """Answer a call that asks for permission."""
        await obey(self._session, DecidePermission(call.run, call.call, "allow" if allow else "deny"))

    async def stop(self) -> None:
        """Bring it to rest at once."""
        if self._live is not None:
            await asyncio.sleep(0)  # a loop that was only just made begins, and forgets no more that it is to stop
            await self._session.mover.stop(self._live)

    async def close(self) -> None:
        """Watch no more, and keep the agent no longer: a store may live long, and see many."""
        self._subscription.close()
        if self._facts is not None and self._followed is not None:
            self._facts.close()
            self._followed.close()
            around = self._session.around_calls
            for root in self._surrounded:
                around[root].remove(self._followed.around_call)
                if not around[root]:
                    del around[root]
        if self._root:
            self._session.agents.let_go(self._root, self._agent)
