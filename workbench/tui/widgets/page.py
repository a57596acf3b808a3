"""A page of lines that are made for its width and scrolled by keys."""

from __future__ import annotations

from collections.abc import Callable

from rich.style import Style as RichStyle
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.widgets.styles import Looks, rich_styles, strip
from workbench.views.segments import SPACE, Line

Draw = Callable[[int], list[Line]]
"""Makes the lines for a width in cells."""


class Page(ScrollView, can_focus=True):
    """Lines, one below the other; only those that are seen are drawn."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Page {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        padding: 0 1;
        height: 1fr;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draw: Draw = lambda _: []
        self._lines: list[Line] = []
        self._looks: Looks = {}
        self._ground: RichStyle | None = None

    def show(self, draw: Draw) -> None:
        """Show other lines; the place that is seen stays."""
        self._draw = draw
        self._redraw()

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self._redraw()

    def _redraw(self) -> None:
        width = self.scrollable_content_region.width
        if width > 0:
            self._lines = self._draw(width - 1)
            self.virtual_size = Size(width, len(self._lines))
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of what is seen."""
        ground = self.visual_style.rich_style
        if ground != self._ground:
            self._ground, self._looks = ground, rich_styles(self.app.theme_variables, ground)
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if index >= len(self._lines):
            return Strip.blank(width, ground)
        return strip((*self._lines[index], SPACE), self._looks, width)  # the space keeps off the scrollbar
