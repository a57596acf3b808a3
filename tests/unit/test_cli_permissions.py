"""Permission rules on the command line and in the settings file, and what a run that waits prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli_harness import Shell, by_step, use_script
from tests.harness import answer
from workbench.config.settings import find_places
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool

SENT: list[str] = []


@tool(permission="ask")
async def send(text: str) -> str:
    """Send a message."""
    SENT.append(text)
    return f"sent {text}"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a command line whose agent sends two messages, one after the other."""
    SENT.clear()
    turns = [Turn(calls=[("send", {"text": text})]) for text in ("one", "tw\u043e\nlines " + "x" * 300)]
    use_script(monkeypatch, by_step([*turns, answer()]), [send])
    return Shell(tmp_path / "runs.db", capsys)


@pytest.fixture
def set_to() -> Iterator[Callable[[str], Path]]:
    """Return a way to write the person's settings; they are gone after the test."""
    file = find_places().settings

    def write(text: str) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    yield write
    file.unlink(missing_ok=True)


RUN = ("run", "--plan", "off", "Send.")


@pytest.mark.parametrize(
    ("options", "code", "sent"),
    [
        ([], 3, 0),
        (["--allow", "send"], 0, 2),
        (["--allow", 'send({"text":"one"})'], 3, 1),
        (["--allow", "send", "--ask", 'send({"text":"t*)'], 3, 1),
        (["--allow", "send", "--deny-rule", "se*"], 0, 0),
        (["--deny-asks"], 0, 0),
    ],
)
def test_a_run_keeps_to_the_rules_that_are_typed(shell: Shell, options: list[str], code: int, sent: int) -> None:
    """Deny before ask before allow; what asks stops the run with exit 3."""
    assert shell(*RUN, *options).code == code
    assert len(SENT) == sent


def test_a_fork_and_a_resumed_run_take_the_same_options(shell: Shell) -> None:
    """A rule of a resumed run is for the calls that come; the one that waits has its own answer."""
    assert shell(*RUN).code == 3
    run = shell.last()
    assert shell("fork", run, "--at", "0", "--allow", "send").code == 0
    assert len(SENT) == 2
    printed = shell("resume", run, "--allow", "send")
    assert printed.code == 3
    assert "--approve 0.0" in printed.out
    assert shell("resume", run, "--approve", "0.0").code == 0
    assert len(SENT) == 4


@pytest.mark.parametrize("command", [("run", "Send."), ("fork", "@last"), ("resume", "@last")])
@pytest.mark.parametrize("option", ["--allow", "--ask", "--deny-rule"])
def test_a_rule_that_is_none_is_a_sentence(shell: Shell, command: tuple[str, ...], option: str) -> None:
    """With the rule in it."""
    refused = shell.refused(*command, option, "send(")
    assert option in refused
    assert "the permission rule 'send(' cannot be read" in refused


def test_rules_of_the_settings_hold_in_new_runs(shell: Shell, set_to: Callable[[str], Path]) -> None:
    """Beside those that are typed."""
    set_to('[permissions]\nallow = ["send"]\ndeny = ["""send({"text":"one"})"""]')
    printed = shell(*RUN, "--json")
    assert printed.code == 0
    assert len(SENT) == 1
    expected = {"allow": ["send", "mail"], "ask": [], "deny": ['send({"text":"one"})']}
    assert shell(*RUN, "--allow", "mail", "--json").events[0]["agent"]["permissions"] == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("permissions = 3", "expected a table [permissions] with allow, ask, deny"),
        ("permissions.alow = []", "'alow' is no kind of permission rule; did you mean 'allow'?"),
        ("permissions.allow = 'send'", "permissions.allow = 'send'; expected a list of rules"),
        ("permissions.deny = [3]", "permissions.deny = [3]; expected a list of rules"),
        ("permissions.deny = ['send(']", "the permission rule 'send(' cannot be read"),
    ],
)
def test_wrong_rules_in_the_settings_are_named(
    shell: Shell, set_to: Callable[[str], Path], text: str, said: str
) -> None:
    """With the file, before anything runs."""
    file = set_to(text)
    refused = shell.refused(*RUN)
    assert said in refused
    assert str(file) in refused


def test_a_run_that_waits_prints_the_whole_input_behind_a_bar(shell: Shell) -> None:
    """Nothing is cut, letters beyond ASCII are escapes, and no line of it can pass for one of ours."""
    printed = shell(*RUN, "--allow", 'send({"text":"one"})')
    assert printed.code == 3
    lines = printed.out.splitlines()
    barred = [line.strip() for line in lines if line.strip().startswith("| ")]
    assert any("tw\\u043e\\nlines" in line for line in barred)
    assert "x" * 300 in "".join(line.removeprefix("| ") for line in barred)
    assert "1 character beyond ASCII" in printed.out
    assert "declared to run only when a person allows it" in " ".join(printed.out.split())
