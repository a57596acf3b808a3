"""`workbench tools`: an agent's tools as a model sees them, what each takes of a request, and what is wrong."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import replace

from workbench.agent.spec import researcher
from workbench.cli.paper import out
from workbench.cli.workplace import Workplace, find_workplace, mcp_servers
from workbench.events.agent import ToolSpec
from workbench.tools.base import Tool
from workbench.tools.checks import check_toolkit, tool_findings
from workbench.tools.library import NoDocuments, NotesInMemory
from workbench.tools.mcp.manager import McpConnections
from workbench.tools.mcp.server import McpServer, merged
from workbench.views.tools import tool_documents, tool_lines


def execute(args: argparse.Namespace) -> int:
    """Print the list; raises `AgentError` where a tool cannot be used."""
    found = tool_findings(specs_of(args))
    paper = out()
    if args.json:
        paper.json(tool_documents(found))
    else:
        paper.lines(tool_lines(found))
    return 0


def specs_of(args: argparse.Namespace) -> Sequence[ToolSpec]:
    """Return the tools as a new run would have them, those of MCP servers too; they were checked."""
    place = find_workplace(args)
    spec = (place.agent or researcher)(NoDocuments(), NotesInMemory(), None)
    servers = merged(spec.mcp, mcp_servers(place.settings))
    toolkit = spec.toolkit.joined(asyncio.run(_served(place, servers, spec.toolkit.names)) if servers else ())
    check_toolkit(toolkit)
    return replace(spec, toolkit=toolkit).record().tools


async def _served(place: Workplace, servers: Sequence[McpServer], taken: Sequence[str]) -> Sequence[Tool]:
    """Return the tools of MCP servers; raises `UserError` for one that does not start, or is not as it was accepted."""
    clock = place.driver_settings().clock
    async with McpConnections(pins=place.places.mcp_pins, logs=place.places.mcp_logs, clock=clock) as connections:
        return await connections.tools(servers, taken)
