"""MCP servers for tests: the programs `mcp_server.py` and `mcp_plain.py`, and what a tool is told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.tools.base import Tool, ToolResult
from workbench.tools.mcp.server import McpServer

PROGRAM = str(Path(__file__).with_name("mcp_server.py"))

PLAIN = str(Path(__file__).with_name("mcp_plain.py"))


def small(name: str = "small", *modes: str, **said: Any) -> McpServer:
    """Return the small server over stdio."""
    return McpServer(name, command=sys.executable, args=(PROGRAM, "stdio", *modes), **said)


def plain(name: str = "plain", *modes: str, **said: Any) -> McpServer:
    """Return the server of the older protocol, which starts at once."""
    return McpServer(name, command=sys.executable, args=("-S", PLAIN, *modes), **said)


@contextmanager
def served() -> Iterator[str]:
    """Serve the small server over HTTP; the address."""
    with subprocess.Popen([sys.executable, PROGRAM, "http"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
        finally:
            process.kill()


class Told:
    """A tool's context that remembers what was said of its progress."""

    run, call, attempt, idempotency_key, lineage, pace = "run", "0.0", 0, "key", ("run",), 0.0

    def __init__(self) -> None:
        self.said: list[str] = []
        self.heard = asyncio.Event()

    def progress(self, text: str) -> None:
        """Remember it."""
        self.said.append(text)
        self.heard.set()


async def call(tool: Tool, context: Told | None = None, **arguments: Any) -> ToolResult:
    """Call a tool as the engine does."""
    result = await tool.call(tool.validate(arguments), context or Told())
    assert isinstance(result, ToolResult)
    return result


def by_name(tools: tuple[Tool, ...]) -> dict[str, Tool]:
    """Return tools by their names."""
    return {tool.name: tool for tool in tools}
