"""Keys that stop runs, let them go on, answer what waits, and say something to them."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.builders import (
    forked_run,
    live_run,
    researched_run,
    troubled_run,
)
from tests.run_log import Call, RunLog, agent_record
from tests.tui.fake_driver import FakeDriver, fork_answer
from tests.tui.kit import driven, select, stage
from workbench.driver.commands import (
    AgentOptions,
    AnswerCall,
    CancelCall,
    DecidePermission,
    ForkEdits,
    ForkRun,
    PauseRun,
    ResolveUnknown,
    ResumeRun,
    SkipWait,
)
from workbench.errors import EditRefusedError
from workbench.events.agent import Limits
from workbench.events.run import Reason
from workbench.events.turn import ModelRetried, TurnDiscarded
from workbench.tui.dialogs.by_hand import ByHandDialog
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.views.selection import Selection

# Stop and go


async def test_space_stops_and_again_stops_what_is_left() -> None:
    """One key pauses at once; while effectful calls still finish, the same key stops those, too."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("space", "space")
        await acted.gives(driver, [PauseRun(log.run), PauseRun(log.run)])
        assert any("effectful" in notice for notice in acted.notices)


async def test_w_asks_the_model_again_at_once() -> None:
    """Whoever does not want to wait before the next attempt presses a key; elsewhere the key says why not."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.add(ModelRetried(step=0, attempt=0, error="overloaded", error_kind="overloaded", wait=9.0))
    log.add(TurnDiscarded(step=0, attempt=0, reason="broken: overloaded"))
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("w")
        await acted.gives(driver, [SkipWait(log.run)])
    running = driven(live_run())
    async with stage(running) as acted:
        await acted.press("w")
        assert running.commands == []
        assert any("nothing to skip" in notice for notice in acted.notices)


async def test_space_resumes_what_was_paused() -> None:
    """The same key lets a paused run go on."""
    log = live_run()
    log.pause()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await acted.press("space")
        await acted.gives(driver, [ResumeRun(log.run)])
        assert acted.watched.is_mine


@pytest.mark.parametrize(
    ("reason", "limits", "chosen"),
    [
        ("step_limit", Limits(), AgentOptions(max_steps=20)),
        ("token_limit", Limits(tokens=5_000), AgentOptions(max_tokens=10_000)),
        ("cost_limit", Limits(cost=0.25), AgentOptions(max_cost=0.5)),
        ("time_limit", Limits(seconds=30.0), AgentOptions(max_seconds=60.0)),
    ],
)
async def test_a_run_at_its_limit_asks_for_a_higher_one(reason: Reason, limits: Limits, chosen: AgentOptions) -> None:
    """Resuming at the same limit would stop at once, so the new one is asked for, whichever it was."""
    log = RunLog(agent=agent_record(plan="off", limits=limits))
    log.step([Call("search_docs", {"query": "a"})])
    log.finish("interrupted", reason)
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await acted.press("space")
        await acted.opens(LineDialog)
        await acted.press("enter")
        await acted.closes()
        assert driver.commands == [ResumeRun(log.run, chosen)]


async def test_s_goes_one_step() -> None:
    """Shift+S resumes and stops before the next turn."""
    log = live_run()
    log.pause()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await acted.press("S")
        await acted.gives(driver, [ResumeRun(log.run, only_step=True)])


async def test_a_run_that_rests_before_it_is_stopped_is_no_trouble() -> None:
    """Undo stops a run first, and does what it is for where the run came to rest by itself meanwhile."""

    def refuse(_: PauseRun) -> None:
        raise EditRefusedError("it is not running")

    parent = researched_run()
    fork = parent.fork("9c1e0b7744aa21d3", parent.state.steps[0].finished_seq or 0, address="1")
    driver = FakeDriver(parent, fork, live=[fork.run])
    driver.answers[PauseRun] = refuse
    async with stage(driver, run=fork.run) as acted:
        await acted.press("u")
        await acted.until(lambda: PauseRun in map(type, driver.commands))
        await acted.until(lambda: acted.watched.run == parent.run)
        assert not [notice for notice in acted.said if "not running" in notice]


async def test_ctrl_c_pauses_and_a_second_one_leaves() -> None:
    """What runs is stopped first; only then the program ends, and lets go of the database."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("ctrl+c")
        await acted.gives(driver, [PauseRun(log.run)])
        assert not driver.is_closed
        await acted.press("ctrl+c")
        await acted.until(lambda: driver.is_closed)
    assert acted.app._exit


async def test_the_run_of_another_process_is_only_watched() -> None:
    """The frame says who drives it, keys that would do so say why not, and scrubbing works."""
    log = live_run()
    driver = FakeDriver(log, live=[log.run])
    async with stage(driver) as acted:
        acted.watched.is_mine = False
        await acted.press("space", "x", "m")
        assert driver.commands == []
        assert all("Another process" in notice for notice in acted.notices)
        await acted.shows("watching: another process drives it")
        await acted.press("[")
        assert acted.watched.playhead is not None


# One call among many


async def test_a_call_in_flight_is_cancelled_alone() -> None:
    """x gives up the call under the cursor."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=1, call="1.1"))
        await acted.press("x")
        await acted.gives(driver, [CancelCall(log.run, "1.1")])


async def test_a_call_is_answered_by_hand() -> None:
    """A person can be the tool; the result may be an error."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=1, call="1.1"))
        await acted.press("a")
        await acted.opens(ByHandDialog)
        await acted.write("42")
        await acted.press("tab", "space", "ctrl+s")
        await acted.closes()
        await acted.gives(driver, [AnswerCall(log.run, "1.1", "42", is_error=True)])


async def test_an_unknown_outcome_has_four_answers_and_none_by_default() -> None:
    """Enter alone decides nothing; a letter does."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("a")
        dialog = await acted.opens(ChoiceDialog)
        await acted.press("enter")
        assert acted.app.screen is dialog
        assert not driver.commands
        await acted.press("f")
        await acted.closes()
        await acted.gives(driver, [ResolveUnknown(log.run, "2.0", "fail")])


async def test_an_unknown_outcome_can_be_given_its_result() -> None:
    """Who knows what happened can write it down."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.press("g")
        await acted.opens(ByHandDialog)
        await acted.write("done")
        await acted.press("ctrl+s")
        await acted.closes()
        await acted.gives(driver, [ResolveUnknown(log.run, "2.0", "result", "done")])


@pytest.mark.parametrize(
    ("keys", "scope"),
    [(["o"], "once"), (["r"], "run"), (["down", "enter"], "once"), (["down", "down", "enter"], "run")],
)
async def test_a_permission_is_given(keys: list[str], scope: Literal["once", "run"]) -> None:
    """Once, or for the rest of the run, by letter or by arrows."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=2, call="2.2"))
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.shows("cat /etc/pgbouncer/userlist.txt")
        await acted.press(*keys)
        await acted.closes()
        await acted.gives(driver, [DecidePermission(log.run, "2.2", "allow", scope)])


async def test_a_permission_is_denied_by_one_key() -> None:
    """Saying no is as little work as saying yes."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=2, call="2.2"))
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.press("d")
        await acted.closes()
        await acted.gives(driver, [DecidePermission(log.run, "2.2", "deny")])


async def test_a_permission_is_denied_with_a_reason() -> None:
    """The reason is what the model hears."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=2, call="2.2"))
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.press("w")
        await acted.opens(LineDialog)
        await acted.write("not here")
        await acted.press("enter")
        await acted.closes()
        await acted.gives(driver, [DecidePermission(log.run, "2.2", "deny", reason="not here")])


async def test_a_call_that_asks_can_have_its_input_edited_first() -> None:
    """The edited call is a fork, in which it asks again."""
    log = troubled_run()
    driver = driven(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=2, call="2.2"))
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.press("e")
        dialog = await acted.opens(EditDialog)
        dialog.query_one("#editor").text = '{"command": "true"}'
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run != log.run)
        assert driver.commands[-1] == ForkRun(log.run, "2.2", ForkEdits(inputs={"2.2": {"command": "true"}}))
