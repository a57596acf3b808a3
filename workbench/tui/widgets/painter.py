"""Lines as rows of the screen, in the colours in force; rows that look as before are not made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.style import Style as RichStyle
from textual.strip import Strip

from workbench.tui.widgets.styles import Looks, rich_styles, strip
from workbench.views.segments import Line, Segment, line_width, row

KEPT_ROWS: Final = 200
"""Drawn rows that are kept. Each holds all that Textual made of it: more would only give the collector work."""


class Painter:
    """Makes rows out of lines, and remembers those by their place."""

    def __init__(self) -> None:
        self._looks: Looks = {}
        self._ground: RichStyle | None = None
        """The widget's own colours, on which everything is drawn."""
        self._rows: dict[int, tuple[Line, Strip]] = {}

    def on_ground(self, ground: RichStyle, variables: Mapping[str, str]) -> None:
        """Draw on these colours from now on; `variables` are those of the theme."""
        if ground != self._ground:
            self._ground, self._looks = ground, rich_styles(variables, ground)
            self._rows.clear()

    def forget_looks(self) -> None:
        """Find the colours again: the theme may have changed where the ground did not."""
        self._ground = None

    def forget_rows(self) -> None:
        """Make every row anew: they are of another width."""
        self._rows.clear()

    def shows(self, y: int, line: Line) -> bool:
        """Whether a place was last painted with this line."""
        painted = self._rows.get(y)
        return painted is not None and painted[0] == line

    def paint(self, line: Line, width: int) -> Strip:
        """Return a line of `width` cells as a row."""
        return strip(line, self._looks, width)

    def paint_at(self, y: int, line: Line, line_width: int, width: int) -> Strip:
        """Return a line as a row of `width` cells, and remember it for its place."""
        painted = self._rows.get(y)
        if painted is not None and painted[0] == line:
            return painted[1]
        drawn = self.paint(line, line_width).crop(0, width)
        self._rows[y] = (line, drawn)
        if len(self._rows) > KEPT_ROWS:
            del self._rows[next(iter(self._rows))]
        return drawn

    def with_sign(self, drawn: Strip, sign: str, width: int) -> Strip:
        """Return a row of `width` cells with a sign over its right end."""
        line = (Segment(sign, "cursor"),)
        at = max(0, width - line_width(line))
        return Strip.join([drawn.crop(0, at), self.paint(line, width - at)])


def centred(sentences: Sequence[str], y: int, width: int, height: int) -> Line:
    """Return row `y` of an area that says nothing but some sentences, in its middle; the first is its title."""
    number = y - (height - len(sentences)) // 2
    if not 0 <= number < len(sentences):
        return row((), width)
    words = Segment(sentences[number], "title" if number == 0 else "muted")
    return row([Segment(" " * max(0, (width - line_width([words])) // 2)), words], width)
