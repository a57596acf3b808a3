"""The way onto the screen: the only place that imports it, when it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.cli.paper import err
from workbench.cli.recording import Recording
from workbench.cli.workplace import Workplace, from_settings
from workbench.config.resources import shipped
from workbench.driver.commands import AddBreakpoints, AgentOptions, StartRun
from workbench.driver.driver import Driver
from workbench.telemetry.starting import telemetry
from workbench.views.segments import Segment


def show_screen(
    place: Workplace,
    *,
    start: StartRun | None = None,
    options: AgentOptions | None = None,
    first: Callable[[Driver], str] | None = None,
    at: str | None = None,
    record: str | None = None,
    tour: bool = False,
    breaks: Sequence[str] = (),
) -> int:
    """Show the workbench until the person leaves it.

    `breaks` join the person's list of breakpoints, which is kept beside the database and holds in the workbench alone.
    `start` is a run to begin there, `options` hold for those that the person begins; `first`, where given, does
    something with the driver before the screen is shown and returns the run to show. So whatever is wrong with what
    was typed is told before the screen appears. `tour` begins the guided tour.
    """
    keys = _checked_keys(place)
    recording = Recording(Path(record).expanduser(), place.database) if record else None
    settings = replace(place.driver_settings(), breakpoints=place.breakpoints)
    driver = Driver(settings)
    with telemetry(driver, place.watching), driver:
        if breaks:
            driver.ask_blocking(AddBreakpoints(tuple(breaks)))
        if recording is not None and first is None:
            recording.begin(driver.feed)
        run = first(driver) if first is not None else None
        if recording is not None and run is not None:
            recording.begin(driver.feed, run)
        _show(place, driver, start, options, run, at, keys, tour=tour)
    if recording is not None:
        recording.finish()
    return 0


def _checked_keys(place: Workplace) -> Mapping[str, tuple[str, ...]]:
    """Return the keys of the person's own; raises `ConfigError` where they cannot be meant."""
    from workbench.tui.keymap import check_keys

    return check_keys(place.settings.keys, place.places.settings)


def _show(
    place: Workplace,
    driver: Driver,
    start: StartRun | None,
    options: AgentOptions | None,
    run: str | None,
    at: str | None,
    keys: Mapping[str, tuple[str, ...]],
    *,
    tour: bool,
) -> None:
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.manners import Manners
    from workbench.tui.own_terminal import OwnTerminal

    settings, places = place.settings, place.places
    app = WorkbenchApp(
        driver.settings,
        start,
        run,
        at,
        options=options or from_settings(settings, screen=True),
        theme=settings.theme,
        themes=[shipped("themes"), places.themes],
        manners=Manners(
            keys=keys,
            notify=settings.notify or "both",
            moves=settings.motion is not False,
            settings_file=places.settings,
            pictures=places.pictures,
        ),
        desk=driver,
        tour=tour,
    )
    with OwnTerminal(places.printed) as terminal:
        app.run()
    if app.failure is not None:
        raise app.failure
    if terminal.has_printed:
        err().lines([(Segment(f"What was printed while the screen was shown is in {places.printed}."),)])
