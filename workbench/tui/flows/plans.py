"""Deciding on the plan, and changing it later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.driver.commands import ApprovePlan, EditPlan, ForkEdits, ForkRun, SkipPlan
from workbench.events.plan import PlanStep
from workbench.tui.actions import key_of
from workbench.tui.flows.forks import make_fork
from workbench.tui.widgets.plan_editor import Purpose

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def go_to_plan(screen: MainScreen, *, editing: bool = False) -> None:
    """Go to the plan that waits; else open the plan for changes, in this run where something is left to do."""
    plan, editor = screen.watched.state.plan, screen.plan_editor
    if plan is None or not plan.steps:
        return
    if screen.context().waits_for == "plan" and editor.is_shown:
        screen.panes.show("timeline")
        editor.focus()
        if editing:
            editor.start_editing()
        return
    done = sum(1 for progress in plan.progress if progress == "done")
    editor.open(plan.steps, purpose=_purpose(screen, done), done=done if _purpose(screen, done) == "change" else 0)
    screen.panes.show("timeline")
    editor.focus()


def _purpose(screen: MainScreen, done: int) -> Purpose:
    context = screen.context()
    plan = screen.watched.state.plan
    is_over = screen.watched.state.status in ("completed", "failed")
    goes_on = plan is not None and plan.status == "approved" and done < len(plan.steps) and not is_over
    return "change" if goes_on and not (context.is_foreign or context.is_imported or context.is_scrubbing) else "fork"


async def decide(screen: MainScreen, purpose: Purpose, steps: tuple[PlanStep, ...] | None) -> None:
    """Let an approved plan take effect."""
    run = screen.watched.run
    if purpose == "approve":
        await screen.drive(ApprovePlan(run, steps), follow=True)
        return
    screen.close_plan()
    if steps is None:
        screen.say("The plan is as it was.")
    elif purpose == "change":
        await screen.drive(EditPlan(run, steps))
        rests = "" if screen.watched.is_moving else f" {key_of('toggle').capitalize()} resumes."
        screen.say(f"The plan is changed; the model hears of it after the current results.{rests}")
    else:
        await make_fork(screen, ForkRun(run, "plan", ForkEdits(plan=steps)))


async def skip(screen: MainScreen) -> None:
    """Go on without the plan."""
    await screen.drive(SkipPlan(screen.watched.run), follow=True)
