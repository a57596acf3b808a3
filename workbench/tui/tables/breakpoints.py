"""Where runs stop by themselves."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("breakpoints", ("b",), "break", "The list of breakpoints: add, change, switch on and off.", "Breakpoints",
           rank=65),
    Action("breakpoint_here", ("B",), "break here", "Switch a breakpoint before the selected call's tool on or off.",
           "Breakpoints", refusal=why.needs_call),
    Action("breakpoint_add", ("a",), "add", "Add a breakpoint.", "Breakpoints", scope="breakpoints", rank=10,
           in_palette=False),
    Action("breakpoint_switch", ("space",), "on/off", "Switch the breakpoint on or off; Enter does so, too.",
           "Breakpoints", scope="breakpoints", rank=20, in_palette=False),
    Action("breakpoint_edit", ("e",), "edit", "Change the breakpoint's rule.", "Breakpoints", scope="breakpoints",
           rank=30, in_palette=False),
    Action("breakpoint_delete", ("d",), "delete", "Delete the breakpoint.", "Breakpoints", scope="breakpoints", rank=40,
           in_palette=False),
    Action("breakpoint_undo", ("u",), "undo", "Bring back the breakpoint that was deleted last.", "Breakpoints",
           scope="breakpoints", rank=50, in_palette=False),
)  # fmt: skip
