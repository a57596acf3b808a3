"""What people do with the workbench, on the real driver: keys in, events and states out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig, answer
from tests.tui.kit import Stage, stage
from workbench.driver.commands import AgentOptions, ListRuns, StartRun
from workbench.driver.driver import Driver
from workbench.driver.settings import DriverSettings
from workbench.providers.scripted import Turn
from workbench.state.parts import Said
from workbench.tools.declaring import tool
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.widgets.run_tree import RunTree
from workbench.views.selection import Selection

QUESTION = "How do context managers interact with exceptions and generators?"


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


def three_looks() -> Turn:
    """Return a turn that looks up three words at once."""
    return Turn("Looking.", [("look", {"word": word}) for word in ("a", "b", "c")])


def offline(folder: Path) -> Driver:
    """Return a driver with the embedded agent on a database of its own."""
    return Driver(DriverSettings(database=folder / "runs.db", cache=folder.parent / "cache", follow_every=0.02))


def is_over(acted: Stage) -> bool:
    """Return whether the run on the screen came to its end."""
    watched = acted.main.bridge.watched
    return watched is not None and watched.history.live.end is not None


async def open_result(acted: Stage, call: str) -> EditDialog:
    """Go to a call and open its result for editing."""
    await acted.press("up")
    acted.main.timeline.select(Selection("call", step=int(call.partition(".")[0]), call=call))
    await acted.pilot.pause(0)
    await acted.press("e")
    dialog: EditDialog = await acted.opens(EditDialog)
    return dialog


async def apply(acted: Stage, dialog: EditDialog, text: str) -> None:
    """Write a text, look at what it changes, let it take effect."""
    before = acted.watched.run
    dialog.query_one("#editor").text = text  # type: ignore[attr-defined]
    await acted.press("ctrl+s")
    await acted.until(lambda: dialog.has_class("-previewing"))
    await acted.press("enter")
    await acted.until(lambda: acted.watched.run != before, f"no fork: {acted.notices}")


async def test_a_plan_is_changed_and_steers_the_run(tmp_path: Path) -> None:
    """A question, its plan, one step replaced, approved: the first searches are about the new step."""
    driver = offline(tmp_path)
    start = StartRun(QUESTION, AgentOptions(plan="ask"))
    async with stage(driver, start=start) as acted:
        await acted.until(lambda: acted.main.plan_editor.is_shown)
        first = acted.main.plan_editor.steps[0]
        await acted.press("e", "r")
        for _ in range(len(str(first))):
            await acted.press("backspace")
        await acted.write("SEARCH: decorators")
        await acted.press("enter")
        for _ in range(len(acted.main.plan_editor.steps) + 1):
            await acted.press("enter")
        await acted.until(lambda: is_over(acted))
        state = acted.watched.history.live
        assert state.plan is not None
        assert str(state.plan.steps[0]) == "SEARCH: decorators"
        assert state.plan.edited
        assert any("decorators" in str(call.input) for call in state.steps[0].calls.values())
        assert state.status_and_reason == ("completed", "answered")
        assert state.citations


async def test_a_simple_question_shows_no_plan(tmp_path: Path) -> None:
    """The planner may find that nothing needs planning; then nothing waits."""
    driver = offline(tmp_path)
    async with stage(driver, start=StartRun("What is a decorator?", AgentOptions(plan="ask"))) as acted:
        await acted.until(lambda: is_over(acted))
        assert acted.watched.history.live.status == "completed"
        assert not acted.main.plan_editor.is_shown


async def test_stopped_edited_and_gone_on(tmp_path: Path) -> None:
    """Space stops everything; one of three results is edited; the fork keeps the two others and answers differently."""
    gates: list[asyncio.Event] = []

    def model(request: Any) -> Turn:
        text = str(request)
        if "found" not in text:
            return three_looks()
        if "something else" in text:
            return answer("changed")
        gates.append(asyncio.Event())
        return Turn("Thinking it over.", gate=gates[-1])

    with Rig(tmp_path, model, [look]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: bool(gates) and acted.watched.state.active_turn is not None)
            parent = acted.watched.run
            await acted.press("space")
            await acted.until(lambda: is_over(acted))
            assert acted.watched.history.live.status_and_reason == ("interrupted", "paused")
            before = rig.raw(parent)
            dialog = await open_result(acted, "0.1")
            await apply(acted, dialog, "something else")
            await acted.until(lambda: is_over(acted))
            fork = acted.watched.history.live
            assert (fork.answer, fork.made_from, fork.address) == ("changed", parent, "0.1")
            calls, kept = fork.steps[0].calls, rig.state(parent).steps[0].calls
            assert [calls[name].result == kept[name].result for name in ("0.0", "0.1", "0.2")] == [True, False, True]
            assert rig.raw(parent) == before
            await acted.until(lambda: acted.main.query_one(RunTree).option_count == 2)
            assert acted.main.query_one(RunTree).highlighted_run == fork.run


async def test_an_edit_of_a_run_that_moves_pauses_it(tmp_path: Path) -> None:
    """Opening a result while the model still thinks stops the run first, and leaving the editor loses nothing."""
    gates: list[asyncio.Event] = []

    def model(request: Any) -> Turn:
        if "found" not in str(request):
            return three_looks()
        gates.append(asyncio.Event())
        return Turn("Thinking it over.", gate=gates[-1]) if len(gates) == 1 else answer("done")

    with Rig(tmp_path, model, [look]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: bool(gates) and acted.watched.state.active_turn is not None)
            await open_result(acted, "0.2")
            await acted.until(lambda: is_over(acted))
            await acted.press("escape")
            await acted.closes()
            await acted.press("space")
            await acted.until(lambda: acted.watched.history.live.answer == "done")


async def test_leaving_keeps_everything_and_coming_back_goes_on(tmp_path: Path) -> None:
    """Whoever leaves in mid-run finds it as interrupted, and one key lets it go on where it was."""
    gates: list[asyncio.Event] = []

    def model(request: Any) -> Turn:
        if "found" not in str(request):
            return three_looks()
        gates.append(asyncio.Event())
        return Turn("Thinking it over.", gate=gates[-1]) if len(gates) == 1 else answer("done")

    with Rig(tmp_path, model, [look]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: bool(gates) and acted.watched.state.active_turn is not None)
            run = acted.watched.run
            await acted.press("q")
            await acted.until(lambda: acted.app._exit)
    with Rig(tmp_path, model, [look]) as rig:
        async with stage(rig.driver) as acted:
            assert acted.watched.run == run
            assert acted.watched.history.live.status_and_reason == ("interrupted", "paused")
            await acted.press("space")
            await acted.until(lambda: acted.watched.history.live.answer == "done")
            assert len(acted.watched.history.live.steps[0].calls) == 3


async def test_a_second_process_watches_a_live_run(tmp_path: Path) -> None:
    """What one driver does appears on the screen of another, which may look and not touch."""
    gates: list[asyncio.Event] = []

    def model(request: Any) -> Turn:
        if "found" not in str(request):
            gates.append(asyncio.Event())
            return Turn("Looking.", [("look", {"word": "a"})], gate=gates[-1])
        return answer("seen")

    with Rig(tmp_path, model, [look]) as rig:
        run = rig.start("What?")
        rig.wait(run, lambda state: state.active_turn is not None)
        watcher = Driver(rig.driver.settings)
        async with stage(watcher, run=run) as acted:
            await acted.until(lambda: acted.watched.history.live.active_turn is not None)
            await acted.press("x")
            assert not acted.watched.is_mine
            assert any("Another process" in notice for notice in acted.notices)
            rig.open_gate(gates[0])
            await acted.until(lambda: acted.watched.history.live.answer == "seen")
            await acted.shows("completed")


async def test_the_conversation_goes_on_after_the_answer(tmp_path: Path) -> None:
    """A further question is a fork at the end, in which the model knows what was said."""

    def model(request: Any) -> Turn:
        return answer("second" if "And now?" in str(request) else "first")

    with Rig(tmp_path, model) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: is_over(acted))
            first = acted.watched.run
            await acted.press("m")
            await acted.write("And now?")
            await acted.press("enter")
            await acted.until(lambda: acted.watched.run != first and is_over(acted))
            assert acted.watched.history.live.answer == "second"
            assert rig.state(first).answer == "first"


async def test_a_message_during_a_run_enters_after_the_results(tmp_path: Path) -> None:
    """What is typed in mid-run stays in the same run, behind the results of the open step."""
    gates: list[asyncio.Event] = []

    @tool(read_only=True)
    async def wait(word: str) -> str:
        gates.append(asyncio.Event())
        await gates[-1].wait()
        return f"found {word}"

    script = [Turn("Waiting.", [("wait", {"word": "a"})]), answer("done")]
    with Rig(tmp_path, script, [wait]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: bool(gates))
            await acted.press("m")
            await acted.write("Hurry.")
            await acted.press("enter")
            await acted.until(lambda: bool(acted.watched.history.live.queued))
            rig.open_gate(gates[0])
            await acted.until(lambda: is_over(acted))
            kinds = [entry.kind if isinstance(entry, Said) else entry.index for entry in acted.watched.state.entries]
            assert kinds == ["task", 0, "message", 1]


async def test_one_call_of_three_is_cancelled(tmp_path: Path) -> None:
    """x gives up one call; the two others and the run go on."""
    gates: dict[str, asyncio.Event] = {}

    @tool(read_only=True)
    async def wait(word: str) -> str:
        gates[word] = asyncio.Event()
        await gates[word].wait()
        return f"found {word}"

    script = [Turn("Waiting.", [("wait", {"word": word}) for word in ("a", "b", "c")]), answer("done")]
    with Rig(tmp_path, script, [wait]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: len(gates) == 3 and acted.watched.state.open_step is not None)
            await acted.press("up")
            acted.main.timeline.select(Selection("call", step=0, call="0.1"))
            await acted.press("x")
            await acted.until(lambda: acted.watched.state.steps[0].calls["0.1"].status == "cancelled")
            for word in ("a", "c"):
                rig.open_gate(gates[word])
            await acted.until(lambda: is_over(acted))
            statuses = [call.status for call in acted.watched.state.steps[0].calls.values()]
            assert statuses == ["finished", "cancelled", "finished"]


async def test_a_call_asks_and_is_allowed(tmp_path: Path) -> None:
    """A tool that needs permission runs only after a person said so."""
    ran: list[str] = []

    @tool(permission="ask")
    async def act(word: str) -> str:
        ran.append(word)
        return "done it"

    script = [Turn("Acting.", [("act", {"word": "a"})]), answer("done")]
    with Rig(tmp_path, script, [act]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: acted.main.context().waits_for == "permission")
            assert not ran
            await acted.press("a")
            await acted.opens(ChoiceDialog)
            await acted.press("o")
            await acted.until(lambda: is_over(acted))
            assert ran == ["a"]


async def test_scrubbed_back_a_run_is_forked_from_there(tmp_path: Path) -> None:
    """The playhead is moved into the past, and a fork goes on from that moment."""
    with Rig(tmp_path, lambda request: answer("found it") if "found" in str(request) else three_looks(), [look]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: is_over(acted))
            parent = acted.watched.run
            await acted.press("{", "f")
            await acted.shows("kept")
            await acted.press("ctrl+s")
            await acted.until(lambda: acted.watched.run != parent and is_over(acted), str(acted.notices))
            assert acted.watched.history.live.answer == "found it"
            assert acted.watched.history.live.address.startswith("seq:")
            assert len(rig.ask(ListRuns())) == 2


async def test_a_database_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    """A file that is no database of ours is named on the screen, which stays alive."""
    (tmp_path / "runs.db").write_text("not a database, but a poem about one, long enough to be told apart")
    async with stage(offline(tmp_path)) as acted:
        await acted.until(lambda: bool(acted.notices))
        assert "runs.db" in acted.notices[0]
        await acted.press("ctrl+q")
        await acted.until(lambda: acted.app._exit)


HOSTILE = {
    "markup": "[bold]no markup[/bold]",
    "commands": "\x1b]0;owned\x07\x1b[2J",
    "bidi": "\u202eabc\u200b",
    "long": "x" * 200_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_strange_results_are_shown_inert(tmp_path: Path, text: str) -> None:
    """Whatever a tool returns is neither obeyed nor taken as markup, in the timeline, the inspector and the editor."""

    @tool(read_only=True)
    async def strange(word: str) -> str:
        return text

    with Rig(tmp_path, [Turn("Asking.", [("strange", {"word": text[:40]})]), answer(text[:100])], [strange]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: is_over(acted))
            await open_result(acted, "0.0")
            await acted.until(lambda: text[:4].strip("\x1b\u202e") in acted.shown())
            assert not {"\x1b", "\x07", "\u202e", "\u200b"} & set(acted.shown())
            if "no markup" in text:
                await acted.shows("[bold]no markup[/bold]")
