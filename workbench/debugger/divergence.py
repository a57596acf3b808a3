"""Why two runs differ: what set them apart, and which differences are more than what followed from that.

**The rule.** A difference is *independent* if it is one of these:

1. it stands at the divergence itself, in the first step that differs, and no edit of a fork explains it;
2. a person made it: an edited result, input, text or plan, a message, another task or agent;
3. a call with the same tool and the same input gave another result;
4. there is an error on one side only;
5. it is the answer.

Every other difference is *consequent*: other words, other calls, other inputs of a model that had read something else,
and what calls with other inputs gave. What is still to come on one side is no difference.

Pure: two histories in, a comparison out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from workbench.debugger.align import (
    AlignedCall,
    AlignedStep,
    Aligner,
    Alignment,
    Digests,
    common_events,
    is_unfinished,
    plan_key,
    words_of,
)
from workbench.debugger.cause import Cause, agent_words, fork_cause
from workbench.events.content import plain_text
from workbench.state.history import History
from workbench.state.parts import StepMark
from workbench.state.run_state import RunState

SpotKind = Literal["task", "shared", "agent", "plan", "turn", "message", "call", "answer", "end"]
Kind = Literal["task", "agent", "plan", "words", "step", "message", "input", "result", "only", "answer", "end"]


class Spot(NamedTuple):
    """A thing of a comparison, by what it is called on each side; equal spots name the same thing."""

    kind: SpotKind
    a: str | None = None
    b: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in both runs."""

    spot: Spot
    kind: Kind
    words: str
    """What differs, for a person."""
    independent: bool
    """More than what followed from an earlier difference."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, what they share, what set them apart and what differs."""

    alignment: Alignment
    cause: Cause | None
    """None where nothing differs so far."""
    differences: tuple[Difference, ...]
    """From the beginning of the runs to their end."""
    row_differences: tuple[tuple[Difference, ...], ...]
    """Those of each row of the alignment."""


class Comparer:
    """Compares two runs that may go on: asked again, it looks at what is new."""

    def __init__(self, a: History, b: History) -> None:
        self._a, self._b = a, b
        self._common = common_events(a.records, b.records)
        self._aligner = Aligner(a.live, b.live, self._common)
        self._known: dict[int, tuple[AlignedStep, tuple[Difference, ...]]] = {}
        """What differs in rows that change no more, by the row."""

    def compare(self, digests: Digests | None = None) -> Comparison:
        """Return how the two compare as of now; results without a digest are the same if they look the same."""
        a, b = self._a.live, self._b.live
        alignment = self._aligner.align(digests or {})
        said_a, said_b = messages_of(a), messages_of(b)
        rows = self._rows(alignment, said_a, said_b)
        shared = next((number for number, found in enumerate(rows[: alignment.shared_steps]) if found), None)
        if shared is not None:  # the same steps, but a person said something between them on one side
            alignment = replace(alignment, shared_steps=shared)
        cause = fork_cause(self._a, self._b, self._common, alignment.shared_steps)
        first = next((number for number, found in enumerate(rows) if found), None)
        if first is not None and cause is None:
            rows[first] = tuple(replace(item, independent=True) for item in rows[first])
        front = [*self._front(a, b, is_first=alignment.shared_steps == 0)]
        back = [*self._back(a, b, said_a, said_b)]
        differences = (*front, *(item for found in rows for item in found), *back)
        cause = cause or self._first_difference(a, b, differences)
        if cause is None or cause.at != alignment.diverged_at:
            alignment = replace(alignment, diverged_at=cause.at if cause is not None else None)
        return Comparison(alignment, cause, differences, tuple(rows))

    # Differences

    def _front(self, a: RunState, b: RunState, *, is_first: bool) -> Iterator[Difference]:
        """Yield what differs before any step: the task, the agent, the plan."""
        if a.question != b.question:
            yield Difference(Spot("task"), "task", "another task", independent=True)
        if agents := agent_words(a.agent, b.agent):
            yield Difference(Spot("agent"), "agent", f"the agents differ: {agents}", independent=True)
        waits = (a.plan is None and is_unfinished(a) and not a.steps) or (
            b.plan is None and is_unfinished(b) and not b.steps
        )
        if plan_key(a) != plan_key(b) and not waits:
            edited = any(plan is not None and (plan.edited or plan.status == "skipped") for plan in (a.plan, b.plan))
            words = "the plan was changed by a person" if edited else "another plan"
            yield Difference(Spot("plan"), "plan", words, independent=edited or is_first)

    def _back(self, a: RunState, b: RunState, said_a: Said, said_b: Said) -> Iterator[Difference]:
        """Yield what differs after all steps: messages that no step followed yet, the answer, the end."""
        last = Spot("message", None, None)
        yield from _message_difference(said_a.get(len(a.steps)), said_b.get(len(b.steps)), last)
        if a.answer is not None and b.answer is not None and a.answer != b.answer:
            yield Difference(Spot("answer"), "answer", "another answer", independent=True)
        ends = a.end, b.end
        if ends[0] is not None and ends[1] is not None and ends[0][0] != ends[1][0]:
            words = f"a is {ends[0][0]}, b is {ends[1][0]}"
            failed = "failed" in (ends[0][0], ends[1][0])
            yield Difference(Spot("end"), "end", words, independent=failed)

    def _rows(self, alignment: Alignment, said_a: Said, said_b: Said) -> list[tuple[Difference, ...]]:
        rows = alignment.rows
        ends_a = 1 + max((number for number, row in enumerate(rows) if row.a_index is not None), default=-1)
        ends_b = 1 + max((number for number, row in enumerate(rows) if row.b_index is not None), default=-1)
        behind_a, behind_b = is_unfinished(self._a.live), is_unfinished(self._b.live)
        found: list[tuple[Difference, ...]] = []
        for number, row in enumerate(rows):
            is_to_come = (number >= ends_a and behind_a) or (number >= ends_b and behind_b)
            messages = self._said_before(row, said_a, said_b)
            found.append((*messages, *(() if is_to_come else self._row(row))))
        return found

    def _said_before(self, row: AlignedStep, said_a: Said, said_b: Said) -> Iterable[Difference]:
        one = said_a.get(row.a_index) if row.a_index is not None else None
        other = said_b.get(row.b_index) if row.b_index is not None else None
        if one is None and other is None:
            return ()
        return _message_difference(one, other, Spot("message", _text(row.a_index), _text(row.b_index)))

    def _row(self, row: AlignedStep) -> tuple[Difference, ...]:
        if row.same:
            return ()
        known = self._known.get(id(row))
        if known is None or known[0] is not row:
            known = self._known[id(row)] = row, tuple(self._row_differences(row))
        return known[1]

    def _row_differences(self, row: AlignedStep) -> Iterator[Difference]:
        spot = Spot("turn", _text(row.a_index), _text(row.b_index))
        if row.a_index is None or row.b_index is None:
            side, index = ("b", row.b_index) if row.a_index is None else ("a", row.a_index)
            step = (self._b if side == "b" else self._a).live.steps[index or 0]
            failed = any(call.has_error for call in step.asked_calls)
            words = f"step {index} only in {side}" + (", with an error" if failed else "")
            yield Difference(spot, "step", words, independent=failed)
            return
        if not row.same_words:
            one, two = self._a.live.steps[row.a_index], self._b.live.steps[row.b_index]
            edited = one.turn.edited or two.turn.edited
            texts = [[text for kind, text in words_of(step) if kind == "text"] for step in (one, two)]
            verb = "thinks" if texts[0] == texts[1] else "says"
            words = f"text of turn {row.b_index} edited" if edited else f"turn {row.b_index} {verb} something else"
            yield Difference(spot, "words", words, independent=edited)
        for pair in row.calls:
            if not pair.same and not pair.open:
                yield self._call_difference(pair)

    def _call_difference(self, pair: AlignedCall) -> Difference:
        one = self._a.live.call(pair.a_id) if pair.a_id is not None else None
        two = self._b.live.call(pair.b_id) if pair.b_id is not None else None
        spot = Spot("call", pair.a_id, pair.b_id)
        if one is None or two is None:
            side, call = ("a", one) if two is None else ("b", two)
            failed = call is not None and call.has_error
            words = f"{call.tool if call else 'call'} {call.id if call else ''} only in {side}"
            return Difference(spot, "only", words + (", with an error" if failed else ""), independent=failed)
        error = "" if one.has_error == two.has_error else f"an error in {'a' if one.has_error else 'b'} only"
        if one.input != two.input:
            edited = any(call.original_input is not None and not call.hook for call in (one, two))
            words = f"input of {two.id} edited" if edited else f"{two.tool} {two.id} has another input"
            return Difference(spot, "input", f"{words}, {error}" if error else words, independent=edited or bool(error))
        edited = one.original is not None or two.original is not None
        words = f"result of {two.id} edited" if edited else error or "another result for the same input"
        return Difference(spot, "result", words if edited else f"{two.tool} {two.id}: {words}", independent=True)

    def _first_difference(self, a: RunState, b: RunState, differences: Iterable[Difference]) -> Cause | None:
        """Return what differs first as the cause, where no person's edit is known to be it."""
        found = [item for item in differences if item.kind not in ("agent", "end")]
        agents = agent_words(a.agent, b.agent)
        if not found:
            return Cause("the start", f"the agents differ: {agents}") if agents else None
        first = found[0]
        words = "they have different tasks" if first.kind == "task" else first.words
        if agents:
            words = f"{words} (the agents differ: {agents})"
        match first.spot:
            case Spot(kind="task" | "plan" as at):
                return Cause("the start" if at == "task" else "plan", words)
            case Spot(a=one, b=other):
                return Cause(one or other or "end", words)


# Messages

Said = Mapping[int, tuple[str, ...]]
"""What a person said after the task, by the step before which it entered, or will."""


def messages_of(state: RunState) -> Said:
    """Return what a person said in a run; before the step that is not there yet, what came after all others."""
    said: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    steps = 0
    for entry in (*state.entries, *state.queued):
        if isinstance(entry, StepMark):
            steps = entry.index + 1
        elif entry.kind == "message":
            said[steps] += (plain_text(entry.content),)
    return dict(said)


def _message_difference(a: tuple[str, ...] | None, b: tuple[str, ...] | None, spot: Spot) -> tuple[Difference, ...]:
    if (a or ()) == (b or ()):
        return ()
    words = "another message" if a and b else f"a message only in {'a' if a else 'b'}"
    return (Difference(spot, "message", words, independent=True),)


def _text(index: int | None) -> str | None:
    return None if index is None else str(index)
