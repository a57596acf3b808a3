"""What dialogs show before anything happens: what a call would run, and what a fork keeps and cannot undo.

Pure: values in, lines out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from workbench.debugger.fork import ForkPreview
from workbench.views.segments import Line, Segment, Style
from workbench.views.text import UNSAFE, human_tokens, one_line, wrap

_LABEL_WIDTH = 12


def exact_input(value: Mapping[str, JsonValue]) -> str:
    """Return an input as JSON in which every character can be seen: what hides or reorders is written as an escape."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return UNSAFE.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) > 0x7E or ord(character) < 0x20 else character


def fenced(text: str) -> list[Line]:
    """Return lines of text, each on its own."""
    return [(Segment(line),) for line in text.split("\n")]


def fork_lines(preview: ForkPreview, width: int) -> list[Line]:
    """Return what a fork keeps, runs again, drops and cannot undo."""
    steps, results = _count(preview.kept_steps, "step"), _count(preview.kept_calls, "result")
    rows: list[tuple[str, str, Style]] = [
        ("kept", f"{steps} and {results}, up to event {preview.cut}", "text"),
        ("runs again", ", ".join(preview.reruns) or "nothing that was recorded", "text"),
    ]
    if preview.simulated:
        rows.append(("SIMULATED", "the world already had effects that this fork cannot undo:", "waiting"))
        rows += [("", f"! {one_line(effect, 200)}", "waiting") for effect in preview.effects]
    else:
        rows.append(("sound", "nothing outside the run was changed after this place", "ok"))
    rows += [("dropped", one_line(item, 200), "text") for item in preview.dropped]
    prefix = f", {human_tokens(preview.prefix_tokens)} tokens in front" if preview.prefix_tokens else ""
    rows.append(("cost", preview.cost_note + prefix, "text"))
    lines = [line for label, text, style in rows for line in _row(label, text, style, width)]
    return lines + problem_lines(preview.problems, width)


def problem_lines(problems: Iterable[str], width: int) -> list[Line]:
    """Return why something cannot be done."""
    return [line for problem in problems for line in _row("not so", one_line(problem, 400), "error", width)]


def _row(label: str, text: str, style: Style, width: int) -> list[Line]:
    first, *others = wrap(text, max(width - _LABEL_WIDTH, 20))
    lead = Segment(f"{label:<{_LABEL_WIDTH}}", style if style != "text" else "muted")
    return [(lead, Segment(first, style)), *((Segment(" " * _LABEL_WIDTH), Segment(other, style)) for other in others)]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
