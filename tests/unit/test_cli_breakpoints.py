"""`--break`: where a run without a screen stops, what is printed then, and what cannot be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import Shell, by_step, use_script
from tests.harness import answer
from workbench.driver.commands import ListBreakpoints
from workbench.driver.driver import Driver
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool

RULE = "tool:write input:word: c"


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


@tool
async def write(word: str) -> str:
    """Write a word down."""
    return f"wrote {word}"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a command line whose runs look, write twice, and answer."""
    turns = [
        Turn(calls=[("look", {"word": "a"}), ("write", {"word": "b"})]),
        Turn(calls=[("write", {"word": "c"})]),
        answer(),
    ]
    use_script(monkeypatch, by_step(turns), [look, write], plan=Turn("SIMPLE"))
    return Shell(tmp_path / "runs.db", capsys)


def test_a_run_stops_and_says_how_to_go_on(shell: Shell) -> None:
    """Exit 130, which breakpoint and why, and two commands: to the end, and to the next breakpoint."""
    printed = shell("run", "What?", "--break", RULE)
    run = shell.last()[:8]
    assert printed.code == 130
    assert f"breakpoint {RULE}: before call 1.0 write, whose input says “word: c”" in printed.out
    assert printed.out.count("before call 1.0") == 1
    on = f"workbench --db {shell.database} resume {run}"
    assert f"  go on with: {on}\n" in printed.out
    assert f"  go on to the next breakpoint with: {on} --break '{RULE}'\n" in printed.out


def test_resuming_passes_the_breakpoint_and_stops_at_others(shell: Shell) -> None:
    """The same rule does not stop at the same call again; another one stops further on; without any the run ends."""
    shell("run", "What?", "--break", "tool:write")
    stopped = shell("resume", "@last", "--break", "tool:write", "--break", "tool:submit_answer")
    assert (stopped.code, "before call 1.0 write" in stopped.out) == (130, True)
    stopped = shell("resume", "@last", "--break", "tool:write", "--break", "tool:submit_answer")
    assert (stopped.code, "before call 2.0 submit_answer" in stopped.out) == (130, True)
    assert shell("resume", "@last").code == 0


def test_breakpoints_end_with_the_command(shell: Shell) -> None:
    """A script's later runs are not stopped by what an earlier command was told, nor by the list of the workbench."""
    assert shell("run", "What?", "--break", "step").code == 130
    shell.database.with_name("runs-breakpoints.txt").write_text("on  step\n")
    assert shell("run", "What?").code == 0
    assert shell.database.with_name("runs-breakpoints.txt").read_text() == "on  step\n"


def test_a_fork_stops_at_a_breakpoint(shell: Shell) -> None:
    """A fork takes --break as a run does, and is compared with its parent where it is asked to be."""
    shell("run", "What?")
    parent = shell.last()
    printed = shell("fork", parent, "--at", "1", "--break", "tool:write", "--break", f"diverge:{parent[:6]}")
    assert printed.code == 130
    assert f"--break diverge:{parent}" in printed.err + printed.out


def test_on_the_screen_they_join_the_list(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the workbench `--break` is the same as adding to the list by hand: the next workbench still has it."""
    listed: list[tuple[str, ...]] = []

    class App:
        """Stands in for the screen: looks at the list and leaves."""

        def __init__(self, *_: Any, desk: Driver, **__: Any) -> None:
            self.desk = desk

        def run(self) -> None:
            listed.append(tuple(setting.rule for setting in self.desk.ask_blocking(ListBreakpoints())))

    monkeypatch.setattr("workbench.tui.app.WorkbenchApp", App)
    monkeypatch.setattr("workbench.cli.workplace.has_terminal", lambda: True)
    shell("run", "--break", "step", "--break", "tool:look")
    shell()
    assert listed == [("step", "tool:look")] * 2


def test_json_has_the_hit_as_an_event(shell: Shell) -> None:
    """Whoever reads the events finds rule, reason and call, and that the run rests because of them."""
    printed = shell("run", "What?", "--json", "--break", "tool:write")
    assert printed.code == 130
    kinds = [event["kind"] for event in printed.events]
    hit = printed.events[kinds.index("breakpoint_hit")]
    assert (hit["rule"], hit["call"], hit["why"]) == ("tool:write", "0.1", "before call 0.1 write")
    assert (kinds[-1], printed.events[-1]["reason"]) == ("run_paused", "breakpoint")


def test_a_run_at_a_breakpoint_is_shown_with_the_reason(shell: Shell) -> None:
    """`show` and the list say why it rests."""
    shell("run", "What?", "--break", "tool:write")
    assert "breakpoint tool:write: before call 0.1 write\ninterrupted: breakpoint" in shell("show", "@last").out
    assert shell.runs()[0]["reason"] == "breakpoint"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ("run", "What?", "--break", "nonsense"),
            "argument --break: 'nonsense' is no breakpoint; expected one of",
        ),
        (("run", "What?", "--break", "result:("), "'(' is no regular expression at character 0"),
        (("run", "What?", "--break", "tokens:"), "write tokens:8000 or tokens:8k"),
        (("run", "What?", "--break", "diverge:beef"), "there is no run 'beef'"),
        (("resume", "@last", "--break", "(a+)+"), "is no breakpoint"),
        (("fork", "@last", "--no-drive", "--break", "step"), "give it to `workbench resume`"),
    ],
)
def test_a_wrong_breakpoint_is_refused(shell: Shell, words: tuple[str, ...], why: str) -> None:
    """Before anything is written, in one sentence."""
    shell("run", "What?")
    assert why in shell.refused(*words)
