"""Two pictures of the list of runs: beside the others with what is known of one run, and alone with its columns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from tests.builders import RunLog, forked_run, researched_run, subagents_run
from tests.snapshots.test_pictures import Picture, app_on, once_shown
from tests.tui.fake_driver import FakeDriver


def told_runs() -> FakeDriver:
    """Return runs about which people said something: forks, subagents, one that waits, one that is hidden."""
    log, children = subagents_run()
    waiting = RunLog("5d00aa11bb22cc33", "Which port does PgBouncer listen on?")
    waiting.plan(("SEARCH: listen_port", "VERIFY: the default"), approve=False)
    old = RunLog("c0ffee11bb22cc33", "Is there a pool for replicas?")
    old.answer("No.")
    driver = FakeDriver(old, log, *children, waiting, live=[waiting.run])
    researched, fork = researched_run(), forked_run()
    driver.logs |= {researched.run: researched, fork.run: fork}
    driver.remarks = {
        fork.run: {
            "marked": True,
            "tags": ("pgbouncer", "for the talk"),
            "note": "The edited result turns the answer round: show this one first, then its parent.",
        },
        log.run: {"name": "Pool modes, by two subagents"},
        old.run: {"hidden": True},
    }
    return driver


def in_the_list(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what waits until the run is shown, goes to the list and presses keys there."""
    shown = once_shown()

    async def go(pilot: Pilot[Any]) -> None:
        await shown(pilot)
        await pilot.press("1", *keys)
        await pilot.pause(0.2)

    return go


def test_the_runs_beside_a_run(snap_compare: Picture) -> None:
    """120×40: the tree, and below it what was edited, what it cost, tags and note of the run under the cursor."""
    driver = told_runs()
    app = app_on(driver, forked_run().run)
    assert snap_compare(app, run_before=in_the_list(), terminal_size=(120, 40))


def test_the_runs_alone(snap_compare: Picture) -> None:
    """80×24: columns of figures, a hidden run dimmed, and the same facts below."""
    driver = told_runs()
    app = app_on(driver, forked_run().run)
    assert snap_compare(app, run_before=in_the_list("H"), terminal_size=(80, 24))
