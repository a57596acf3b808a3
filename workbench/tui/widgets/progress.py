"""How far long work is: a line that is there only while something takes its time."""

from __future__ import annotations

from collections.abc import Collection

from textual.content import Content
from textual.widget import Widget

from workbench.driver.feed import Progress
from workbench.tui.paint import content
from workbench.views.segments import Line, Segment, row
from workbench.views.text import cell_width, one_line

_BAR = 30


def progress_line(progress: Progress, width: int) -> Line:
    """Return label, bar and count; without a total there is no bar."""
    label = one_line(progress.label, max(width // 2, 10))
    if not progress.total:
        return row([Segment(f"{label}  ", "running"), Segment(f"{progress.done:,}", "muted")], width)
    count = f" {progress.done:,}/{progress.total:,}"
    room = max(4, min(_BAR, width - cell_width(label) - cell_width(count) - 2))
    done = min(room, progress.done * room // progress.total)
    bar = [Segment("━" * done, "bar_running"), Segment("─" * (room - done), "bar_idle")]
    return row([Segment(f"{label}  ", "running"), *bar, Segment(count, "muted")], width)


class ProgressLine(Widget):
    """The latest of what is under way; nothing where nothing is."""

    DEFAULT_CSS = """
    ProgressLine {
        height: 1;
        padding: 0 1;
        background: $surface;
        display: none;
    }
    ProgressLine.-shown {
        display: block;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._latest: Progress | None = None

    def show(self, under_way: Collection[Progress]) -> None:
        """Show the last of these."""
        self._latest = next(reversed(list(under_way)), None)
        self.set_class(self._latest is not None, "-shown")
        self.refresh()

    def render(self) -> Content:
        """Return the line."""
        return content(progress_line(self._latest, self.content_size.width) if self._latest is not None else ())
