"""Racing one moment several ways, and what can be done while the forks run."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("race", ("R",), "race", "Race: fork this place several ways, watch them, keep one; or open its race again.",
           "Compare", refusal=why.needs_run, rank=45),
    Action("race_left", ("left",), "←→ move", "Go to the run on the left.", "Compare", scope="race", priority=True,
           in_palette=False),
    Action("race_right", ("right",), "move", "Go to the run on the right.", "Compare", scope="race", priority=True,
           in_palette=False, rank=10, shown="← →"),
    Action("race_up", ("up",), "up", "Go to the run above, in the table.", "Compare", scope="race", in_palette=False),
    Action("race_down", ("down", "j"), "down", "Go to the run below, in the table.", "Compare", scope="race",
           in_palette=False),
    Action("race_open", ("enter",), "open", "Open this run in the main screen; the race goes on.", "Compare",
           scope="race", priority=True, rank=20),
    Action("race_view", ("t", "tab"), "table", "Change between the columns and the table.", "Compare", scope="race",
           priority=True, rank=30),
    Action("race_stop", ("x",), "stop", "Stop this run.", "Compare", scope="race", priority=True, rank=40),
    Action("race_stop_others", ("X",), "others", "Stop all runs but this one.", "Compare", scope="race",
           priority=True, rank=50),
    Action("race_keep", ("k",), "keep", "Keep this run: the others are stopped and hidden, and this one is opened.",
           "Compare", scope="race", priority=True, rank=60),
    Action("race_compare", ("c",), "compare", "Compare this run with the first one of another variant.", "Compare",
           scope="race", priority=True, rank=35),
    Action("race_more", ("a",), "more", "Run each variant some more times, from the same moment.", "Compare",
           scope="race", priority=True, rank=70),
    Action("race_export", ("e",), "export", "Write the race to a file: a line a run as CSV, or a table as Markdown.",
           "Compare", scope="race", priority=True, rank=80),
    Action("race_go_on", ("space",), "go on", "Let those go on that were stopped or have not begun.", "Compare",
           scope="race", priority=True, rank=85),
    Action("race_undo", ("u",), "undo", "Show the hidden runs of this race again.", "Compare", scope="race",
           priority=True),
    Action("race_leave", ("escape",), "leave", "Back to the main screen; the race goes on.", "Compare", scope="race",
           in_palette=False, rank=65),
    Action("race_start", ("ctrl+s", "ctrl+enter"), "start", "Start the race.", "Compare", scope="race_setup", rank=10,
           priority=True, in_palette=False),
    Action("race_add", ("ctrl+n",), "another variant", "Add a variant to the race.", "Compare", scope="race_setup",
           rank=20, priority=True, in_palette=False),
    Action("race_remove", ("ctrl+r",), "remove it", "Take this variant out of the race.", "Compare",
           scope="race_setup", rank=30, priority=True, in_palette=False),
)  # fmt: skip
