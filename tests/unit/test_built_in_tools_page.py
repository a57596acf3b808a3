"""The page of built-in tools names all of them, with the limits that hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import workbench
from workbench.events.agent import HostedTool
from workbench.tools import files, processes, rooted, shell, web
from workbench.tools.base import Tool
from workbench.tools.control import SWITCH_TOOLS, spawn_subagent, submit_answer
from workbench.tools.documents import document_tools
from workbench.tools.library import NoDocuments, NotesInMemory
from workbench.tools.mcp.specs import RESERVED
from workbench.tools.notes import LARGEST, memory_tools, note_tools
from workbench.tools.python import python_tool
from workbench.tools.skills import Skill, skill_tools
from workbench.tools.toolkit import Toolkit

PAGE = (Path(workbench.__file__).parents[1] / "docs" / "built-in-tools.md").read_text("utf-8")
ROWS = {
    name: [cell.strip() for cell in row.split("|")[2:5]]
    for row in PAGE.split("|---|\n")[1].split("\n\n")[0].splitlines()
    for name in re.findall(r"`(\w+)`", row.split("|")[1])
}


def test_the_page_names_every_tool_with_its_class_and_leave(tmp_path: Path) -> None:
    """The example gives the tools that the table has, and they are as it says."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    made: dict[str, Any] = {}
    exec(code[1].replace('"."', repr(str(tmp_path))), made)
    tools = made["agent"](NoDocuments(), NotesInMemory(), None).toolkit.tools
    assert {item.name for item in tools} == {*ROWS, "submit_answer"}
    for item in tools:
        if item.name not in ROWS:
            continue
        effect, leave, _ = ROWS[item.name]
        assert item.spec.effect.replace("_", "-") in effect
        assert leave.startswith({"ask": "asks", "allow": "allowed"}[item.spec.permission])
        assert ("every call" in leave) == item.spec.every_time


def made_tools(folder: Path) -> tuple[Tool, ...]:
    """Return every built-in tool that an agent can have."""
    return (
        *document_tools(NoDocuments(), found=True),
        *note_tools(NotesInMemory()),
        *memory_tools(NotesInMemory()),
        *files.file_tools(folder, write=True),
        *web.web_tools(),
        *shell.shell_tool(folder),
        *python_tool(folder),
    )


def test_a_tool_under_another_name_is_treated_as_before(tmp_path: Path) -> None:
    """Whoever renames a tool, or puts it into a group, takes nothing away from how it is asked for."""
    kit = Toolkit()
    kit.add_group("more")
    for item in made_tools(tmp_path):
        renamed = kit.add(item, name=f"my_{item.name}", group="more")
        assert renamed.spec.model_copy(update={"name": item.name, "group": ""}) == item.spec
        assert renamed.preview is item.preview


def test_no_server_takes_the_name_of_a_tool_that_ships(tmp_path: Path) -> None:
    """A rule for one of these, or a person's habit, is not for a stranger's tool: MCP tools get other names."""
    own = (submit_answer, spawn_subagent, *skill_tools([Skill("a", "b", tmp_path)]), *made_tools(tmp_path))
    assert {SWITCH_TOOLS, *get_args(HostedTool), *(item.name for item in own)} == RESERVED


def test_the_limits_are_those_of_the_page() -> None:
    """Numbers in the table are those in the code."""
    megabyte = 1_000_000
    assert f"{files.SECONDS:g} s; {rooted.LARGEST // megabyte} MB of a file; {files.LISTED:,} names" in PAGE
    assert f"{files.SEARCHED // megabyte} MB for one search" in PAGE
    assert f"{web.SECONDS:g} s; {web.LARGEST // megabyte} MB; {web.REDIRECTS} redirects" in PAGE
    assert f"{shell.SECONDS:g} s; {processes.SHOWN // megabyte} MB of output" in PAGE
    assert f"after {processes.FLOOD // megabyte} MB" in PAGE
    assert f"{processes.GRACE:g} seconds later" in PAGE
    assert f"{LARGEST // 1024} KB a note" in PAGE


def test_the_page_is_found() -> None:
    """From the page of agents, and from the first page."""
    root = Path(workbench.__file__).parents[1]
    assert "docs/built-in-tools.md" in (root / "README.md").read_text("utf-8")
    assert "(built-in-tools.md)" in (root / "docs" / "your-agent.md").read_text("utf-8")
