"""Everything about the one thing that is selected."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.conversation.weights import Weights
from workbench.debugger.find import Needle
from workbench.events.content import Content
from workbench.state.run_state import RunState
from workbench.tui.actions import key_of
from workbench.tui.widgets.lines import Lines
from workbench.views.inspector import inspector_lines
from workbench.views.segments import Line
from workbench.views.selection import NOTHING, Selection


class Inspector(Lines):
    """Lines about a selection, scrolled by keys."""

    DEFAULT_CSS = """
    Inspector {
        overflow: hidden auto;
        scrollbar-gutter: stable;
        padding-left: 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._state: RunState | None = None
        self._selection: Selection = NOTHING
        self._contents: Mapping[tuple[str, int], Content] = {}
        self._weights: Weights | None = None
        self._lines: list[Line] = []
        self._drawn: object = None
        """What the lines were made from."""
        self._needle: Needle | None = None
        self._is_sought = False
        """The first place of what is looked for was not shown yet."""

    def show(
        self,
        state: RunState | None,
        selection: Selection,
        contents: Mapping[tuple[str, int], Content],
        weights: Weights | None = None,
    ) -> None:
        """Show what is known about a selection; `weights` are those of the request that belongs to it."""
        is_other = selection != self._selection
        self._state, self._selection, self._contents, self._weights = state, selection, contents, weights
        self._redraw()
        if is_other:
            self.scroll_to(y=0, animate=False)
            self._is_sought = self._needle is not None
        self._seek()

    def mark(self, needle: Needle | None) -> None:
        """Mark what is looked for, and bring the first place of it into view."""
        if needle is not self._needle:
            self._needle, self._is_sought = needle, needle is not None
            self._redraw()
            self._seek()

    def _redraw(self) -> None:
        state = self._state
        if state is None:
            return
        drawn = (
            *(state.run, state.seq, self._selection, frozenset(self._contents)),
            *(self._weights, self._needle),
        )
        if drawn != self._drawn:
            self._drawn = drawn
            self.settle()

    def fit(self, width: int) -> int:
        """Make the lines."""
        if self._state is not None:
            self._lines = inspector_lines(
                self._state,
                self._selection,
                self._contents,
                width,
                weights=self._weights,
                needle=self._needle,
                opens=key_of("open_block"),
            )
        return len(self._lines)

    def line(self, y: int) -> Line:
        """Return a line."""
        return self._lines[y] if y < len(self._lines) else ()

    def _seek(self) -> None:
        """Bring the first place of what is looked for into view, once it is there."""
        marked = (y for y, line in enumerate(self._lines) if any(piece.style == "match" for piece in line))
        if self._is_sought and (first := next(marked, None)) is not None:
            self._is_sought = False
            height = self.scrollable_content_region.height
            if first >= height:
                self.scroll_to(y=first - height // 3, animate=False)
