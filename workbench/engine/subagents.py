"""Subagents: what runs inside a call of `spawn_subagent`, wherever their logs are kept.

A call has one subagent, or several of the same task (an ensemble) whose answers are compared, and where they contradict
each other perhaps one more that judges. They run at once, within the budget of their caller. All that follows from the
caller's log: members that are not begun yet are begun, those that are not over are gone on with. Where their logs lie,
and what moves them, is the business of a `Nursery`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from workbench.engine.breakpoints import SubagentRestsError
from workbench.engine.errands import Errand, Outcome, read_errand
from workbench.engine.loop import RunLoop
from workbench.events.base import Event
from workbench.events.call import SubagentFinished, SubagentStarted
from workbench.events.run import BreakpointHit, RunResumed, RunStarted
from workbench.state.parts import MemberState
from workbench.state.run_state import RunState
from workbench.tools.base import ToolResult

Announce = Callable[[str], SubagentStarted]
"""Gives the event that names a subagent in its caller's log, by the subagent's run."""


class Child(Protocol):
    """A subagent that can be moved."""

    @property
    def run(self) -> str:
        """Its id."""
        ...

    @property
    def state(self) -> RunState:
        """The run as it is."""
        ...

    @property
    def loop(self) -> RunLoop:
        """What moves it."""
        ...

    @property
    def woken(self) -> asyncio.Event:
        """Set when a person did something for it while it rests."""
        ...


ChildT = TypeVar("ChildT", bound=Child)


class Nursery(Protocol[ChildT]):
    """Keeps and moves the subagents of one run, their caller."""

    @property
    def caller(self) -> RunState:
        """The caller as it is."""
        ...

    @property
    def is_pausing(self) -> bool:
        """Whether a person stops the caller, and not a single call of it."""
        ...

    async def append(self, *events: Event) -> None:
        """Store events in the caller's log."""
        ...

    async def begin(self, first: RunStarted, announce: Announce) -> ChildT:
        """Store a new subagent, together with the event that names it in its caller's log."""
        ...

    async def reopen(self, known: MemberState, announce: Announce) -> ChildT:
        """Make a subagent ready to go on; one of another run, whose fork the caller is, is forked where it stood."""
        ...

    async def read(self, run: str) -> RunState:
        """Return a subagent that is over."""
        ...

    async def look(self) -> None:
        """See what subagents that are not over have used so far, before any of them goes on."""
        ...

    async def move(self, child: ChildT) -> None:
        """Let a subagent go on until it rests; cancelled, it goes on all the same."""
        ...

    async def stop(self, child: ChildT, *, gently: bool) -> None:
        """Wait until a subagent rests: `gently`, it was asked to pause together with its caller; else it is stopped."""
        ...

    def let_go(self, child: ChildT) -> None:
        """Count it among those that move no more."""
        ...


class CallsOfSubagents(Generic[ChildT]):
    """Runs the subagents of one run's calls."""

    def __init__(self, nursery: Nursery[ChildT]) -> None:
        self._nursery = nursery
        self._groups: list[_Group[ChildT]] = []

    async def run(self, call: str, arguments: Mapping[str, object]) -> ToolResult:
        """Run the subagents of `call` to their end and return what comes of them.

        Cancelled, they come to rest first: as gently as their caller is paused, or at once where the call alone was
        given up. Raises `ToolError` for a role that there is not.
        """
        errand = read_errand(self._nursery.caller, call, arguments)
        group = _Group(self._nursery, errand)
        self._groups.append(group)
        try:
            return await group.run()
        finally:
            self._groups.remove(group)
            group.let_go()

    def rest(self) -> None:
        """Let every subagent rest before its next turn: a breakpoint stopped their caller."""
        for group in self._groups:
            group.rest()


class _Group(Generic[ChildT]):
    """The subagents of one call."""

    def __init__(self, nursery: Nursery[ChildT], errand: Errand) -> None:
        self._nursery, self._errand = nursery, errand
        self._live: dict[int, ChildT] = {}
        self._over: dict[int, RunState] = {}
        """Those that had given their answer before."""
        self._recorded: set[int] = set()
        self._is_resting = False

    async def run(self) -> ToolResult:
        await self._nursery.look()
        members = range(self._errand.size)
        for number in members:
            await self._opened(number, self._begin_member)
        await self._drive(members)
        errand, states = self._errand, self._states()
        if not errand.is_ensemble:
            return errand.report(states[0])
        outcome = errand.compare(states)
        if outcome.wants_judge:
            outcome = await self._judged(outcome, states)
        await self._nursery.append(outcome.settled)
        return outcome.result

    async def _judged(self, outcome: Outcome, states: Mapping[int, RunState]) -> Outcome:
        """Let one more subagent settle what the others contradict each other in."""
        errand = replace(self._errand, exposures=tuple(sorted(self._nursery.caller.exposures)))
        judge = errand.size
        await self._opened(judge, lambda _: self._begin(errand.judge_start(outcome), judge, judges=True))
        await self._drive([judge])
        return errand.judged(states, self._states()[judge])

    def _states(self) -> dict[int, RunState]:
        return {**self._over, **{number: child.state for number, child in self._live.items()}}

    # Beginning and going on.

    async def _opened(self, number: int, begin: Callable[[int], Awaitable[ChildT]]) -> None:
        """Make a member ready: begin it, go on with it, or read what it answered before."""
        call = self._nursery.caller.call(self._errand.call)
        known = call.members.get(number) if call is not None else None
        if known is None:
            self._live[number] = await begin(number)
        elif known.is_completed:
            self._over[number] = await self._nursery.read(known.run)
        else:
            self._live[number] = await self._nursery.reopen(known, self._announce(number, judges=known.judges))

    def _begin_member(self, number: int) -> Awaitable[ChildT]:
        return self._begin(self._errand.start(), number, judges=False)

    def _begin(self, first: RunStarted, number: int, *, judges: bool) -> Awaitable[ChildT]:
        return self._nursery.begin(first, self._announce(number, judges=judges))

    def _announce(self, number: int, *, judges: bool) -> Announce:
        return lambda run: self._errand.announced(run, number, judges=judges)

    async def _drive(self, numbers: Iterable[int]) -> None:
        """Move members at once until each is over.

        Raises `SubagentRestsError` where one stops at a breakpoint, or where their caller has: then all of them rest.
        """
        tasks = [
            asyncio.create_task(self._to_its_end(number), name=f"{self._errand.call} member {number}")
            for number in numbers
            if number in self._live
        ]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            if any(isinstance(error, SubagentRestsError) for error in _errors(tasks)):
                self.rest()
                await asyncio.wait(tasks, return_when=asyncio.ALL_COMPLETED)
        except asyncio.CancelledError:
            await self._to_rest(tasks, is_paused=self._nursery.is_pausing)
            raise
        errors = _errors(tasks)
        worse = [error for error in errors if not isinstance(error, SubagentRestsError)]
        if worse:
            await self._to_rest(tasks, is_paused=True)
            raise worse[0]
        if errors:
            raise SubagentRestsError(tuple(hit for error in errors for hit in getattr(error, "hits", ())))

    async def _to_its_end(self, number: int) -> None:
        """Drive a member; where it waits for a person, wait for the person."""
        child = self._live[number]
        while True:
            if self._must_rest:
                raise SubagentRestsError
            child.woken.clear()
            await self._nursery.move(child)
            status, reason = child.state.status_and_reason
            if reason == "breakpoint":
                raise SubagentRestsError(_hit_below(child.state))
            if status != "awaiting_approval" and reason != "paused":
                await self._record_end(number)
                return
            if not self._must_rest:
                await child.woken.wait()

    @property
    def _must_rest(self) -> bool:
        return self._is_resting or bool(self._nursery.caller.breakpoint)

    async def _record_end(self, number: int) -> None:
        if number in self._recorded:
            return
        self._recorded.add(number)
        state = self._live[number].state
        status, reason = state.end or ("interrupted", "paused")
        finished = SubagentFinished(
            call=self._errand.call,
            run=state.run,
            status=status,
            reason=reason,
            steps=state.finished_steps,
            usage=state.total_usage,
            exposures=tuple(sorted(state.exposures)),
            member=number,
        )
        await self._nursery.append(finished)

    # Coming to rest.

    def rest(self) -> None:
        """Let every member rest before its next turn."""
        self._is_resting = True
        for child in self._live.values():
            child.loop.pause("step")
            child.woken.set()

    async def _to_rest(self, tasks: Iterable[asyncio.Task[None]], *, is_paused: bool) -> None:
        """Bring all members to rest; what those used that were given up counts all the same."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(self._nursery.stop(child, gently=is_paused) for child in self._live.values()))
        if not is_paused:
            for number in self._live:
                await self._record_end(number)

    def let_go(self) -> None:
        """Count all members among those that move no more."""
        for child in self._live.values():
            self._nursery.let_go(child)


def resumption(caller: RunState, child: RunState) -> tuple[RunResumed, ...]:
    """Return what lets a subagent that is not over go on, with the rules of its caller where a person changed them."""
    if child.end is not None and child.end[0] == "completed":
        return ()
    wanted = caller.agent.permissions if caller.agent is not None else None
    rules = None if child.agent is None or child.agent.permissions == wanted else wanted
    return (RunResumed(permissions=rules),) if rules is not None or child.end is not None else ()


def _errors(tasks: Iterable[asyncio.Task[Any]]) -> list[BaseException]:
    done = (task for task in tasks if task.done() and not task.cancelled())
    return [error for task in done if (error := task.exception()) is not None]


def _hit_below(child: RunState) -> tuple[BreakpointHit, ...]:
    """Return what the breakpoint of a child is to its caller."""
    if child.hit is None or child.caller is None:
        return ()
    rule, _, why = child.hit
    return (BreakpointHit(rule=rule, why=f"in subagent {child.run[:8]}, {why}", call=child.caller.call),)
