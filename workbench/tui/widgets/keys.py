"""The line of keys at the bottom: what can be done here and now, made from the registry.

It shows as many keys as fit, most wanted first, and never cuts one in the middle.
"""

from __future__ import annotations

from typing import NamedTuple

from textual import events
from textual.content import Content
from textual.widget import Widget

from workbench.tui.action import Action
from workbench.tui.actions import shown_key
from workbench.tui.context import Context
from workbench.tui.keymap import TYPING
from workbench.views.text import cell_width

_GAP = 2


class _Offer(NamedTuple):
    action: str
    press: str
    """The key, by its name."""
    key: str
    """As people read it."""
    label: str

    @property
    def width(self) -> int:
        return cell_width(self.key) + 1 + cell_width(self.label)


class Keys(Widget):
    """One line of keys. A click on one does what the key does."""

    DEFAULT_CSS = """
    Keys {
        height: 1;
        padding: 0 1;
        background: $footer-background;
        color: $footer-description-foreground;
    }
    """

    def __init__(self, last: str = "help", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._last = last
        self._offers: list[_Offer] = []

    def show(self, actions: list[Action], context: Context) -> None:
        """Offer these actions, in this order; the one named `last` stays visible whatever the width."""
        offers = [
            _Offer(action.id, press, action.shown or shown_key(press), action.name(context))
            for action in actions
            for press in [_pressed(action, context)]
        ]
        if offers != self._offers:
            self._offers = offers
            self.refresh()

    def _fitting(self) -> list[_Offer]:
        last = [offer for offer in self._offers if offer.action == self._last]
        room = self.content_size.width - sum(offer.width + _GAP for offer in last)
        shown: list[_Offer] = []
        for offer in self._offers:
            if offer in last:
                continue
            room -= offer.width + _GAP
            if room < 0:
                break
            shown.append(offer)
        return [*shown, *last]

    def render(self) -> Content:
        """Return as many keys as fit."""
        pieces = [
            Content.assemble((offer.key, "bold $footer-key-foreground"), f" {offer.label}") for offer in self._fitting()
        ]
        return Content(" " * _GAP).join(pieces)

    def on_click(self, event: events.Click) -> None:
        """Do what was clicked, where its key would have done it."""
        offset = event.get_content_offset(self)
        start = 0
        for offer in self._fitting():
            if offset is not None and start <= offset.x < start + offer.width:
                event.stop()
                self.app.simulate_key(offer.press)
                return
            start += offer.width + _GAP


def _pressed(action: Action, context: Context) -> str:
    """Return the key to press for an action: the first one, where a person types the first that types nothing."""
    first = action.keys[0]
    return next((key for key in action.keys if len(key) > 1), first) if context.scope in TYPING else first
