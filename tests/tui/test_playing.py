"""The playhead by call, playing, and subagents as of the moment that is shown."""

from __future__ import annotations

import pytest

from tests.builders import live_run, researched_run, subagents_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, driven, select, stage
from workbench.clock import ManualClock
from workbench.debugger.playback import CALL_STOPS
from workbench.driver.commands import ForkRun
from workbench.events.run import RunPaused
from workbench.tui.dialogs.base import Dialog
from workbench.tui.dialogs.fork import ForkDialog
from workbench.tui.widgets.status_bar import StatusBar
from workbench.views.selection import Selection

SPAWN = Selection("call", step=0, call="0.0")


async def tick(acted: Stage, clock: ManualClock, seconds: float) -> None:
    """Let time go by until the screen has looked at it."""
    clock.advance(seconds)
    ticks = acted.main._ticks
    await acted.until(lambda: acted.main._ticks > ticks + 1)


async def test_parentheses_move_by_call() -> None:
    """( and ) stop where a call begins or ends, and nowhere else."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        for _ in range(4):
            await acted.press("(")
            assert log.records[acted.watched.position].event.kind in CALL_STOPS
        here = acted.watched.position
        await acted.press("(", ")")
        assert acted.watched.position == here
        for _ in range(5):
            await acted.press(")")
        assert not acted.watched.is_scrubbing


async def test_p_plays_from_the_beginning() -> None:
    """P at the end begins anew: events come as they came, and the end is followed again."""
    log, clock = researched_run(), ManualClock()
    async with stage(FakeDriver(log), clock=clock) as acted:
        await acted.press("P")
        assert acted.watched.position == 0
        await acted.shows("▶ 1×")
        await acted.shows("PLAYING 0/")
        await tick(acted, clock, 0.05)
        first = acted.watched.position
        assert first == 1
        await tick(acted, clock, 1.0)
        assert acted.watched.position > first
        for _ in range(20):
            await tick(acted, clock, 1.0)
        assert not acted.watched.is_scrubbing
        assert not acted.main.player.is_playing
        assert "PLAYING" not in acted.shown()


async def test_p_again_plays_faster() -> None:
    """1, 4 and 16 times, and around."""
    log, clock = researched_run(), ManualClock()
    async with stage(FakeDriver(log), clock=clock) as acted:
        for speed in ("▶ 1×", "▶ 4×", "▶ 16×", "▶ 1×"):
            await acted.press("P")
            await acted.shows(speed)
        await acted.press("P", "P")
        await tick(acted, clock, 0.1)  # 1.6 recorded seconds
        moved = log.records[acted.watched.position].at - log.records[0].at
        assert 0.9 < moved <= 1.6


@pytest.mark.parametrize("key", ["space", "[", ")", "}"])
async def test_space_and_scrubbing_stop_it(key: str) -> None:
    """Whoever takes the playhead in their own hand has it."""
    log, clock = researched_run(), ManualClock()
    async with stage(FakeDriver(log), clock=clock) as acted:
        await acted.press("P")
        await tick(acted, clock, 1.2)
        await acted.press(key)
        place = acted.watched.position
        assert not acted.main.player.is_playing
        await tick(acted, clock, 5.0)
        assert acted.watched.position == place
        await acted.shows("PLAYHEAD")


async def test_timers_run_between_events_while_it_plays() -> None:
    """A call in flight at that moment counts its seconds, as it did when it ran."""
    log, clock = researched_run(), ManualClock()
    start = next(record for record in log.records if record.event.kind == "call_started")
    async with stage(FakeDriver(log), clock=clock) as acted:
        acted.watched.move_to(start.seq)
        await acted.press("P")
        await tick(acted, clock, 0.005)
        assert acted.watched.position == start.seq
        assert acted.watched.moment == pytest.approx(start.at + 0.005)
        assert any(mark in acted.shown() for mark in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")


async def test_a_fork_is_taken_from_where_it_plays() -> None:
    """f while it plays stops at the moment that is seen, and forks there."""
    log, clock = researched_run(), ManualClock()
    driver = FakeDriver(log)
    async with stage(driver, clock=clock) as acted:
        await acted.press("P")
        await tick(acted, clock, 1.5)
        place = acted.watched.position
        await acted.press("f")
        await acted.opens(ForkDialog)
        await tick(acted, clock, 3.0)
        await acted.press("ctrl+s")
        await acted.until(lambda: driver.commands)
        (command,) = driver.commands
        assert isinstance(command, ForkRun)
        assert command.address == f"seq:{place}"


@pytest.mark.parametrize("key", ["e", "R"])
async def test_whoever_begins_to_change_something_stops_what_plays(key: str) -> None:
    """The screen under an editor or a race that is made ready stays at the moment that the person saw."""
    log, clock = researched_run(), ManualClock()
    async with stage(FakeDriver(log), clock=clock) as acted:
        await acted.press("P")
        while not any(step.turn.status == "finished" for step in acted.watched.state.steps):
            await tick(acted, clock, 0.5)
        await select(acted, Selection("step", step=0))
        assert acted.main.player.is_playing
        await acted.press(key)
        await acted.until(lambda: isinstance(acted.app.screen, Dialog))
        assert not acted.main.player.is_playing


async def test_a_live_run_can_be_played_while_it_goes_on() -> None:
    """What comes in meanwhile is played too, and then followed."""
    log, clock = live_run(), ManualClock()
    driver = driven(log)
    async with stage(driver, clock=clock) as acted:
        await acted.press("P", "P", "P")
        await tick(acted, clock, 0.1)
        since = len(log.records)
        log.add(RunPaused())
        driver.publish(log, since)
        for _ in range(6):
            await tick(acted, clock, 1.0)
        assert acted.watched.position == log.state.seq
        assert not acted.watched.is_scrubbing


# Subagents and the way back


async def test_the_way_back_is_shown_and_leads_to_the_call() -> None:
    """A subagent's screen names the task above and the call; backspace puts the cursor on that call."""
    log, children = subagents_run()
    async with stage(FakeDriver(log, *children), run=log.run, size=(150, 40)) as acted:
        await select(acted, SPAWN)
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == children[0].run)
        first = acted.shown().split("\n")[0]
        assert first.startswith(" ⌫ Compare PgBouncer pool modes")
        assert "› call 0.0 › subagent: prepared statements" in first
        await acted.press("home", "backspace")
        await acted.until(lambda: acted.watched.run == log.run)
        await acted.until(lambda: acted.main.selection == SPAWN)
        assert "⌫" not in acted.shown().split("\n")[0]


async def test_the_way_back_can_be_clicked() -> None:
    """A click on the task above does what backspace does; one on the subagent's own does nothing."""
    log, children = subagents_run()
    async with stage(FakeDriver(log, *children), run=children[1].run, size=(150, 40)) as acted:
        await acted.pilot.click(StatusBar, offset=(90, 0))
        assert acted.watched.run == children[1].run
        await acted.pilot.click(StatusBar, offset=(10, 0))
        await acted.until(lambda: acted.watched.run == log.run)
        await acted.until(lambda: acted.main.selection == Selection("call", step=0, call="0.1"))


async def test_a_live_caller_does_not_pull_the_cursor_from_the_call() -> None:
    """Coming back to a run that moves, the spawning call is what one sees."""
    log, children = subagents_run()
    driver = FakeDriver(log, *children, live=[log.run, *(child.run for child in children)])
    async with stage(driver, run=children[1].run) as acted:
        await acted.press("backspace")
        await acted.until(lambda: acted.watched.run == log.run)
        spawn = Selection("call", step=0, call="0.1")
        await acted.until(lambda: acted.main.selection == spawn)
        for _ in range(5):
            await acted.pilot.pause(0.05)
        assert acted.main.selection == spawn


async def test_a_subagent_opens_at_the_moment_that_is_shown() -> None:
    """In the past, both a subagent and its caller are as they were then."""
    log, children = subagents_run(done=True)
    async with stage(FakeDriver(log, *children), run=log.run) as acted:
        ended = next(record for record in log.records if record.event.kind == "subagent_finished")
        acted.watched.move_to(ended.seq)
        moment = acted.watched.moment
        assert moment is not None
        acted.main.show_run()
        await select(acted, SPAWN)
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == children[0].run)
        records = children[0].records
        await acted.until(lambda: acted.watched.position == max(r.seq for r in records if r.at <= moment))
        await acted.press("backspace")
        await acted.until(lambda: acted.watched.run == log.run and acted.watched.is_scrubbing)
        assert acted.watched.moment == moment
