"""What people see first, and what they see when something goes wrong."""

from __future__ import annotations

from tests.builders import (
    live_run,
    researched_run,
    waiting_plan,
)
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import driven, stage
from workbench.driver.commands import (
    PauseRun,
    StartRun,
)
from workbench.driver.feed import RunsChanged, Trouble
from workbench.errors import RunHeldError
from workbench.tui.dialogs.help import HelpDialog
from workbench.tui.widgets.invitation import QUESTIONS
from workbench.views.selection import Selection

# The beginning


async def test_an_empty_list_is_an_invitation() -> None:
    """At the first start three questions stand ready, and one's own can be typed at once."""
    driver = FakeDriver()
    log = waiting_plan()
    driver.answers[StartRun] = lambda _: driver.add(log, live=True)
    async with stage(driver) as acted:
        assert all(question in acted.shown() for question, _ in QUESTIONS)
        await acted.write("Why?")
        await acted.press("enter")
        await acted.until(lambda: acted.main.bridge.watched is not None)
        assert [command.task for command in driver.commands] == ["Why?"]
        assert acted.main.plan_editor.has_focus


async def test_an_invitation_can_be_taken_as_it_is() -> None:
    """Down and Enter ask the first of the questions that are offered."""
    driver = FakeDriver()
    log = live_run()
    driver.answers[StartRun] = lambda _: driver.add(log, live=True)
    async with stage(driver) as acted:
        await acted.press("down", "enter")
        await acted.until(lambda: bool(driver.commands))
        assert driver.commands[0].task == QUESTIONS[0][0]


async def test_the_newest_run_is_shown_at_the_start() -> None:
    """Who comes back sees what they last looked at, and it is not driven by that."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        assert acted.watched.run == log.run
        assert not driver.commands


async def test_a_run_opens_at_a_place() -> None:
    """`--at` puts the playhead there."""
    log = researched_run()
    async with stage(FakeDriver(log), run=log.run, at="0.turn") as acted:
        assert acted.watched.position == log.state.steps[0].turn_seq


async def test_a_run_opens_at_a_call() -> None:
    """`--at 0.1` has the cursor on that call, so that `e` edits it at once."""
    log = researched_run()
    async with stage(FakeDriver(log), run=log.run, at="0.1") as acted:
        await acted.until(lambda: acted.main.selection == Selection("call", step=0, call="0.1"))
        await acted.shows("search_docs")


async def test_a_key_of_a_place_where_one_types_types_nothing() -> None:
    """The invitation offers the key of help that is no letter, and that one opens it."""
    async with stage(FakeDriver()) as acted:
        await acted.shows("f1 help")
        await acted.press("f1")
        await acted.opens(HelpDialog)


async def test_a_sentence_stands_on_the_screen_once() -> None:
    """Pressing a key again that cannot be used piles up no notices; the list of what was said has one line of it."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("x", "x", "x")
        assert len(acted.notices) == 1
        assert len(acted.said) == 1


async def test_escape_to_be_sure_says_nothing() -> None:
    """Where nothing is to be left and no filter is on, Escape is no mistake."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("escape", "escape")
        assert acted.notices == []


async def test_a_run_that_is_not_there_is_a_sentence() -> None:
    """A wrong name does not end the program."""
    async with stage(FakeDriver(researched_run()), run="ffff") as acted:
        assert any("there is no run 'ffff'" in notice for notice in acted.notices)


# What goes wrong


async def test_a_refused_command_is_a_sentence() -> None:
    """An error of the driver is shown, and nothing else happens."""
    log = live_run()
    driver = driven(log)

    def refuse(_: object) -> None:
        raise RunHeldError("run a4f7 is held by [bold]pid 7[/bold]")

    driver.answers[PauseRun] = refuse
    async with stage(driver) as acted:
        await acted.press("space")
        await acted.until(lambda: acted.notices)
        assert acted.notices == ["run a4f7 is held by [bold]pid 7[/bold]"]


async def test_trouble_from_the_feed_is_shown_inert() -> None:
    """What goes wrong elsewhere is told, whatever bytes are in it."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        driver.feed.publish(Trouble("the disk is full\x1b]0;owned\x07"))
        driver.feed.publish(RunsChanged())
        await acted.shows("the disk is full")
        assert "\x1b" not in acted.shown()
