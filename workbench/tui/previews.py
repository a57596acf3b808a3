"""What dialogs show before anything happens: what a call would run, and what a fork keeps and cannot undo.

Pure: values in, lines out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from pydantic import JsonValue

from workbench.debugger.fork import ForkPreview
from workbench.state.parts import CallState
from workbench.views.fork_cost import cost_words
from workbench.views.segments import Line, Segment, Style
from workbench.views.text import UNSAFE, UNSTEADY, counted, human_bytes, inert, one_line, wrap

_LABEL_WIDTH = 12
_LAST_ASCII = 0x7E
_DIFF: Final[Mapping[str, Style]] = {"+": "added", "-": "removed", "@": "muted"}


class Exact(NamedTuple):
    """What a call would be given, byte for byte, and what a person should know to read it."""

    lines: tuple[Line, ...]
    """Data: to be fenced."""
    facts: tuple[Line, ...]
    """Ours: to stand above the fence."""


def exact_input(value: Mapping[str, JsonValue]) -> Exact:
    """Return an input as JSON in which each character can be told from every other.

    All but ASCII is written as escapes, so that nothing hides, reorders, or passes for a letter that it is not; what
    people read as words stands below once more as it looks.
    """
    exact = json.dumps(value, ensure_ascii=True, indent=2).replace("\x7f", "\\u007f")
    readable = json.dumps(value, ensure_ascii=False, indent=2)
    size = human_bytes(len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")))
    lines: list[Line] = [(Segment(line),) for line in exact.split("\n")]
    facts: list[Line] = [(Segment(f"Beside the bar stands exactly what it is given, {size} of JSON.", "muted"),)]
    if others := sum(1 for character in readable if ord(character) > _LAST_ASCII):
        one = others == 1
        count = f"{others} character{'' if one else 's'} beyond ASCII"
        told = f"{count}: {'an escape' if one else 'escapes'} first, then as {'it looks' if one else 'they look'}."
        facts.append((Segment(told, "waiting"),))
        shown = UNSTEADY.sub(_escaped, UNSAFE.sub(_escaped, readable))
        lines += [(Segment(""),), *((Segment(line, "muted"),) for line in shown.split("\n"))]
    return Exact(tuple(lines), tuple(facts))


def preview_lines(preview: str) -> list[Line]:
    """Return what a tool says that a call would do, above its exact input; a diff in the colours of one."""
    if not preview:
        return []
    shown = [UNSTEADY.sub(_escaped, UNSAFE.sub(_escaped, line)) for line in preview.split("\n")]
    return [*((Segment(line, _DIFF.get(line[:1], "text")),) for line in shown), (Segment(""),)]


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    return json.dumps(character)[1:-1] if ord(character) > _LAST_ASCII or ord(character) < ord(" ") else character


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
