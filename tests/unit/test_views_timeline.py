"""The timeline's lines: exact, in order, found again, and never computed twice."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import (
    Call,
    RunLog,
    agent_record,
    forked_run,
    live_run,
    long_run,
    researched_run,
    subagents_run,
    troubled_run,
    waiting_plan,
)
from tests.strange import strange_text
from workbench.events.call import (
    CallDiscarded,
    CallInterrupted,
    CallRetried,
    CallStarted,
    OutcomeUnknown,
    SubagentStarted,
)
from workbench.events.run import Caller
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.views.inspector import inspector_lines
from workbench.views.marks import SPINNER
from workbench.views.segments import line_text
from workbench.views.selection import NOTHING, Selection
from workbench.views.text import UNSAFE
from workbench.views.timeline import SMALLEST_WIDTH, TimelineLayout

SCENES: dict[str, Callable[[], RunLog]] = {
    "researched": researched_run,
    "waiting plan": waiting_plan,
    "live": live_run,
    "troubled": troubled_run,
    "forked": forked_run,
    "subagents": lambda: subagents_run()[0],
}

WORD = r"[\w.:]{5,}"
STRANGE = strange_text()
FATES = st.sampled_from(["finished", "finished", "finished", "cancelled", "interrupted", "unknown", "requested"])


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Draw a call with any text and any fate."""
    begins = draw(st.sampled_from([0.0, 0.01, 0.3, -0.1]))
    return Call(
        draw(STRANGE),
        {draw(STRANGE): draw(STRANGE), "nested": {"deep": [draw(STRANGE), 1, None]}},
        draw(STRANGE),
        seconds=draw(st.sampled_from([0.0, 0.001, 0.2, 75.0, None])),
        begins=begins,
        is_error=draw(st.booleans()),
        outcome=draw(st.sampled_from(["ok", "timeout", "denied", "exception"])),
        attempts=draw(st.sampled_from([(), (("timeout", 0.05, 0.02),), (("a", 0.1, 0.0), ("\x1bb", 0.0, 0.4))])),
        progress=draw(STRANGE),
        asks=draw(st.sampled_from(["", "", "", "\x1b[2Jmay I?"])) if begins >= 0 else "",
        ends_as="discarded" if begins < 0 else draw(FATES),
    )


@st.composite
def runs(draw: st.DrawFn) -> RunLog:
    """Draw a run in which anything may have happened."""
    log = RunLog(task=draw(STRANGE), agent=agent_record(parallel=draw(st.booleans())))
    log.plan([f"{draw(STRANGE)}: {draw(STRANGE)}" for _ in range(draw(st.integers(0, 3)))], approve=draw(st.booleans()))
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            log.say(draw(STRANGE))
        broken = draw(st.sampled_from(["", "", "over\nloaded"]))
        log.step(draw(st.lists(calls(), max_size=5)), text=draw(STRANGE), thinking=draw(STRANGE) * 9, broken=broken)
        if log.state.open_step is not None:
            return log
    if draw(st.booleans()):
        log.answer(draw(STRANGE) * 20, [(draw(STRANGE), draw(STRANGE))])
    elif draw(st.booleans()):
        log.finish("failed", "error", error=draw(STRANGE))
    return log


def shown(state: RunState, width: int = 100, now: float | None = None, **others: object) -> TimelineLayout:
    """Return the layout of a run."""
    layout = TimelineLayout(width)
    layout.update(state, now=now, **others)  # type: ignore[arg-type]
    return layout


def texts(layout: TimelineLayout) -> list[str]:
    """Return all lines as text."""
    return [line_text(layout.line(y)) for y in range(layout.height)]


def things(layout: TimelineLayout) -> list[Selection]:
    """Return everything that can be reached with the cursor, from the top."""
    found: list[Selection] = []
    below: Selection | None = layout.first()
    while below is not None and below not in found and below != NOTHING:
        beside = below
        while layout.move(beside, "left") != beside:
            beside = layout.move(beside, "left")
        found.append(beside)
        while (right := layout.move(beside, "right")) != beside:
            found.append(right)
            beside = right
        below = layout.move(beside, "down")
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(runs(), st.integers(20, 200), st.booleans())
def test_every_line_is_as_wide_as_the_timeline(log: RunLog, width: int, live: bool) -> None:
    """Whatever strangers wrote into a run, its lines are there, exactly so wide, and harmless."""
    layout = shown(log.state, width, log.at + 0.37 if live else None)
    for text in texts(layout):
        assert cell_len(text) == max(width, SMALLEST_WIDTH)
        assert not UNSAFE.search(text)
        assert "\n" not in text
        assert "\t" not in text


def test_ids_are_data_too() -> None:
    """An imported log may hold any text where our own has an address."""
    log = RunLog("\x1b[2J", agent=agent_record(plan="off"))
    log.begin_turn()
    evil = "0.\x1b]0;owned\x07"
    log.add(CallStarted(call=evil, tool="a", input={}, effect="effectful", permission="allow"))
    log.add(OutcomeUnknown(call=evil))
    log.add(SubagentStarted(call=evil, run="\x1b[2J", task=""))
    child = RunLog(agent=agent_record(plan="off"), caller=Caller(run=log.run, call="²\x1b"))
    layout = shown(log.state, children={"\x1b[2J": child.state})
    lines = texts(layout)
    for kind in ("step", "call", "none"):
        selection = Selection(kind, step=0, call=evil)
        lines += [line_text(line) for line in inspector_lines(log.state, selection, {}, 60)]
    assert any("]0;owned" in line for line in lines)
    assert not UNSAFE.search("".join(lines))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(runs(), st.integers(32, 200))
def test_what_is_seen_is_what_is_selected(log: RunLog, width: int) -> None:
    """Each thing has a place of its own, a click into it selects it, and the cursor reaches all of them."""
    layout = shown(log.state, width)
    reached = things(layout)
    assert len(set(reached)) == len(reached)
    for thing in reached:
        place = layout.locate(thing)
        assert place is not None
        assert place.height > 0
        assert place.x + place.width <= layout.width
        for x in (place.x, place.x + place.width - 1):
            for y in (place.y, place.y + place.height - 1):
                assert layout.at(x, y) == thing
    clicked = {layout.at(x, y) for y in range(layout.height) for x in range(0, layout.width, 7)} - {NOTHING}
    assert clicked <= set(reached)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(runs(), st.data())
def test_following_a_run_shows_what_opening_it_shows(log: RunLog, data: st.DataObject) -> None:
    """A run that was watched event by event looks like one that is opened at the end, at any moment of it."""
    history, watched = History(), TimelineLayout(90)
    for record in log.records:
        history.append(record)
        watched.update(history.live)
    assert texts(watched) == texts(shown(fold(log.records), 90))
    seq = data.draw(st.integers(0, len(log.records) - 1))
    watched.update(history.at(seq))
    assert texts(watched) == texts(shown(fold(log.records[: seq + 1]), 90))
    watched.update(history.live)
    assert texts(watched) == texts(shown(history.live, 90))


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("width", [40, 57, 76, 118, 200])
def test_nothing_is_cut_without_a_sign(name: str, width: int) -> None:
    """What a wide screen shows is there on a narrow one, or an ellipsis stands in its place."""
    state = SCENES[name]().state
    whole = set(re.findall(WORD, " ".join(texts(shown(state, 600)))))
    seen = re.findall(rf"{WORD}(?![\w.:…])", " ".join(texts(shown(state, width))))
    assert len(seen) > 5
    assert [word for word in seen if word not in whole] == []


def test_a_live_timeline_ticks_and_nothing_else() -> None:
    """Timers go on without events; lines in which nothing moves are the same."""
    log = live_run(3)
    layout = shown(log.state, 100, log.at + 1.0)
    before = texts(layout)
    assert layout.update(log.state, now=log.at + 1.02) is False
    assert layout.update(log.state, now=log.at + 1.2) is True
    changed = [a for a, b in zip(before, texts(layout), strict=True) if a != b]
    assert changed
    assert all(set(text) & {*SPINNER, "▸"} for text in changed)


def test_a_resting_run_does_not_move() -> None:
    """Without a present, what was in flight stands still."""
    log = live_run(3)
    layout = shown(log.state, 100)
    assert "⠿" in "".join(texts(layout))
    assert layout.update(log.state) is False


def test_closed_steps_are_measured_once() -> None:
    """A run of a thousand steps costs no more per event than one of ten."""
    layout, history = TimelineLayout(120), History()
    for record in long_run(60, 3):
        history.append(record)
        before = layout.measured
        layout.update(history.live)
        assert layout.measured - before <= 5
    before = layout.measured
    assert layout.update(history.live) is False
    assert layout.measured == before


def test_looking_back_measures_only_what_differs() -> None:
    """Scrubbing over a long run does not lay it out again."""
    layout, history = TimelineLayout(120), History()
    for record in long_run(80, 3):
        history.append(record)
    layout.update(history.live)
    before = layout.measured
    for back in (20, 60, 100, 40):
        layout.update(history.at(history.live.seq - back))
        layout.update(history.live)
    assert layout.measured - before < 80


def test_a_plan_far_above_goes_on() -> None:
    """Marks of a plan move on though nobody looks at the steps between."""
    log, layout = RunLog(), TimelineLayout(80)
    log.plan(["SEARCH: a", "COMPARE: b"])
    for number in range(4):
        log.plan_step(number // 2, done=bool(number % 2))
        log.step([Call("x")])
        layout.update(log.state)
        assert any("PLAN" in text for text in texts(layout))
    marks = [text for text in texts(layout) if "SEARCH" in text or "COMPARE" in text]
    assert [text.split()[0] for text in marks] == ["✓", "✓"]
    assert any("2/2 done" in text for text in texts(layout))


def test_an_eager_call_that_outlives_its_step_is_followed() -> None:
    """What becomes of a call after its step is closed is seen, in the middle of what stands."""
    log, layout = RunLog(agent=agent_record(plan="off")), TimelineLayout(80)
    log.step([Call("a", begins=-0.1, seconds=None, ends_as="discarded"), Call("b")])
    log.step([Call("c")])
    for event in (
        CallRetried(call="0.0", attempt=0, error="late", elapsed=0.1, wait=0.1),
        CallInterrupted(call="0.0", reason="abandoned"),
        CallDiscarded(call="0.0", reason="not asked for"),
    ):
        layout.update(log.state)
        log.add(event)
    layout.update(log.state)
    assert texts(layout) == texts(shown(log.state, 80))
    assert any("not asked for" in text for text in texts(layout))


def test_the_cursor_is_drawn_where_it_is_and_nowhere_else() -> None:
    """A lane has a heavy frame as long as it is selected, whatever else is drawn from memory."""
    layout = shown(researched_run().state, 120)
    for call in ("0.1", "0.2", "0.1"):
        layout.select(Selection("call", step=0, call=call))
        place = layout.locate(layout.selected)
        assert place is not None
        framed = [line_text(layout.line(y)) for y in range(place.y + 1, place.y + place.height - 1)]
        assert all(text.count("┃") == 2 and text[place.x] == "┃" for text in framed)
    layout.select(Selection("step", step=0))
    assert not any(set(text) & set("┏┃┛") for text in texts(layout))
    assert sum("▌" in text for text in texts(layout)) > 8


def test_only_what_is_looked_at_is_drawn() -> None:
    """Opening a long run draws the steps near the screen."""
    layout = shown(fold(long_run(300, 3)), 120)
    for y in range(48):
        layout.line(y)
    assert len(layout._lines) < 10
    for y in range(0, layout.height, 5):
        layout.line(y)
    assert len(layout._lines) < 100


def test_a_place_is_found_again_at_another_width() -> None:
    """A line is named by what it belongs to, not by a number."""
    layout = shown(fold(long_run(40, 4)), 160)
    place = layout.locate(Selection("step", step=30))
    assert place is not None
    anchor = layout.anchor(place.y)
    layout.resize(50)
    assert anchor is not None
    moved = layout.locate(Selection("step", step=30))
    assert moved is not None
    assert moved.y != place.y
    assert layout.position(anchor) == moved.y


def test_what_is_gone_is_not_found() -> None:
    """Looking back before a step, neither the step nor its lines are there any more."""
    log = researched_run()
    layout = shown(log.state)
    call = Selection("call", step=0, call="0.1")
    place = layout.locate(call)
    assert place is not None
    anchor = layout.anchor(place.y)
    assert anchor is not None
    layout.update(fold(log.records[:5]))
    assert layout.locate(call) is None
    assert layout.position(anchor) is None
    assert layout.move(call, "down") == layout.first()


def test_nothing_is_there_without_a_run() -> None:
    """An empty screen is not an error."""
    layout = shown(RunState())
    assert layout.height == 0
    assert layout.first() == layout.last() == layout.newest() == layout.nearest(3) == NOTHING
    assert layout.at(0, 0) == NOTHING
    assert line_text(layout.line(0)).strip() == ""


def test_a_result_of_five_megabytes_costs_a_line() -> None:
    """Neither a huge input nor a huge text slows the screen."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a", {"query": "y" * 5_000_000}, "x" * 5_000_000)], text="z " * 2_000_000)
    layout = shown(log.state, 80)
    assert layout.height < 30
    assert any("4.0 MB more" in text for text in texts(layout))


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES.keys())
def test_any_moment_looks_as_if_it_were_laid_out_alone(scene: Callable[[], RunLog]) -> None:
    """Going back and forth through a run leaves nothing of another moment behind."""
    history = History()
    for record in scene().records:
        history.append(record)
    layout = TimelineLayout(90)
    last = history.live.seq
    for seq in (last, last - 1, last // 2, last // 2 + 3, 4, 5, 1, 0, last - 2, last):
        layout.update(history.at(max(0, seq)))
        assert texts(layout) == texts(shown(history.at(max(0, seq)), 90))


def test_going_back_costs_no_more_than_going_on() -> None:
    """An event back in a run of thousands of steps lays out the last of them and no other."""
    history = History()
    for record in long_run(1_000, 4):
        history.append(record)
    layout = TimelineLayout(100)
    layout.update(history.live)
    last = history.live.seq
    for seq in (last - 1, last - 2, last - 30, last - 31):
        before = layout.measured
        layout.update(history.at(seq))
        assert layout.measured - before < 12
