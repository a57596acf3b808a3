"""Admitted calls made ready to fly: what each is told about itself, and what runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from workbench.engine.admission import Admitted
from workbench.engine.attempts import CallContext, CallInFlight
from workbench.engine.surroundings import Surroundings
from workbench.events.call import CallStarted
from workbench.events.content import text_content
from workbench.state.run_state import RunState
from workbench.tools.base import ToolResult
from workbench.tools.control import SPAWN_SUBAGENT
from workbench.tools.library import Readable


def make_flight(
    started: CallStarted,
    admitted: Admitted,
    around: Surroundings,
    state: RunState,
    *,
    on_progress: Callable[[CallInFlight, str], None],
    on_settled: Callable[[CallInFlight], None],
    on_late: Callable[[str, Any], None],
) -> CallInFlight:
    """Return the call, not begun yet. What it says of its progress may come from any thread."""
    loop, subagents = asyncio.get_running_loop(), around.subagents
    last, is_told = "", True

    def note(text: str) -> None:
        """Hand on the last word; a tool may say so many, one after the other, that the loop would do nothing else."""
        nonlocal last, is_told
        last = text
        if is_told:
            is_told = False
            loop.call_soon_threadsafe(tell)

    def tell() -> None:
        nonlocal is_told
        is_told = True
        on_progress(flight, last)

    def context(attempt: int) -> CallContext:
        pace = state.agent.pace if state.agent else 0.0
        return CallContext(state.run, started.call, attempt, around.lineage or (state.run,), pace, note, readable)

    async def readable() -> Readable:
        return readable_notes(state, await around.finished_others())

    async def spawn() -> ToolResult:
        if subagents is None:
            return ToolResult(text_content("subagents are not available here"), is_error=True)
        return await subagents.run(started.call, admitted.arguments)

    flight = CallInFlight(
        call=started.call,
        tool=admitted.tool,
        arguments=admitted.arguments,
        context=context,
        threads=around.threads,
        clock=around.clock,
        on_settled=on_settled,
        on_late=on_late,
        around=partial(around.around_call, state.run, started.call),
        special=spawn if admitted.tool.name == SPAWN_SUBAGENT else None,
    )
    return flight


def readable_notes(state: RunState, finished_others: Iterable[str] = ()) -> Readable:
    """Return whose notes a run may read, as its state says: of another run's notes only those of inherited calls."""
    inherited: dict[str, set[str]] = {}
    others = set(finished_others)
    for call in (call for step in state.steps for call in step.calls.values()):
        came = call.original or call.result
        if came is None or not call.has_result:
            continue
        if came.run != state.run:
            inherited.setdefault(came.run, set()).add(call.id)
        if call.child is not None:
            others.add(call.child)
    return Readable(state.run, {run: frozenset(calls) for run, calls in inherited.items()}, frozenset(others))
