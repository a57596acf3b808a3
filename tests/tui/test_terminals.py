"""Terminals of all kinds: tiny, without colour, resized while one types, with wide and backward text in the data."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.widgets import Input, OptionList
from wcwidth import wcswidth

from tests.builders import Call, RunLog, live_run, researched_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import CALL, Stage, driven, select, stage
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.dialogs.help import HelpDialog
from workbench.tui.widgets.field import Editor
from workbench.tui.widgets.run_tree import RunTree
from workbench.views.selection import Selection

SIZES = ((80, 24), (200, 60), (60, 20), (119, 24), (120, 24), (30, 8), (80, 24))


def by_size(size: tuple[int, int]) -> str:
    """Name a test by its size."""
    return "×".join(map(str, size))


async def resize(acted: Stage, width: int, height: int) -> None:
    """Give the terminal another size, and wait until the screen has it."""
    await acted.pilot.resize_terminal(width, height)
    await acted.until(lambda: acted.app.size == (width, height) and len(acted.shown().split("\n")) == height)


@pytest.mark.parametrize(
    "size", [(40, 10), (20, 5), (10, 3), (3, 2), (1, 1)], ids=lambda size: "×".join(map(str, size))
)
async def test_no_terminal_is_too_small_to_go_on(size: tuple[int, int]) -> None:
    """However little room there is, every dialog opens and closes, and with room again everything is there."""
    async with stage(FakeDriver(researched_run()), size=size) as acted:
        await select(acted, CALL)
        for key in ("f", "n", "t", "?", "m", "e", "ctrl+p", "1", "3"):
            await acted.press(key, "down", "escape", "escape")
        await resize(acted, 80, 24)
        await acted.until(lambda: acted.app.screen is acted.main)
        await acted.shows("completed")


async def test_resizing_keeps_cursor_and_place() -> None:
    """Whatever sizes a terminal goes through, the selected call and the run under the cursor stay selected and seen."""
    log = researched_run()
    others = [researched_run(f"{number:02x}c4d2e19b305d68") for number in range(40)]
    async with stage(FakeDriver(*others, log), run=log.run, size=SIZES[0]) as acted:
        tree = acted.main.query_one(RunTree)
        await select(acted, CALL)
        await acted.press("1", *["down"] * 25, "2")
        highlighted = tree.highlighted_run
        for size in SIZES[1:]:
            await resize(acted, *size)
            assert acted.main.selection == CALL
            assert tree.highlighted_run == highlighted
            assert acted.main.panes.current == "timeline"
            if size[1] > 10:
                assert "┏ search_docs" in acted.shown()


async def test_resizing_keeps_the_end_of_a_run_that_goes_on() -> None:
    """Whoever follows the end follows it at every size."""
    log = live_run(6)
    async with stage(driven(log), size=SIZES[0]) as acted:
        assert acted.main.timeline.is_following
        for size in SIZES[1:]:
            await resize(acted, *size)
            assert acted.main.timeline.is_following
            assert acted.main.timeline.scroll_offset.y == acted.main.timeline.max_scroll_y


async def test_resizing_keeps_what_was_typed() -> None:
    """The words in a prompt and in an editor, with their cursors, survive every size."""
    async with stage(FakeDriver(researched_run()), size=SIZES[0]) as acted:
        await acted.press("m")
        await acted.write("half a mess")
        await acted.press("left", "left")
        field = acted.app.focused
        assert isinstance(field, Input)
        for size in SIZES[1:]:
            await resize(acted, *size)
            assert (field.value, field.cursor_position, acted.app.focused) == ("half a mess", 9, field)
        await acted.press("escape")
        await select(acted, CALL)
        await acted.press("e")
        dialog = await acted.opens(EditDialog)
        editor = dialog.query_one(Editor)
        await acted.until(lambda: editor.has_focus)
        await acted.press("down", "down", "end")
        await acted.write("!")
        text, place = editor.text, editor.cursor_location
        for size in SIZES[1:]:
            await resize(acted, *size)
            assert (editor.text, editor.cursor_location, acted.app.focused) == (text, place, editor)


STRANGE = {
    "wide": "你好，世界：数据库连接池" * 8,
    "emoji": "👍🏽 👩‍👩‍👧 🇫🇷 ❤️ ✈️ 🏳️‍🌈 " * 8,
    "combining": "e\u0301o\u0308n\u0303 Z\u0351\u036b\u0343 " * 12,
    "backward": "שלום עולם \u202eabc\u202c مرحبا بالعالم " * 6,
    "mixed": "ＡＢ ½ ａ你b好c\u200bd\u00ade\ufefff \t tab " * 8,
}


def strange_run(text: str) -> RunLog:
    """Return a run in which everything that a stranger writes is strange."""
    log = RunLog(task=text)
    log.plan([f"SEARCH: {text}"])
    log.plan_step(0)
    log.step(
        [Call("look", {"query": text, text[:20]: [text]}, text * 3), Call("look", {"query": text}, text)], text=text
    )
    log.say(text)
    log.answer(text, [(text[:30], text[:50])])
    return log


@pytest.mark.parametrize("size", [(80, 24), (161, 41)], ids=by_size)
@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
async def test_strange_text_pushes_nothing_aside(text: str, size: tuple[int, int]) -> None:
    """Every row of every screen is as wide as the terminal, whatever widths the text in it has."""
    log = strange_run(text)
    async with stage(FakeDriver(log), size=size) as acted:
        for keys in ([], ["1"], ["3"], ["2", "up"], ["f"], ["escape", "e"], ["escape", "m"], ["escape", "ctrl+p"]):
            await acted.press(*keys)
            check_rows(acted, size[0])
            if keys == ["2", "up"]:
                acted.main.timeline.select(Selection("call", step=0, call="0.1"))
                await acted.pilot.pause(0)
                check_rows(acted, size[0])


def check_rows(acted: Stage, width: int) -> None:
    """Fail where a row is wider or narrower than the terminal, in the cells of Textual or of wcwidth."""
    for strip in acted.app.screen._compositor.render_strips():
        assert strip.cell_length == width, strip.text
        assert wcswidth(strip.text) == width, strip.text


async def test_without_colour_the_cursor_is_still_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR the line under the cursor is told by more than its ground, and the selected call by its frame."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage(FakeDriver(researched_run(), researched_run("b0c4d2e19b305d68"))) as acted:
        await acted.press("1")
        style = acted.main.query_one(RunTree).get_visual_style("option-list--option-highlighted")
        assert style.underline
        await acted.press("2")
        await select(acted, CALL)
        assert "┏ search_docs" in acted.shown()
        await acted.press("t")
        await acted.until(lambda: isinstance(acted.app.focused, OptionList) and acted.app.focused.id == "names")
        names = acted.app.screen.query_one("#names", OptionList)
        assert names.get_visual_style("option-list--option-highlighted").underline


async def test_with_colour_nothing_is_underlined() -> None:
    """Where colours are seen, the ground is enough."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("1")
        assert not acted.main.query_one(RunTree).get_visual_style("option-list--option-highlighted").underline
        assert acted.main.styles.background != Color(0, 0, 0)


async def test_words_of_an_input_method_arrive_whole() -> None:
    """What an input method sends at once, several signs or one that is composed, is text like any other."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("m")
        field = acted.app.focused
        assert isinstance(field, Input)
        for sign in ("日", "本", "語", "é", "👍"):
            await acted.press(sign)
        assert field.value == "日本語é👍"
        await acted.press("escape", "?")
        await acted.opens(HelpDialog)
