"""Two runs compared: where they diverged, what differs in each step, what they answered and what they used."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from workbench.debugger.align import AlignedCall, AlignedStep, Alignment
from workbench.events.request import Usage
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.views.brief import brief_input
from workbench.views.segments import Line, Segment, Style
from workbench.views.show import Contents, result_text, short, usage_document
from workbench.views.text import cell_width, human_cost, human_seconds, human_tokens, inert, one_line, wrap

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


def diff_document(a: Side, b: Side, alignment: Alignment) -> dict[str, Any]:
    """Return the comparison as one JSON object."""
    return {
        "a": a.state.run,
        "b": b.state.run,
        "shared_steps": alignment.shared_steps,
        "diverged_at": alignment.diverged_at,
        "steps": [_step_document(a, b, row) for row in alignment.rows],
        "answer": {"a": a.state.answer, "b": b.state.answer},
        "usage": {"a": usage_document(a.state.total_usage), "b": usage_document(b.state.total_usage)},
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


def diff_lines(a: Side, b: Side, alignment: Alignment, width: int) -> list[Line]:
    """Return the comparison as lines of at most `width` cells (60 or more)."""
    lines = [_name_line("a", a, width), _name_line("b", b, width), (), _divergence_line(alignment)]
    if alignment.shared_steps:
        count = alignment.shared_steps
        lines.append((Segment(f"{_count(count, 'step')} the same in both", "muted"),))
    for row in alignment.rows:
        if not row.same:
            lines += [(), *_step_lines(a, b, row, width)]
    lines += [(), *_answer_lines(a, b, width), (), *_figure_lines(a, b, width)]
    return lines


def text_diff(a: str, b: str, width: int) -> list[Line]:
    """Return what differs between two texts, line by line, `-` for `a` and `+` for `b`."""
    left, right = inert(a).split("\n"), inert(b).split("\n")
    lines: list[Line] = []
    for index, line in enumerate(difflib.unified_diff(left, right, lineterm="", n=_CONTEXT_LINES)):
        if index < 3:  # names of files, and the first place
            continue
        if len(lines) == _MOST_LINES:
            lines.append((Segment("    …", "muted"),))
            break
        style: Style = "error" if line.startswith("-") else "ok" if line.startswith("+") else "muted"
        text = "…" if line.startswith("@@") else f"{line[:1]} {line[1:]}"
        lines.append((Segment("    "), Segment(one_line(text, width - 4), style)))
    return lines


def _name_line(name: str, side: Side, width: int) -> Line:
    state = side.state
    facts = [
        short(state.run),
        *([f"fork of {short(state.made_from or '')} at {state.address}"] if state.parent else []),
    ]
    facts += [state.agent.model] if state.agent else []
    facts.append(state.status)
    return (Segment(f"{name}  ", "key"), Segment(one_line(" · ".join(facts), width - 3)))


def _divergence_line(alignment: Alignment) -> Line:
    if alignment.diverged_at is None:
        return (Segment("no difference in what they did", "ok"),)
    return (Segment("diverged at ", "title"), Segment(alignment.diverged_at, "edited"))


def _step_lines(a: Side, b: Side, row: AlignedStep, width: int) -> list[Line]:
    where = " | ".join(
        f"{name} step {index}" if index is not None else f"{name} has none"
        for name, index in (("a", row.a_index), ("b", row.b_index))
    )
    lines: list[Line] = [(Segment(where, "title"),)]
    for pair in row.calls:
        if not pair.same:
            lines += _call_lines(a, b, pair, width)
    return lines


def _call_lines(a: Side, b: Side, pair: AlignedCall, width: int) -> list[Line]:
    one, two = a.call(pair.a_id), b.call(pair.b_id)
    if one is not None and two is not None and (one.tool, one.input) == (two.tool, two.input):
        results = text_diff(a.result(one) or "", b.result(two) or "", width)
        return [_call_line(" ", one, width), *results]
    lines = [_call_line("-", one, width)] if one is not None else []
    return lines + ([_call_line("+", two, width)] if two is not None else [])


def _call_line(sign: str, call: CallState, width: int) -> Line:
    head = f"  {sign} {call.id} {one_line(call.tool, width // 3)}  "
    style: Style = "error" if sign == "-" else "ok" if sign == "+" else "key"
    return (Segment(head, style), Segment(brief_input(call.input, max(width - cell_width(head), 8))))


def _answer_lines(a: Side, b: Side, width: int) -> list[Line]:
    one, two = a.state.answer, b.state.answer
    if one == two:
        words = "the same answer" if one is not None else "no answer yet on either side"
        return [(Segment("ANSWER ", "title"), Segment(words, "muted"))]
    changes = text_diff(_wrapped(one, width), _wrapped(two, width), width)
    return [(Segment("ANSWER", "title"),), *changes]


def _wrapped(answer: str | None, width: int) -> str:
    return "\n".join(wrap(inert(answer or "(none)"), width - 6))


def _figure_lines(a: Side, b: Side, width: int) -> list[Line]:
    rows = [("", "a", "b")]
    rows.append(("steps", str(a.state.finished_steps), str(b.state.finished_steps)))
    rows.append(("calls", str(_calls(a.state)), str(_calls(b.state))))
    one, two = a.state.total_usage, b.state.total_usage
    rows.append(("tokens", _tokens(one), _tokens(two)))
    rows.append(("cost", human_cost(one.cost), human_cost(two.cost)))
    rows.append(("driven", human_seconds(a.state.driven_seconds), human_seconds(b.state.driven_seconds)))
    column = min(24, (width - 8) // 2)
    return [
        (Segment(f"{name:<8}", "key"), *(Segment(one_line(text, column).rjust(column)) for text in texts))
        for name, *texts in rows
    ]


def _calls(state: RunState) -> int:
    return sum(len(step.asked_calls) for step in state.steps)


def _tokens(usage: Usage) -> str:
    return f"{human_tokens(usage.input_tokens)} in, {human_tokens(usage.output_tokens)} out"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
