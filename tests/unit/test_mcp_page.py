"""The page on MCP servers: every entry is there, and its examples work."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.mcp_kit import by_name, call
from workbench.cli.workplace import mcp_servers
from workbench.config.mcp import ENTRIES
from workbench.config.settings import load_settings
from workbench.events.content import plain_text
from workbench.tools.mcp.manager import McpConnections
from workbench.tools.mcp.server import McpServer

PAGE = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text("utf-8")
AGENT, SERVER = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_every_entry_of_a_server_has_its_row() -> None:
    """Whoever looks for one finds it, and finds none that does not exist."""
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(ENTRIES)


def test_the_settings_and_the_agent_of_the_page_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page shows can be copied."""
    for name in ("DOCS_TOKEN", "TICKETS_TOKEN"):
        monkeypatch.setenv(name, "secret")
    (tmp_path / "settings.toml").write_text("".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)))
    docs, tickets = mcp_servers(load_settings(tmp_path / "settings.toml"))
    assert (docs.target, tickets.target) == ("uvx docs-server --fast", "https://tickets.example.com/mcp")
    names: dict[str, Any] = {}
    exec(AGENT, names)
    assert names["agent"].mcp[0].read_only == ("search",)


async def test_the_server_of_the_page_serves(tmp_path: Path) -> None:
    """Its tool is listed and called."""
    (tmp_path / "weather.py").write_text(SERVER)
    server = McpServer("weather", command=sys.executable, args=[str(tmp_path / "weather.py")])
    async with McpConnections() as connections:
        tools = by_name(await connections.tools([server]))
        assert plain_text((await call(tools["get_weather"], city="Oslo")).content) == "It rains in Oslo."
