"""Moving through time."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action(
        "event_back", ("[",), "scrub", "One event back.", "Playhead", refusal=why.needs_run, rank=81, shown="[ ] { }"
    ),
    Action("event_on", ("]",), "event on", "One event on.", "Playhead", refusal=why.needs_run),
    Action("step_back", ("{",), "step back", "One step back.", "Playhead", refusal=why.needs_run),
    Action("step_on", ("}",), "step on", "One step on.", "Playhead", refusal=why.needs_run),
    Action(
        "end",
        ("end",),
        "to the end",
        "Back to the end, and follow it.",
        "Playhead",
        refusal=why.refuse_end,
        rank=5,
        priority=True,
    ),
)  # fmt: skip
