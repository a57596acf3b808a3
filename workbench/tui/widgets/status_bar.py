"""The first line: what is being looked at, and where it is on its way."""

from __future__ import annotations

from dataclasses import replace

from textual.content import Content
from textual.widget import Widget

from workbench.state.run_state import RunState
from workbench.tui.paint import content
from workbench.views.status import status_line


class StatusBar(Widget):
    """Question and status of the run on the screen."""

    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        background: $panel;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._state: RunState | None = None
        self._now: float | None = None

    def show(self, state: RunState | None, now: float | None, *, is_stranded: bool = False) -> None:
        """Show a run; `now` turns the mark of one that moves, and one that is stranded has lost its driver."""
        if state is not None and is_stranded:
            state = replace(state, end=("interrupted", "crashed"))
        self._state, self._now = state, now
        self.refresh()

    def render(self) -> Content:
        """Return the line."""
        return content(status_line(self._state, self.size.width, self._now))
