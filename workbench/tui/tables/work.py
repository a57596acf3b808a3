"""Long work, and what was said while nobody looked."""

from __future__ import annotations

from typing import Final

from workbench.tui.action import Action

ACTIONS: Final = (
    Action("stop_work", ("ctrl+x",), "stop", "Stop the long work whose progress is shown; nothing half done stays.",
           "Workbench", scope="app", priority=True, in_palette=False),
    Action("messages", ("!",), "messages", "Read again what was said, with the details of what went "
           "wrong.", "Workbench"),
)  # fmt: skip
