"""Subagents on the store: child runs with logs of their own, inside a call of their caller.

A child that was left unfinished is reopened; a child of another run (the caller was forked) is forked where it stood
when the fork left that run; only its summary enters the caller's conversation.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.debugger.address import Place
from workbench.driver.commands import ForkEdits
from workbench.driver.journal import first_batch
from workbench.driver.live import LiveRun
from workbench.engine.limits import Budget, ReadBudget, family_budget, own_budget
from workbench.engine.subagents import Announce, CallsOfSubagents, resumption
from workbench.events.base import Event
from workbench.events.run import Caller, RunStarted
from workbench.state.parts import MemberState
from workbench.state.run_state import RunState
from workbench.store import Batch, RunHeader
from workbench.tools.base import ToolResult

if TYPE_CHECKING:
    from workbench.driver.session import Session


class Children:
    """The subagents of one live run."""

    def __init__(self, session: Session, caller: LiveRun) -> None:
        self._session, self._live = session, caller
        self._calls = CallsOfSubagents(self)
        self._seen: dict[str, RunState] = {}
        """Those that are not over and do not move now, by run."""

    async def run(self, call: str, arguments: Mapping[str, object]) -> ToolResult:
        """Run the children of `call` to their end and return what comes of them."""
        return await self._calls.run(call, arguments)

    def rest(self) -> None:
        """Let every child rest before its next turn: a breakpoint stopped their caller."""
        self._calls.rest()

    def budget(self, state: RunState) -> Budget:
        """Return what the caller and all of its children used, and their limits, for one of them."""
        live = {child.run: child.state for child in self._session.tree(self._live.root) if child is not self._live}
        return family_budget(self._live.state, {**self._seen, **live}, state)

    # As a nursery.

    @property
    def caller(self) -> RunState:
        """The caller as it is."""
        return self._live.state

    @property
    def is_pausing(self) -> bool:
        """Whether a person stops the caller, and not a single call of it."""
        return self._live.loop.is_stopping

    async def append(self, *events: Event) -> None:
        """Store events in the caller's log."""
        await self._live.journal.append(*events)

    async def look(self) -> None:
        """See what children that are not over have used, so that the budget knows it before any of them goes on."""
        step = self._live.state.open_step
        for call in step.calls.values() if step is not None else ():
            for member in call.members.values():
                if member.end is None and member.run not in self._seen:
                    self._seen[member.run] = await self._session.state(member.run)

    async def begin(self, first: RunStarted, announce: Announce) -> LiveRun:
        """Store a new child together with the event that names it in its caller's log."""
        return await self._begin(announce, (first,))

    async def reopen(self, known: MemberState, announce: Announce) -> LiveRun:
        """Make a child live again; one that another run's log names is forked where it stood."""
        if known.owner != self._live.run:
            return await self._forked(known, announce)
        child = await self._session.revive(known.run)
        await child.journal.append(*resumption(self._live.state, child.state))
        return child

    async def read(self, run: str) -> RunState:
        """Return a child that is over."""
        return await self._session.state(run)

    async def move(self, child: LiveRun) -> None:
        """Let a child go on until it rests; cancelled, it goes on all the same."""
        child.task = asyncio.create_task(self._session.mover.move(child), name=f"drive {child.run}")
        await asyncio.shield(child.task)

    async def stop(self, child: LiveRun, *, gently: bool) -> None:
        """Wait until a child rests; `gently`, it was asked to pause together with its caller."""
        if not gently or not child.loop.is_stopping:
            await self._session.mover.stop(child)
        elif child.task is not None:
            await asyncio.wait({child.task})
        if child.task is not None and child.task.done() and not child.task.cancelled():
            child.task.exception()  # its caller meets the same trouble with the store

    def let_go(self, child: LiveRun) -> None:
        """Count a child among those that move no more."""
        self._seen[child.run] = child.state
        if self._session.live.get(child.run) is child:
            self._session.let_go(child.run)

    async def _forked(self, known: MemberState, announce: Announce) -> LiveRun:
        """Fork another run's child where it stood when this run's lineage left that run."""
        session, call = self._session, announce("").call
        history = await session.history(known.run)
        moment = await self._left_at(known.owner)
        stood = max(0, bisect_right(history.records, moment, key=lambda record: record.at) - 1)
        caller = Caller(run=self._live.run, call=call)
        plan = await session.forks.plan(history, Place("seq", seq=stood), ForkEdits(), caller)
        return await self._begin(announce, plan.events, (plan.owner, plan.cut.seq, known.run))

    async def _left_at(self, owner: str) -> float:
        """Return when this run's lineage left `owner`: at the cut, or when its live end was forked."""
        store, own = self._session.store, self._live.run
        left = next(part for part in await store.lineage(own) if part.run == owner)
        cut, fork = await store.read(own, after=(left.last or 0) - 1, upto=(left.last or 0) + 1)
        went_on = await store.read(left.run, after=cut.seq, upto=cut.seq + 1)
        return cut.at if went_on and went_on[0].at <= fork.at else fork.at

    async def _begin(
        self,
        announce: Announce,
        events: tuple[Event, ...],
        parent: tuple[str | None, int | None, str | None] = (None, None, None),
    ) -> LiveRun:
        """Store a new child together with the event that names it in its caller's log; `parent` is owner, cut, fork."""
        session, caller = self._session, self._live
        run = session.new_id()
        started = announce(run)
        owner, cut, made_from = parent

        def batch(at: float) -> Batch:
            header = RunHeader(
                run,
                caller.root,
                at,
                parent=owner,
                cut=cut,
                made_from=made_from,
                caller_run=caller.run,
                caller_call=started.call,
                depth=1,
            )
            return first_batch(header, events, at=at, token=session.token(caller.root))

        session.announce(await caller.journal.append_beside(started, batch))
        return await session.revive(run)


def shared_budget(session: Session, root: str) -> ReadBudget:
    """Return what gives the budget of a subagent: that of its root run, which it shares."""

    def read(state: RunState) -> Budget:
        caller = session.live.get(root)
        return own_budget(state) if caller is None or caller.children is None else caller.children.budget(state)

    return read
