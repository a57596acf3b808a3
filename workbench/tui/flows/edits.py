"""Editing what the log already says: always a fork, shown before it takes effect."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.driver.commands import ForkEdits, ForkRun
from workbench.state.parts import CallState, StepState
from workbench.tui.actions import key_of
from workbench.tui.dialogs.edit import Draft, EditDialog, Preview
from workbench.tui.flows import plans
from workbench.tui.flows.forks import let_rest, previewer, show_fork
from workbench.tui.fork_draft import json_problem
from workbench.tui.previews import fork_lines
from workbench.views.brief import brief_input
from workbench.views.segments import Line, Segment
from workbench.views.show import step_text
from workbench.views.text import one_line

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def edit_selected(screen: MainScreen) -> None:
    """Edit what the cursor is on: a result, an input where there is no result yet, a turn's text, the plan."""
    selection, call = screen.context().selection, screen.context().call
    if selection.kind in ("plan", "plan_step"):
        await plans.go_to_plan(screen, editing=True)
    elif call is not None and call.result is not None:
        await _edit_result(screen, call)
    elif call is not None:
        await edit_call_input(screen, call)
    elif selection.step is not None:
        await _edit_text(screen, screen.watched.state.steps[selection.step])


async def edit_input(screen: MainScreen) -> None:
    """Edit the input of the selected call."""
    call = screen.context().call
    if call is not None:
        await edit_call_input(screen, call)


async def hold(screen: MainScreen) -> None:
    """Pause a run that moves, and say so, and stop what plays: nobody edits what runs away."""
    screen.player.stop()
    if await let_rest(screen):
        screen.say(f"The run is paused while you edit; {key_of('toggle')} resumes it.")


ToEdits = Callable[[str], ForkEdits]
"""What a text changes."""


def preview_of(screen: MainScreen, address: str, to_edits: ToEdits) -> Preview:
    """Return what shows the effect of a text, as a fork."""
    ask = previewer(screen)

    async def preview(text: str, width: int) -> Sequence[Line]:
        answer = await ask(address, to_edits(text))
        return [(Segment("What the fork does", "title"),), *fork_lines(answer, width)]

    return preview


async def _edit(screen: MainScreen, draft: Draft, address: str, to_edits: ToEdits) -> None:
    """Let a person edit, and go over to the fork that this makes."""
    run = screen.watched.run
    made: list[str] = []

    async def take(text: str) -> None:
        made.append(await screen.bridge.ask(ForkRun(run, address, to_edits(text))))

    await screen.ask_in(EditDialog(replace(draft, preview=preview_of(screen, address, to_edits), take=take)))
    for fork in made:
        await show_fork(screen, fork, address)


async def _edit_result(screen: MainScreen, call: CallState) -> None:
    await hold(screen)
    before = await screen.bridge.result_text(call)

    def to_edits(text: str) -> ForkEdits:
        return ForkEdits(results={call.id: text})

    draft = Draft(
        heading=f"The result of call {call.id}",
        before=before,
        facts=[_call_line(call), _note("The parent stays as it is; its other results are kept.")],
    )
    await _edit(screen, draft, call.id, to_edits)


async def edit_call_input(screen: MainScreen, call: CallState) -> None:
    """Edit a call's input; that call alone runs again, in a fork."""
    await hold(screen)

    def to_edits(text: str) -> ForkEdits:
        return ForkEdits(inputs={call.id: json.loads(text)})

    draft = Draft(
        heading=f"The input of call {call.id}",
        before=json.dumps(call.input, ensure_ascii=False, indent=2),
        facts=[_call_line(call), _note("The call alone runs again; its siblings keep their results.")],
        is_json=True,
        check=json_problem,
    )
    await _edit(screen, draft, call.id, to_edits)


async def _edit_text(screen: MainScreen, step: StepState) -> None:
    await hold(screen)
    address = f"{step.index}.turn"

    def to_edits(text: str) -> ForkEdits:
        return ForkEdits(text=text)

    draft = Draft(
        heading=f"The text of step {step.index}",
        before=step_text(step),
        facts=[_note("What the model is to have said; its calls stay, and run again.")],
        check=lambda text: "" if text.strip() else "The text is empty; write something.",
    )
    await _edit(screen, draft, address, to_edits)


def _call_line(call: CallState) -> Line:
    return (Segment(f"{one_line(call.tool, 40)}  ", "title"), Segment(brief_input(call.input, 160), "muted"))


def _note(text: str) -> Line:
    return (Segment(text, "muted"),)
