"""A race in numbers: medians with their spread, rates with an interval, and nothing claimed from one sample."""

from __future__ import annotations

import pytest

from tests.builders import forked_run, live_run, researched_run
from workbench.debugger.checks import Verdict
from workbench.debugger.race import Fate, Racer, Spread, fate_of, racer_of, rate, spread, standings
from workbench.state.history import History
from workbench.state.run_state import RunState


def history_of(log: object) -> History:
    """Return the records of a log as a history."""
    history = History()
    for record in log.records:  # type: ignore[attr-defined]
        history.append(record)
    return history


def racer(variant: str, number: int, fate: Fate = "completed", **figures: object) -> Racer:
    """Return a run with figures."""
    return Racer(f"{variant}{number}", variant, number, fate, **figures)  # type: ignore[arg-type]


def test_one_value_has_no_spread() -> None:
    """Of one run only the value is told; from three on the middle half, too."""
    assert spread([]) is None
    assert spread([2.0]) == Spread(1, 2.0, 2.0, 2.0, None)
    assert spread([4.0, 2.0]) == Spread(2, 3.0, 2.0, 4.0, None)
    assert spread([1.0, 2.0, 3.0, 4.0, 10.0]) == Spread(5, 3.0, 1.0, 10.0, (2.0, 4.0))


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 0, 0.0, 1.0), (1, 1, 0.2065, 1.0), (4, 5, 0.3755, 0.9638), (5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775)],
)
def test_a_rate_has_an_honest_interval(hits: int, count: int, low: float, high: float) -> None:
    """Wilson's interval at 95 %: one hit of one proves next to nothing (the figures are those of the textbook)."""
    found = rate(hits, count)
    assert (found.hits, found.count) == (hits, count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_a_fork_counts_only_what_it_did_itself() -> None:
    """What all inherited says nothing of one: steps, calls and tokens of the parent are left out."""
    parent, fork = researched_run(), forked_run()
    found = racer_of(history_of(fork), "result", 1)
    whole = racer_of(history_of(parent), "all", 1)
    assert (found.fate, found.steps, found.calls) == ("completed", 1, 1)
    assert whole.steps == 2
    assert whole.calls == 4
    assert 0 < found.tokens < whole.tokens
    assert 0 < found.seconds < whole.seconds
    assert found.answer == fork.state.answer


def test_a_run_on_its_way_is_told_from_one_that_has_not_begun() -> None:
    """A fork that nobody drove yet waits; one whose driver is gone was stopped."""
    fork = researched_run().fork("9c1e0b7744aa21d3", 20)
    assert racer_of(history_of(fork), "x", 1).fate == "waits"
    assert racer_of(history_of(live_run()), "x", 1).fate == "runs"
    assert racer_of(history_of(live_run()), "x", 1, is_live=False).fate == "stopped"


@pytest.mark.parametrize(
    ("end", "fate"),
    [
        (("completed", "answered"), "completed"),
        (("failed", "error"), "failed"),
        (("interrupted", "step_limit"), "limit"),
        (("interrupted", "paused"), "stopped"),
    ],
)
def test_a_limit_is_an_end_and_a_pause_is_none(end: tuple[str, str], fate: Fate) -> None:
    """Whoever reached a limit came to its end by itself; whoever was stopped did not."""
    assert fate_of(RunState(end=end)) == fate  # type: ignore[arg-type]


def test_a_variant_is_summed_up_over_its_runs() -> None:
    """Figures are of the runs that are over, verdicts of those that were judged, answers by what they say."""
    good, bad = Verdict(True), Verdict(False)
    group = [
        racer("a", 1, steps=2, tokens=100, cost=0.1, answer="Yes.", verdict=good),
        racer("a", 2, steps=4, tokens=300, cost=0.3, answer="Yes. \n", verdict=good),
        racer("a", 3, "failed", steps=3, tokens=200, cost=0.2, verdict=bad),
        racer("a", 4, "stopped", steps=99, tokens=9, answer=None),
        racer("a", 5, "limit", steps=10, tokens=900, cost=0.9, verdict=Verdict(None, "no judge")),
    ]
    first, other = standings([*group, racer("b", 1, "waits")])
    assert (first.runs, first.fates) == (5, {"completed": 2, "failed": 1, "stopped": 1, "limit": 1})
    assert first.steps == Spread(4, 3.5, 2, 10, (2.75, 5.5))
    assert first.tokens is not None
    assert first.tokens.high == 900
    assert first.passed is not None
    assert (first.passed.hits, first.passed.count) == (2, 3)
    assert (first.answers, first.answered) == (1, 2)
    assert (other.variant, other.steps, other.passed) == ("b", None, None)


def test_an_unknown_price_is_not_counted_as_none() -> None:
    """A median of the known prices alone would make a variant look cheap."""
    (found,) = standings([racer("a", 1, cost=0.1), racer("a", 2, cost=None)])
    assert found.cost is None
