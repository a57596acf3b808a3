"""To a race: a new one from where one stands, or the one that a run is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.driver.commands import StartedRace
from workbench.store.model import RunRow
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.tui.dialogs.race import RaceDialog
from workbench.tui.flows.forks import place_of, previewer, result_reader
from workbench.tui.race_draft import RaceDraft
from workbench.views.segments import Line, Segment
from workbench.views.text import one_line

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def race(screen: MainScreen) -> None:
    """Open the race of the run, or start another from here; where both make sense, ask which."""
    row = screen.context().row
    if row is not None and row.race:
        choice = await screen.ask_in(_which(row))
        if choice == "open":
            _show(screen, row.race, is_trusted=False)
        if choice != "new":
            return
    await _start(screen)


def _which(row: RunRow) -> ChoiceDialog:
    facts: list[Line] = [
        (
            Segment(f"Run {row.id[:8]} is in race {one_line(row.race, 16)}, as: "),
            Segment(one_line(row.variant, 60), "title"),
        ),
    ]
    choices = [Choice("open", "o", "Open that race"), Choice("new", "n", "Start another from here")]
    return ChoiceDialog("Race", facts, choices)


async def _start(screen: MainScreen) -> None:
    screen.player.stop()
    draft = RaceDraft(screen.watched.history.live, place_of(screen.context()))
    ask, read = previewer(screen), result_reader(screen)
    if (call := draft.variants[0].call) is not None:
        draft.move_to(draft.address, await read(call.id))
    command = await screen.ask_in(RaceDialog(draft, ask, read))
    if command is not None:
        started: StartedRace = await screen.bridge.ask(command)
        _show(screen, started.race, is_trusted=True)


def _show(screen: MainScreen, race: str, *, is_trusted: bool) -> None:
    from workbench.tui.screens.race import RaceScreen  # it knows the flows of its own

    screen.app.push_screen(RaceScreen(screen.bridge, race, screen.workbench.now, is_trusted=is_trusted))
