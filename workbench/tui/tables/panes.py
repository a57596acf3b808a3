"""Moving over the screen."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("open", ("enter",), "open", "Open a run, a subagent, or what the cursor is on in the inspector.", "Panes",
           rank=8, in_palette=False, is_native=True),
    Action("move", ("up", "down", "left", "right"), "move", "Move; Home, End and the page keys go further.", "Panes",
           in_palette=False, is_native=True),
    Action("runs", ("1",), "runs", "Go to the runs.", "Panes"),
    Action("timeline", ("2",), "timeline", "Go to the timeline.", "Panes"),
    Action("inspector", ("3",), "inspector", "Go to the inspector.", "Panes"),
    Action("next_pane", ("tab",), "next pane", "Go to the next pane.", "Panes", in_palette=False),
    Action("previous_pane", ("shift+tab",), "pane before", "Go to the pane before.", "Panes", in_palette=False),
    Action("caller", ("backspace",), "to its caller", "From a subagent back to the run that called it.", "Panes",
           refusal=why.refuse_caller, rank=9),
)  # fmt: skip
