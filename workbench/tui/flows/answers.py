"""Answering what waits: permissions, unknown outcomes, calls without a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.driver.commands import AnswerCall, DecidePermission, ResolveUnknown
from workbench.state.parts import CallState
from workbench.tui.dialogs.by_hand import ByHandDialog
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.flows import edits, plans
from workbench.tui.previews import call_facts, exact_input, preview_lines
from workbench.views.segments import Segment
from workbench.views.text import one_line

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen

PERMISSIONS = (
    Choice("once", "o", "Allow once", "this call alone"),
    Choice("run", "r", "Allow for this run", "this tool, to the end of the run"),
    Choice("deny", "d", "Deny", "the model hears why"),
    Choice("edit", "e", "Edit the input first", "a fork, in which the call asks again"),
)
OUTCOMES = (
    Choice("rerun", "r", "Run it again", "it may take effect a second time"),
    Choice("result", "g", "Give its result", "you know what it did"),
    Choice("fail", "f", "It failed", "you know that it did nothing"),
    Choice("unknown", "u", "Tell the model that nobody knows", "it may look before it tries again"),
)


async def answer_waiting(screen: MainScreen) -> None:
    """Answer what the run waits for, the selected call first; else give the selected call a result by hand."""
    context = screen.context()
    if context.waits_for == "plan":
        await plans.go_to_plan(screen)
    elif (waiting := context.waiting_call) is not None:
        await (_permit if waiting.status == "waiting" else _resolve)(screen, waiting)
    elif context.call is not None:
        await _answer_by_hand(screen, context.call)


async def _permit(screen: MainScreen, call: CallState) -> None:
    asked = (Segment(one_line(call.question, 300), "muted"),)
    exact = exact_input(call.input)
    facts = call_facts(call, asked, *exact.facts)
    fenced = (*preview_lines(call.preview), *exact.lines)
    dialog = ChoiceDialog("May this call run?", facts, PERMISSIONS, fenced=fenced, clock=screen.workbench.clock)
    choice = await screen.ask_in(dialog)
    run = screen.watched.run
    if choice in ("once", "run"):
        await screen.drive(DecidePermission(run, call.id, "allow", "run" if choice == "run" else "once"))
    elif choice == "deny":
        reason = await screen.ask_in(LineDialog("Deny", "Why, in words for the model:", may_be_empty=True))
        if reason is not None:
            await screen.drive(DecidePermission(run, call.id, "deny", reason=reason))
    elif choice == "edit":
        await edits.edit_call_input(screen, call)


async def _resolve(screen: MainScreen, call: CallState) -> None:
    said = (Segment("It was stopped before it could answer. Nobody knows whether it took effect.", "waiting"),)
    exact = exact_input(call.input)
    facts = call_facts(call, said, *exact.facts)
    dialog = ChoiceDialog("An unknown outcome", facts, OUTCOMES, fenced=exact.lines, clock=screen.workbench.clock)
    choice = await screen.ask_in(dialog)
    run = screen.watched.run
    match choice:
        case "rerun" | "fail" | "unknown":
            await screen.drive(ResolveUnknown(run, call.id, choice))
        case "result":
            given = await screen.ask_in(ByHandDialog(call, may_fail=False))
            if given is not None:
                await screen.drive(ResolveUnknown(run, call.id, "result", given.text))


async def _answer_by_hand(screen: MainScreen, call: CallState) -> None:
    given = await screen.ask_in(ByHandDialog(call))
    if given is not None:
        await screen.drive(AnswerCall(screen.watched.run, call.id, given.text, given.is_error))
