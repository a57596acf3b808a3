"""The program itself."""

from __future__ import annotations

from typing import Final

from workbench.tui.action import Action

ACTIONS: Final = (
    Action("palette", ("ctrl+p",), "commands", "Find any action by name.", "Workbench", scope="app", in_palette=False,
           is_native=True),
    Action("theme", ("t",), "theme", "Change to the next theme.", "Workbench"),
    Action("help", ("?",), "help", "Show every key.", "Workbench", rank=99),
    Action("quit", ("q",), "leave", "Leave; what runs is paused and goes on later.", "Workbench"),
    Action("quit_now", ("ctrl+q",), "leave", "Leave, also from a dialog or a text.", "Workbench", scope="app",
           rank=95, priority=True, in_palette=False),
    Action("interrupt", ("ctrl+c",), "pause, leave", "Pause the run; a second time, leave.", "Workbench", scope="app",
           priority=True, in_palette=False),
)  # fmt: skip
