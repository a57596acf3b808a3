"""A list of more runs than anybody reads: it begins with the newest, and goes on where a person comes to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import OptionList

from tests.run_log import START, RunLog
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, stage
from workbench.driver.commands import Command, ListRuns
from workbench.driver.feed import RunsChanged
from workbench.errors import StoreError
from workbench.tui import bridge
from workbench.tui.dialogs import run_choice
from workbench.tui.widgets.run_tree import OLDER, RunTree
from workbench.views.run_tree import tree_rows

RUNS, PAGE = 150, 60


def many() -> FakeDriver:
    """Return a driver with many runs, run 0 the oldest."""
    return FakeDriver(*(RunLog(name(number), at=START + number) for number in range(RUNS)))


def name(number: int) -> str:
    """Return the id of a run."""
    return f"{number:04x}{'0' * 12}"


class Refusing:
    """Asks a driver, which cannot read the list."""

    def __init__(self, ask: Callable[[Command], Awaitable[Any]]) -> None:
        self._ask, self.times = ask, 0

    async def __call__(self, command: Command) -> Any:
        """Ask."""
        if isinstance(command, ListRuns):
            self.times += 1
            raise StoreError("the database cannot be read")
        return await self._ask(command)


def runs(listed: RunTree) -> int:
    """Return how many runs are listed."""
    return sum(option.id is not None for option in listed.options)


def has_more(listed: RunTree) -> bool:
    """Whether the list says at its end that there are older runs."""
    assert all(option.id is not None for option in listed.options[:-1])
    return str(listed.options[-1].prompt) == OLDER


@asynccontextmanager
async def first_page(
    monkeypatch: pytest.MonkeyPatch, driver: FakeDriver | None = None
) -> AsyncIterator[tuple[Stage, RunTree]]:
    """Show the first page of many runs, with the focus on the list."""
    monkeypatch.setattr(bridge, "PAGE", PAGE)
    async with stage(driver or many()) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.press("1")
        await acted.until(lambda: runs(listed) == PAGE)
        yield acted, listed


async def test_older_runs_join_at_the_end_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list has one page; going to its end brings the next, and the cursor stays on its run."""
    async with first_page(monkeypatch) as (acted, listed):
        assert has_more(listed)
        last = listed.options[PAGE - 1].id
        await acted.press("end")
        await acted.until(lambda: runs(listed) == 2 * PAGE)
        assert listed.highlighted_run == last
        assert has_more(listed)
        await acted.press("end")
        await acted.until(lambda: runs(listed) == RUNS)
        assert not has_more(listed)
        await acted.press("end")
        await acted.pilot.pause()
        assert runs(listed) == RUNS


async def test_page_down_comes_to_the_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last page has the line that is none to stand on: the cursor stands on the run above it."""
    async with first_page(monkeypatch) as (acted, listed):
        last = listed.options[PAGE - 1].id
        while runs(listed) == PAGE:
            await acted.press("pagedown")
            assert listed.highlighted_run is not None
            if listed.highlighted_run == last:
                await acted.until(lambda: runs(listed) == 2 * PAGE)


async def test_a_page_that_cannot_be_read_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list says on that there are older runs, and the next time at its end brings them."""
    driver = many()
    async with first_page(monkeypatch, driver) as (acted, listed):
        with monkeypatch.context() as patch:
            patch.setattr(driver, "ask", refused := Refusing(driver.ask))
            await acted.press("end")
            await acted.until(lambda: refused.times)
        acted.main._show_rows()
        assert has_more(listed)
        await acted.press("home", "end")
        await acted.until(lambda: runs(listed) == 2 * PAGE)


async def test_a_list_that_was_whole_after_all_says_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many runs as fit one page: at its end it is seen that there are no older ones."""
    monkeypatch.setattr(bridge, "PAGE", RUNS)
    async with stage(many()) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.press("1")
        await acted.until(lambda: runs(listed) == RUNS)
        assert has_more(listed)
        await acted.press("end")
        await acted.until(lambda: not has_more(listed))
        assert runs(listed) == RUNS


async def test_a_list_that_becomes_empty_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its last line spoke of older runs."""
    monkeypatch.setattr(bridge, "PAGE", PAGE)
    async with stage(many()) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.until(lambda: runs(listed) == PAGE)
        listed.show([], "")
        assert listed.option_count == 0


async def test_the_bar_is_dragged_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as the mouse goes, and for as long as it moves there."""
    async with first_page(monkeypatch) as (acted, listed):
        bar = listed.vertical_scrollbar.region
        assert await acted.pilot.mouse_down(offset=(bar.x, bar.y))
        await acted.pilot.hover(offset=(bar.x, bar.bottom - 1))
        await acted.pilot.mouse_up(offset=(bar.x, bar.bottom - 1))
        await acted.until(lambda: runs(listed) > PAGE)


async def test_clicks_below_the_bar_come_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each goes down a page, and the last brings older runs."""
    async with first_page(monkeypatch) as (acted, listed):
        bar = listed.vertical_scrollbar.region
        assert await acted.pilot.click(offset=(bar.x, bar.bottom - 1))
        await acted.until(lambda: listed.scroll_y == bar.height)
        assert runs(listed) == PAGE
        assert await acted.pilot.click(offset=(bar.x, bar.bottom - 1))
        await acted.until(lambda: runs(listed) == 2 * PAGE)


async def test_the_run_on_the_screen_is_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is older than all that are listed; the cursor goes to it."""
    monkeypatch.setattr(bridge, "PAGE", PAGE)
    oldest = name(0)
    async with stage(many(), run=oldest) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.until(lambda: runs(listed) == PAGE + 1)
        assert listed.highlighted_run == oldest
        await acted.pilot.pause()
        assert runs(listed) == PAGE + 1  # nobody went to the end


async def test_a_run_that_comes_to_rest_stays_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """However old it is: a person who heard of it looks for it there, and is called when it waits."""
    monkeypatch.setattr(bridge, "PAGE", PAGE)
    driver, oldest = many(), name(0)
    driver.live.add(oldest)
    async with stage(driver) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.until(lambda: runs(listed) == PAGE + 1)
        driver.live.discard(oldest)
        driver.feed.publish(RunsChanged())
        await acted.until(lambda: not any(row.live for row in acted.main.bridge.rows))
        assert runs(listed) == PAGE + 1


async def test_a_choice_of_runs_finds_those_that_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows the newest that fit, and typing finds any."""
    monkeypatch.setattr(bridge, "PAGE", PAGE)
    monkeypatch.setattr(run_choice, "MOST", 20)
    async with stage(many(), run=name(RUNS - 1)) as acted:
        await acted.press("c")
        await acted.until(lambda: isinstance(acted.app.screen, run_choice.RunChoiceDialog))
        choices = acted.app.screen.query_one("#choices", OptionList)
        await acted.until(lambda: choices.option_count == 20)
        await acted.press(*name(7)[:4])
        await acted.until(lambda: choices.option_count == 1)


def test_a_name_is_long_enough_among_all_runs() -> None:
    """What stands in the list can be typed on the command line, although the run that it is like is not listed."""
    driver = many()
    (row, *_) = driver.rows()
    text = "".join(piece for piece, _ in tree_rows([replace(row, unique=9)], 40)[0].line)
    assert f" {row.id[:9]} " in text


def sees_cursor(listed: RunTree) -> bool:
    """Whether the cursor's row is on the screen."""
    at, top = listed.highlighted, round(listed.scroll_y)
    return at is not None and top <= at < top + listed.scrollable_content_region.height


@pytest.mark.parametrize("run", [20, 149])
async def test_a_list_that_is_shown_shows_its_cursor(run: int) -> None:
    """In a narrow terminal the list is shown only when a person goes there, long after its cursor was set."""
    async with stage(many(), run=name(run), size=(80, 24)) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.until(lambda: listed.highlighted_run == name(run))
        for _ in range(2):
            await acted.press("1")
            await acted.until(lambda: listed.size.height > 0)
            assert listed.highlighted_run == name(run)
            assert sees_cursor(listed)
            await acted.press("2")


async def test_a_list_that_gets_the_focus_shows_its_cursor() -> None:
    """The wheel leads away from the cursor; going to the list by key leads back."""
    async with stage(many(), run=name(20), size=(140, 24)) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.until(lambda: listed.highlighted_run == name(20))
        listed.scroll_to(y=0, animate=False, immediate=True)
        assert not sees_cursor(listed)
        await acted.press("1")
        assert sees_cursor(listed)


async def test_a_click_takes_the_row_that_it_is_on() -> None:
    """The focus that comes with a click moves nothing under the mouse."""
    async with stage(many(), run=name(20), size=(140, 24)) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.until(lambda: listed.highlighted_run == name(20))
        listed.scroll_to(y=0, animate=False, immediate=True)
        await acted.pilot.pause()
        await acted.pilot.click(RunTree, offset=(5, 3))
        await acted.until(lambda: acted.watched.run == name(146))


async def test_a_list_that_shrinks_still_shows_its_cursor() -> None:
    """A window that gets smaller takes no row away from under the cursor."""
    async with stage(many(), run=name(RUNS - 1), size=(140, 36)) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.press("1", *["down"] * 18)
        before = listed.size.height
        assert sees_cursor(listed)
        await acted.pilot.resize_terminal(140, 18)
        await acted.until(lambda: listed.size.height < before)
        assert listed.highlighted_run == name(RUNS - 19)
        await acted.pilot.pause()
        assert sees_cursor(listed)
