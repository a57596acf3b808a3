"""The metrics: of the run on the screen, live, with its subagents or without, or of all runs together."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.builders import Call, RunLog, agent_record, long_run, researched_run, subagents_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, driven, stage
from workbench.driver.commands import OpenRun
from workbench.tui.bridge import Changes
from workbench.tui.screens import metrics
from workbench.tui.screens.metrics import MetricsScreen
from workbench.tui.screens.request import RequestScreen
from workbench.tui.widgets.lines import Text


async def opened(acted: Stage) -> MetricsScreen:
    """Open the metrics."""
    await acted.press("M")
    screen = await acted.opens(MetricsScreen)
    assert isinstance(screen, MetricsScreen)
    return screen


async def test_m_shows_the_metrics_of_the_run() -> None:
    """Percentiles against their targets, and the way back."""
    async with stage(FakeDriver(researched_run())) as acted:
        await opened(acted)
        await acted.shows("run a4f7c2e1")
        await acted.shows("calls 4 · start to result")
        await acted.shows("▲ p95 over 50 ms")
        await acted.press("escape")
        await acted.closes()


async def test_the_page_is_scrolled_where_there_is_little_room() -> None:
    """At 80×24 the tools are a few keys away."""
    async with stage(FakeDriver(researched_run()), size=(80, 24)) as acted:
        screen = await opened(acted)
        await acted.until(lambda: screen.query_one(Text).virtual_size.height > 24)
        assert "by tool" not in acted.shown()
        await acted.press("end")
        await acted.shows("by tool")


async def test_a_run_that_goes_on_is_measured_live() -> None:
    """What comes in is on the page a moment later."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a")])
    driver = driven(log)
    async with stage(driver) as acted:
        await opened(acted)
        await acted.shows("turns 1 ")
        since = len(log.records)
        log.step([Call("a"), Call("b")])
        driver.publish(log, since)
        await acted.shows("turns 2 ")
        await acted.shows("calls 3 ")


async def test_subagents_count_or_not() -> None:
    """s measures the run with its subagents, or without."""
    log, children = subagents_run(done=True)
    async with stage(FakeDriver(log, *children), run=log.run) as acted:
        await opened(acted)
        await acted.shows(f"run {log.run[:8]} and its {len(children)} subagents")
        await acted.until(lambda: all(child.is_open for child in acted.watched.children.values()))
        turns = len(log.state.steps) + sum(len(child.state.steps) for child in children)
        await acted.shows(f"turns {turns} ")
        await acted.press("s")
        await acted.shows("without its subagents")
        await acted.shows(f"turns {len(log.state.steps)} ")


async def test_a_run_without_subagents_says_so() -> None:
    """s has nothing to leave out there."""
    async with stage(FakeDriver(researched_run())) as acted:
        await opened(acted)
        await acted.press("s")
        await acted.until(lambda: "This run has no subagents." in acted.notices)


async def test_all_runs_are_measured_together() -> None:
    """a reads the runs of the list, each once, and counts what forks inherited only where it happened."""
    log, other = researched_run(), RunLog("5d00aa11bb22cc33", "Another?", agent=agent_record(plan="off"))
    other.step([Call("a")])
    fork = log.fork("9c1e0b7744aa21d3", log.state.steps[0].finished_seq or 0)
    fork.answer("Done.")
    driver = FakeDriver(log, fork, other)
    async with stage(driver, run=log.run) as acted:
        screen = await opened(acted)
        await acted.press("a")
        await acted.shows("the newest 3 runs")
        await acted.shows(f"turns {3 + 1 + 1} ")
        await acted.press("s")
        await acted.until(lambda: "All runs are measured, subagents among them." in acted.notices)
        await acted.press("a")
        await acted.shows(f"run {log.run[:8]}")
        read = dict(screen._measured)
        await acted.press("a")
        await acted.shows("the newest 3 runs")
        assert all(screen._measured[run][1] is figures for run, (_, figures) in read.items())


async def test_the_screen_answers_while_many_runs_are_read() -> None:
    """Reading goes on beside: how far it is stands in the title, and a goes back at once."""
    log, other = researched_run(), RunLog("5d00aa11bb22cc33", "Another?")
    held = asyncio.Event()

    class SlowDriver(FakeDriver):
        async def ask(self, command: object) -> object:
            if isinstance(command, OpenRun) and acted_on:
                await held.wait()
            return await super().ask(command)  # type: ignore[arg-type]

    acted_on: list[str] = []
    async with stage(SlowDriver(log, other), run=log.run) as acted:
        await opened(acted)
        acted_on.append("now")
        await acted.press("a")
        await acted.shows("reading 0 of 2")
        await acted.press("a")
        await acted.shows(f"run {log.run[:8]}")
        await acted.press("a")
        held.set()
        await acted.shows("the newest 2 runs")


async def test_only_the_newest_runs_are_measured() -> None:
    """A list of a thousand runs is not read whole."""
    logs = [RunLog(f"{number:016x}", "Q?") for number in range(metrics.LAST_RUNS + 3)]
    async with stage(FakeDriver(*logs)) as acted:
        screen = await opened(acted)
        await acted.press("a")
        await acted.shows(f"the newest {metrics.LAST_RUNS} runs")
        assert len(screen._measured) == metrics.LAST_RUNS


async def test_a_run_that_went_away_is_passed_over() -> None:
    """It is told, and the others are measured."""
    log, other = researched_run(), RunLog("5d00aa11bb22cc33", "Another?")
    driver = FakeDriver(log, other)
    async with stage(driver, run=log.run) as acted:
        await opened(acted)
        acted.main.bridge.rows = [replace(row, id=f"gone{row.id}") if row.id == other.run else row
                                  for row in acted.main.bridge.rows]  # fmt: skip
        await acted.press("a")
        await acted.shows("the newest 1 run,")
        assert any("there is no run" in notice for notice in acted.notices)


async def test_a_slow_engine_is_marked_beside_the_playhead() -> None:
    """The alarm is seen without opening the metrics, and not in a moment of the past."""
    log = RunLog(agent=agent_record(plan="off"))
    for _ in range(4):
        log.step([Call("a", seconds=0.01)])
        log.at += 0.3
    async with stage(FakeDriver(log)) as acted:
        await acted.shows("⚠ engine slow, p95 310 ms")
        await acted.press("[")
        assert "engine slow" not in acted.shown()


async def test_slow_tools_are_no_alarm() -> None:
    """A run whose tools take long is not marked."""
    log = RunLog(agent=agent_record(plan="off"))
    log.records = long_run(12)
    log.run = log.records[0].run
    async with stage(FakeDriver(log)) as acted:
        await acted.shows("p95 210 ms")
        assert "engine slow" not in acted.shown()


async def test_a_screen_may_be_looked_at_before_it_is_built() -> None:
    """On a slow machine the feed is faster than the screen that was asked for; nothing breaks."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        figures = MetricsScreen(acted.main.bridge, acted.watched)
        request = RequestScreen(acted.main.bridge, acted.watched, log.state.steps[0].before_seq + 1)
        log.begin_turn()
        acted.watched.take(log.records[-1])
        for _ in range(metrics.TICKS):
            figures.look(Changes())
            request.look(Changes())
