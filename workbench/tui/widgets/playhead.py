"""The line that says which moment of the run is shown, and what the run has used by then."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from workbench.state.run_state import RunState
from workbench.tui.paint import content
from workbench.tui.watching import Watched
from workbench.views.playhead import Bar, playhead_bar, playhead_line


class PlayheadLine(Widget):
    """Where the playhead stands between the first event and the last; the mouse moves it along the bar."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    PlayheadLine {
        height: 1;
        padding: 0 1;
        background: $surface;
    }
    """

    @dataclass
    class Moved(Message):
        """A person moved the playhead to an event."""

        seq: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._state: RunState | None = None
        self._position, self._last, self._is_scrubbing, self._speed = 0, 0, False, 0
        self._held: Bar | None = None
        """The bar as it was when the mouse took hold of it: figures beside it come and go meanwhile."""

    def show(self, watched: Watched, speed: int = 0) -> None:
        """Show which moment of a run is shown, and how fast it is played."""
        place = (watched.position, watched.history.live.seq, watched.is_scrubbing, speed)
        is_other = watched.state is not self._state  # equality would compare whole runs
        if is_other or place != (self._position, self._last, self._is_scrubbing, self._speed):
            self._state = watched.state
            self._position, self._last, self._is_scrubbing, self._speed = place
            self.refresh()

    def render(self) -> Content:
        """Return the line."""
        line = playhead_line(self._state, self._position, self._last, self.size.width, self._is_scrubbing, self._speed)
        return content(line)

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the playhead, where the person is on its bar."""
        offset = event.get_content_offset(self)
        if self._state is None or offset is None:
            return
        bar = playhead_bar(self._state, self._position, self._last, self.size.width, self._is_scrubbing, self._speed)
        if bar.start <= offset.x < bar.start + bar.cells:
            event.stop()
            self._held = bar
            self.capture_mouse()
            self._move_to(offset.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the playhead along, also where the mouse leaves the line."""
        if self._held is not None:
            event.stop()
            self._move_to(event.x - self.gutter.left)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of it."""
        if self._held is not None:
            event.stop()
            self._held = None
            self.release_mouse()

    def _move_to(self, x: int) -> None:
        if self._held is not None and (seq := self._held.position(x, self._last)) != self._position:
            self.post_message(self.Moved(seq))
