"""Two runs side by side: steps and calls aligned by what they do, not by where they stand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from workbench.state.parts import CallState, StepState
from workbench.state.run_state import RunState


@dataclass(frozen=True, slots=True)
class AlignedCall:
    """A call of either run and its counterpart; None where there is none."""

    a_id: str | None
    b_id: str | None
    same: bool
    """Same input and same result."""


@dataclass(frozen=True, slots=True)
class AlignedStep:
    """A step of either run and its counterpart; None where there is none."""

    a_index: int | None
    b_index: int | None
    calls: tuple[AlignedCall, ...]

    @property
    def same(self) -> bool:
        """Whether both sides have the step with the same calls and results."""
        return self.a_index is not None and self.b_index is not None and all(call.same for call in self.calls)


@dataclass(frozen=True, slots=True)
class Alignment:
    """How two runs correspond."""

    shared_steps: int
    """Leading steps that are the same in both."""
    diverged_at: str | None
    """`plan`, `S` (a turn), `S.C` (a call) of the first difference, in the first run's numbers; None for none."""
    rows: tuple[AlignedStep, ...]


def align(a: RunState, b: RunState) -> Alignment:
    """Return how `a` and `b` correspond, by tool and canonical input."""
    shared = 0
    while shared < min(len(a.steps), len(b.steps)) and _same_step(a.steps[shared], b.steps[shared]):
        shared += 1
    rows = [_pair(a.steps[index], b.steps[index]) for index in range(shared)]
    rest_a, rest_b = a.steps[shared:], b.steps[shared:]
    if shared < min(len(a.steps), len(b.steps)) and _same_turn(rest_a[0], rest_b[0]):
        rows.append(_pair(rest_a[0], rest_b[0]))  # the turn is shared, what its calls gave is not
        rest_a, rest_b = rest_a[1:], rest_b[1:]
    rows.extend(_align_rest(rest_a, rest_b))
    return Alignment(shared, _divergence(a, b, shared), tuple(rows))


def _align_rest(a: list[StepState], b: list[StepState]) -> list[AlignedStep]:
    matcher = SequenceMatcher(None, [_signature(step) for step in a], [_signature(step) for step in b], autojunk=False)
    rows: list[AlignedStep] = []
    for _, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        left, right = a[a_from:a_to], b[b_from:b_to]
        rows += [_pair(one, other) for one, other in zip_longest(left, right)]
    return rows


def _divergence(a: RunState, b: RunState, shared: int) -> str | None:
    plan_a, plan_b = a.plan.steps if a.plan else None, b.plan.steps if b.plan else None
    if plan_a != plan_b and shared == 0:
        return "plan"
    if shared == len(a.steps) == len(b.steps):
        return None
    if shared < len(a.steps) and shared < len(b.steps) and _same_turn(a.steps[shared], b.steps[shared]):
        pairs = _pair(a.steps[shared], b.steps[shared]).calls
        return next((pair.a_id or pair.b_id for pair in pairs if not pair.same), str(shared))
    return str(shared)


def _pair(a: StepState | None, b: StepState | None) -> AlignedStep:
    left = list(a.asked_calls) if a else []
    right = list(b.asked_calls) if b else []
    pairs: list[tuple[CallState | None, CallState | None]] = []
    for test in (_exactly, _by_tool):
        for call in list(left):
            match = next((other for other in right if test(call, other)), None)
            if match is not None:
                pairs.append((call, match))
                left.remove(call)
                right.remove(match)
    pairs += [(call, None) for call in left] + [(None, call) for call in right]
    pairs.sort(key=lambda pair: (pair[0] or pair[1] or CallState("", "", {})).id)
    calls = tuple(
        AlignedCall(one.id if one else None, two.id if two else None, _same_call(one, two)) for one, two in pairs
    )
    return AlignedStep(a.index if a else None, b.index if b else None, calls)


def _exactly(a: CallState, b: CallState) -> bool:
    return a.tool == b.tool and a.input == b.input


def _by_tool(a: CallState, b: CallState) -> bool:
    return a.tool == b.tool


def _same_call(a: CallState | None, b: CallState | None) -> bool:
    if a is None or b is None or not _exactly(a, b):
        return False
    one, two = a.result, b.result
    if one is None or two is None:
        return one is two
    return (one.run, one.seq) == (two.run, two.seq) or (
        (one.size, one.first_line, one.is_error) == (two.size, two.first_line, two.is_error)
    )


def _same_turn(a: StepState, b: StepState) -> bool:
    return a.turn.status == b.turn.status == "finished" and a.turn.content == b.turn.content


def _same_step(a: StepState, b: StepState) -> bool:
    return _same_turn(a, b) and all(_same_call(one, two) for one, two in zip(a.asked_calls, b.asked_calls, strict=True))


def _signature(step: StepState) -> str:
    return json.dumps([[call.tool, call.input] for call in step.asked_calls], sort_keys=True)
