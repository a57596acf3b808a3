"""What a loop needs from outside, in one place, so that the driver and tests can give their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from workbench.agent.hooks import Hooks
from workbench.clock import Clock
from workbench.engine.breakpoints import Breakpoints, NoBreakpoints
from workbench.engine.limits import ReadBudget, own_budget
from workbench.engine.threads import ToolThreads
from workbench.providers.base import Provider
from workbench.tools.base import ToolResult
from workbench.tools.toolkit import Toolkit


class Subagents(Protocol):
    """Runs children for `spawn_subagent`."""

    async def run(self, call: str, arguments: Mapping[str, object]) -> ToolResult:
        """Run the children of a call to their end and return their summary; cancelled, it pauses them first.

        Raises `SubagentRestsError` where one came to rest at a breakpoint, or because their caller is at one.
        """
        ...

    def rest(self) -> None:
        """Let every child rest before its next turn: their caller stands at a breakpoint."""
        ...


async def _nobody() -> Collection[str]:
    return ()


AroundCall = Callable[[str, str], AbstractContextManager[object]]
"""Gives what is entered while a call of a run is started: its tool's task, or thread, begins in that context."""


def nothing_around(_run: str, _call: str) -> AbstractContextManager[object]:
    """Start a call as it is."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Tools, models, clock and threads of one run."""

    toolkit: Toolkit
    provider: Callable[[str], Provider]
    """Gives the provider of a model name; raises `UserError` for one that cannot be used."""
    clock: Clock
    threads: ToolThreads
    subagents: Subagents | None = None
    lineage: tuple[str, ...] = ()
    finished_others: Callable[[], Awaitable[Collection[str]]] = _nobody
    """Gives the finished runs whose notes this one may read though it does not come from them."""
    deny_asks: bool = False
    output: type[BaseModel] | None = None
    """The class of a wanted answer, where it is here; the log has its schema alone."""
    hooks: tuple[Hooks, ...] = ()
    """Those that are here as code; the ones that the log names are asked."""
    breakpoints: Callable[[], Breakpoints] = NoBreakpoints
    """Gives those that are in force at the moment."""
    around_call: AroundCall = nothing_around
    budget: ReadBudget = own_budget
    """What the run may still use; a subagent shares it with its caller and that one's other subagents."""
