"""Keys of the list of runs: what people say about runs, hiding, search over all of them, files in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import RunLog, forked_run, researched_run
from tests.harness import Rig, answer
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, stage
from workbench.driver.commands import (
    CancelWork,
    ExportedFile,
    ExportRun,
    FoundRun,
    ImportedFile,
    ImportFile,
    IndexRuns,
    Label,
    ListRuns,
    SearchRuns,
)
from workbench.driver.feed import Progress, Trouble
from workbench.errors import OperationCancelledError, OverwriteRefusedError
from workbench.events.library import RunHidden, RunMarked, RunNamed, RunNoted
from workbench.providers.scripted import Turn
from workbench.store.model import SearchHit
from workbench.tools.declaring import tool
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.dialogs.export import ExportDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.dialogs.messages import MessagesDialog
from workbench.tui.dialogs.note import NoteDialog
from workbench.tui.dialogs.search import SearchDialog
from workbench.tui.widgets.run_tree import RunTree
from workbench.views.selection import Selection

RUN = researched_run().run


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


def pair() -> FakeDriver:
    """Return a driver with a run and its fork; the run is open."""
    return FakeDriver(forked_run(), researched_run())


async def in_list(acted: Stage, run: str = RUN) -> RunTree:
    """Go to a run of the list."""
    await acted.press("1")
    listed = acted.main.query_one(RunTree)
    await acted.until(lambda: run in [row.id for row in acted.main.bridge.rows])
    listed.highlighted = listed.get_option_index(run)
    await acted.pilot.pause(0)
    return listed


# What is said about a run


async def test_a_run_is_named_noted_tagged_and_marked(tmp_path: Path) -> None:
    """r, o, # and * write events of the library log, and the list and its details show what they say."""
    with Rig(tmp_path, [answer("done")]) as rig:
        run = rig.start("What is marmalade?")
        rig.finish(run)
        async with stage(rig.driver) as acted:
            await acted.press("1", "r")
            await acted.opens(LineDialog)
            await acted.write("bitter")
            await acted.press("enter")
            await acted.closes()
            await acted.press("#")
            await acted.opens(LineDialog)
            await acted.write("a, #b c,,a")
            await acted.press("enter")
            await acted.closes()
            await acted.press("o")
            await acted.opens(NoteDialog)
            await acted.write("first")
            await acted.press("enter")
            await acted.write("second")
            await acted.press("ctrl+s")
            await acted.closes()
            await acted.press("*")
            await acted.until(lambda: rig.ask(ListRuns())[0].marked)
            for words in ("★≡# bitter", "What is marmalade?", "#a  #b c", "≡ first", "second", "completed: answered"):
                await acted.shows(words)
            (row,) = rig.ask(ListRuns())
            assert (row.name, row.tags, row.note, row.marked) == ("bitter", ("a", "b c"), "first\nsecond", True)
            said = rig.driver.run_blocking(rig.driver.store.library())
            assert [entry.event.kind for entry in said] == ["run_named", "run_tagged", "run_noted", "run_marked"]


async def test_u_takes_back_one_thing_after_the_other() -> None:
    """Each press writes the event that restores what was there before the last change; then there is nothing left."""
    driver = pair()
    driver.remarks[RUN] = {"name": "old", "tags": ("x",)}
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("*", "d")
        await acted.until(lambda: len(driver.commands) == 2)
        await acted.press("u", "u", "u")
        await acted.until(lambda: any("nothing to take back" in said for said in acted.said))
        assert driver.commands == [
            Label(RunMarked(run=RUN, marked=True)),
            Label(RunHidden(run=RUN, hidden=True)),
            Label(RunHidden(run=RUN, hidden=False)),
            Label(RunMarked(run=RUN, marked=False)),
        ]
        assert acted.main.query_one(RunTree).highlighted_run == RUN


async def test_what_is_not_changed_is_not_written() -> None:
    """Leaving a dialog, or taking it as it is, leaves the library log alone."""
    driver = pair()
    driver.remarks[RUN] = {"name": "old", "tags": ("x", "y"), "note": "n"}
    async with stage(driver) as acted:
        await in_list(acted)
        for key, kind, done in (("r", LineDialog, "enter"), ("#", LineDialog, "enter"), ("o", NoteDialog, "ctrl+s")):
            await acted.press(key)
            await acted.opens(kind)
            await acted.press(done)
            await acted.closes()
            await acted.press(key)
            await acted.opens(kind)
            await acted.write("z")
            await acted.press("escape")
            await acted.closes()
        assert driver.commands == []


async def test_an_empty_name_takes_it_back() -> None:
    """The question stands in the list again."""
    driver = pair()
    driver.remarks[RUN] = {"name": "ab"}
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("r")
        await acted.opens(LineDialog)
        await acted.press("backspace", "backspace", "enter")
        await acted.gives(driver, [Label(RunNamed(run=RUN, name=""))])


async def test_the_keys_of_the_list_hold_only_there() -> None:
    """Elsewhere the same letters mean what they mean there; nothing is said about a run by accident."""
    driver = pair()
    async with stage(driver) as acted:
        await acted.press("2", "d", "*", "#", "H", "X", "I")
        await acted.pilot.pause(0)
        assert driver.commands == []
        assert acted.app.screen is acted.main


async def test_in_the_palette_the_run_on_the_screen_is_meant() -> None:
    """Without the list, what is said is said about the run that is open, whatever the cursor of the list is on."""
    driver = pair()
    async with stage(driver) as acted:
        await in_list(acted, forked_run().run)
        await acted.press("2")
        await acted.main.action_do("mark")
        await acted.gives(driver, [Label(RunMarked(run=acted.watched.run, marked=True))])
        assert acted.watched.run == RUN


# Hiding


async def test_a_hidden_run_goes_and_its_fork_stays() -> None:
    """d hides at once, says how it comes back, and the cursor stays where it was."""
    driver = pair()
    async with stage(driver) as acted:
        listed = await in_list(acted)
        await acted.press("d")
        await acted.until(lambda: listed.option_count == 1)
        assert listed.highlighted_run == forked_run().run
        assert any("u brings it back" in said for said in acted.said)


async def test_hidden_runs_are_listed_on_demand_and_shown_again() -> None:
    """H lists them, dimmed and with the word; d on one shows it again; H hides them again."""
    driver = pair()
    driver.remarks[RUN] = {"hidden": True}
    async with stage(driver, run=RUN) as acted:
        listed = acted.main.query_one(RunTree)
        await acted.press("1")
        await acted.until(lambda: listed.option_count == 1)
        await acted.press("H")
        await acted.until(lambda: listed.option_count == 2)
        await acted.shows("a4f7 hidden How does")
        await in_list(acted)
        await acted.shows("d show again")
        await acted.press("d")
        await acted.gives(driver, [Label(RunHidden(run=RUN, hidden=False))])
        await acted.until(lambda: "hidden How does" not in acted.shown())
        await acted.press("H")
        await acted.until(lambda: any("not listed" in said for said in acted.said))
        assert not acted.main.bridge.lists_hidden


async def test_a_subagent_of_a_hidden_run_is_shown_with_it() -> None:
    """A subagent is hidden with the run that called it, so that one is brought back."""
    log = RunLog("5d00aa11bb22cc33", "What?")
    driver = FakeDriver(forked_run(), log, researched_run())
    driver.remarks = {RUN: {"hidden": True}, log.run: {"hidden": True, "root": RUN, "caller_run": RUN}}
    async with stage(driver) as acted:
        await acted.press("1", "H")
        await in_list(acted, log.run)
        await acted.press("d")
        await acted.gives(driver, [Label(RunHidden(run=RUN, hidden=False))])


# Details at every width


@pytest.mark.parametrize("size", [(120, 40), (160, 48), (80, 24), (60, 30)])
async def test_every_figure_is_reached_at_every_width(size: tuple[int, int]) -> None:
    """What was edited, steps, tokens, cost and time of the run under the cursor stand below the list."""
    async with stage(pair(), size=size) as acted:
        await in_list(acted, forked_run().run)
        for words in ("✎ result 0.1", "at 0.1 of a4f7c2e1", "2 steps", "3.5 k tokens", "$0.004", "2.1 s", "completed"):
            await acted.shows(words)


async def test_alone_the_list_has_columns() -> None:
    """With 80 columns the figures of all runs can be compared; below 56 there is no room, and no heading."""
    async with stage(pair(), size=(80, 24)) as acted:
        await acted.press("1")
        await acted.shows("steps   tokens     cost      time")
        await acted.pilot.resize_terminal(56, 24)
        await acted.until(lambda: "steps   tokens" not in acted.shown())


# Search over all runs


def finding(driver: FakeDriver) -> list[str]:
    """Let the driver find a result, and the name of a run; return what was looked for."""
    rows = {row.id: row for row in driver.rows()}
    result = next(r for r in researched_run().records if r.event.kind == "call_finished" and r.event.call == "0.1")  # type: ignore[attr-defined]
    asked: list[str] = []

    def find(command: SearchRuns) -> list[FoundRun]:
        asked.append(command.text)
        hit = SearchHit(RUN, result.seq, "0.1", "Prepared [/] statements \x1b[31m last", "call_finished")
        return [FoundRun(rows[RUN], (hit,)), FoundRun(rows[forked_run().run], (), "#prepared")]

    driver.answers[SearchRuns] = find
    return asked


async def test_a_search_opens_the_run_where_it_says_so() -> None:
    """Results come as one types, Enter opens the run at its end, and the cursor is on the call that says it."""
    driver = FakeDriver(researched_run(), forked_run())
    asked = finding(driver)
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("/")
        await acted.opens(SearchDialog)
        await acted.write("prepared")
        await acted.shows("1 place in 2 runs")
        await acted.shows("0.1 result")
        assert "Prepared [/] statements \ufffd[31m last" in acted.shown()
        assert asked[-1] == "prepared"
        await acted.press("enter")
        await acted.closes()
        await acted.until(lambda: acted.main.timeline.selection == Selection("call", step=0, call="0.1"))
        assert acted.watched.run == RUN
        assert acted.watched.playhead is None
        assert acted.main.timeline.has_focus


async def test_another_result_is_chosen_by_the_arrows() -> None:
    """The cursor stays in the line while the results are walked through; a run can be chosen as a whole."""
    driver = pair()
    finding(driver)
    async with stage(driver, run=RUN) as acted:
        await in_list(acted)
        await acted.press("/")
        await acted.opens(SearchDialog)
        await acted.write("pre")
        await acted.shows("1 place in 2 runs")
        await acted.press("down", "enter")
        await acted.closes()
        await acted.until(lambda: acted.watched.run == forked_run().run)


async def test_strange_words_and_nothing_found() -> None:
    """Whatever is typed is looked for as it is, and nothing found is said."""
    driver = pair()
    asked: list[str] = []

    def find(command: SearchRuns) -> list[FoundRun]:
        asked.append(command.text)
        return []

    driver.answers[SearchRuns] = find
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("/")
        await acted.opens(SearchDialog)
        await acted.write('[/"*')
        await acted.shows("No run says '[/\"*'.")
        assert asked[-1] == '[/"*'
        await acted.press("enter")
        assert isinstance(acted.app.screen, SearchDialog)
        await acted.press("escape")
        await acted.closes()


async def test_the_index_can_be_stopped_and_what_there_is_is_searched() -> None:
    """While the index is brought up its progress is shown in the dialog, with the key that stops it."""
    driver = pair()
    finding(driver)
    progress = Progress("indexing the runs", 300, 1200, "7")
    answer_of, stopped = driver._answer, list[Any]()

    def answers(command: Any) -> Any:
        if isinstance(command, IndexRuns):
            driver.feed.publish(progress)
            if not stopped:
                stopped.append(command)
                raise OperationCancelledError("indexing the runs was stopped; what is indexed already is found")
        return answer_of(command)

    driver._answer = answers  # type: ignore[method-assign]
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("/")
        await acted.opens(SearchDialog)
        await acted.shows("300/1,200")
        await acted.shows("ctrl+x stop")
        await acted.shows("what is indexed already is found.")
        await acted.press("ctrl+x")
        await acted.gives(driver, [CancelWork("7")])
        await acted.write("pre")
        await acted.shows("1 place in 2 runs")


async def test_a_search_over_real_runs(tmp_path: Path) -> None:
    """On a real database: indexed, found by a result's word, opened at its call."""
    script = [Turn("Looking.", [("look", {"word": "marmalade"})]), answer("done"), answer("else")]
    with Rig(tmp_path, script, [look]) as rig:
        first = rig.start("What is a?")
        rig.finish(first)
        second = rig.start("What is b?")
        rig.finish(second)
        async with stage(rig.driver) as acted:
            assert acted.watched.run == second
            await acted.press("1", "/")
            await acted.opens(SearchDialog)
            await acted.write("found mar")
            await acted.shows("in 1 run")
            await acted.press("enter")
            await acted.closes()
            await acted.until(lambda: acted.watched.run == first)
            await acted.until(lambda: acted.main.timeline.selection == Selection("call", step=0, call="0.0"))


# Files


async def test_a_run_is_exported_to_a_file_and_never_over_another(tmp_path: Path) -> None:
    """X asks where to, and whether the forks go too; a file that is there is replaced only after a question."""
    with Rig(tmp_path, [answer("done")]) as rig:
        run = rig.start("What?")
        rig.finish(run)
        path = tmp_path / "out.jsonl"
        async with stage(rig.driver) as acted:
            for _ in range(2):
                await acted.press("1", "X")
                dialog = await acted.opens(ExportDialog)
                assert dialog.query_one("#path").value == f"{run[:8]}.jsonl"
                dialog.query_one("#path").value = str(path)
                await acted.press("enter")
                await acted.until(lambda: not isinstance(acted.app.screen, ExportDialog))
                await acted.until(path.exists)
            await acted.opens(ChoiceDialog)
            before = path.stat().st_ino
            await acted.press("o")
            again = await acted.opens(ExportDialog)
            assert again.query_one("#path").value == str(path)
            await acted.press("enter")
            await acted.opens(ChoiceDialog)
            assert path.stat().st_ino == before
            await acted.press("r")
            await acted.closes()
            await acted.until(lambda: path.stat().st_ino != before)
            await acted.until(lambda: any("Wrote 1 run" in said for said in acted.said))


async def test_the_forks_are_exported_on_demand() -> None:
    """Tab and space tick the choice; a file too large to be taken in again is said to be."""
    driver = pair()
    driver.answers[ExportRun] = lambda command: ExportedFile(command.path, 2, 60_000, 9_000, True)
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("X")
        await acted.opens(ExportDialog)
        await acted.press("tab", "space", "shift+tab", "enter")
        await acted.closes()
        await acted.gives(driver, [ExportRun(RUN, "a4f7c2e1.jsonl", forks=True)])
        await acted.until(lambda: any("more than an import takes" in said for said in acted.said))


async def test_leaving_the_question_replaces_nothing() -> None:
    """Escape from the question whether to replace is no yes."""
    driver = pair()

    def refuse(_: ExportRun) -> None:
        raise OverwriteRefusedError("it is there")

    driver.answers[ExportRun] = refuse
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("X")
        await acted.opens(ExportDialog)
        await acted.press("enter")
        await acted.opens(ChoiceDialog)
        await acted.press("escape")
        await acted.opens(ExportDialog)
        await acted.press("escape")
        await acted.closes()
        assert [command.replace for command in driver.commands] == [False]


async def test_a_session_file_is_imported_and_opened() -> None:
    """I asks for a file; its newest run is opened, and what had to be left out is said."""
    driver = pair()

    def take_in(_: ImportFile) -> ImportedFile:
        driver.add(RunLog("5d00aa11bb22cc33", "Another question?"))
        return ImportedFile(1, "5d00aa11bb22cc33", ("run 77 is left out: it needs another",))

    driver.answers[ImportFile] = take_in
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("I")
        await acted.opens(LineDialog)
        await acted.write("~/x.jsonl")
        await acted.press("enter")
        await acted.closes()
        await acted.gives(driver, [ImportFile("~/x.jsonl")])
        await acted.until(lambda: acted.watched.run == "5d00aa11bb22cc33")
        assert any("left out" in said for said in acted.said)
        assert any("1 run is new" in said for said in acted.said)


async def test_a_file_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    """A wrong path or a wrong file says so and changes nothing."""
    with Rig(tmp_path, [answer("done")]) as rig:
        rig.finish(rig.start("What?"))
        async with stage(rig.driver) as acted:
            await acted.press("1", "I")
            await acted.opens(LineDialog)
            await acted.write("nowhere")
            await acted.press("enter")
            await acted.until(lambda: any("there is no session file 'nowhere'" in said for said in acted.said))
            assert len(rig.ask(ListRuns(hidden=True))) == 1


# Long work and messages


async def test_long_work_is_stopped_by_a_key() -> None:
    """The key stands beside the progress and stops that work; where nothing is under way a text keeps its own key."""
    driver = pair()
    async with stage(driver) as acted:
        await acted.press("ctrl+x")
        driver.feed.publish(Progress("indexing docs", 300, 1200, "7"))
        driver.feed.publish(Progress("importing x", 1, 9, "8"))
        await acted.shows("importing x")
        await acted.shows("and 1 more")
        await acted.shows("ctrl+x stop")
        await acted.press("ctrl+x")
        await acted.gives(driver, [CancelWork("8")])
        driver.feed.publish(Progress("importing x", 1, 1, "8"))
        await acted.shows("indexing docs")
        await acted.press("ctrl+x")
        await acted.gives(driver, [CancelWork("8"), CancelWork("7")])


async def test_ctrl_x_cuts_a_selected_text() -> None:
    """In a line with something selected the key cuts, as it always does, even while something is under way."""
    driver = pair()
    async with stage(driver) as acted:
        driver.feed.publish(Progress("indexing docs", 300, 1200, "7"))
        await acted.shows("indexing docs")
        await acted.press("m")
        await acted.write("abc")
        await acted.press("shift+left", "shift+left", "ctrl+x")
        line = acted.app.focused
        await acted.until(lambda: getattr(line, "value", None) == "a")
        assert driver.commands == []


async def test_work_that_was_stopped_is_no_error() -> None:
    """Whoever stopped it is told that it stopped, not that something went wrong."""
    driver = pair()

    def stopped(_: ImportFile) -> None:
        raise OperationCancelledError("importing x was stopped; nothing of it was taken in")

    driver.answers[ImportFile] = stopped
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.press("I")
        await acted.opens(LineDialog)
        await acted.write("x")
        await acted.press("enter")
        await acted.until(lambda: len(acted.app.messages) > 0)
        (message,) = acted.app.messages
        assert (message.severity, message.sentence) == (
            "information",
            "importing x was stopped; nothing of it was taken in",
        )


async def test_messages_are_read_again_with_their_details() -> None:
    """A notice that is gone, and the details of what went wrong, are one key away; nothing in them is markup."""
    driver = pair()
    async with stage(driver) as acted:
        await acted.press("!")
        await acted.opens(MessagesDialog)
        await acted.shows("Nothing was said yet.")
        await acted.press("escape")
        await acted.closes()
        driver.feed.publish(Trouble("run a4f7 failed: [/] \x1b", detail="Traceback\n  the [b]cause[/b]\x1b[31m"))
        await acted.until(lambda: any("! shows the details" in notice for notice in acted.notices))
        driver.feed.publish(Trouble("the documents have changed", level="warning"))
        await acted.until(lambda: len(acted.app.messages) == 2)
        await acted.press("!")
        await acted.opens(MessagesDialog)
        await acted.shows("! warning the documents have changed")
        assert acted.notices == []
        await acted.press("down")
        await acted.shows("the [b]cause[/b]\ufffd[31m")


async def test_a_bug_in_an_action_is_a_message() -> None:
    """Something that nobody foresaw is told with its traceback, and the screen goes on."""
    driver = pair()

    def fail(_: Label) -> None:
        raise ZeroDivisionError("by nothing")

    driver.answers[Label] = fail
    async with stage(driver, expects_bugs=True) as acted:
        await in_list(acted)
        await acted.press("*")
        await acted.until(lambda: len(acted.app.messages) > 0)
        (message,) = acted.app.messages
        assert message.severity == "error"
        assert "ZeroDivisionError: by nothing" in message.sentence
        assert "Traceback" in message.detail
        await acted.press("2")
        assert acted.main.timeline.has_focus


async def test_a_note_is_kept_whole() -> None:
    """Strange text in a note stays as it was typed."""
    driver = pair()
    driver.remarks[RUN] = {"note": "a\n[/b] 連接"}
    async with stage(driver) as acted:
        await in_list(acted)
        await acted.shows("[/b] 連接")
        await acted.press("o")
        await acted.opens(NoteDialog)
        await acted.write("!")
        await acted.press("ctrl+s")
        await acted.closes()
        await acted.gives(driver, [Label(RunNoted(run=RUN, note="a\n[/b] 連接!"))])
