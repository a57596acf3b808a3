"""Finding in the run on the screen, and showing only some of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.tui.dialogs.filter import FilterDialog
from workbench.views.filter import choices

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def find(screen: MainScreen) -> None:
    """Ask what to look for."""
    screen.finder.open()


async def to_next_hit(screen: MainScreen) -> None:
    """Go to the next hit."""
    screen.finder.go(1)


async def to_previous_hit(screen: MainScreen) -> None:
    """Go to the hit before."""
    screen.finder.go(-1)


async def stay(screen: MainScreen) -> None:
    """Look for nothing any more, and stay at the hit."""
    screen.finder.leave(back=False)
    screen.show_run()


async def back(screen: MainScreen) -> None:
    """Look for nothing any more, and go back to where that began."""
    screen.finder.leave(back=True)
    screen.show_run()


async def choose_calls(screen: MainScreen) -> None:
    """Ask which calls are shown; where only some are, show all again."""
    if screen.timeline.chosen is not None:
        await show_all(screen)
        return
    chosen = await screen.ask_in(FilterDialog(*choices(screen.watched.state)))
    if chosen:
        screen.timeline.choose(chosen)
        screen.show_run()


async def show_all(screen: MainScreen) -> None:
    """Show all calls."""
    screen.timeline.choose(None)
    screen.show_run()
