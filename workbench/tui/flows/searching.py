"""Search over all runs: from a hit to the place in its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.tui.dialogs.messages import MessagesDialog
from workbench.tui.dialogs.search import SearchDialog
from workbench.views.found import place_of
from workbench.views.selection import NOTHING

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def search_runs(screen: MainScreen) -> None:
    """Ask for words, and open what is chosen: the run at its end, the cursor where it says so."""
    chosen = await screen.ask_in(SearchDialog(screen.bridge, screen.last_search))
    if chosen is None:
        return
    screen.last_search = chosen.query
    await screen.open_run(chosen.run)
    if chosen.seq is None:
        return
    place = place_of(screen.watched.history.records, chosen.seq)
    screen.panes.show("timeline", focus=True)
    if place != NOTHING and screen.watched.has(place):
        screen.call_after_refresh(screen.timeline.select, place)  # once it is laid out for where it is shown


async def show_messages(screen: MainScreen) -> None:
    """Show what was said, in place of the notices that lie over the screen."""
    screen.app.clear_notifications()
    await screen.ask_in(MessagesDialog(tuple(screen.workbench.messages)))
