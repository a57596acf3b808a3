"""The last net under everything that is drawn: no text reaches the terminal as a command.

Widgets show text that `workbench.views.text` made inert, and this filter never finds anything. Where one forgets,
it turns what a terminal would obey into visible U+FFFD, row by row, without changing the width of the row. It
knows nothing of what the text means or where it came from.
"""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from workbench.views.text import REPLACEMENT, UNSAFE

# Within one row these two move the cursor like any other control character.
_IN_A_ROW: Final = str.maketrans({"\n": REPLACEMENT, "\t": REPLACEMENT})


class SafetyFilter(LineFilter):
    """Replaces every unsafe character of every row by U+FFFD, and drops links that hold one.

    An app keeps one and returns it from `App.get_line_filters` after those of Textual, which remember per filter
    what a row became. Control segments are Textual's own and pass.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """Return the row as it is, or a harmless copy of the same width."""
        if not any(map(_is_unsafe, segments)):
            return segments
        width = Segment.get_line_length(segments)
        # A character that took no cell now takes one, so the row would push its neighbours aside.
        return Segment.adjust_line_length([_harmless(segment) for segment in segments], width)


def _is_unsafe(segment: Segment) -> bool:
    text, style, control = segment
    if control:
        return False
    if UNSAFE.search(text) or "\n" in text or "\t" in text:
        return True
    return style is not None and style.link is not None and not _is_plain(style.link)


def _is_plain(link: str) -> bool:
    return link.isascii() and link.isprintable()


def _harmless(segment: Segment) -> Segment:
    text, style, control = segment
    if control:
        return segment
    if style is not None and style.link is not None and not _is_plain(style.link):
        style = style.update_link(None)
    return Segment(UNSAFE.sub(REPLACEMENT, text).translate(_IN_A_ROW), style)
