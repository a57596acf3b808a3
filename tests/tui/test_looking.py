"""Keys that look: at the past, at other runs, at other panes, in any size of terminal."""

from __future__ import annotations

from textual.command import CommandList

from tests.builders import (
    QUESTION,
    RunLog,
    live_run,
    researched_run,
    subagents_run,
)
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import CALL, driven, select, stage
from workbench.driver.commands import (
    PauseRun,
)
from workbench.driver.feed import Progress
from workbench.events.call import SubagentStarted
from workbench.events.run import RunPaused
from workbench.tui.dialogs.help import HelpDialog
from workbench.tui.widgets.prompt import Prompt
from workbench.tui.widgets.run_tree import RunTree
from workbench.views.selection import Selection

# Looking


async def test_scrubbing_shows_the_past_and_end_returns() -> None:
    """Brackets move by event, braces by step; a sign says so; End is the way back."""
    log = researched_run()
    last = log.state.seq
    async with stage(FakeDriver(log)) as acted:
        await acted.press("[", "[")
        assert acted.watched.position == last - 2
        await acted.shows(f"PLAYHEAD {last - 2}/{last}")
        await acted.press("{")
        assert acted.watched.position == log.state.steps[1].before_seq
        await acted.press("]")
        assert acted.watched.position == log.state.steps[1].before_seq + 1
        await acted.press("end")
        assert acted.watched.playhead is None
        assert "PLAYHEAD" not in acted.shown()


async def test_a_live_run_goes_on_behind_the_playhead() -> None:
    """Who looks at the past is not pulled out of it."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("[")
        place = acted.watched.position
        since = len(log.records)
        log.add(RunPaused())
        driver.publish(log, since)
        await acted.until(lambda: acted.watched.history.live.end is not None)
        assert acted.watched.position == place


async def test_enter_opens_a_subagent_and_backspace_returns() -> None:
    """A subagent's lane opens into its own timeline."""
    log, children = subagents_run()
    driver = FakeDriver(log, *children, live=[log.run, *(child.run for child in children)])
    async with stage(driver, run=log.run) as acted:
        await select(acted, Selection("call", step=0, call="0.0"))
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == children[0].run)
        await acted.press("space")
        await acted.gives(driver, [PauseRun(log.run)])
        await acted.press("backspace")
        await acted.until(lambda: acted.watched.run == log.run)


async def test_a_row_of_an_ensemble_opens_its_subagent() -> None:
    """The lane of several shows the call in the inspector, each of the rows below it opens one timeline."""
    log, children = subagents_run()
    second = children[1]
    log.add(SubagentStarted(call="0.0", run=second.run, task="the same", member=1))
    async with stage(FakeDriver(log, *children), run=log.run) as acted:
        await select(acted, Selection("call", step=0, call="0.0"))
        await acted.shows("2 subagents · 0 over")
        await acted.press("down")
        await acted.press("down")
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == second.run)


async def test_a_run_is_opened_from_the_list() -> None:
    """Enter on a run shows it; the cursor of the list stays where it is."""
    log, other = researched_run(), RunLog("5d00aa11bb22cc33", "What does the with statement do?")
    async with stage(FakeDriver(log, other), run=log.run) as acted:
        await acted.press("1", "home", "enter")
        await acted.until(lambda: acted.watched.run == other.run)
        assert acted.main.query_one(RunTree).highlighted_run == other.run
        assert acted.main.query_one(RunTree).has_focus


async def test_the_list_follows_what_happens() -> None:
    """A run that began elsewhere appears, and the cursor stays on its run."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        driver.add(RunLog("5d00aa11bb22cc33", "Another question?"))
        await acted.until(lambda: acted.main.query_one(RunTree).option_count == 2)
        assert acted.main.query_one(RunTree).highlighted_run == log.run
        assert acted.watched.run == log.run


async def test_y_copies_the_result_as_it_was_recorded() -> None:
    """The clipboard gets the whole result, not what fits on the screen."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        await select(acted, CALL)
        await acted.press("y")
        await acted.until(lambda: bool(acted.app.clipboard))
        assert acted.app.clipboard.count("sql-prepare::0") == 9


async def test_the_help_is_one_key_away() -> None:
    """? shows every key, Escape leaves."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("?")
        await acted.opens(HelpDialog)
        await acted.shows("Pause the run at once")
        await acted.press("escape")
        await acted.closes()


async def test_the_palette_finds_actions_by_name() -> None:
    """ctrl+p and a few letters do what the key would do."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("ctrl+p")
        await acted.write("pause the run")
        found = acted.app.screen.query_one(CommandList)
        await acted.until(
            lambda: (option := found.highlighted_option) is not None and "Pause the run" in str(option.prompt),
            "the palette has not found it",
        )
        await acted.press("enter")
        await acted.until(lambda: driver.commands == [PauseRun(log.run)])


# Narrow terminals


async def test_a_narrow_terminal_shows_one_pane_and_loses_none() -> None:
    """At 80×24 every pane is one key away, and the frame says which they are."""
    log = researched_run()
    async with stage(FakeDriver(log), size=(80, 24)) as acted:
        for key, pane in (("1", "runs"), ("3", "inspector"), ("2", "timeline")):
            await acted.press(key)
            visible = [
                name for name in ("runs", "timeline", "inspector") if acted.main.query_one(f"#{name}-pane").display
            ]
            assert visible == [pane]
            await acted.shows("1 runs  2 timeline  3 inspector")
        visited = []
        for key in ("tab", "shift+tab", "shift+tab"):
            await acted.press(key)
            visited.append(acted.main.panes.current)
        assert visited == ["inspector", "timeline", "runs"]


async def test_resizing_keeps_the_place() -> None:
    """Wide, narrow and back: the cursor, the pane and the moment stay."""
    log = researched_run()
    async with stage(FakeDriver(log), size=(160, 48)) as acted:
        await select(acted, CALL)
        await acted.press("[")
        before = (acted.main.timeline.selection, acted.watched.position)
        for size in ((80, 24), (160, 48), (119, 30), (120, 40)):
            await acted.pilot.resize_terminal(*size)
            await acted.pilot.pause(0)
            assert (acted.main.timeline.selection, acted.watched.position) == before
            assert acted.main.timeline.has_focus


async def test_long_work_shows_how_far_it_is() -> None:
    """Indexing has a bar, which goes when it is done."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        driver.feed.publish(Progress("indexing pgbouncer", 300, 1169))
        await acted.shows("indexing pgbouncer")
        await acted.shows("300/1,169")
        driver.feed.publish(Progress("indexing pgbouncer", 1169, 1169))
        await acted.until(lambda: "indexing pgbouncer" not in acted.shown())


async def test_a_run_whose_driver_died_says_so() -> None:
    """A log that stops in mid-air is not shown as if it went on."""
    log = live_run()
    async with stage(FakeDriver(log)) as acted:
        await acted.shows("interrupted: its driver died")
        await acted.shows("space resume")


async def test_what_was_typed_before_comes_back() -> None:
    """Up in the prompt brings earlier questions, down what was being typed."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("m")
        await acted.write("new")
        await acted.press("up")
        line = acted.main.query_one(Prompt).line
        assert line.value == QUESTION
        await acted.press("down")
        assert line.value == "new"
        await acted.press("escape")
        assert acted.main.timeline.has_focus
