"""Two runs side by side: steps and calls aligned by what they do, not by where they stand.

What both inherited of one run is the same without a look at it. What is closed on both sides is compared once, so that
runs that go on can be aligned again and again. What is not known yet, a turn that streams or a result that is still to
come, is open: no difference, and nothing in common either.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from workbench.debugger.matching import matching_places
from workbench.events.base import Recorded
from workbench.events.content import Content
from workbench.events.request import TurnBlock
from workbench.state.parts import CallState, ResultRef, StepState
from workbench.state.run_state import RunState

Ref = tuple[str, int]
"""A result, by the run and seq of its event."""
Digests = Mapping[Ref, str]
"""What `digest_of` says of results, as far as they were read."""

_UNFINISHED = "unfinished"
"""Stands for what a step does while its turn is not finished: it is like no other."""


@dataclass(frozen=True, slots=True)
class AlignedCall:
    """A call of either run and its counterpart; None where there is none."""

    a_id: str | None
    b_id: str | None
    same: bool
    """Same input and same result."""
    open: bool = False
    """Not to be compared yet: a result, or a whole turn, is still to come."""


@dataclass(frozen=True, slots=True)
class AlignedStep:
    """A step of either run and its counterpart; None where there is none."""

    a_index: int | None
    b_index: int | None
    calls: tuple[AlignedCall, ...]
    same_words: bool = True
    """Both turns say and think the same; so far as they are finished."""
    open: bool = False
    """One of the turns is not finished."""
    undecided: tuple[Ref, ...] = ()
    """Results that look the same and whose bytes would have to be read to know."""

    @property
    def same(self) -> bool:
        """Whether both sides have the step with the same words, calls and results."""
        is_whole = self.a_index is not None and self.b_index is not None and not self.open
        return is_whole and self.same_words and all(call.same for call in self.calls)


@dataclass(frozen=True, slots=True)
class Alignment:
    """How two runs correspond."""

    shared_steps: int
    """Leading steps that are the same in both."""
    diverged_at: str | None
    """`plan`, `S` (a turn), `S.C` (a call) of the first difference, in the first run's numbers; None for none."""
    rows: tuple[AlignedStep, ...]

    @property
    def undecided(self) -> tuple[Ref, ...]:
        """Results that were taken as the same because they look so; read, digested and given, they are certain."""
        return tuple(dict.fromkeys(ref for row in self.rows for ref in row.undecided))


def align(a: RunState, b: RunState, *, common: int = 0, digests: Digests | None = None) -> Alignment:
    """Return how `a` and `b` correspond, by tool and canonical input.

    `common` is how many events both have of the same runs (`common_events`).
    """
    return Aligner(a, b, common).align(digests or {})


def digest_of(content: Content) -> str:
    """Return what two contents have in common if and only if they are the same."""
    digest = hashlib.blake2b(digest_size=16)
    for block in content:
        digest.update(block.model_dump_json().encode())
    return digest.hexdigest()


def common_events(a: Sequence[Recorded], b: Sequence[Recorded]) -> int:
    """Return how many of their first events two lineages have in common, without reading them.

    An event is named by the run that owns it and its seq, and whoever inherits it has inherited all before it.
    """
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high) // 2
        if a[middle].run == b[middle].run:
            low = middle + 1
        else:
            high = middle
    return low


class Aligner:
    """Aligns two runs that may go on: asked again, it looks at what is new."""

    def __init__(self, a: RunState, b: RunState, common: int = 0) -> None:
        self._a, self._b, self._common = a, b, common
        self._shared: list[AlignedStep] = []
        """Rows of the beginning that are the same and stay so."""
        self._rows: dict[tuple[int | None, int | None], AlignedStep] = {}
        """Rows of steps that are closed on every side."""
        self._keys: tuple[list[_Keys], list[_Keys]] = ([], [])

    def align(self, digests: Digests) -> Alignment:
        """Return how the two correspond as of now."""
        a, b = self._a.steps, self._b.steps
        rows = self._beginning(digests)
        shared = len(rows)
        at = shared
        if at < min(len(a), len(b)) and _says_same(a[at], b[at]) and len(a[at].asked_calls) == len(b[at].asked_calls):
            rows.append(self._row(a[at], b[at], digests))  # the turn is shared, what its calls gave is not
            at += 1
        keys_a, keys_b = self._keys_of(0)[at:], self._keys_of(1)[at:]
        for one, other in _pair_up(keys_a, keys_b):
            step_a = a[at + one] if one is not None else None
            step_b = b[at + other] if other is not None else None
            rows.append(self._row(step_a, step_b, digests))
        return Alignment(shared, self._divergence(rows, shared), tuple(rows))

    def _beginning(self, digests: Digests) -> list[AlignedStep]:
        """Return the leading rows that are the same; those that can change no more are kept."""
        a, b = self._a.steps, self._b.steps
        rows = list(self._shared)
        while len(rows) < min(len(a), len(b)):
            row = self._row(a[len(rows)], b[len(rows)], digests)
            if not row.same:
                break
            rows.append(row)
            if len(self._shared) == len(rows) - 1 and self._is_settled(row) and not row.undecided:
                self._shared.append(row)
        return rows

    def _row(self, a: StepState | None, b: StepState | None, digests: Digests) -> AlignedStep:
        name = (a.index if a else None, b.index if b else None)
        known = self._rows.get(name)
        if known is not None and not any(ref in digests for ref in known.undecided):
            return known
        row = self._inherited(a, b) or _pair(a, b, digests)
        if self._is_settled(row):
            self._rows[name] = row
        return row

    def _is_settled(self, row: AlignedStep) -> bool:
        """Whether nothing can change: closed steps are append-only, save the last one, which a fork opens again."""
        for index, steps in ((row.a_index, self._a.steps), (row.b_index, self._b.steps)):
            if index is not None and (index >= len(steps) - 1 or not steps[index].is_closed):
                return False
        return True

    def _inherited(self, a: StepState | None, b: StepState | None) -> AlignedStep | None:
        """Return the row of a step that both have of the same run, which needs no comparing."""
        if a is None or b is None or a.index != b.index or a.turn.edited or b.turn.edited:
            return None
        ends = (a.finished_seq, b.finished_seq)
        if any(end is None or end >= self._common for end in ends):
            return None
        return AlignedStep(a.index, b.index, tuple(AlignedCall(call.id, call.id, same=True) for call in a.asked_calls))

    def _keys_of(self, side: int) -> list[_Keys]:
        """Return what each step does, for finding it on the other side."""
        steps, kept = (self._a, self._b)[side].steps, self._keys[side]
        while len(kept) < len(steps) - 1 and steps[len(kept)].is_closed:
            kept.append(_keys(steps[len(kept)]))
        return kept + [_keys(step) for step in steps[len(kept) :]]

    def _divergence(self, rows: list[AlignedStep], shared: int) -> str | None:
        if shared == 0 and plan_key(self._a) != plan_key(self._b):
            return "plan"
        for row in rows[shared:]:
            if row.a_index is None or row.b_index is None:
                is_behind = is_unfinished(self._a if row.a_index is None else self._b)
                return None if is_behind and _is_tail(rows, row) else str(_first(row.a_index, row.b_index))
            differing = [call for call in row.calls if not call.same and not call.open]
            if not row.same_words or any(call.a_id is None or call.b_id is None for call in differing):
                return str(row.a_index)
            if differing:
                return differing[0].a_id
        return None


@dataclass(frozen=True, slots=True)
class _Keys:
    """What a step does: its calls with their inputs, and its tools alone."""

    exact: str
    tools: str


def _keys(step: StepState) -> _Keys:
    if step.turn.status != "finished":
        return _Keys(f"{_UNFINISHED} {id(step)}", _UNFINISHED)
    calls = [[call.tool, call.input] for call in step.asked_calls]
    return _Keys(json.dumps(calls, sort_keys=True), json.dumps([call.tool for call in step.asked_calls]))


def _pair_up(a: Sequence[_Keys], b: Sequence[_Keys]) -> Iterable[tuple[int | None, int | None]]:
    """Yield counterparts: first by calls and inputs, between those by tools, between those in order."""
    for ranges in _between(matching_places([key.exact for key in a], [key.exact for key in b]), len(a), len(b)):
        a_from, a_to, b_from, b_to = ranges
        tools_a, tools_b = [key.tools for key in a[a_from:a_to]], [key.tools for key in b[b_from:b_to]]
        for inner in _between(matching_places(tools_a, tools_b), a_to - a_from, b_to - b_from):
            left = range(a_from + inner[0], a_from + inner[1])
            right = range(b_from + inner[2], b_from + inner[3])
            yield from zip_longest(left, right)
            if inner[1] < a_to - a_from:
                yield a_from + inner[1], b_from + inner[3]
        if a_to < len(a):
            yield a_to, b_to


def _between(places: list[tuple[int, int]], a_end: int, b_end: int) -> Iterable[tuple[int, int, int, int]]:
    """Yield what lies before each match, and after the last; the match itself stands at the ends of its range."""
    a_from = b_from = 0
    for one, other in places:
        yield a_from, one, b_from, other
        a_from, b_from = one + 1, other + 1
    yield a_from, a_end, b_from, b_end


def _pair(a: StepState | None, b: StepState | None, digests: Digests) -> AlignedStep:
    """Return a row: calls paired by tool and input, then by tool, and what is left alone, in the order of the turn."""
    left = list(enumerate(a.asked_calls)) if a else []
    right = list(enumerate(b.asked_calls)) if b else []
    is_open = any(step is not None and step.turn.status != "finished" for step in (a, b))
    pairs: list[tuple[int, CallState | None, CallState | None]] = []
    for key in (_exact_key, _tool_key):
        waiting: defaultdict[str, deque[tuple[int, CallState]]] = defaultdict(deque)
        for place, call in right:
            waiting[key(call)].append((place, call))
        unmatched = []
        for place, call in left:
            if found := waiting.get(key(call)):
                pairs.append((place, call, found.popleft()[1]))
            else:
                unmatched.append((place, call))
        left, right = unmatched, sorted((item for rest in waiting.values() for item in rest), key=lambda item: item[0])
    pairs += [(place, call, None) for place, call in left] + [(place, None, call) for place, call in right]
    pairs.sort(key=lambda pair: (pair[0], pair[1] is None))
    calls: list[AlignedCall] = []
    undecided: list[Ref] = []
    for _, one, two in pairs:
        compared, refs = _compare_calls(one, two, digests, is_open=is_open)
        calls.append(compared)
        undecided += refs
    same_words = a is None or b is None or is_open or words_of(a) == words_of(b)
    index_a, index_b = a.index if a else None, b.index if b else None
    return AlignedStep(index_a, index_b, tuple(calls), same_words, is_open, tuple(undecided))


def _compare_calls(
    a: CallState | None, b: CallState | None, digests: Digests, *, is_open: bool
) -> tuple[AlignedCall, list[Ref]]:
    if a is None or b is None:
        return AlignedCall(a.id if a else None, b.id if b else None, same=False, open=is_open), []
    if (a.tool, a.input) != (b.tool, b.input):
        return AlignedCall(a.id, b.id, same=False), []
    one, two = a.result, b.result
    if one is None or two is None:
        return AlignedCall(a.id, b.id, same=False, open=True), []
    if (one.run, one.seq) == (two.run, two.seq):
        return AlignedCall(a.id, b.id, same=True), []
    if (one.size, one.first_line, one.is_error) != (two.size, two.first_line, two.is_error):
        return AlignedCall(a.id, b.id, same=False), []
    if one.size <= len(one.first_line.encode()):  # the line is all there is
        return AlignedCall(a.id, b.id, same=True), []
    known = [digests.get(ref) for ref in map(_ref, (one, two))]
    if None in known:
        return AlignedCall(a.id, b.id, same=True), [_ref(one), _ref(two)]
    return AlignedCall(a.id, b.id, same=known[0] == known[1]), []


def _ref(result: ResultRef) -> Ref:
    return result.run, result.seq


def _exact_key(call: CallState) -> str:
    return json.dumps([call.tool, call.input], sort_keys=True)


def _tool_key(call: CallState) -> str:
    return call.tool


def words_of(step: StepState) -> list[tuple[str, str]]:
    """Return what a turn says and thinks, its calls left out."""
    return [(block.type, block.text) for block in step.turn.content if block.type != "tool_call"]


def _says_same(a: StepState, b: StepState) -> bool:
    """Whether both turns are finished and say and ask the same, whatever the operator made of their inputs."""
    finished = a.turn.status == b.turn.status == "finished"
    return finished and list(map(_said, a.turn.content)) == list(map(_said, b.turn.content))


def _said(block: TurnBlock) -> object:
    return (block.tool, block.input) if block.type == "tool_call" else (block.type, block.text)


def plan_key(state: RunState) -> object:
    """Return what two plans have in common that say the same; None where there is none to follow."""
    plan = state.plan
    if plan is None or plan.status == "simple":
        return None
    return plan.status == "skipped", tuple(plan.steps)


def is_unfinished(state: RunState) -> bool:
    """Whether more of the run may still come."""
    return state.end is None or state.end[0] == "interrupted"


def _is_tail(rows: Sequence[AlignedStep], row: AlignedStep) -> bool:
    """Whether one side has nothing more from this row on."""
    side: Callable[[AlignedStep], int | None] = (
        (lambda item: item.a_index) if row.a_index is None else (lambda item: item.b_index)
    )
    return all(side(item) is None for item in rows[rows.index(row) :])


def _first(a: int | None, b: int | None) -> int:
    return a if a is not None else b if b is not None else 0
