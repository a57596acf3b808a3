"""A timeline in an app of its own, with a hand on the keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from workbench.state.run_state import RunState
from workbench.tui.themes import VARIABLE_DEFAULTS
from workbench.tui.widgets.timeline import Timeline
from workbench.views.selection import Selection


class Frame(App[None]):
    """An app that shows a timeline and remembers what it says."""

    CSS = "Timeline { border: round $border; }"

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, Selection]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours of the default theme."""
        return dict(VARIABLE_DEFAULTS)

    def compose(self) -> ComposeResult:
        """Show the timeline."""
        yield Timeline()

    def on_timeline_selected(self, message: Timeline.Selected) -> None:
        """Remember where the cursor went."""
        self.said.append(("selected", message.selection))

    def on_timeline_opened(self, message: Timeline.Opened) -> None:
        """Remember what was opened."""
        self.said.append(("opened", message.selection))


class Stage:
    """A timeline in a running app, with a hand on the keyboard."""

    def __init__(self, app: Frame, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        self.timeline = app.query_one(Timeline)

    async def show(self, state: RunState, *, live: bool = False, now: float | None = None) -> None:
        """Show a run and wait until it is painted."""
        self.timeline.show(state, live=live, now=now if now is not None else state.at if live else None)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys and wait until they took effect."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def rows(self) -> list[str]:
        """Return what the timeline draws now."""
        return [self.timeline.render_line(y).text for y in range(self.timeline.scrollable_content_region.height)]

    def row_of(self, words: str) -> int:
        """Return the first row of the screen with these words."""
        return next(y for y, text in enumerate(self.rows()) if words in text)

    def follows(self) -> bool:
        """Return whether the timeline keeps to the live end."""
        return self.timeline.is_following

    @property
    def is_at_end(self) -> bool:
        """Whether the last line is in view."""
        return self.timeline.scroll_offset.y == self.timeline.max_scroll_y


@asynccontextmanager
async def stage(width: int = 100, height: int = 30) -> AsyncIterator[Stage]:
    """Open an app with a timeline that has the focus."""
    app = Frame()
    async with app.run_test(size=(width, height)) as pilot:
        app.query_one(Timeline).focus()
        await pilot.pause()
        yield Stage(app, pilot)
