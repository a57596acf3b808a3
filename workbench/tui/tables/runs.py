"""Asking, stopping, forking: what a person does with whole runs."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("new", ("n",), "new", "Ask a new question, with documents and model of your choice.", "Run", rank=70),
    Action(
        "toggle", ("space",), why.toggle_label, "Pause the run at once; again to stop what is left; resume it.", "Run",
        refusal=why.refuse_toggle, rank=10,
    ),
    Action("skip_wait", ("w",), "try now", "Ask the model again at once, instead of waiting before the next attempt.",
           "Run", refusal=why.refuse_skip_wait, rank=15),
    Action("step", ("S",), why.step_label, "Stop before the next turn; from rest, go on for one step.", "Run",
           refusal=why.refuse_step, rank=60),
    Action(
        "message", ("m",), "message", "Say something: it enters after the current results; a completed run goes on.",
        "Run", refusal=why.refuse_message, rank=55,
    ),
    Action("tools", ("O",), "tools", "Switch a group of tools on or off, from the next request on.", "Run",
           refusal=why.refuse_tools),
    Action("fork", ("f",), "fork", "Fork from here: change something, see what is kept, go on.", "Run",
           refusal=why.needs_run, rank=30),
)  # fmt: skip
