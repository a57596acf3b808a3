"""The line that says which moment of the run is shown, and what the run has used by then."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from workbench.state.run_state import RunState
from workbench.tui.paint import content
from workbench.tui.watching import Watched
from workbench.views.playhead import playhead_line


class PlayheadLine(Widget):
    """Where the playhead stands between the first event and the last."""

    DEFAULT_CSS = """
    PlayheadLine {
        height: 1;
        padding: 0 1;
        background: $surface;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._state: RunState | None = None
        self._position, self._last, self._is_scrubbing = 0, 0, False

    def show(self, watched: Watched) -> None:
        """Show which moment of a run is shown."""
        place = (watched.position, watched.history.live.seq, watched.is_scrubbing)
        is_other = watched.state is not self._state  # equality would compare whole runs
        if is_other or place != (self._position, self._last, self._is_scrubbing):
            self._state = watched.state
            self._position, self._last, self._is_scrubbing = place
            self.refresh()

    def render(self) -> Content:
        """Return the line."""
        return content(playhead_line(self._state, self._position, self._last, self.size.width, self._is_scrubbing))
