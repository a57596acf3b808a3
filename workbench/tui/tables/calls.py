"""What a person does with one call, one text, one result."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("edit", ("e",), why.edit_label, "Edit the selected result, text or plan, in a fork; the run stays as it is.",
           "Call and edit", refusal=why.refuse_edit, rank=20),
    Action("edit_input", ("E",), "edit input", "Edit the selected call's input; that call alone runs again.",
           "Call and edit", refusal=why.needs_call),
    Action("rerun", ("r",), "run again", "Run the selected call again as it was, in a fork.", "Call and edit",
           refusal=why.refuse_rerun),
    Action("cancel", ("x",), "cancel", "Give up the selected call; its siblings go on.", "Call and edit",
           refusal=why.refuse_cancel, rank=35),
    Action("answer", ("a",), why.answer_label, "Answer what waits: a permission, an unknown outcome, a call by hand.",
           "Call and edit", refusal=why.refuse_answer, rank=15),
    Action("copy", ("y",), "copy", "Copy what the inspector shows.", "Call and edit", refusal=why.needs_run),
)  # fmt: skip
