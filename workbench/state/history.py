"""Any moment of a run, quickly: the fold of a prefix, from snapshots taken every few events.

Closed steps never change and stay in their places, so a snapshot has the last step alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import replace

from workbench.events.base import Recorded
from workbench.garbage import uncollected
from workbench.state.fold import apply
from workbench.state.parts import StepState, TurnState
from workbench.state.run_state import RunState

SNAPSHOT_EVERY = 256
"""Events between snapshots: a millisecond of folding at the most."""


class History:
    """A run's records with the state as of each of them."""

    def __init__(self, records: Collection[Recorded] = ()) -> None:
        self.records: list[Recorded] = []
        self.live = RunState()
        self._snapshots: list[RunState] = [RunState()]
        self._positions: list[int] = [-1]
        self.extend(records)

    def extend(self, records: Collection[Recorded]) -> None:
        """Take in the next records, in order."""
        with uncollected(len(records)):
            for record in records:
                self.append(record)

    def append(self, record: Recorded) -> None:
        """Take in the next record; raises `ValueError` where its seq does not follow."""
        apply(self.live, record)
        self.records.append(record)
        if record.seq - self._positions[-1] >= SNAPSHOT_EVERY:
            kept = snapshot(self.live)
            del kept.steps[:-1]
            self._snapshots.append(kept)
            self._positions.append(record.seq)

    def upto(self, seq: int) -> History:
        """Return the history up to event `seq`; it goes on by itself, and shares with this one what cannot change."""
        other, known = History(), bisect_right(self._positions, seq)
        state = self.at(seq)
        other.live = snapshot(state) if state is self.live else state
        other.records = self.records[: seq + 1]
        other._snapshots, other._positions = self._snapshots[:known], self._positions[:known]
        return other

    def at(self, seq: int) -> RunState:
        """Return the state after event `seq`, an object of its own; the live one for the last event or beyond."""
        if seq >= self.live.seq:
            return self.live
        nearest = bisect_right(self._positions, seq) - 1
        state = snapshot(self._snapshots[nearest])
        if state.steps:
            state.steps[:0] = self.live.steps[: state.steps[-1].index]
        for record in self.records[self._positions[nearest] + 1 : seq + 1]:
            apply(state, record)
        return state


def snapshot(state: RunState) -> RunState:
    """Return a copy that shares the closed steps with `state` and nothing that can still change."""
    plan = state.plan
    copied = replace(
        state,
        steps=state.steps[:-1] + [_copy_of_step(step) for step in state.steps[-1:]],
        plan=replace(plan, steps=plan.steps.copy(), progress=plan.progress.copy()) if plan is not None else None,
        plan_turn=_copy_of_turn(state.plan_turn),
        entries=state.entries.copy(),
        queued=state.queued.copy(),
        outcomes=state.outcomes.copy(),
        allowed=state.allowed.copy(),
        switched=state.switched.copy(),
        exposures=state.exposures.copy(),
        elided=state.elided.copy(),
        own_edits=state.own_edits.copy(),
        children=state.children.copy(),
        hits=state.hits.copy(),
        hook_notes=state.hook_notes.copy(),
        missing_hooks=state.missing_hooks.copy(),
        notices=state.notices.copy(),
    )
    copied.active_turn = _twin(state.active_turn, state, copied)
    copied.failed_turn = _twin(state.failed_turn, state, copied)
    return copied


def _twin(turn: TurnState | None, state: RunState, copied: RunState) -> TurnState | None:
    """Return what a turn of `state` is in its copy: the turn of its last step or of its plan, else a copy."""
    if turn is not None and state.steps and state.steps[-1].turn is turn:
        return copied.steps[-1].turn
    return copied.plan_turn if turn is state.plan_turn else _copy_of_turn(turn)


def _copy_of_turn(turn: TurnState | None) -> TurnState | None:
    if turn is None:
        return None
    return replace(turn, text=turn.text.copy(), thinking=turn.thinking.copy(), retries=turn.retries.copy())


def _copy_of_step(step: StepState) -> StepState:
    calls = {
        name: replace(call, attempts=call.attempts.copy(), members=call.members.copy())
        for name, call in step.calls.items()
    }
    return replace(
        step,
        turn=_copy_of_turn(step.turn) or step.turn,
        calls=calls,
        asked_calls=[calls[call.id] for call in step.asked_calls],
        switched=step.switched.copy(),
        undriven=step.undriven.copy(),
    )
