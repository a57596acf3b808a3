"""The plan has its own keys, and they decide on it, edit it, and change it later."""

from __future__ import annotations

from tests.builders import (
    PLAN,
    forked_run,
    live_run,
    plan_step,
    researched_run,
    waiting_plan,
)
from tests.tui.fake_driver import FakeDriver, fork_answer
from tests.tui.kit import driven, stage
from workbench.driver.commands import (
    ApprovePlan,
    EditPlan,
    ForkEdits,
    ForkRun,
    SkipPlan,
)
from workbench.events.plan import PlanApproved


async def test_enter_approves_the_plan() -> None:
    """The plan has the focus when it waits, and one key lets the run go on."""
    log = waiting_plan()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.shows("Proposed plan: Enter approves, e edits, s skips")
        await acted.press("enter")
        await acted.gives(driver, [ApprovePlan(log.run)])
        log.add(PlanApproved(by="operator"))
        driver.publish(log, log.state.seq)
        await acted.until(lambda: not acted.main.plan_editor.is_shown)
        assert acted.main.timeline.has_focus


async def test_s_skips_the_plan() -> None:
    """A person can go on without a plan."""
    log = waiting_plan()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("s")
        await acted.gives(driver, [SkipPlan(log.run)])


async def test_a_plan_is_edited_by_its_own_keys() -> None:
    """Enter keeps, r replaces, d deletes, a adds, u undoes, shift and arrows move; the last line approves."""
    log = waiting_plan()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("e", "enter", "r")
        for _ in range(80):
            await acted.press("backspace")
        await acted.write("SEARCH: pg_hba.conf")
        await acted.press("enter", "a")
        await acted.write("VERIFY: twice")
        await acted.press("enter", "d", "u", "shift+up")
        assert [str(step) for step in acted.main.plan_editor.steps] == [
            PLAN[0],
            "VERIFY: twice",
            "SEARCH: pg_hba.conf",
            *PLAN[2:],
        ]
        await acted.press("enter", "enter", "enter", "enter")
        edited = tuple(plan_step(line) for line in (PLAN[0], "VERIFY: twice", "SEARCH: pg_hba.conf", *PLAN[2:]))
        await acted.gives(driver, [ApprovePlan(log.run, edited)])


async def test_a_changed_step_and_go_on_are_two_keys() -> None:
    """r, the words, Ctrl+S: the step is taken and the plan goes on, from whatever line; the keys say so meanwhile."""
    log = waiting_plan()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("e", "r", "ctrl+u")
        await acted.shows("ctrl+s take it, go on")
        await acted.write("VERIFY: twice")
        await acted.press("ctrl+s")
        edited = tuple(plan_step(line) for line in ("VERIFY: twice", *PLAN[1:]))
        await acted.gives(driver, [ApprovePlan(log.run, edited)])


async def test_ctrl_s_approves_from_the_first_line() -> None:
    """Nobody has to walk to the last line of a plan."""
    log = waiting_plan()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("e", "d", "ctrl+s")
        await acted.gives(driver, [ApprovePlan(log.run, tuple(plan_step(line) for line in PLAN[1:]))])


async def test_escape_leaves_an_edit_of_the_plan_without_a_trace() -> None:
    """From typing back to the steps, from there to the plan as it was proposed, asked once more."""
    log = waiting_plan()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("e", "d", "r", "escape", "escape", "escape")
        assert [str(step) for step in acted.main.plan_editor.steps] == list(PLAN)
        await acted.press("enter")
        await acted.gives(driver, [ApprovePlan(log.run)])


async def test_the_plan_of_a_run_on_its_way_can_be_changed() -> None:
    """What is not done yet is changed in the same run; what is done stays."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("p", "d", "enter", "enter")
        await acted.gives(driver, [EditPlan(log.run, (plan_step(PLAN[0]), plan_step(PLAN[2])))])


async def test_the_plan_of_a_run_that_is_over_goes_into_a_fork() -> None:
    """What the log says already is changed by a fork at the plan."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await acted.press("p", "d", "enter", "enter", "enter")
        await acted.until(lambda: acted.watched.run != log.run)
        plan = tuple(log.state.plan.steps[1:]) if log.state.plan else ()
        await acted.gives(driver, [ForkRun(log.run, "plan", ForkEdits(plan=plan))])


async def test_a_changed_plan_is_not_left_at_the_first_press() -> None:
    """As in every editor: the first Esc warns, another change takes the warning back, the second in a row leaves."""
    warning = "Esc again leaves; what you changed is lost."
    async with stage(driven(waiting_plan())) as acted:
        editor = acted.main.plan_editor
        await acted.press("e", "d", "escape")
        await acted.until(lambda: warning in acted.notices)
        assert len(editor.steps) == len(PLAN) - 1
        await acted.press("d", "escape")
        assert len(editor.steps) == len(PLAN) - 2
        await acted.press("escape")
        assert [str(step) for step in editor.steps] == [*PLAN]
        assert editor.scope == "plan"


async def test_a_changed_plan_of_a_run_that_goes_on_is_not_left_at_the_first_press() -> None:
    """Nor where the editor is closed by it; an unchanged one is left at once."""
    async with stage(driven(live_run())) as acted:
        editor = acted.main.plan_editor
        await acted.press("p", "escape")
        await acted.until(lambda: not editor.is_shown)
        await acted.press("p", "d", "escape")
        assert editor.is_shown
        await acted.press("escape")
        await acted.until(lambda: not editor.is_shown)
