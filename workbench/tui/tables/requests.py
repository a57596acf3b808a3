"""Looking closely: the exact request of a turn, what is no text, and how fast everything went."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action
from workbench.tui.context import Context


def refuse_request(context: Context) -> str:
    """Refuse where the run has asked no model yet."""
    if why_not := why.needs_run(context):
        return why_not
    state = context.state
    has_asked = state is not None and (state.plan_turn is not None or bool(state.steps))
    return "" if has_asked else "This run has sent no request yet."


def refuse_block(context: Context) -> str:
    """Refuse where the cursor is on nothing that could hold an image or a document."""
    if why_not := why.needs_run(context):
        return why_not
    is_call = context.call is not None and context.call.result is not None
    is_there = is_call or context.selection.kind == "message"
    opens = why.key("open_block")
    return "" if is_there else f"Select a call with a result, or a message; {opens} opens what is no text in it."


ACTIONS: Final = (
    Action("exact_request", ("i",), "request", "Show the exact request of the turn and its raw response, to be copied.",
           "Call and edit", refusal=refuse_request, rank=45),
    Action("open_block", ("o",), "open block", "Open an image or document of the result with another program.",
           "Call and edit", refusal=refuse_block),
    Action("metrics", ("M",), "metrics", "Show how fast turns, calls and aggregation are, and what they cost.",
           "Run", refusal=why.needs_run),
    Action("metrics_children", ("s",), "subagents", "Measure the run with its subagents, or without.", "Run",
           scope="metrics", rank=20, in_palette=False),
    Action("metrics_all", ("a",), "all runs", "Measure the newest runs of the list together, or this one alone.", "Run",
           scope="metrics", rank=10, in_palette=False),
    Action("metrics_leave", ("escape",), "back", "Back to the run.", "Run", scope="metrics", rank=90,
           in_palette=False),
    Action("request_before", ("left",), "turn", "Show the request of the turn before.", "Call and edit",
           scope="request", rank=30, in_palette=False, shown="← →"),
    Action("request_after", ("right",), "turn after", "Show the request of the turn after.", "Call and edit",
           scope="request", in_palette=False),
    Action("request_tab", ("tab",), "switch", "Change between request and response.", "Call and edit",
           scope="request", rank=20, in_palette=False),
    Action("request_open", ("enter",), "open", "Open or fold the part at the cursor.", "Call and edit",
           scope="request", rank=10, in_palette=False, is_native=True),
    Action("request_all", ("space",), "all", "Open everything, or fold everything.", "Call and edit", scope="request",
           rank=50, in_palette=False),
    Action("copy_json", ("j",), "JSON", "Copy as JSON: the request, or the response where that is shown.",
           "Call and edit", scope="request", rank=40, in_palette=False),
    Action("copy_python", ("p",), "Python", "Copy the request as a Python script, without keys.", "Call and edit",
           scope="request", rank=41, in_palette=False),
    Action("copy_curl", ("c",), "curl", "Copy the request as a curl command, without keys.", "Call and edit",
           scope="request", rank=42, in_palette=False),
    Action("copy_part", ("y",), "part", "Copy the part at the cursor.", "Call and edit", scope="request",
           rank=43, in_palette=False),
    Action("write_copies", ("w",), "files", "Write request, response, script and command to private files.",
           "Call and edit", scope="request", rank=44, in_palette=False),
    Action("request_leave", ("escape",), "back", "Back to the run.", "Call and edit", scope="request", rank=90,
           in_palette=False),
)  # fmt: skip
