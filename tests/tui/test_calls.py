"""The bell and the terminal's notification: once for each rest, and only for whoever looks elsewhere."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from textual import events

from tests.builders import RunLog, live_run, researched_run
from tests.tui.fake_driver import FakeDriver, row_of
from tests.tui.kit import Stage, driven, stage
from workbench.config.settings import Notify
from workbench.driver.commands import Command, ListRuns
from workbench.driver.feed import RunsChanged
from workbench.tui.app import WorkbenchApp
from workbench.tui.manners import Manners


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what a person is called with."""
    calls: list[str] = []
    monkeypatch.setattr(WorkbenchApp, "call_person", lambda _, words: calls.append(words))
    return calls


def finish(driver: FakeDriver, log: RunLog) -> None:
    """Let a run end."""
    before = len(log.records)
    log.finish("interrupted", "breakpoint")
    driver.publish(log, before)


async def look_away(acted: Stage) -> None:
    """Let the terminal go behind another window."""
    acted.app.post_message(events.AppBlur())
    await acted.until(lambda: not acted.app.app_focus)


def look_often(acted: Stage) -> None:
    """Let the app look at its runs as often as it does in a while."""
    for _ in range(5):
        acted.app._look()


async def test_a_run_that_stops_behind_another_window_calls_once(heard: list[str]) -> None:
    """The person is called when the run stops, and not again while it stands there."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await look_away(acted)
        finish(driver, log)
        await acted.until(lambda: bool(heard))
        driver.feed.publish(RunsChanged())
        await acted.until(lambda: acted.watched.history.live.is_resting)
        look_often(acted)
        assert heard == [f"workbench: interrupted: breakpoint · {log.state.task}"[:120]]


async def test_a_run_that_stops_before_ones_eyes_calls_nobody(heard: list[str]) -> None:
    """A terminal that is in front, or does not say, makes no noise; looking away later changes nothing."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        finish(driver, log)
        await acted.until(lambda: acted.watched.history.live.is_resting)
        await look_away(acted)
        look_often(acted)
        assert heard == []


async def test_coming_back_ends_the_calls(heard: list[str]) -> None:
    """Whoever is back in front is called no more."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await look_away(acted)
        acted.app.post_message(events.AppFocus())
        await acted.until(lambda: acted.app.app_focus)
        finish(driver, log)
        await acted.until(lambda: acted.watched.history.live.is_resting)
        look_often(acted)
        assert heard == []


ON_SCREEN = "b0c4d2e19b305d68"


class TwoRuns(FakeDriver):
    """Drives a run that is not on the screen."""

    process = os.getpid()

    def __init__(self, log: RunLog) -> None:
        super().__init__(researched_run(ON_SCREEN), log, live=[log.run])
        self.away = log

    def _answer(self, command: Command) -> Any:
        answer = super()._answer(command)
        if not isinstance(command, ListRuns):
            return answer
        held = f"pid {self.process} on here"
        return [
            replace(row_of(self.away, live=True), held_by=held) if row.id == self.away.run else row for row in answer
        ]


@pytest.mark.parametrize(("process", "calls"), [(os.getpid(), 1), (os.getpid() + 1, 0)], ids=["ours", "another's"])
async def test_a_run_out_of_sight_calls_too_if_it_is_ours(heard: list[str], process: int, calls: int) -> None:
    """Several runs can be left alone at once; those of other processes are not one's business."""
    log = live_run()
    driver = TwoRuns(log)
    driver.process = process
    async with stage(driver, run=ON_SCREEN) as acted:
        await acted.until(lambda: any(row.id == log.run for row in acted.main.bridge.rows))
        await look_away(acted)
        finish(driver, log)
        driver.feed.publish(RunsChanged())
        await acted.until(lambda: any(row.status == "interrupted" for row in acted.main.bridge.rows))
        look_often(acted)
        assert len(heard) == calls


class Terminal:
    """Stands in for Textual's way to the terminal."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def write(self, data: str) -> None:
        """Take what would be sent."""
        self.sent.append(data)


@pytest.mark.parametrize(
    ("notify", "sent"),
    [
        ("both", ["\x07", "\x1b]9;hello\x07"]),
        ("bell", ["\x07"]),
        ("terminal", ["\x1b]9;hello\x07"]),
        ("off", []),
    ],
)
async def test_the_person_chooses_how(monkeypatch: pytest.MonkeyPatch, notify: Notify, sent: list[str]) -> None:
    """The bell and the notification can be had together, apart, or not at all."""
    async with stage(FakeDriver(researched_run()), manners=Manners(notify=notify)) as acted:
        terminal = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(WorkbenchApp, "is_headless", False)
            patch.setattr(acted.app, "_driver", terminal)
            acted.app.call_person("hello")
        assert terminal.sent == sent


async def test_nothing_moves_where_that_is_not_wanted() -> None:
    """With `motion = false` the mark of what runs stands still and nothing slides."""
    log = live_run()
    async with stage(driven(log), manners=Manners(moves=False)) as acted:
        assert acted.app.animation_level == "none"
        await acted.shows("⠿ executing tools")
    async with stage(driven(log)) as acted:
        assert "⠿ executing tools" not in acted.shown()
