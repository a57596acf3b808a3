"""The commands that are printed for a person to paste: they reach the model as this command did, and tell no secret."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import pytest

from tests.anthropic_kit import Answer, answer, ended, error, serving, started, text
from tests.cli_harness import QUESTION, Shell, by_step, ctrl_c, use_script
from workbench.cli.arguments import parse
from workbench.cli.reaching import endpoints, retyped
from workbench.cli.workplace import find_workplace
from workbench.config.settings import Settings
from workbench.providers.scripted import Turn
from workbench.providers.wire.common import split_model
from workbench.tools.declaring import tool

URL = "http://127.0.0.1:8080"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a command line on an empty database."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-1234567890")
    monkeypatch.setenv("TEAM", "blue-team")
    return Shell(tmp_path / "runs.db", capsys)


@pytest.mark.parametrize(
    ("typed", "again", "held_back"),
    [
        ([], [], []),
        (["--base-url", URL], ["--base-url", URL], []),
        (["-m", f"anthropic:m@{URL}"], ["--base-url", URL], []),
        (["-m", "anthropic:m@20260101"], [], []),
        (["--region", "eu-central-1"], ["--region", "eu-central-1"], []),
        (["--reach", "byte_timeout=5", "--reach", "connections=2"],) * 2 + ([],),
        (["--header", "x-team=$TEAM", "--header", "x-b=${TEAM}"],) * 2 + ([],),
        (["--header", "authorization=Bearer $TOKEN"],) * 2 + ([],),
        (["--header", "x-key=s3cret"], ["--header", "x-key=…"], ["--header x-key"]),
        (["--header", "x-key=s3cret$TEAM"], ["--header", "x-key=…"], ["--header x-key"]),
        (["--base-url", "https://me:s3cret@h/v1"], ["--base-url", "…"], ["--base-url"]),
        (["--base-url", "https://h/v1?key=s3cret"], ["--base-url", "…"], ["--base-url"]),
    ],
)
def test_what_was_typed_is_typed_again(typed: list[str], again: list[str], held_back: list[str]) -> None:
    """All that says how the model is reached; variables by their names, and nothing that may be a secret."""
    found = retyped(parse(["run", "What?", *typed]))
    assert (list(found.words), list(found.held_back)) == (again, held_back)
    assert "s3cret" not in found.reminder
    assert bool(found.reminder) == bool(held_back)


@pytest.mark.parametrize("words", [["resume", "@last"], ["fork", "@last", "--at", "1"]])
def test_a_run_that_is_there_has_its_own_model(words: list[str]) -> None:
    """It says for whom an address was typed; the model that settings give to new runs does not, nor is it for all."""
    settings = Settings(model="openai:gpt-6-sol")
    found = endpoints(parse([*words, "--base-url", URL]), settings, "anthropic:m")
    assert (found["anthropic"].base_url, found["openai"].base_url) == (URL, None)
    none = endpoints(parse([*words, "--base-url", URL]), settings, "offline")
    assert {endpoint.base_url for endpoint in none.values()} == {None}
    new = endpoints(parse(["run", "What?", "--base-url", URL]), settings)
    assert (new["anthropic"].base_url, new["openai"].base_url) == (None, URL)
    unnamed = endpoints(parse(["run", "--base-url", URL]), Settings())
    assert {endpoint.base_url for endpoint in unnamed.values()} == {URL}


def test_a_fork_has_the_model_of_its_place(shell: Shell) -> None:
    """A fork of a fork may begin before the model was changed."""
    assert shell("run", QUESTION, "--plan", "off").code == 0
    fork = shell("fork", "@last", "--at", "1", "-m", "anthropic:m", "--no-drive").out.strip()
    for words, address in (
        (["fork", fork, "--at", "0"], None),
        (["fork", fork, "--rerun", "0.0"], None),
        (["fork", fork, "--at", "end"], URL),
        (["fork", fork], URL),
        (["resume", fork], URL),
        (["fork", fork, "--at", "0", "-m", "anthropic:n"], URL),
    ):
        place = find_workplace(parse(["--db", str(shell.database), *words, "--base-url", URL]))
        assert place.providers.endpoint(split_model("anthropic:m")).base_url == address, words
    assert "no-such-run" in shell.refused("resume", "no-such-run", "--base-url", URL)


async def test_a_judge_of_another_maker_is_asked_at_its_own_address(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server that was typed is for the model of the run, and sees no other maker's key."""
    whole = answer(started(), text(0, "Forty-two."), ended())
    async with serving(whole) as server, serving(error(401, "authentication_error", "no")) as others:
        monkeypatch.setenv("OPENAI_API_KEY", "canary-of-openai")
        monkeypatch.setenv("OPENAI_BASE_URL", others.url)
        words = ["--base-url", server.url, "--plan", "off"]
        assert (await asyncio.to_thread(shell, "run", "What?", "-m", "anthropic:m", *words)).code == 0
        race = ["fork", "@last", "--at", "0", "--repeat", "2", "--check", "judge[openai:x]:It is short."]
        await asyncio.to_thread(shell, *race, "--base-url", server.url)
        assert len(server.requests) == 3
        assert "canary-of-openai" not in str(server.requests)
        assert "canary-of-openai" in str(others.requests)


async def test_the_command_after_a_failure_asks_the_same_server(shell: Shell) -> None:
    """Pasted, it goes where the run went; a header that was written out has to be typed again, and is in no output."""
    whole = answer(started(), text(0, "Forty-two."), ended())
    async with serving(error(401, "authentication_error", "no"), whole) as server:
        words = ["--base-url", server.url, "--header", "x-team=$TEAM", "--header", "x-key=s3cret", "--plan", "off"]
        failed = await asyncio.to_thread(shell, "run", "What?", "-m", "anthropic:m", *words)
        line = next(line for line in failed.out.splitlines() if " resume " in line)
        typed = shlex.split(line.partition(": ")[2])
        assert typed[-6:] == ["--base-url", server.url, "--header", "x-team=$TEAM", "--header", "x-key=…"]
        assert "In place of … type what you gave for --header x-key" in failed.out
        assert "s3cret" not in failed.out + failed.err
        assert "x-key" in await asyncio.to_thread(shell.refused, *typed[3:])  # nothing is sent with a dot for a key
        on = await asyncio.to_thread(shell, *typed[3:-2])
        assert on.code == 0, on
        assert (len(server.requests), server.requests[1][1]["x-team"]) == (2, "blue-team")
    assert failed.code == 1


async def test_without_a_key_nothing_goes_on(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the variable's name, exit 2, nothing written: for a run that failed, and for a further word."""
    whole = answer(started(), text(0, "Forty-two."), ended())
    async with serving(error(401, "authentication_error", "no"), whole) as server:
        words = ["-m", "anthropic:m", "--base-url", server.url, "--plan", "off"]
        for code in (1, 0):
            assert (await asyncio.to_thread(shell, "run", "What?", *words)).code == code
    failed, completed = sorted((row["status"], row["id"]) for row in await asyncio.to_thread(shell.runs))[::-1]
    assert (failed[0], completed[0]) == ("failed", "completed")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    for run, more in ((failed[1], []), (failed[1], ["--say", "And?"]), (completed[1], ["--say", "And?"])):
        said = await asyncio.to_thread(shell.refused, "resume", run, *more)
        assert "set ANTHROPIC_API_KEY" in said
    assert "set ANTHROPIC_API_KEY" in await asyncio.to_thread(shell.refused, "fork", failed[1], "--at", "0")
    made = await asyncio.to_thread(shell, "fork", failed[1], "--at", "0", "--no-drive")
    assert made.code == 0, made


MODEL, AGAIN = "fork RUN --at 0 -m MODEL", "resume RUN"


@pytest.mark.parametrize(
    ("served", "helps"),
    [
        (error(401, "authentication_error", "no"), [AGAIN, MODEL]),
        (error(403, "permission_error", "no"), [AGAIN, MODEL]),
        (error(404, "not_found_error", "model: m"), [MODEL]),
        (error(413, "request_too_large", "no"), [MODEL]),
        (error(400, "invalid_request_error", "prompt is too long"), [MODEL]),
        (error(400, "invalid_request_error", "no temperature"), [MODEL, "fork RUN --at 0 --param NAME=VALUE"]),
        (answer(started(), text(0, "I"), ended("refusal")), [MODEL, "fork RUN --at 0 --say TEXT"]),
    ],
)
async def test_a_failure_is_told_with_what_mends_it(shell: Shell, served: Answer, helps: list[str]) -> None:
    """What fails the same way again is not tried again: a fork before the turn that failed goes on otherwise.

    The server and the headers were meant for the model that was asked; another one is not sent there.
    """
    async with serving(served) as server:
        reached = ["--base-url", server.url, "--header", "x-key=s3cret"]
        words = ["-m", "anthropic:m", *reached, "--plan", "off", "--headless"]
        failed = await asyncio.to_thread(shell, "run", "What is a context manager?", *words)
        reach = f" --base-url {server.url} --header 'x-key=…'"
    commands = [line.partition("workbench --db ")[2] for line in failed.out.splitlines()]
    run = next(command for command in commands if " fork " in command).partition(" fork ")[2][:8]
    given = [command.partition(" ")[2].replace(run, "RUN") for command in commands if command]
    assert failed.code == 1
    assert given == [command if "-m" in command else f"{command}{reach}" for command in helps]
    assert ("type what you gave for --header x-key" in failed.out) == (reach in failed.out)
    fork = await asyncio.to_thread(shell, "fork", run, "--at", "0", "-m", "offline")
    assert fork.code == 0, fork


async def test_a_plan_that_failed_is_mended_at_the_end(shell: Shell) -> None:
    """No step was begun, so the fork begins where the run ended, and makes its plan anew."""
    async with serving(error(404, "not_found_error", "model: m")) as server:
        words = ["-m", "anthropic:m", "--base-url", server.url, "--headless"]
        failed = await asyncio.to_thread(shell, "run", QUESTION, *words)
    assert "--at end -m MODEL" in failed.out.splitlines()[-1]
    run = failed.out.splitlines()[-1].partition(" fork ")[2][:8]
    fork = await asyncio.to_thread(shell, "fork", run, "--at", "end", "-m", "offline")
    assert fork.code == 0, fork
    assert "PLAN ✓ approved" in fork.out


def test_a_failed_step_is_mended_before_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found before stays; a failure of no known kind can be tried again, too."""

    @tool(read_only=True)
    async def look() -> str:
        """Find something."""
        return "found"

    turns = [Turn("First.", [("look", {})]), Turn("Now", error=RuntimeError("boom"))]
    use_script(monkeypatch, by_step(turns), [look])
    failed = shell("run", "What?", "--plan", "off")
    run = shell.last()[:8]
    assert failed.code == 1
    assert [line.partition(f" --db {shell.database} ")[2] for line in failed.out.splitlines()[-2:]] == [
        f"resume {run}",
        f"fork {run} --at 1 -m MODEL",
    ]


@pytest.mark.parametrize("words", [["--plan", "ask"], ["--plan", "off", "--max-steps", "1"]])
def test_whatever_a_run_waits_for_goes_on_at_the_same_server(shell: Shell, words: list[str]) -> None:
    """Each command that asks a model says how it is reached, in JSON mode too; one that only looks does not."""
    waits = shell("run", QUESTION, *words, "--base-url", URL, "--json")
    commands = [line for line in waits.err.splitlines() if "workbench" in line]
    assert waits.code == 3
    assert commands
    assert all(line.endswith(f"--base-url {URL}") for line in commands)
    done = shell("run", "What is a context manager?", "--base-url", URL)
    assert done.out.splitlines()[-1].endswith(f"open {shell.last()[:8]}")


def test_a_stopped_run_goes_on_at_the_same_server(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C prints it too."""
    press = ctrl_c(monkeypatch)

    @tool(read_only=True)
    async def hang() -> str:
        """Press Ctrl-C, and never come back."""
        await press()
        await asyncio.Event().wait()
        return ""

    @tool(read_only=True)
    async def look() -> str:
        """Find something."""
        return "found"

    use_script(monkeypatch, by_step([Turn("First.", [("look", {})]), Turn("Now.", [("hang", {})])]), [look, hang])
    stopped = shell("run", "What?", "--plan", "off", "--base-url", URL, "--header", "a=b")
    assert stopped.code == 130
    said, reminder = stopped.out.splitlines()[-2:]
    assert said.endswith(f"--base-url {URL} --header 'a=…'")
    assert "type what you gave for --header a" in reminder


def test_a_race_that_is_left_goes_on_at_the_same_server(shell: Shell) -> None:
    """What is printed for races and forks says it too."""
    assert shell("run", "What is a context manager?").code == 0
    made = shell("fork", "@last", "--at", "0", "--repeat", "2", "--no-drive", "--base-url", URL, "--header", "a=b")
    assert f"--go-on --base-url {URL} --header 'a=…'" in made.err
    assert "type what you gave for --header a" in made.err
    call = shell.refused("resume", shell.runs()[-1]["id"], "--result", "0.0=x", "--base-url", URL)
    assert "--result 0.0=TEXT" in call
    assert f"--base-url {URL}" in call
