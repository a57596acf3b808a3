"""The examples in `docs/examples` do what their first lines say, offline."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import workbench
from tests.cli_harness import Printed, Shell
from workbench import Agent
from workbench.agent.loading import load_agent
from workbench.tools.library import NoDocuments, NotesInMemory

EXAMPLES = Path(workbench.__file__).parents[1] / "docs" / "examples"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a command line in an empty folder, with a state folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path / "runs.db", capsys)


def command(name: str) -> str:
    """Return the question with which an example says it is to be run."""
    found = re.search(rf'workbench run -a docs/examples/{name}\.py "([^"]+)"', source(name))
    assert found is not None
    return found[1]


def source(name: str) -> str:
    """Return the text of an example."""
    return (EXAMPLES / f"{name}.py").read_text("utf-8")


def ask(shell: Shell, name: str, question: str = "", *more: str) -> Printed:
    """Run an example, with its own question where no other is given."""
    return shell("run", "-a", str(EXAMPLES / f"{name}.py"), question or command(name), "--json", *more)


def calls(printed: Printed) -> list[tuple[str, dict[str, Any]]]:
    """Return what was called, with its input."""
    return [
        (event["tool"], event["input"])
        for event in printed.events
        if event["kind"] == "call_started" and event["tool"] != "submit_answer"
    ]


def results(printed: Printed) -> str:
    """Return the first lines of all results."""
    return "\n".join(event["first_line"] for event in printed.events if event["kind"] == "call_finished")


def answer(printed: Printed) -> Any:
    """Return what was submitted."""
    return [
        event["input"]
        for event in printed.events
        if event["kind"] == "call_started" and event["tool"] == "submit_answer"
    ][-1]


def test_ten_lines_are_ten_lines(shell: Shell) -> None:
    """And they answer."""
    code = [line for line in source("ten_lines").splitlines() if line.strip() and not line.startswith("#")]
    assert len(code) <= 10
    printed = ask(shell, "ten_lines")
    assert (printed.code, printed.err) == (0, "")
    assert calls(printed) == [("get_height", {"mountain": "Galdhøpiggen"})]
    assert "The Galdhøpiggen is 2469 m high." in answer(printed)["answer"]


def test_an_answer_is_an_object(shell: Shell) -> None:
    """It fits the model, and its fields come from what the tool said."""
    printed = ask(shell, "structured")
    assert (printed.code, printed.err) == (0, "")
    given = answer(printed)
    assert (given["city"], given["degrees"], given["is_raining"], given["sky"]) == ("Oslo", 11.5, True, "cloudy")
    assert "It rains in Oslo" in given["summary"]


def test_roles_work_at_once(shell: Shell) -> None:
    """Each gets its part of the question, and what they found stands in the answer."""
    printed = ask(shell, "roles")
    assert (printed.code, printed.err) == (0, "")
    spawned = [given for tool, given in calls(printed) if tool == "spawn_subagent"]
    assert sorted(given["role"] for given in spawned) == ["buyer", "guard"]
    assert "40 euros" in answer(printed)["answer"]
    assert "audited in March" in answer(printed)["answer"]


def test_nothing_is_sent_without_leave(shell: Shell) -> None:
    """The run stops with the letter written and not sent; with leave it goes out, denied it does not."""
    printed = ask(shell, "approvals")
    assert printed.code == 3
    assert [tool for tool, _ in calls(printed)] == ["get_opening_hours"]
    asked = next(event for event in printed.events if event["kind"] == "permission_asked")
    assert asked["tool"] == "send_letter"
    assert asked["input"]["to"] == "anna@example.com"
    assert "from nine to five" in asked["input"]["text"]
    allowed = shell("resume", "@last", "--approve", asked["call"], "--json")
    assert allowed.code == 0
    assert "is on its way" in results(allowed)
    denied = ask(shell, "approvals", command("approvals"), "--deny-asks")
    assert denied.code == 0
    assert "is on its way" not in results(denied)
    assert "send_letter" in answer(denied)["answer"]


def test_four_checks_of_a_repository_run_at_once(shell: Shell, tmp_path: Path) -> None:
    """All in the first step, on the folder that the question names, each with what it found."""
    project = tmp_path / "my-project"
    (project / "tests").mkdir(parents=True)
    (project / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["httpx", "rich>=13"]\n', "utf-8")
    (project / "README.md").write_text("# x\n", "utf-8")
    (project / "good.py").write_text('"""Good."""\n\nANSWER = 42\n', "utf-8")
    (project / "tests" / "test_good.py").write_text("X = 2\n\n\ndef test_one():\n    assert X == 2\n", "utf-8")
    printed = ask(shell, "repository")
    assert (printed.code, printed.err) == (0, "")
    made = calls(printed)
    assert sorted(tool for tool, _ in made) == [
        "check_dependencies",
        "check_documentation",
        "check_quality",
        "run_tests",
    ]
    assert {str(given["folder"]) for _, given in made} == {"./my-project"}
    starts = [event["call"] for event in printed.events if event["kind"] == "call_started"][:4]
    assert sorted(starts) == ["0.0", "0.1", "0.2", "0.3"]
    said = results(printed)
    assert "Tests: all pass." in said
    assert "Quality: " in said
    assert "Without a version: httpx." in said
    assert "there is a README. 1 of 2 Python files begin without a docstring: tests/test_good.py." in said
    assert all(word in answer(printed)["answer"] for word in ("Tests", "Quality", "Dependencies", "Documentation"))


async def test_the_checks_say_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failing tests, code that does not compile where there is no ruff, no folder, a program that takes too long."""
    module: Any = importing("repository", monkeypatch)
    (tmp_path / "test_bad.py").write_text("def test_one():\n    assert 1 == 2\n", "utf-8")
    assert (await module.run_tests.function(str(tmp_path))).startswith("Tests: some fail.")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ruff" else find_spec(name))
    (tmp_path / "bad.py").write_text("def (:\n", "utf-8")
    assert "1 of 2 Python files do not compile.\nbad.py: " in await module.check_quality.function(str(tmp_path))
    with pytest.raises(workbench.ToolError, match="is no folder"):
        module.check_dependencies.function(str(tmp_path / "gone"))
    monkeypatch.setattr(module, "SECONDS", 0.01)
    with pytest.raises(workbench.ToolError, match="was stopped after"):
        await module.run(tmp_path, sys.executable, "-c", "input = __import__('threading').Event().wait()")


@pytest.mark.parametrize(
    ("harbour", "tools", "says"),
    [
        ("Oslo", ["read_gauge", "read_gauge"], "The water level in Oslo is 42 cm."),
        ("Bergen", ["read_gauge", "read_record"], "read_record answered in its place."),
        ("Atlantis", ["read_gauge", "read_record"], "there is no record of Atlantis"),
    ],
)
def test_a_tool_that_fails_is_tried_again_replaced_or_missed(
    shell: Shell, harbour: str, tools: list[str], says: str
) -> None:
    """Which of the three, follows from the words of the error."""
    printed = ask(shell, "two_tools", command("two_tools").replace("Bergen", harbour))
    assert (printed.code, printed.err) == (0, "")
    assert [tool for tool, _ in calls(printed)] == tools
    assert says in answer(printed)["answer"]
    assert ("nothing" in answer(printed)["answer"]) == (harbour == "Atlantis")


def test_a_server_is_asked(shell: Shell) -> None:
    """It is started, its tool is called, and it is stopped."""
    printed = ask(shell, "mcp_client")
    assert printed.code == 0, printed.err
    assert "A fathom is 1.8288 m long." in answer(printed)["answer"]


@contextmanager
def served() -> Iterator[str]:
    """Start the example's server over HTTP, at a port that is free; give its address."""
    program = [sys.executable, str(EXAMPLES / "mcp_server.py"), "0"]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told = next((line for line in process.stderr if "running on" in line), "")
            found = re.search(r"http://127\.0\.0\.1:\d+", told)
            assert found is not None
            yield f"{found[0]}/mcp"
        finally:
            process.kill()


def test_a_server_is_asked_over_http(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that runs already, beside one that is started; where it is gone, the run does not begin."""
    assert ask(shell, "mcp_client").code == 0
    with served() as address:
        monkeypatch.setenv("MEASURES", address)
        printed = ask(shell, "mcp_http")
    assert printed.code == 0, printed.err
    assert calls(printed)[0][0] == "get_length"
    assert "A furlong is 201.168 m long." in answer(printed)["answer"]
    gone = ask(shell, "mcp_http")
    assert (gone.code, gone.out) == (2, "")
    assert "the MCP server 'far-measures'" in gone.err


def test_the_page_names_every_example_and_every_example_says_how_it_is_run() -> None:
    """A new one is told of."""
    page = (EXAMPLES.parent / "your-agent.md").read_text("utf-8")
    names = {file.name for file in EXAMPLES.glob("*.py")}
    assert set(re.findall(r"`(\w+\.py)`", page.partition("## Examples")[2].partition("\n## ")[0])) == names
    for name in names - {"mcp_server.py"}:
        assert f'workbench run -a docs/examples/{name} "' in source(name.removesuffix(".py"))


def importing(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module of an example."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module(name)


def test_a_skill_is_read_before_the_answer(shell: Shell, tmp_path: Path) -> None:
    """By the real engine: the skill first, then the tool that it names, then the answer."""
    (tmp_path / "tides").mkdir()
    matter = "---\nname: tides\ndescription: How to report tides.\n---\n"
    (tmp_path / "tides" / "SKILL.md").write_text(f"{matter}For the tides ask read_table.", "utf-8")
    (tmp_path / "tides_agent.py").write_text(
        "from workbench import Agent, tool\n\n@tool(read_only=True)\ndef read_table() -> str:\n"
        '    """Return a table."""\n    return "High water is at nine."\n\n'
        'agent = Agent(model="offline", tools=[read_table], skills=["tides"], plan="off")\n',
        "utf-8",
    )
    printed = shell("run", "-a", "tides_agent.py", "When are the tides?", "--json")
    assert (printed.code, printed.err) == (0, "")
    assert calls(printed) == [("read_skill", {"name": "tides"}), ("read_table", {})]
    assert "High water is at nine." in answer(printed)["answer"]


def test_an_agent_with_skills_offers_them(tmp_path: Path) -> None:
    """Named in a file of code or in a TOML file, beside which the folder lies."""
    (tmp_path / "skills" / "letters").mkdir(parents=True)
    matter = "---\nname: letters\ndescription: How letters are written.\n---\n"
    (tmp_path / "skills" / "letters" / "SKILL.md").write_text(matter, "utf-8")
    (tmp_path / "mine.toml").write_text('model = "offline"\nskills = ["skills"]\n', "utf-8")
    loaded = load_agent(str(tmp_path / "mine.toml"))
    for definition in (loaded.definition, Agent(model="offline", skills=[tmp_path / "skills"])):
        assert "read_skill" in definition(NoDocuments(), NotesInMemory(), None).toolkit.names
    (tmp_path / "bad.toml").write_text('skills = ["nowhere"]\n', "utf-8")
    with pytest.raises(workbench.AgentError, match=r"bad\.toml: .*nowhere: there is no such folder"):
        load_agent(str(tmp_path / "bad.toml"))
    with pytest.raises(workbench.AgentError, match="skills is a list, not 'skills'; write skills="):
        Agent(skills="skills")
