"""The tour on the screen: starts its run, presses keys as a person would, and shows the card of the guide."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

from textual import events

from workbench.driver.commands import AgentOptions, StartRun
from workbench.tui.actions import ACTIONS
from workbench.tui.keymap import textual_key
from workbench.tui.tour.guide import Guide, Scene
from workbench.tui.tour.script import PACE, QUESTION
from workbench.tui.widgets.tour_card import TourCard

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

TOUR_RUN = StartRun(QUESTION, AgentOptions(model="offline", plan="ask", pace=PACE))
"""The run of the tour; nothing of it costs anything."""


class Tour:
    """A tour that is under way."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self._own: WeakSet[events.Key] = WeakSet()
        self._guide = Guide(app, self._press)
        self._card: TourCard | None = None

    def look(self, now: float) -> bool:
        """Do what is due; return whether the tour goes on."""
        if self._app.is_begun:
            self._guide.tick(now)
        if self._guide.is_over:
            self.end()
            return False
        self._show_card()
        return True

    @property
    def scene(self) -> Scene:
        """What is told now."""
        return self._guide.scene

    def hear(self, event: events.Event) -> None:
        """Let the person take over who presses a key that is not the guide's."""
        tours = {textual_key(key) for name in ("tour_on", "tour_end") for key in ACTIONS[name].keys}
        if isinstance(event, events.Key) and event not in self._own and event.key not in tours:
            self._guide.take_over()

    def go_on(self) -> None:
        """Go on without waiting, or lead again."""
        self._guide.go_on()

    def end(self) -> None:
        """Take the card away."""
        if self._card is not None and self._card.is_attached:
            self._card.remove()
        self._card = None

    def _press(self, key: str) -> None:
        event = events.Key(textual_key(key), key if len(key) == 1 else None)
        screen = self._app.screen
        event.set_sender(screen.focused or screen)  # what the app itself sends does not come back to its bindings
        self._own.add(event)
        self._app.post_message(event)

    def _show_card(self) -> None:
        """Bring the card to the screen on top: a dialog would hide it."""
        screen, scene = self._app.screen, self._guide.scene
        if self._card is not None and self._card.is_attached and self._card.screen is screen:
            self._card.show(scene)
            return
        if self._card is not None and self._card.is_attached:
            self._card.remove()
        self._card = TourCard(scene)
        screen.mount(self._card)
