"""A page of parts that fold. The cursor goes from part to part; a part longer than the screen is scrolled through."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.tui.widgets.lines import Lines
from workbench.views.request_parts import GUTTER, Foldable, Placed, is_foldable, lay_out
from workbench.views.segments import SPACE, Line, Segment

_SCROLLED = 3
"""Lines by which a long part moves at a press."""


class Folds(Lines, inherit_bindings=False):
    """Parts, one below the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "part(-1)", show=False),
        Binding("down", "part(1)", show=False),
        Binding("home", "edge(-1)", show=False),
        Binding("end", "edge(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("enter", "fold", show=False),
    ]
    DEFAULT_CSS = """
    Folds {
        overflow: hidden auto;
        scrollbar-gutter: stable;
        padding: 0 1;
        height: 1fr;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._head: Callable[[int], list[Line]] = lambda _: []
        self._parts: list[Foldable] = []
        self._opened: set[str] = set()
        self._cursor = ""
        """Id of the part with the cursor."""
        self._lines: list[Placed] = []
        self._starts: list[int] = []
        """First line of each part."""

    def show(self, head: Callable[[int], list[Line]], parts: list[Foldable]) -> None:
        """Show other parts; what was opened stays open, and the cursor stays on its part where that is there."""
        self._head, self._parts = head, parts
        self.settle()

    @property
    def current(self) -> Foldable | None:
        """The part with the cursor."""
        return self._parts[self._place] if self._parts else None

    @property
    def _place(self) -> int:
        return next((place for place, part in enumerate(self._parts) if part.id == self._cursor), 0)

    def fit(self, width: int) -> int:
        """Make the lines; one cell keeps off the scrollbar."""
        self._lines = lay_out(self._head, self._parts, self._opened, width - 1)
        self._starts = []
        for number, placed in enumerate(self._lines):
            if placed.part == len(self._starts):
                self._starts.append(number)
        return len(self._lines)

    def line(self, y: int) -> Line:
        """Return a line, with a bar at the part with the cursor."""
        if y >= len(self._lines):
            return ()
        placed = self._lines[y]
        is_here = placed.part >= 0 and placed.part == self._place
        gutter = Segment("▌".ljust(GUTTER), "lane_active") if is_here else Segment(" " * GUTTER)
        return (gutter, *placed.line, SPACE)

    def _end(self, place: int) -> int:
        """Return the line after the last one of a part."""
        after = place + 1
        return self._starts[after] if after < len(self._starts) else len(self._lines)

    # What a person does

    def toggle_all(self) -> None:
        """Open everything, or fold everything where something is open."""
        width = self.scrollable_content_region.width - 1
        foldable = {part.id for part in self._parts if is_foldable(part, width)}
        self._opened = set() if self._opened & foldable else foldable
        self.settle()
        self._follow()

    def action_fold(self) -> None:
        """Open or fold the part with the cursor."""
        part = self.current
        if part is not None and is_foldable(part, self.scrollable_content_region.width - 1):
            self._opened ^= {part.id}
            self.settle()
            self._follow()

    def action_part(self, by: int) -> None:
        """Go to the part below or above; scroll first where more of this one is to be seen there."""
        if not self._parts:
            return
        place, top, height = self._place, self.scroll_offset.y, self.scrollable_content_region.height
        start, end = self._starts[place], self._end(place)
        if by > 0 and end > top + height and (start < top + height):
            self.scroll_to(y=min(top + _SCROLLED, end - height), animate=False)
            return
        if by < 0 and start < top < end:
            self.scroll_to(y=max(top - _SCROLLED, start), animate=False)
            return
        to = place + by
        if 0 <= to < len(self._parts):
            self._cursor = self._parts[to].id
            self.refresh()
            self._follow(from_below=by < 0)
        elif by < 0:
            self.scroll_to(y=0, animate=False)

    def action_page(self, by: int) -> None:
        """Go a screen up or down, to the first part that begins there."""
        height = max(1, self.scrollable_content_region.height - 1)
        top = max(0, min(self.scroll_offset.y + by * height, len(self._lines) - height - 1))
        seen = [part for part, start in zip(self._parts, self._starts, strict=True) if start >= top]
        if self._parts:
            self._cursor = (seen[0] if seen else self._parts[-1]).id
        self.scroll_to(y=top, animate=False)
        self.refresh()

    def action_edge(self, direction: int) -> None:
        """Go to the first part or the last one."""
        if self._parts:
            self._cursor = self._parts[0 if direction < 0 else -1].id
            self.refresh()
            self.scroll_to(y=0 if direction < 0 else len(self._lines), animate=False)

    def _follow(self, *, from_below: bool = False) -> None:
        """Bring the part with the cursor into view: whole, or else the side from which one comes."""
        if not self._parts:
            return
        place, top, height = self._place, self.scroll_offset.y, self.scrollable_content_region.height
        start, end = self._starts[place], self._end(place)
        if start < top:
            self.scroll_to(
                y=max(start - 1, end - height) if from_below and end - start > height else start, animate=False
            )
        elif end > top + height:
            self.scroll_to(y=min(start, end - height), animate=False)
