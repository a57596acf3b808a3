"""A picture of finding: what a person sees who looks for a word in a run."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from tests.builders import researched_run
from tests.snapshots.test_pictures import Picture, app_on, once_shown
from tests.tui.fake_driver import FakeDriver
from workbench.tui.app import WorkbenchApp


async def find(pilot: Pilot[Any]) -> None:
    """Look for a word, and go to its third hit."""
    await once_shown()(pilot)
    app = pilot.app
    assert isinstance(app, WorkbenchApp)
    await pilot.press("slash", *"prepared", "enter", "n", "n", "n")
    await pilot.pause(0.2)


def test_a_word_is_found(snap_compare: Picture) -> None:
    """120×40: hits marked in the task, the plan and the lanes, and the third one in the inspector."""
    log = researched_run()
    assert snap_compare(app_on(FakeDriver(log), log.run), run_before=find, terminal_size=(120, 40))
