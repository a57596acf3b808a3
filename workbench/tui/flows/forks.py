"""Forking from where one stands: a place of the timeline, or the playhead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.debugger.fork import ForkPreview
from workbench.debugger.undo import GoBack, what_undo_does
from workbench.driver.commands import ForkEdits, ForkRun, PauseRun, PreviewFork
from workbench.errors import EditRefusedError
from workbench.state.parts import StepMark
from workbench.state.run_state import RunState
from workbench.tui.context import Context
from workbench.tui.dialogs.fork import AskPreview, ForkDialog, ReadResult
from workbench.tui.fork_draft import ForkDraft
from workbench.tui.widgets.field import is_too_large
from workbench.views.selection import Selection
from workbench.views.text import one_line

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


def place_of(context: Context) -> str:
    """Return the address of what the cursor is on; of the playhead where it stands in the past."""
    state, selection = context.state, context.selection
    if state is None:
        return "end"
    if context.is_scrubbing:
        return f"seq:{state.seq}"
    match selection:
        case Selection(kind="plan" | "plan_step") if state.plan is not None:
            return "plan"
        case Selection(kind="call", step=step) if context.is_in_open_turn or (context.call and context.call.hosted):
            return str(step)  # it is a part of its turn, which is kept as a whole or not at all
        case Selection(kind="call", call=str(call)):
            return call
        case Selection(kind="step", step=int(step)):
            return str(step)
        case Selection(kind="message", index=int(index)):
            return _after_message(state, index)
        case _:
            return "end"


def _after_message(state: RunState, index: int) -> str:
    """Return the place before the turn that follows a message."""
    seen = -1
    for entry in state.entries:
        if isinstance(entry, StepMark):
            if seen >= index:
                return str(entry.index)
        elif entry.kind in ("task", "message"):
            seen += 1
    return "end"


async def fork_here(screen: MainScreen) -> None:
    """Ask what to change, show what that does, and make the fork; what plays stops at the place of the fork."""
    screen.player.stop()
    draft = ForkDraft(screen.watched.history.live, place_of(screen.context()))
    ask, read = previewer(screen), result_reader(screen)
    if draft.call is not None:
        draft.result = await read(draft.call.id)
    run = await screen.ask_in(ForkDialog(draft, ask, read, screen.bridge.ask))
    if run is not None:
        await show_fork(screen, run, draft.address)


def previewer(screen: MainScreen) -> AskPreview:
    """Return what says what a fork of the run on the screen would do."""
    run = screen.watched.run

    async def ask(address: str, edits: ForkEdits) -> ForkPreview:
        answer: ForkPreview = await screen.bridge.ask(PreviewFork(run, address, edits))
        return answer

    return ask


def result_reader(screen: MainScreen) -> ReadResult:
    """Return what reads the recorded results of the run on the screen, as far as a dialog can hold them."""
    watched = screen.watched

    async def read(call: str) -> str:
        known = watched.history.live.call(call)
        text = await screen.bridge.result_text(known) if known is not None else ""
        return "" if is_too_large(text) else text

    return read


async def let_rest(screen: MainScreen) -> bool:
    """Pause the run where it moves by this hand, and return whether it did; it may come to rest by itself meanwhile."""
    watched = screen.watched
    if not (watched.is_moving and watched.is_mine):
        return False
    try:
        await screen.bridge.ask(PauseRun(watched.driven_run))
    except EditRefusedError:
        return False
    return True


async def run_again(screen: MainScreen) -> None:
    """Run the selected call again as it was, in a fork; its siblings keep their results."""
    call = screen.context().call
    if call is not None:
        await make_fork(screen, ForkRun(screen.watched.run, call.id, ForkEdits(reruns=(call.id,))))


async def undo(screen: MainScreen) -> None:
    """Go back from a fork, or fork just before what was decided last."""
    watched = screen.watched
    undone = what_undo_does(watched.history)
    left = watched.run
    await let_rest(screen)
    if isinstance(undone, GoBack):
        await screen.open_run(undone.run)
        screen.say(f"Back in run {undone.run[:8]}; the fork {left[:8]} stays in the list as you left it.")
    else:
        seen = await previewer(screen)(undone.address, ForkEdits())
        await make_fork(screen, ForkRun(left, undone.address))
        screen.say(f"Undone: {undone.what}. Run {left[:8]} stays in the list as you left it.")
        if seen.simulated:
            effects = one_line("; ".join(seen.effects), 300)
            screen.say(f"The world is not as it was then: {effects}. That is not undone.", "warning")


async def make_fork(screen: MainScreen, command: ForkRun) -> None:
    """Make a fork and go over to it."""
    await show_fork(screen, await screen.bridge.ask(command), command.address)


async def show_fork(screen: MainScreen, run: str, address: str | None) -> None:
    """Go over to a fork that was made."""
    await screen.open_run(run)
    screen.say(f"Fork {run[:8]} goes on from {address or 'here'}; the run before is as it was.")
