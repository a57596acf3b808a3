"""Showing only some calls: what is left out is counted in its place, and nothing else changes."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import Call, RunLog, agent_record, forked_run, live_run, long_run, troubled_run
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.views.filter import KINDS, Filter, choices
from workbench.views.segments import line_text
from workbench.views.selection import NOTHING, Selection
from workbench.views.timeline import TimelineLayout

ERRORS = Filter(kinds=frozenset({"error"}))


def layout_of(state: RunState, chosen: Filter | None, width: int = 100) -> TimelineLayout:
    """Return the layout of a run with only some calls."""
    layout = TimelineLayout(width)
    layout.update(state)
    layout.choose(chosen)
    return layout


def texts(layout: TimelineLayout) -> list[str]:
    """Return all lines as text."""
    return [line_text(layout.line(y)) for y in range(layout.height)]


def told(layout: TimelineLayout) -> list[str]:
    """Return what the timeline says of hidden things."""
    return [text.strip() for text in texts(layout) if "hidden by the filter" in text]


def mixed(steps: int = 12) -> RunLog:
    """Return a run in which every fourth step has a call of its own kind and an error."""
    log = RunLog(agent=agent_record(plan="off"))
    for number in range(steps):
        calls = [Call("search_docs", {"query": f"q{number}"}), Call("search_docs", {"query": f"r{number}"})]
        if number % 4 == 3:
            calls.append(Call("shell", {"command": "ls"}, "boom", is_error=True, outcome="error"))
        log.step(calls, text=f"text of step {number}")
    log.answer("done")
    return log


def test_hidden_steps_are_folded_and_counted() -> None:
    """A filter never hides silently: each stretch of hidden steps is one line that says how many."""
    layout = layout_of(mixed().state, Filter(tools=frozenset({"shell"})))
    assert told(layout) == [
        "⋯ 3 steps hidden by the filter",
        "⋯ 2 more calls hidden by the filter",
    ] * 3 + ["⋯ 1 step hidden by the filter"]
    shown = "\n".join(texts(layout))
    assert "STEP 3" in shown
    assert "STEP 4" not in shown
    assert "ANSWER" in shown


def test_without_a_filter_all_is_as_it_was() -> None:
    """Taking the filter away shows exactly what was shown before."""
    state = mixed().state
    plain = TimelineLayout(100)
    plain.update(state)
    layout = layout_of(state, ERRORS)
    assert texts(layout) != texts(plain)
    layout.choose(None)
    assert texts(layout) == texts(plain)


def test_a_message_between_hidden_steps_stays() -> None:
    """What people said is never hidden, and keeps its place."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a")])
    log.say("and now?")
    log.step([Call("a")])
    log.step([Call("a")])
    layout = layout_of(log.state, ERRORS)
    shown = [text.strip() for text in texts(layout) if text.strip()]
    assert shown[1:] == ["⋯ 1 step hidden by the filter", "❯ and now?", "⋯ 2 steps hidden by the filter"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.sampled_from(["shell", "error"]))
def test_a_filtered_timeline_follows_its_run(strides: list[int], by: str) -> None:
    """Brought up event by event, in any strides, it is what it would be laid out at once; backwards too."""
    chosen = ERRORS if by == "error" else Filter(tools=frozenset({"shell"}))
    history = History()
    records = mixed().records
    layout = TimelineLayout(80)
    layout.choose(chosen)
    at = 0
    for stride in strides:
        for record in records[at : at + stride]:
            history.append(record)
        at += stride
        layout.update(history.live)
        assert texts(layout) == texts(layout_of(history.live, chosen, 80))
    past = history.at(history.live.seq // 2)
    layout.update(past)
    assert texts(layout) == texts(layout_of(past, chosen, 80))


def test_the_cursor_reaches_what_is_shown_and_nothing_else() -> None:
    """Moving goes over the folds."""
    layout = layout_of(mixed().state, Filter(tools=frozenset({"shell"})))
    found = [layout.first()]
    while (below := layout.move(found[-1], "down")) != found[-1]:
        found.append(below)
    calls = [selection.call for selection in found if selection.kind == "call"]
    assert calls == ["3.2", "7.2", "11.2"]
    assert layout.locate(Selection("step", step=4)) is None
    assert layout.at(5, next(y for y, text in enumerate(texts(layout)) if "3 steps hidden" in text)) == NOTHING


def test_a_turn_that_streams_is_shown() -> None:
    """Nobody knows yet what it will ask for."""
    log = mixed(2)
    streaming = RunLog(agent=agent_record(plan="off"))
    streaming.step([Call("a")])
    streaming.begin_turn()
    assert "STEP 1" in "\n".join(texts(layout_of(streaming.state, ERRORS)))
    assert "STEP 1" not in "\n".join(texts(layout_of(log.state, ERRORS)))


def test_kinds_of_calls() -> None:
    """Errors, edits and calls without a result can be looked at alone, together with a tool."""
    state = troubled_run().state
    tools, kinds = choices(state)
    assert tools["search_docs"] == 5
    assert (kinds["error"], kinds["open"]) == (2, 3)
    assert str(Filter(frozenset({"shell"}), frozenset({"open", "error"}))) == "shell, errors, without a result"
    shown = Filter(frozenset({"shell"}), frozenset({"open"}))
    calls = [call.id for step in state.steps for call in step.calls.values() if shown.shows_call(call)]
    assert calls == ["2.0", "2.2"]
    edited = Filter(kinds=frozenset({"edit"}))
    fork = forked_run().state
    assert [call.id for call in fork.steps[0].calls.values() if edited.shows_call(call)] == ["0.1"]
    assert set(KINDS) == {"error", "edit", "open"}


def test_lanes_that_are_left_keep_their_time() -> None:
    """A bar stays where it was on the axis of its step, though its siblings are hidden."""
    state = live_run(4).state
    search, fetch = Filter(tools=frozenset({"search_docs"})), Filter(tools=frozenset({"fetch_doc"}))
    for chosen in (search, fetch):
        layout = TimelineLayout(100)
        layout.choose(chosen)
        layout.update(state, now=state.at + 1)
        assert "⋯ 2 more calls hidden by the filter" in told(layout)


def test_five_thousand_steps_are_filtered_at_once() -> None:
    """Only what is shown is laid out."""
    state = fold(long_run(5_000, 4))
    layout = TimelineLayout(100)
    layout.update(state)
    before = layout.measured
    layout.choose(ERRORS)
    assert layout.measured - before < 10
    assert told(layout) == ["⋯ 5,001 steps hidden by the filter"]
