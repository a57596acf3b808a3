"""Finding in a run: what is found, where it stands, and that it can be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import Call, RunLog, agent_record, live_run, long_run, researched_run
from tests.harness import Rig, answer
from workbench.debugger.find import MOST, Needle
from workbench.driver.commands import FindInResults
from workbench.events.content import plain_text
from workbench.providers.scripted import Turn
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.tools.declaring import tool
from workbench.views.find import Found, Search, found_line, mark_lines
from workbench.views.inspector import inspector_lines
from workbench.views.segments import Line, Segment, line_text
from workbench.views.selection import Selection
from workbench.views.timeline import TimelineLayout

# What a needle is


@pytest.mark.parametrize(
    ("needle", "text", "count"),
    [
        ("pool", "Pool, POOL and pooling", 3),
        ("Pool", "Pool, POOL and pooling", 1),
        ("a.c", "abc a.c", 1),
        ("[bold]", "[bold]x[/bold]", 1),
        ("transaction pooling", "transaction\n    pooling", 1),
        (" in ", "inside in a", 1),
        ("ß", "STRASSE straße", 1),
        ("预处理", "什么是预处理语句", 1),
        ("aa", "aaaa", 2),
        ("", "anything", 0),
        ("   ", "a    b", 0),
    ],
)
def test_plain_text_is_found_whatever_its_capitals(needle: str, text: str, count: int) -> None:
    """What is typed is meant as it is; capitals count once there are some, and a line's end is a space."""
    assert Needle(needle).count(text) == count


def test_a_text_full_of_it_costs_no_more_than_a_thousand() -> None:
    """Five megabytes of one letter do not keep anybody waiting."""
    assert Needle("a").count("a" * 5_000_000) == MOST


# What is found in a run


def search(state: RunState, text: str, log: RunLog | None = None) -> Found:
    """Return what is found in a state, and in the results of a log."""
    looked = Search(Needle(text))
    list(looked.scan(state))
    if log is not None:
        read(looked, log)
    return looked.found(state)


def read(looked: Search, log: RunLog) -> None:
    """Look into the results, as the driver does."""
    unread = looked.unread
    bodies = {
        (result.run, result.seq): plain_text(log.records[result.seq].event.result)  # type: ignore[attr-defined]
        for result in unread
    }
    looked.take(unread, {ref: count for ref, text in bodies.items() if (count := looked.needle.count(text))})


def everything() -> RunLog:
    """Return a run in which each kind of text has a word of its own."""
    log = RunLog(task="the task says tick", agent=agent_record(plan="auto"))
    log.plan(["SEARCH: the plan says pick"])
    log.step(
        [
            Call("search_lick", {"query": "the input says sick", "nested": {"mick": [1, True]}}, "first\nwick below"),
            Call("fetch", {"n": 4711}, attempts=(("brick", 0.01, 0.01),)),
        ],
        thinking="thinking of Rick",
        text="saying kick",
    )
    log.say("the person says quick")
    log.answer("the answer says thick", [("source::chick", "quoting flick")])
    return log


@pytest.mark.parametrize(
    ("text", "selection", "where"),
    [
        ("tick", Selection("message", index=0), "task"),
        ("pick", Selection("plan_step", index=0), "plan"),
        ("rick", Selection("step", step=0), "thinking"),
        ("kick", Selection("step", step=0), "text"),
        ("lick", Selection("call", step=0, call="0.0"), "tool"),
        ("sick", Selection("call", step=0, call="0.0"), "input"),
        ("mick", Selection("call", step=0, call="0.0"), "input"),
        ("true", Selection("call", step=0, call="0.0"), "input"),
        ("4711", Selection("call", step=0, call="0.1"), "input"),
        ("wick", Selection("call", step=0, call="0.0"), "result"),
        ("brick", Selection("call", step=0, call="0.1"), "attempts"),
        ("quick", Selection("message", index=1), "message"),
        ("thick", Selection("answer"), "answer"),
        ("chick", Selection("answer"), "citations"),
        ("flick", Selection("answer"), "citations"),
    ],
)
def test_everything_that_was_said_is_looked_through(text: str, selection: Selection, where: str) -> None:
    """A text is found wherever in a run it is, once, in the thing that a person can go to."""
    log = everything()
    found = search(log.state, text, log)
    wanted = [(hit.selection, str(hit)) for hit in found.hits if hit.selection == selection]
    assert wanted == [(selection, where)]
    assert found.has(selection)


def test_hits_stand_in_the_order_of_the_timeline() -> None:
    """Going from hit to hit goes down the screen."""
    log = everything()
    found = search(log.state, "ick", log)
    layout = TimelineLayout(100)
    layout.update(log.state)
    places = [layout.locate(hit.selection) for hit in found.hits]
    assert None not in places
    assert len(places) == 7
    assert places == sorted(places, key=lambda place: (place.y, place.x) if place else (0, 0))


def test_a_submitted_answer_is_found_once() -> None:
    """What the run's answer says is not told a second time as the input of a call."""
    log = researched_run()
    kinds = [hit.selection.kind for hit in search(log.state, "max_prepared_statements above 0").hits]
    assert kinds == ["answer"]


def test_a_search_goes_on_with_its_run() -> None:
    """What a live run brings is looked through, what was is not looked through again."""
    history = History()
    records = long_run(40, 2)
    half = len(records) // 2
    for record in records[:half]:
        history.append(record)
    looked = Search(Needle("long run"))
    list(looked.scan(history.live))
    before = looked.found(history.live)
    kept = before.by_step[3]
    for record in records[half:]:
        history.append(record)
    list(looked.scan(history.live))
    after = looked.found(history.live)
    assert len(after.hits) == 80 > len(before.hits)
    assert after.by_step[3] is kept
    past = history.at(half - 1)
    list(looked.scan(past))
    assert len(looked.found(past).hits) == len(before.hits)


def test_a_long_run_is_looked_through_in_slices() -> None:
    """The screen gets a turn every few milliseconds."""
    turns = list(Search(Needle("zebra")).scan(fold(long_run(1000, 2))))
    assert len(turns) >= 9


def test_the_driver_looks_into_results(tmp_path: Path) -> None:
    """Whole results are searched where they are stored, and only the counts come back."""

    @tool(read_only=True)
    async def look() -> str:
        """Look."""
        return "first line\n" + "needle in the hay\n" * 3

    with Rig(tmp_path, [Turn(calls=[("look", {})]), answer("done")], [look]) as rig:
        run = rig.start()
        state = rig.finish(run)
        refs = [call.result for step in state.steps for call in step.calls.values() if call.result is not None]
        wanted = tuple((ref.run, ref.seq) for ref in refs)
        assert rig.ask(FindInResults(wanted, "NEEDLE")) == {}
        assert rig.ask(FindInResults((*wanted, ("nobody", 1)), "needle in")) == {wanted[0]: 3}


# What is seen of it


def marked(lines: list[Line]) -> list[str]:
    """Return the pieces of lines that are marked."""
    return [piece.text for line in lines for piece in line if piece.style == "match"]


def timeline_lines(state: RunState, found: Found, width: int = 100) -> list[Line]:
    """Return the lines of a timeline with what was found."""
    layout = TimelineLayout(width)
    layout.update(state)
    layout.mark(found)
    return [layout.line(y) for y in range(layout.height)]


def test_hits_are_marked_where_they_are_seen() -> None:
    """Words, inputs, plan and answer have their hits marked, and the gutter says where one is."""
    log = everything()
    lines = timeline_lines(log.state, search(log.state, "says", log))
    assert marked(lines).count("says") == 5  # task, plan, input, message, answer
    gutters = [line_text(line) for line in lines if line[1:2] == (Segment("/", "match"),)]
    assert [text.split()[0][:2] for text in gutters] == ["/❯", "/✓", "/❯", "/A"]


def test_a_lane_says_which_of_its_texts_have_it() -> None:
    """A hit in a result that is not shown is told on the lane's edge."""
    log = everything()
    lines = timeline_lines(log.state, search(log.state, "wick", log))
    assert " result " in marked(lines)
    both = timeline_lines(log.state, search(log.state, "ick", log), 60)
    assert any("tool, input ×2, result" in text for text in marked(both))


def test_marks_leave_lines_as_they_were() -> None:
    """Marking changes colours, never what is read or how wide it is."""
    log = live_run(7)
    for width in (32, 57, 100, 200):
        layout = TimelineLayout(width)
        layout.update(log.state)
        before = [line_text(layout.line(y)) for y in range(layout.height)]
        layout.mark(search(log.state, "pool", log))
        after = [line_text(layout.line(y)) for y in range(layout.height)]
        assert all(cell_len(text) == width for text in after)
        drawn = [(a[2:], b[2:]) for a, b in zip(before, after, strict=True) if "╰" not in a]
        assert all(a == b for a, b in drawn)
        layout.mark(None)
        assert [line_text(layout.line(y)) for y in range(layout.height)] == before


@given(st.text("ab \n", min_size=1, max_size=60), st.text("ab", min_size=1, max_size=3))
def test_marked_pieces_are_the_needle(text: str, needle: str) -> None:
    """Whatever the pieces of a line, what is marked are exactly the places where the needle is."""
    lines = [tuple(Segment(letter) for letter in line) for line in text.split("\n")]
    shown = mark_lines(lines, Needle(needle))
    assert [line_text(line) for line in shown] == text.split("\n")
    assert sum(map(len, marked(shown))) == Needle(needle).count(text) * len(needle)


def test_a_phrase_is_marked_across_the_end_of_a_line() -> None:
    """Where a line ends is our doing, and hides nothing."""
    lines = [(Segment("about transaction   "),), (Segment("  "), Segment("pooling here"))]
    assert marked(mark_lines(lines, Needle("transaction pooling"))) == ["transaction   ", "pooling"]


def test_the_inspector_shows_a_long_result_from_the_hit_on() -> None:
    """A hit beyond what is shown of a long result comes into view all the same."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("fetch", {}, "\n".join(f"line {number}" for number in range(5_000)) + "\nthe needle")])
    call = log.state.steps[0].calls["0.0"]
    assert call.result is not None
    content = log.records[call.result.seq].event.result  # type: ignore[attr-defined]
    contents = {(call.result.run, call.result.seq): content}
    where = Selection("call", step=0, call="0.0")
    plain = inspector_lines(log.state, where, contents, 40)
    assert not any("needle" in line_text(line) for line in plain)
    lines = inspector_lines(log.state, where, contents, 40, needle=Needle("needle"))
    assert marked(lines) == ["needle"]
    assert any("kB above" in line_text(line) for line in lines)


def test_one_long_line_is_shown_from_the_hit_on() -> None:
    """The same without a single end of a line."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step(text="word " * 40_000 + "the needle")
    lines = inspector_lines(log.state, Selection("step", step=0), {}, 40, needle=Needle("needle"))
    assert "needle" in marked(lines)


def test_the_find_line_says_how_far_it_is() -> None:
    """Number, place, what is hidden, and what was not read yet stand in one line."""
    log = everything()
    found = search(log.state, "ick", log)
    hit = next(hit for hit in found.hits if hit.selection.call == "0.0")
    line = line_text(found_line(1200, 3, hit, looked_into=(40, 90), hidden=2, wrapped=True))
    assert line == ("4/1,200  tool, input ×2, result  from the other end  2 hidden by the filter  results 40/90")
    assert line_text(found_line(0, None, None, looked_into=(9, 9), hidden=0, wrapped=False)) == "not found"
    assert line_text(found_line(0, None, None, looked_into=(0, 9), hidden=0, wrapped=False)).startswith("nothing yet")


def test_our_own_words_are_never_marked() -> None:
    """Labels of the inspector and frames of lanes are nobody's words."""
    log = everything()
    lines = inspector_lines(log.state, Selection("call", step=0, call="0.0"), {}, 40, needle=Needle("input"))
    assert marked(lines) == ["input"]  # in the query, not the heading above it
    assert marked(mark_lines([(Segment("──"), Segment("──", "lane"))], Needle("──"))) == ["──"]
