"""Everything that lives on the driver's event loop: the store, the live runs, and what can be asked of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from workbench.clock import SessionTime
from workbench.driver.agents import Agents, apply_limits
from workbench.driver.children import Children
from workbench.driver.commands import AgentOptions, OpenedRun, StartRun
from workbench.driver.feed import Feed, RunsChanged, Trouble
from workbench.driver.forking import Forks
from workbench.driver.journal import StoreJournal, first_batch
from workbench.driver.live import LiveRun
from workbench.driver.recovery import is_torn, recovery_events
from workbench.driver.settings import DriverSettings
from workbench.driver.summary import as_shown, summarise
from workbench.engine.loop import RunLoop
from workbench.engine.surroundings import Surroundings
from workbench.engine.threads import ToolThreads
from workbench.errors import EditRefusedError, StaleDriverError, StoreError, UserError
from workbench.events.base import Event, Recorded
from workbench.events.content import text_content
from workbench.events.library import LibraryEvent
from workbench.events.run import RunFinished, RunResumed, RunStarted
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.store import Durability, RunHeader, RunRow, Store

LISTED_KINDS = ("run_started", "run_forked", "run_finished", "run_paused", "run_resumed", "run_recovered")
"""Events after which the list of runs looks different."""
CLOSE_SECONDS = 3.0
"""How long closing waits for calls that do not stop."""


class Session:
    """The runs of one process, from the opening of the store to its closing."""

    def __init__(self, store: Store, settings: DriverSettings, feed: Feed) -> None:
        self.store, self.settings, self.feed = store, settings, feed
        self.time = SessionTime(settings.clock)
        self.agents = Agents(settings, feed)
        self.forks = Forks(self)
        self.live: dict[str, LiveRun] = {}
        self.published: dict[str, int] = {}
        """Last seq of each run that went out through the feed from here."""
        self._tokens: dict[str, int] = {}
        self._threads = ToolThreads()
        self._stale: dict[str, RunState] = {}
        self._deny_asks: set[str] = set()

    # What the parts of the driver ask of the session.

    def new_id(self) -> str:
        """Return an id for a new run."""
        return self.settings.clock.new_id()

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

    def announce(self, records: tuple[Recorded, ...]) -> None:
        """Publish what was stored without a journal: the first events of new runs."""
        for record in records:
            self._note(record)
            self.feed.publish(record)

    def _note(self, record: Recorded) -> None:
        self.published[record.run] = record.seq
        if record.event.kind in LISTED_KINDS:
            self.feed.publish(RunsChanged())

    async def history(self, name: str) -> History:
        """Return a run's whole history by id, prefix or `@last`."""
        run = await self.store.resolve(name)
        history = History()
        for record in await self.store.read(run):
            history.append(record)
        return history

    async def state(self, run: str) -> RunState:
        """Return a run's state: the live one where this process drives it."""
        return self.live[run].state if run in self.live else fold(await self.store.read(run))

    def adopt(self, live: LiveRun) -> None:
        """Count a run among the live ones."""
        self.live[live.run] = live

    def let_go(self, live: LiveRun) -> None:
        """Count a run no longer among the live ones; its row is written when it is next listed."""
        self.live.pop(live.run, None)
        self._stale[live.run] = live.state

    async def pause_hard(self, live: LiveRun) -> None:
        """Stop a run at once, effectful calls included, and wait until it rests."""
        if live.is_moving and live.task is not None:
            live.loop.pause("now")
            live.loop.pause("now")
            await asyncio.wait({live.task}, timeout=CLOSE_SECONDS)

    # Making runs live.

    def _make_live(self, run: str, root: str, state: RunState, around: Surroundings) -> LiveRun:
        journal = StoreJournal(
            self.store,
            self.feed,
            self.time,
            run=run,
            token=self._tokens[root],
            state=state,
            on_append=self._note,
        )
        live = LiveRun(run, root, journal, RunLoop(journal, around))
        if state.depth == 0:
            around_with_children = replace(around, subagents=Children(self, live))
            live.loop = RunLoop(journal, around_with_children)
        return live

    async def _surroundings(self, run: str, state: RunState) -> Surroundings:
        agent = state.agent
        if agent is None:
            raise EditRefusedError(f"run {run[:8]} has no beginning in this database; it cannot be driven")
        toolkit = await self.agents.toolkit(agent, run)
        lineage = tuple(segment.run for segment in await self.store.lineage(run)) if state.seq >= 0 else (run,)
        return Surroundings(
            toolkit=toolkit,
            provider=lambda model: self.settings.make_provider(model, agent.pace),
            clock=self.settings.clock,
            threads=self._threads,
            lineage=tuple(dict.fromkeys((*lineage, run))),
            deny_asks=run in self._deny_asks,
        )

    async def revive(self, run: str, caller: LiveRun | None = None) -> LiveRun:
        """Make a run of this database live: lease, recovery of what a dead driver left, resumption of a child."""
        if run in self.live:
            return self.live[run]
        header = await self.store.header(run)
        if header.imported:
            raise EditRefusedError(f"run {run[:8]} was imported; fork it instead: workbench fork {run[:8]} --at end")
        await self.acquire(header.root)
        state = fold(await self.store.read(run))
        live = self._make_live(run, header.root, state, await self._surroundings(run, state))
        if is_torn(state):
            await self._recover(live)
        if caller is not None and state.end is not None and state.end[0] != "completed":
            await live.journal.append(RunResumed())
        return live

    async def _recover(self, live: LiveRun) -> None:
        """Write down what a dead driver left; a fork that was never driven has nothing of that kind."""
        state = live.state
        if state.active_turn is not None or _has_running_calls(state):
            await live.journal.append(*recovery_events(state), durable=True)

    async def root_of(self, run: str) -> str:
        """Return the run that has to be driven for `run` to go on: itself, or its caller."""
        header = await self.store.header(run)
        return header.caller_run or run

    def drive(self, live: LiveRun) -> None:
        """Start moving a run, or tell its loop to look again."""
        live.wake()
        if not live.is_moving and live.state.depth == 0:
            live.task = asyncio.create_task(self._drive(live), name=f"drive {live.run}")

    async def _drive(self, live: LiveRun) -> None:
        """Run the loop until it rests. The worker's top: whatever comes out becomes a fact or a sentence."""
        try:
            live.woken.clear()
            await live.loop.run()
        except StaleDriverError:
            self.live.pop(live.run, None)
            self._tokens.pop(live.root, None)
            self.feed.publish(Trouble(f"run {live.run[:8]} is driven by another process now", run=live.run))
            return
        except StoreError as error:
            self.feed.publish(Trouble(str(error), run=live.run))
        except Exception as error:  # noqa: BLE001 - the worker's top: a bug must end as a fact, not as silence
            self.feed.publish(Trouble(f"run {live.run[:8]} failed: {type(error).__name__}: {error}", run=live.run))
            with suppress(StoreError, ValueError):
                failed = RunFinished(status="failed", reason="error", error=f"{type(error).__name__}: {error}")
                await live.journal.append(failed, durable=True)
        if live.woken.is_set() and not live.state.is_resting:
            live.task = asyncio.create_task(self._drive(live), name=f"drive {live.run}")
            return
        await self._settle(live)

    async def _settle(self, live: LiveRun) -> None:
        """Give back the lease of a run that ended or was paused; one that waits for a person here keeps it."""
        with suppress(StoreError):
            await self.store.save_row(summarise(live.run, live.state))
        if live.state.end is not None:
            self.live.pop(live.run, None)
            await self.release(live.root)
        self.feed.publish(RunsChanged())

    # Commands on whole runs.

    async def start(self, command: StartRun) -> str:
        """Start a run; nothing is written where the task or an option cannot be used."""
        task = command.task.strip()
        if not task:
            raise UserError("the question is empty; write what you want to know")
        record = await self.agents.new(command.options)
        run = self.new_id()
        if command.options.deny_asks:
            self._deny_asks.add(run)
        token = await self.acquire(run)
        at = self.time.now()
        started = RunStarted(task=text_content(task), agent=record, date=self._today())
        batch = first_batch(RunHeader(run, run, at), (started,), at=at, token=token)
        await self.store.append(batch, durability=Durability.FULL)
        self.announce((Recorded(run, 0, at, started),))
        if command.drive:
            await self.go_on(run)
        else:
            await self.release(run)
        return run

    def _today(self) -> str:
        return datetime.fromtimestamp(self.settings.clock.wall(), tz=UTC).astimezone().date().isoformat()

    async def go_on(self, run: str) -> LiveRun:
        """Make a run live and move it."""
        live = await self.revive(run)
        self.adopt(live)
        self.drive(live)
        return live

    async def open(self, name: str) -> OpenedRun:
        """Read a run without driving it."""
        run = await self.store.resolve(name)
        header = await self.store.header(run)
        records = await self.store.read(run)
        mine = header.root in self._tokens
        held = await self.store.holder(header.root)
        return OpenedRun(run, tuple(records), live=mine or held is not None, mine=mine, imported=header.imported)

    async def resume(self, name: str, options: AgentOptions) -> str:
        """Move a run on from where it rests, with larger limits where given."""
        run = await self.store.resolve(name)
        state = await self.state(run)
        if state.end is not None and state.end[0] == "completed":
            raise EditRefusedError(
                f"run {run[:8]} is completed; say something further with --say, or fork it somewhere"
            )
        root = await self.root_of(run)
        if options.deny_asks:
            self._deny_asks.add(root)
        live = await self.revive(root)
        self.adopt(live)
        if live.is_moving:
            raise EditRefusedError(f"run {root[:8]} is running already")
        agent = live.state.agent
        limits = apply_limits(agent.limits, options) if agent is not None else None
        changed = limits is not None and agent is not None and limits != agent.limits
        if live.state.end is not None or changed:
            await live.journal.append(RunResumed(limits=limits if changed else None), durable=True)
        self.drive(live)
        return run

    async def rows(self, *, hidden: bool) -> list[RunRow]:
        """Return the list of runs; rows behind their log are folded again first."""
        rows = await self.store.runs(hidden=hidden)
        behind = [row.id for row in rows if row.as_of_seq < row.last_seq]
        for run in behind:
            await self.store.save_row(summarise(run, await self._state_for_row(run)))
        if behind:
            rows = await self.store.runs(hidden=hidden)
        return [as_shown(row) for row in rows]

    async def _state_for_row(self, run: str) -> RunState:
        if run in self._stale:
            return self._stale.pop(run)
        return await self.state(run)

    async def append_to(self, run: str, *events: Event) -> LiveRun:
        """Append a person's decision to a run and let it go on."""
        root = await self.root_of(run)
        live = await self.revive(run)
        await live.journal.append(*events, durable=True)
        if run == root:
            self.adopt(live)
            self.drive(live)
        elif run in self.live:
            live.wake()
        else:
            await self.go_on(root)
        return live

    async def label(self, event: LibraryEvent) -> None:
        """Write down what a person says about a run."""
        run = await self.store.resolve(event.run)
        await self.store.append_library(event.model_copy(update={"run": run}), self.time.now())
        self.feed.publish(RunsChanged())

    async def close(self) -> None:
        """Pause what moves, write the rows, give the leases back."""
        roots = [live for live in self.live.values() if live.state.depth == 0]
        await asyncio.gather(*(self.pause_hard(live) for live in roots))
        for live in list(self.live.values()):
            if live.task is not None and not live.task.done():
                live.task.cancel()
                await asyncio.wait({live.task}, timeout=CLOSE_SECONDS)
            with suppress(StoreError):
                await self.store.save_row(summarise(live.run, live.state))
        for root in list(self._tokens):
            await self.release(root)
        self._threads.close()
        self.agents.close()


def _has_running_calls(state: RunState) -> bool:
    return bool(state.steps) and any(call.status == "running" for call in state.steps[-1].calls.values())
