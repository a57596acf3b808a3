"""Lines of the views on the screen, however many: only those that are seen are drawn.

Who has lines subclasses it, or gives it all of them. It knows nothing of what they are about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.widgets.painter import Painter
from workbench.views.segments import Line, line_width


class Lines(ScrollView, can_focus=True):
    """Lines that scroll."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    Lines {
        overflow: hidden scroll;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._painter = Painter()
        self.laid_out = Size(0, 0)
        """The size that the lines were last made for."""

    # For subclasses

    def line(self, y: int) -> Line:
        """Return a line, of as many cells as there are."""
        raise NotImplementedError

    def fit(self, width: int) -> int:
        """Make the lines for a width; return how many there are."""
        raise NotImplementedError

    def settle(self) -> None:
        """Bring lines and height into agreement, after a change of what is shown or of the size."""
        size = self.scrollable_content_region.size
        self.laid_out = size
        if not size.width:
            return
        virtual_size = Size(size.width, max(self.fit(size.width), 1))
        if virtual_size != self.virtual_size:
            self.virtual_size = virtual_size
        self.refresh()

    def steer(self, y: int) -> None:
        """Let a line stand at the top, as far as that goes."""
        self.scroll_to(y=min(max(0, y), self.max_scroll_y), animate=False, force=True)

    # Drawing

    def on_mount(self) -> None:
        """Draw in the colours of the theme in force."""
        self.app.theme_changed_signal.subscribe(self, self._forget_looks)

    def _forget_looks(self, _: object) -> None:
        self._painter.forget_looks()
        self.refresh()

    def on_resize(self, _: events.Resize) -> None:
        """Lay out for the new size."""
        self._painter.forget_rows()
        self.settle()

    def render_line(self, y: int) -> Strip:
        """Draw one row of the screen."""
        ground, width = self.visual_style.rich_style, self.laid_out.width
        self._painter.on_ground(ground, self.app.theme_variables)
        at = self.scroll_offset.y + y
        line = self.line(at)
        return self._painter.paint_at(at, line, line_width(line), width).adjust_cell_length(width, ground)


class Text(Lines):
    """Lines that are made once for every width."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown,space", "page_down", "Page down", show=False),
        Binding("home", "scroll_home", "First", show=False),
        Binding("end", "scroll_end", "Last", show=False),
    ]

    def __init__(self, make: Callable[[int], Sequence[Line]] | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._make = make
        self._lines: Sequence[Line] = ()

    def show(self, make: Callable[[int], Sequence[Line]]) -> None:
        """Show what `make` returns for the width that there is."""
        self._make = make
        self.settle()

    def line(self, y: int) -> Line:
        """Return a line."""
        return self._lines[y] if y < len(self._lines) else ()

    def fit(self, width: int) -> int:
        """Make the lines."""
        self._lines = self._make(width) if self._make is not None else ()
        return len(self._lines)
