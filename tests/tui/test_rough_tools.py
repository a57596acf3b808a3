"""Tools that block, flood or try to end the program, while a person types: the screen stays alive."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.harness import Rig, answer
from tests.tui.kit import Stage, stage
from workbench.driver.commands import StartRun
from workbench.providers.scripted import Turn
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool
from workbench.views.selection import Selection

FLOOD = 100_000
"""Times that a tool says how far it is."""
LARGE = 5_000_000
"""Bytes of a large result."""


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Return what a blocking tool waits for; opened at the end whatever happens."""
    event = threading.Event()
    yield event
    event.set()


def rig(folder: Path, *tools: Tool) -> Rig:
    """Return a driver whose model calls each tool once and answers."""
    return Rig(folder, [Turn("Calling.", [(each.name, {}) for each in tools]), answer("done")], tools)


async def type_a_message(acted: Stage) -> None:
    """Open the prompt, type on where one was, and see each letter arrive."""
    await acted.press("m")
    await acted.until(lambda: isinstance(acted.app.focused, Input))
    field = acted.app.focused
    assert isinstance(field, Input)
    for letter in "still":
        before = field.value
        await acted.press(letter)
        assert field.value == before + letter
    await acted.shows("still")


def is_done(acted: Stage) -> bool:
    """Whether the run has its answer."""
    return acted.watched.history.live.answer == "done"


async def test_a_tool_that_blocks_the_driver(tmp_path: Path, gate: threading.Event) -> None:
    """A tool that never yields holds up its run, not the person: keys, panes, text and dialogs go on."""
    may_block, blocked = asyncio.Event(), threading.Event()

    @tool
    async def block() -> str:
        await may_block.wait()  # until the run is on the screen: before that there is nothing to keep alive
        blocked.set()
        gate.wait(60)
        return "free"

    with rig(tmp_path, block) as driven:
        async with stage(driven.driver, start=StartRun("What?")) as acted:
            loop = driven.driver._loop
            assert loop is not None
            loop.call_soon_threadsafe(may_block.set)  # nobody waits for it: the loop may answer no more
            await acted.until(blocked.is_set)
            await type_a_message(acted)
            await acted.press("escape", "1", "3", "2", "?")
            await acted.shows("Ask a new question")
            await acted.press("escape", "t", "down")
            assert acted.app.theme != "workbench-dark"
            await acted.press("escape")
            gate.set()
            await acted.until(lambda: is_done(acted))


async def test_a_tool_that_floods_its_progress(tmp_path: Path) -> None:
    """A hundred thousand reports and five million bytes go by while a person types, and the last of all is shown."""
    may_end = asyncio.Event()

    @tool(max_output=LARGE)
    async def flood(context: ToolContext) -> str:
        for number in range(FLOOD):
            context.progress(f"passage {number} of {FLOOD}")
            if number % 1_000 == 0:
                await asyncio.sleep(0)
        await may_end.wait()
        return "x" * LARGE

    with rig(tmp_path, flood) as driven:
        async with stage(driven.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: acted.watched.history.live.open_step is not None)
            await type_a_message(acted)
            await acted.press("escape")
            await acted.shows("passage")
            driven.open_gate(may_end)
            await acted.until(lambda: is_done(acted))
            await acted.press("up")
            acted.main.timeline.select(Selection("call", step=0, call="0.0"))
            await acted.shows("5.0 MB")
            await type_a_message(acted)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("beside", [False, True], ids=["on the loop", "on a thread"])
async def test_a_tool_that_would_end_the_program(tmp_path: Path, error: BaseException, beside: bool) -> None:
    """`SystemExit` and its like in a tool are a failed call: the run goes on, and so does the person."""

    @tool
    async def leave() -> str:
        raise error

    @tool(name="leave")
    def leave_beside() -> str:
        raise error

    with rig(tmp_path, leave_beside if beside else leave) as driven:
        async with stage(driven.driver, start=StartRun("What?")) as acted:
            await type_a_message(acted)
            await acted.until(lambda: is_done(acted))
            call = acted.watched.history.live.steps[0].calls["0.0"]
            assert call.outcome == "exception"
            assert call.result is not None
            assert type(error).__name__ in call.result.first_line
            await acted.shows("still")


async def test_tools_that_ignore_their_end(tmp_path: Path, gate: threading.Event) -> None:
    """One that swallows its cancellation and one on a thread time out, are left behind, and hold nobody up."""

    @tool(timeout=0.05)
    async def stay() -> str:
        while not gate.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return "late"

    @tool(name="stay_beside", timeout=0.05)
    def stay_beside() -> str:
        gate.wait(60)
        return "late"

    with rig(tmp_path, stay, stay_beside) as driven:
        async with stage(driven.driver, start=StartRun("What?")) as acted:
            await type_a_message(acted)
            await acted.until(lambda: is_done(acted))
            calls = acted.watched.history.live.steps[0].calls
            assert [(call.tool, call.outcome) for call in calls.values()] == [
                ("stay", "timeout"),
                ("stay_beside", "timeout"),
            ]
            await acted.shows("still")
            gate.set()


async def test_what_json_cannot_hold(tmp_path: Path) -> None:
    """It is a result all the same, and is shown."""

    @tool
    def odd() -> object:
        loop: list[object] = [float("nan"), {1, 2}, object(), "\ud800"]
        loop.append(loop)
        return {"odd": loop, 3: 10**400}

    with rig(tmp_path, odd) as driven:
        async with stage(driven.driver, start=StartRun("What?")) as acted:
            await type_a_message(acted)
            await acted.until(lambda: is_done(acted))
            await acted.press("escape")
            call = acted.watched.history.live.steps[0].calls["0.0"]
            assert (call.outcome, call.result is not None) == ("ok", True)
            acted.main.timeline.select(Selection("call", step=0, call="0.0"))
            await acted.shows("object object at")
            await type_a_message(acted)
