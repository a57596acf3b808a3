"""What a person does to a race on its screen: stop, keep, compare, repeat, go on, export."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.config.whole_file import SHARED, write_whole
from workbench.driver.commands import Label, RepeatRace, ResumeRace, StopRacers
from workbench.errors import UserError
from workbench.events.library import RunHidden
from workbench.tui.actions import key_of
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.flows.compare import open_comparison
from workbench.tui.flows.files import may_replace
from workbench.views.race import racer_name
from workbench.views.race_files import csv_text, markdown_text
from workbench.views.segments import Line, Segment
from workbench.views.text import one_line

if TYPE_CHECKING:
    from workbench.debugger.race import Racer
    from workbench.tui.screens.race import RaceScreen

_MOVING: Final = ("runs", "waits")


async def stop(screen: RaceScreen) -> None:
    """Stop the run that the keys are about."""
    racer = screen.current
    if racer is None:
        return
    if racer.fate not in _MOVING:
        screen.say(f"{racer_name(racer)} does not run.")
        return
    await screen.bridge.ask(StopRacers((racer.run,)))
    screen.say(f"{racer_name(racer)} is stopped; {key_of('race_go_on')} lets it go on.")


async def stop_others(screen: RaceScreen) -> None:
    """Stop all that move, but for the one that the keys are about."""
    moving = [racer.run for racer in _others(screen) if racer.fate in _MOVING]
    if not moving:
        screen.say("No other run moves.")
        return
    await screen.bridge.ask(StopRacers(tuple(moving)))
    screen.say(f"{_count(len(moving))} stopped; {key_of('race_go_on')} lets them go on.")


async def keep(screen: RaceScreen) -> None:
    """Keep one run: after a question the others are stopped and hidden, and it is opened."""
    racer, others = screen.current, _others(screen)
    if racer is None:
        return
    if others and await screen.ask_in(_question(racer, len(others))) != "keep":
        return
    moving = tuple(other.run for other in others if other.fate in _MOVING)
    if moving:
        await screen.bridge.ask(StopRacers(moving))
    for other in others:
        await screen.bridge.ask(Label(RunHidden(run=other.run, hidden=True)))
    again = f"{key_of('race')} and then {key_of('race_undo')} shows them again"
    screen.say(f"Kept {racer_name(racer)}. {_count(len(others))} hidden: {again}.")
    screen.open_in_main(racer.run)


def _question(racer: Racer, others: int) -> ChoiceDialog:
    lost = f"Nothing is lost: {key_of('race_undo')} shows them again."
    facts: list[Line] = [
        (Segment(racer_name(racer, 60), "title"),),
        (Segment(f"{_count(others)} stopped where they still move, and hidden. {lost}"),),
    ]
    choices = [Choice("keep", "k", "Keep it, hide the others"), Choice("leave", "n", "Leave all as they are")]
    return ChoiceDialog("Keep this run?", facts, choices)


async def compare(screen: RaceScreen) -> None:
    """Compare this run with the first one of another variant; where all are the same one, with another run."""
    racer, others = screen.current, _others(screen)
    if racer is None:
        return
    rival = next((other for other in others if other.variant != racer.variant), others[0] if others else None)
    if rival is None:
        screen.say("This race has no other run to compare with.")
        return
    order = [one.run for one in screen.racers]
    await open_comparison(screen, *sorted((racer.run, rival.run), key=order.index), kept=racer.run)


async def show_hidden(screen: RaceScreen) -> None:
    """Show the hidden runs again."""
    if not screen.hidden:
        screen.say("No run of this race is hidden.")
        return
    for row in screen.hidden:
        await screen.bridge.ask(Label(RunHidden(run=row.id, hidden=False)))
    screen.say(f"{_count(len(screen.hidden))} shown again.")


async def repeat(screen: RaceScreen) -> None:
    """Run each variant some more times."""
    text = await screen.ask_in(LineDialog("More of the same", "How many more runs of each variant?", value="2"))
    if text is None:
        return
    if not (text.isascii() and text.isdecimal() and int(text[:6]) > 0):
        raise UserError(f"{text!r} is no number of runs: write a whole number above 0.")
    checks = await _trusted(screen)
    if checks is not None:
        await screen.bridge.ask(RepeatRace(screen.race, int(text[:6]), checks=checks))
        screen.say(f"{text} more of each variant.")


async def go_on(screen: RaceScreen) -> None:
    """Let those go on that were stopped or have not begun."""
    checks = await _trusted(screen)
    if checks is None:
        return
    runs = await screen.bridge.ask(ResumeRace(screen.race, checks=checks))
    count = len(runs) if isinstance(runs, tuple) else 0
    screen.say(f"{_count(count)} on their way again." if count else "No run of this race waits or was stopped.")


async def _trusted(screen: RaceScreen) -> tuple[str, ...] | None:
    """Return the checks to give again, none where that is not needed; None where the person does not trust them."""
    code = [rule for rule in screen.checks if rule.startswith("function:")]
    if screen.is_trusted or not code:
        return ()
    facts: list[Line] = [
        (Segment("Answers of this race are checked by Python code, which runs with your rights.", "waiting"),)
    ]
    fenced: list[Line] = [(Segment(one_line(rule, 400)),) for rule in code]
    choices = [Choice("trust", "t", "It is mine: call it"), Choice("leave", "n", "Do not call it")]
    if await screen.ask_in(ChoiceDialog("Call this code?", facts, choices, fenced=fenced)) != "trust":
        return None
    screen.is_trusted = True
    return screen.checks


async def export(screen: RaceScreen) -> None:
    """Write the race as CSV or Markdown, by the end of the file's name."""
    label = "A file that ends in .csv (a line a run) or .md (a table of the variants)."
    name: str | None = f"race-{screen.race}.md"
    while True:
        name = await screen.ask_in(LineDialog("Export the race", label, value=name or ""))
        if name is None:
            return
        path = _path_of(name)
        if not path.exists() or await may_replace(screen, name):
            break
    racers, checks = screen.racers, screen.checks
    text = markdown_text(screen.race, racers, checks) if path.suffix == ".md" else csv_text(screen.race, racers)
    try:
        await asyncio.to_thread(write_whole, path, [text], mode=SHARED)
    except OSError as error:
        raise UserError(f"{str(path)!r} cannot be written: {error.strerror or error}") from None
    screen.say(f"Written: {path}")


def _path_of(name: str) -> Path:
    path = Path(name).expanduser()
    if path.suffix not in (".csv", ".md"):
        raise UserError(f"{name!r} ends neither in .csv nor in .md; its end says what is written.")
    return path


def _others(screen: RaceScreen) -> list[Racer]:
    return [racer for racer in screen.racers if racer is not screen.current]


def _count(number: int) -> str:
    return f"{number} run is" if number == 1 else f"{number} runs are"
