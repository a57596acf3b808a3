"""The way onto the screen: what is shown there, what is told before it appears, and what is recorded of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import QUESTION, Shell, by_step, use_script
from tests.harness import answer
from workbench.cli.workplace import WATCHABLE_PACE
from workbench.config.settings import find_places
from workbench.driver.commands import AgentOptions, ListRuns, OpenRun, StartRun
from workbench.driver.driver import Driver
from workbench.providers.scripted import Turn
from workbench.state.fold import fold
from workbench.tools.declaring import tool


class Screen:
    """Stands in for the screen: keeps what it was given, and does with the driver what the test says."""

    failure: Exception | None = None

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.person: Callable[[Driver], None] = lambda _: None

    def app(self, settings: Any, start: Any = None, run: Any = None, at: Any = None, **more: Any) -> Screen:
        """Be made, as the app is."""
        self.shown.append({"start": start, "run": run, "at": at, **more})
        return self

    def run(self) -> None:
        """Be looked at."""
        self.person(self.shown[-1]["desk"])


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Return a screen on a terminal; commands typed with `--headless` or `--json` do not use it."""
    stand_in = Screen()
    monkeypatch.setattr("workbench.tui.app.WorkbenchApp", stand_in.app)
    monkeypatch.setattr("workbench.cli.workplace.has_terminal", lambda: True)
    return stand_in


def finish(driver: Driver, run: str) -> None:
    """Wait until a run has ended."""
    subscription = driver.feed.subscribe()
    while fold(driver.ask_blocking(OpenRun(run)).records).end is None:
        subscription.drain()


def test_a_question_is_asked_on_the_screen(shell: Shell, screen: Screen) -> None:
    """On a terminal the run begins on the screen, its plan waits for the person, and it can be watched."""
    assert shell("run", QUESTION, "--max-steps", "7").code == 0
    shown = screen.shown[0]
    expected = AgentOptions(max_steps=7, fallback=AgentOptions(plan="ask", pace=WATCHABLE_PACE))
    assert shown["start"] == StartRun(QUESTION, expected)
    assert shown["run"] is None


def test_without_a_question_the_runs_are_shown(shell: Shell, screen: Screen) -> None:
    """`workbench`, and `workbench run` with nothing to ask, open the runs and a prompt."""
    for words in ([], ["run"]):
        assert shell(*words).code == 0
        assert screen.shown[-1]["start"] is None
        assert screen.shown[-1]["options"].fallback.plan == "ask"


def test_what_was_typed_holds_for_every_run_of_the_screen(shell: Shell, screen: Screen) -> None:
    """Also without a question, and for the questions after the first."""
    for words in ([], [QUESTION]):
        assert shell("run", *words, "-m", "offline", "--param", "effort=high", "--retry", "attempts=2").code == 0
        options = screen.shown[-1]["options"]
        assert (options.model, options.parameters, options.retries) == ("offline", {"effort": "high"}, {"attempts": 2})


def test_a_run_is_opened_where_it_was_wanted(shell: Shell, screen: Screen) -> None:
    """`open RUN --at` shows the run at that place, found by the beginning of its id."""
    shell("run", "--headless", "What is a context manager?")
    run = str(shell("runs", "--json").json[0]["id"])
    assert shell("open", run[:5], "--at", "1").code == 0
    assert (screen.shown[0]["run"], screen.shown[0]["at"]) == (run, "1")


def test_what_is_wrong_is_told_before_the_screen(shell: Shell, screen: Screen) -> None:
    """A sentence on the terminal is read; one behind a screen that disappears is not."""
    assert "the question is empty" in shell.refused("run", " ")
    assert "there is no model 'x'" in shell.refused("run", "-m", "x", "What?")
    assert "is not a folder" in shell.refused("run", "--docs", "/no/such", "What?")
    assert "effort = 'banana' cannot be used" in shell.refused("run", "--param", "effort=banana", "What?")
    assert "subagents = -1 cannot be used" in shell.refused("run", "--limit", "subagents=-1", "What?")
    shell("run", "--headless", "What is a context manager?")
    assert "there is no run" in shell.refused("open", "zzzz")
    assert "has no step 99" in shell.refused("open", "@last", "--at", "99")
    assert "has no step 99" in shell.refused("fork", "@last", "--at", "99")
    assert "is completed" in shell.refused("resume", "@last")
    shell.database.write_text("no database" * 20)
    assert "is not a workbench database" in shell.refused("run", "What?")
    assert screen.shown == []


def test_a_fork_is_shown(shell: Shell, screen: Screen) -> None:
    """`fork` on a terminal makes the fork and shows it."""
    shell("run", "--headless", "What is a context manager?")
    run = str(shell("runs", "--json").json[0]["id"])
    assert shell("fork", run, "--result", "0.0=nothing").code == 0
    newest = shell("runs", "--json").json[0]
    assert (screen.shown[0]["run"], newest["parent"]) == (newest["id"], run)


def test_an_answer_is_given_and_the_run_shown(shell: Shell, screen: Screen) -> None:
    """`resume` on a terminal gives the answers first, so that the screen shows the run going on."""
    shell("run", "--headless", "--plan", "ask", QUESTION)
    run = str(shell("runs", "--json").json[0]["id"])
    screen.person = lambda driver: finish(driver, run)
    assert shell("resume", run, "--plan", "approve").code == 0
    assert screen.shown[0]["run"] == run
    assert shell("runs", "--json").json[0]["status"] == "completed"


def test_what_a_person_does_on_the_screen_is_recorded(
    shell: Shell, screen: Screen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--record` on a terminal takes every run that is started there, with its subagents; the file is an export."""

    @tool(read_only=True)
    async def look() -> str:
        """Look."""
        return "x"

    use_script(monkeypatch, by_step([Turn("Now.", [("look", {})]), answer()]), [look])
    asked: list[str] = []

    def person(driver: Driver) -> None:
        asked.append(driver.ask_blocking(StartRun("What?", AgentOptions(plan="off"))))
        finish(driver, asked[0])
        assert len(driver.ask_blocking(ListRuns())) == 1

    screen.person = person
    path = tmp_path / "x.jsonl"
    assert shell("run", "--record", str(path)).code == 0
    assert path.read_text() == shell("export", asked[0]).out


def settings_file(text: str) -> Path:
    """Write the person's settings file."""
    file = find_places().settings
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def no_settings() -> Iterator[None]:
    """Leave no settings file behind."""
    yield
    find_places().settings.unlink(missing_ok=True)


@pytest.mark.usefixtures("no_settings")
def test_settings_reach_the_screen(shell: Shell, screen: Screen) -> None:
    """What a person set about the screen is what it is given, their own themes and pictures folder too."""
    file = settings_file('theme = "paper"\nnotify = "bell"\nmotion = false\n[keys]\nfork = "F2"\n')
    assert shell().code == 0
    manners = screen.shown[0]["manners"]
    assert (manners.notify, manners.moves, manners.keys) == ("bell", False, {"fork": ("f2",)})
    assert (manners.settings_file, manners.pictures) == (file, find_places().pictures)
    assert (screen.shown[0]["theme"], screen.shown[0]["themes"][-1]) == ("paper", file.parent / "themes")


@pytest.mark.usefixtures("no_settings")
def test_a_wrong_key_is_told_before_the_screen(shell: Shell, screen: Screen) -> None:
    """The sentence names the file and the nearest right action; `doctor` finds it too."""
    file = settings_file('[keys]\nforkk = "F2"\n')
    said = shell.refused()
    assert str(file) in said
    assert "did you mean 'fork'?" in said
    assert screen.shown == []
    assert "did you mean 'fork'?" in shell("doctor").out


def test_what_was_printed_meanwhile_is_told(shell: Shell, screen: Screen) -> None:
    """After the screen a person hears where the words of their tools are; without any, nothing."""
    assert shell().err == ""
    screen.person = lambda _: print(os.write(1, b"hello\n"))
    assert "printed.log" in shell().err
    assert find_places().printed.read_text().startswith("hello\n")


def test_a_screen_that_broke_is_a_sentence(shell: Shell, screen: Screen) -> None:
    """An error inside the screen leaves no traceback over the terminal, and its details in a file."""
    screen.failure = ValueError("something")
    shown = shell()
    assert shown.code == 1
    assert "something unexpected went wrong (ValueError: something). The details are in" in shown.err
