"""Strange runs on the screens: everything that a terminal is sent is ours, and no text is taken as markup.

What is checked is the whole output at each moment of the tours: only colours and moves of Textual's own, rows of the
width of the screen, no click and no link that came out of a text, and nothing that broke on the way.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest
from rich.cells import cell_len
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.content import Content
from textual.filter import LineFilter
from textual.markup import MarkupError

from tests.faults.unguarded import without_sanitiser
from tests.strange_results import CANARIES, strange_results
from tests.strange_tour import ENDED, PAGES, TOURS, say_strange_things, strange_driver
from tests.tui.kit import Stage, stage
from workbench.tui import paint
from workbench.tui.base_app import BaseApp
from workbench.views.segments import Segment
from workbench.views.text import UNSAFE, UNSTEADY, cell_width, inert

OWN_SEQUENCES = re.compile(r"\x1b\[[0-9;]*[mH]|\n")
RESULTS = strange_results(300, seed=300)
A_TOUR = 100


def trouble_on(acted: Stage) -> str:
    """Say what is wrong with what stands on the screen; nothing where all is well."""
    compositor = acted.app.screen._compositor
    update = cast("CompositorUpdate", compositor.render_update(full=True))
    sent = update.render_segments(acted.app.console)
    shown = OWN_SEQUENCES.sub("", sent)
    if found := CANARIES.search(sent) or UNSAFE.search(shown) or UNSTEADY.search(shown):
        return f"{found[0]!r} reaches the terminal in {found.string[max(0, found.start() - 60) : found.end() + 20]!r}"
    for strip in compositor.render_strips():
        if not cell_width(strip.text) == cell_len(strip.text) == acted.app.size.width:
            return f"{strip.text!r} is not as wide as the screen"
        for _, style, _ in strip:
            if style is not None and (style.link is not None or "@click" in style.meta):
                return f"{strip.text!r} can be clicked: {style.link} {style.meta}"
    return ""


async def take(acted: Stage, run: str) -> None:
    """Take the tour of the run on the screen, looking at everything."""
    for keys, sees in TOURS[run]:
        for key in keys:
            await acted.press(key)
            assert trouble_on(acted) == "", f"after {key} of {keys}"
        await acted.shows(sees)
        assert trouble_on(acted) == "", sees


TRIPS = [(run, first) for run in TOURS for first in range(0, len(RESULTS), A_TOUR) if run != ENDED or not first]


@pytest.mark.parametrize(("run", "first"), TRIPS)
async def test_strange_runs_on_every_screen(run: str, first: int) -> None:
    """Whatever a run says, on all screens and dialogs it is text, and every key still works."""
    texts = RESULTS[first : first + A_TOUR]
    driver = strange_driver(texts)
    async with stage(driver, run=run) as acted:
        say_strange_things(driver, texts)
        await take(acted, run)


CLICK = "[@click=app.quit()]x[/][red]"
SHORT = (CLICK, "\x1b[2Ja", "a\u202eb", "你\u200b好", "❤️", "[/]", "\x9b31mc", "👍🏽")


@pytest.mark.parametrize("text", SHORT)
async def test_what_is_shown_is_what_it_says(text: str) -> None:
    """Where there is room, a strange text stands there letter for letter, with a sign for what cannot be shown."""
    driver = strange_driver([text])
    async with stage(driver, run=PAGES, size=(160, 50)) as acted:
        await acted.press("2", "home", "down", "down", "down", "down", "down")
        await acted.until(lambda: acted.shown().count(inert(text)) >= 6, acted.shown())
        assert trouble_on(acted) == ""
        acted.app.say(text)
        await acted.shows(f"▌ {inert(text)}")
        assert trouble_on(acted) == ""


# What is checked above is seen to fail


async def trouble_of(texts: Sequence[str], *keys: str) -> str:
    """Say what is wrong with the main screen of a strange run, after some keys."""
    async with stage(strange_driver(texts), run=PAGES) as acted:
        await acted.press(*keys)
        return trouble_on(acted)


async def test_without_filter_and_sanitiser_commands_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two is enough for the terminal; without both it would obey."""

    def textuals_own(app: BaseApp) -> Sequence[LineFilter]:
        return App.get_line_filters(app)

    assert await trouble_of(RESULTS) == ""
    monkeypatch.setattr(BaseApp, "get_line_filters", textuals_own)
    assert await trouble_of(RESULTS) == ""
    without_sanitiser(monkeypatch.setattr)
    assert "reaches the terminal" in await trouble_of(RESULTS)


def take_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every text of the views be markup."""

    def as_markup(pieces: Iterable[Segment]) -> Content:
        text = "".join(text for text, _ in pieces)
        try:
            return Content.from_markup(text)
        except MarkupError:  # would end the app: a text that was cut within a tag
            return Content(text)

    original = paint.content
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("workbench") and getattr(module, "content", None) is original:
            monkeypatch.setattr(module, "content", as_markup)


async def test_taken_as_markup_a_text_could_be_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that names a click makes one as soon as it is markup anywhere."""
    assert await trouble_of([CLICK]) == ""

    take_for_markup(monkeypatch)
    assert "can be clicked" in await trouble_of([CLICK])


async def test_a_notice_taken_as_markup_could_be_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    """So does one that is said."""
    notify = App.notify

    def with_markup(app: App[Any], message: str, **how: Any) -> None:
        notify(app, message, **{**how, "markup": True})

    monkeypatch.setattr(BaseApp, "notify", with_markup, raising=False)
    async with stage(strange_driver(["x"]), run=PAGES) as acted:
        acted.app.say(CLICK)
        await acted.until(lambda: "can be clicked" in trouble_on(acted), "no click came of it")
