"""Deciding on a plan and changing it."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("plan", ("p",), why.plan_label, "Go to the plan, to approve it or to edit the steps not yet done.", "Plan",
           refusal=why.refuse_plan, rank=50),
    Action("plan_approve", ("enter",), "approve", "Approve the proposed plan.", "Plan", scope="plan", rank=10),
    Action("plan_edit", ("e",), "edit", "Edit the plan's steps.", "Plan", scope="plan", rank=20),
    Action("plan_skip", ("s",), "skip", "Go on without a plan.", "Plan", scope="plan", rank=30),
    Action("plan_up", ("up",), "up", "To the step above.", "Plan", scope="plan_edit", in_palette=False),
    Action("plan_down", ("down",), "down", "To the step below.", "Plan", scope="plan_edit", in_palette=False),
    Action("plan_keep", ("enter",), "keep", "Keep this step; on the last line, approve the plan.", "Plan",
           scope="plan_edit", rank=10),
    Action("plan_done", ("ctrl+s", "ctrl+enter"), "go on", "Go on with the plan as it stands, from whatever line.",
           "Plan", scope="plan_edit", rank=15),
    Action("plan_replace", ("r",), "replace", "Replace this step.", "Plan", scope="plan_edit", rank=20),
    Action("plan_delete", ("d",), "delete", "Delete this step.", "Plan", scope="plan_edit", rank=30),
    Action("plan_add", ("a",), "add", "Add a step after this one.", "Plan", scope="plan_edit", rank=40),
    Action("plan_undo", ("u",), "undo", "Undo the last change.", "Plan", scope="plan_edit", rank=50),
    Action("plan_move_up", ("shift+up",), "move up", "Move this step up.", "Plan", scope="plan_edit", rank=60),
    Action("plan_move_down", ("shift+down",), "move down", "Move this step down.", "Plan", scope="plan_edit", rank=61),
    Action("plan_leave", ("escape",), "leave", "Leave the plan as it was proposed.", "Plan", scope="plan_edit",
           rank=45),
    Action("plan_take", ("enter",), "take it", "Take the step that was typed.", "Plan", scope="plan_typing", rank=10,
           in_palette=False, is_native=True),
    Action("plan_take_all", ("ctrl+s", "ctrl+enter"), "take it, go on", "Take the step, and go on with the plan.",
           "Plan", scope="plan_typing", rank=20, in_palette=False),
    Action("plan_drop", ("escape",), "back", "Leave the step as it was.", "Plan", scope="plan_typing", rank=30,
           in_palette=False),
)  # fmt: skip
