"""Keys that change what the log says: always a fork, shown before it takes effect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from textual.widgets import TextArea

from tests.builders import (
    RunLog,
    agent_record,
    forked_run,
    live_run,
    researched_run,
)
from tests.tui.fake_driver import FakeDriver, fork_answer
from tests.tui.kit import CALL, Stage, driven, select, stage
from workbench.driver.commands import (
    ForkEdits,
    ForkRun,
    PauseRun,
    PreviewFork,
)
from workbench.errors import EditRefusedError
from workbench.events.call import CallStarted
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.dialogs.fork import ForkDialog
from workbench.tui.external import Outcome
from workbench.tui.widgets.run_tree import RunTree
from workbench.views.selection import Selection


async def test_an_edited_result_is_a_fork_and_the_screen_goes_there() -> None:
    """e on a result, the change, ctrl+s, a look at what it does, Enter: both runs are in the list."""
    log, fork = researched_run(), forked_run()
    driver = FakeDriver(log)
    fork_answer(driver, fork)
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("e")
        dialog = await acted.opens(EditDialog)
        assert "sql-prepare::0" in dialog.text
        await acted.write("Never. ")
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        assert not driver.commands
        await acted.shows("nothing outside the run was changed")
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == fork.run)
        (command,) = driver.commands
        assert command.run == log.run
        assert command.address == "0.1"
        assert command.edits.results["0.1"].startswith("Never. sql-prepare::0")
        await acted.until(lambda: acted.main.query_one(RunTree).option_count == 2)


async def test_a_run_that_moves_is_paused_before_an_edit_and_says_so() -> None:
    """Nobody edits what runs away."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("e")
        await acted.opens(EditDialog)
        await acted.gives(driver, [PauseRun(log.run)])
        await acted.until(lambda: any("paused while you edit" in notice for notice in acted.notices))


async def test_a_turns_text_is_edited_by_a_fork_after_that_turn() -> None:
    """e on a step edits what the model said."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, Selection("step", step=0))
        await acted.press("e")
        dialog = await acted.opens(EditDialog)
        dialog.query_one("#editor").text = "Something else."
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        await acted.press("enter")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "0.turn", ForkEdits(text="Something else."))])


async def test_an_input_is_edited_as_json() -> None:
    """E edits a call's input; what is no JSON object is told and goes nowhere."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("E")
        dialog = await acted.opens(EditDialog)
        dialog.query_one("#editor").text = '{"query": }'
        await acted.press("ctrl+s")
        await acted.shows("This is no JSON")
        dialog.query_one("#editor").text = '{"query": "other"}'
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        await acted.press("enter")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "0.1", ForkEdits(inputs={"0.1": {"query": "other"}}))])


async def test_r_runs_a_call_again_in_a_fork() -> None:
    """The same input once more; the siblings keep their results."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("r")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "0.1", ForkEdits(reruns=("0.1",)))])


@pytest.mark.parametrize(
    ("selection", "address"),
    [
        (Selection("plan"), "plan"),
        (Selection("plan_step", index=1), "plan"),
        (Selection("step", step=1), "1"),
        (CALL, "0.1"),
        (Selection("message", index=0), "0"),
        (Selection("answer"), "end"),
    ],
)
async def test_f_forks_where_the_cursor_is(selection: Selection, address: str) -> None:
    """The place of the fork is what one points at."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await select(acted, selection)
        await acted.press("f")
        dialog = await acted.opens(ForkDialog)
        assert dialog.query_one("#place").value == address


async def test_a_fork_may_change_several_things_and_shows_what_it_does() -> None:
    """Result and message in one fork, with what is kept and what cannot be undone shown before."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("f")
        dialog = await acted.opens(ForkDialog)
        dialog.query_one("#editor").text = "Nothing."
        await acted.press("shift+tab", "down", "down", "enter")
        await acted.write("look again")
        await acted.shows("kept")
        await acted.press("ctrl+s")
        await acted.shows("What changes: the call's result")
        for words in ("+ Nothing.", "What changes: a message", "+ look again", "What the fork does"):
            assert words in acted.shown()
        assert driver.commands == []
        await acted.press("enter")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "0.1", ForkEdits(results={"0.1": "Nothing."}, say="look again"))])


async def test_a_look_at_a_fork_takes_nothing_back() -> None:
    """Esc leads back from what changes to the editor, with everything that was typed."""
    driver = FakeDriver(researched_run())
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("f")
        dialog: Any = await acted.opens(ForkDialog)
        dialog.query_one("#editor").text = "Nothing."
        await acted.press("ctrl+s")
        await acted.shows("What changes")
        await acted.press("escape")
        assert acted.dialog is dialog
        assert dialog.query_one("#editor", TextArea).text == "Nothing."
        await acted.press("escape")
        await acted.closes()
        assert driver.commands == []


async def on_parameters(acted: Stage) -> Any:
    """Open the fork dialog at the end, on the model's parameters."""
    await select(acted, Selection("answer"))
    await acted.press("f")
    dialog = await acted.opens(ForkDialog)
    await acted.press("shift+tab", "down", "down", "enter")
    assert dialog.query_one("#editor").language == "json"
    return dialog


async def test_a_fork_may_change_the_parameters() -> None:
    """As JSON; only what differs is an edit, and it is shown before it takes effect."""
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        dialog = await on_parameters(acted)
        editor = dialog.query_one("#editor")
        assert json.loads(editor.text)["max_tokens"] == 4096
        editor.text = editor.text.replace('"temperature": null', '"temperature": 0.2')
        await acted.press("ctrl+s")
        await acted.shows('+   "temperature": 0.2')
        await acted.press("enter")
        await acted.until(lambda: bool(driver.commands))
        await acted.gives(driver, [ForkRun(log.run, "end", ForkEdits(parameters={"temperature": 0.2}))])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "This is no JSON"),
        ("[]", "Parameters are a JSON object"),
        ('{"warmth": 1}', "'warmth' is no parameter of a model; there are max_tokens, temperature"),
        ('{"max_tokens": "many"}', "Max_tokens = 'many' cannot be used"),
    ],
)
async def test_parameters_that_are_none_are_refused_where_they_are_typed(text: str, why: str) -> None:
    """The sentence stands there while one types, and no fork is made."""
    driver = FakeDriver(researched_run())
    async with stage(driver) as acted:
        dialog = await on_parameters(acted)
        dialog.query_one("#editor").text = text
        await acted.shows(why)
        await acted.press("ctrl+s")
        assert acted.dialog is dialog
        assert not dialog.has_class("-previewing")


async def test_the_fork_dialog_knows_the_persons_own_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    """ctrl+e gives the text that is chosen, and takes what was saved."""
    given: list[tuple[str, str]] = []

    def edit(_: Any, text: str, suffix: str) -> Outcome:
        given.append((text, suffix))
        return Outcome(text=text.replace("4096", "100"))

    monkeypatch.setattr("workbench.tui.dialogs.outside.edit_outside", edit)
    log = researched_run()
    driver = FakeDriver(log)
    fork_answer(driver, forked_run())
    async with stage(driver) as acted:
        dialog = await on_parameters(acted)
        await acted.press("ctrl+e")
        await acted.until(lambda: "100" in dialog.query_one("#editor").text)
        assert given[0][1] == ".json"
        await acted.press("ctrl+s", "enter")
        await acted.gives(driver, [ForkRun(log.run, "end", ForkEdits(parameters={"max_tokens": 100}))])


@pytest.mark.parametrize(
    ("editor", "why"),
    [("no-such-editor", "The editor 'no-such-editor' is not there"), ("vi '", "cannot be read as a command")],
)
async def test_an_editor_that_is_not_there_is_a_sentence_in_the_fork_dialog(
    monkeypatch: pytest.MonkeyPatch, editor: str, why: str
) -> None:
    """Nothing is lost where EDITOR names nothing."""
    monkeypatch.setenv("EDITOR", editor)
    monkeypatch.delenv("VISUAL", raising=False)
    async with stage(FakeDriver(researched_run())) as acted:
        await on_parameters(acted)
        await acted.press("ctrl+e")
        await acted.shows(why)


async def test_the_playhead_is_a_place_to_fork_from() -> None:
    """With the playhead in the past, f forks from that event."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver) as acted:
        await acted.press("[", "[", "f")
        dialog = await acted.opens(ForkDialog)
        assert dialog.query_one("#place").value == f"seq:{log.state.seq - 2}"


EAGER = Selection("call", step=0, call="0.0")


def unfinished_turn(*, stopped: bool = False) -> RunLog:
    """Return a run whose first turn is not finished, and has a call that began while the model wrote."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.stream("I look it up.")
    call = CallStarted(
        call="0.0", tool="search_docs", input={"query": "a"}, effect="read_only", permission="allow", eager=True,
        attempt=0,
    )  # fmt: skip
    log.add(call)
    if stopped:
        log.pause()
    return log


@pytest.mark.parametrize(
    ("stopped", "why"),
    [(True, "Turn 0 was stopped before its end"), (False, "Turn 0 is not finished yet; wait for its end")],
)
@pytest.mark.parametrize("key", ["e", "E"])
async def test_a_call_of_an_unfinished_turn_is_not_edited(stopped: bool, why: str, key: str) -> None:
    """No fork could change it: the key is not offered, and says why before anything is typed."""
    log = unfinished_turn(stopped=stopped)
    driver = FakeDriver(log) if stopped else driven(log)
    async with stage(driver) as acted:
        await select(acted, EAGER)
        assert "edit input" not in acted.shown()
        await acted.press(key)
        await acted.until(lambda: any(why in notice for notice in acted.notices))
        await acted.closes()
        assert driver.commands == []


async def test_a_fork_at_a_call_of_an_unfinished_turn_is_before_that_turn() -> None:
    """As the sentence says that refuses to edit it."""
    async with stage(FakeDriver(unfinished_turn(stopped=True))) as acted:
        await select(acted, EAGER)
        await acted.press("f")
        dialog = await acted.opens(ForkDialog)
        assert dialog.query_one("#place").value == "0"


def refusing(driver: FakeDriver, command: type[Any], why: str) -> None:
    """Let the driver refuse a command."""

    def refuse(_: Any) -> Any:
        raise EditRefusedError(why)

    driver.answers[command] = refuse


async def test_an_edit_that_no_fork_can_make_stays_in_its_editor() -> None:
    """The sentence stands below what was typed, which can be changed or copied, and nothing is shown as a preview."""
    driver = FakeDriver(researched_run())
    refusing(driver, PreviewFork, "turn 0 is not finished")
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("e")
        dialog = await acted.opens(EditDialog)
        await acted.write("Never. ")
        await acted.press("ctrl+s")
        await acted.shows("turn 0 is not finished")
        assert not dialog.has_class("-previewing")
        await acted.press("enter")
        assert "Never. " in dialog.text
        assert acted.dialog is dialog


@pytest.mark.parametrize("key", ["e", "f"])
async def test_a_fork_that_fails_after_its_preview_loses_nothing(key: str) -> None:
    """Such as one whose model has no key: back to the editor, with the sentence and all that was typed."""
    log, fork = researched_run(), forked_run()
    driver = FakeDriver(log)
    refusing(driver, ForkRun, "there is no key")
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press(key)
        dialog: Any = await acted.opens(EditDialog if key == "e" else ForkDialog)
        dialog.query_one("#editor", TextArea).text = "Nothing."
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        await acted.press("enter")
        await acted.shows("there is no key")
        assert not dialog.has_class("-previewing")
        assert dialog.query_one("#editor", TextArea).text.strip() == "Nothing."
        fork_answer(driver, fork)
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        await acted.press("enter", "enter")
        await acted.until(lambda: acted.watched.run == fork.run)
        assert len(driver.commands) == 2  # the one that failed, and one


async def test_an_unchanged_fork_that_fails_stays_in_its_dialog() -> None:
    """There is no preview, and the sentence is the same."""
    driver = FakeDriver(researched_run())
    refusing(driver, ForkRun, "there is no key")
    async with stage(driver) as acted:
        await select(acted, CALL)
        await acted.press("f")
        dialog = await acted.opens(ForkDialog)
        await acted.press("ctrl+s")
        await acted.shows("there is no key")
        assert acted.dialog is dialog
