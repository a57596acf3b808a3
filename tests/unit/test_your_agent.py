"""The example with an agent of one's own does what its page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench.driver.commands import OpenRun, StartRun
from workbench.driver.driver import Driver
from workbench.driver.feed import RunsChanged
from workbench.driver.settings import DriverSettings
from workbench.events.call import CallFinished
from workbench.state.fold import fold
from workbench.tui.flows.beginnings import EXAMPLE

PAGE = Path(workbench.__file__).parents[1] / "docs" / "your-agent.md"


def test_the_page_and_the_dialog_show_the_same_program() -> None:
    """What the first screen lets a person copy is what the page explains."""
    match = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert match is not None
    assert match[1] == EXAMPLE


def test_the_other_examples_of_the_page_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that says more of itself, and a server of one's own, are made as the page says."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-one's-own")
    _, spec, roles, server = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(spec.replace("\nAgentSpec(", "\nspec = AgentSpec("), names)
    record = names["spec"].record()
    assert (record.limits.steps, record.limits.subagents, record.retries.attempts) == (20, 8, 8)
    exec(roles.replace("\nAgentSpec(", "\nfamily = AgentSpec("), names)
    assert [role.ensemble for role in names["family"].record().roles] == [1, 3]
    exec(server, names)
    provider = names["settings"].make_provider(record.model, 0.0)
    assert provider.endpoint.base_url == "http://127.0.0.1:8080"


def test_the_example_answers_with_its_own_tool(tmp_path: Path) -> None:
    """The agent of the example asks its tool about the weather, on the embedded model, without a key."""
    names: dict[str, Any] = {"__name__": "weather"}
    exec(compile(EXAMPLE, "weather.py", "exec", dont_inherit=True), names)
    settings = DriverSettings(tmp_path / "weather.db", tmp_path / "cache", make_agent=names["agent"])
    with Driver(settings) as driver:
        changes = driver.feed.subscribe()
        run = driver.ask_blocking(StartRun("What is the weather in Oslo?"))
        records = driver.ask_blocking(OpenRun(run)).records
        while fold(records).end is None:
            assert all(isinstance(change, RunsChanged) or change for change in changes.drain())
            records = driver.ask_blocking(OpenRun(run)).records
    said = [record.event.first_line for record in records if isinstance(record.event, CallFinished)]
    assert any(line.startswith("It rains in") for line in said)
