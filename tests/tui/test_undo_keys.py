"""u: back from a fork, or a fork just before what was decided last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.builders import forked_run, researched_run, waiting_plan
from tests.harness import Rig, answer
from tests.tui.fake_driver import FakeDriver, fork_answer
from tests.tui.kit import driven, stage
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import AgentOptions, ForkRun, PauseRun, StartRun
from workbench.events.plan import PlanApproved
from workbench.providers.scripted import Turn


async def test_u_goes_back_from_a_fork() -> None:
    """The run that it was made from is shown, and the one that was left is named."""
    parent, fork = researched_run(), forked_run()
    driver = FakeDriver(parent, fork)
    async with stage(driver, run=fork.run) as acted:
        await acted.press("u")
        await acted.until(lambda: acted.watched.run == parent.run)
        assert any(f"the fork {fork.run[:8]} stays" in notice for notice in acted.notices)
        assert driver.commands == []


async def test_u_stops_a_fork_that_still_moves() -> None:
    """Nobody wants to pay for what they just undid."""
    parent = researched_run()
    fork = parent.fork("9c1e0b7744aa21d3", parent.state.steps[0].finished_seq or 0, address="1")
    driver = FakeDriver(parent, fork, live=[fork.run])
    async with stage(driver, run=fork.run) as acted:
        await acted.press("u")
        await acted.until(lambda: acted.watched.run == parent.run)
        assert driver.commands == [PauseRun(fork.run)]


async def test_u_forks_just_before_the_last_decision() -> None:
    """An approved plan is undone by a fork of the moment before."""
    log = waiting_plan()
    at = log.state.seq
    log.add(PlanApproved(by="operator"), 1.0)
    driver = FakeDriver(log)
    fork_answer(driver, researched_run("7d1e0b7744aa21d3"))
    async with stage(driver) as acted:
        await acted.press("u")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, f"seq:{at}")])
        await acted.until(lambda: any("Undone: the plan's approval" in notice for notice in acted.notices))


async def test_u_says_what_is_not_undone() -> None:
    """An effect on the world stays, whatever the log of the fork says, and is named."""
    log = waiting_plan()
    log.add(PlanApproved(by="operator"), 1.0)
    driver = FakeDriver(log)
    driver.preview = replace(driver.preview, simulated=True, effects=("send_mail ran as call 0.1",))
    fork_answer(driver, researched_run("7d1e0b7744aa21d3"))
    async with stage(driver) as acted:
        await acted.press("u")
        await acted.until(lambda: any("send_mail ran as call 0.1. That is not undone" in said for said in acted.said))


async def test_u_says_where_there_is_nothing_to_undo() -> None:
    """A run in which nobody decided anything."""
    driver = driven(waiting_plan())
    async with stage(driver) as acted:
        await acted.press("u")
        await acted.until(lambda: any("Nothing to undo" in notice for notice in acted.notices))
        assert driver.commands == []


async def test_u_says_that_it_acts_on_the_end() -> None:
    """With the playhead in the past it is not clear what would be undone."""
    driver = FakeDriver(researched_run())
    async with stage(driver) as acted:
        await acted.press("[", "u")
        await acted.until(lambda: any("earlier moment" in notice for notice in acted.notices))
        assert driver.commands == []


async def test_a_plan_that_was_approved_too_fast_waits_again(tmp_path: Path) -> None:
    """u after an approval: in the fork the plan is open, and u once more goes back to the run that went on."""
    plan = Turn("SEARCH: alpha\nSYNTHESIZE: all of it")
    with Rig(tmp_path, lambda _: answer("done"), plan=plan, spec=AgentSpec(plan="ask")) as rig:
        async with stage(rig.driver, start=StartRun("What?", AgentOptions(plan="ask"))) as acted:
            await acted.until(lambda: acted.main.plan_editor.is_shown)
            first = acted.watched.run
            await acted.press("enter")
            await acted.until(lambda: acted.watched.history.live.end is not None)
            await acted.press("u")
            await acted.until(lambda: acted.watched.run != first and acted.main.plan_editor.is_shown)
            assert acted.main.context().waits_for == "plan"
            await acted.press("escape", "u")
            await acted.until(lambda: acted.watched.run == first, str(acted.notices))
