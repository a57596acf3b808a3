"""Pictures of questions: what a fork would do and cost, and what a call would be given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from tests.builders import Call, RunLog, agent_record, researched_run
from tests.snapshots.test_pictures import Picture, app_on, once_shown
from tests.tui.fake_driver import PREVIEW, FakeDriver
from workbench.debugger.cost import ForkCost
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.dialogs.fork import ForkDialog
from workbench.views.selection import Selection


def once_asked(
    key: str, selection: Selection, then: Callable[[Any], object]
) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what puts the cursor somewhere, presses a key, and waits for the dialog to be so."""

    async def wait(pilot: Pilot[Any]) -> None:
        await once_shown(selection)(pilot)
        await pilot.press(key)
        while not then(pilot.app.screen):
            await pilot.pause(0.01)
        await pilot.pause(0.1)

    return wait


def test_a_fork_is_weighed(snap_compare: Picture) -> None:
    """120×40: the place, what is changed, and what that keeps, runs again, cannot undo and costs."""
    log = researched_run()
    driver = FakeDriver(log)
    driver.preview = replace(
        PREVIEW,
        reruns=("0.2",),
        simulated=True,
        effects=("shell ran as call 1.0",),
        cost=ForkCost("anthropic:claude-sonnet-4-5", 12_400, 11_700, (), 0.006, 0.037, 3, 0.058),
    )

    def is_previewed(screen: Any) -> bool:
        if not isinstance(screen, ForkDialog):
            return False
        editor = screen.query_one("#editor", TextArea)
        if "restarted" not in editor.text:
            editor.text = "sql-prepare::0 Prepared statements last until the server is restarted."
        return "kept" in str(screen.query_one("#does", Static).content)

    shown = once_asked("f", Selection("call", step=0, call="0.1"), is_previewed)
    assert snap_compare(app_on(driver, log.run), run_before=shown, terminal_size=(120, 40))


def test_a_call_asks_each_time(snap_compare: Picture) -> None:
    """120×40: why each call of this tool is asked, two equal ones as one question, and no leave for the run."""
    log = RunLog(agent=agent_record(plan="off"))
    why = (
        "this run has read private data as well as words of strangers, and http_get reaches outside: then each call is "
        "asked, whatever allows it"
    )
    call = Call("http_get", {"url": "https://example.com/?q=notes"}, asks=why, every_time=True, effect="effectful")
    log.step([call, call])
    shown = once_asked("a", Selection("call", step=0, call="0.0"), lambda screen: isinstance(screen, ChoiceDialog))
    assert snap_compare(app_on(FakeDriver(log, live=[log.run]), log.run), run_before=shown, terminal_size=(120, 40))


def test_a_call_asks(snap_compare: Picture) -> None:
    """80×24: what would run behind its bar, letters that only look like others as escapes, and five answers."""
    log = RunLog(agent=agent_record(plan="off"))
    command = "psql -c 'alter role pgb\u043euncer superuser' && echo done\n o  Allow once   this call alone"
    log.step([Call("shell", {"command": command, "cwd": "/srv"}, asks="runs a command", effect="effectful")])

    def is_open(screen: Any) -> bool:
        return isinstance(screen, ChoiceDialog)

    shown = once_asked("a", Selection("call", step=0, call="0.0"), is_open)
    assert snap_compare(app_on(FakeDriver(log, live=[log.run]), log.run), run_before=shown, terminal_size=(80, 24))
