"""What dialogs show before anything happens: which call it is about, and what a fork keeps and cannot undo.

Pure: values in, lines out.
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.debugger.fork import ForkPreview
from workbench.state.parts import CallState
from workbench.views.fork_cost import cost_words
from workbench.views.segments import Line, Segment, Style
from workbench.views.text import counted, inert, one_line, wrap

_LABEL_WIDTH = 12


def call_facts(call: CallState, *more: Line) -> list[Line]:
    """Return which call a question is about, and what else is to be known of it."""
    head = (
        Segment(f"call {inert(call.id)}  ", "muted"),
        Segment(one_line(call.tool, 60), "title"),
        Segment(f"  {call.effect.replace('_', '-')}", "waiting" if call.effect == "effectful" else "muted"),
    )
    return [head, *more]


def fork_lines(preview: ForkPreview, width: int) -> list[Line]:
    """Return what a fork keeps, runs again, drops and cannot undo."""
    steps, results = counted(preview.kept_steps, "step"), counted(preview.kept_calls, "result")
    rows: list[tuple[str, str, Style]] = [
        ("kept", f"{steps} and {results}, up to event {preview.cut}", "text"),
        ("runs again", ", ".join(preview.reruns) or "nothing that was recorded", "text"),
    ]
    if preview.simulated:
        rows.append(("SIMULATED", "the world had effects that this fork cannot undo:", "waiting"))
        rows += [("", f"! {one_line(effect, 200)}", "waiting") for effect in preview.effects]
    else:
        rows.append(("sound", "nothing outside the run was changed after this place", "ok"))
    rows += [("dropped", one_line(item, 200), "text") for item in preview.dropped]
    words = cost_words(preview.cost)
    rows += [("sent again", words.sends, "text"), ("cost", words.cost, "text"), ("the rest", words.rest, "text")]
    lines = [line for label, text, style in rows for line in _row(label, text, style, width)]
    return lines + problem_lines(preview.problems, width)


def problem_lines(problems: Iterable[str], width: int) -> list[Line]:
    """Return why something cannot be done."""
    return [line for problem in problems for line in _row("not so", one_line(problem, 400), "error", width)]


def _row(label: str, text: str, style: Style, width: int) -> list[Line]:
    first, *others = wrap(text, max(width - _LABEL_WIDTH, 20))
    lead = Segment(f"{label:<{_LABEL_WIDTH}}", style if style != "text" else "muted")
    return [(lead, Segment(first, style)), *((Segment(" " * _LABEL_WIDTH), Segment(other, style)) for other in others)]
