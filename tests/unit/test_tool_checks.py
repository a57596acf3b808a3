"""What is wrong with tools: found when an agent loads, or told in a list."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import Shell
from workbench.agent.spec import researcher
from workbench.errors import AgentError
from workbench.events.agent import ToolGroup, ToolSpec
from workbench.tools.checks import check_toolkit, check_tools, tool_findings
from workbench.tools.library import NoDocuments, NotesInMemory


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


def spec(schema: dict[str, Any] | None = None, **fields: Any) -> ToolSpec:
    """Return a declaration."""
    input_schema = {"type": "object", "properties": {"x": {"type": "string", "description": "It."}}, **(schema or {})}
    return ToolSpec(**{"name": "work", "description": "Do it.", "input_schema": input_schema, **fields})


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (spec({"properties": {"x": {"type": "strng"}}}), "not valid JSON Schema (draft 2020-12): at properties.x.type"),
        (spec({"type": "array"}), 'its schema has to describe an object: "type": "object"'),
        (spec({"required": ["x", "y"]}), "its schema requires 'y', which is not among its properties"),
        (spec({"properties": {"x": {"properties": {}, "required": ["z"]}}}), "its schema requires 'z'"),
        (spec({"properties": {"x": {"$ref": "#/$defs/none"}}}), "refers to '#/$defs/none', which is not in it"),
        (spec({"properties": {"x": {"$ref": "https://x.example/s"}}}), "what lies elsewhere is never fetched"),
        (spec({"properties": {"x": {"pattern": "("}}}), "at properties.x.pattern: '(' is not a 'regex'"),
        (spec({"patternProperties": {"[": {}}}), "'[' is not a 'regex'"),
        (spec({"allOf": [{"$ref": "#"}]}), "its schema refers to itself without end"),
        (spec(name="two words"), "no provider takes that name"),
        (spec(name="x" * 65), "no provider takes that name"),
        (spec(subject="y"), "its subject is 'y', which is no parameter of it"),
        (spec(timeout=0.0), "its timeout cannot be 0"),
        (spec(timeout=float("nan")), "its timeout cannot be nan"),
        (spec(retries=-1), "its retries cannot be -1"),
        (spec(max_concurrency=0), "its max_concurrency cannot be 0"),
        (spec(max_output=0), "its max_output cannot be 0"),
        (spec(group="web"), "there is no group 'web'; add it with add_group; there are: shop"),
    ],
)  # fmt: skip
def test_a_tool_that_cannot_be_used_is_named(bad: ToolSpec, said: str) -> None:
    """With what is wrong, before anything is asked of a model."""
    with pytest.raises(AgentError) as caught:
        check_tools([spec(name="fine"), bad], [ToolGroup(name="shop")])
    assert str(caught.value).startswith(f"tool {bad.name!r}: ")
    assert said in str(caught.value)


def test_two_tools_of_one_name_are_refused() -> None:
    """Wherever they come from."""
    with pytest.raises(AgentError, match="two tools are named 'work'"):
        check_tools([spec(), spec()])


def test_ordinary_tools_are_fine() -> None:
    """Nested models, references, a property that is named like a keyword, and the shipped ones."""
    nested = {
        "properties": {"required": {"type": "string"}, "x": {"$ref": "#/$defs/X"}, "me": {"$ref": "#"}},
        "$defs": {"X": {"properties": {"y": {"enum": ["a"]}}, "required": ["y"]}},
        "required": ["required"],
        "additionalProperties": {"allOf": [{"required": ["elsewhere"]}]},
    }
    check_tools([spec(nested), spec(name="old", schema={"$schema": "http://json-schema.org/draft-07/schema#"})])
    check_toolkit(researcher(NoDocuments(), NotesInMemory()).toolkit)


def test_a_list_says_what_should_be_mended() -> None:
    """Weight, what is not described, and what a provider refuses."""
    plain, bare, odd = tool_findings(
        [
            spec(),
            spec({"properties": {"a": {}, "b": {"description": "x" * 900}}}, description=" "),
            spec({"properties": {"größe": {"description": "d"}}, "anyOf": [{}]}, name="zwei wörter"),
        ]
    )
    assert (plain.tokens, plain.said) == (33, ())
    assert bare.said == (
        f"takes {bare.tokens} tokens of every request; over 200 is much",
        "has no description",
        "has parameters without a description: a",
    )
    assert odd.said == (
        "every provider refuses its name: 1 to 64 letters, digits, _ and - are taken",
        "anthropic refuses the names of parameters: 'größe'",
        "anthropic and openai refuse anyOf at the top of a schema",
    )


def test_the_command_lists_the_embedded_tools(shell: Shell) -> None:
    """As a table, and as JSON with the schemas."""
    printed = shell("tools")
    assert printed.code == 0
    assert "search_docs" in printed.out
    assert "Search the documents. Gives passage names" in printed.out
    assert "tokens of every request" in printed.out
    listed = json.loads(shell("tools", "--json").out)
    assert [item["name"] for item in listed][:2] == ["search_docs", "fetch_doc"]
    assert listed[0]["input_schema"]["required"] == ["query"]
    assert listed[0]["findings"] == []


AGENT = """\
from workbench import Agent, tool

@tool(description="Danger \\x1b[31m red\\nsecond line")
def work(x: int) -> None: ...

agent = Agent(tools=[work])
"""


def test_the_command_lists_the_tools_of_an_agent(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its file; a strange description is shown inert, and a tool that cannot be used is a sentence, and 2."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = tmp_path / "mine.py"
    file.write_text(AGENT, "utf-8")
    printed = shell("tools", "-a", str(file))
    assert printed.code == 0
    assert "Danger \ufffd[31m red" in printed.out
    assert "second line" not in printed.out
    assert "⚠ has parameters without a description: x" in printed.out
    file.write_text(AGENT.replace("@tool(", "@tool(group='web', "), "utf-8")
    printed = shell("tools", "-a", str(file))
    assert (printed.code, printed.out) == (2, "")
    assert "mine.py, line 6: tool 'work': there is no group 'web'" in printed.err
