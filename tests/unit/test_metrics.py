"""How fast a run goes, measured from its log, and the alarm that does not cry wolf."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import Call, RunLog, agent_record, long_run, researched_run, subagents_run, troubled_run
from tests.strange import strange_text
from workbench.config.targets import Targets
from workbench.debugger.metrics import LEAST, Alarm, Figures, Meter, ToolFigures, busy, percentile, percentiles, total
from workbench.events.agent import AgentRecord
from workbench.events.call import CallFinished
from workbench.events.codec import result_fields
from workbench.events.content import text_content
from workbench.events.request import Usage
from workbench.views.metrics import alarm_words, chart, metrics_lines
from workbench.views.playhead import Moment, call_p95, playhead_line
from workbench.views.segments import line_text, line_width
from workbench.views.text import UNSAFE


def measured(log: RunLog, own: str | None = None) -> Figures:
    """Return what a log measures."""
    meter = Meter(own)
    for record in log.records:
        meter.take(record)
    return meter.figures


def steps(*of_calls: list[Call], pause: float = 0.01, agent: AgentRecord | None = None) -> RunLog:
    """Return a run of steps with these calls; so long after a step's last result the next turn starts."""
    log = RunLog(agent=agent or agent_record(plan="off"))
    for calls in of_calls:
        log.step(calls)
        log.at += pause - 0.01  # the log itself takes 10 ms before a turn
    log.begin_turn()
    return log


def test_percentiles_are_by_nearest_rank() -> None:
    """A percentile is a value that was measured, never one in between."""
    values = [float(number) for number in range(1, 101)]
    assert percentiles(values[::-1]) == (50.0, 95.0, 99.0)
    assert percentiles([7.0]) == (7.0, 7.0, 7.0)
    assert percentiles([]) is None
    assert percentile([], 0.95) is None
    assert percentile([1.0, 2.0], 0.0) == 1.0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_passed_by_no_more_than_it_says(values: list[float], share: float) -> None:
    """At least the share of all values is not above it, and it is the smallest such value."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9


def test_each_measure_is_what_it_says() -> None:
    """Turns, calls, aggregation, the whole and the engine's own part of a step, to the millisecond."""
    log = steps([Call("a", seconds=0.1), Call("b", seconds=0.3, begins=0.05)], pause=0.02)
    figures = measured(log)
    assert figures.turns == [pytest.approx(0.8)]
    assert figures.first_words == [pytest.approx(0.2)]
    assert sorted(figures.calls) == [pytest.approx(0.1), pytest.approx(0.3)]
    assert figures.aggregations == [pytest.approx(0.02, abs=1e-5)]
    assert figures.wholes == [pytest.approx(0.37, abs=1e-5)]
    assert figures.owns == [pytest.approx(0.02, abs=1e-5)]


def test_an_eager_call_counts_from_the_end_of_the_turn() -> None:
    """What ran while the model still wrote is no part of the whole."""
    figures = measured(steps([Call("a", begins=-0.3, seconds=0.4)]))
    assert figures.calls == [pytest.approx(0.4)]
    assert figures.wholes == [pytest.approx(0.11, abs=1e-5)]
    assert figures.owns == [pytest.approx(0.01, abs=1e-5)]


def test_time_of_persons_is_nobodys_fault() -> None:
    """A step in which a person was asked, or the run rested, is not measured; its calls are."""
    log = steps([Call("a", seconds=0.1)])
    assert len(measured(log).wholes) == 1
    paused = RunLog(agent=agent_record(plan="off"))
    paused.step([Call("a", seconds=0.1)])
    paused.pause()
    paused.at += 100
    paused.begin_turn()
    assert measured(paused).wholes == []
    assert len(measured(paused).calls) == 1
    assert max(measured(troubled_run()).wholes) < 5


def test_a_result_by_hand_is_no_measurement() -> None:
    """What a person or the engine answered says nothing of a tool."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a", seconds=None)])
    given_result = result_fields(text_content("x"), is_error=False)
    log.add(CallFinished(call="0.0", outcome="ok", elapsed=99.0, by="operator", **given_result), 99.0)
    log.begin_turn()
    figures = measured(log)
    assert (figures.calls, figures.wholes) == ([], [])


def test_efficiency_is_critical_path_over_wall() -> None:
    """Calls that all run at once are as fast as the slowest; one by one, they are not."""
    together = measured(steps([Call("a", seconds=0.4), Call("b", seconds=0.4)]))
    assert together.efficiency == pytest.approx(1.0)
    assert together.speedup == pytest.approx(2.0)
    one_by_one = measured(steps([Call("a", seconds=0.4), Call("b", begins=0.4, seconds=0.4)]))
    assert one_by_one.efficiency == pytest.approx(0.5)
    assert one_by_one.speedup == pytest.approx(1.0)
    assert measured(steps([Call("a")])).efficiency is None


def test_calls_with_one_lock_are_a_chain() -> None:
    """What must go one after the other is not counted as waste."""
    agent = agent_record(plan="off")
    tools = tuple(tool.model_copy(update={"exclusive": "notes"}) for tool in agent.tools)
    locked = agent.model_copy(update={"tools": tools})
    calls = [Call("search_docs", seconds=0.4), Call("fetch_doc", begins=0.4, seconds=0.4)]
    assert measured(steps(calls, agent=locked)).efficiency == pytest.approx(1.0)
    assert measured(steps(calls, agent=agent)).efficiency == pytest.approx(0.5)


def test_retries_failures_tokens_and_tools_are_counted() -> None:
    """Each attempt that failed, each error, each token."""
    figures = measured(troubled_run())
    assert (figures.model_retries, figures.call_retries, figures.failures) == (1, 3, 2)
    assert figures.tools["search_docs"].retries == 3
    assert figures.tools["fetch_doc"].failures == 1
    assert figures.usage.input_tokens == troubled_run().state.usage.input_tokens


def test_a_subagent_is_no_slow_call() -> None:
    """Its time is a run's; it stands in the line of its tool alone."""
    log, _ = subagents_run(done=True)
    figures = measured(log)
    assert figures.tools["spawn_subagent"].seconds
    assert max(figures.calls, default=0.0) < 1.0
    assert figures.answered == len(figures.calls) + len(figures.tools["spawn_subagent"].seconds)


def test_a_fork_measures_its_own_part_where_runs_are_added_up() -> None:
    """What it inherited is measured in its ancestor, once."""
    log = researched_run()
    fork = log.fork("9c1e0b7744aa21d3", log.state.steps[0].finished_seq or 0)
    fork.answer("Done.")
    assert len(measured(fork).turns) == 3
    assert len(measured(fork, fork.run).turns) == 1
    together = total([measured(log), measured(fork, fork.run)])
    assert len(together.turns) == 4
    assert together.usage == log.state.usage + Usage(input_tokens=1312, output_tokens=104, cost=0.0012)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5)).map(lambda span: (span[0], sum(span))), max_size=12))
def test_busy_time_counts_every_moment_once(spans: list[tuple[float, float]]) -> None:
    """Overlapping calls are not added up, and what lies outside is cut off."""
    found = busy(spans, 2.0, 8.0)
    assert 0 <= found <= 6.0 + 1e-9
    grid = [2.0 + (number + 0.5) * 0.01 for number in range(600)]
    counted = sum(any(start <= at < end for start, end in spans) for at in grid) * 0.01
    assert found == pytest.approx(counted, abs=0.15)


SLOW_ENGINE = steps(*([Call("a", seconds=0.01)] for _ in range(LEAST)), pause=0.2)
SLOW_TOOLS = steps(*([Call("a", seconds=2.0)] for _ in range(LEAST)))


def test_the_alarm_says_whose_time_it_is() -> None:
    """A slow engine and slow tools are told apart; all is well below the limit, and nothing is said of little."""
    slow = measured(SLOW_ENGINE).alarm()
    assert slow is not None
    assert (slow.whose, round(slow.own, 2)) == ("engine", 0.2)
    tools = measured(SLOW_TOOLS).alarm()
    assert tools is not None
    assert tools.whose == "tools"
    quick = [[Call("a", seconds=0.01)]] * 9
    assert measured(steps(*quick)).alarm() is None
    assert measured(steps(*quick)).alarm(Targets(alarm=0.01)) is not None
    assert measured(steps([Call("a", seconds=2.0)])).alarm() is None


def test_slow_tools_ring_no_bell_outside() -> None:
    """The mark in the line of the playhead is for the engine alone."""
    assert alarm_words(Alarm(0.3, 0.2, "engine")) == "⚠ engine slow, p95 200 ms"
    assert alarm_words(Alarm(2.0, 0.01, "tools")) == ""
    state = researched_run().state
    line = playhead_line(state, Moment(3, 9, alarm="⚠ engine slow, p95 200 ms"), 120)
    assert "event 3/9  ⚠ engine slow, p95 200 ms" in line_text(line)
    assert line_width(line) == 120


def page(figures: Figures, width: int = 118, pace: float = 0.0) -> str:
    """Return the page as text."""
    return "\n".join(line_text(line).rstrip() for line in metrics_lines(figures, width, title="run x", pace=pace))


def test_the_page_tells_of_every_measure() -> None:
    """Percentiles with their targets, figures, tools, and in words what the alarm is about."""
    text = page(measured(SLOW_TOOLS))
    assert (
        "▲ p95 of calls to results is 2.0 s, over 80 ms\n  Slow are the tools; the engine's own part is 10 ms." in text
    )
    assert "calls 3 · start to result" in text
    assert "p50 2.0 s    p95 2.0 s    p99 2.0 s" in text
    assert "▲ p95 over 50 ms" in text
    assert "✓ p95 within 20 ms" in text
    assert "parallel      no step had several calls" in text
    assert "Slow are the tools, on purpose (pace 0.6 s);" in page(measured(SLOW_TOOLS), pace=0.6)
    slow = page(measured(SLOW_ENGINE))
    assert (
        "⚠ p95 of calls to results is 210 ms, over 80 ms\n  The engine is slow: p95 of its own part is 200 ms." in slow
    )
    assert "○ nothing to judge yet" in page(Figures())
    assert "fetch_doc" in page(measured(troubled_run()))
    assert "retries       1 of turns · 3 of calls" in page(measured(troubled_run()))
    assert "✓ p95 of calls to results is within 80 ms" in page(measured(steps([Call("a", seconds=0.01)])))


def test_a_chart_shows_where_the_target_is() -> None:
    """A dashed line at its height; columns that pass it stand out without colour, by reaching over."""
    low = [line_text(line) for line in chart([0.01] * 4, 10, 3, target=0.05)]
    assert "╌" * 10 in low
    high = chart([0.2] * 30, 10, 3, target=0.05)
    assert [line_text(line)[0] for line in high] == [" ", " ", "╌"]
    assert line_text(high[-1]) == "╌" + "█" * 9
    assert {style for line in high for _, style in line} == {"waiting", "bar_wait"}
    assert "╌" not in line_text(chart([0.01], 10, 1, target=0.05)[0])
    assert line_text(chart([0.001, 1.0], 3, 2)[1])[1] == "▁"


seconds = st.lists(st.floats(0, 1e4), max_size=90)


@settings(max_examples=60, deadline=None)
@given(seconds, seconds, strange_text(40), st.integers(20, 170))
def test_lines_fit(calls: list[float], wholes: list[float], tool: str, width: int) -> None:
    """Whatever was measured, and whatever a tool is called, every line is as wide as the page."""
    figures = Figures(calls=calls, wholes=wholes, owns=wholes, turns=calls, critical=1.0, wall=2.0, serial=3.0)
    figures.tools[tool] = ToolFigures(calls, 3, 1)
    for line in metrics_lines(figures, width, title="run x"):
        assert line_width(line) == width
        assert not UNSAFE.search(line_text(line))


def test_the_line_of_the_playhead_counts_as_before() -> None:
    """The p95 of the last calls is by nearest rank."""
    assert call_p95(researched_run().state) == pytest.approx(0.212)
    records = long_run(40)
    meter = Meter()
    for record in records:
        meter.take(record)
    assert len(meter.figures.calls) == 161
