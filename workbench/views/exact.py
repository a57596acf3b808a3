"""What a call would be given, so that a person can say yes or no to exactly that. Pure: values in, lines out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from workbench.views.segments import Line, Segment
from workbench.views.text import UNSAFE, UNSTEADY, human_bytes, wrap

_LAST_ASCII = 0x7E


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


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    return json.dumps(character)[1:-1] if ord(character) > _LAST_ASCII or ord(character) < ord(" ") else character


def barred(lines: tuple[Line, ...], width: int) -> list[Line]:
    """Return lines of data behind a bar, whole: each row of what is longer than the width has a bar of its own."""
    room = max(width - len(_BAR), 20)
    rows: list[Line] = []
    for line in lines:
        text, style = "".join(segment.text for segment in line), line[0].style
        cut = (text[start : start + room] for start in range(0, max(len(text), 1), room))
        pieces = cut if text.isascii() else wrap(text, room)
        rows += [(Segment(_BAR, "waiting"), Segment(piece, style)) for piece in pieces]
    return rows


_BAR = "  | "
