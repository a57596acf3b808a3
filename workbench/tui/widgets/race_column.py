"""One run of a race beside the others: its name, how it stands, what it took, and its timeline as it grows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from workbench.debugger.race import Racer
from workbench.tui.paint import contents
from workbench.tui.watching import Watched
from workbench.tui.widgets.timeline import Timeline
from workbench.views.marks import spinner
from workbench.views.race import head_lines
from workbench.views.segments import Line

NARROWEST = 38
"""Cells from which on a timeline can be read."""


class RaceColumn(Vertical):
    """Shows any run of a race; which one may change."""

    DEFAULT_CSS = """
    RaceColumn {
        width: 1fr;
        height: 1fr;
        border: round $border-blurred;
        display: none;
    }
    RaceColumn.-used {
        display: block;
    }
    RaceColumn.-current {
        border: round $border;
    }
    RaceColumn > .head {
        height: 2;
        padding: 0 1;
        background: $boost;
    }
    RaceColumn > Timeline {
        height: 1fr;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.run = ""
        """The run that it shows."""
        self._head: list[Line] = []
        self._draw_head: Callable[[], None] = lambda: None
        """Draws the head again, as it was last drawn."""
        self._wants_end = False
        """The run is to be shown from its end, once there is room."""

    def compose(self) -> ComposeResult:
        """Build head and timeline."""
        yield Static(classes="head", markup=False)
        yield Timeline()

    @property
    def timeline(self) -> Timeline:
        """Where the run is shown."""
        return self.query_one(Timeline)

    def show(self, racer: Racer, watched: Watched, now: float | None, *, is_current: bool, is_checked: bool) -> None:
        """Show a run as it is now; another one from its end."""
        is_another, self.run = racer.run != self.run, racer.run
        self.set_class(True, "-used")
        self.set_class(is_current, "-current")
        moves = now if racer.fate == "runs" else None
        self._draw_head = partial(self._show_head, racer, spinner(moves).glyph, is_checked=is_checked)
        self._draw_head()
        self.timeline.show(
            watched.state,
            drafts=watched.shown_drafts,
            now=moves,
            children=watched.shown_children,
            live=racer.fate == "runs",
        )
        if is_another:
            self._wants_end = True
            self.call_after_refresh(self._settle)

    def _show_head(self, racer: Racer, glyph: str, *, is_checked: bool) -> None:
        head = self.query_one(".head", Static)
        lines = head_lines(racer, max(10, head.content_size.width), is_checked=is_checked, now_glyph=glyph)
        if lines != self._head:
            self._head = lines
            head.styles.height = len(lines)
            head.update(contents(lines), layout=False)

    def on_resize(self) -> None:
        """Fit the head to the width, and show the end of a run for which there was no room before."""
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        self._draw_head()
        if self._wants_end and self.timeline.size.height:
            self._wants_end = False
            self.timeline.follow()

    def clear(self) -> None:
        """Show no run."""
        self.run = ""
        self._draw_head = lambda: None
        self.remove_class("-used", "-current")
