"""The list of breakpoints as people see it: with room, over a run that stopped; with little, while one is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from tests.builders import researched_run
from tests.snapshots.test_pictures import Picture, app_on, once_shown
from tests.stopped_run import about_to_fetch, stop_at
from tests.tui.fake_driver import FakeDriver
from workbench.driver.commands import BreakpointSetting

LISTED = (
    BreakpointSetting("tool:fetch_*"),
    BreakpointSetting("result:(?i)time.?out|unreachable", is_enabled=False),
    BreakpointSetting("tool:shell input:rm -r"),
    BreakpointSetting("cost:0.05"),
    BreakpointSetting("diverge:77d0c1aa90b3e214", trouble="there is no run '77d0c1aa90b3e214'"),
)


def after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what waits for the run and presses keys."""

    async def wait(pilot: Pilot[Any]) -> None:
        await once_shown()(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.1)

    return wait


def driver() -> FakeDriver:
    """Return a driver with the run and the list."""
    log = about_to_fetch()
    stop_at(log)
    made = FakeDriver(researched_run(), log)
    made.breakpoints = LISTED
    return made


def test_the_list_over_a_stopped_run(snap_compare: Picture) -> None:
    """120×40: on and off by word and sign, what each means, one that stops nothing; behind it the stopped call."""
    app = app_on(driver(), "9c1e0b7744aa21d3")
    assert snap_compare(app, run_before=after("b", "down"), terminal_size=(120, 40))


def test_a_wrong_rule_with_little_room(snap_compare: Picture) -> None:
    """80×24: the line, what is wrong with the rule in it, and everything that can be written."""
    app = app_on(driver(), "9c1e0b7744aa21d3")
    assert snap_compare(app, run_before=after("b", "a", *"result:(a", "enter"), terminal_size=(80, 24))
