"""The way onto the screen: the only place that imports it, when it is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench.cli.recording import Recording
from workbench.cli.workplace import Workplace, default_agent
from workbench.config.resources import shipped
from workbench.driver.commands import StartRun
from workbench.driver.driver import Driver


def show_screen(
    place: Workplace,
    *,
    start: StartRun | None = None,
    first: Callable[[Driver], str] | None = None,
    at: str | None = None,
    record: str | None = None,
    tour: bool = False,
) -> int:
    """Show the workbench until the person leaves it.

    `start` is a run to begin there; `first`, where given, does something with the driver before the screen is shown
    and returns the run to show. So whatever is wrong with what was typed is told before the screen appears. `tour`
    begins the guided tour.
    """
    recording = Recording(Path(record).expanduser(), place.database) if record else None
    with Driver(place.driver_settings()) as driver:
        if recording is not None and first is None:
            recording.begin(driver.feed)
        run = first(driver) if first is not None else None
        if recording is not None and run is not None:
            recording.begin(driver.feed, run)
        _show(place, driver, start, run, at, tour=tour)
    if recording is not None:
        recording.finish()
    return 0


def _show(
    place: Workplace, driver: Driver, start: StartRun | None, run: str | None, at: str | None, *, tour: bool
) -> None:
    from workbench.tui.app import WorkbenchApp

    app = WorkbenchApp(
        driver.settings,
        start,
        run,
        at,
        options=default_agent(place.settings),
        theme=place.settings.theme,
        themes=[shipped("themes"), place.places.config / "themes"],
        desk=driver,
        tour=tour,
    )
    app.run()
