"""The first line: what is being looked at, and where it is on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from workbench.state.run_state import RunState
from workbench.tui.paint import content
from workbench.views.breadcrumb import Crumb
from workbench.views.status import crumb_at, status_line


class StatusBar(Widget):
    """Question and status of the run on the screen; of a subagent the way back, which can be clicked."""

    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        background: $panel;
    }
    """

    @dataclass
    class Followed(Message):
        """A person wants to go back to a run above."""

        crumb: Crumb

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._state: RunState | None = None
        self._now: float | None = None
        self._crumbs: Sequence[Crumb] = ()

    def show(
        self, state: RunState | None, now: float | None, *, crumbs: Sequence[Crumb] = (), is_stranded: bool = False
    ) -> None:
        """Show a run; `now` turns the mark of one that moves, and one that is stranded has lost its driver."""
        if state is not None and is_stranded:
            state = replace(state, end=("interrupted", "crashed"))
        self._state, self._now, self._crumbs = state, now, crumbs
        self.refresh()

    def render(self) -> Content:
        """Return the line."""
        return content(status_line(self._state, self.size.width, self._now, self._crumbs))

    def on_click(self, event: events.Click) -> None:
        """Go back to the run that was clicked."""
        state = self._state
        if state is not None and (crumb := crumb_at(state, self.size.width, self._crumbs, event.x)) is not None:
            event.stop()
            self.post_message(self.Followed(crumb))
