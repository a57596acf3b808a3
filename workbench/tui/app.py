"""The app: a window onto a driver. It starts one, shows the main screen before that is done, and closes it at the end.

What it may not know: how runs are driven and stored. Everything goes through the bridge.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.widgets import Input, TextArea

from workbench.clock import SessionTime
from workbench.config.resources import shipped
from workbench.debugger.address import find_cut, parse_address
from workbench.driver.commands import AgentOptions, CancelWork, StartRun
from workbench.driver.settings import DriverSettings
from workbench.tui.actions import ACTIONS, bindings, key_of
from workbench.tui.attention import Attention, Sight, sight_of_row, sight_of_state
from workbench.tui.base_app import BaseApp
from workbench.tui.bridge import PER_SECOND, Bridge, Desk
from workbench.tui.dialogs.base import Dialog
from workbench.tui.manners import Manners
from workbench.tui.screens.live import LiveScreen
from workbench.tui.screens.main import MainScreen
from workbench.views.selection import Selection

if TYPE_CHECKING:
    from textual.command import Provider

    from workbench.tui.tour.lead import Tour

WARNING_SECONDS = 4.0
"""How long a second Ctrl+C leaves."""


def _actions() -> type[Provider]:
    from workbench.tui.palette import ActionProvider

    return ActionProvider


class WorkbenchApp(BaseApp):
    """The workbench on a terminal."""

    TITLE = "workbench"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_actions}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app", "tour")]

    def __init__(
        self,
        settings: DriverSettings,
        start: StartRun | None = None,
        open_run: str | None = None,
        at: str | None = None,
        *,
        options: AgentOptions | None = None,
        theme: str | None = None,
        themes: Sequence[Path] | None = None,
        manners: Manners | None = None,
        desk: Desk | None = None,
        tour: bool = False,
    ) -> None:
        """`options` hold for runs that are started here; `themes` are folders, the user's own last.

        `tour` begins the guided tour at once, with a run of its own.
        """
        folders = themes if themes is not None else [shipped("themes")]
        super().__init__(SessionTime(settings.clock), theme, folders, manners or Manners())
        self.address_of = settings.address_of
        self._desk: Desk = desk if desk is not None else _driver(settings)
        self._bridge = Bridge(self._desk)
        self._attention = Attention()
        self.clock = settings.clock
        self.tour: Tour | None = None
        self._begin = _Begin(start, open_run, at, tour)
        self._options = options or (start.options if start is not None else AgentOptions())
        self._is_warned = False
        self.is_leaving = False
        """The driver is being closed; what still asks it hears nothing."""
        self.is_begun = False
        """What was asked for at the start is shown, or was refused."""
        self.main = MainScreen(self._bridge, self._options, self._time.now)

    # From the start to the end

    def on_mount(self) -> None:
        """Show the screen."""
        self.push_screen(self.main)

    def begin(self) -> None:
        """Start the driver beside the screen, once that is built, and look at what it publishes."""
        self.set_interval(1 / PER_SECOND, self._look)
        self.main.work(self._open, group="open")

    def _look(self) -> None:
        """Take in what was published, and tell every screen that follows runs."""
        if not self.is_running:
            return  # the screens are being taken down
        changes = self._bridge.pump()
        for trouble in changes.troubles:
            self.say(trouble.message, "error" if trouble.level == "error" else "warning", trouble.detail)
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen | Dialog):
                screen.look(changes)
        if self.tour is not None and not self.tour.look(self._time.now()):
            self.tour = None
        for words in self._attention.look(self._sights(), is_in_front=self.app_focus):
            self.call_person(words)

    def _sights(self) -> Iterator[Sight]:
        """Return the runs that a person may wait for: what is on the screen is seen first hand."""
        watched = self._bridge.watched
        if watched is not None and watched.is_open:
            yield sight_of_state(watched.history.live)
        for row in self._bridge.rows:
            if row.caller_run is None and (watched is None or row.id != watched.run):
                yield sight_of_row(row, os.getpid())

    async def _open(self) -> None:
        try:
            await asyncio.to_thread(self._desk.start)
            await self.main.list_runs()
            await self._show_first()
        finally:
            self.is_begun = True
            self.main.show_run()
            if self._bridge.watched is None:
                self.main.panes.show("timeline", focus=True)

    async def _show_first(self) -> None:
        begin = self._begin
        newest = next((row.id for row in self._bridge.rows if row.caller_run is None), None)
        if begin.tour:
            await self.begin_tour()
        elif begin.start is not None:
            await self.main.open_run(await self._bridge.ask(begin.start))
        elif begin.run is not None:
            await self.main.open_run(begin.run)
            if begin.at is not None:
                watched = self.main.watched
                place = parse_address(begin.at)
                watched.move_to(find_cut(watched.history, place).seq)
                self.main.show_run()
                self.main.timeline.follow()
                if place.kind == "call":
                    self.main.timeline.visit(Selection("call", step=place.step, call=place.call))
        elif newest is not None:
            await self.main.open_run(newest)

    def on_resize(self, event: events.Resize) -> None:
        """Choose between one pane and three before Textual lays them out for the new size."""
        if self.main.is_mounted:
            self.main.panes.fit(event.size.width)

    async def leave(self) -> None:
        """Pause what runs, then end the program."""
        self.is_leaving = True
        self.say("Leaving; what runs is paused …")
        await asyncio.to_thread(self._desk.close)
        self._bridge.close()
        self.exit()

    def on_unmount(self) -> None:
        """However the screen ended: let go of the runs."""
        self._desk.close()

    # The tour

    async def begin_tour(self) -> None:
        """Take the person on the tour, from its beginning."""
        from workbench.tui.tour import lead

        if self.tour is not None:
            self.tour.end()
        await self.main.open_run(await self._bridge.ask(lead.TOUR_RUN))
        self.tour = lead.Tour(self)

    async def on_event(self, event: events.Event) -> None:
        """Let the guide of a tour hear which keys the person presses."""
        if self.tour is not None:
            self.tour.hear(event)
        await super().on_event(event)

    # Keys that hold everywhere

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let the keys of the tour hold while there is one, and the one that stops work while there is some."""
        if action != "do":
            return super().check_action(action, parameters)
        if parameters == ("stop_work",):
            is_cut = isinstance(self.focused, Input | TextArea) and bool(self.focused.selected_text)
            return self._bridge.stoppable is not None and not is_cut
        return self.tour is not None or ACTIONS[str(parameters[0])].scope != "tour"

    async def action_do(self, action: str) -> None:
        """Do an action that holds on every screen."""
        match action:
            case "interrupt":
                await self._interrupt()
            case "palette":
                self.action_command_palette()
            case "help":
                from workbench.tui.flows import looking

                self.main.work(partial(looking.show_help, self.main), group="help")
            case "theme":
                from workbench.tui.flows import themes

                self.main.work(partial(themes.choose_theme, self.main), group="theme")
            case "screenshot":
                await self.take_picture()
            case "quit_now":
                await self.leave()
            case "tour_on" if self.tour is not None:
                self.tour.go_on()
            case "tour_end" if self.tour is not None:
                self.tour.end()
                self.tour = None
            case "stop_work":
                if (progress := self._bridge.stoppable) is not None:
                    await self._bridge.ask(CancelWork(progress.work))

    async def _interrupt(self) -> None:
        """Copy what is selected in a text; else pause; a second time, leave."""
        focused = self.focused
        if isinstance(focused, Input | TextArea) and focused.selected_text:
            focused.action_copy()
            return
        watched = self._bridge.watched
        if watched is not None and watched.is_moving and watched.is_mine and not watched.is_pausing:
            self._is_warned = True
            await self.main.action_do("toggle")
            self.say(f"Paused. {key_of('interrupt').title()} again leaves, {key_of('toggle')} resumes.")
        elif self._is_warned:
            await self.leave()
        else:
            self._is_warned = True
            self.say(f"{key_of('interrupt').title()} again leaves.")
            self.set_timer(WARNING_SECONDS, self._forget_warning)

    def _forget_warning(self) -> None:
        self._is_warned = False


def _driver(settings: DriverSettings) -> Desk:
    from workbench.driver.driver import Driver

    return Driver(settings)


@dataclass(frozen=True, slots=True)
class _Begin:
    """What to show first."""

    start: StartRun | None
    run: str | None
    at: str | None
    tour: bool
