"""`Sheet`: lines of one width about one thing, added one below the other: heads, fields, texts, JSON, meters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from pydantic import JsonValue

from workbench.conversation.weights import Weights
from workbench.debugger.find import Needle
from workbench.events.request import Usage
from workbench.views.brief import cut_text
from workbench.views.context_meter import meter_lines
from workbench.views.marks import Mark
from workbench.views.segments import Line, Segment, Style, row, split_row
from workbench.views.text import human_bytes, human_cost, human_tokens, one_line

_KEY_WIDTH: Final = 11


class Sheet:
    """Lines of one width, added one below the other. A text in which something is looked for is shown from there on."""

    def __init__(self, width: int, needle: Needle | None = None, opens: str = "") -> None:
        self.width, self._needle, self.opens = max(width, 12), needle, opens
        self.lines: list[Line] = []

    def add(self, *pieces: Segment) -> None:
        """Add a line."""
        self.lines.append(row(pieces, self.width))

    def head(self, title: str, mark: Mark | None = None, right: str = "") -> None:
        """Add what the thing is, with its state and what stands at the right."""
        pieces = [Segment(one_line(title, self.width), "title")]
        if mark is not None:
            pieces.append(Segment(f" {mark.glyph} {mark.word}", mark.style))
        self.lines.append(split_row(pieces, [Segment(right, "muted")] if right else [], self.width))

    def section(self, title: str, *notes: Segment) -> None:
        """Add a heading, with an empty line above it."""
        self.lines.append(row((), self.width))
        self.add(Segment(title, "title"), *notes)

    def field(self, name: str, value: str, style: Style = "text") -> None:
        """Add a named value; a long one goes on below itself."""
        passage = cut_text(value, self.width - _KEY_WIDTH, 6)
        for number, line in enumerate(passage.lines or [""]):
            label = f"{name:<{_KEY_WIDTH}}" if number == 0 else " " * _KEY_WIDTH
            self.add(Segment(label, "muted"), Segment(line, style))
        if passage.rest:
            self.add(Segment(" " * _KEY_WIDTH), Segment(passage.rest, "muted"))

    def text(self, text: str, limit: int, style: Style = "text") -> None:
        """Add a text of at most `limit` lines, and how much is left out."""
        above = self._above(text, limit)
        if above:
            self.add(Segment(f" … {human_bytes(len(text[:above].encode()))} above", "muted"))
        passage = cut_text(text[above:], self.width - 1, limit)
        for line in passage.lines:
            self.add(Segment(" "), Segment(line, style))
        if passage.rest:
            self.add(Segment(f" {passage.rest}", "muted"))

    def _above(self, text: str, limit: int) -> int:
        """Return how much of a text is left out, so that what is looked for is among the lines that are shown."""
        if self._needle is None or len(text) < limit:
            return 0
        first = next(iter(self._needle.spans(text)), (0, 0))[0]
        lines_before = text.count("\n", 0, first) + first // self.width
        if lines_before <= limit // 2:
            return 0
        start = max(0, first - 4 * self.width)
        return max(text.rfind("\n", 0, start) + 1, start - 4 * self.width)

    def json(self, value: JsonValue, limit: int) -> None:
        """Add JSON with a line for each field."""
        passage = cut_text(pretty_json(value, 4 * limit * self.width), self.width - 1, limit)
        for line in passage.lines:
            self.add(Segment(" "), *_json_pieces(line))
        if passage.rest:
            self.add(Segment(f" {passage.rest}", "muted"))

    def context(self, title: str, weights: Weights | None, recorded: int | None = None) -> None:
        """Add the meter of what fills a request."""
        if weights is not None:
            self.section(title)
            self.lines += meter_lines(weights, self.width, recorded)

    def usage(self, label: str, usage: Usage) -> None:
        """Add tokens and cost."""
        spent = f"{human_tokens(usage.input_tokens)} in · {human_tokens(usage.output_tokens)} out"
        cached = usage.cache_read_tokens + usage.cache_write_tokens
        cache = f" · {human_tokens(usage.cache_read_tokens)} from cache" if cached else ""
        self.field(label, f"{spent}{cache} · {human_cost(usage.cost)}")


def pretty_json(value: JsonValue, enough: int) -> str:
    """Return indented JSON, about `enough` characters of it at the most and then a sign."""
    pieces: list[str] = []
    length = 0
    for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length > enough:
            pieces.append("…")
            break
    return "".join(pieces)


def _json_pieces(line: str) -> Iterable[Segment]:
    stripped = line.lstrip(" ")
    name, colon, rest = stripped.partition('": ')
    if not colon or not name.startswith('"'):
        return (Segment(line),)
    indent = " " * (len(line) - len(stripped))
    return (Segment(indent), Segment(f'{name}"', "key"), Segment(f": {rest}"))
