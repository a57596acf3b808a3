"""Strange text in an editor or a line: shown without harm, and unchanged where nobody changed it."""

from __future__ import annotations

import pytest
from hypothesis import given
from textual.app import App, ComposeResult

from tests.builders import Call, RunLog, agent_record
from tests.strange import strange_text
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import select, stage
from workbench.driver.commands import ForkRun
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.widgets.field import Editor, Field
from workbench.tui.widgets.stand_ins import StandIns
from workbench.views.selection import Selection

ODD = "a\x0cb\x85c\rd\u2028e\x1cf\u200bg❤️h\ue000i\U000e0041"
CALL = Selection("call", step=0, call="0.0")


class Writing(App[None]):
    """An app with an editor and a line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Build both."""
        yield Editor(self._text)
        yield Field(self._text)


@given(strange_text(80))
def test_what_stands_in_comes_out(text: str) -> None:
    """Whatever it is, it comes out as it went in, and is drawn letter by letter."""
    letters = StandIns()
    put = letters.put(text)
    assert letters.take(put) == text
    assert len(letters.show(put)) == len(put) == len(text)
    assert put.splitlines() == put.replace("\r\n", "\n").split("\n")[: len(put.splitlines())]


@pytest.mark.parametrize("text", [ODD, "a\r\nb\r\n", "a\r\nb\nc", "\n", "", "a\tb", "\ue000\ue001"])
async def test_only_what_is_typed_changes(text: str) -> None:
    """One letter typed into a text with odd line ends and hidden letters leaves all others as they are."""
    async with Writing(text).run_test() as pilot:
        editor = pilot.app.query_one(Editor)
        assert editor.text == text
        editor.focus()
        await pilot.press("x")
        assert editor.text == f"x{text}"
        editor.select_all()
        assert editor.selected_text == f"x{text}"
        editor.insert(ODD, (0, 0))
        assert editor.text == f"{ODD}x{text}"


async def test_nothing_strange_is_drawn() -> None:
    """In both, a letter that hides or would be obeyed is seen as one that cannot be shown, in its own cell."""
    async with Writing("a\x1b\u200bb❤️\U0001f44d\U0001f3fd\ue0a0.").run_test() as pilot:
        drawn = [strip.text for strip in pilot.app.screen._compositor.render_strips()]
        assert sum("a\ufffd\ufffdb❤\ufffd\U0001f44d\ufffd\ue0a0." in line for line in drawn) == 2


async def test_a_strange_result_is_left_as_it_was() -> None:
    """Who opens a result with form feeds and half line ends and changes nothing has changed nothing."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("fetch", {}, ODD)])
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("e")
        await acted.opens(EditDialog)
        await acted.press("ctrl+s")
        await acted.shows("Nothing is changed yet")
        await acted.press("x", "ctrl+s")
        await acted.shows("What the fork does")
        driver.answers[ForkRun] = lambda command: command.run
        await acted.press("enter")
        await acted.until(lambda: any(isinstance(command, ForkRun) for command in driver.commands))
        command = driver.commands[-1]
        assert command.edits.results == {"0.0": f"x{ODD}"}
