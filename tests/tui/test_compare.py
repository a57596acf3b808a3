"""Two runs compared on the screen, by keys."""

from __future__ import annotations

import pytest
from textual import events

from tests.builders import Call, RunLog, agent_record, forked_run, live_run, researched_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, stage
from workbench.debugger.divergence import Spot
from workbench.tui.dialogs.difference import DifferenceDialog
from workbench.tui.dialogs.run_choice import RunChoiceDialog
from workbench.tui.screens.compare import CompareScreen
from workbench.tui.widgets.run_tree import RunTree


async def open_comparison(acted: Stage) -> CompareScreen:
    """Press the key, and wait for the screen."""
    await acted.press("c")
    screen: CompareScreen = await acted.opens(CompareScreen)
    await acted.until(lambda: screen.view.spot is not None)
    return screen


def family() -> tuple[RunLog, RunLog, FakeDriver]:
    """Return a run, its fork, and a driver that shows the fork."""
    parent, fork = researched_run(), forked_run()
    return parent, fork, FakeDriver(parent, fork)


def plain_run(run: str, *words: str, answer: str = "42", task: str = "What?") -> RunLog:
    """Return a run that looks up words, one a step, and answers."""
    log = RunLog(run, task, agent=agent_record(plan="off"))
    for word in words:
        log.step([Call("look", {"word": word}, f"found {word}")], text=f"I look for {word}.")
    log.answer(answer)
    return log


async def test_a_fork_is_compared_with_its_parent_at_once() -> None:
    """c on a fork needs no question: the parent stands on the left, the edit that parted them between the two."""
    parent, fork, driver = family()
    async with stage(driver, size=(140, 44)) as acted:
        screen = await open_comparison(acted)
        assert (screen.a.run, screen.b.run) == (parent.run, fork.run)
        await acted.shows("━━ diverged at 0.1: result of 0.1 edited ━━")
        await acted.shows("≠ result")
        await acted.shows("↳ ≠ input")
        assert screen.view.spot == Spot("call", "0.1", "0.1")


async def test_escape_leaves_the_main_screen_as_it_was() -> None:
    """The run that was watched, its cursor and its place are the same after a comparison, and nothing is followed."""
    _, fork, driver = family()
    async with stage(driver) as acted:
        await acted.press("down")
        before = (acted.watched, acted.main.timeline.selection, acted.main.timeline.scroll_offset)
        await open_comparison(acted)
        await acted.press("escape")
        await acted.closes()
        assert (acted.watched, acted.main.timeline.selection, acted.main.timeline.scroll_offset) == before
        assert acted.watched.run == fork.run
        assert not acted.main.bridge._beside


async def test_n_goes_from_difference_to_difference() -> None:
    """n and N count them out, and say at either end that there are no more."""
    _, _, driver = family()
    async with stage(driver, size=(140, 44)) as acted:
        screen = await open_comparison(acted)
        await acted.shows("1/3 ≠ result of 0.1 edited")
        await acted.press("n")
        assert screen.view.spot == Spot("call", "1.0", "1.0")
        await acted.shows("2/3 ↳ submit_answer 1.0 has another input")
        await acted.shows("follows from what differs before")
        await acted.press("n")
        await acted.shows("3/3 ≠ another answer")
        await acted.press("n")
        assert "No difference after this." in acted.notices
        await acted.press("N", "N")
        await acted.shows("1/3")
        await acted.press("N")
        assert "No difference before this." in acted.notices


async def test_enter_shows_both_results_word_by_word() -> None:
    """A difference opens into both sides whole, and Esc comes back to it."""
    _, _, driver = family()
    async with stage(driver, size=(140, 44)) as acted:
        screen = await open_comparison(acted)
        await acted.press("enter")
        await acted.opens(DifferenceDialog)
        await acted.shows("input")
        await acted.shows("the same in both")
        await acted.shows("- sql-prepare::0 Prepared statements only last for the duration")
        await acted.shows("+ sql-prepare::0 Prepared statements last until the server")
        await acted.press("escape")
        await acted.until(lambda: acted.app.screen is screen)
        assert screen.view.spot == Spot("call", "0.1", "0.1")


@pytest.mark.parametrize(("downs", "words"), [(3, "Turn 1"), (4, "Call 1.0"), (5, "Answer"), (6, "End")])
async def test_everything_opens(downs: int, words: str) -> None:
    """Turns, calls, the answer and the end can be looked at, whether they differ or not."""
    _, _, driver = family()
    async with stage(driver, size=(140, 44)) as acted:
        await open_comparison(acted)
        await acted.press("end", *["up"] * (6 - downs), "enter")
        dialog = await acted.opens(DifferenceDialog)
        assert words in str(dialog.query_one("#frame").border_title)


async def test_what_is_the_same_is_folded_and_unfolds() -> None:
    """Three equal steps are one line; Enter shows them and folds them again."""
    a = plain_run("a" * 16, "one", "two", "three", "left", answer="l")
    b = plain_run("b" * 16, "one", "two", "three", "right", answer="r")
    async with stage(FakeDriver(a, b), size=(120, 40)) as acted:
        await acted.press("c")
        await acted.opens(RunChoiceDialog)
        await acted.press("enter")
        screen = await acted.opens(CompareScreen)
        await acted.shows("▸ 3 steps the same in both")
        assert "I look for two." not in acted.shown()
        await acted.press("home", "enter")
        await acted.shows("I look for two.")
        assert screen.view.is_open
        await acted.press("home", "enter")
        await acted.shows("▸ 3 steps")
        assert "I look for two." not in acted.shown()


async def test_a_run_is_chosen_by_typing() -> None:
    """With several runs a few letters find the one to compare with."""
    shown = plain_run("c" * 16, "x")
    others = [plain_run("a" * 16, "x", task="Why apples?"), plain_run("b" * 16, "x", task="Why pears?")]
    async with stage(FakeDriver(*others, shown), size=(120, 40)) as acted:
        await acted.press("c")
        dialog = await acted.opens(RunChoiceDialog)
        assert dialog.query_one("#choices").option_count == 2
        await acted.write("apples")
        assert dialog.query_one("#choices").option_count == 1
        await acted.write("zz")
        await acted.shows("No run has all of these words.")
        await acted.press("enter")
        assert acted.app.screen is dialog
        await acted.press("backspace", "backspace", "down", "enter")
        screen = await acted.opens(CompareScreen)
        assert (screen.a.run, screen.b.run) == (shown.run, others[0].run)
        await acted.shows("diverged at the start: they have different tasks")


async def test_the_only_run_has_nothing_to_be_compared_with() -> None:
    """A sentence says so, and how to get another."""
    async with stage(FakeDriver(plain_run("a" * 16, "x"))) as acted:
        await acted.press("c")
        await acted.until(lambda: bool(acted.notices))
        assert "no other run" in acted.notices[0]


async def test_in_the_list_the_run_under_the_cursor_is_compared() -> None:
    """c in the list of runs takes the highlighted one as the other side."""
    first, shown = plain_run("a" * 16, "x"), plain_run("b" * 16, "y")
    async with stage(FakeDriver(first, shown), size=(140, 40)) as acted:
        await acted.press("1")
        tree = acted.main.query_one(RunTree)
        tree.highlighted = next(n for n in range(2) if tree.get_option_at_index(n).id == first.run)
        screen = await open_comparison(acted)
        assert (screen.a.run, screen.b.run) == (shown.run, first.run)


async def test_another_run_takes_the_other_side() -> None:
    """c in a comparison keeps the run that was on the screen and changes what stands beside it."""
    parent, fork, _ = family()
    third = plain_run("d" * 16, "x", task="Something else?")
    async with stage(FakeDriver(third, parent, fork), size=(140, 44)) as acted:
        screen = await open_comparison(acted)
        await acted.press("c")
        await acted.opens(RunChoiceDialog)
        await acted.press("enter")
        await acted.until(lambda: acted.app.screen is screen and screen.b.run == third.run)
        assert screen.a.run == fork.run
        await acted.shows("they have different tasks")
        assert set(screen.bridge._beside) == {fork.run, third.run}


async def test_o_opens_a_side_in_the_main_screen() -> None:
    """The side with the sign is opened; the arrow keys move the sign."""
    parent, _, driver = family()
    async with stage(driver, size=(140, 44)) as acted:
        screen = await open_comparison(acted)
        assert screen.active == "b"
        await acted.press("left")
        await acted.shows("▸a a4f7c2e1")
        await acted.press("right", "left", "o")
        await acted.closes()
        await acted.until(lambda: acted.watched.run == parent.run)


async def test_the_table_is_shown_and_hidden() -> None:
    """Steps, calls, tokens, cost, time, errors of both and the difference, where there is room or it is wanted."""
    _, _, driver = family()
    async with stage(driver, size=(140, 44)) as acted:
        screen = await open_comparison(acted)
        await acted.shows("retries")
        await acted.shows("b - a")
        await acted.press("T")
        assert not screen.is_table_shown
        assert "retries" not in acted.shown()
    async with stage(family()[2], size=(80, 24)) as acted:
        await open_comparison(acted)
        assert "retries" not in acted.shown()
        await acted.press("T")
        await acted.shows("retries")


async def test_y_copies_the_comparison_as_text() -> None:
    """What is copied is what the command line prints, with both results."""
    _, _, driver = family()
    async with stage(driver, size=(140, 44)) as acted:
        await open_comparison(acted)
        await acted.press("y")
        await acted.until(lambda: any("Copied" in notice for notice in acted.notices))
        text = acted.app.clipboard
        assert "diverged at 0.1: result of 0.1 edited" in text
        assert "- sql-prepare::0 Prepared statements only last" in text
        assert "+ sql-prepare::0 Prepared statements last until" in text
        assert "retries" in text


async def test_a_narrow_screen_shows_both_below_each_other() -> None:
    """At 80 columns every line says whose it is, and nothing is lost."""
    _, _, driver = family()
    async with stage(driver, size=(80, 24)) as acted:
        await open_comparison(acted)
        await acted.shows("≠ result")
        assert "\n  a    ✓ 774 B sql-prepare::0" in acted.shown().replace("▌ ", "  ")
        assert "\n  b    ✓ ✎ 70 B sql-prepare::0" in acted.shown().replace("▌ ", "  ")


async def test_results_that_look_the_same_are_read() -> None:
    """Two results of one size and first line are compared byte for byte, and the difference appears."""
    logs = []
    for run, tail in (("a" * 16, "left!"), ("b" * 16, "right")):
        log = RunLog(run, "What?", agent=agent_record(plan="off"))
        log.step([Call("look", {"word": "x"}, f"the same first line\n{tail}")])
        logs.append(log)
    async with stage(FakeDriver(*logs), size=(120, 40)) as acted:
        await acted.press("c")
        await acted.opens(RunChoiceDialog)
        await acted.press("enter")
        screen = await acted.opens(CompareScreen)
        await acted.until(lambda: screen.compared.differences)
        await acted.shows("look 0.0: another result for the same input")


async def test_a_live_side_goes_on_and_the_place_stays() -> None:
    """New steps of a running side appear by themselves while the cursor and what is seen hold still."""
    parent = live_run()
    cut = parent.state.steps[0].finished_seq or 0
    fork = parent.fork("9c1e0b7744aa21d3", cut, address="0.1", reset={"0.1": "answered"})
    fork.edit_result("0.1", "something else")
    driver = FakeDriver(parent, fork, live=[fork.run])
    async with stage(driver, size=(120, 30)) as acted:
        screen = await open_comparison(acted)
        spot, top = screen.view.spot, screen.view.scroll_offset
        since = len(fork.records)
        fork.step([Call("search_docs", {"query": "news of the fork"}, "found")], text="Going on.")
        driver.publish(fork, since)
        await acted.until(lambda: len(screen.compared.alignment.rows) > 1 and screen.compared.alignment.rows[1].b_index)
        await acted.press("pagedown")
        await acted.shows("news of the fork")
        await acted.press("home")
        assert (spot, top) == (Spot("call", "0.1", "0.1"), screen.view.scroll_offset)


async def test_the_end_of_a_live_side_stays_in_view() -> None:
    """Whoever went to the end sees what comes next."""
    a, b = plain_run("a" * 16, "one"), RunLog("b" * 16, "What?", agent=agent_record(plan="off"))
    driver = FakeDriver(a, b, live=[b.run])
    async with stage(driver, size=(120, 16)) as acted:
        await acted.press("c")
        await acted.opens(RunChoiceDialog)
        await acted.press("enter")
        screen = await acted.opens(CompareScreen)
        await acted.until(lambda: screen.view.spot is not None)
        await acted.press("end")
        since = len(b.records)
        for number in range(12):
            b.step([Call("look", {"word": f"number {number}"}, "found")], text=f"Step number {number}.")
        driver.publish(b, since)
        await acted.until(lambda: screen.a.history.live.finished_steps == 12 and "number 11" in acted.shown())


async def test_where_the_wheel_was_turned_to_stays() -> None:
    """A look at the feed does not take the screen back to the cursor."""
    _, _, driver = family()
    async with stage(driver, size=(80, 24)) as acted:
        screen = await open_comparison(acted)
        await acted.shows("1/3")
        for _ in range(3):
            turned = events.MouseScrollDown(screen.view, 5, 5, 0, 1, 0, shift=False, meta=False, ctrl=False)
            screen.view.post_message(turned)
        await acted.until(
            lambda: screen.view.scroll_offset.y >= 3 and screen.view.scroll_offset.y == screen.view.scroll_target_y
        )
        before = screen.view.scroll_offset.y
        await acted.pilot.pause(0)
        screen.view.settle()
        assert screen.view.scroll_offset.y == before
