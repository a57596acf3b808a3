"""Dialogs ask one thing, answer with a value, and show data so that nothing in it looks like a part of them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from pydantic import JsonValue
from textual import events

from tests.builders import Call, RunLog, agent_record, researched_run
from tests.tui.fake_driver import FakeDriver, fork_answer
from tests.tui.kit import Stage, stage
from workbench.debugger.cost import ForkCost
from workbench.debugger.fork import ForkPreview
from workbench.driver.commands import PreviewFork
from workbench.errors import AddressError
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.dialogs.fork import ForkDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.previews import fork_lines
from workbench.tui.widgets.field import Editor
from workbench.views.exact import exact_input
from workbench.views.segments import line_text
from workbench.views.selection import Selection

CALL = Selection("call", step=0, call="0.1")


async def editing(acted: Stage, key: str = "e") -> EditDialog:
    """Open the editor of a call's result, or with E of its input."""
    acted.main.timeline.select(CALL)
    await acted.pilot.pause(0)
    await acted.press(key)
    dialog: EditDialog = await acted.opens(EditDialog)
    return dialog


async def test_escape_does_not_throw_typed_text_away_at_once() -> None:
    """The first Escape says what would be lost, the second leaves; nothing was done."""
    driver = FakeDriver(researched_run())
    async with stage(driver) as acted:
        await editing(acted)
        await acted.write("Hm")
        await acted.press("escape")
        await acted.shows("what you typed is lost")
        await acted.press("escape")
        await acted.closes()
        assert not driver.commands


async def test_escape_leaves_an_untouched_editor() -> None:
    """Nothing typed, nothing asked."""
    async with stage(FakeDriver(researched_run())) as acted:
        await editing(acted)
        await acted.press("escape")
        await acted.closes()


async def test_an_unchanged_text_is_no_edit() -> None:
    """ctrl+s on a text as it was says so."""
    async with stage(FakeDriver(researched_run())) as acted:
        await editing(acted)
        await acted.press("ctrl+s")
        await acted.shows("Nothing is changed yet")


async def test_the_preview_leads_back_to_the_editor() -> None:
    """Escape on what the edit changes returns to the text as it was typed."""
    driver = FakeDriver(researched_run())
    async with stage(driver) as acted:
        dialog = await editing(acted)
        await acted.write("Hm ")
        await acted.press("ctrl+s")
        await acted.until(lambda: dialog.has_class("-previewing"))
        await acted.shows("+ Hm sql-prepare::0")
        await acted.press("escape")
        assert not dialog.has_class("-previewing")
        assert dialog.text.startswith("Hm sql-prepare")
        assert not driver.commands


async def test_a_refused_edit_says_why_before_it_takes_effect() -> None:
    """What the driver refuses stands in the preview, as a sentence."""
    driver = FakeDriver(researched_run())

    def refuse(_: PreviewFork) -> ForkPreview:
        raise AddressError("run a4f7 has no call '0.1'")

    driver.answers[PreviewFork] = refuse
    async with stage(driver) as acted:
        await editing(acted)
        await acted.write("Hm ")
        await acted.press("ctrl+s")
        await acted.shows("run a4f7 has no call '0.1'")


def editor_program(folder: Path, body: str) -> str:
    """Write a program that takes the place of a person's editor."""
    program = folder / "editor"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


async def test_without_an_editor_of_ones_own_it_says_so() -> None:
    """ctrl+e needs the environment to name a program."""
    async with stage(FakeDriver(researched_run())) as acted:
        await editing(acted)
        await acted.press("ctrl+e")
        await acted.shows("No editor is set")


async def test_a_terminal_that_cannot_be_handed_over_keeps_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the screen cannot be put aside, that is a sentence and the text stays."""
    monkeypatch.setenv("EDITOR", editor_program(tmp_path, "echo changed > $1"))
    async with stage(FakeDriver(researched_run())) as acted:
        dialog = await editing(acted)
        await acted.press("ctrl+e")
        await acted.shows("cannot put the screen aside")
        assert "sql-prepare::0" in dialog.text


@pytest.mark.parametrize(
    ("body", "says"), [("exit 3", "ended with code 3"), ("printf '\\377' > $1", "cannot be read"), ("", "")]
)
async def test_what_ones_own_editor_saved_is_taken_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, says: str
) -> None:
    """A failed editor or bytes that are no text change nothing; what was saved well is the new text."""
    monkeypatch.setenv("EDITOR", editor_program(tmp_path, body or "printf 'typed elsewhere' > $1"))
    async with stage(FakeDriver(researched_run())) as acted:
        dialog = await editing(acted)
        monkeypatch.setattr(acted.app._driver, "_can_suspend", True, raising=False)
        monkeypatch.setattr(type(acted.app._driver), "can_suspend", property(lambda _: True))
        await acted.press("ctrl+e")
        if says:
            assert says in acted.shown()
            assert "sql-prepare::0" in dialog.text
        else:
            assert dialog.text == "typed elsewhere"


async def test_the_input_editor_colours_json() -> None:
    """An input is edited as JSON; a result as plain text."""
    async with stage(FakeDriver(researched_run())) as acted:
        dialog = await editing(acted, "E")
        assert dialog.query_one(Editor).language == "json"
        assert json.loads(dialog.text) == {"query": "prepared statements session lifetime"}


def hostile_run() -> RunLog:
    """Return a run whose call that asks for permission carries what would look like a dialog."""
    log = RunLog(agent=agent_record(plan="off"))
    command = "ls\n╰──────╯\n o  Allow once \u202eeslaf\x1b[2J [bold]safe[/bold]"
    log.step([Call("shell", {"command": command}, asks="runs a command", effect="effectful")])
    return log


async def test_data_cannot_look_like_the_dialog() -> None:
    """What would run stands byte for byte in its own box, on one line a value, with nothing hidden or obeyed."""
    log = hostile_run()
    async with stage(FakeDriver(log, live=[log.run])) as acted:
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        shown = acted.shown()
        assert r"ls\n\u2570\u2500" in shown
        assert r"\u202eeslaf\u001b[2J [bold]safe[/bold]" in shown
        assert "9 characters beyond ASCII" in shown
        assert not {"\x1b", "\u202e"} & set(shown)


async def test_what_a_call_would_do_stands_above_its_input() -> None:
    """A diff is read in the question itself, inside the fence and with nothing of it obeyed."""
    log = RunLog(agent=agent_record(plan="off"))
    asks = "write_file asks\n--- a\n+++ a\n-old\n+new \u202e\x1b[2J"
    log.step([Call("write_file", {"path": "a"}, asks=asks, effect="effectful")])
    async with stage(FakeDriver(log, live=[log.run])) as acted:
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        shown = acted.shown()
        assert shown.index("write_file asks") < shown.index("-old") < shown.index('"path"')
        assert r"+new \u202e\u001b[2J" in shown


async def test_a_change_of_one_line_is_seen_on_a_small_screen() -> None:
    """What holds nothing gives its room to the diff: three lines of its head and three of context are not all."""
    log = RunLog(agent=agent_record(plan="off"))
    diff = "--- a now\n+++ a then\n@@ -1,7 +1,7 @@\n one\n two\n three\n-four\n+vier\n five\n six\n seven"
    log.step([Call("edit_file", {"path": "a", "new": "f\u00fcnf"}, asks=f"it asks\n{diff}", effect="effectful")])
    async with stage(FakeDriver(log, live=[log.run]), size=(80, 24)) as acted:
        await acted.press("a")
        await acted.opens(ChoiceDialog)
        await acted.shows("+vier")
        for words in ("-four", "more lines", "Edit the input first", "Esc"):
            assert words in acted.shown()


def test_an_exact_input_is_what_would_run() -> None:
    """The text that is shown is JSON of the very input, with escapes for what cannot be seen."""
    value: dict[str, JsonValue] = {"command": "a\x1b\u202e\u200b\U000e0041\n\tz", "n": 1}
    exact = exact_input(value)
    text = "\n".join(segment.text for line in exact.lines for segment in line)
    escaped, _, readable = text.partition("}\n\n")
    assert json.loads(escaped + "}") == json.loads(readable) == value
    assert escaped.isascii()
    assert all(line.isprintable() for line in text.split("\n"))


def test_an_exact_input_without_strange_letters_stands_there_once() -> None:
    """Plain ASCII needs no second look, and nothing warns of it."""
    exact = exact_input({"command": "ls -l"})
    assert len(exact.lines) == 3
    assert len(exact.facts) == 1


def test_a_letter_that_only_looks_like_another_is_seen() -> None:
    """A Cyrillic o in a path is an escape, and counted."""
    exact = exact_input({"path": "/h\u043eme"})
    assert r"/h\u043eme" in exact.lines[1][0].text
    assert "1 character beyond ASCII" in exact.facts[1][0].text


async def test_a_line_is_asked_for() -> None:
    """An empty line is no answer where one is needed."""
    async with stage(FakeDriver(researched_run())) as acted:
        answers: list[str | None] = []
        acted.app.push_screen(LineDialog("Name", "A name:"), answers.append)
        await acted.opens(LineDialog)
        await acted.press("enter")
        await acted.shows("Write something")
        await acted.write("one")
        await acted.press("enter")
        await acted.until(lambda: answers == ["one"])


async def test_another_place_offers_other_changes() -> None:
    """Typing another address in the fork dialog changes what can be changed, and refuses what is no place."""
    driver = FakeDriver(researched_run())
    fork_answer(driver, researched_run("7d1e0b7744aa21d3"))
    async with stage(driver) as acted:
        acted.main.timeline.select(CALL)
        await acted.press("f")
        dialog = await acted.opens(ForkDialog)
        place = dialog.query_one("#place")
        place.value = "0.turn"
        await acted.shows("the turn's text")
        place.value = "nowhere"
        await acted.shows("'nowhere' is no place")
        await acted.press("ctrl+s")
        assert acted.app.screen is dialog
        assert not driver.commands


def test_a_simulated_fork_names_the_effects_that_stay() -> None:
    """Before a token is spent, a person reads what cannot be undone."""
    preview = ForkPreview(
        address="2.1",
        cut=31,
        kept="",
        kept_steps=2,
        kept_calls=1,
        reruns=("2.1",),
        effects=("shell ran as call 2.0", "shell ran as call 3.0\x1b[2J"),
        simulated=True,
        dropped=("thinking of 3 turns",),
        cost=ForkCost("some:model", 1900, 1500, (), 0.004, 0.031, 4, 0.12),
        problems=("the agent's file changed",),
    )
    text = "\n".join(line_text(line) for line in fork_lines(preview, 120))
    assert "2 steps and 1 result, up to event 31" in text
    assert "SIMULATED" in text
    assert "! shell ran as call 2.0" in text
    assert "\x1b" not in text
    assert all(word in text for word in ("2.1", "thinking of 3 turns", "1.9 k tokens", "file changed"))
    assert "should hold 1.5 k (79 %)" in text
    assert "about $0.004; $0.031 if the cache forgot them" in text
    assert "about $0.120, if like the parent's 4 steps" in text


def huge_run() -> RunLog:
    """Return a run with a result of 5 MB on one line."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("search_docs", {"query": "all"}, "x" * 5_000_000)])
    return log


async def test_a_result_too_large_for_the_screen_is_replaced_or_edited_elsewhere() -> None:
    """5 MB on one line neither freeze the screen nor vanish: what is typed replaces them, $EDITOR gets them whole."""
    driver = FakeDriver(huge_run())
    fork_answer(driver, researched_run())
    async with stage(driver) as acted:
        acted.main.timeline.select(Selection("call", step=0, call="0.0"))
        await acted.press("e")
        dialog = await acted.opens(EditDialog)
        await acted.shows("5.0 MB are too much to edit here")
        assert len(dialog.text) == 5_000_000
        await acted.press("ctrl+s")
        await acted.shows("Nothing is changed yet")
        await acted.write("short")
        await acted.press("ctrl+s", "enter")
        await acted.until(lambda: bool(driver.commands))
        assert driver.commands[0].edits.results == {"0.0": "short"}


async def test_nothing_is_pasted_that_would_stop_the_screen() -> None:
    """A paste of 5 MB is refused in words, a page of text is taken."""
    async with stage(FakeDriver(researched_run())) as acted:
        dialog = await editing(acted)
        before = dialog.text
        acted.app.post_message(events.Paste("x" * 5_000_000))
        await acted.until(lambda: any("too large to edit here" in notice for notice in acted.notices))
        assert dialog.text == before
        acted.app.post_message(events.Paste("a line\n" * 50))
        await acted.until(lambda: dialog.text.count("a line") == 50)
