"""Everything that is shown can be used with the mouse: lists, lanes, the line of keys, the playhead, dialogs."""

from __future__ import annotations

from functools import partial

import pytest
from textual import events
from textual.widget import Widget
from textual.widgets import OptionList

from tests.builders import researched_run, troubled_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import CALL, Stage, driven, select, stage
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.widgets.inspector import Inspector
from workbench.tui.widgets.playhead import PlayheadLine
from workbench.tui.widgets.run_tree import RunTree
from workbench.tui.widgets.timeline import Timeline
from workbench.views.playhead import Bar
from workbench.views.selection import Selection


def place_of(acted: Stage, text: str) -> tuple[int, int]:
    """Return where a text stands on the screen."""
    for y, row in enumerate(acted.shown().split("\n")):
        if text in row:
            return row.index(text), y
    raise AssertionError(f"{text!r} is not shown")


async def test_a_click_opens_a_run() -> None:
    """A run of the list is opened by a click on its line."""
    parent, fork = researched_run(), researched_run("b0c4d2e19b305d68")
    async with stage(FakeDriver(parent, fork), run=fork.run) as acted:
        row = [option.id for option in acted.main.query_one(RunTree).options].index(parent.run)
        await acted.pilot.click(RunTree, offset=(3, row))
        await acted.until(lambda: acted.watched.run == parent.run)


async def test_a_click_selects_a_lane_and_a_second_opens_it() -> None:
    """A call is selected where it is clicked; a double click goes to the inspector."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.pilot.click(offset=place_of(acted, "fetch_doc"))
        await acted.until(lambda: acted.main.selection.call == "0.2")
        await acted.pilot.click(offset=place_of(acted, "fetch_doc"), times=2)
        await acted.until(lambda: acted.main.focused is acted.main.query_one(Inspector))


def is_scrolled(widget: Widget) -> bool:
    """Whether the top is out of sight."""
    return widget.scroll_offset.y > 0


async def test_the_wheel_scrolls_what_is_under_it() -> None:
    """Timeline and inspector move under the wheel, wherever the focus is."""
    async with stage(FakeDriver(researched_run()), size=(120, 20)) as acted:
        await select(acted, CALL)
        await acted.pilot.pause(0)
        for kind in (Timeline, Inspector):
            widget = acted.main.query_one(kind)
            widget.scroll_to(y=0, animate=False)
            await acted.pilot.pause(0)
            x, y = widget.region.center
            turned = events.MouseScrollDown(None, int(x), int(y), 0, 0, 0, False, False, False)
            acted.app.post_message(turned)
            await acted.until(partial(is_scrolled, widget))


async def test_a_click_answers_in_a_dialog() -> None:
    """An answer of a dialog is given by a click on its line."""
    log = troubled_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, Selection("call", step=2, call="2.2"))
        await acted.press("a")
        dialog = await acted.opens(ChoiceDialog)
        options = dialog.query_one(OptionList)
        row = [option.id for option in options.options].index("once")
        await acted.pilot.click(options, offset=(4, row))
        await acted.until(lambda: len(driver.commands) == 1)


async def test_a_click_on_the_bar_moves_the_playhead() -> None:
    """The beginning of the bar is the first event, its end the last, which is followed again."""
    async with stage(FakeDriver(researched_run())) as acted:
        line = acted.main.query_one(PlayheadLine)
        text = line.render().plain
        await acted.pilot.click(PlayheadLine, offset=(1 + text.index("━"), 0))
        await acted.until(lambda: acted.watched.playhead == 0)
        await acted.shows("PLAYHEAD 0/")
        text = line.render().plain
        await acted.pilot.click(PlayheadLine, offset=(1 + text.rindex("─"), 0))
        await acted.until(lambda: acted.watched.playhead is None)
        await acted.pilot.click(PlayheadLine, offset=(1 + text.index("event"), 0))
        assert acted.watched.playhead is None


async def test_the_playhead_can_be_dragged() -> None:
    """Held down, the mouse takes the playhead along, past the ends of the bar too; let go, it stays."""
    async with stage(FakeDriver(researched_run())) as acted:
        text = acted.main.query_one(PlayheadLine).render().plain
        start, end = text.index("━"), text.index("●")
        await acted.pilot.mouse_down(PlayheadLine, offset=(1 + end - 10, 0))
        await acted.until(lambda: acted.watched.playhead is not None)
        before = acted.watched.position
        await acted.pilot.hover(PlayheadLine, offset=(1 + (start + end) // 2, 0))
        await acted.until(lambda: 0 < acted.watched.position < before)
        await acted.pilot.hover(PlayheadLine, offset=(0, -5))
        await acted.until(lambda: acted.watched.playhead == 0)
        await acted.pilot.mouse_up(PlayheadLine, offset=(0, -5))
        await acted.pilot.hover(PlayheadLine, offset=(30, 0))
        await acted.pilot.pause(0)
        assert acted.watched.playhead == 0


@pytest.mark.parametrize(("x", "seq"), [(0, 0), (2, 0), (7, 20), (12, 40), (99, 40)])
def test_a_cell_stands_for_an_event(x: int, seq: int) -> None:
    """Both ends of the bar are both ends of the run; beside it the nearest end is meant."""
    assert Bar(start=2, cells=11).position(x, 40) == seq
