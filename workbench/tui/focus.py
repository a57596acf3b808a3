"""Which keys hold where the focus is, on the main screen."""

from __future__ import annotations

from textual.widget import Widget

from workbench.tui.context import Scope
from workbench.tui.widgets.find_line import FindLine
from workbench.tui.widgets.invitation import Invitation
from workbench.tui.widgets.plan_editor import PlanEditor
from workbench.tui.widgets.prompt import Prompt
from workbench.tui.widgets.run_tree import RunTree

_PLACES: dict[type[Widget], Scope] = {
    Prompt: "prompt",
    FindLine: "find_line",
    Invitation: "invitation",
    RunTree: "runs",
}


def scope_of(focused: Widget | None, *, is_finding: bool) -> Scope:
    """Return the scope of the focused widget, or that of the screen."""
    for node in focused.ancestors_with_self if focused is not None else ():
        if isinstance(node, PlanEditor):
            return node.scope
        for place, scope in _PLACES.items():
            if isinstance(node, place):
                return scope
    return "find" if is_finding else "main"
