"""One thing of a comparison whole: what each run has, and what differs, line by line and word by word. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from workbench.debugger.align import Ref, words_of
from workbench.debugger.cause import agent_facts
from workbench.debugger.divergence import Spot, messages_of
from workbench.events.content import plain_text
from workbench.state.parts import CallState, StepState
from workbench.state.run_state import RunState
from workbench.views.brief import cut_text
from workbench.views.compare import plan_lines
from workbench.views.compare_parts import WIDE
from workbench.views.differ import below_each_other, compare_texts, side_by_side
from workbench.views.marks import reason_words, run_mark
from workbench.views.segments import Line, Segment, blank, row, split_row
from workbench.views.show import Contents, result_text
from workbench.views.text import one_line

SAME_LINES: Final = 200
"""Lines that are shown of a text that is the same in both."""


class Section(NamedTuple):
    """One aspect of a thing, as text of either run; None where that run has none."""

    heading: str
    a: str | None
    b: str | None


def wanted_results(spot: Spot, a: RunState, b: RunState) -> tuple[Ref, ...]:
    """Return the results that must be read to show a thing."""
    calls = _calls(spot, a, b)
    return tuple((call.result.run, call.result.seq) for call in calls if call is not None and call.result is not None)


def detail_title(spot: Spot, a: RunState, b: RunState) -> str:
    """Return what a thing is called."""
    names = " | ".join(dict.fromkeys(name for name in (spot.a, spot.b) if name is not None))
    match spot.kind:
        case "call":
            call = next((call for call in _calls(spot, a, b) if call is not None), None)
            return f"Call {names} {one_line(call.tool, 40) if call is not None else ''}"
        case "turn":
            return f"Turn {names}"
        case "message":
            return f"What was said before step {names}" if names else "What was said at the end"
        case "agent":
            return "Agents"
        case kind:
            return kind.capitalize()


def detail_sections(spot: Spot, a: RunState, b: RunState, contents: Contents) -> list[Section]:
    """Return all of a thing, for both runs."""
    match spot.kind:
        case "call":
            return list(_call_sections(*_calls(spot, a, b), contents))
        case "turn":
            return list(_turn_sections(_step(a, spot.a), _step(b, spot.b)))
        case "message":
            said = [
                messages_of(state).get(int(name) if name is not None else len(state.steps))
                for state, name in ((a, spot.a), (b, spot.b))
            ]
            return [Section("messages", *("\n".join(texts) if texts is not None else None for texts in said))]
        case "agent":
            return [Section(fact.name, fact.a, fact.b) for fact in agent_facts(a.agent, b.agent)]
        case "plan":
            return [Section("plan", "\n".join(plan_lines(a)), "\n".join(plan_lines(b)))]
        case "task":
            return [Section("task", plain_text(a.question), plain_text(b.question))]
        case "answer":
            return [Section("answer", a.answer, b.answer), Section("sources", _sources(a), _sources(b))]
        case _:
            return [Section("end", _end(a), _end(b))]


def detail_lines(sections: list[Section], width: int) -> list[Line]:
    """Return sections as lines of `width` cells, both runs beside each other where there is room."""
    lines: list[Line] = []
    for section in sections:
        lines += [blank(width)] if lines else []
        lines += _section_lines(section, width)
    return lines


def _section_lines(section: Section, width: int) -> Iterator[Line]:
    if section.a == section.b or section.a is None or section.b is None:
        words = "the same in both" if section.a == section.b else f"only in {'a' if section.b is None else 'b'}"
        text = section.a if section.a is not None else section.b
        yield split_row([Segment(section.heading, "title")], [Segment(words, "muted")], width)
        passage = cut_text(text or "(empty)", width - 2, SAME_LINES)
        for line in [*passage.lines, passage.rest] if passage.rest else passage.lines:
            yield row([Segment("  "), Segment(line)], width)
        return
    yield split_row([Segment(section.heading, "title")], [Segment(f"≠ {section.heading}", "edited")], width)
    draw = side_by_side if width >= WIDE else below_each_other
    yield from draw(compare_texts(section.a, section.b), width)


def _calls(spot: Spot, a: RunState, b: RunState) -> tuple[CallState | None, CallState | None]:
    if spot.kind != "call":
        return None, None
    return (a.call(spot.a) if spot.a is not None else None), (b.call(spot.b) if spot.b is not None else None)


def _step(state: RunState, name: str | None) -> StepState | None:
    return state.steps[int(name)] if name is not None and int(name) < len(state.steps) else None


def _call_sections(a: CallState | None, b: CallState | None, contents: Contents) -> Iterator[Section]:
    inputs = [json.dumps(call.input, ensure_ascii=False, indent=2) if call is not None else None for call in (a, b)]
    yield Section("input", inputs[0], inputs[1])
    results = [None if call is None else _result(call, contents) for call in (a, b)]
    yield Section("result", results[0], results[1])


def _result(call: CallState, contents: Contents) -> str:
    text = result_text(call.result, contents)
    return "(no result yet)" if text is None else text


def _turn_sections(a: StepState | None, b: StepState | None) -> Iterator[Section]:
    for kind in ("thinking", "text"):
        texts = [None if step is None else "\n".join(t for k, t in words_of(step) if k == kind) for step in (a, b)]
        if any(texts):
            yield Section(kind, texts[0], texts[1])
    asked = [None if step is None else "\n".join(map(_asked, step.asked_calls)) for step in (a, b)]
    if any(asked):
        yield Section("calls", asked[0], asked[1])


def _asked(call: CallState) -> str:
    return f"{call.tool} {json.dumps(call.input, ensure_ascii=False)}"


def _sources(state: RunState) -> str | None:
    return "\n".join(f"{item.source}  {item.quote}" for item in state.citations) if state.answer is not None else None


def _end(state: RunState) -> str:
    status, reason = state.status_and_reason
    words = f"{run_mark(status).word}: {reason_words(reason)}" if reason else run_mark(status).word
    return f"{words}\n{state.error}" if state.error else words
