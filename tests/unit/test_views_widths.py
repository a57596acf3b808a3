"""At any width nothing is cut off without a sign, and every call can be reached."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import Call, RunLog, agent_record, live_run
from tests.unit.test_views_timeline import runs, things
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.views.segments import line_text
from workbench.views.selection import Selection
from workbench.views.text import ELLIPSIS
from workbench.views.timeline import TimelineLayout

WIDTHS = st.integers(32, 200)


def layout_of(state: RunState, width: int) -> TimelineLayout:
    """Return the layout of a run that rests."""
    layout = TimelineLayout(width)
    layout.update(state)
    return layout


def lane_of(layout: TimelineLayout, call: CallState) -> list[str]:
    """Return the lines of a call's lane, without its frame."""
    place = layout.locate(Selection("call", step=int(call.id.partition(".")[0]), call=call.id))
    assert place is not None
    lines = [line_text(layout.line(place.y + number)) for number in range(place.height)]
    return [line[place.x + 2 : place.x + place.width - 2] for line in lines]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(runs(), WIDTHS)
def test_every_call_is_reached(log: RunLog, width: int) -> None:
    """Lanes that do not fit wrap; the cursor gets to each of them, whatever a run holds."""
    reached = {thing.call for thing in things(layout_of(log.state, width)) if thing.call is not None}
    assert reached == {call.id for step in log.state.steps for call in step.calls.values()}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), WIDTHS)
def test_many_lanes_wrap_at_any_width(count: int, width: int) -> None:
    """Forty calls at once are all there, none wider than the screen."""
    state = live_run(count).state
    layout = layout_of(state, width)
    places = [layout.locate(Selection("call", step=1, call=f"1.{number}")) for number in range(count)]
    assert all(place is not None and place.x + place.width <= width for place in places)
    assert len({(place.x, place.y) for place in places if place is not None}) == count


LETTERS = st.text("abcdefgh ", min_size=1, max_size=90).map(str.strip).filter(bool)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(LETTERS, LETTERS, LETTERS, st.integers(1, 6), WIDTHS)
def test_what_is_cut_ends_with_a_sign(tool: str, query: str, result: str, count: int, width: int) -> None:
    """A tool's name, an input, a result and an answer's source are there whole, or end with an ellipsis."""
    log = RunLog(task=query, agent=agent_record(plan="off"))
    log.step([Call(tool, {"query": query}, result, attempts=((result, 0.1, 0.1),))] * count)
    log.answer("yes", [(query, result)])
    layout = layout_of(log.state, width)
    for call in log.state.steps[0].calls.values():
        head, shown, _, attempts, outcome, *_ = lane_of(layout, call)
        for line, text in ((head, tool), (shown, query), (attempts, result), (outcome, result)):
            assert text in line or ELLIPSIS in line, line
    lines = [line_text(layout.line(y)) for y in range(layout.height)]
    citation = next(line for line in lines if "[1]" in line)
    assert (query in citation and result in citation) or ELLIPSIS in citation


@settings(max_examples=60, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=40), WIDTHS)
def test_long_texts_are_whole_or_say_how_much_is_missing(words: list[str], width: int) -> None:
    """A passage that is not shown to its end has a line that says so."""
    text = "\n".join(words)
    log = RunLog(task="t", agent=agent_record(plan="off"))
    log.step(text=text)
    log.step([Call("a")])
    layout = layout_of(log.state, width)
    shown = "\n".join(line_text(layout.line(y)).strip() for y in range(layout.height))
    whole = "".join(text.split()) in "".join(shown.split())
    assert whole or any(line.startswith(ELLIPSIS) and line.endswith("more") for line in shown.split("\n"))
