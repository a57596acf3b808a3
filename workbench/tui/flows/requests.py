"""From what is selected to the request that it came from, and from a run to its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.debugger.requests import SentTurn, sent_turns
from workbench.errors import UserError
from workbench.views.selection import Selection

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def show_request(screen: MainScreen) -> None:
    """Show the request of the selected turn, or of the last one before the moment that is shown."""
    from workbench.tui.screens.request import RequestScreen

    watched = screen.watched
    turns = [turn for turn in sent_turns(watched.history.records) if turn.seq <= watched.position]
    turn = turn_of(turns, screen.selection)
    if turn is None:
        raise UserError("This run has sent no request yet.")
    screen.app.push_screen(RequestScreen(screen.bridge, watched, turn.seq))


async def show_metrics(screen: MainScreen) -> None:
    """Show how fast the run goes."""
    from workbench.tui.screens.metrics import MetricsScreen

    screen.app.push_screen(MetricsScreen(screen.bridge, screen.watched))


def turn_of(turns: list[SentTurn], selection: Selection) -> SentTurn | None:
    """Return the turn that a selection belongs to, its last attempt; the last turn where it belongs to none."""
    match selection:
        case Selection(kind="step" | "call", step=int(step)):
            wanted = [turn for turn in turns if turn.started.purpose == "step" and turn.started.step == step]
        case Selection(kind="plan" | "plan_step"):
            wanted = [turn for turn in turns if turn.started.purpose == "plan"]
        case _:
            wanted = turns
    found = wanted or turns
    return found[-1] if found else None
