"""A comparison as lines: nothing sticks out, nothing strange comes through, and long runs cost what is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import Call, RunLog, agent_record, forked_run, live_run, long_run, researched_run, troubled_run
from tests.strange import strange_text
from workbench.debugger.divergence import Comparer, Spot
from workbench.events.base import Recorded
from workbench.state.history import History
from workbench.views.compare_detail import Section, detail_lines, detail_sections, detail_title
from workbench.views.compare_head import difference_line, head_lines
from workbench.views.compare_layout import ComparisonLayout
from workbench.views.differ import MOST_CHARACTERS, TextDifference, below_each_other, compare_texts, side_by_side
from workbench.views.figures import figure_lines, figures, worked_seconds
from workbench.views.segments import Line, line_text, line_width
from workbench.views.text import UNSAFE

WIDTHS = [60, 79, 80, 98, 99, 100, 119, 120, 157, 200]


def history_of(log: RunLog | list[Recorded]) -> History:
    """Return a log's history."""
    history = History()
    for record in log.records if isinstance(log, RunLog) else log:
        history.append(record)
    return history


def laid_out(a: RunLog, b: RunLog, width: int) -> ComparisonLayout:
    """Return the layout of a comparison."""
    one, other = history_of(a), history_of(b)
    layout = ComparisonLayout(width)
    layout.update(one.live, other.live, Comparer(one, other).compare())
    return layout


def lines_of(layout: ComparisonLayout) -> list[Line]:
    """Return all lines."""
    return [layout.line(y) for y in range(layout.height)]


def check(lines: list[Line], width: int) -> None:
    """Every line fills the width exactly, and a terminal obeys nothing in it."""
    for line in lines:
        text = line_text(line)
        assert line_width(line) == width, text
        assert not UNSAFE.search(text)
        assert "\n" not in text


def strange_run(run: str, text: str) -> RunLog:
    """Return a run in which everything that may be strange is."""
    log = RunLog(run, text or "?", agent=agent_record(plan="off").model_copy(update={"model": text}))
    log.plan([f"{text}: {text}"])
    log.step(
        [
            Call(text or "t", {text: text, "n": [1, None, {text: 2}]}, text * 3, attempts=((text, 0.01, 0.01),)),
            Call("look", {"word": "same"}, text, is_error=True, outcome="error"),
            Call("look", {"word": text}, progress=text, seconds=None),
        ],
        text=text,
        thinking=text,
    )
    log.edit_result("0.0", text)
    log.finish("failed", "error", answer=text, citations=((text, text),), error=text)
    log.say(text)
    return log


# Lines


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("other", [forked_run, troubled_run, live_run, researched_run])
def test_every_line_has_exactly_the_width(width: int, other: Callable[[], RunLog]) -> None:
    """At any width, folded or not, beside or below each other."""
    layout = laid_out(researched_run(), other(), width)
    check(lines_of(layout), width)
    layout.fold()
    check(lines_of(layout), width)
    layout.resize(width + 17)
    check(lines_of(layout), width + 17)


@settings(max_examples=60, deadline=None)
@given(strange_text(), strange_text(), st.sampled_from(WIDTHS))
def test_strange_text_stays_in_its_place(one: str, other: str, width: int) -> None:
    """Whatever models, tools and people write, in every part of a comparison."""
    a, b = strange_run("a" * 16, one), strange_run("b" * 16, other)
    layout = laid_out(a, b, width)
    check(lines_of(layout), width)
    compared = Comparer(history_of(a), history_of(b)).compare()
    check(head_lines(a.state, b.state, "a", width), width)
    for number in range(len(compared.differences)):
        check([difference_line(compared, number, width)], width)
        spot = compared.differences[number].spot
        assert not UNSAFE.search(detail_title(spot, a.state, b.state))
        check(detail_lines(detail_sections(spot, a.state, b.state, {}), width), width)


@settings(max_examples=100, deadline=None)
@given(strange_text(300), strange_text(300), st.sampled_from([20, 60, 141]))
def test_a_diff_of_strange_texts_fits(one: str, other: str, width: int) -> None:
    """Both kinds of diff, with words marked, fill their width."""
    found = compare_texts(one, other)
    check(below_each_other(found, width), width)
    check(side_by_side(found, width), width)


def test_a_comparison_says_what_is_shared_where_it_ends_and_what_follows() -> None:
    """The signs and words that carry the meaning without colour."""
    texts = [line_text(line) for line in lines_of(laid_out(researched_run(), forked_run(), 140))]
    assert any("━━ diverged at 0.1: result of 0.1 edited ━━" in text for text in texts)
    assert any(text.rstrip().endswith("≠ result") for text in texts)
    assert any(text.rstrip().endswith("↳ ≠ input") for text in texts)


def test_what_only_follows_is_muted_and_the_rest_is_not() -> None:
    """A consequent call is drawn in one quiet style, an independent one in its own."""
    layout = laid_out(researched_run(), forked_run(), 140)
    for spot, quiet in ((Spot("call", "1.0", "1.0"), True), (Spot("call", "0.1", "0.1"), False)):
        place = layout.locate(spot)
        assert place is not None
        styles = {style for text, style in layout.line(place.y) if text.strip(" │")}
        assert (styles == {"muted"}) is quiet


@pytest.mark.parametrize("width", [80, 140])
def test_every_thing_is_found_where_it_stands(width: int) -> None:
    """The cursor can go down to everything and up again, and what is clicked is what is there."""
    layout = laid_out(researched_run(), troubled_run(), width)
    spot, seen = layout.first(), []
    while spot is not None and spot not in seen:
        seen.append(spot)
        place = layout.locate(spot)
        assert place is not None
        assert layout.at(place.y) == spot
        assert layout.nearest(place.y) == spot
        spot = layout.beside(spot, 1)
    assert seen[-1] == layout.last()
    assert len(seen) > 8
    back = [layout.last()]
    while (before := layout.beside(back[-1], -1)) != back[-1]:
        back.append(before)
    assert back[::-1] == seen


def test_a_long_comparison_measures_only_what_changed() -> None:
    """A thousand steps on each side: a second look at the same runs measures a handful of blocks."""
    records = long_run(1_000, 2)
    a, b = history_of(records), history_of([replace(record, run="b" * 16) for record in records])
    comparer, layout = Comparer(a, b), ComparisonLayout(140)
    layout.update(a.live, b.live, comparer.compare())
    layout.fold()
    assert layout.height > 1_000 * 4
    before = layout.measured
    layout.update(a.live, b.live, comparer.compare())
    assert layout.measured - before < 10
    check([layout.line(y) for y in range(layout.height - 60, layout.height)], 140)


# Texts


def test_words_that_differ_are_marked() -> None:
    """In a changed line only what changed is marked, with the sign of its side before the line."""
    lines = below_each_other(compare_texts("the quick brown fox", "the quick red fox"), 40)
    assert [line_text(line).rstrip() for line in lines] == ["- the quick brown fox", "+ the quick red fox"]
    assert [text for line in lines for text, style in line if style in ("removed", "added")] == [
        "- ", "brown", "+ ", "red",
    ]  # fmt: skip


def test_what_is_the_same_far_from_a_difference_is_counted() -> None:
    """Long texts with one changed line are a few lines."""
    a = "\n".join(f"line {number}" for number in range(500))
    lines = [line_text(line).strip() for line in below_each_other(compare_texts(a, a.replace("250", "other")), 40)]
    assert lines[0] == "… 248 lines the same in both"
    assert "- line 250" in lines
    assert "+ line other" in lines
    assert len(lines) == 8


@pytest.mark.parametrize("draw", [below_each_other, side_by_side])
def test_huge_texts_end_with_a_sign(draw: Callable[[TextDifference, int], list[Line]]) -> None:
    """5 MB are compared as far as is sensible, and how much was not is said."""
    lines = draw(compare_texts("a b " * 1_250_000, "x\n" * 2_500_000), 80)
    assert "4.8 MB are too much to compare" in line_text(lines[-1])
    assert "lines of text more" in line_text(lines[-2])
    assert MOST_CHARACTERS < 5_000_000


def test_what_only_one_run_has_is_shown_whole() -> None:
    """A call without a counterpart has no diff, only its text and whose it is."""
    lines = [line_text(line).strip() for line in detail_lines([Section("result", None, "one\ntwo")], 80)]
    assert lines[0].endswith("only in b")
    assert lines[1:] == ["one", "two"]


# Figures


def test_the_table_has_both_runs_and_the_difference() -> None:
    """Steps, calls, tokens, cost, time, errors, retries; equal ones say so."""
    table = {item.name: item.texts for item in figures(researched_run().state, forked_run().state)}
    assert list(table) == ["steps", "calls", "in", "out", "cost", "time", "errors", "retries"]
    assert table["steps"] == ("2", "2", "=")
    assert table["retries"] == ("1", "1", "=")
    troubled = {item.name: item.texts for item in figures(researched_run().state, troubled_run().state)}
    assert troubled["errors"] == ("0", "2", "+2")


def test_a_fork_does_not_look_quicker_for_what_it_inherited() -> None:
    """The time of inherited steps counts on both sides."""
    parent = researched_run()
    fork = parent.fork("b" * 16, len(parent.records) - 1)
    assert worked_seconds(fork.state) == worked_seconds(parent.state) > 1


@pytest.mark.parametrize("width", [60, 70, 71, 80, 160])
def test_the_table_fits(width: int) -> None:
    """Lying where there is room, upright where there is none."""
    check(figure_lines(researched_run().state, troubled_run().state, width), width)
