"""How far long work is: a line that is there only while something takes its time."""

from __future__ import annotations

from collections.abc import Collection

from textual.content import Content
from textual.widget import Widget

from workbench.driver.feed import Progress
from workbench.tui.actions import ACTIONS, key_of
from workbench.tui.context import Context
from workbench.tui.paint import content
from workbench.views.segments import Line, Segment, line_width, split_row
from workbench.views.text import cell_width, one_line

_BAR = 30


def progress_line(progress: Progress, width: int, others: int = 0) -> Line:
    """Return label, bar, count and the key that stops it; without a total there is no bar."""
    label = one_line(progress.label, max(width // 2, 10))
    more = f"  and {others} more" if others else ""
    stop = [Segment(key_of("stop_work"), "key"), Segment(f" {ACTIONS['stop_work'].name(Context())}")]
    stop = stop if progress.work else []
    if not progress.total:
        left = [Segment(f"{label}  ", "running"), Segment(f"{progress.done:,}{more}", "muted")]
        return split_row(left, stop, width, keep_right=True)
    count = f" {progress.done:,}/{progress.total:,}{more}"
    room = max(4, min(_BAR, width - cell_width(label) - cell_width(count) - line_width(stop) - 4))
    done = min(room, progress.done * room // progress.total)
    bar = [Segment("━" * done, "bar_running"), Segment("─" * (room - done), "bar_idle")]
    return split_row([Segment(f"{label}  ", "running"), *bar, Segment(count, "muted")], stop, width, keep_right=True)


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
        self._others = 0

    def show(self, under_way: Collection[Progress]) -> None:
        """Show the last of these."""
        self._latest, self._others = next(reversed(list(under_way)), None), len(under_way) - 1
        self.set_class(self._latest is not None, "-shown")
        self.refresh()

    def render(self) -> Content:
        """Return the line."""
        latest = self._latest
        return content(progress_line(latest, self.content_size.width, self._others) if latest is not None else ())
