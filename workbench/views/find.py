"""Finding in one run: what of it is looked through, in which order hits stand, and how they are marked in lines.

Everything that a person can select has texts: what was said, a step's words, a call's input and result. A hit is a
thing in whose texts the needle is. Results lie apart from the state; whoever reads them tells how often it is there.
Pure: states and counts in, hits and lines out.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import Final, NamedTuple

from pydantic import JsonValue

from workbench.debugger.find import Needle
from workbench.events.content import plain_text
from workbench.events.request import ThinkingBlock
from workbench.state.parts import CallState, ResultRef, StepState, TurnState
from workbench.state.run_state import RunState
from workbench.tools.control import SUBMIT_ANSWER, answer_text
from workbench.views.outline import Outline, main_selection
from workbench.views.segments import Line, Segment, Style, line_text
from workbench.views.selection import Selection

SLICE: Final = 100
"""Steps looked through at a time: a few milliseconds."""
_CHROME: Final[frozenset[Style]] = frozenset({
    "lane", "lane_active", "bar", "bar_running", "bar_error", "bar_wait", "bar_idle",
})  # fmt: skip
"""Styles of what is drawn around the words of a run."""

Ref = tuple[str, int]
"""A result, by the run that owns it and its seq."""


PLACE: Final = "its place"
"""Where a thing has the needle that is called like that."""


class Hit(NamedTuple):
    """A thing in which the needle was found."""

    selection: Selection
    where: tuple[tuple[str, int], ...]
    """In which of its texts, and how often."""

    @property
    def is_meant(self) -> bool:
        """Whether the needle is the name of the thing, as `step 7` or `7.2`."""
        return self.where[0][0] == PLACE

    def __str__(self) -> str:
        """Say where in the thing it is: `input, result ×4`."""
        return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in self.where)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found in a run, as of some moment of it."""

    needle: Needle
    hits: Sequence[Hit] = ()
    """As they stand in the timeline."""
    by_step: Mapping[int, Sequence[Hit]] = field(default_factory=dict)
    """Those in steps and their calls."""
    others: frozenset[Selection] = frozenset()
    """The other things with hits."""

    def has(self, thing: Selection) -> bool:
        """Whether something was found in a thing."""
        if thing.step is None:
            return thing in self.others
        return any(hit.selection == thing for hit in self.by_step.get(thing.step, ()))

    def calls_of(self, step: int) -> dict[str, str]:
        """Return in which of its texts each call of a step has hits."""
        return {hit.selection.call: str(hit) for hit in self.by_step.get(step, ()) if hit.selection.call is not None}


@dataclass(slots=True)
class _Looked:
    """What was found in one step."""

    likeness: object
    """Equal for steps in which the same is found."""
    in_texts: list[Hit]
    things: list[tuple[Selection, Ref | None]]
    """The step and its calls, with their results."""
    merged: list[Hit] | None = None
    """With what was found in results; None until somebody asks again."""


class Search:
    """A search through one run, which may be gone on with when the run has gone on."""

    def __init__(self, needle: Needle) -> None:
        self.needle = needle
        self._steps: dict[int, _Looked] = {}
        self._counts: dict[Ref, int] = {}
        """How often the needle is in each result that was looked into."""
        self._unread: dict[Ref, tuple[ResultRef, int]] = {}
        """Results that were not, with their steps."""

    def scan(self, state: RunState) -> Iterator[int]:
        """Look through what is new in a state; says now and then how many steps are done, so that others get a turn."""
        looked = 0
        for step in state.steps:
            known = self._steps.get(step.index)
            likeness = (step.finished_seq, step.turn.content)
            if known is not None and step.is_closed and known.likeness == likeness:
                continue
            self._steps[step.index] = self._look_through(step, state, likeness)
            looked += 1
            if looked % SLICE == 0:
                yield step.index

    @property
    def unread(self) -> list[ResultRef]:
        """Results that were not looked into yet, oldest first."""
        return [result for result, _ in self._unread.values()]

    @property
    def progress(self) -> tuple[int, int]:
        """How many results were looked into, of how many that are known."""
        return len(self._counts), len(self._counts) + len(self._unread)

    def take(self, looked_into: Iterable[ResultRef], counts: Mapping[Ref, int]) -> None:
        """Take in how often the needle is in some results."""
        for result in looked_into:
            ref = result.run, result.seq
            self._counts[ref] = counts.get(ref, 0)
            _, step = self._unread.pop(ref, (None, -1))
            if self._counts[ref] and step in self._steps:
                self._steps[step].merged = None

    def found(self, state: RunState) -> Found:
        """Return what was found so far of a state that was scanned."""
        outline = Outline()
        outline.update(state)
        others = {hit.selection: hit for hit in _other_hits(state, outline, self.needle)}
        hits: list[Hit] = []
        by_step: dict[int, Sequence[Hit]] = {}
        for key in outline.keys:
            if key.kind == "step":
                if in_step := self._in_step(key.number):
                    by_step[key.number] = in_step
                    hits += in_step
            elif key.kind == "plan":
                hits += [hit for hit in others.values() if hit.selection.kind == "plan_step"]
            elif (hit := others.get(main_selection(key))) is not None:
                hits.append(hit)
        return Found(self.needle, hits, by_step, frozenset(others))

    def _in_step(self, index: int) -> list[Hit]:
        looked = self._steps.get(index)
        if looked is None:
            return []
        if looked.merged is None:
            looked.merged = list(self._merged(looked))
        return looked.merged

    def _merged(self, looked: _Looked) -> Iterator[Hit]:
        """Return the hits of a step in its own order, which is that of the things in it."""
        where = {hit.selection: hit.where for hit in looked.in_texts}
        for thing, ref in looked.things:
            found = where.get(thing, ())
            if ref is not None and (count := self._counts.get(ref, 0)):
                found = (*found, ("result", count))
            if found:
                yield Hit(thing, found)

    def _look_through(self, step: StepState, state: RunState, likeness: object) -> _Looked:
        itself = Selection("step", step=step.index)
        hits = _hit(self.needle, itself, chain(self._name(f"step {step.index}"), _turn_texts(step, state)))
        things: list[tuple[Selection, Ref | None]] = [(itself, None)]
        for call in step.calls.values():
            selection = Selection("call", step=step.index, call=call.id)
            hits += _hit(self.needle, selection, chain(self._name(call.id), _call_texts(call, state)))
            ref = (call.result.run, call.result.seq) if call.result is not None and call.result.run else None
            things.append((selection, ref))
            if call.result is not None and ref is not None and ref not in self._counts:
                self._unread[ref] = call.result, step.index
        return _Looked(likeness, hits, things)

    def _name(self, name: str) -> list[tuple[str, str]]:
        """Return the name of a thing as one of its texts, where it is the whole needle."""
        return [(PLACE, self.needle.text)] if self.needle.text.strip().lower() == name else []


def _hit(needle: Needle, thing: Selection, texts: Iterable[tuple[str, str]]) -> list[Hit]:
    """Return the hit in the texts of a thing, if there is one."""
    where = tuple((name, count) for name, text in texts if (count := needle.count(text)))
    return [Hit(thing, where)] if where else []


def _other_hits(state: RunState, outline: Outline, needle: Needle) -> list[Hit]:
    """Return the hits outside of steps."""
    hits: list[Hit] = []
    for number, said in enumerate(outline.messages):
        name = "task" if number == 0 else "message"
        hits += _hit(needle, Selection("message", index=number), [(name, plain_text(said.content))])
    if state.plan is not None and state.plan.status != "skipped":
        for number, step in enumerate(state.plan.steps):
            hits += _hit(needle, Selection("plan_step", index=number), [("plan", str(step))])
    if state.end is not None:
        hits += _hit(needle, Selection("answer"), _end_texts(state))
    return hits


def _end_texts(state: RunState) -> Iterator[tuple[str, str]]:
    yield "answer", state.told_answer or ""
    yield "citations", "\n".join(f"{citation.source}\n{citation.quote}" for citation in state.citations)
    yield "error", state.error or ""


def _turn_texts(step: StepState, state: RunState) -> Iterator[tuple[str, str]]:
    turn = step.turn
    yield "thinking", _said(turn, thinking=True)
    text = _said(turn, thinking=False)
    if text and (step.calls or text != state.answer):  # a last text that is the answer is shown as such
        yield "text", text


def _said(turn: TurnState, *, thinking: bool) -> str:
    if turn.status != "finished":
        return "".join(turn.thinking if thinking else turn.text)
    if not thinking:
        return "\n".join(turn.text_blocks)
    return "\n".join(block.text for block in turn.content if isinstance(block, ThinkingBlock))


def _call_texts(call: CallState, state: RunState) -> Iterator[tuple[str, str]]:
    yield "tool", call.tool
    wanted = state.agent.output if state.agent is not None else None
    if call.tool != SUBMIT_ANSWER or answer_text(call.input, wanted) != state.answer:
        yield "input", "\n".join(_leaves(call.input))
    for name, text in (("problem", call.invalid), ("question", call.question), ("progress", call.progress)):
        if text:
            yield name, text
    if call.attempts:
        yield "attempts", "\n".join(attempt.error for attempt in call.attempts)


def _leaves(value: JsonValue) -> Iterator[str]:
    """Return the names and values of JSON as a person reads them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield json.dumps(value)


def found_line(
    hits: int, index: int | None, hit: Hit | None, *, looked_into: tuple[int, int], hidden: int, wrapped: bool
) -> Line:
    """Return what a search has to say: how many hits, on which the cursor is and where that has it, how far it is."""
    done, of = looked_into
    is_done = done == of
    if not hits:
        words = "not found" if is_done else "nothing yet"
        pieces = [Segment(words, "error" if is_done and not hidden else "muted")]
    else:
        pieces = [Segment(f"{'–' if index is None else index + 1}/{hits:,}", "title")]
    if hit is not None:
        pieces.append(Segment(f"  {hit}", "match" if hit.selection.kind == "call" else "text"))
    if wrapped and hits:
        pieces.append(Segment("  from the other end", "waiting"))
    if hidden:
        pieces.append(Segment(f"  {hidden:,} hidden by the filter", "waiting"))
    if not is_done:
        pieces.append(Segment(f"  results {done:,}/{of:,}", "running"))
    return tuple(pieces)


# Marking


def mark_line(line: Line, needle: Needle | None) -> Line:
    """Return one line with the needle marked in it."""
    return line if needle is None else mark_lines([line], needle)[0]


def mark_lines(lines: list[Line], needle: Needle | None, passed_over: frozenset[Style] = _CHROME) -> list[Line]:
    """Return lines of one text with the needle marked, also where it goes on in the next line.

    What is drawn in a style that is passed over is nobody's words, and never marked.
    """
    if needle is None:
        return lines
    texts = [line_text(line) for line in lines]
    spans = needle.spans("\n".join(texts))
    if not spans:
        return lines
    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
    marked = list(lines)
    for number in sorted({at for span in spans for at in _lines_of(span, starts)}):
        start, text = starts[number], texts[number]
        within = [(max(0, first - start), min(len(text), last - start)) for first, last in spans]
        marked[number] = _marked(lines[number], [span for span in within if span[0] < span[1]], passed_over)
    return marked


def _lines_of(span: tuple[int, int], starts: list[int]) -> range:
    return range(bisect_right(starts, span[0]) - 1, bisect_right(starts, max(span[0], span[1] - 1)))


def _marked(line: Line, spans: list[tuple[int, int]], passed_over: frozenset[Style]) -> Line:
    pieces: list[Segment] = []
    at = 0
    for text, style in line:
        done = 0
        for first, last in spans if style not in passed_over else ():
            start, end = max(first - at, done), min(last - at, len(text))
            # Spaces at the edge of a line or between its parts are no words.
            if start < end and text[start:end].strip():
                pieces += [Segment(text[done:start], style), Segment(text[start:end], "match")]
                done = end
        pieces.append(Segment(text[done:], style))
        at += len(text)
    return tuple(piece for piece in pieces if piece.text)
