"""What a person does with the runs of the list: say something about them, hide them, find them, hand them on."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action
from workbench.tui.context import Context


def needs_row(context: Context) -> str:
    """Refuse where no run is meant."""
    there = f"{why.key('runs')} goes there, the arrow keys choose"
    return "" if context.row is not None else f"Choose a run in the list first: {there}."


def mark_label(context: Context) -> str:
    """Name what the key does to the mark."""
    return "unmark" if context.row is not None and context.row.marked else "mark"


def hide_label(context: Context) -> str:
    """Name what the key does to what is seen."""
    return "show again" if context.row is not None and context.row.hidden else "hide"


ACTIONS: Final = (
    Action("open_run", ("enter",), "open", "Open the run.", "Runs", scope="runs", rank=10, in_palette=False,
           is_native=True),
    Action("search_runs", ("/",), "search", "Search over all runs: questions, results, answers, names, notes, tags.",
           "Runs", scope="runs", rank=15),
    Action("rename", ("r",), "rename", "Give the run a name, or take it back.", "Runs", scope="runs",
           refusal=needs_row, rank=20),
    Action("note", ("o",), "note", "Write a note on the run.", "Runs", scope="runs", refusal=needs_row, rank=25),
    Action("tag", ("#",), "tags", "Set the tags of the run.", "Runs", scope="runs", refusal=needs_row,
           rank=30),
    Action("mark", ("*",), mark_label, "Mark the run, or take the mark back.", "Runs", scope="runs",
           refusal=needs_row, rank=35),
    Action("hide", ("d",), hide_label, "Hide the run from the list, or show it again; its forks stay sound.", "Runs",
           scope="runs", refusal=needs_row, rank=40),
    Action("take_back", ("u",), "undo", "Take back the last thing done to a run of the list.", "Runs", scope="runs"),
    Action("export_run", ("X",), "export", "Write the run to a session file, to hand it on.", "Runs", scope="runs",
           refusal=needs_row, rank=50),
    Action("import_runs", ("I",), "import", "Take in the runs of a session file.", "Runs", scope="runs", rank=55),
    Action("hidden", ("H",), "hidden ones", "Show the hidden runs too, or no more.", "Runs", scope="runs", rank=60),
    Action("keep_note", ("ctrl+s", "ctrl+enter"), "keep it", "Keep the note.", "Runs", scope="note", rank=10,
           priority=True, in_palette=False),
    Action("write_file", ("enter",), "write", "Write the session file.", "Runs", scope="export", rank=10,
           in_palette=False, is_native=True),
    Action("with_forks", ("tab",), "forks", "Go to the choice of the forks; space ticks it.", "Runs", scope="export",
           rank=20, in_palette=False, is_native=True),
    Action("open_hit", ("enter",), "open", "Open the run where it says so.", "Runs", scope="search", rank=10,
           in_palette=False, is_native=True),
    Action("hit_before", ("up",), "choose", "The result before.", "Runs", scope="search", rank=20, in_palette=False,
           shown="↑ ↓"),
    Action("hit_after", ("down",), "next", "The next result.", "Runs", scope="search", in_palette=False),
)  # fmt: skip
