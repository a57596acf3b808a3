"""`workbench mcp` and `[mcp.NAME]`: servers of the settings are listed, refused where they changed, and accepted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import Shell, by_step
from tests.harness import answer
from tests.mcp_kit import PLAIN
from workbench.agent.spec import AgentSpec
from workbench.cli.workplace import Workplace, mcp_servers
from workbench.config.settings import find_places, load_settings
from workbench.driver.settings import DriverSettings
from workbench.errors import ConfigError
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.tools.control import submit_answer
from workbench.tools.toolkit import Toolkit

Write = Callable[..., None]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


@pytest.fixture
def plain_is() -> Iterator[Write]:
    """Return a way to write the server `plain` into the person's settings; all is gone after the test."""
    places = find_places()

    def write(*modes: str, **said: Any) -> None:
        places.settings.parent.mkdir(parents=True, exist_ok=True)
        table = {"command": [sys.executable, "-S", PLAIN, *modes], **said}
        lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
        places.settings.write_text("\n".join(["[mcp.plain]", *lines, ""]))

    yield write
    places.settings.unlink(missing_ok=True)
    places.mcp_pins.unlink(missing_ok=True)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedProvider:
    """Return a scripted model, which every command asks; its tools are those of the settings."""
    provider = ScriptedProvider(by_step([Turn(calls=[("echo", {"text": "hello"})]), answer("done")]))
    made = Workplace.driver_settings

    def settings(place: Workplace) -> DriverSettings:
        return replace(
            made(place),
            make_provider=lambda _name, _pace: provider,
            make_agent=lambda _library, _notebook, _path: AgentSpec(plan="off", toolkit=Toolkit([submit_answer])),
        )

    monkeypatch.setattr(Workplace, "driver_settings", settings)
    return provider


def test_a_run_has_the_servers_of_the_settings(shell: Shell, plain_is: Write, model: ScriptedProvider) -> None:
    """It waits for leave to call one of its tools, and goes on in another process."""
    plain_is(only=["echo"])
    asked = shell("run", "--headless", "What?")
    assert asked.code == 3
    assert "resume" in asked.out + asked.err
    assert [tool.name for tool in model.requests[0].tools] == ["submit_answer", "echo"]
    assert shell("resume", "@last", "--approve", "0.0", "--headless").code == 0
    assert "hello" in shell("show", "@last").out


def test_a_changed_server_stops_the_start_until_it_is_accepted(
    shell: Shell, plain_is: Write, model: ScriptedProvider
) -> None:
    """Exit 2 before any token, with the command that accepts; looking shows what changed and accepts nothing."""
    plain_is(permission="allow")
    assert "new: accepted as it is when a run first uses it" in shell("mcp").out
    assert shell("run", "--headless", "What?").code == 0
    listed = shell("mcp", "--json")
    assert (listed.code, [item["state"] for item in listed.json]) == (0, ["accepted"])
    plain_is("changed", permission="allow")
    model.requests.clear()
    sentence = shell.refused("run", "--headless", "What?")
    assert "the MCP server 'plain' is not as you accepted it: it is " in sentence
    assert "its tool 'echo' has another description" in sentence
    assert model.requests == []
    shown = shell("mcp", "plain")
    assert shown.code == 1
    assert '-echo: "Say it again."' in shown.out
    assert '+echo: "Say it again. Gladly."' in shown.out
    accepted = shell("mcp", "--accept", "plain")
    assert (accepted.code, "Accepted" in accepted.out) == (0, True)
    assert shell("run", "--headless", "What?").code == 0
    assert "nothing to accept" in shell.refused("mcp", "--accept", "plain")


def test_what_cannot_be_used_is_said(shell: Shell, plain_is: Write) -> None:
    """A server that does not start is named with its reason, and a name that is none with the nearest."""
    assert "No MCP servers are set up" in shell("mcp").out
    plain_is(command=["no-such-program"])
    listed = shell("mcp")
    assert (listed.code, "No such file or directory" in listed.out) == (1, True)
    assert shell.refused("mcp", "plein") == "there is no MCP server 'plein'; did you mean 'plain'?"
    assert "the MCP server 'plain' (no-such-program) cannot be used" in shell.refused("run", "--headless", "What?")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("mcp = 3", "mcp is no table of tables; expected tables such as [mcp.docs]"),
        ("[mcp]\ndocs = 3", "mcp is no table of tables"),
        ('[mcp.docs]\ncomand = ["x"]', "nothing is known of 'mcp.docs.comand'; did you mean 'command'?"),
        ('[mcp.docs]\ncommand = "x y"', "mcp.docs.command is no list of texts"),
        ("[mcp.docs]\ncommand = []", 'mcp.docs.command is empty; expected a list such as ["uvx", "mcp-server-git"]'),
        ('[mcp.docs]\ncommand = ["x"]\nenv = { A = 1 }', "mcp.docs.env has no text for a variable at 'A'"),
        ('[mcp.docs]\ncommand = ["x"]\nenv = { A = "$NOT_SET" }', "mcp.docs.env.A takes its value from NOT_SET"),
        ('[mcp.docs]\nurl = "http://x/"\nheaders = { a = "$NOT_SET" }', "the header 'a' takes its value from NOT_SET"),
        ('[mcp.docs]\ncommand = ["x"]\ntimeout = 0', "mcp.docs.timeout = 0; expected a number of seconds above 0"),
        ('[mcp.docs]\ncommand = ["x"]\nurl = 3', "mcp.docs.url is no text"),
    ],
)
def test_a_table_that_cannot_be_meant_is_named(tmp_path: Path, table: str, sentence: str) -> None:
    """With the file, the entry and what was expected."""
    (tmp_path / "settings.toml").write_text(table)
    with pytest.raises(ConfigError) as refused:
        load_settings(tmp_path / "settings.toml")
    assert sentence in str(refused.value)


def test_a_server_that_cannot_be_meant_stops_every_command_that_reads_the_settings(
    shell: Shell, plain_is: Write
) -> None:
    """The settings file is named, as for every other wrong value."""
    plain_is(url="http://x/")
    assert "settings.toml': the MCP server 'plain' needs a command or a url, and not both" in shell.refused("mcp")
    plain_is(permission="perhaps")
    assert "has permission 'perhaps'; expected allow, ask, deny" in shell.refused("mcp")


def test_a_table_says_all_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables come from the environment by name, so that no key is written down."""
    monkeypatch.setenv("DOCS_TOKEN", "secret")
    (tmp_path / "settings.toml").write_text(
        '[mcp.docs]\ncommand = ["uvx", "docs"]\nenv = { TOKEN = "$DOCS_TOKEN" }\ncwd = "~"\nread_only = ["search"]\n'
        'exclude = ["wipe"]\nprefix = "docs_"\ntimeout = 9\npermission = "allow"\n'
        '[mcp.web]\nurl = "https://x.org/mcp"\nheaders = { Authorization = "Bearer $DOCS_TOKEN" }\n'
    )
    docs, web = mcp_servers(load_settings(tmp_path / "settings.toml"))
    assert (docs.command, docs.args, docs.env, docs.cwd) == ("uvx", ("docs",), {"TOKEN": "secret"}, "~")
    assert (docs.read_only, docs.exclude, docs.prefix, docs.timeout) == (("search",), ("wipe",), "docs_", 9.0)
    assert (docs.permission, web.permission) == ("allow", "ask")
    assert web.headers == {"authorization": "Bearer secret"}


def test_what_lies_in_the_working_directory_is_not_looked_at(tmp_path: Path, plain_is: Write) -> None:
    """A folder that somebody works in has no say in what is started, nor in how: no file of it is opened."""
    work = tmp_path / "work"
    (work / ".workbench").mkdir(parents=True)
    touch = ["touch", str(work / "ran")]
    for name in ("settings.toml", "workbench.toml", ".workbench/settings.toml"):
        (work / name).write_text(f"[mcp.evil]\ncommand = {json.dumps(touch)}\n")
    for name in (".mcp.json", "mcp.json"):
        (work / name).write_text(json.dumps({"mcpServers": {"evil": {"command": touch[0], "args": touch[1:]}}}))
    for name in ("json.py", "mcp.py", "helper.py", "subprocess.py", "sitecustomize.py"):
        (work / name).write_text(f"open({str(work / 'ran')!r}, 'w')")
    (work / "python").write_text(f"#!/bin/sh\ntouch {work / 'ran'}\n")
    (work / "python").chmod(0o755)
    plain_is()
    program = (
        "import os, sys\n"
        "def look(event, args):\n"
        "    if event == 'open' and isinstance(args[0], str):\n"
        f"        if os.path.abspath(args[0]).startswith({str(work)!r}) and os.path.exists(args[0]):\n"
        "            os.write(2, f'opened {args[0]}'.encode())\n"
        "sys.addaudithook(look)\n"
        "from workbench.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Decorators\nA decorator wraps a function.")
    run = ["--db", str(tmp_path / "runs.db"), "run", "--headless", "--docs", str(tmp_path / "docs"), "What wraps?"]
    around = {**os.environ, "PATH": f".:{os.environ['PATH']}"}
    for command in (["mcp"], run):
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, *command],
            cwd=work, capture_output=True, text=True, check=False, env=around,
        )  # fmt: skip
        assert "opened" not in done.stderr
        assert "evil" not in done.stdout
        assert done.returncode == 0, done.stderr
    assert not (work / "ran").exists()
