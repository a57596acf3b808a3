"""The command palette: every action of the registry by name, as far as it makes sense now."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from workbench.tui.action import Action
from workbench.tui.actions import ACTIONS, shown_key
from workbench.tui.screens.live import LiveScreen


class ActionProvider(Provider):
    """Finds actions by what their help says."""

    def _offers(self) -> Iterator[tuple[Action, Callable[[], Coroutine[Any, Any, None]]]]:
        """Return what can be done, each with what does it: the screen, or the app for what holds everywhere."""
        screen = self.screen
        if isinstance(screen, LiveScreen):
            context = screen.context()
            for action in ACTIONS.values():
                if action.in_palette and action.scope in (*screen.SCOPES, "app") and not action.refusal(context):
                    owner = screen.workbench if action.scope == "app" else screen
                    yield action, partial(owner.action_do, action.id)

    async def discover(self) -> Hits:
        """Offer everything."""
        for action, deed in self._offers():
            yield DiscoveryHit(Content(_name(action)), deed, text=_name(action))

    async def search(self, query: str) -> Hits:
        """Offer what fits the query."""
        matcher = self.matcher(query)
        for action, deed in self._offers():
            score = matcher.match(_name(action))
            if score > 0:
                yield Hit(score, matcher.highlight(_name(action)), deed, text=_name(action))


def _name(action: Action) -> str:
    return f"{action.help.rstrip('.')}  ({' '.join(shown_key(key) for key in action.keys)})"
