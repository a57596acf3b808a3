"""Keys that change what the log says: always a fork, shown before it takes effect."""

from __future__ import annotations

import pytest

from tests.builders import (
    forked_run,
    live_run,
    researched_run,
)
from tests.tui.fake_driver import FakeDriver, fork_answer
from tests.tui.kit import CALL, driven, select, stage
from workbench.driver.commands import (
    ForkEdits,
    ForkRun,
    PauseRun,
)
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.dialogs.fork import ForkDialog
from workbench.tui.widgets.run_tree import RunTree
from workbench.views.selection import Selection


async def test_an_edited_result_is_a_fork_and_the_screen_goes_there() -> None:
    """e on a result, the change, ctrl+s, a look at what it does, Enter: both runs are in the list."""
    log, fork = researched_run(), forked_run()
    driver = FakeDriver(log)
    fork_answer(driver, fork)
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("e")
        dialog = await acted.opens(EditDialog)
        assert "sql-prepare::0" in dialog.text
        await acted.write("Never. ")
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        assert not driver.commands
        await acted.shows("nothing outside the run was changed")
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == fork.run)
        (command,) = driver.commands
        assert command.run == log.run
        assert command.address == "0.1"
        assert command.edits.results["0.1"].startswith("Never. sql-prepare::0")
        await acted.until(lambda: acted.main.query_one(RunTree).option_count == 2)


async def test_a_run_that_moves_is_paused_before_an_edit_and_says_so() -> None:
    """Nobody edits what runs away."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("e")
        await acted.opens(EditDialog)
        await acted.gives(driver, [PauseRun(log.run)])
        assert any("paused while you edit" in notice for notice in acted.notices)


async def test_a_turns_text_is_edited_by_a_fork_after_that_turn() -> None:
    """e on a step edits what the model said."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, Selection("step", step=0))
        await acted.press("e")
        dialog = await acted.opens(EditDialog)
        dialog.query_one("#editor").text = "Something else."
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        await acted.press("enter")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "0.turn", ForkEdits(text="Something else."))])


async def test_an_input_is_edited_as_json() -> None:
    """E edits a call's input; what is no JSON object is told and goes nowhere."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("E")
        dialog = await acted.opens(EditDialog)
        dialog.query_one("#editor").text = '{"query": }'
        await acted.press("ctrl+s")
        await acted.shows("This is no JSON")
        dialog.query_one("#editor").text = '{"query": "other"}'
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        await acted.press("enter")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "0.1", ForkEdits(inputs={"0.1": {"query": "other"}}))])


async def test_r_runs_a_call_again_in_a_fork() -> None:
    """The same input once more; the siblings keep their results."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("r")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "0.1", ForkEdits(reruns=("0.1",)))])


@pytest.mark.parametrize(
    ("selection", "address"),
    [
        (Selection("plan"), "plan"),
        (Selection("plan_step", index=1), "plan"),
        (Selection("step", step=1), "1"),
        (CALL, "0.1"),
        (Selection("message", index=0), "0"),
        (Selection("answer"), "end"),
    ],
)
async def test_f_forks_where_the_cursor_is(selection: Selection, address: str) -> None:
    """The place of the fork is what one points at."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await select(acted, selection)
        await acted.press("f")
        dialog = await acted.opens(ForkDialog)
        assert dialog.query_one("#place").value == address


async def test_a_fork_may_change_several_things_and_shows_what_it_does() -> None:
    """Result and message in one fork, with what is kept and what cannot be undone shown before."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("f")
        dialog = await acted.opens(ForkDialog)
        dialog.query_one("#editor").text = "Nothing."
        await acted.press("shift+tab", "down", "down", "enter")
        await acted.write("look again")
        await acted.shows("kept")
        await acted.press("ctrl+s")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "0.1", ForkEdits(results={"0.1": "Nothing."}, say="look again"))])


async def test_the_playhead_is_a_place_to_fork_from() -> None:
    """With the playhead in the past, f forks from that event."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await acted.press("[", "[", "f")
        dialog = await acted.opens(ForkDialog)
        assert dialog.query_one("#place").value == f"seq:{log.state.seq - 2}"
