"""Answering what waits: permissions, unknown outcomes, calls without a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.driver.commands import AnswerCall, DecidePermission, ResolveUnknown
from workbench.policy import canonical
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.tui.dialogs.by_hand import ByHandDialog
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.flows import edits, plans
from workbench.tui.previews import call_facts
from workbench.views.exact import exact_input, preview_lines
from workbench.views.segments import Line, Segment
from workbench.views.text import counted, inert, one_line

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen

PERMISSIONS = (
    Choice("once", "o", "Allow once", "this input, and no other"),
    Choice("run", "r", "Allow for this run", "each call of this tool, to the run's end"),
    Choice("deny", "d", "Deny", "at once; the model hears that you did"),
    Choice("words", "w", "Deny with words", "the model hears why"),
    Choice("edit", "e", "Edit the input first", "a fork, in which the call asks again"),
)
EACH_TIME = tuple(choice for choice in PERMISSIONS if choice.id != "run")
"""Where leave for the rest of the run would not hold."""
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
    alike = _alike(screen.watched.history.live, call)
    asked: list[Line] = [(Segment(one_line(call.question, 300), "muted"),)]
    if others := alike[1:]:
        said = f"{counted(len(others), 'more call')} with the same input: {inert(', '.join(others))}."
        asked.append((Segment(f"{said} One answer is for all.", "waiting"),))
    exact = exact_input(call.input)
    facts = call_facts(call, *asked, *exact.facts)
    choices = EACH_TIME if call.every_time else tuple(_about(choice, call) for choice in PERMISSIONS)
    fenced = (*preview_lines(call.preview), *exact.lines)
    dialog = ChoiceDialog("May this call run?", facts, choices, fenced=fenced, clock=screen.workbench.clock)
    choice = await screen.ask_in(dialog)
    run = screen.watched.run
    reason: str | None = ""
    match choice:
        case "run":
            await screen.drive(DecidePermission(run, call.id, "allow", "run"))
        case "once":
            for one in alike:
                await screen.drive(DecidePermission(run, one, "allow"))
        case "deny" | "words":
            if choice == "words":
                reason = await screen.ask_in(LineDialog("Deny", "Why, in words for the model:"))
            for one in alike if reason is not None else ():
                await screen.drive(DecidePermission(run, one, "deny", reason=reason or ""))
        case "edit":
            await edits.edit_call_input(screen, call)


def _about(choice: Choice, call: CallState) -> Choice:
    """Return the choice with what leave for the run would be for, where that is less than the whole tool."""
    if choice.id != "run" or call.leave in ("", call.tool):
        return choice
    return choice._replace(help=f"each call of {one_line(call.leave, 60)}, to the run's end")


def _alike(state: RunState, call: CallState) -> list[str]:
    """Return the calls of the open step that ask for the very same as `call`, and it first."""
    asking = [one for one in state.open_step.asked_calls if one.status == "waiting"] if state.open_step else []
    same = canonical(call.input)
    others = (one for one in asking if one.tool == call.tool and canonical(one.input) == same)
    return [call.id, *(one.id for one in others if one.id != call.id)]


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
