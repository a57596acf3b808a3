"""The guided tour and the other ways to begin, on the real driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import researched_run, waiting_plan
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import PATIENCE, Stage, driven, stage
from tests.tui.test_stories import offline
from workbench.clock import ManualClock
from workbench.driver.commands import AgentOptions, StartRun
from workbench.driver.settings import DriverSettings
from workbench.tui.app import WorkbenchApp
from workbench.tui.dialogs.page import PageDialog
from workbench.tui.flows.beginnings import EXAMPLE
from workbench.tui.tour import lead, script
from workbench.tui.widgets.invitation import QUESTIONS

QUICK = StartRun(script.QUESTION, AgentOptions(model="offline", plan="ask", pace=0.1))


async def test_the_tour_leads_through_everything_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untouched, the tour edits the plan, interrupts, resumes, edits, forks, goes back in time and compares."""
    monkeypatch.setattr(lead, "TOUR_RUN", QUICK)
    driver, clock = offline(tmp_path), ManualClock()
    app = WorkbenchApp(DriverSettings(Path("unused.db"), Path("unused"), clock=clock), desk=driver, tour=True)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        acted, told = Stage(app, pilot), list[str]()

        def is_over() -> bool:
            clock.advance(0.3)
            if app.tour is not None and (title := app.tour.scene.title) not in told:
                told.append(title)
            return app.tour is None

        await acted.until(lambda: app.tour is not None)
        await acted.until(is_over, patience=4 * PATIENCE)  # its keys are pressed one a look, and there are many
        assert told == [chapter.title for chapter in script.SCRIPT]
        state = acted.watched.history.live
        assert state.parent is not None
        assert state.plan is not None
        assert script.STEP in [str(step) for step in state.plan.steps]
        assert state.own_edits == [f"result {script.EDITED_CALL}"]
        kinds = [record.event.kind for record in acted.watched.history.records]
        assert "run_paused" in kinds
        assert app.screen is acted.main


async def test_a_person_takes_over_the_tour_and_gives_it_back() -> None:
    """Any key of the person's own stops the guide's keys; ctrl+n gives them back, ctrl+t ends the tour."""
    log, clock = waiting_plan(), ManualClock()
    driver = driven(log)
    driver.answers[StartRun] = lambda _: log.run
    settings = DriverSettings(Path("unused.db"), Path("unused"), clock=clock)
    app = WorkbenchApp(settings, desk=driver, tour=True)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        acted = Stage(app, pilot)
        await acted.shows("tour 1/")
        assert "ctrl+t ends the tour" in acted.shown()
        await acted.press("e", "down")
        await acted.shows("you have the keys")
        clock.advance(60)
        await acted.press("up")
        assert len(acted.main.plan_editor.steps) == len(log.state.plan.steps if log.state.plan else ())
        await acted.press("ctrl+n")
        await acted.until(lambda: "you have the keys" not in acted.shown())
        await acted.press("ctrl+t")
        await acted.until(lambda: "tour 1/" not in acted.shown())
        assert app.tour is None
        assert acted.main.plan_editor.is_shown


async def test_the_keys_of_the_tour_belong_to_the_editor_where_there_is_no_tour() -> None:
    """Without a tour ctrl+t and ctrl+n do what they always do."""
    async with stage(FakeDriver(researched_run())) as acted:
        assert acted.app.check_action("do", ("tour_end",)) is False
        assert acted.app.check_action("do", ("quit_now",)) is True


async def test_the_tour_is_taken_from_the_first_screen() -> None:
    """Whoever has no runs yet finds the tour below the questions."""
    log = waiting_plan()
    driver = FakeDriver()
    driver.answers[StartRun] = lambda _: driver.add(log, live=True)
    async with stage(driver) as acted:
        await acted.press("down", *["down"] * len(QUESTIONS), "enter")
        await acted.shows("tour 1/")
        assert driver.commands == [lead.TOUR_RUN]


async def test_a_recorded_session_opens_from_the_first_screen(tmp_path: Path) -> None:
    """The session that ships is taken in and shown, with its forks; it is not driven."""
    async with stage(offline(tmp_path)) as acted:
        await acted.press("down", *["down"] * (len(QUESTIONS) + 1), "enter")
        await acted.until(lambda: acted.main.bridge.watched is not None)
        assert acted.watched.is_imported
        await acted.until(lambda: len(acted.main.bridge.rows) > 1)


async def test_the_first_screen_shows_how_to_bring_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole program stands there to be read and copied."""
    copied: list[str] = []
    monkeypatch.setattr(WorkbenchApp, "copy_to_clipboard", lambda _, text: copied.append(text))
    async with stage(FakeDriver()) as acted:
        await acted.press("down", *["down"] * (len(QUESTIONS) + 2), "enter")
        await acted.opens(PageDialog)
        assert "from workbench import Agent" in acted.shown()
        await acted.press("y")
        assert copied == [EXAMPLE]
        await acted.press("escape")
        await acted.closes()
