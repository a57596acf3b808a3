"""The example with an agent of one's own does what its page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench.__main__ import main
from workbench.agent.loading import load_agent
from workbench.tools.library import NoDocuments, NotesInMemory
from workbench.tui.flows.beginnings import EXAMPLE

PAGE = Path(workbench.__file__).parents[1] / "docs" / "your-agent.md"


def test_the_page_and_the_dialog_show_the_same_program() -> None:
    """What the first screen lets a person copy is what the page explains."""
    match = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert match is not None
    assert match[1] == EXAMPLE


def blocks() -> list[str]:
    """Return the Python blocks of the page."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_example_answers_with_its_own_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Saved and run as the page says: by the command, and by the program beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "weather", raising=False)
    Path("weather.py").write_text(EXAMPLE, "utf-8")
    assert main(["--db", "mine.db", "run", "-a", "weather.py", "What is the weather in Oslo?"]) == 0
    assert "It rains in Oslo." in capsys.readouterr().out
    exec(blocks()[1], {})
    printed = capsys.readouterr().out
    assert printed.startswith("completed ")
    assert "It rains in Oslo." in printed
    assert Path("runs.db").exists()


def test_the_other_examples_of_the_page_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that says more of itself, an agent without code, and a server of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    _, _, says_more, form, guard, server, many = blocks()
    names: dict[str, Any] = {}
    exec(says_more, names)
    record = names["agent"](NoDocuments(), NotesInMemory(), None).record()
    assert (record.limits.steps, record.limits.subagents, record.retries.attempts) == (20, 8, 8)
    exec(form, names)
    assert names["agent"](NoDocuments(), NotesInMemory(), None).record().output["required"] == ["city", "degrees"]
    exec(guard, names)
    assert names["agent"](NoDocuments(), NotesInMemory(), None).record().hooks == ("Guard",)
    exec(many, names)
    roles = names["agent"](NoDocuments(), NotesInMemory(), None).record().roles
    assert [(role.name, role.ensemble) for role in roles] == [("reader", 1), ("checker", 3)]
    exec(server, names)
    assert names["store"].path == Path("runs.db")
    toml = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
    Path("weather.toml").write_text(toml, "utf-8")
    Path("instructions.md").write_text("Speak of the weather.", "utf-8")
    Path("my_tools.py").write_text(EXAMPLE.rpartition("agent =")[0], "utf-8")
    loaded = load_agent("weather.toml").definition
    assert (loaded.instructions, loaded.limits.steps, loaded.roles[0].name) == ("Speak of the weather.", 12, "critic")
