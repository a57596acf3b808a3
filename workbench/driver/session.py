"""What lives on the driver's event loop: the store, the leases, the live runs, and what is published of them.

How runs move and rest stands in `moving`, what a person can ask for in `commanding` and the files it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from weakref import WeakValueDictionary

from workbench.clock import SessionTime
from workbench.driver.agents import Agents
from workbench.driver.breakpoints import PersonalBreakpoints
from workbench.driver.children import Children, shared_budget
from workbench.driver.feed import Feed, RunsChanged
from workbench.driver.forking import Forks
from workbench.driver.histories import Histories
from workbench.driver.journal import StoreJournal
from workbench.driver.live import LiveRun
from workbench.driver.memory import finished_others
from workbench.driver.moving import STOP_SECONDS, Mover
from workbench.driver.racing import Races
from workbench.driver.recordings import Recordings
from workbench.driver.recovery import denials, is_torn, recovery_events, was_driven
from workbench.driver.rows import Rows
from workbench.driver.searching import Searches
from workbench.driver.settings import DriverSettings
from workbench.driver.summary import summarise
from workbench.driver.works import Works
from workbench.engine.breakpoints import NoBreakpoints
from workbench.engine.limits import own_budget
from workbench.engine.loop import RunLoop
from workbench.engine.surroundings import AroundCall, Surroundings, nothing_around
from workbench.engine.threads import ToolThreads
from workbench.errors import EditRefusedError, RunHeldError, StaleDriverError, StoreError, UserError
from workbench.events.base import Event, Recorded
from workbench.events.run import RunResumed
from workbench.providers.base import Provider
from workbench.providers.remote import close_clients
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.store import Store

LISTED_KINDS = ("run_started", "run_forked", "run_finished", "run_paused", "run_resumed", "run_recovered")
"""Events after which the list of runs looks different."""


class Session:
    """The runs of one process, from the opening of the store to its closing."""

    def __init__(self, store: Store, settings: DriverSettings, feed: Feed, position: int) -> None:
        self.store, self.settings, self.feed = store, settings, feed
        self.position = position
        """How far the log was read for what other processes write, in the order of all commits."""
        self.time = SessionTime(settings.clock)
        self.histories = Histories(store)
        self.works = Works(feed)
        self.agents = Agents(settings, feed, self.works)
        self.recordings = Recordings(self)
        self.forks = Forks(self)
        self.mover = Mover(self)
        self.rows = Rows(self)
        self.searches = Searches(store, settings.search, self.rows, self.works)
        self.races = Races(self)
        self.breakpoints = PersonalBreakpoints(self)
        self.live: dict[str, LiveRun] = {}
        self._trees: dict[str, dict[str, LiveRun]] = {}
        """The same by root run: there may be very many others."""
        self.published: dict[str, int] = {}
        """Last seq of each run that went out through the feed from here."""
        self._unannounced: set[str] = set()
        """Runs that were made here and whose beginning was not announced yet; it may be read from the log before."""
        self.deny_asks: set[str] = set()
        """Root runs that have nobody to ask, with their subagents."""
        self.unbroken: set[str] = set()
        """Root runs that no breakpoint stops: nobody looks at them while they go on."""
        self.around_calls: dict[str, list[AroundCall]] = {}
        """What the calls of root runs and their subagents are started in, by whoever follows them; the last counts."""
        self._tokens: dict[str, int] = {}
        self._threads = ToolThreads()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def new_id(self) -> str:
        """Return an id for a new run."""
        run = self.settings.clock.new_id()
        self._unannounced.add(run)
        return run

    # Leases.

    def drives(self, root: str) -> bool:
        """Whether this process holds the lease of a root run."""
        return root in self._tokens

    def token(self, root: str) -> int:
        """Return the fencing token of a root run that this process drives."""
        return self._tokens[root]

    async def acquire(self, root: str) -> int:
        """Take the lease of a root run, once; raises `RunHeldError` where another process drives it."""
        if root not in self._tokens:
            self._tokens[root] = await self.store.acquire(root)
        return self._tokens[root]

    async def release(self, root: str) -> None:
        """Give a lease back, so that another process may drive the run."""
        if self._tokens.pop(root, None) is not None:
            with suppress(StoreError):
                await self.store.release(root)

    # Telling and reading.

    def announce(self, records: Iterable[Recorded], *, is_of_here: bool = True) -> None:
        """Publish what no journal here wrote: beginnings of runs, and other drivers' events; each at most once."""
        for record in records:
            if record.seq > self.published.get(record.run, -1):
                self.note(record)
                self.feed.publish(record, is_of_here=is_of_here or record.run in self._unannounced)
            if is_of_here:
                self._unannounced.discard(record.run)

    async def follow(self) -> None:
        """Publish what other processes wrote, from the log itself; what was published from here is not read again."""
        records, self.position = await self.store.follow(self.position, is_known=self._is_known)
        self.announce((record for record in records if record.run not in self.live), is_of_here=False)

    def _is_known(self, run: str, seq: int) -> bool:
        return run in self.live or seq <= self.published.get(run, -1)

    def note(self, record: Recorded) -> None:
        """Remember that an event goes out through the feed."""
        self.published[record.run] = record.seq
        self.histories.take(record)
        if record.event.kind in LISTED_KINDS:
            self.feed.publish(RunsChanged())

    async def history(self, name: str, enough: Callable[[RunState], bool] | None = None) -> History:
        """Return a run's history by id, prefix or `@last`; whole, or a beginning of which `enough` holds."""
        return await self.histories.history(await self.store.resolve(name), enough)

    async def state(self, run: str) -> RunState:
        """Return a run's state: the live one where this process drives it."""
        return self.live[run].state if run in self.live else await self.histories.state(run)

    async def root_of(self, run: str) -> str:
        """Return the run that has to be driven for `run` to go on: itself, or its caller."""
        return (await self.store.header(run)).root

    def tree(self, root: str) -> list[LiveRun]:
        """Return the live ones among a root run and its subagents."""
        return list(self._trees.get(root, {}).values())

    def _add(self, live: LiveRun) -> LiveRun:
        self.live[live.run] = self._trees.setdefault(live.root, {})[live.run] = live
        return live

    def let_go(self, run: str) -> None:
        """Count a run among the live ones no more, if it is one."""
        live = self.live.pop(run, None)
        if live is not None:
            del self._trees[live.root][run]
            if not self._trees[live.root]:
                del self._trees[live.root]

    # Making runs live.

    def _lock(self, what: str, run: str) -> asyncio.Lock:
        return self._locks.setdefault((what, run), asyncio.Lock())

    async def revive(self, run: str) -> LiveRun:
        """Make a run of this database live, once: with its lease, and with what a dead driver left written down."""
        async with self._lock("revive", run):
            return self.live.get(run) or await self._make_live(run)

    async def _make_live(self, run: str) -> LiveRun:
        header = await self.store.header(run)
        if header.imported:
            raise EditRefusedError(f"run {run[:8]} was imported; fork it instead: workbench fork {run[:8]} --at end")
        root = header.root
        token = await self.acquire(root)
        try:
            history = await self.histories.once(run)
            last_words, _ = await self.store.follow(self.position, run=run)  # of the driver before
            self.announce(last_words, is_of_here=False)
            state = history.live
            state.agent = state.agent and self.agents.shared(state.agent)
            around = await self._surroundings(run, root, state)
            journal = StoreJournal(
                self.store, self.feed, self.time, run=run, token=token, state=state, on_append=self.note
            )
            live = self._add(LiveRun(run, root, journal, RunLoop(journal, around)))
            if live.is_root:
                live.children = Children(self, live)
                live.loop = RunLoop(journal, replace(around, subagents=live.children))
            torn = is_torn(state) and was_driven(history.records, run)
            first = [*(recovery_events(state) if torn else ()), *(denials(state) if around.deny_asks else ())]
            if first:
                await journal.append(*first, durable=True)
        except BaseException:
            self.let_go(run)
            if not self.tree(root):
                await self.release(root)
            raise
        return live

    async def _surroundings(self, run: str, root: str, state: RunState) -> Surroundings:
        agent = state.agent
        if agent is None:
            raise EditRefusedError(f"run {run[:8]} has no beginning in this database; it cannot be driven")
        lineage = await self.lineage(run)
        callers = await self.lineage(root) if root != run else ()
        code = await self.agents.code(agent, run, (root, *lineage, *callers), is_root=run == root)
        if agent.model not in code.models:
            self.settings.make_provider(agent.model, agent.pace)  # a missing key is said before anything is written

        def provider(model: str) -> Provider:
            return code.models.get(model) or self.recordings.provider(model, agent.pace, run, root)

        return Surroundings(
            toolkit=self.recordings.toolkit(code.toolkit, agent, run, root),
            provider=provider,
            clock=self.settings.clock,
            threads=self._threads,
            lineage=lineage,
            finished_others=partial(finished_others, self, run),
            deny_asks=root in self.deny_asks,
            hooks=self.recordings.hooks(code.hooks, agent, run, root),
            output=code.output,
            breakpoints=NoBreakpoints if root in self.unbroken else self.breakpoints.in_force,
            around_call=partial(self._around_call, root),
            budget=own_budget if run == root else shared_budget(self, root),
        )

    def _around_call(self, root: str, run: str, call: str) -> AbstractContextManager[object]:
        return self.around_calls.get(root, [nothing_around])[-1](run, call)

    async def lineage(self, run: str) -> tuple[str, ...]:
        """Return a run and those that it was forked from."""
        return tuple(dict.fromkeys(segment.run for segment in await self.store.lineage(run)))

    async def forget(self, root: str, *, is_lost: bool = False) -> None:
        """Count no run of a tree among the live ones any more, and give the lease back, unless it `is_lost`."""
        for live in self.tree(root):
            self.let_go(live.run)
        if is_lost:
            self._tokens.pop(root, None)
        self.recordings.forget(root)
        await self.release(root)

    # Decisions.

    def decision(self, root: str) -> asyncio.Lock:
        """Return what is held while something is decided on a root run or its subagents: its lease stays till then."""
        return self._lock("decide", root)

    @asynccontextmanager
    async def deciding(self, run: str, *, rests: bool = False) -> AsyncIterator[RunState]:
        """Give the state by which a person's decision on `run` is judged; no other decision comes between.

        What a dead driver left is written down first, so that a person can answer for its calls. A run that `rests`
        after the decision is given back where it was not live before.
        """
        root = await self.root_of(run)
        async with self.decision(root):
            was_live = bool(self.tree(root))
            try:
                state = await self.state(run)
                if run not in self.live and is_torn(state):
                    state = (await self.revive(run)).state
                yield state
                if rests and not was_live:
                    await self.forget(root)
            except UserError:
                if not was_live:
                    await self.forget(root)
                raise
            except StaleDriverError:
                await self.forget(root, is_lost=True)
                raise RunHeldError(f"run {root[:8]} is driven by another process now; answer it there") from None

    async def append_to(self, run: str, *events: Event) -> None:
        """Append a person's decision to a run and let it go on; a subagent goes on inside its caller."""
        root = await self.revive(await self.root_of(run))
        live = await self.revive(run)
        if live is not root:
            check_awaited(root.state, live.state)
        await live.journal.append(*events, durable=True)
        if live.state.end is None and root.state.end == ("interrupted", "paused"):
            await root.journal.append(RunResumed(), durable=True)  # it rested because of this subagent
        live.wake()
        self.mover.drive(root)

    async def go_on(self, root: str) -> None:
        """Make a root run live and move it."""
        self.mover.drive(await self.revive(root))

    async def close(self) -> None:
        """Give up long work, pause what moves, write the rows, give the leases back."""
        await self.works.close(STOP_SECONDS)
        await self.searches.close()
        await self.races.close()
        await asyncio.gather(*(self.mover.stop(live) for live in list(self.live.values()) if live.is_root))
        for live in list(self.live.values()):
            with suppress(StoreError):
                await self.store.save_row(summarise(live.run, live.state))
        for root in list(self._tokens):
            await self.release(root)
        self._threads.close()
        await self.agents.close()
        await close_clients()


def check_awaited(caller: RunState, child: RunState) -> None:
    """Refuse a decision on a subagent whose result came from elsewhere."""
    call = caller.call(child.caller.call) if child.caller is not None else None
    if call is None or call.has_result or child.run not in call.children:
        raise EditRefusedError(
            f"run {caller.run[:8]} has gone on without its subagent {child.run[:8]}; fork the subagent instead: "
            f"workbench fork {child.run[:8]} --at end"
        )
