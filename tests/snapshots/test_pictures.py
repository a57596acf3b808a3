"""Three pictures of the screen: what people see first, what they come for, and how it looks with little room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.builders import Call, RunLog, live_run, researched_run, waiting_plan
from tests.tui.fake_driver import FakeDriver
from workbench.clock import ManualClock
from workbench.driver.settings import DriverSettings
from workbench.tui.app import WorkbenchApp
from workbench.views.selection import Selection

Picture = Callable[..., bool]
"""Draws an app and compares it with the picture that was looked at and kept."""


def app_on(driver: FakeDriver, run: str, seconds: float = 0.0) -> WorkbenchApp:
    """Return an app on runs that hold still, so many seconds into the run."""
    clock = ManualClock()
    clock.advance(seconds)
    settings = DriverSettings(Path("unused.db"), Path("unused"), clock=clock)
    return WorkbenchApp(settings, open_run=run, desk=driver)


def once_shown(selection: Selection | None = None) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what waits until the run is shown, and puts the cursor somewhere."""

    async def wait(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, WorkbenchApp)
        while not app.is_begun:
            await pilot.pause(0.01)
        if selection is not None:
            await pilot.press("up")  # away from the end, which is followed
            app.main.timeline.select(selection)
        await pilot.pause(0.1)

    return wait


def fork_on_its_way() -> tuple[RunLog, RunLog]:
    """Return a run, and a fork of it with an edited result that is in the middle of its next calls."""
    parent = researched_run()
    cut = parent.state.steps[0].finished_seq or 0
    fork = parent.fork("9c1e0b7744aa21d3", cut, address="0.1", reset={"0.1": "answered"})
    fork.edit_result("0.1", "sql-prepare::0 Prepared statements last until the server is restarted.\n" * 3)
    fork.plan_step(2)
    fork.step(
        [
            Call("search_docs", {"query": "server restart and prepared statements"}, "app-pg-ctl::2 restart", 0.4),
            Call("fetch_doc", {"name": "sql-prepare::0"}, seconds=None, begins=0.05, progress="read 3 of 9 passages"),
            Call("search_docs", {"query": "pool_mode and server lifetime"}, seconds=None, begins=0.1),
        ],
        thinking="If they last until a restart, what matters is how long a server connection lives.",
        text="The results differ from what I expected; I look again.",
    )
    return parent, fork


def test_a_plan_waits(snap_compare: Picture) -> None:
    """120×40: the question, the proposed plan with its three keys, and the run's facts."""
    log = waiting_plan()
    app = app_on(FakeDriver(log, live=[log.run]), log.run)
    assert snap_compare(app, run_before=once_shown(), terminal_size=(120, 40))


def test_an_edited_fork_runs_calls_at_once(snap_compare: Picture) -> None:
    """160×48: a fork under its parent, an edited result among its siblings, and calls in flight on one time axis."""
    parent, fork = fork_on_its_way()
    app = app_on(FakeDriver(parent, fork, live=[fork.run]), fork.run, fork.at - ManualClock().wall() + 1.2)
    chosen = Selection("call", step=0, call="0.1")
    assert snap_compare(app, run_before=once_shown(chosen), terminal_size=(160, 48))


def test_little_room(snap_compare: Picture) -> None:
    """80×24: one pane at a time, the others and their keys in its frame."""
    log = live_run()
    app = app_on(FakeDriver(log, live=[log.run]), log.run, log.at - ManualClock().wall() + 0.8)
    assert snap_compare(app, run_before=once_shown(), terminal_size=(80, 24))
