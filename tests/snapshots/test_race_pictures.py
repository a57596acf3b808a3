"""Two pictures of a race: its runs side by side, and the table that sums it up with little room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot

from tests.snapshots.test_pictures import Picture, app_on
from tests.tui.fake_driver import FakeDriver
from tests.tui.race_kit import RACE, race_logs, racing_driver
from workbench.clock import ManualClock
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.race import RaceScreen


def once_raced(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what pushes the race, waits until it is read, and presses keys."""

    async def wait(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, WorkbenchApp)
        while not app.is_begun:
            await pilot.pause(0.01)
        screen = RaceScreen(app.main.bridge, RACE, app.now)
        app.push_screen(screen)
        while not screen.racers:
            await pilot.pause(0.01)
        await pilot.press(*keys)
        await pilot.pause(0.2)

    return wait


def crowded() -> FakeDriver:
    """Return a driver with a race of two variants, of which one ran four times and one thrice."""
    driver = racing_driver()
    rows = driver.races[RACE]
    for number, row in enumerate([rows[0], rows[1], rows[0]]):
        log = race_logs()[1 + number % 2]
        again = log.fork(f"{number}{row.id[1:]}", log.state.seq - 8, address="1")
        again.answer(f"Answer {number}.", seconds=0.7 + 0.4 * number)
        driver.logs[again.run] = again
        variant = rows[number % 2].variant
        driver.races[RACE].append(replace(row, id=again.run, variant=variant, passed=number != 1))
    return driver


def test_runs_side_by_side(snap_compare: Picture) -> None:
    """160×48: four runs of two variants, answered, on their way, and waiting; the second has the keys."""
    driver = racing_driver()
    log = driver.logs["3333cccc00000000"]
    app = app_on(driver, "a4f7", log.at - ManualClock().wall() + 0.8)
    assert snap_compare(app, run_before=once_raced("right"), terminal_size=(160, 48))


def test_the_table_with_little_room(snap_compare: Picture) -> None:
    """80×24: rates with their interval, medians with their range, and the runs with the beginning of each answer."""
    driver = crowded()
    log = driver.logs["3333cccc00000000"]
    app = app_on(driver, "a4f7", log.at - ManualClock().wall() + 0.8)
    assert snap_compare(app, run_before=once_raced("t", "down"), terminal_size=(80, 24))
