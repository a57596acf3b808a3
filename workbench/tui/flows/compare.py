"""Choosing two runs and comparing them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from workbench.driver.commands import ListRuns
from workbench.tui.actions import key_of
from workbench.tui.dialogs.run_choice import RunChoiceDialog
from workbench.tui.watching import Watched

if TYPE_CHECKING:
    from workbench.tui.screens.live import LiveScreen
    from workbench.tui.screens.main import MainScreen


async def compare_run(screen: MainScreen) -> None:
    """Compare the run on the screen: with the one under the cursor of the list, its origin, or one that is chosen."""
    shown = screen.watched
    highlighted = screen.highlighted_row if screen.context().scope == "runs" else None
    if highlighted is not None and highlighted.id != shown.run:
        other: str | None = highlighted.id
    else:
        state = shown.history.live
        other = state.made_from or state.parent or await choose_run(screen, shown.run, but=(shown.run,))
    if other is not None:
        await open_comparison(screen, shown.run, other, kept=shown.run)


async def choose_run(screen: LiveScreen, run: str, *, but: Collection[str]) -> str | None:
    """Ask which run to compare `run` with; None where the person leaves, or there is none."""
    listed = await screen.bridge.ask(ListRuns(hidden=screen.bridge.lists_hidden))
    rows = [row for row in listed if row.id not in but]
    if not rows:
        fork, new = key_of("fork"), key_of("new")
        screen.say(f"There is no other run to compare with: {fork} forks this one, {new} asks a new question.")
        return None
    return await screen.ask_in(RunChoiceDialog(f"Compare {run[:8]} with", rows))


async def open_comparison(screen: LiveScreen, one: str, another: str, *, kept: str) -> None:
    """Follow two runs and show them; a fork stands on the right of what it was made from.

    `kept` is the one of them that stays when the person chooses another to compare with.
    """
    from workbench.tui.screens.compare import CompareScreen

    first = await screen.bridge.follow(one)
    try:
        second = await screen.bridge.follow(another)
    except BaseException:
        screen.bridge.unfollow(first.run)
        raise
    a, b = in_order(first, second)
    screen.app.push_screen(CompareScreen(screen.bridge, a, b, kept=kept, now=screen.workbench.now))


def in_order(shown: Watched, other: Watched) -> tuple[Watched, Watched]:
    """Return the two as they stand beside each other: what a fork was made from on the left, else the one shown."""
    state = shown.history.live
    return (other, shown) if other.run in (state.made_from, state.parent) else (shown, other)
