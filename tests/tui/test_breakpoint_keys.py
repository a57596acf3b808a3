"""Breakpoints on the screen: their list and its keys, one before a call's tool, and what a hit shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import OptionList

from tests.builders import live_run, researched_run
from tests.harness import Rig, answer
from tests.stopped_run import about_to_fetch, stop_at
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import CALL, Stage, driven, select, stage
from workbench.driver.commands import BreakpointSetting, ListBreakpoints, ResumeRun, SetBreakpoints, StartRun
from workbench.errors import RunNotFoundError
from workbench.events.run import BreakpointHit, RunPaused
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.declaring import tool
from workbench.tui.dialogs.breakpoints import BreakpointsDialog
from workbench.views.selection import Selection

FETCH = BreakpointSetting("tool:fetch_*")
TIMEOUT = BreakpointSetting("result:(?i)timeout", is_enabled=False)


def listing(*settings: BreakpointSetting) -> FakeDriver:
    """Return a driver with a run and these breakpoints."""
    driver = FakeDriver(researched_run())
    driver.breakpoints = settings
    return driver


async def opened(acted: Stage) -> BreakpointsDialog:
    """Open the list."""
    await acted.press("b")
    dialog: BreakpointsDialog = await acted.opens(BreakpointsDialog)
    return dialog


async def holds(acted: Stage, driver: FakeDriver, *settings: BreakpointSetting) -> None:
    """Wait until these are in force."""
    await acted.until(lambda: driver.breakpoints == settings, f"not in force: {driver.breakpoints}")


# The list


async def test_b_shows_the_list() -> None:
    """Each with a word for on or off, its rule, what it means, and how often it stopped this run; Esc leaves."""
    driver = listing(FETCH, TIMEOUT)
    log = researched_run()
    log.add(BreakpointHit(rule=FETCH.rule, why="before call 0.1 fetch_doc", call="0.1"))
    log.add(BreakpointHit(rule=FETCH.rule, why="before call 1.0 fetch_doc", call="1.0"))
    driver.logs[log.run] = log
    async with stage(driver) as acted:
        await opened(acted)
        lines = [line for line in acted.shown().split("\n") if "│" in line]
        first = next(line for line in lines if "tool:fetch_*" in line)
        assert "● on " in first
        assert "hit 2× in this run" in first
        second = next(line for line in lines if "result:(?i)timeout" in line)
        assert "○ off" in second
        assert "hit" not in second
        assert "stops before each call of fetch_*" in acted.shown()
        assert "stops when a result matches '(?i)timeout'" in acted.shown()
        await acted.press("escape")
        await acted.closes()
        assert driver.commands == []


@pytest.mark.parametrize("key", ["space", "enter"])
async def test_space_and_enter_switch(key: str) -> None:
    """What is switched holds at once, and the cursor stays on it."""
    driver = listing(FETCH, TIMEOUT)
    async with stage(driver) as acted:
        dialog = await opened(acted)
        await acted.press("down", key)
        await holds(acted, driver, FETCH, BreakpointSetting(TIMEOUT.rule))
        assert dialog.query_one("#list", OptionList).highlighted == 1
        await acted.press(key)
        await holds(acted, driver, FETCH, TIMEOUT)


async def test_a_adds_one() -> None:
    """A line with examples below it; what is written is told in words; Enter takes it."""
    driver = listing(FETCH)
    async with stage(driver) as acted:
        await opened(acted)
        await acted.press("a")
        await acted.shows("diverge:RUN")
        await acted.write("cost:0.05")
        await acted.shows("stops before the next turn, once $0.05 is spent")
        await acted.press("enter")
        await holds(acted, driver, FETCH, BreakpointSetting("cost:0.05"))
        await acted.until(lambda: "diverge:RUN" not in acted.shown())
        await acted.press("space")
        await holds(acted, driver, FETCH, BreakpointSetting("cost:0.05", is_enabled=False))


async def test_a_wrong_rule_is_told_below_its_line() -> None:
    """Nothing is sent, the text stays, and Esc leads back to the list and then out."""
    driver = listing()
    async with stage(driver) as acted:
        await opened(acted)
        await acted.shows("No breakpoints")
        await acted.press("a")
        await acted.write("result:(")
        await acted.press("enter")
        await acted.shows("no regular expression at character 0")
        assert driver.commands == []
        await acted.press("backspace")
        await acted.until(lambda: "no regular expression" not in acted.shown())
        await acted.press("escape")
        await acted.until(lambda: "diverge:RUN" not in acted.shown())
        await acted.press("escape")
        await acted.closes()


async def test_what_the_driver_refuses_is_told_there_too() -> None:
    """A baseline that is not there is a sentence below the line; a rule that is listed is not added twice."""
    driver = listing(FETCH)

    def refuse(_: SetBreakpoints) -> None:
        raise RunNotFoundError("there is no run 'beef'")

    driver.answers[SetBreakpoints] = refuse
    async with stage(driver) as acted:
        await opened(acted)
        await acted.press("a")
        await acted.write("diverge:beef")
        await acted.press("enter")
        await acted.shows("there is no run 'beef'")
        for _ in "diverge:beef":
            await acted.press("backspace")
        await acted.write("tool:fetch_*")
        await acted.press("enter")
        await acted.shows("tool:fetch_* is in the list already")
        assert len(driver.commands) == 1


async def test_e_changes_one_in_its_place() -> None:
    """The rule stands in the line; changed, it keeps its place and its switch."""
    driver = listing(TIMEOUT, FETCH)
    async with stage(driver) as acted:
        await opened(acted)
        await acted.press("e")
        await acted.shows("Where shall runs stop instead?")
        await acted.write("s?")
        await acted.press("enter")
        await holds(acted, driver, BreakpointSetting("result:(?i)timeouts?", is_enabled=False), FETCH)


async def test_d_deletes_and_u_brings_back() -> None:
    """Deletions are undone one after the other, each to where it stood; keys that mean nothing are not offered."""
    driver = listing(FETCH, TIMEOUT)
    async with stage(driver) as acted:
        await opened(acted)
        assert "u undo" not in acted.shown()
        await acted.press("d", "d")
        await holds(acted, driver)
        await acted.until(lambda: "d delete" not in acted.shown())
        assert "u undo" in acted.shown()
        await acted.press("d", "space", "e", "u", "u")
        await holds(acted, driver, FETCH, TIMEOUT)
        await acted.until(lambda: "u undo" not in acted.shown())


async def test_one_that_stops_nothing_says_why() -> None:
    """A baseline that is gone is shown as what it is, in a sentence that cannot colour the screen."""
    driver = listing(BreakpointSetting("diverge:gone", trouble="there is no run 'gone'\x1b[31m"))
    async with stage(driver) as acted:
        await opened(acted)
        assert "stops nothing: there is no run 'gone'" in acted.shown()
        assert "\x1b" not in acted.shown()


async def test_the_list_needs_no_run() -> None:
    """Breakpoints can be set before the first question is asked."""
    driver = FakeDriver()
    async with stage(driver) as acted:
        await acted.press("down")  # from the line to the questions, where keys are keys
        await opened(acted)


# Before a call's tool


async def test_large_b_switches_a_breakpoint_before_the_calls_tool() -> None:
    """On, off and on again, with a word on it each time."""
    log = researched_run()
    driver = FakeDriver(log)
    name = log.state.steps[0].calls["0.1"].tool
    async with stage(driver) as acted:
        await select(acted, CALL)
        for is_on in (True, False, True):
            await acted.press("B")
            await holds(acted, driver, BreakpointSetting(f"tool:{name}", is_on))
        assert f"Runs stop before each call of {name} now; b shows the list." in acted.notices
        assert f"Runs do not stop before {name} any more; b shows the list." in acted.notices


async def test_large_b_needs_a_call() -> None:
    """Elsewhere it says so."""
    driver = FakeDriver(researched_run())
    async with stage(driver) as acted:
        await select(acted, Selection("step", step=0))
        await acted.press("B")
        await acted.until(lambda: "Select a call first." in acted.notices)
        assert driver.commands == []


# A hit


async def test_a_hit_is_told_and_its_call_selected() -> None:
    """A notice says which and why, the cursor is on the call, status and timeline say so, and space goes on."""
    log = about_to_fetch()
    driver = driven(log)
    async with stage(driver, run=log.run) as acted:
        since = len(log.records)
        stop_at(log)
        driver.publish(log, since)
        await acted.until(lambda: acted.main.selection.call == "1.1")
        told = [notice for notice in acted.notices if notice.startswith("Breakpoint")]
        assert told == ["Breakpoint tool:fetch_*: before call 1.1 fetch_doc. space goes on."]
        assert "interrupted: breakpoint" in acted.shown().split("\n")[0]
        assert "⏸ breakpoint tool:fetch_*: before call 1.1 fetch_doc" in acted.shown()
        await acted.press("space")
        await acted.gives(driver, [ResumeRun(log.run)])


async def test_a_hit_whose_siblings_still_run_says_so_once() -> None:
    """While calls in flight come to their end a person knows why nothing new starts; at rest it is not told again."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        since = len(log.records)
        log.add(BreakpointHit(rule="error", why="call 1.0 failed", call="1.0"))
        driver.publish(log, since)
        await acted.until(lambda: any("comes to its end" in notice for notice in acted.notices))
        since = len(log.records)
        log.add(RunPaused(reason="breakpoint"))
        driver.publish(log, since)
        await acted.until(lambda: acted.watched.history.live.end is not None)
        await acted.until(lambda: acted.main.selection.call == "1.0")
        assert sum(notice.startswith("Breakpoint") for notice in acted.notices) == 1


async def test_a_hit_that_is_about_no_call_selects_the_step() -> None:
    """After a step, the cursor is on that step."""
    log = about_to_fetch()
    driver = driven(log)
    async with stage(driver, run=log.run) as acted:
        since = len(log.records)
        stop_at(log, None)
        driver.publish(log, since)
        await acted.until(lambda: acted.main.selection == Selection("step", step=1))


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


async def test_a_person_stops_before_a_tool_and_goes_on(tmp_path: Path) -> None:
    """Set by keys, a breakpoint stops the real run before the call; space goes on to its answer."""
    turns = [Turn("Looking.", [("look", {"word": "a"})]), answer()]
    rig = Rig(tmp_path, turns, [look])

    def live(acted: Stage) -> RunState:
        return acted.watched.history.live

    async with stage(rig.driver) as acted:
        await acted.press("down")  # from the line to the questions, where keys are keys
        await opened(acted)
        await acted.press("a")
        await acted.write("tool:look")
        await acted.press("enter", "escape")
        await acted.closes()
        assert await acted.main.bridge.ask(ListBreakpoints()) == (BreakpointSetting("tool:look"),)
        await acted.main.open_run(await acted.main.bridge.ask(StartRun("What?")))
        await acted.until(lambda: live(acted).reason == "breakpoint")
        assert live(acted).steps[0].calls["0.0"].status == "requested"
        await acted.until(lambda: acted.main.selection.call == "0.0")
        await acted.press("space")
        await acted.until(lambda: live(acted).status == "completed")
        assert live(acted).answer == "42"
