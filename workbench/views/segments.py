"""Lines of styled text, for whoever draws them: the screen turns the style names into colours, a pipe drops them.

A line is a tuple of segments whose texts are inert (see `text`) and whose cells add up to the width it was made
for. Nothing here knows what a style looks like.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from workbench.views.text import ELLIPSIS, cell_width, fit

Style = Literal[
    "text",
    "muted",
    "title",  # headings: STEP, PLAN, ANSWER
    "plan",
    "thinking",  # the model's words on the way to an answer
    "message",  # what a person said
    "running",
    "ok",
    "error",
    "waiting",  # for a person
    "edited",  # by a person
    "cancelled",
    "unknown",  # an outcome that nobody knows
    "bar",  # time in which a call ran and ended well, or is not done yet
    "bar_running",
    "bar_error",  # time of an attempt that failed
    "bar_wait",  # between two attempts
    "bar_idle",  # the rest of the time axis
    "lane",  # frame of a call
    "lane_active",  # frame of the call with the cursor
    "cursor",  # the line with the cursor
    "match",  # what a search found
    "removed",  # of two texts, what only the first has
    "added",  # of two texts, what only the second has
    "playhead",
    "link",  # a source that can be opened
    "key",  # name of a field
]
"""What a piece of a line means. A closed set: themes have a colour for each."""


class Segment(NamedTuple):
    """A piece of a line: inert text and what it means."""

    text: str
    style: Style = "text"


Line = tuple[Segment, ...]

SPACE: Final = Segment(" ")


def line_width(pieces: Iterable[Segment]) -> int:
    """Return how many cells the pieces take."""
    return sum(cell_width(text) for text, _ in pieces)


def line_text(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for text, _ in line)


def blank(width: int) -> Line:
    """Return an empty line."""
    return (Segment(" " * width),) if width > 0 else ()


def row(pieces: Iterable[Segment], width: int) -> Line:
    """Return a line of exactly `width` cells: padded, or cut with an ellipsis in the style of what it cuts."""
    waiting = [piece for piece in pieces if piece[0]]
    kept: list[Segment] = []
    rest = width
    for index, (text, style) in enumerate(waiting):
        cells = cell_width(text)
        if cells > rest or (cells == rest and any(later.strip() for later, _ in waiting[index + 1 :])):
            if rest > 0:
                kept.append(Segment(_cut(text, rest), style))
            return tuple(kept)
        kept.append(Segment(text, style))
        rest -= cells
        if rest == 0:
            return tuple(kept)
    if rest > 0:
        kept.append(Segment(" " * rest))
    return tuple(kept)


def _cut(text: str, width: int) -> str:
    """Return `text`, of which or after which something is lost, in `width` cells that end with an ellipsis."""
    return fit(text if cell_width(text) > width else text + ELLIPSIS, width)


def split_row(
    left: Iterable[Segment], right: Iterable[Segment], width: int, gap: int = 2, *, keep_right: bool = False
) -> Line:
    """Return `left` and `right` at the two ends of a line.

    Where both do not fit, `right` is left out as a whole, or with `keep_right` the left is cut.
    """
    left, right = list(left), list(right)
    used, wanted = line_width(left), line_width(right)
    if right and used + gap + wanted <= width:
        return (*left, Segment(" " * (width - used - wanted)), *right)
    if right and keep_right and wanted + gap < width:
        return (*row(left, width - wanted - gap), Segment(" " * gap), *right)
    return row(left, width)
