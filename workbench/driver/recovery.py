"""Taking over a run whose driver died: what was in flight becomes facts of its own."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.events.base import Event, Recorded
from workbench.events.call import CallDiscarded, CallInterrupted, CallStarted, OutcomeUnknown, PermissionDecided
from workbench.events.run import RunRecovered
from workbench.events.turn import TurnDiscarded, TurnStarted
from workbench.state.run_state import RunState


def is_torn(state: RunState) -> bool:
    """Whether the log ends in the middle of something that no living process goes on with."""
    return state.seq >= 0 and not state.is_resting


def was_driven(records: Iterable[Recorded], run: str) -> bool:
    """Whether the run's own log holds more than its beginning, so that there was a driver who could die."""
    return any(record.run == run and isinstance(record.event, TurnStarted | CallStarted) for record in records)


def recovery_events(state: RunState) -> tuple[Event, ...]:
    """Return what a new driver writes first into a log that ends in the middle of something."""
    return (RunRecovered(), *loose_ends(state, "crashed"))


def loose_ends(state: RunState, why: str) -> Iterable[Event]:
    """Yield the ends of what is in flight and has nobody who waits for it any more; `why` is said of the turn.

    Read-only and idempotent calls will run again; of effectful ones nobody knows what they did.
    """
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
        yield TurnDiscarded(step=step, attempt=turn.attempt, reason=why)


def denials(state: RunState) -> Iterable[Event]:
    """Yield the denial of each call that waits for permission, for a run with nobody to ask."""
    for call in state.open_step.asked_calls if state.open_step is not None else ():
        if call.status == "waiting":
            yield PermissionDecided(call=call.id, verdict="deny", reason="nobody is there to ask")
