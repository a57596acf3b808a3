"""Ten thousand strange tool results through every view: nothing is a command, nothing is out of place, nothing breaks.

Each is the result of a call, and stands in the other places of a run, too. The same is then seen to fail without
what makes text harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pytest
from rich.cells import cell_len
from textual.color import Color

from tests.faults.unguarded import without_sanitiser
from tests.run_log import RunLog
from tests.strange_results import CALLS_A_STEP, CLASSES, Deck, strange_child, strange_results, strange_run
from tests.strange_views import views_of
from workbench.events.run import Caller
from workbench.tui.safety import SafetyFilter
from workbench.tui.themes import DEFAULT_THEME, VARIABLE_DEFAULTS
from workbench.tui.widgets.styles import rich_styles, strip
from workbench.views import text
from workbench.views.segments import Line, line_text

RESULTS = 10_000
A_RUN = 40
"""Results of one run."""
PARTS = 10
"""Tests among which they are divided, so that a failure is found fast."""
WIDTHS = (80, 41, 119, 60, 100, 157)
NOBODYS_WORDS = {"context", "playhead", "what was found"}
"""Views that hold nothing but figures and words of ours."""
GROUND = Color(0, 0, 0)
LOOKS = rich_styles({**DEFAULT_THEME.to_color_system().generate(), **VARIABLE_DEFAULTS})


def runs(results: list[str]) -> Iterator[tuple[RunLog, RunLog, RunLog, Deck]]:
    """Yield runs that hold the results, each with one to compare it with, a subagent, and its texts."""
    for number in range(0, len(results), A_RUN):
        texts = results[number : number + A_RUN]
        ends = number // A_RUN % 2 == 0
        child = "c" * 16
        log = strange_run(texts, ends=ends, child="" if ends else child)
        other = strange_run([*texts[:CALLS_A_STEP], *texts[: -A_RUN // 4 : -1]], "b" * 16)
        below = strange_child(texts[::-1], child, Caller(run=log.run, call=f"{len(log.state.steps) - 1}.3"))
        yield log, other, below, Deck(texts, at=3)


@lru_cache(maxsize=100_000)
def trouble_with(shown: str, most: int, *, is_exact: bool) -> str:
    """Say what is wrong with a line; nothing where a terminal would draw it, obey nothing, and keep to its width."""
    if text.UNSAFE.search(shown) or "\n" in shown or "\t" in shown:
        return "holds a command"
    width = text.cell_width(shown)
    if width > most or (is_exact and width != most):
        return f"has {width} cells, not {most}"
    if not shown.isascii() and cell_len(shown) != width:
        return f"takes {cell_len(shown)} cells on the screen, not {width}"
    return ""


def troubles(results: list[str]) -> Iterator[tuple[str, str, Line]]:
    """Yield which view is wrong, and how, over all runs of these results."""
    for number, family in enumerate(runs(results)):
        for view in views_of(*family, WIDTHS[number % len(WIDTHS)]):
            for line in view.lines:
                if trouble := trouble_with(line_text(line), view.width, is_exact=view.is_exact):
                    yield view.name, trouble, line


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_results_stay_text_in_every_view(part: int) -> None:
    """Whatever tools, models and people write, every line of every view is text only, and as wide as it promised."""
    results = strange_results(RESULTS)[part * RESULTS // PARTS : (part + 1) * RESULTS // PARTS]
    assert list(troubles(results)) == []


def test_the_results_are_strange() -> None:
    """There are ten thousand, of twenty classes, most of them unlike any other, and the same ones each time."""
    results = strange_results(RESULTS)
    assert results == strange_results(RESULTS)
    assert len(results) == RESULTS
    assert len(CLASSES) == 20
    assert len(set(results)) > RESULTS * 0.9


def test_without_the_sanitiser_all_views_would_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above sees the danger that the sanitiser takes away."""
    without_sanitiser(monkeypatch.setattr)
    results = strange_results(A_RUN * 10)
    wrong = {name for name, _, _ in troubles(results)}
    names = {view.name for family in runs(results) for view in views_of(*family, 80)}
    assert names - wrong == NOBODYS_WORDS


def test_the_filter_alone_lets_nothing_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a view forgot, a row is drawn without commands all the same; where none did, rows are not touched."""
    filters = SafetyFilter()
    for is_forgotten in (False, True):
        if is_forgotten:
            without_sanitiser(monkeypatch.setattr)
        for family in runs(strange_results(A_RUN * 4)):
            for view in views_of(*family, 100):
                for line in view.lines:
                    row = list(strip(line, LOOKS, view.width))
                    safe = filters.apply(row, GROUND)
                    assert is_forgotten or safe is row
                    assert not text.UNSAFE.search("".join(piece.text for piece in safe))
