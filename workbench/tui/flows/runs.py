"""Starting, stopping and resuming runs, and saying something to them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from workbench.driver.attaching import mentioned
from workbench.driver.commands import LIMITS, AgentOptions, PauseRun, ResumeRun, Say, SkipWait, StartRun
from workbench.engine.limits import raised_limit
from workbench.errors import UserError
from workbench.state.run_state import RunState
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.dialogs.question import QuestionDialog
from workbench.tui.flows import answers, playhead
from workbench.tui.widgets.prompt import Kind, Prompt

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def new_question(screen: MainScreen) -> None:
    """Ask for a question and start it."""
    earlier = [row.task for row in screen.bridge.rows if row.caller_run is None]
    run = await screen.ask_in(QuestionDialog(screen.options, screen.bridge.ask, earlier))
    if run is not None:
        await screen.open_run(run)


async def ask_question(screen: MainScreen, text: str) -> None:
    """Start a run on a question, with the options of the program's start."""
    files = await asyncio.to_thread(mentioned, text)
    await screen.open_run(await screen.bridge.ask(StartRun(text, screen.options, attached=files)))


async def pause_or_resume(screen: MainScreen) -> None:
    """Stop the run at once; stop what is left; or let it go on."""
    watched = screen.watched
    state = watched.history.live
    if screen.player.is_playing:
        playhead.stop(screen)
    elif screen.context().waits_for is not None:
        await answers.answer_waiting(screen)
    elif watched.is_moving:
        await screen.bridge.ask(PauseRun(watched.driven_run))
        if watched.is_pausing:
            screen.say("Stopping the effectful calls too; their outcome may be unknown.")
        watched.is_pausing = True
    elif (options := await _larger_limit(screen, state)) is not None:
        await screen.drive(ResumeRun(watched.driven_run, options), follow=True)


async def _larger_limit(screen: MainScreen, state: RunState) -> AgentOptions | None:
    """Ask for a higher limit where one stopped the run; None where the person leaves."""
    limit = LIMITS.get(state.reason or "")
    if limit is None or state.agent is None:
        return AgentOptions()
    now = getattr(state.agent.limits, limit.limit) or 0
    label = f"It reached its limit of {now:,g} {limit.unit}. What is the new one, all told?"
    text = await screen.ask_in(
        LineDialog("A higher limit", label, value=f"{raised_limit(state, limit.limit) or 0:.12g}")
    )
    if text is None:
        return None
    wanted = _number(text)
    if wanted is None or wanted <= now or (limit.is_whole and wanted != int(wanted)):
        what = "a whole number" if limit.is_whole else "a number"
        screen.say(f"{text!r} is no higher limit: write {what} above {now:.12g}.", "warning")
        return None
    chosen: dict[str, Any] = {limit.option: int(wanted) if limit.is_whole else wanted}
    return replace(AgentOptions(), **chosen)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


async def skip_wait(screen: MainScreen) -> None:
    """Ask the model again at once."""
    await screen.bridge.ask(SkipWait(screen.watched.history.live.run))


async def go_one_step(screen: MainScreen) -> None:
    """Stop before the next turn; a run at rest goes on until then."""
    watched = screen.watched
    if watched.is_moving:
        await screen.bridge.ask(PauseRun(watched.driven_run, when="step"))
        screen.say("This step goes on to its end; the run stops before the next.")
    else:
        await screen.drive(ResumeRun(watched.driven_run, only_step=True), follow=True)
        screen.say("One step, then it stops.")


async def open_message(screen: MainScreen) -> None:
    """Let the person type a message."""
    is_over = screen.watched.history.live.status == "completed"
    words = (
        "A further question; @FILE gives a file with it"
        if is_over
        else "A message; it enters after the results; @FILE gives a file with it"
    )
    screen.open_prompt("message", words)


async def take_line(screen: MainScreen, kind: Kind, text: str) -> None:
    """Ask or say what was typed; where that cannot be done, it stands there when the line is opened again."""
    try:
        await (ask_question if kind == "question" else say_message)(screen, text)
    except UserError:
        line = screen.query_one(Prompt).line
        line.value = line.value or text
        raise


async def say_message(screen: MainScreen, text: str) -> None:
    """Give a message to the run; a completed one goes on as a fork of itself."""
    watched = screen.watched
    files = await asyncio.to_thread(mentioned, text)
    run = await screen.drive(Say(watched.run, text, files))
    if run != watched.run:
        await screen.open_run(run)


async def leave(screen: MainScreen) -> None:
    """Leave; what runs is paused first."""
    await screen.workbench.leave()
