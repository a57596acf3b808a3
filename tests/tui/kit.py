"""The app under test: made on a driver, shown at a size, and waited for until something is so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen

from tests.builders import RunLog
from tests.tui.fake_driver import FakeDriver
from workbench.clock import ManualClock, SystemClock
from workbench.driver.commands import AgentOptions, StartRun
from workbench.driver.settings import DriverSettings
from workbench.tui.app import WorkbenchApp
from workbench.tui.base_app import BUG
from workbench.tui.bridge import Desk
from workbench.tui.dialogs.choice import GUARD_SECONDS
from workbench.tui.manners import Manners
from workbench.tui.screens.main import MainScreen
from workbench.tui.watching import Watched
from workbench.views.selection import Selection

PATIENCE = 30.0
"""Seconds after which a test gives up; never reached where the program works."""


TURNS = 4
"""How often every widget gets to take in its messages after a key: key, action, its worker, what that shows."""


class PatientApp(WorkbenchApp):
    """Its notices stay until they are taken back: on a busy machine they would go before a test sees them."""

    def notify(self, *args: Any, **kwargs: Any) -> None:
        """Show a notice for as long as any test lasts."""
        super().notify(*args, **{**kwargs, "timeout": 3600.0})


class Stage:
    """An app that runs, and what a test looks at."""

    def __init__(self, app: WorkbenchApp, pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def main(self) -> MainScreen:
        """The main screen, under whatever dialog is open."""
        screen = self.app.screen_stack[1]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def watched(self) -> Watched:
        """The run on the screen."""
        return self.main.watched

    @property
    def dialog(self) -> Screen[Any]:
        """What lies on top."""
        return self.app.screen

    @property
    def notices(self) -> list[str]:
        """The sentences that were shown."""
        return [notice.message for notice in self.app._notifications]

    @property
    def said(self) -> list[str]:
        """All sentences since the start, also those that are not shown any more, the newest first."""
        return [message.sentence for message in self.app.messages]

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, each taken in before the next.

        Not by the pilot, which waits for a quiet process: a live run is never quiet.
        """
        for key in keys:
            character = {"space": " "}.get(key, key if len(key) == 1 else None)
            self.app.post_message(events.Key(_character_to_key(key) if len(key) == 1 else key, character))
            for _ in range(TURNS):
                await self.pilot.pause(0)

    async def write(self, text: str) -> None:
        """Type text."""
        await self.press(*("space" if letter == " " else letter for letter in text))

    async def until(self, condition: Callable[[], object], why: str = "", *, patience: float = PATIENCE) -> None:
        """Go on when something is so."""
        clock = SystemClock()
        end = clock.monotonic() + patience
        while not condition():
            assert clock.monotonic() < end, why or "it never came to be"
            await self.pilot.pause(0.01)
        await self.pilot.pause(0)

    async def shows(self, text: str) -> None:
        """Wait until something stands on the screen."""
        await self.until(lambda: text in self.shown(), f"{text!r} is not shown")

    async def gives(self, driver: FakeDriver, commands: list[Any]) -> None:
        """Wait for as many commands, and compare them."""
        await self.until(lambda: len(driver.commands) >= len(commands), f"only {driver.commands} came")
        assert driver.commands == commands

    async def opens(self, kind: type[Screen[Any]]) -> Any:
        """Wait for a dialog."""
        await self.until(lambda: isinstance(self.app.screen, kind), f"no {kind.__name__} opened")
        if isinstance(self.app.clock, ManualClock):
            self.app.clock.advance(GUARD_SECONDS)  # a person looks at a question before answering it
        return self.app.screen

    async def closes(self) -> None:
        """Wait for the main screen."""
        await self.until(lambda: self.app.screen is self.main, "a dialog stays open")

    def shown(self) -> str:
        """Return what stands on the screen, row by row."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())


@asynccontextmanager
async def stage(
    desk: Desk,
    *,
    start: StartRun | None = None,
    run: str | None = None,
    at: str | None = None,
    size: tuple[int, int] = (120, 40),
    clock: ManualClock | None = None,
    manners: Manners | None = None,
    options: AgentOptions | None = None,
    theme: str | None = None,
    themes: Sequence[Path] | None = None,
    expects_bugs: bool = False,
) -> AsyncIterator[Stage]:
    """Show an app on a driver, until what was asked for at the start is shown; fails for what nobody foresaw."""
    settings = DriverSettings(Path("unused.db"), Path("unused"), clock=clock or ManualClock())
    app = PatientApp(settings, start, run, at, options=options, manners=manners, theme=theme, themes=themes, desk=desk)
    async with app.run_test(size=size, notifications=True) as pilot:
        acted = Stage(app, pilot)
        await acted.until(lambda: app.is_begun)
        yield acted
        assert expects_bugs or not [each.detail for each in app.messages if each.sentence.startswith(BUG)]


CALL = Selection("call", step=0, call="0.1")
"""A call with a result, in the scenes that have any."""


def driven(log: RunLog, *others: RunLog) -> FakeDriver:
    """Return a driver that drives `log`."""
    return FakeDriver(*others, log, live=[log.run])


async def select(acted: Stage, selection: Selection) -> None:
    """Put the cursor on something, away from the end of a live run, which is followed."""
    await acted.press("up")
    acted.main.timeline.select(selection)
    await acted.pilot.pause(0)
