"""Styled text of the views, made ready for Textual: the one table from what a text means to how it looks.

Text from outside is already inert when it gets here, and it never becomes markup: a style is a name of our own, and
the text goes in as it is. Colours are theme variables, so a new theme repaints everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual.content import Content, Span

from workbench.views.segments import Line, Segment, Style

STYLES: Final[dict[Style, str]] = {
    "text": "",
    "muted": "$wb-muted",
    "title": "bold",
    "plan": "$wb-plan",
    "thinking": "$wb-thinking italic",
    "message": "$primary",
    "running": "$wb-running",
    "ok": "$wb-ok",
    "error": "$wb-error",
    "waiting": "$wb-waiting",
    "edited": "$wb-edited",
    "cancelled": "$wb-cancelled",
    "unknown": "$wb-waiting bold",
    "bar": "$wb-bar",
    "bar_running": "$wb-running",
    "bar_error": "$wb-error",
    "bar_wait": "$wb-waiting",
    "bar_idle": "$wb-bar-idle",
    "lane": "$wb-lane",
    "lane_active": "$wb-lane-active",
    "cursor": "on $block-cursor-background",
    "match": "on $wb-match",
    "removed": "$wb-error underline",
    "added": "$wb-ok underline",
    "playhead": "$wb-playhead",
    "link": "$primary underline",
    "key": "$footer-key-foreground",
}
"""What each style of the views is called by Textual."""


def content(pieces: Iterable[Segment]) -> Content:
    """Return pieces of a line as Textual's text."""
    texts: list[str] = []
    spans: list[Span] = []
    position = 0
    for text, style in pieces:
        texts.append(text)
        if text and STYLES[style]:
            spans.append(Span(position, position + len(text), STYLES[style]))
        position += len(text)
    return Content("".join(texts), spans)


def contents(lines: Iterable[Line]) -> Content:
    """Return lines as one text."""
    return Content("\n").join(content(line) for line in lines)


def plain(text: str, style: Style = "text") -> Content:
    """Return inert text of ours in one style."""
    return content((Segment(text, style),))
