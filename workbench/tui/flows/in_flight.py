"""One call while it runs: begun anew, given up, given more time. Its siblings go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.driver.commands import CancelCall, GiveTime, RetryCall
from workbench.events.agent import ToolSpec
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.tui.flows import forks
from workbench.tui.previews import call_facts
from workbench.views.exact import exact_input
from workbench.views.segments import Segment
from workbench.views.text import human_seconds, inert

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen

AGAIN = (
    Choice("again", "r", "Begin it anew", "it may take effect a second time"),
    Choice("keep", "k", "Let it go on", "its attempt keeps running"),
)


async def cancel_call(screen: MainScreen) -> None:
    """Give up the selected call."""
    call = screen.context().call
    if call is not None:
        await screen.bridge.ask(CancelCall(screen.watched.run, call.id))


async def run_again(screen: MainScreen) -> None:
    """Begin the selected call anew while it runs, after a question where that may do harm; a finished one in a fork."""
    call, run = screen.context().call, screen.watched.run
    if call is None:
        return
    if call.status != "running":
        await forks.run_again(screen)
    elif call.effect != "effectful" or await _is_sure(screen, call):
        await screen.bridge.ask(RetryCall(run, call.id))
        screen.say(f"Call {inert(call.id)} begins anew; its siblings go on.")


async def _is_sure(screen: MainScreen, call: CallState) -> bool:
    """Ask whether an effectful call may run a second time."""
    said = (
        Segment("It may have taken effect already, and nothing undoes that. Look before you repeat it.", "waiting"),
    )
    exact = exact_input(call.input)
    dialog = ChoiceDialog(
        "Begin an effectful call anew?", call_facts(call, said, *exact.facts), AGAIN, fenced=exact.lines,
        clock=screen.workbench.clock,
    )  # fmt: skip
    return await screen.ask_in(dialog) == "again"


async def give_time(screen: MainScreen) -> None:
    """Give the selected call its timeout once more."""
    call = screen.context().call
    if call is None:
        return
    seconds = timeout_of(screen.watched.state, call)
    await screen.bridge.ask(GiveTime(screen.watched.run, call.id, seconds))
    given, in_all = human_seconds(seconds), human_seconds(seconds + call.granted + seconds)
    screen.say(f"Call {inert(call.id)} has {given} more: an attempt may take {in_all}.")


def timeout_of(state: RunState, call: CallState) -> float:
    """Return the seconds that the tool of a call has for an attempt."""
    tools = state.agent.tools if state.agent is not None else ()
    default = float(ToolSpec.model_fields["timeout"].default)
    return next((tool.timeout for tool in tools if tool.name == call.tool), default)
