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
from workbench.views.metrics import alarm_words
from workbench.views.playhead import Bar, Moment, playhead_bar, playhead_line


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
        self._moment = Moment(0, 0)
        self._held: Bar | None = None
        """The bar as it was when the mouse took hold of it: figures beside it come and go meanwhile."""

    def show(self, watched: Watched, speed: int = 0) -> None:
        """Show which moment of a run is shown, and how fast it is played."""
        alarm = watched.meter.figures.alarm() if not watched.is_scrubbing else None
        words = alarm_words(alarm) if alarm else ""
        moment = Moment(watched.position, watched.history.live.seq, watched.is_scrubbing, speed, words)
        is_other = watched.state is not self._state  # equality would compare whole runs
        if is_other or moment != self._moment:
            self._state, self._moment = watched.state, moment
            self.refresh()

    def render(self) -> Content:
        """Return the line."""
        return content(playhead_line(self._state, self._moment, self.size.width))

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the playhead, where the person is on its bar."""
        offset = event.get_content_offset(self)
        if self._state is None or offset is None:
            return
        bar = playhead_bar(self._state, self._moment, self.size.width)
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
        if self._held is not None and (seq := self._held.position(x, self._moment.last)) != self._moment.position:
            self.post_message(self.Moved(seq))
