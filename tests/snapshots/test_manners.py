"""A picture of the list of themes, over a light theme that is being looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.builders import researched_run
from tests.tui.fake_driver import FakeDriver
from workbench.clock import ManualClock
from workbench.driver.settings import DriverSettings
from workbench.tui.app import WorkbenchApp


async def look_at_the_light_theme(pilot: Pilot[Any]) -> None:
    """Open the list and go one down."""
    app = pilot.app
    assert isinstance(app, WorkbenchApp)
    while not app.is_begun:
        await pilot.pause(0.01)
    await pilot.press("t")
    await pilot.press("down")
    await pilot.pause(0.1)


def test_a_theme_is_looked_at(snap_compare: Callable[..., bool]) -> None:
    """120×40: the light theme is in force while the cursor is on it, and the list leaves the run to be seen."""
    settings = DriverSettings(Path("unused.db"), Path("unused"), clock=ManualClock())
    app = WorkbenchApp(settings, desk=FakeDriver(researched_run()))
    assert snap_compare(app, run_before=look_at_the_light_theme, terminal_size=(120, 40))
