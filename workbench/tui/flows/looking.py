"""Moving over the screen: panes, the playhead, other runs, help."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workbench.tui.clipping import copy
from workbench.tui.dialogs.help import HelpDialog
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


async def event_back(screen: MainScreen) -> None:
    """Move the playhead one event back."""
    screen.watched.move(-1)
    _show_moment(screen)


async def event_on(screen: MainScreen) -> None:
    """Move the playhead one event on."""
    screen.watched.move(1)
    _show_moment(screen)


async def step_back(screen: MainScreen) -> None:
    """Move the playhead one step back."""
    screen.watched.move_steps(-1)
    _show_moment(screen)


async def step_on(screen: MainScreen) -> None:
    """Move the playhead one step on."""
    screen.watched.move_steps(1)
    _show_moment(screen)


async def move_playhead(screen: MainScreen, seq: int) -> None:
    """Move the playhead to an event."""
    screen.watched.move_to(seq)
    _show_moment(screen)


async def to_the_end(screen: MainScreen) -> None:
    """Bring the playhead back to the end, and follow it."""
    screen.watched.playhead = None
    _show_moment(screen)


def _show_moment(screen: MainScreen) -> None:
    """Show the run as of the playhead, at what was the newest then."""
    screen.show_run()
    screen.timeline.follow()


async def to_caller(screen: MainScreen) -> None:
    """From a subagent back to the run that called it."""
    caller = screen.watched.history.live.caller
    if caller is not None:
        await screen.open_run(caller.run)


async def copy_selected(screen: MainScreen) -> None:
    """Copy what the inspector shows, as it was recorded."""
    copy(screen, await _selected_text(screen))


async def show_help(screen: MainScreen) -> None:
    """Show every key."""
    await screen.ask_in(HelpDialog())


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
            return state.answer or state.error or ""
        case _:
            return state.task
