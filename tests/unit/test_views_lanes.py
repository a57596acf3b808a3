"""Lanes: concurrency is seen as it was, and every status has a sign of its own."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import Call, RunLog, agent_record, first_calls
from workbench.state.parts import CallState, CallStatus
from workbench.views.lanes import LANE_WIDTH, LaneContext, LaneMemory, draw_bar, draw_lanes, lane_grid, time_axis
from workbench.views.lanes import lane_height as height_of
from workbench.views.marks import call_mark
from workbench.views.segments import line_text, line_width


def calls_of(*calls: Call) -> list[CallState]:
    """Return the calls of a step, as its log says they went."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step(calls)
    return list(log.state.steps[0].calls.values())


def context(calls: list[CallState], now: float | None = None) -> LaneContext:
    """Return what the lanes of a step share."""
    at = max((call.finished_at or call.started_at or 0.0) for call in calls)
    return LaneContext(time_axis(calls, now, at), now, at, {}, {}, LaneMemory())


def bars(calls: list[CallState], width: int, now: float | None = None) -> list[str]:
    """Return the bars of a step's calls."""
    return [line_text(draw_bar(call, width, context(calls, now))) for call in calls]


def lane(call: CallState, width: int = 40, now: float | None = None) -> list[str]:
    """Return one lane as text."""
    lines = draw_lanes([call], lane_grid(1, width), height_of(call), context([call], now), None, width)
    return [line_text(line) for line in lines]


def test_calls_at_once_overlap() -> None:
    """Bars of one step share one time axis."""
    calls = calls_of(Call("a", seconds=1.0), Call("b", seconds=0.5, begins=0.25), Call("c", seconds=0.5, begins=0.5))
    assert bars(calls, 8) == ["▇▇▇▇▇▇▇▇", "──▇▇▇▇──", "────▇▇▇▇"]


def test_calls_one_by_one_follow_each_other() -> None:
    """A sequential step looks like a stair."""
    assert bars(calls_of(Call("a", seconds=0.5), Call("b", seconds=0.5, begins=0.5)), 8) == ["▇▇▇▇────", "────▇▇▇▇"]


def test_time_in_which_nobody_drove_the_run_is_no_part_of_the_axis() -> None:
    """A call that ran again minutes later, after a pause or in a fork, does not shrink the others to a dot."""
    one, other = calls_of(Call("a", seconds=1.0), Call("b", seconds=1.0, begins=301.0))
    since = one.started_at or 0.0
    axis = time_axis([one, other], None, 0.0, ((since + 1.0, since + 301.0),))
    shared = LaneContext(axis, None, 0.0, {}, {}, LaneMemory())
    assert [line_text(draw_bar(call, 8, shared)) for call in (one, other)] == ["▇▇▇▇────", "────▇▇▇▇"]


def test_attempts_and_waits_are_parts_of_the_bar() -> None:
    """What failed, how long it was waited, and what came of it can be told apart without colour."""
    call = Call("a", seconds=1.0, attempts=(("timeout", 0.25, 0.25),))
    assert bars(calls_of(call), 8) == ["▒▒┄┄▇▇▇▇"]


def test_the_shortest_call_is_seen() -> None:
    """A call of a millisecond beside one of a minute still has a bar, at the very end too."""
    calls = calls_of(Call("a", seconds=60.0), Call("b", seconds=0.001), Call("c", seconds=0.0, begins=60.0))
    assert bars(calls, 10)[1:] == ["▇─────────", "─────────▇"]


def test_a_call_that_did_not_start_has_an_empty_axis() -> None:
    """Waiting is no work."""
    assert bars(calls_of(Call("a", asks="why")), 4) == ["────"]


def test_a_running_bar_points_forward_and_has_room() -> None:
    """A live bar grows along its axis, instead of all the others shrinking."""
    calls = calls_of(Call("a", seconds=None), Call("b", seconds=0.5))
    started = calls[0].started_at or 0.0
    assert bars(calls, 10, started + 1.0) == ["▇▇▇▇▸─────", "▇▇────────"]
    assert bars(calls, 10, started + 1.4) == ["▇▇▇▇▇▇▸───", "▇▇────────"]


@given(st.integers(1, 40), st.integers(LANE_WIDTH, 300))
def test_lanes_fit_and_are_equal(count: int, width: int) -> None:
    """However many calls there are, no lane is too narrow, none sticks out, and rows are evenly filled."""
    grid = lane_grid(count, width)
    assert grid.width >= LANE_WIDTH
    assert grid.left(grid.columns - 1) + grid.width <= width
    rows = -(-count // grid.columns)
    assert rows * (grid.columns - 1) < count <= rows * grid.columns


def test_three_calls_stand_side_by_side_on_a_common_screen() -> None:
    """At 120×40 with three panes, the three calls of the first step are seen beside each other."""
    assert lane_grid(3, 63).columns == 3


def test_a_lane_tells_everything() -> None:
    """Tool, status, time, input, retries, size and first line of the result are read at a glance."""
    lines = lane(calls_of(first_calls()[2])[0])
    assert lines[0].startswith("╭ fetch_doc ✓ 212 ms ↻1 ─")
    assert lines[0].endswith(" 0.0 ─╮")
    assert lines[1] == "│ pgbouncer-features::2                │"
    assert "▒" in lines[2]
    assert lines[3] == "│ ↻ timeout 50 ms                      │"
    assert lines[4] == "│ 3.6 kB SQL feature map for pooling … │"


@pytest.mark.parametrize("width", [LANE_WIDTH, 24, 60])
def test_name_status_and_time_stay_in_the_narrowest_lane(width: int) -> None:
    """What is cut in a narrow lane is the name, with a sign; never the status."""
    call = calls_of(Call("mcp__github__search_repositories_by_topic", seconds=1.5, is_error=True, outcome="timeout"))[0]
    head = lane(call, width)[0]
    assert "✗ 1.5 s" in head
    assert "…" in head or width == 60


def test_no_status_is_colour_alone() -> None:
    """Every status has its own pair of glyph and word."""
    seen = set()
    for status in get_args(CallStatus):
        call = CallState("0.0", "t", {}, status=status)
        mark = call_mark(call)
        assert mark.glyph.strip()
        assert mark.word.strip()
        seen.add((mark.glyph, mark.word))
    assert len(seen) == len(get_args(CallStatus))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Call("shell", asks="runs a command"), ["⏸", "waits for you", "allow? runs a command"]),
        (Call("shell", ends_as="unknown", effect="effectful"), ["?", "outcome unknown", "may have taken effect"]),
        (Call("a", ends_as="interrupted"), ["⏸", "stopped", "runs again"]),
        (Call("a", ends_as="cancelled", result="cancelled by you"), ["⊘", "cancelled"]),
        (Call("a", ends_as="discarded", begins=-0.1), ["⊘", "»", "not asked for"]),
        (Call("a", ends_as="requested"), ["○", "waits for its turn"]),
        (Call("a", seconds=None, progress="read 3 of 9"), ["read 3 of 9"]),
        (Call("a", is_error=True, outcome="error", result="no such passage"), ["✗", "error", "no such passage"]),
        (Call("a", is_error=True, outcome="denied", result="denied"), ["⊘", "denied"]),
    ],
)
def test_every_fate_says_what_it_is(call: Call, words: list[str]) -> None:
    """A person sees what became of a call and what it waits for."""
    text = "\n".join(lane(calls_of(call)[0], 60))
    assert [word for word in words if word not in text] == []


def test_edits_are_marked_where_they_are() -> None:
    """What a person replaced cannot be taken for what a tool or a model said."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a", {"query": "old"}, "old result"), Call("b")])
    log.edit_result("0.0", "new result")
    log.edit_input("0.1", {"query": "new"})
    first, second = log.state.steps[0].calls.values()
    assert "✎" in lane(first)[0]
    assert "✎ 10 B new result" in lane(first)[3]
    assert "✎ new" in lane(second)[1]


def test_the_lane_under_the_cursor_has_another_frame() -> None:
    """The cursor is seen without colour."""
    calls = calls_of(*first_calls())
    lines = draw_lanes(calls, lane_grid(3, 90), 6, context(calls), calls[1].id, 90)
    assert line_text(lines[0]).count("┏") == 1
    assert line_text(lines[0]).index("┏") == lane_grid(3, 90).left(1)


def test_only_what_moves_is_drawn_again() -> None:
    """A picture of a live lane keeps the lines in which nothing moves."""
    calls = calls_of(Call("a", {"query": "x"}, seconds=None))
    memory = LaneMemory()
    start = calls[0].started_at or 0.0
    pictures = [
        draw_lanes(calls, lane_grid(1, 30), 5, LaneContext(time_axis(calls, t, t), t, t, {}, {}, memory), None, 30)
        for t in (start + 0.3, start + 0.7)
    ]
    assert [a == b for a, b in zip(*pictures, strict=True)] == [False, True, False, True, True]
    assert all(line_width(line) == 30 for picture in pictures for line in picture)
