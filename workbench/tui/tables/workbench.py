"""The program itself."""

from __future__ import annotations

from typing import Final

from workbench.tui.action import Action

ACTIONS: Final = (
    Action("palette", ("ctrl+p",), "commands", "Find any action by name.", "Workbench", scope="app", priority=True,
           in_palette=False),
    Action("theme", ("t",), "theme", "Change the theme, with a preview of each.", "Workbench", scope="app"),
    Action("theme_keep", ("enter",), "use it", "Use the theme under the cursor until you leave the workbench.",
           "Workbench", scope="themes", rank=10, in_palette=False, is_native=True),
    Action("theme_save", ("s",), "keep for good", "Use the theme from now on: write it into the settings file.",
           "Workbench", scope="themes", rank=20, in_palette=False),
    Action("screenshot", ("f12",), "picture", "Save a picture of the screen (SVG).", "Workbench", scope="app",
           priority=True),
    Action("help", ("?", "f1"), "help", "Show every key.", "Workbench", scope="app", rank=99),
    Action("quit", ("q",), "leave", "Leave; what runs is paused and goes on later.", "Workbench"),
    Action("quit_now", ("ctrl+q",), "leave", "Leave, also from a dialog or a text.", "Workbench", scope="app",
           rank=95, priority=True, in_palette=False),
    Action("interrupt", ("ctrl+c",), "pause, leave", "Pause the run; a second time, leave.", "Workbench", scope="app",
           priority=True, in_palette=False),
)  # fmt: skip
