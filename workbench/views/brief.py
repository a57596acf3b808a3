"""Short forms of long things: an input on one line, a text cut to a few lines, never without a sign of more.

Only as much of a value is looked at as can be shown, so that 5 MB cost no more than a few lines. What comes out is
inert. Knows nothing of runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from workbench.views.text import ELLIPSIS, human_bytes, inert, one_line, wrap


class Passage(NamedTuple):
    """A text as far as it is shown."""

    lines: list[str]
    rest: str
    """Says how much is not shown; empty where nothing is missing."""

    @property
    def height(self) -> int:
        """Lines with the one that says what is missing."""
        return len(self.lines) + bool(self.rest)


def cut_text(text: str, width: int, limit: int, *, tail: bool = False) -> Passage:
    """Return any text wrapped to `width`, in at most `limit` lines: its start, or with `tail` its end."""
    text = text.strip("\n")
    if len(text) <= width and text.isascii() and text.isprintable():
        return Passage([text] if text else [], "")
    span = 4 * limit * width + 64
    seen = text[-span:] if tail else text[:span]
    lines = wrap(inert(seen), width)
    where = "above" if tail else "more"
    if len(seen) < len(text):
        lines = lines[1 - limit :] if tail else lines[: limit - 1]
        return Passage(lines, f"{ELLIPSIS} {human_bytes(len(text) - sum(map(len, lines)))} {where}")
    if len(lines) <= limit:
        return Passage(lines, "")
    hidden = len(lines) - limit + 1
    rest = f"{ELLIPSIS} {hidden} {'lines' if hidden > 1 else 'line'} {where}"
    return Passage(lines[1 - limit :] if tail else lines[: limit - 1], rest)


def brief_input(fields: Mapping[str, JsonValue], width: int) -> str:
    """Return a call's input on one line of at most `width` cells: its first text bare, other fields by name."""
    bare = next((name for name, item in fields.items() if isinstance(item, str) and item.strip()), None)
    pieces: list[str] = []
    room = width
    for name, item in sorted(fields.items(), key=lambda field: field[0] != bare):
        if room < 0:
            break
        if name == bare:
            pieces.append(str(item)[: 4 * width + 64])
        else:
            pieces.append(f"{name[: width + 1]}={brief_json(item, width)}")
        room -= len(pieces[-1])
    return one_line(" · ".join(pieces), width)


def brief_json(value: JsonValue, length: int) -> str:
    """Return `value` as JSON on one line, with `…` for what goes much beyond `length` characters."""
    if length <= 0:
        return ELLIPSIS
    if isinstance(value, str):
        cut = value[: length + 1]
        return json.dumps(cut, ensure_ascii=False) if cut == value else json.dumps(cut, ensure_ascii=False) + ELLIPSIS
    if isinstance(value, dict):
        named = ((json.dumps(name[:length], ensure_ascii=False) + ": ", item) for name, item in value.items())
        return "{" + _brief_items(named, length - 2) + "}"
    if isinstance(value, list):
        return "[" + _brief_items((("", item) for item in value), length - 2) + "]"
    return json.dumps(value)


def _brief_items(items: Iterable[tuple[str, JsonValue]], length: int) -> str:
    pieces: list[str] = []
    for label, item in items:
        if length <= 0:
            pieces.append(ELLIPSIS)
            break
        pieces.append(label + brief_json(item, length - len(label)))
        length -= len(pieces[-1]) + 2
    return ", ".join(pieces)
