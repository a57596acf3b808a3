"""Runs out to session files and in from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.driver.commands import ExportedFile, ImportedFile, ImportFile
from workbench.errors import OverwriteRefusedError
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.tui.dialogs.export import ExportDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.flows.library import meant_row
from workbench.views.segments import Segment
from workbench.views.show import short
from workbench.views.text import counted, human_bytes, inert, one_line

if TYPE_CHECKING:
    from workbench.tui.screens.live import LiveScreen
    from workbench.tui.screens.main import MainScreen


async def export_run(screen: MainScreen) -> None:
    """Ask where to, and write the run there; a file that is there is replaced only when a person says so."""
    row = meant_row(screen)
    path, forks = f"{short(row.id)}.jsonl", False
    while True:
        asked = await screen.ask_in(ExportDialog(row.id, path, forks=forks))
        if asked is None:
            return
        path, forks = asked.path, asked.forks
        try:
            written: ExportedFile = await screen.bridge.ask(asked)
        except OverwriteRefusedError:
            if not await may_replace(screen, path):
                continue
            written = await screen.bridge.ask(replace(asked, replace=True))
        break
    runs = counted(written.runs, "run")
    screen.say(f"Wrote {runs}, {written.events:,} events, {human_bytes(written.size)} to {inert(written.path)}.")
    if written.is_too_large:
        screen.say("This is more than an import takes; export a smaller run to hand it on.", "warning")


async def may_replace(screen: LiveScreen, path: str) -> bool:
    """Ask whether a file that is there may go."""
    warning = "is there already. What it holds is lost if you replace it."
    facts = [(Segment(one_line(path, 200)),), (Segment(warning, "muted"),)]
    choices = [Choice("replace", "r", "Replace it"), Choice("other", "o", "Choose another name")]
    return await screen.ask_in(ChoiceDialog("Replace the file?", facts, choices)) == "replace"


async def import_runs(screen: MainScreen) -> None:
    """Ask for a session file, take its runs in, and open the newest."""
    label = "A session file, plain or gzipped. Its runs can be looked at and forked, never driven."
    path = await screen.ask_in(LineDialog("Import a session file", label))
    if path is None:
        return
    taken: ImportedFile = await screen.bridge.ask(ImportFile(path))
    await screen.list_runs()
    await screen.open_run(taken.newest)
    for note in taken.notes:
        screen.say(note, "warning")
    many = f"{taken.new} {'run is' if taken.new == 1 else 'runs are'} new."
    screen.say(many if taken.new else "Nothing is new: every run of this file is here already.")
