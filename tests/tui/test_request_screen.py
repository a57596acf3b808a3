"""The exact request of a turn: shown from what is selected, turn by turn, and copied without keys."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Call, RunLog, agent_record, researched_run, troubled_run, waiting_plan
from tests.harness import Rig, answer
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import CALL, Stage, driven, select, stage
from workbench.events.agent import AgentRecord
from workbench.events.turn import TurnFinished
from workbench.interchange.request_copy import read_request
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.flows.requests import turn_of
from workbench.tui.screens.request import RequestScreen
from workbench.tui.widgets.folds import Folds
from workbench.views.selection import NOTHING, Selection


def turn_log(result: str = "x", model: str = "offline", **fields: Any) -> RunLog:
    """Return a run of one step with one result, and the beginning of the next."""
    agent: AgentRecord = agent_record(plan="off").model_copy(update={"model": model})
    log = RunLog(agent=agent)
    log.step([Call("search_docs", {"query": "q"}, result, **fields)], text="Looking.", thinking="Hm.")
    log.begin_turn()
    return log


async def opened(acted: Stage) -> RequestScreen:
    """Open the request of what is selected, and wait until it is read."""
    await acted.press("i")
    screen = await acted.opens(RequestScreen)
    assert isinstance(screen, RequestScreen)
    await acted.until(lambda: screen._sent is not None)
    return screen


async def copied(acted: Stage, *keys: str) -> str:
    """Press keys and return what is on the clipboard then."""
    acted.app._clipboard = ""
    await acted.press(*keys)
    await acted.until(lambda: bool(acted.app.clipboard))
    return acted.app.clipboard


async def test_i_shows_the_request_of_the_selected_call() -> None:
    """Instructions, tools, messages with their roles, and what fills the context; Escape leads back."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        await select(acted, CALL)
        screen = await opened(acted)
        assert screen.turn.place == "step 0"
        for text in (
            "Answer from the documents.",
            "search_docs",
            "read only",
            "0 user",
            QUESTION_START,
            "≈",
            "▓ tools",
        ):
            await acted.shows(text)
        await acted.shows("rebuilt, but not byte for byte")  # the scenes have keys that stand for nothing
        await acted.press("escape")
        await acted.closes()


QUESTION_START = "How does PgBouncer transaction pooling"


async def test_an_exact_request_says_so(tmp_path: Path) -> None:
    """Of a run that really ran, the screen proves by the key that this is what was sent."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        """Look a word up."""
        return f"found {word}"

    with Rig(tmp_path, [Turn("Looking.", [("look", {"word": "a"})]), answer("done")], [look]) as rig:
        run = rig.start()
        rig.finish(run)
        async with stage(rig.driver, run=run) as acted:
            screen = await opened(acted)
            await acted.shows("✓ exactly what was sent")
            await acted.shows("result 0.0")
            text = await copied(acted, "j")
            assert read_request(text) == rig.model.requests[1]
            assert screen._sent is not None


async def test_arrows_go_from_turn_to_turn() -> None:
    """Every attempt has a request of its own; the first and the last say that they are."""
    log = troubled_run()
    async with stage(FakeDriver(log)) as acted:
        await select(acted, Selection("step", step=0))
        screen = await opened(acted)
        assert screen.turn.place == "step 0, attempt 1"
        await acted.press("left")
        await acted.shows("turn 1 of 4")
        await acted.press("tab")
        await acted.shows("given up: broken: overloaded_error")
        await acted.press("left")
        assert "This is the first turn." in acted.notices
        await acted.press("right", "right")
        await acted.until(lambda: screen.turn.place == "step 1")
        await acted.press("right", "right")
        await acted.until(lambda: "This is the last turn so far." in acted.notices)


async def test_the_response_is_shown_as_recorded() -> None:
    """Blocks, stop reason, usage and times, and the whole as JSON to be copied."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        await select(acted, CALL)
        await opened(acted)
        await acted.press("tab")
        await acted.shows("[response]")
        await acted.shows("ended with tool_use")
        await acted.shows("first word after 200 ms · 800 ms in all · 227 tokens/s · 900 in · 136 out")
        turn = TurnFinished.model_validate_json(await copied(acted, "j"))
        assert turn.calls[0].tool == "search_docs"
        assert any("the response as JSON" in notice for notice in acted.notices)


async def test_a_turn_that_goes_on_is_followed() -> None:
    """The response arrives while it is looked at, and a later turn can be gone to."""
    log = turn_log()
    driver = driven(log)
    async with stage(driver) as acted:
        screen = await opened(acted)
        await acted.press("tab")
        await acted.shows("no end is recorded yet")
        await acted.press("j")
        await acted.until(lambda: "This attempt has no finished response to copy." in acted.notices)
        since = len(log.records)
        log.stream("I found")
        driver.publish(log, since)
        await acted.shows("I found")
        since = len(log.records)
        log.break_turn("the stream broke")
        driver.publish(log, since)
        await acted.shows("turn 2 of 3")
        await acted.shows("given up: broken: the stream broke")
        assert screen.turn.place == "step 1"


async def test_long_parts_fold() -> None:
    """A part of many lines shows its beginning and its size; Enter opens it, space opens all."""
    log = turn_log("\n".join(f"line {number}" for number in range(60)))
    async with stage(FakeDriver(log)) as acted:
        screen = await opened(acted)
        page = screen.query_one(Folds)
        await acted.until(lambda: "… 57 lines more · Enter opens" in line_of(page))
        assert "line 30" not in "\n".join(line_of(page))
        await acted.until(lambda: page.current is not None)
        while page.current is not None and "result" not in page.current.id:
            await acted.press("down")
        await acted.press("enter")
        assert "line 59" in "\n".join(line_of(page))
        assert await copied(acted, "y") == "\n".join(f"line {number}" for number in range(60))
        await acted.press("enter")
        assert "line 30" not in "\n".join(line_of(page))
        await acted.press("space")
        assert "line 59" in "\n".join(line_of(page))


def line_of(page: Folds) -> list[str]:
    """Return all lines of the page, seen or not."""
    return ["".join(piece.text for piece in placed.line).strip() for placed in page._lines]


async def test_a_long_part_is_scrolled_through() -> None:
    """Down first shows the rest of an open part, then goes on; up does the same the other way."""
    log = turn_log("\n".join(f"line {number}" for number in range(200)))
    async with stage(FakeDriver(log), size=(80, 24)) as acted:
        screen = await opened(acted)
        page = screen.query_one(Folds)
        await acted.until(lambda: page.current is not None)
        await acted.press("space")
        while page.current is not None and "result" not in page.current.id:
            await acted.press("down")
        for key in ("down", "up"):
            seen: set[str] = set()
            while page.current is not None and "result" in page.current.id:
                seen |= {line.strip("▌ ▁▂▃▄▅▆▇█▔") for line in acted.shown().splitlines()}
                await acted.press(key)
            assert {f"line {number}" for number in range(200)} <= seen
            await acted.press("up" if key == "down" else "down")
            assert page.current is not None
            assert "result" in page.current.id
        await acted.press("home")
        assert page.scroll_offset.y == 0
        await acted.press("pagedown", "end", "pageup", "up")
        assert page.current is not None


async def test_copies_are_made_by_one_letter() -> None:
    """j, p and c give JSON, a script and a command; none of them holds a key."""
    log = turn_log(model="anthropic:claude-x")
    async with stage(FakeDriver(log)) as acted:
        await opened(acted)
        assert json.loads(await copied(acted, "j"))["model"] == "anthropic:claude-x"
        assert "anthropic.Anthropic(" in await copied(acted, "p")
        command = await copied(acted, "c")
        assert '-H "x-api-key: $ANTHROPIC_API_KEY"' in command
        assert any("Copied the request as a curl command, " in notice for notice in acted.notices)


@pytest.mark.parametrize(("key", "path"), [("a", "/v1/messages"), ("o", "/v1/chat/completions")])
async def test_the_embedded_model_is_told_in_an_api_of_ones_choice(key: str, path: str) -> None:
    """It has no HTTP API, which is said, and two are offered."""
    log = turn_log()
    async with stage(FakeDriver(log)) as acted:
        await opened(acted)
        assert "from workbench.providers.registry import provider_for" in await copied(acted, "p")
        await acted.press("c")
        await acted.opens(ChoiceDialog)
        await acted.shows("offline has no HTTP API")
        assert path in await copied(acted, key)


async def test_leaving_the_choice_copies_nothing() -> None:
    """Escape is a no."""
    log = turn_log()
    async with stage(FakeDriver(log)) as acted:
        await opened(acted)
        await acted.press("c")
        await acted.opens(ChoiceDialog)
        await acted.press("escape")
        await acted.opens(RequestScreen)
        assert acted.app.clipboard == ""


async def test_what_is_too_much_for_a_terminal_says_so() -> None:
    """Over 100 kB the size is told, and that files can be written instead."""
    log = turn_log("x" * 150_000)
    async with stage(FakeDriver(log)) as acted:
        await opened(acted)
        await copied(acted, "j")
        (notice,) = [notice for notice in acted.notices if notice.startswith("Copied")]
        assert "do not take so much at once; w writes files" in notice


async def test_everything_is_written_to_private_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """w writes request, response, script and commands where nobody else reads them, and copies the path."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        await select(acted, CALL)
        await opened(acted)
        folder = Path(await copied(acted, "w"))
    check_private(folder, {"request.json", "request.py", "request-messages.sh", "request-chat.sh", "response.json"})
    assert folder.parent == tmp_path


def check_private(folder: Path, names: set[str]) -> None:
    """Check that only this person can read these files, and that the commands among them can be read by a shell."""
    assert {path.name for path in folder.iterdir()} == names
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o177 == 0 for path in folder.iterdir())
    for path in folder.glob("*.sh"):
        subprocess.run(["bash", "-n", str(path)], check=True)


async def test_the_request_of_the_moment_is_shown() -> None:
    """At a playhead in the past, turns after it are not taken for the last one."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        acted.watched.move_to(log.state.steps[1].before_seq)
        await select(acted, Selection("message", index=0))
        screen = await opened(acted)
        assert screen.turn.place == "step 0"


async def test_a_run_that_asked_nothing_has_no_request() -> None:
    """i says so."""
    async with stage(FakeDriver(RunLog())) as acted:
        await acted.press("i")
        await acted.until(lambda: "This run has sent no request yet." in acted.notices)


def test_a_selection_names_its_turn() -> None:
    """A call and a step mean the last attempt of their turn, a plan its own, anything else the last of all."""
    from workbench.debugger.requests import sent_turns

    turns = sent_turns(researched_run().records)
    assert [turn.place for turn in turns] == ["plan", "step 0", "step 1"]
    for selection, place in (
        (CALL, "step 0"),
        (Selection("plan_step", index=1), "plan"),
        (Selection("message", index=0), "step 1"),
        (NOTHING, "step 1"),
        (Selection("step", step=9), "step 1"),
    ):
        found = turn_of(turns, selection)
        assert found is not None
        assert found.place == place
    assert turn_of([], NOTHING) is None
    assert turn_of(sent_turns(waiting_plan().records), CALL) is not None
