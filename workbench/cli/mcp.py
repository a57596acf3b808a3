"""`workbench mcp`: the MCP servers of the settings, whether they are as they were accepted, and accepting what changed.

What servers say of themselves is shown as data, and nothing of it is believed. Looking accepts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from workbench.cli.paper import Paper, out
from workbench.cli.workplace import find_workplace, mcp_servers
from workbench.config.reaching import hint
from workbench.config.settings import Places
from workbench.errors import McpServerError
from workbench.tools.mcp.manager import McpConnections
from workbench.tools.mcp.pins import Difference, Pin, PinBook, PinnedServer, PinnedTool
from workbench.tools.mcp.server import McpServer
from workbench.tools.mcp.specs import ListedTool, clean
from workbench.views.segments import Segment
from workbench.views.text import inert


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a look at a server."""

    server: McpServer
    tools: Sequence[ListedTool] = ()
    error: str = ""
    is_known: bool = False
    changed: Difference = field(default_factory=Difference)

    @property
    def state(self) -> str:
        """How it stands, in a word."""
        if self.error:
            return "error"
        return "changed" if self.changed else "accepted" if self.is_known else "new"


def execute(args: argparse.Namespace) -> int:
    """List servers, or accept one; 1 where a server cannot be used as it is."""
    place, paper = find_workplace(args), out()
    if args.accept is not None:
        return _accept(PinBook(place.places.mcp_pins), args.accept, paper)
    servers = mcp_servers(place.settings)
    pinned = PinBook(place.places.mcp_pins).servers()
    if args.server is not None:
        names = {*pinned, *(server.name for server in servers)}
        if args.server not in names:
            raise McpServerError(f"there is no MCP server {args.server!r}{hint(args.server, names)}")
        servers = tuple(server for server in servers if server.name == args.server)
    found = asyncio.run(_look(servers, place.places))
    if args.json:
        paper.json([_plain(item) for item in found])
    else:
        _print(found, paper, place.places, is_whole=args.server is not None)
        if args.server is not None:
            _print_changes(PinBook(place.places.mcp_pins).servers().get(args.server), paper)
    return 1 if any(item.state in ("error", "changed") for item in found) else 0


async def _look(servers: Sequence[McpServer], places: Places) -> list[Found]:
    async with McpConnections(pins=places.mcp_pins, logs=places.mcp_logs) as connections:

        async def look(server: McpServer) -> Found:
            try:
                tools = await connections.look(server)
                is_known = server.name in connections.pins.servers()
                changed = connections.pins.compare(server, tools) if is_known else Difference()
            except McpServerError as error:
                return Found(server, error=str(error))
            return Found(server, tools, is_known=is_known, changed=changed)

        return await asyncio.gather(*map(look, servers))


def _plain(found: Found) -> dict[str, object]:
    return {
        "name": found.server.name,
        "target": found.server.target,
        "state": found.state,
        "permission": found.server.permission,
        "tools": [
            {"name": tool.name, "is_taken": found.server.takes(tool.name), "description": clean(tool.description)}
            for tool in found.tools
        ],
        "error": found.error or (found.changed.sentence(found.server.name) if found.changed else None),
    }


def _print(found: Sequence[Found], paper: Paper, places: Places, *, is_whole: bool) -> None:
    if not found and not is_whole:
        paper.say(f"No MCP servers are set up. Tables such as [mcp.docs] in {places.settings} set some up.", "muted")
    for item in found:
        server = item.server
        state = {
            "accepted": Segment("✓ accepted", "ok"),
            "new": Segment("new: accepted as it is when a run first uses it", "waiting"),
            "changed": Segment("! changed", "error"),
            "error": Segment("✗ not usable", "error"),
        }[item.state]
        paper.lines([(Segment(inert(server.name), "key"), Segment(f"  {inert(server.target)}  "), state)])
        if item.error or item.changed:
            paper.say(f"  {item.error or item.changed.sentence(server.name)}", "error")
        for tool in item.tools:
            _print_tool(server, tool, paper, is_whole=is_whole)


def _print_tool(server: McpServer, tool: ListedTool, paper: Paper, *, is_whole: bool) -> None:
    about: str = "left out" if not server.takes(tool.name) else server.permission
    if server.takes(tool.name) and tool.name in server.read_only:
        about += ", reads only"
    text = clean(tool.description)
    first = text.split("\n", 1)[0][:100] if not is_whole else text
    paper.lines([(Segment(f"  {inert(clean(tool.name, 64))}"), Segment(f"  ({about})", "muted"))])
    if first:
        paper.say("\n".join(f"    {line}" for line in first.split("\n")), "muted")


def _print_changes(known: PinnedServer | None, paper: Paper) -> None:
    """Show what was refused beside what was accepted, line by line."""
    if known is None or known.offered is None:
        return
    paper.say("")
    for line in difflib.unified_diff(
        _lines(known.accepted), _lines(known.offered), "accepted", "now", n=1, lineterm=""
    ):
        paper.say(line, "error" if line.startswith("-") else "ok" if line.startswith("+") else "muted")


def _lines(pin: Pin) -> list[str]:
    return [pin.target, *(line for name, tool in sorted(pin.tools.items()) for line in _tool_lines(name, tool))]


def _tool_lines(name: str, tool: PinnedTool) -> Iterable[str]:
    """Return a tool as the server says it: escapes stand for what would hide, so that it is seen here."""
    described = json.dumps(tool.description, ensure_ascii=False)
    return (f"{name}: {described}", *json.dumps(tool.input_schema, indent=1, sort_keys=True).splitlines())


def _accept(book: PinBook, name: str, paper: Paper) -> int:
    changed = book.accept(name)
    what = ", ".join(f"{clean(tool, 64)} {said}" for tool, said in changed.tools.items())
    paper.say(f"Accepted: the MCP server {name} as it is now{f' ({what})' if what else ''}.", "ok")
    return 0
