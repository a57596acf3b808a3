"""Moving through a recorded run: by call, and as time goes by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import live_run, researched_run
from workbench.debugger.playback import CALL_STOPS, LONGEST_GAP, Head, moment_of, next_call_stop, play_on
from workbench.events.base import Recorded
from workbench.events.plan import PlanSkipped


def events_at(*times: float) -> list[Recorded]:
    """Return events that happened at these seconds."""
    return [Recorded("a" * 16, seq, 1000.0 + at, PlanSkipped()) for seq, at in enumerate(times)]


def test_time_goes_by_as_it_was() -> None:
    """An event is there when as much time has passed as between it and the one before."""
    records = events_at(0.0, 0.5, 0.5, 2.0)
    assert play_on(records, Head(0), 0.4) == Head(0, 0.4)
    assert play_on(records, Head(0, 0.4), 0.1).seq == 2
    assert play_on(records, Head(0), 1.0) == Head(2, 0.5)
    assert play_on(records, Head(0), 60.0) == Head(3, 0.0)


def test_long_gaps_are_cut_short_and_clocks_run_through_them() -> None:
    """Nobody waits ten minutes for a person of the past; timers still count every second of it."""
    records = events_at(0.0, 600.0, 601.0)
    assert play_on(records, Head(0), LONGEST_GAP) == Head(1, 0.0)
    assert moment_of(records, Head(0, LONGEST_GAP / 2)) == pytest.approx(1300.0)
    assert moment_of(records, Head(1, 0.25)) == pytest.approx(1600.25)
    assert moment_of(records, Head(2)) == pytest.approx(1601.0)


def test_a_clock_that_went_back_stops_nothing() -> None:
    """Events of another session may be older; they follow at once."""
    records = events_at(5.0, 1.0, 2.0)
    assert play_on(records, Head(0), 0.0).seq == 1


@given(st.lists(st.floats(0, 5), min_size=1, max_size=20), st.lists(st.floats(0, 3), min_size=1, max_size=10))
def test_many_small_steps_are_one_large_one(gaps: list[float], steps: list[float]) -> None:
    """It does not matter how often the screen asks."""
    times = [sum(gaps[:number]) for number in range(len(gaps) + 1)]
    records = events_at(*times)
    head = Head(0)
    for seconds in steps:
        before = head
        head = play_on(records, head, seconds)
        assert (head.seq, moment_of(records, head)) >= (before.seq, moment_of(records, before) - 1e-6)
    at_once = play_on(records, Head(0), sum(steps))
    assert moment_of(records, head) == pytest.approx(moment_of(records, at_once), abs=1e-3)


def test_calls_are_stops_in_both_directions() -> None:
    """Each start and each end of a call is passed once, and the ends of the run are the last stops."""
    records = live_run().records
    wanted = [record.seq for record in records if record.event.kind in CALL_STOPS]
    there, seq = [], 0
    while (seq := next_call_stop(records, seq, 1)) not in there:
        there.append(seq)
    last = len(records) - 1
    assert there == sorted({*wanted, last})
    back, seq = [], last
    while (seq := next_call_stop(records, seq, -1)) not in back:
        back.append(seq)
    assert back[::-1] == sorted({0, *wanted} - {last})


def test_a_run_without_calls_has_its_ends() -> None:
    """There is always somewhere to go."""
    records = researched_run().records[:3]
    assert next_call_stop(records, 1, 1) == 2
    assert next_call_stop(records, 1, -1) == 0
