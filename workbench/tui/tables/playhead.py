"""Moving through time."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("event_back", ("[",), "scrub", "One event back.", "Playhead", refusal=why.needs_run, rank=81,
           shown="[ ] ( ) { }"),
    Action("event_on", ("]",), "event on", "One event on.", "Playhead", refusal=why.needs_run),
    Action("call_back", ("(",), "call back", "Back to where a call began or ended.", "Playhead", refusal=why.needs_run),
    Action("call_on", (")",), "call on", "On to where a call begins or ends.", "Playhead", refusal=why.needs_run),
    Action("step_back", ("{",), "step back", "One step back.", "Playhead", refusal=why.needs_run),
    Action("step_on", ("}",), "step on", "One step on.", "Playhead", refusal=why.needs_run),
    Action("play", ("P",), why.play_label, "Play the run from the playhead on; again, 4× and 16× as fast.", "Playhead",
           refusal=why.needs_run, rank=82),
    Action("end", ("end",), "to the end", "Back to the end, and follow it.", "Playhead", refusal=why.refuse_end, rank=5,
           priority=True),
)  # fmt: skip
