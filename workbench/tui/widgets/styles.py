"""Lines of the views as strips, for widgets that draw line by line; `paint` says what each style looks like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.segment import Segment as RichSegment
from rich.style import Style as RichStyle
from textual.strip import Strip
from textual.style import Style as TextualStyle

from workbench.tui.paint import STYLES
from workbench.views.segments import Line, Style

Looks = Mapping[Style, RichStyle]

_MARKED: Final[frozenset[Style]] = frozenset({"match", "cursor", "link", "removed", "added"})
"""Styles in which a space is seen."""
_FRAMES: Final[frozenset[Style]] = frozenset({"lane", "lane_active"})


def rich_styles(variables: Mapping[str, str], ground: RichStyle | None = None) -> Looks:
    """Return a look for every style, on `ground` where it is given; `variables` are an app's `theme_variables`."""
    base = ground or RichStyle.null()
    return {name: base + TextualStyle.parse(style, dict(variables)).rich_style for name, style in STYLES.items()}


def strip(line: Line, looks: Looks, width: int) -> Strip:
    """Return a line as Textual draws it; `width` are its cells.

    What drawing costs is the number of pieces. So spaces go to the piece before them, where nobody can see the
    difference, and frames that touch become one piece.
    """
    pieces: list[tuple[str, Style]] = []
    for text, style in line:
        if not pieces:
            pieces.append((text, style))
            continue
        before, last = pieces[-1]
        if style == last and style in _FRAMES:
            pieces[-1] = (before + text, style)
        elif style in _MARKED or last in _MARKED or not text.startswith(" "):
            pieces.append((text, style))
        else:
            words = text.lstrip(" ")
            pieces[-1] = (before + text[: len(text) - len(words)], last)
            if words:
                pieces.append((words, style))
    return Strip([RichSegment(text, looks[style]) for text, style in pieces], width)
