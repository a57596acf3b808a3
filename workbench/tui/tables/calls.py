"""What a person does with one call, one text, one result; and why some of it cannot be done at a moment."""

from __future__ import annotations

from typing import Final

from workbench.driver.commands import GiveTime, RetryCall
from workbench.driver.in_flight import refusal
from workbench.tui import context as why
from workbench.tui.action import Action
from workbench.tui.context import Context


def refuse_again(context: Context) -> str:
    """Refuse where the selected call can neither be begun anew nor run again in a fork."""
    if sentence := why.needs_call(context):
        return sentence
    call = context.call
    if call is not None and call.status == "running":
        return why.needs_hand(context) or _sentence(refusal(call, RetryCall("", call.id)))
    done = call is not None and call.status in ("finished", "cancelled") and call.asked
    if done:
        return why.refuse_open_turn(context)
    again = why.key("rerun")
    return f"{again} begins a running call anew, and runs a finished one in a fork; this is neither."


def refuse_time(context: Context) -> str:
    """Refuse where the selected call has no timeout that could move."""
    if sentence := why.needs_hand(context) or why.needs_call(context):
        return sentence
    call = context.call
    if call is None or call.status != "running":
        return "Only a running call can be given more time."
    return _sentence(refusal(call, GiveTime("", call.id, 1.0)))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def again_label(context: Context) -> str:
    """Name the retry of a running call; running a finished one again is no key that one needs to be told of."""
    return "retry" if context.call is not None and context.call.status == "running" else ""


ACTIONS: Final = (
    Action("edit", ("e",), why.edit_label, "Edit the selected result, text or plan, in a fork; the run stays as it is.",
           "Call and edit", refusal=why.refuse_edit, rank=20),
    Action("edit_input", ("E",), "edit input", "Edit the selected call's input; that call alone runs again.",
           "Call and edit", refusal=why.refuse_edit_input),
    Action("rerun", ("r",), again_label, "Begin a running call anew; run a finished one again, in a fork.",
           "Call and edit", refusal=refuse_again, rank=36),
    Action("more_time", ("+",), "more time", "Give a running call its timeout once more.", "Call and edit",
           refusal=refuse_time, rank=37),
    Action("cancel", ("x",), "cancel", "Give up the selected call; its siblings go on.", "Call and edit",
           refusal=why.refuse_cancel, rank=35),
    Action("answer", ("a",), why.answer_label, "Answer what waits: a permission, an unknown outcome, a call by hand.",
           "Call and edit", refusal=why.refuse_answer, rank=15),
    Action("undo", ("u",), "undo", "Undo what you did last: back from a fork, or a fork just before a decision.",
           "Call and edit", refusal=why.refuse_undo),
    Action("copy", ("y",), "copy", "Copy what the inspector shows.", "Call and edit", refusal=why.needs_run),
)  # fmt: skip
