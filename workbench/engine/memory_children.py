"""Subagents in memory: for runs that keep no log, such as those of a program without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from weakref import proxy

from workbench.engine.journal import MemoryJournal
from workbench.engine.limits import Budget, family_budget
from workbench.engine.loop import RunLoop
from workbench.engine.subagents import Announce, CallsOfSubagents, resumption
from workbench.engine.surroundings import Surroundings
from workbench.events.base import Event
from workbench.events.run import RunStarted
from workbench.state.parts import MemberState
from workbench.state.run_state import RunState
from workbench.tools.base import ToolResult

NewJournal = Callable[[str], MemoryJournal]
"""Makes the journal of a subagent, by its run."""


@dataclass(slots=True)
class MemoryChild:
    """A subagent of a run in memory."""

    journal: MemoryJournal
    loop: RunLoop
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def run(self) -> str:
        """Its id."""
        return self.state.run

    @property
    def state(self) -> RunState:
        """The run as it is."""
        return self.journal.state


class MemoryChildren:
    """The subagents of one run in memory; give it to that run's surroundings as `subagents`.

    Its children stay in `all` when they are over, by run. One that waits for a person waits until `wake` is called,
    after what was decided is in its journal; where nobody can be asked, let `around` deny what asks.
    """

    def __init__(self, journal: MemoryJournal, around: Surroundings, new_journal: NewJournal | None = None) -> None:
        """`around` is what the caller itself has."""
        self._journal, self._around = journal, around
        self._new_journal = new_journal or (lambda run: MemoryJournal(run, around.clock))
        self._calls = CallsOfSubagents(proxy(self))  # else the two would keep each other, and the run
        self.all: dict[str, MemoryChild] = {}
        self.loop: RunLoop | None = None
        """The caller's, once it is made: so that children know when a person stops it."""

    @property
    def moving(self) -> list[MemoryChild]:
        """Those that go on now."""
        return [child for child in self.all.values() if child.task is not None and not child.task.done()]

    async def run(self, call: str, arguments: Mapping[str, object]) -> ToolResult:
        """Run the children of `call` to their end and return what comes of them."""
        return await self._calls.run(call, arguments)

    def rest(self) -> None:
        """Let every child rest before its next turn."""
        self._calls.rest()

    def close(self) -> None:
        """Let go of the caller and of the children, once they are over: they know this as this knows them."""
        self.loop = None
        self.all.clear()

    def wake(self, run: str) -> None:
        """Let a child look at its state again."""
        self.all[run].woken.set()
        self.all[run].loop.wake()

    # As a nursery.

    @property
    def caller(self) -> RunState:
        """The caller as it is."""
        return self._journal.state

    @property
    def is_pausing(self) -> bool:
        """Whether a person stops the caller."""
        return self.loop is not None and self.loop.is_stopping

    async def append(self, *events: Event) -> None:
        """Keep events in the caller's log."""
        await self._journal.append(*events)

    async def look(self) -> None:
        """Every child is known already."""

    async def begin(self, first: RunStarted, announce: Announce) -> MemoryChild:
        """Make a child."""
        run = self._around.clock.new_id()
        journal = self._new_journal(run)
        around = replace(self._around, subagents=None, lineage=(run,), budget=self._budget)
        child = self.all[run] = MemoryChild(journal, RunLoop(journal, around))
        await journal.append(first)
        await self._journal.append(announce(run))
        return child

    async def reopen(self, known: MemberState, announce: Announce) -> MemoryChild:  # noqa: ARG002 - there are no forks here
        """Return a child that was left unfinished, ready to go on."""
        child = self.all[known.run]
        await child.journal.append(*resumption(self.caller, child.state))
        return child

    async def read(self, run: str) -> RunState:
        """Return a child that is over."""
        return self.all[run].state

    async def move(self, child: MemoryChild) -> None:
        """Let a child go on until it rests; cancelled, it goes on all the same."""
        child.task = asyncio.create_task(child.loop.run(), name=f"drive {child.run}")
        await asyncio.shield(child.task)

    async def stop(self, child: MemoryChild, *, gently: bool) -> None:
        """Stop a child and wait until it rests; `gently`, what has effects comes to its end."""
        if child.task is not None and not child.task.done():
            if not (gently and child.loop.is_stopping):
                child.loop.pause()
            if not gently:
                child.loop.pause()
            await asyncio.wait({child.task})

    def let_go(self, child: MemoryChild) -> None:
        """Keep it: it stays known."""

    def _budget(self, state: RunState) -> Budget:
        return family_budget(self._journal.state, {run: child.state for run, child in self.all.items()}, state)


def loop_with_children(
    journal: MemoryJournal, around: Surroundings, new_journal: NewJournal | None = None
) -> tuple[RunLoop, MemoryChildren]:
    """Return the loop of a run in memory whose model may have subagents, and these."""
    children = MemoryChildren(journal, around, new_journal)
    children.loop = RunLoop(journal, replace(around, subagents=children))
    return children.loop, children
