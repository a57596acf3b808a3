"""Strange texts in every widget class of ours: none is markup, none is changed, and each row is as wide as it says.

The classes are found by looking, so that a new one without a sample fails. What is said of all rows of a screen is
said in `test_strange_screens.py`; here each widget that draws rows itself is also asked for them one by one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widget import Widget

from tests.faults.test_strange_screens import CLICK, take_for_markup, trouble_on
from tests.faults.unguarded import without_sanitiser
from tests.faults.widget_samples import OF_OTHERS, OF_OURS, SAMPLES, Packs, Sample, classes
from tests.strange_results import strange_results
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import TURNS, Stage, stage
from workbench.events.content import normalise_text
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.flows.answers import PERMISSIONS
from workbench.views import text
from workbench.views.exact import exact_input, preview_lines
from workbench.views.segments import Segment
from workbench.views.text import cell_width, one_line

TEXTS = [normalise_text(each) for each in strange_results(2_000, seed=2_000)]
WIDE = [normalise_text(each) for each in strange_results(200, seed=200)]
SIDE, BAR = "│", "▌"
SIZE = (120, 104)
NAMED = {kind.__name__: kind for kind in SAMPLES}


class Holder(Screen[None]):
    """Shows widgets one below the other."""

    def __init__(self, shown: Sequence[Widget]) -> None:
        super().__init__()
        self._shown = shown

    def compose(self) -> ComposeResult:
        """Build them."""
        with VerticalScroll(can_focus=False):
            yield from self._shown


def rows_of_lines(screen: Screen[Any]) -> Iterator[str]:
    """Say which rows of widgets that draw rows themselves are not as wide as the widget."""
    for widget in screen.query(Widget):
        is_ours = type(widget).render_line.__module__.startswith("workbench.tui")
        if not isinstance(widget, ScrollView) or not is_ours or not widget.size:
            continue
        width = widget.scrollable_content_region.width
        for y in range(widget.scrollable_content_region.height):
            strip = widget.render_line(y)
            if not strip.cell_length == cell_len(strip.text) == cell_width(strip.text) == width:
                yield f"row {y} of {widget} has {cell_len(strip.text)} cells, not {width}: {strip.text!r}"


async def looks(acted: Stage, sample: Sample, packs: Packs) -> AsyncGenerator[None]:
    """Yield each time there is something new to look at."""
    for shown in sample.make(packs):
        if shown is not None:
            while len(acted.app.screen_stack) > 2:
                await acted.app.pop_screen()
            await acted.app.push_screen(shown if isinstance(shown, Screen) else Holder(shown))
        for _ in range(TURNS):  # to be mounted, laid out, and filled for that width
            await acted.pilot.pause(0)
        yield


async def troubles(kind: type[Widget], texts: Sequence[str]) -> list[str]:
    """Say what is wrong with a class that shows texts, at the first look at which something is."""
    sample, packs = SAMPLES[kind], Packs(texts)
    async with stage(FakeDriver(), size=SIZE) as acted, aclosing(looks(acted, sample, packs)) as every:
        async for _ in every:
            found = [*filter(None, [trouble_on(acted)]), *rows_of_lines(acted.app.screen)]
            if sample.room:
                seen = acted.shown()
                found += [
                    f"{each!r} is not shown as it is" for each in packs.now if not _stands(each, sample.room, seen)
                ]
            if found:
                return found
    return []


def _stands(each: str, room: int, seen: str) -> bool:
    return one_line(each, room).removesuffix("…").strip() in seen


def test_every_class_has_a_sample() -> None:
    """A widget class that is new shows data, or is said not to."""
    others = {kind.__name__ for kind in classes() - SAMPLES.keys()}
    assert others == OF_OURS | OF_OTHERS


@pytest.mark.parametrize("name", NAMED)
async def test_strange_texts_in_every_widget(name: str) -> None:
    """2,000 texts in each widget, 400 in each dialog: nothing breaks or is clicked, and rows are as wide as columns."""
    kind = NAMED[name]
    assert await troubles(kind, TEXTS[:400] if issubclass(kind, Screen) else TEXTS) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, kind in NAMED.items() if issubclass(kind, Screen)])
async def test_two_thousand_strange_texts_in_every_dialog(name: str) -> None:
    """All of them in each dialog, too."""
    assert await troubles(NAMED[name], TEXTS) == []


def crooked(acted: Stage) -> str:
    """Say which row of a question has its border, or the bar beside its data, somewhere else than the others."""
    frame, fence = (acted.app.screen.query_one(name).region for name in ("#frame", "#fence"))
    columns = {column for region in (frame, fence) for column in (region.x, region.right - 1)}
    for y, strip in enumerate(acted.app.screen._compositor.render_strips()):
        if frame.y < y < frame.bottom - 1:
            sides = {strip.crop(x, x + 1).text for x in (frame.x, frame.right - 1)}
            bar = strip.crop(fence.x, fence.x + 1).text if fence.y <= y < fence.bottom else BAR
            widths = {cell_len(strip.text), cell_width(strip.text)}
            if sides != {SIDE} or bar != BAR or widths != {acted.app.size.width}:
                return f"row {y}: {strip.text!r}, columns {sorted(columns)}"
    return ""


async def ask_about(acted: Stage, strange: str) -> str:
    """Ask whether a call with a strange input may run; say what is crooked in the question."""
    exact = exact_input({"path": strange, strange[:20]: [strange]})
    facts = ((Segment(one_line(strange, 60), "muted"),), *exact.facts)
    fenced = (*preview_lines(strange), *exact.lines)
    await acted.app.push_screen(ChoiceDialog("May this call run?", facts, PERMISSIONS, fenced=fenced))
    for _ in range(TURNS):
        await acted.pilot.pause(0)
    found = crooked(acted)
    await acted.app.pop_screen()
    return found


async def test_a_question_has_the_same_columns_in_each_line() -> None:
    """However wide the characters of a call are, border and bar stand where they stand beside plain ones: 200 texts."""
    async with stage(FakeDriver(), size=(100, 40)) as acted:
        assert [found for each in WIDE if (found := await ask_about(acted, each))] == []


# What is checked above is seen to fail

EDITORS = {"Field", "Editor", "ForkDialog", "NoteDialog", "ExportDialog", "QuestionDialog", "EditDialog", "Prompt"}
"""What shows data only where it is typed, which no sanitiser of the views and no markup touches."""
DRAWN = {"Inspector", "Folds", "Text", "Timeline", "Comparison", "DifferenceDialog"}
"""What draws its rows itself, and has no markup."""


async def test_in_every_widget_a_click_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where texts are taken for markup, each class shows one that can be clicked, or breaks."""
    take_for_markup(monkeypatch)
    unseen = {name for name in NAMED.keys() - EDITORS - DRAWN if not await trouble(name, [CLICK] * 30)}
    assert unseen == set()


async def test_in_every_widget_a_raw_text_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what makes texts harmless, each class shows one that is not."""
    without_sanitiser(monkeypatch.setattr)
    unseen = {name for name in NAMED.keys() - EDITORS if not await trouble(name, ["a\ufe0f", "❤\ufe0f b"] * 15)}
    assert unseen == set()


async def test_with_characters_for_cells_rows_would_be_crooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where widths are counted in characters, rows of wide ones are found out."""
    monkeypatch.setattr(text, "_cells", lambda _: 1)
    assert await trouble("Timeline", ["你好世界" * 9] * 10)
    assert await trouble("Inspector", ["你好世界" * 9] * 10)


async def test_a_question_with_a_raw_text_would_be_crooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what makes texts harmless, a row of a question is found out whose width nobody agrees on."""
    async with stage(FakeDriver(), size=(100, 40)) as acted:
        assert await ask_about(acted, "a\ufe0f❤\ufe0f") == ""
        without_sanitiser(monkeypatch.setattr)
        assert await ask_about(acted, "a\ufe0f❤\ufe0f")


async def trouble(name: str, texts: Sequence[str]) -> bool:
    """Whether something is wrong with a class that shows texts."""
    try:
        return bool(await troubles(NAMED[name], texts))
    except Exception:  # noqa: BLE001 - whatever a mistake leads to
        return True
