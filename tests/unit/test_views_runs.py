"""What is known of one run, what a search found, and messages, as lines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import forked_run, researched_run
from tests.strange import strange_text
from tests.unit.test_views_bars import ROW, fork
from workbench.driver.commands import FoundRun
from workbench.events.library import tags_in
from workbench.store.model import RunRow, SearchHit
from workbench.views.found import found_lines, found_words, place_of
from workbench.views.messages import message_line, message_text
from workbench.views.run_detail import run_detail
from workbench.views.segments import Segment, line_text
from workbench.views.selection import NOTHING, Selection
from workbench.views.text import UNSAFE

SAID = replace(ROW, name="The good one", note="one\ntwo\nthree\nfour", tags=("a", "b c"), marked=True)


def detail(row: RunRow, width: int) -> list[str]:
    """Return the details as text."""
    return [line_text(line).rstrip() for line in run_detail(row, width)]


def test_everything_is_said_of_a_run_in_little_room() -> None:
    """Facts are broken between each other and not within; a long note ends with a sign."""
    assert detail(SAID, 26) == [
        "★ The good one",
        "How does transaction",
        "pooling interact with pre…",
        "✓ completed: answered",
        "1970-01-01 00:00",
        "offline · 2 steps",
        "4 calls · 2.2 k tokens",
        "$0.004 · 3.2 s",
        "#a  #b c",
        "≡ one",
        "  two",
        "  three four",
    ]


def test_with_room_it_takes_fewer_lines() -> None:
    """The same facts stand beside each other."""
    assert detail(replace(ROW, errors=1, imported=True), 78) == [
        ROW.task,
        "✓ completed: answered · 1970-01-01 00:00 · imported",
        "offline · 2 steps · 4 calls, 1 failed · 2.2 k tokens · $0.004 · 3.2 s",
    ]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (fork("b" * 16, ROW.id, 1.0, edited="result 0.1", address="0.1"), "✎ result 0.1 · at 0.1 of a4f7c2e1"),
        (fork("b" * 16, ROW.id, 1.0), "✎ nothing edited · of a4f7c2e1"),
        (replace(ROW, caller_run=ROW.id, caller_call="0.1"), "↳ subagent, call 0.1 of a4f7c2e1"),
        (replace(ROW, status="thinking", reason=None), "⏸ interrupted: its driver died · 1970-01-01 00:00"),
        (replace(ROW, status="interrupted", reason="step_limit"), "⏸ interrupted: step limit · 1970-01-01 00:00"),
        (replace(ROW, hidden=True), "✓ completed: answered · 1970-01-01 00:00 · hidden"),
        (replace(ROW, cost=None), "offline · 2 steps · 4 calls · 2.2 k tokens · cost unknown · 3.2 s"),
    ],
)
def test_details_say_where_a_run_comes_from_and_how_it_ended(row: RunRow, words: str) -> None:
    """What was edited and where, whose call it is, and why it stopped."""
    assert words in detail(row, 100)


def test_a_search_marks_what_was_looked_for_and_brings_it_into_sight() -> None:
    """Runs, then their hits; beginnings of words and CJK are marked, the middle of a word is not."""
    far = "x " * 200 + "the prepared statement, unprepared"
    hits = (SearchHit(ROW.id, 3, "0.1", far, "call_finished"), SearchHit(ROW.id, 0, None, "连接池 prep", "run_started"))
    found = [FoundRun(ROW, hits, "#prep #x"), FoundRun(SAID, (), SAID.name)]
    lines = found_lines(found, "prep 接池", 60)
    assert [(each.run, each.seq) for each in lines] == [(ROW.id, seq) for seq in (None, None, 3, 0, None)]
    texts = [line_text(each.line).rstrip() for each in lines]
    assert texts[0].startswith("✓ a4f7c2e1 How does")
    assert texts[1] == "  tags          #prep #x"
    assert texts[2].startswith("  0.1 result    …")
    assert texts[3] == "  question      连接池 prep"
    assert [text for text, style in lines[2].line if style == "match"] == ["prep"]
    assert [text for text, style in lines[3].line if style == "match"] == ["接池", "prep"]
    assert found_words(found) == "2 places in 2 runs"
    assert found_words(found[1:]) == "0 places in 1 run"


def test_a_hit_is_a_thing_of_the_timeline() -> None:
    """Every event that can be found is led back to what the timeline shows of it."""
    records = forked_run().records
    places = {record.event.kind: place_of(records, record.seq) for record in records}
    assert places["run_started"] == Selection("message", index=0)
    assert places["plan_proposed"] == Selection("plan")
    assert places["call_started"].kind == places["call_finished"].kind == "call"
    assert places["result_edited"] == Selection("call", step=0, call="0.1")
    assert places["run_finished"] == Selection("answer")
    assert places["run_forked"] == NOTHING
    assert place_of(records, 9_999) == place_of(records, -1) == NOTHING
    log = researched_run()
    log.say("And further?")
    assert place_of(log.records, len(log.records) - 1) == Selection("message", index=1)


def test_tags_are_read_as_people_write_them() -> None:
    """Commas part them, a leading # is no part of one, none stands twice."""
    assert tags_in(" #a, b  c,,a , #") == ("a", "b c")
    assert tags_in("") == ()


def test_a_message_has_its_time_and_how_bad_it_is() -> None:
    """The list says when, what and whether there is more; the whole has all of it."""
    line = line_text(message_line(0.0, "error", "it failed", 60, has_detail=True)).rstrip()
    assert line == "00:00:00  ✗ error   it failed  ≡ details"
    whole = message_text("it failed", "Traceback\n  line", 60)
    assert [line_text(line) for line in whole] == ["it failed", "", "Traceback", "  line"]


@given(strange_text(60), st.integers(24, 120))
def test_strange_text_is_inert_and_fits(strange: str, width: int) -> None:
    """Whatever people, models and tools wrote: nothing of it is obeyed, and every line has its width."""
    row = replace(ROW, task=strange, name=strange[:9], note=strange, tags=(strange,), edited=strange, model=strange)
    hit = SearchHit(ROW.id, 3, "0.1", strange, strange)
    lines = [
        *run_detail(row, width),
        *run_detail(replace(row, parent=ROW.id, address=strange), width),
        *(each.line for each in found_lines([FoundRun(row, (hit,), strange)], strange, width)),
        message_line(0.0, "warning", strange, width, has_detail=False),
    ]
    for line in [*lines, *message_text(strange, strange, width)]:
        assert not UNSAFE.search(line_text(line))
        assert "\n" not in line_text(line)
    for line in lines:
        assert cell_len(line_text(line)) == width
        assert all(isinstance(piece, Segment) for piece in line)
