"""Taking over a run whose driver died: what was in flight becomes facts of its own."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.events.base import Event
from workbench.events.call import CallDiscarded, CallInterrupted, OutcomeUnknown
from workbench.events.run import RunRecovered
from workbench.events.turn import TurnDiscarded
from workbench.state.run_state import RunState


def is_torn(state: RunState) -> bool:
    """Whether the log ends in the middle of something that no living process goes on with."""
    return state.seq >= 0 and not state.is_resting


def recovery_events(state: RunState) -> tuple[Event, ...]:
    """Return what a new driver writes first: nothing where the run was at rest.

    Read-only and idempotent calls will run again; of effectful ones nobody knows what they did.
    """
    return (RunRecovered(), *_loose_ends(state)) if is_torn(state) else ()


def _loose_ends(state: RunState) -> Iterable[Event]:
    turn = state.active_turn
    in_step = state.steps[-1] if state.steps and not state.steps[-1].is_closed else None
    for call in in_step.calls.values() if in_step is not None else ():
        if call.status == "running" and not call.asked:
            yield CallDiscarded(call=call.id, reason="the program ended while the turn was being written")
        elif call.status == "running":
            yield CallInterrupted(call=call.id, reason="crashed")
            if call.effect == "effectful":
                yield OutcomeUnknown(call=call.id)
    if turn is not None:
        step = in_step.index if in_step is not None else len(state.steps)
        yield TurnDiscarded(step=step, attempt=turn.attempt, reason="crashed")
