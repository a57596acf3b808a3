"""The guided tour."""

from __future__ import annotations

from typing import Final

from workbench.tui.action import Action

ACTIONS: Final = (
    Action("tour", ("T",), "tour", "Take the guided tour: two minutes, on a run of its own.", "Workbench"),
    Action("copy_page", ("y",), "copy", "Copy what the page is about.", "Workbench", scope="page", rank=10,
           in_palette=False),
    Action("tour_on", ("ctrl+n",), "on", "Go on without waiting; let the guide press the keys again.", "Workbench",
           scope="tour", priority=True, in_palette=False),
    Action("tour_end", ("ctrl+t",), "end", "End the tour; its run stays.", "Workbench", scope="tour", priority=True,
           in_palette=False),
)  # fmt: skip
