"""Keys on one call: begun anew, given time, reached while the model writes; approvals that no stray key answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Call, RunLog, agent_record, live_run, researched_run, subagents_run, troubled_run
from tests.harness import Rig, answer
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import CALL, Stage, driven, select, stage
from workbench.clock import ManualClock
from workbench.driver.commands import CancelCall, DecidePermission, GiveTime, ResolveUnknown, RetryCall, StartRun
from workbench.events.call import CallFinished, CallProgressed, PermissionDecided
from workbench.events.codec import result_fields
from workbench.events.content import text_content
from workbench.providers.scripted import Turn
from workbench.tools.base import ToolContext
from workbench.tools.declaring import tool
from workbench.tui.dialogs.by_hand import ByHandDialog
from workbench.tui.dialogs.choice import GUARD_SECONDS, ChoiceDialog
from workbench.views.selection import Selection

RUNNING = Selection("call", step=1, call="1.2")
"""A call in flight, in `live_run`."""


def acting(effect: Any = "effectful") -> RunLog:
    """Return a run with one call in flight that acts on the world."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("shell", {"command": "make deploy"}, effect=effect, seconds=None)], text="I act.")
    return log


ACTING = Selection("call", step=0, call="0.0")


async def test_r_begins_a_running_call_anew() -> None:
    """A read-only call needs no question; the key line calls it a retry."""
    log = live_run()
    driver = driven(log)
    async with stage(driver, size=(150, 40)) as acted:
        await select(acted, RUNNING)
        assert "r retry" in acted.shown()
        await acted.press("r")
        await acted.gives(driver, [RetryCall(log.run, "1.2")])
        assert any("begins anew" in notice for notice in acted.notices)


@pytest.mark.parametrize(("key", "commands"), [("r", 1), ("k", 0), ("escape", 0)])
async def test_an_effectful_call_is_begun_anew_only_after_a_question(key: str, commands: int) -> None:
    """The question says that it may have taken effect, and shows what would run again."""
    log = acting()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, ACTING)
        await acted.press("r")
        await acted.opens(ChoiceDialog)
        await acted.shows("may have taken effect already")
        assert "make deploy" in acted.shown()
        await acted.press(key)
        await acted.closes()
        await acted.gives(driver, [RetryCall(log.run, "0.0")][:commands])


async def test_plus_gives_a_running_call_its_timeout_once_more() -> None:
    """60 s for a tool with a timeout of 60 s, and the screen says how much that makes."""
    log = live_run()
    driver = driven(log)
    async with stage(driver, size=(150, 40)) as acted:
        await select(acted, RUNNING)
        assert "+ more time" in acted.shown()
        await acted.press("+")
        await acted.gives(driver, [GiveTime(log.run, "1.2", 60.0)])
        assert any("may take 2 m 00 s" in notice for notice in acted.notices), acted.notices
        seen = len(log.records)
        log.add(CallProgressed(call="1.2", text="60 s more", granted=60.0))
        driver.publish(log, seen)
        await acted.shows("+1 m 00 s")
        assert "read 3" in acted.shown()


@pytest.mark.parametrize(
    ("key", "selection", "why"),
    [
        ("r", Selection("call", step=2, call="2.1"), "this is neither"),
        ("+", Selection("call", step=0, call="0.0"), "Only a running call"),
        ("+", Selection("step", step=0), "Select a call first"),
    ],
)
async def test_what_does_not_run_is_neither_begun_anew_nor_given_time(key: str, selection: Selection, why: str) -> None:
    """The sentence says which call the key is for."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, selection)
        await acted.press(key)
        await acted.until(lambda: any(why in notice for notice in acted.notices), str(acted.notices))
        assert driver.commands == []


@pytest.mark.parametrize(("key", "why"), [("r", "not begun anew while it runs"), ("+", "no timeout")])
async def test_a_subagent_is_refused_with_what_to_do_instead(key: str, why: str) -> None:
    """It is a run of its own."""
    log, children = subagents_run()
    driver = FakeDriver(*children, log, live=[log.run])
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=0, call="0.1"))
        await acted.press(key)
        await acted.until(lambda: any(why in notice for notice in acted.notices), str(acted.notices))
        assert driver.commands == []


async def test_calls_that_run_while_the_model_writes_are_reached(tmp_path: Path) -> None:
    """Selected, cancelled, answered, begun anew and given time, all before the turn is whole."""
    gates: dict[str, asyncio.Event] = {}
    hold = asyncio.Event()

    @tool(read_only=True)
    async def wait(context: ToolContext, word: str) -> str:
        if context.attempt == 0:
            gates[word] = asyncio.Event()
            await gates[word].wait()
        return f"found {word}, attempt {context.attempt}"

    words = ("a", "b", "c", "d")
    script = [Turn("Waiting.", [("wait", {"word": word}) for word in words], hold=hold), answer("done")]
    with Rig(tmp_path, script, [wait]) as rig:
        async with stage(rig.driver, start=StartRun("What?"), size=(160, 45)) as acted:
            await acted.until(lambda: len(gates) == 4 and len(calls(acted)) == 4)
            assert acted.watched.history.live.active_turn is not None
            for number, keys in enumerate(("x", "a", "r", "+")):
                await select(acted, Selection("call", step=0, call=f"0.{number}"))
                await acted.press(keys)
                if keys == "a":
                    await acted.opens(ByHandDialog)
                    await acted.write("by hand")
                    await acted.press("ctrl+s")
                    await acted.closes()
            await acted.until(lambda: calls(acted)["0.3"].granted == 60.0, str(acted.notices))
            await acted.until(lambda: [call.status for call in calls(acted).values()].count("running") == 1)
            assert acted.watched.history.live.active_turn is not None
            rig.open_gate(gates["d"])
            rig.open_gate(hold)
            await acted.until(lambda: acted.watched.history.live.end is not None)
            lines = [call.result.first_line for call in calls(acted).values() if call.result is not None]
            assert lines == ["cancelled by the operator", "by hand", "found c, attempt 1", "found d, attempt 0"]


def calls(acted: Stage) -> Any:
    """Return the calls of the first step, as far as the screen knows them."""
    steps = acted.watched.history.live.steps
    return steps[0].calls if steps else {}


# Questions


def asking(command: str = "make deploy") -> RunLog:
    """Return a run whose call waits for permission."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("shell", {"command": command}, asks="runs a command", effect="effectful")])
    return log


async def test_a_key_that_comes_as_the_question_does_answers_nothing() -> None:
    """Half a second must pass before a letter counts, so that nothing typed for something else allows a call."""
    log, clock = asking(), ManualClock()
    driver = driven(log)
    async with stage(driver, clock=clock) as acted:
        await acted.press("a", "o")
        await acted.shows("That key came as this question did")
        await acted.press("down", "enter")
        clock.advance(GUARD_SECONDS - 0.01)
        await acted.press("o")
        assert isinstance(acted.dialog, ChoiceDialog)
        assert driver.commands == []
        clock.advance(0.02)
        await acted.press("o")
        await acted.gives(driver, [DecidePermission(log.run, "0.0", "allow", "once")])


async def test_enter_alone_allows_nothing() -> None:
    """No answer is chosen by itself."""
    log = asking()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.press("enter", "enter")
        assert isinstance(acted.dialog, ChoiceDialog)
        assert driver.commands == []


async def test_a_long_input_scrolls_and_never_pushes_the_answers_away() -> None:
    """With little room every line can be reached, the answers stay in sight, and it is said that there is more."""
    log = RunLog(agent=agent_record(plan="off"))
    fields: dict[str, Any] = {f"argument {number:02}": "x" * 30 for number in range(60)}
    log.step([Call("shell", fields, asks="runs a command", effect="effectful")])
    async with stage(driven(log), size=(80, 24)) as acted:
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.shows("more lines")
        for words in ("Allow once", "Deny", "Edit the input first", "argument 00"):
            assert words in acted.shown()
        for _ in range(16):
            await acted.press("pagedown")
        await acted.shows("argument 59")
        assert "▲" in acted.shown()
        assert "Edit the input first" in acted.shown()


async def test_what_is_asked_each_time_cannot_be_allowed_for_the_run() -> None:
    """The answer is not there, and neither is its key."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("shell", {"command": "ls"}, asks="runs a command", every_time=True, effect="effectful")])
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        assert "Allow for this run" not in acted.shown()
        await acted.press("r")
        assert isinstance(acted.dialog, ChoiceDialog)
        assert driver.commands == []
        await acted.press("o")
        await acted.gives(driver, [DecidePermission(log.run, "0.0", "allow")])


@pytest.mark.parametrize(("key", "verdict"), [("o", "allow"), ("d", "deny")])
async def test_equal_questions_of_a_step_are_one(key: str, verdict: Any) -> None:
    """One answer is for all that ask for the very same, says the question; `true` is not `1`."""
    log = RunLog(agent=agent_record(plan="off"))
    inputs: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"a": True, "b": 2}, {"b": 2, "a": 1}, {"a": 1}]
    log.step([Call("shell", given, asks="runs a command", effect="effectful") for given in inputs])
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=0, call="0.2"))
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.shows("1 more call with the same input: 0.0. One answer is for all.")
        await acted.press(key)
        await acted.gives(driver, [DecidePermission(log.run, call, verdict) for call in ("0.2", "0.0")])


@pytest.mark.parametrize(("key", "given"), [("r", "rerun"), ("f", "fail"), ("u", "unknown")])
async def test_an_unknown_outcome_is_shown_with_its_answers(key: str, given: Any) -> None:
    """The lane says that it may have taken effect; three answers are one key, the fourth asks for the result."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=2, call="2.0"))
        await acted.shows("it may have taken eff")
        assert "outcome unknown" in acted.shown()
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        for words in ("Run it again", "Give its result", "It failed", "Tell the model that nobody knows"):
            assert words in acted.shown()
        await acted.press(key)
        await acted.gives(driver, [ResolveUnknown(log.run, "2.0", given)])


async def test_the_result_of_an_unknown_outcome_is_written_by_hand() -> None:
    """The fourth answer opens an editor."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=2, call="2.0"))
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.press("g")
        await acted.opens(ByHandDialog)
        await acted.write("pool_mode is transaction")
        await acted.press("ctrl+s")
        await acted.gives(driver, [ResolveUnknown(log.run, "2.0", "result", "pool_mode is transaction")])


async def test_x_gives_up_what_runs() -> None:
    """One key, one call."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, RUNNING)
        await acted.press("x")
        await acted.gives(driver, [CancelCall(log.run, "1.2")])


async def test_r_on_a_finished_call_is_still_a_fork() -> None:
    """What is in the record is never begun anew in the same run."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("r")
        await acted.until(lambda: bool(driver.commands))
        assert type(driver.commands[0]).__name__ == "ForkRun"


# The whole run, in mid-run


async def test_s_lets_a_step_end_and_then_goes_step_by_step(tmp_path: Path) -> None:
    """Pressed while calls run, they finish and no turn follows; pressed at rest, the next step runs alone."""
    gates: list[asyncio.Event] = []

    @tool(read_only=True)
    async def wait(word: str) -> str:
        gates.append(asyncio.Event())
        if len(gates) == 1:
            await gates[0].wait()
        return f"found {word}"

    script = [*(Turn("Waiting.", [("wait", {"word": word})]) for word in ("a", "b")), answer("done")]
    with Rig(tmp_path, script, [wait]) as rig:
        async with stage(rig.driver, start=StartRun("What?"), size=(160, 45)) as acted:
            await acted.until(lambda: bool(gates) and acted.watched.history.live.open_step is not None)
            await acted.shows("S stop at next step")
            await acted.press("S")
            await acted.until(lambda: any("goes on to its end" in notice for notice in acted.notices))
            rig.open_gate(gates[0])
            await acted.until(lambda: acted.watched.history.live.end == ("interrupted", "paused"))
            assert [step.is_closed for step in acted.watched.history.live.steps] == [True]
            await acted.until(lambda: not acted.watched.is_live or acted.watched.history.live.is_resting)
            await acted.shows("S one step")
            await acted.press("S")
            await acted.until(lambda: len(acted.watched.history.live.steps) == 2)
            await acted.until(lambda: acted.watched.history.live.end == ("interrupted", "paused"))
            assert [step.is_closed for step in acted.watched.history.live.steps] == [True, True]
            await acted.press("space")
            await acted.until(lambda: acted.watched.history.live.answer == "done")


async def test_a_notice_that_a_call_asks_goes_when_it_is_answered() -> None:
    """It lies over the answer and names a key that answers nothing any more; the next call that asks says it again."""
    log = asking()
    driver = FakeDriver(log, live=[log.run])
    notice = "A call asks for permission: a decides."
    async with stage(driver) as acted:
        await acted.until(lambda: notice in acted.notices)
        since = len(log.records)
        log.add(PermissionDecided(call="0.0", verdict="deny"))
        log.add(
            CallFinished(
                call="0.0",
                outcome="denied",
                elapsed=0.0,
                by="engine",
                **result_fields(text_content("no"), is_error=True),
            )
        )
        driver.publish(log, since)
        await acted.until(lambda: notice not in acted.notices)
        since = len(log.records)
        log.step([Call("shell", {"command": "ls"}, asks="runs a command", effect="effectful")])
        driver.publish(log, since)
        await acted.until(lambda: notice in acted.notices)
