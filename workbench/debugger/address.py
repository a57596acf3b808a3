"""Places in a run, as people write them, and the cut that each stands for.

Everything counts from 0: `plan` after the plan; `S` before turn S; `S.turn` after it, no call run; `S.C` inside step S,
all results kept but call C; `end`; `seq:N` where the playhead stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workbench.errors import AddressError
from workbench.events.base import Recorded
from workbench.events.call import SubagentStarted
from workbench.events.edit import AgentEdited, InputEdited, MessageAdded, ResultEdited, TextEdited
from workbench.events.plan import PlanApproved, PlanEdited, PlanSkipped
from workbench.events.run import Reset, RunForked
from workbench.state.history import History
from workbench.state.parts import CallState, StepState
from workbench.state.run_state import RunState

PlaceKind = Literal["plan", "before", "turn", "call", "end", "seq"]
FORMS = (
    "`plan`, `S` (before turn S), `S.turn` (after it), `S.C` (call C of step S), `seq:N` (as of event N), or `end`; "
    "all count from 0"
)
FORK_EDITS: Final = (
    ResultEdited, InputEdited, TextEdited, AgentEdited, MessageAdded,
    PlanEdited, PlanApproved, PlanSkipped, SubagentStarted,
)  # fmt: skip
"""What may follow `run_forked` in the same transaction."""
_PATTERN = re.compile(r"(?P<step>\d{1,9})(?:\.(?P<part>turn|\d{1,9}))?|seq:(?P<seq>\d{1,9})|(?P<word>plan|end)")


@dataclass(frozen=True, slots=True)
class Place:
    """An address, read."""

    kind: PlaceKind
    step: int = 0
    call: str = ""
    seq: int = 0

    def __str__(self) -> str:
        """Return the address as people write it."""
        match self.kind:
            case "before":
                return str(self.step)
            case "turn":
                return f"{self.step}.turn"
            case "call":
                return self.call
            case "seq":
                return f"seq:{self.seq}"
            case _:
                return self.kind


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a fork leaves its parent."""

    place: Place
    seq: int
    """The last event that is kept."""
    state: RunState
    """The parent as of that event."""
    reset: dict[str, Reset]
    """What becomes of the open step's calls, before any edit."""


def parse_address(text: str) -> Place:
    """Return the place that `text` names; raises `AddressError` for what is no address."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise AddressError(f"{text!r} is no place in a run; write {FORMS}")
    if match["word"]:
        return Place("plan" if match["word"] == "plan" else "end")
    if match["seq"]:
        return Place("seq", seq=int(match["seq"]))
    step, part = int(match["step"]), match["part"]
    if part is None:
        return Place("before", step)
    return Place("turn", step) if part == "turn" else Place("call", step, call=f"{step}.{int(part)}")


def find_cut(history: History, place: Place) -> Cut:
    """Return the cut that `place` stands for; raises `AddressError` where the run has no such place."""
    match place.kind:
        case "plan":
            return _after_plan(history, place)
        case "before":
            return _before_turn(history, place)
        case "turn":
            return _after_turn(history, place)
        case "call":
            return _inside_step(history, place)
        case "end":
            return _at(history, place, history.live.seq)
        case "seq":
            if place.seq > history.live.seq:
                raise AddressError(f"the run has events 0 to {history.live.seq}; there is none at {place.seq}")
            return _at(history, place, _whole_beginning(history, place.seq))


def beginning_with(place: Place, calls: Iterable[str] = ()) -> Callable[[RunState], bool] | None:
    """Return whether a beginning of a run, as of its state, has all that `place` and `calls` there are found by.

    None where only the whole run has it. What is found in such a beginning is found in the whole run, and the same.
    """
    if place.kind not in ("before", "turn", "call") or any(parse_address(call).step > place.step for call in calls):
        return None

    def is_enough(state: RunState) -> bool:
        return len(state.steps) > place.step and state.steps[place.step].is_closed

    return is_enough


def _after_plan(history: History, place: Place) -> Cut:
    plan = history.live.plan
    if plan is None or plan.proposed_seq < 0 or plan.status == "simple":
        raise AddressError("this run has no plan; fork at `0` (before the first turn) instead")
    return _at(history, place, plan.proposed_seq)


def _before_turn(history: History, place: Place) -> Cut:
    steps = history.live.steps
    if place.step == len(steps) and place.step > 0 and steps[-1].is_closed:
        return _at(history, Place("end"), history.live.seq)
    return _at(history, place, _step(history, place).before_seq)


def _after_turn(history: History, place: Place) -> Cut:
    step = _step(history, place)
    if step.turn_seq is None:
        raise AddressError(f"turn {place.step} is not finished; fork at `{place.step}` (before it) instead")
    state = history.at(step.turn_seq)
    started = [call.id for call in state.steps[place.step].calls.values() if call.started_at is not None and call.asked]
    return Cut(place, step.turn_seq, state, dict.fromkeys(started, "rerun"))


def _inside_step(history: History, place: Place) -> Cut:
    step = _step(history, place)
    asked = [call.id for call in step.asked_calls]
    if step.turn_seq is None:
        raise AddressError(f"turn {place.step} is not finished; fork at `{place.step}` (before it) instead")
    if (known := step.calls.get(place.call)) is not None and known.hosted:
        raise AddressError(
            f"call {place.call} ran at the provider, inside of turn {place.step}; fork before it, at `{place.step}`, "
            f"or after that turn, at `{place.step}.turn`"
        )
    if place.call not in asked:
        there = f"it has {', '.join(asked)}" if asked else "it has no calls"
        raise AddressError(f"step {place.step} has no call {place.call}; {there}")
    if step.finished_seq is not None:
        return Cut(place, step.finished_seq, history.at(step.finished_seq), {})
    return _at(history, place, history.live.seq)


def _step(history: History, place: Place) -> StepState:
    steps = history.live.steps
    if place.step >= len(steps):
        there = f"it has steps 0 to {len(steps) - 1}" if steps else "it has no steps yet"
        raise AddressError(f"the run has no step {place.step}; {there}")
    return steps[place.step]


def _at(history: History, place: Place, seq: int) -> Cut:
    """Cut at `seq`, or before the turn that is being written there: a cut never lies inside a turn."""
    state = history.at(seq)
    turn = state.active_turn
    if turn is not None:
        is_step = bool(state.steps) and state.steps[-1].turn is turn
        before = state.steps[-1].before_seq if is_step else _turn_start(history, seq) - 1
        return _at(history, place, before)
    step = state.open_step
    running = [call.id for call in step.asked_calls if _is_in_flight(call)] if step else []
    return Cut(place, seq, state, dict.fromkeys(running, "open"))


def _is_in_flight(call: CallState) -> bool:
    """Whether the call had started; between the event that stops an effectful one and the next, it is in doubt too."""
    return call.status == "running" or (call.status == "interrupted" and call.effect == "effectful")


def _whole_beginning(history: History, seq: int) -> int:
    """Return the last event of a fork's beginning where `seq` lies in one: a fork and its edits are one act."""
    records, first = history.records, seq
    while first > 0 and isinstance(records[first].event, FORK_EDITS) and records[first - 1].run == records[first].run:
        first -= 1
    return max(seq, beginning_end(records, first)) if isinstance(records[first].event, RunForked) else seq


def beginning_end(records: Sequence[Recorded], first: int) -> int:
    """Return the index of the last event that was written together with the first one of a run.

    What was written in one transaction has one time; what a person decided later in the fork is no part of it.
    """
    last = first
    while (
        last + 1 < len(records)
        and isinstance(records[last + 1].event, FORK_EDITS)
        and _together(records, first, last + 1)
    ):
        last += 1
    return last


def _together(records: Sequence[Recorded], one: int, other: int) -> bool:
    return records[one].run == records[other].run and records[one].at == records[other].at


def _turn_start(history: History, seq: int) -> int:
    while seq > 0 and history.records[seq].event.kind != "turn_started":
        seq -= 1
    return max(1, seq)
