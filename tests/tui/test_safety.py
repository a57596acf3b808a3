"""No text, however it comes to the screen, is obeyed by the terminal."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import cast

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.color import Color
from textual.containers import VerticalScroll
from textual.content import Content
from textual.filter import LineFilter
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import DataTable, Log, OptionList, RichLog, Static, TextArea

from workbench.tui.safety import SafetyFilter

HOSTILE = "a\x1b]0;owned\x07b\x1b[2Jc\x9b31md\u202ee\u200bf\U000e0041g\x1bch"
BLACK = Color(0, 0, 0)

# What Textual itself sends: colours and the moves to the start of a row or of a changed span.
OWN_SEQUENCES = re.compile(r"\x1b\[[0-9;]*[mH]|\n")
COMMANDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u202e\U000e0041]")


class RawRow(Widget):
    """A widget that draws what it was given, without a thought."""

    def render_line(self, y: int) -> Strip:
        """Draw the same hostile row everywhere."""
        style = Style(link="https://example.org/\x1b\\\x1b[2J") if y else None
        return Strip([Segment(HOSTILE, style)], cell_len(HOSTILE))


class CarelessApp(App[None]):
    """An app that shows hostile text in all the ways in which a widget can forget to make it inert."""

    def __init__(self, filters: Sequence[LineFilter]) -> None:
        super().__init__()
        self._nets = filters

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's own filters and the one under test."""
        return [*super().get_line_filters(), *self._nets]

    def compose(self) -> ComposeResult:
        """Show it in one widget of each kind."""
        with VerticalScroll():
            yield RawRow(classes="row")
            yield Static(HOSTILE, markup=False)
            yield Static(Text(HOSTILE))
            yield Static(Content(HOSTILE))
            yield OptionList(Content(HOSTILE))
            yield TextArea(HOSTILE)
            yield DataTable[str]()
            yield Log()
            yield RichLog()

    def on_mount(self) -> None:
        """Fill those which take their text later, and a title."""
        for widget in self.query_one(VerticalScroll).children:
            widget.styles.height = 3
        self.query_one(RawRow).border_title = Content(HOSTILE)
        self.query_one(RawRow).styles.border = ("round", "white")
        table = self.query_one(DataTable)
        table.add_column(Text(HOSTILE))
        table.add_row(Text(HOSTILE))
        self.query_one(Log).write(HOSTILE)
        self.query_one(RichLog).write(HOSTILE)
        self.notify(HOSTILE, markup=False)


async def output(app: CarelessApp) -> str:
    """Return what a terminal would be sent for one whole screen."""
    async with app.run_test(size=(80, 48)) as pilot:
        await pilot.pause()
        update = cast("CompositorUpdate", app.screen._compositor.render_update(full=True))
        return update.render_segments(app.console)


async def test_no_widget_can_send_a_command_to_the_terminal() -> None:
    """Hostile text in any widget, title or notification is seen as text and changes nothing else."""
    sent = await output(CarelessApp([SafetyFilter()]))
    assert "]0;owned" in sent
    assert COMMANDS.findall(OWN_SEQUENCES.sub("", sent)) == []


async def test_without_the_filter_they_could() -> None:
    """The check above sees the danger that the filter takes away."""
    sent = await output(CarelessApp([]))
    assert {"\x1b", "\x07", "\x9b", "\u202e"} <= set(COMMANDS.findall(OWN_SEQUENCES.sub("", sent)))


def test_a_clean_row_is_passed_on_as_it_is() -> None:
    """Drawing costs nothing more where there is nothing to do."""
    row = [Segment("STEP 0 · ✓ 你好", Style(bold=True, link="https://example.org/a?b#c")), Segment("▇▇▇▸")]
    assert SafetyFilter().apply(row, BLACK) is row


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\x1bb", "a\u2028b", "a\ud800b"])
def test_a_row_keeps_its_width_and_its_style(text: str) -> None:
    """A replaced character does not push the rest of the screen aside."""
    style = Style(color="red")
    row = [Segment(text, style), Segment("   ")]
    safe = SafetyFilter().apply(row, BLACK)
    assert safe[0] == Segment("a\ufffdb", style)
    assert Segment.get_line_length(safe) == Segment.get_line_length(row)


def test_a_link_that_holds_a_command_is_dropped() -> None:
    """A hostile address is not sent along with harmless text."""
    row = [Segment("click", Style(bold=True, link="x\x1b\\\x1b[2J")), Segment("me", Style(link="https://x"))]
    safe = SafetyFilter().apply(row, BLACK)
    assert [segment.text for segment in safe] == ["click", "me"]
    assert [segment.style.link for segment in safe if segment.style] == [None, "https://x"]
    assert safe[0].style is not None
    assert safe[0].style.bold


def test_two_thousand_random_texts() -> None:
    """No text that anybody can make up gets a command through."""
    chance = random.Random(7)
    codes = [*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x202E, 0xE0041, 0x1F600, 0x4F60, *range(0x20, 0x7F)]
    safety = SafetyFilter()
    for _ in range(2_000):
        text = "".join(map(chr, chance.choices(codes, k=chance.randrange(40))))
        row = [Segment(text), Segment(" " * 40)]
        safe = safety.apply(row, BLACK)
        assert COMMANDS.findall("".join(segment.text for segment in safe)) == []
        assert Segment.get_line_length(safe) == Segment.get_line_length(row)
