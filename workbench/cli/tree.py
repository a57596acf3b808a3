"""A run and its subagents as they go on, folded from the feed of a driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.driver.commands import Command, OpenedRun, OpenRun
from workbench.events.base import Recorded
from workbench.events.run import RunForked, RunStarted
from workbench.events.turn import TurnDiscarded
from workbench.state.fold import apply, fold
from workbench.state.parts import CallState
from workbench.state.run_state import RunState

_FOR_A_PERSON = ("waiting", "unknown")
"""What a call is while a person has to answer for it."""


class RunTree:
    """Knows which runs belong to one root, and what each of them is at."""

    def __init__(
        self, ask: Callable[[Command], Any], opened: OpenedRun, *, upto: int, denies_asks: bool = False
    ) -> None:
        """Begin with the root as of event `upto`; what it had after that is taken as new.

        With `denies_asks` no subagent waits for a person, whatever its log said last.
        """
        self._ask, self._denies_asks = ask, denies_asks
        self.root = opened.run
        self.states = {opened.run: fold([record for record in opened.records if record.seq <= upto])}
        self.discarded = ""
        """Why the last turn of the root that came to nothing was discarded."""

    @property
    def state(self) -> RunState:
        """The root's state."""
        return self.states[self.root]

    def take(self, record: Recorded) -> list[Recorded]:
        """Return what is new up to `record`, in order; nothing where it is not of this tree or was seen before."""
        state = self.states.get(record.run)
        if state is None and self._is_ours(record):
            state = self.states[record.run] = self._before(record)
        if state is None or record.seq <= state.seq:
            return []
        return [*self._missed(record, state.seq), record]

    def fold(self, record: Recorded) -> RunState:
        """Take in an event that `take` returned, and return the state of its run."""
        state = self.states[record.run]
        apply(state, record)
        if record.run == self.root and isinstance(record.event, TurnDiscarded):
            self.discarded = record.event.reason
        return state

    def waiting(self) -> list[RunState]:
        """Return the runs of the tree that wait for a person, the root first."""
        return [state for state in self.states.values() if _asks(state) and self._counts(state)]

    @property
    def is_resting(self) -> bool:
        """Whether nothing goes on without a person: the root rests, or all that it runs are subagents that do."""
        state = self.state
        if state.is_resting:
            return True
        step = state.open_step
        moving = [call for call in step.asked_calls if not call.has_result] if step else []
        if state.is_sequential:
            moving = moving[:1]  # the others wait for their turn
        return bool(moving) and all(
            call.status in _FOR_A_PERSON or (call.status == "running" and self._waits(call)) for call in moving
        )

    def _waits(self, call: CallState) -> bool:
        """Whether all subagents of a call that are not over wait for a person."""
        open_ones = [member.run for member in call.members.values() if member.end is None]
        if any(run in self.states and self.states[run].status != "awaiting_approval" for run in open_ones):
            return False
        silent = {} if self._denies_asks else {run: self._stored(run) for run in open_ones if run not in self.states}
        if any(state.status != "awaiting_approval" for state in silent.values()):
            return False
        self.states.update(silent)
        return bool(open_ones) and all(run in self.states for run in open_ones)

    def _stored(self, run: str) -> RunState:
        """Return the state of a subagent that waited before we looked, and so says nothing."""
        opened: OpenedRun = self._ask(OpenRun(run))
        return fold(opened.records)

    def _counts(self, state: RunState) -> bool:
        """Whether the run is the root, or the subagent of a call that still runs."""
        if state.run == self.root:
            return True
        caller = self.states.get(state.caller.run) if state.caller else None
        call = caller.call(state.caller.call) if caller and state.caller else None
        return call is not None and state.run in call.children and not call.has_result

    def _is_ours(self, record: Recorded) -> bool:
        event = record.event
        if isinstance(event, RunStarted | RunForked) and event.caller is not None:
            return event.caller.run in self.states
        calls = (call for state in self.states.values() for step in state.steps for call in step.calls.values())
        return any(record.run in call.children for call in calls)

    def _before(self, record: Recorded) -> RunState:
        if record.seq == 0:
            return RunState()
        opened: OpenedRun = self._ask(OpenRun(record.run))
        return fold([earlier for earlier in opened.records if earlier.seq < record.seq])

    def _missed(self, record: Recorded, seen: int) -> list[Recorded]:
        """Return own events that did not come through the feed before this one."""
        if record.seq == seen + 1:
            return []
        opened: OpenedRun = self._ask(OpenRun(record.run))
        return [earlier for earlier in opened.records if seen < earlier.seq < record.seq]


def _asks(state: RunState) -> bool:
    """Whether a person has to answer something, though other calls of the run may go on."""
    step = state.open_step
    calls = step.asked_calls if step else []
    return state.status == "awaiting_approval" or (
        state.end is None and any(call.status in _FOR_A_PERSON for call in calls)
    )
