"""A run that this process moves forward: its journal, its loop, and the task that runs it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.driver.journal import StoreJournal
from workbench.engine.loop import RunLoop
from workbench.state.run_state import RunState

if TYPE_CHECKING:
    from workbench.driver.children import Children


@dataclass(slots=True)
class LiveRun:
    """A run whose lease, or whose root's lease, this process holds."""

    run: str
    root: str
    journal: StoreJournal
    loop: RunLoop
    task: asyncio.Task[None] | None = None
    """Drives a root run; a subagent is driven inside its caller's call."""
    children: Children | None = None
    """The subagents of a root run."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a person did something for a run at rest."""

    @property
    def state(self) -> RunState:
        """The run as it is."""
        return self.journal.state

    @property
    def is_root(self) -> bool:
        """Whether a person started it, rather than a call."""
        return self.run == self.root

    @property
    def is_moving(self) -> bool:
        """Whether its task runs."""
        return self.task is not None and not self.task.done()

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on; one that has come to its end moves a little longer, until all of it is given back."""
        return self.is_moving and self.state.end is None

    def wake(self) -> None:
        """Look at the state again, in the loop or at rest."""
        self.woken.set()
        self.loop.wake()
