"""Two runs compared: where they diverged, what differs in each step, what they answered and what they used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.debugger.align import AlignedCall, AlignedStep
from workbench.debugger.divergence import Comparison, Difference
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.views.brief import brief_input
from workbench.views.differ import below_each_other, compare_texts
from workbench.views.figures import figure_lines
from workbench.views.segments import Line, Segment, Style
from workbench.views.show import Contents, result_text, short, step_text, usage_document
from workbench.views.text import cell_width, counted, inert, one_line, wrap

FOLLOWS = "↳"
"""Stands before what differs only because something before it does."""
TAGS: dict[str, str] = {
    "task": "≠ task", "agent": "≠ agent", "plan": "≠ plan", "words": "≠ words", "step": "+ only here",
    "message": "≠ message", "input": "≠ input", "result": "≠ result", "only": "+ only here", "answer": "≠ answer",
    "end": "≠ end",
}  # fmt: skip
"""A glyph and a word for each kind of difference."""
_CONTEXT_LINES = 1
_MOST_LINES = 40
"""Lines of one text diff that a person is shown."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs, with its results."""

    state: RunState
    contents: Contents

    def call(self, call: str | None) -> CallState | None:
        """Return one of its calls."""
        return self.state.call(call) if call is not None else None

    def result(self, call: CallState | None) -> str | None:
        """Return the result of a call as text."""
        return result_text(call.result, self.contents) if call is not None else None


# For programs


def diff_document(a: Side, b: Side, comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as one JSON object."""
    alignment, cause = comparison.alignment, comparison.cause
    return {
        "a": a.state.run,
        "b": b.state.run,
        "shared_steps": alignment.shared_steps,
        "diverged_at": cause.at if cause is not None else None,
        "cause": cause.words if cause is not None else None,
        "differences": [_difference_document(item) for item in comparison.differences],
        "steps": [_step_document(a, b, row) for row in alignment.rows],
        "answer": {"a": a.state.answer, "b": b.state.answer},
        "usage": {"a": usage_document(a.state.total_usage), "b": usage_document(b.state.total_usage)},
    }


def _difference_document(item: Difference) -> dict[str, Any]:
    return {
        "thing": item.spot.kind,
        "a": item.spot.a,
        "b": item.spot.b,
        "kind": item.kind,
        "words": item.words,
        "independent": item.independent,
    }


def _step_document(a: Side, b: Side, row: AlignedStep) -> dict[str, Any]:
    return {
        "a": row.a_index,
        "b": row.b_index,
        "same": row.same,
        "calls": [
            {"a": _call_document(a, pair.a_id), "b": _call_document(b, pair.b_id), "same": pair.same}
            for pair in row.calls
        ],
    }


def _call_document(side: Side, name: str | None) -> dict[str, Any] | None:
    call = side.call(name)
    if call is None:
        return None
    return {"id": call.id, "tool": call.tool, "input": call.input, "result": side.result(call)}


# For people


def diff_lines(a: Side, b: Side, comparison: Comparison, width: int) -> list[Line]:
    """Return the comparison as lines of at most `width` cells (60 or more)."""
    lines = [_name_line("a", a, width), _name_line("b", b, width), (), *divergence_lines(comparison, width)]
    count = comparison.alignment.shared_steps
    if count:
        lines.append((Segment(shared_words(count), "muted"),))
    lines += [
        (Segment(f"{tag(item)} ", _style(item)), Segment(one_line(item.words, width - 14)))
        for item in comparison.differences
        if item.spot.kind in ("task", "agent", "plan")
    ]
    for row, found in zip(comparison.alignment.rows, comparison.row_differences, strict=True):
        if found:
            lines += [(), *_step_lines(a, b, row, found, width)]
    return [*lines, (), *_answer_lines(a, b, width), (), *figure_lines(a.state, b.state, width)]


def tag(item: Difference) -> str:
    """Return the glyph and the word of a difference; `↳` before one that only follows from another."""
    return TAGS[item.kind] if item.independent else f"{FOLLOWS} {TAGS[item.kind]}"


def shared_words(count: int) -> str:
    """Say how many steps are the same."""
    return f"{counted(count, 'step')} the same in both"


def text_diff(a: str, b: str, width: int) -> list[Line]:
    """Return what differs between two texts, line by line, `-` for `a` and `+` for `b`, in a few lines."""
    found = below_each_other(compare_texts(a, b, _CONTEXT_LINES), width - 4)
    lines: list[Line] = [(Segment("    "), *_unpadded(line)) for line in found]
    return lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], (Segment("    …", "muted"),)]


def _unpadded(line: Line) -> Line:
    return line[:-1] if line and line[-1].text.isspace() else line


def _name_line(name: str, side: Side, width: int) -> Line:
    return (Segment(f"{name}  ", "key"), Segment(one_line(" · ".join(run_facts(side.state)), width - 3)))


def run_facts(state: RunState) -> list[str]:
    """Return which run a side is."""
    fork = [f"fork of {short(state.made_from or '')} at {state.address}"] if state.parent else []
    return [short(state.run), *fork, *([state.agent.model] if state.agent else []), state.status]


def divergence_lines(comparison: Comparison, width: int) -> list[Line]:
    """Say where the two diverged and why, and how many differences only follow from that."""
    cause = comparison.cause
    if cause is None:
        words = "no difference so far" if comparison.alignment.undecided else "no difference in what they did"
        return [(Segment(words, "ok"),)]
    texts = wrap(inert(f"diverged at {cause.at}: {cause.words}".replace("\n", " ")), width)
    following = sum(not item.independent for item in comparison.differences)
    counts = counted(len(comparison.differences), "difference")
    if following:
        counts += f"; {following} of them only follow{'s' if following == 1 else ''} from another ({FOLLOWS})"
    return [*((Segment(text, "edited"),) for text in texts), (Segment(counts, "muted"),)]


def _style(item: Difference) -> Style:
    return "edited" if item.independent else "muted"


def _step_lines(a: Side, b: Side, row: AlignedStep, found: tuple[Difference, ...], width: int) -> list[Line]:
    where = " | ".join(
        f"{name} step {index}" if index is not None else f"{name} has none"
        for name, index in (("a", row.a_index), ("b", row.b_index))
    )
    lines: list[Line] = [(Segment(where, "title"),)]
    by_call = {(item.spot.a, item.spot.b): item for item in found if item.spot.kind == "call"}
    for item in found:
        if item.spot.kind == "call":
            continue
        lines.append((Segment(f"  {tag(item)} ", _style(item)), Segment(one_line(item.words, width - 18), "muted")))
        if item.kind == "words" and row.a_index is not None and row.b_index is not None:
            lines += text_diff(step_text(a.state.steps[row.a_index]), step_text(b.state.steps[row.b_index]), width)
    one_sided = row.a_index is None or row.b_index is None
    for pair in row.calls:
        item_of_call = by_call.get((pair.a_id, pair.b_id))
        if item_of_call is not None or one_sided:
            lines += _call_lines(a, b, pair, item_of_call, width)
    return lines


def _call_lines(a: Side, b: Side, pair: AlignedCall, item: Difference | None, width: int) -> list[Line]:
    one, two = a.call(pair.a_id), b.call(pair.b_id)
    if one is not None and two is not None and (one.tool, one.input) == (two.tool, two.input):
        results = text_diff(a.result(one) or "", b.result(two) or "", width)
        return [_call_line(" ", one, item, width), *results]
    lines = [_call_line("-", one, item, width)] if one is not None else []
    return lines + ([_call_line("+", two, item if one is None else None, width)] if two is not None else [])


def _call_line(sign: str, call: CallState, item: Difference | None, width: int) -> Line:
    head = f"  {sign} {call.id} {one_line(call.tool, width // 3)}  "
    style: Style = "error" if sign == "-" else "ok" if sign == "+" else "key"
    end = f"  {tag(item)}" if item is not None else ""
    room = max(width - cell_width(head) - cell_width(end), 8)
    pieces = [Segment(head, style), Segment(brief_input(call.input, room))]
    return (*pieces, Segment(end, _style(item))) if item is not None else tuple(pieces)


def _answer_lines(a: Side, b: Side, width: int) -> list[Line]:
    one, two = a.state.answer, b.state.answer
    if one == two:
        words = "the same answer" if one is not None else "no answer yet on either side"
        return [(Segment("ANSWER ", "title"), Segment(words, "muted"))]
    return [(Segment("ANSWER", "title"),), *text_diff(one or "(none)", two or "(none)", width)]
