"""Moving over the screen: panes, the playhead, other runs, help."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workbench.state.parts import CallState
from workbench.tui.clipping import copy
from workbench.views.selection import Selection
from workbench.views.show import step_text

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def to_runs(screen: MainScreen) -> None:
    """Go to the list of runs."""
    screen.panes.show("runs", focus=True)


async def to_timeline(screen: MainScreen) -> None:
    """Go to the timeline, or to the plan that waits there."""
    screen.panes.show("timeline", focus=True)


async def to_inspector(screen: MainScreen) -> None:
    """Go to the inspector."""
    screen.panes.show("inspector", focus=True)


async def to_next_pane(screen: MainScreen) -> None:
    """Go to the pane on the right, from the last to the first."""
    screen.panes.cycle(1)


async def to_previous_pane(screen: MainScreen) -> None:
    """Go to the pane on the left, from the first to the last."""
    screen.panes.cycle(-1)


async def to_caller(screen: MainScreen) -> None:
    """From a subagent back to the call of the run above that it is."""
    caller = screen.watched.history.live.caller
    if caller is not None:
        await to_call(screen, caller.run, caller.call)


async def to_call(screen: MainScreen, run: str, call: str) -> None:
    """Go to a call of another run, at the moment that is shown."""
    await open_beside(screen, run)
    step = call.partition(".")[0]
    if step.isdecimal():
        screen.timeline.visit(Selection("call", step=int(step), call=call))


def subagent_of(selection: Selection, call: CallState | None) -> str | None:
    """Return the run that a selected call opens: its subagent, or of several the one that is selected."""
    if selection.kind != "call" or call is None:
        return None
    if selection.index is not None:
        member = call.members.get(selection.index)
        return member.run if member is not None else None
    return call.child if len(call.members) == 1 else None


async def open_beside(screen: MainScreen, run: str) -> None:
    """Show a subagent, or its caller, as of the moment that is shown of this run."""
    moment = screen.watched.moment
    await screen.open_run(run)
    if moment is not None:
        screen.watched.move_to_moment(moment)
        screen.show_run()


async def copy_selected(screen: MainScreen) -> None:
    """Copy what the inspector shows, as it was recorded."""
    copy(screen, await _selected_text(screen))


async def show_help(screen: MainScreen) -> None:
    """Show every key, those of the place where the person is first."""
    from workbench.tui.dialogs.base import Dialog
    from workbench.tui.dialogs.help import HelpDialog
    from workbench.tui.screens.live import LiveScreen

    top = screen.app.screen
    here = top.context().scope if isinstance(top, LiveScreen) else top.scopes[0] if isinstance(top, Dialog) else "main"
    await screen.ask_in(HelpDialog(here))


async def _selected_text(screen: MainScreen) -> str:
    """Return what is selected as it was recorded: a result or else an input, a turn's words, what was said."""
    context, state = screen.context(), screen.watched.state
    match context.selection:
        case Selection(kind="call") if context.call is not None:
            return await screen.bridge.result_text(context.call) or json.dumps(context.call.input, ensure_ascii=False)
        case Selection(kind="step", step=int(step)):
            return step_text(state.steps[step])
        case Selection(kind="plan" | "plan_step") if state.plan is not None:
            return "\n".join(str(step) for step in state.plan.steps)
        case Selection(kind="answer"):
            return state.told_answer or state.error or ""
        case _:
            return state.task
