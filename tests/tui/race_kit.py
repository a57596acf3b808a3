"""A race on the screen: a run, forks of it at every fate, and the rows that a driver has of them."""

from __future__ import annotations

from dataclasses import replace

from tests.builders import CITATIONS, Call, RunLog, researched_run
from tests.tui.fake_driver import FakeDriver, row_of
from tests.tui.kit import Stage
from workbench.tui.screens.race import RaceScreen

RACE = "12ab34cd"


def fork_of(parent: RunLog, run: str) -> RunLog:
    """Return a fork of a run before its last turn."""
    return parent.fork(run, parent.state.steps[0].finished_seq or 0, address="1")


def race_logs() -> list[RunLog]:
    """Return a run and four forks: two that answered, one with calls in flight, one that waits for its turn."""
    parent = researched_run()
    first, second, third, fourth = (
        fork_of(parent, run) for run in ("1111aaaa00000000", "2222bbbb00000000", "3333cccc00000000", "4444dddd00000000")
    )
    first.answer("Prepared statements work from version 1.21 on.", CITATIONS)
    second.step([Call("search_docs", {"query": "max_prepared_statements"}, seconds=0.4)], text="I look once more.")
    second.answer("They do not work in transaction pooling.", CITATIONS[1:])
    third.step(
        [
            Call("search_docs", {"query": "prepared statements in 1.21"}, seconds=0.3),
            Call("fetch_doc", {"name": "pgbouncer-config::14"}, seconds=None, begins=0.1),
        ],
        text="I read what the configuration says.",
    )
    return [parent, first, second, third, fourth]


def racing_driver(*, checks: tuple[str, ...] = ("pattern:1\\.21",)) -> FakeDriver:
    """Return a driver with that race: two variants of two runs each, of which one is on its way."""
    parent, *forks = race_logs()
    driver = FakeDriver(parent, *forks, live=[forks[2].run])
    rows = [row_of(log, live=log.run in driver.live) for log in forks]
    judged = [
        replace(rows[0], is_judged=bool(checks), passed=True if checks else None, why="matches '1.21'"),
        replace(rows[1], is_judged=bool(checks), passed=False if checks else None, why="nothing in it matches"),
        *rows[2:],
    ]
    named = ("as it is", "model anthropic:claude-sonnet-4-5", "as it is", "model anthropic:claude-sonnet-4-5")
    driver.races[RACE] = [
        replace(row, race=RACE, variant=variant, checks=checks, name=variant)
        for row, variant in zip(judged, named, strict=True)
    ]
    return driver


async def shown_race(acted: Stage, *, is_trusted: bool = True) -> RaceScreen:
    """Push the race on the screen and wait until it is read."""
    screen = RaceScreen(acted.app.main.bridge, RACE, acted.app.now, is_trusted=is_trusted)
    acted.app.push_screen(screen)
    await acted.until(lambda: screen.racers, "the race was not read")
    await acted.pilot.pause(0)
    return screen
