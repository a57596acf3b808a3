"""`McpConnections`: the servers of a session, connected when first used and ended with it, and their tools."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.clock import Clock, SystemClock
from workbench.errors import McpServerError, ToolError
from workbench.events.agent import McpOrigin, ToolSpec
from workbench.tools.base import Tool, ToolContext, ToolResult
from workbench.tools.mcp.connection import Connection, ConnectionEndedError, OnProgress
from workbench.tools.mcp.log import ServerLog
from workbench.tools.mcp.pins import PinBook
from workbench.tools.mcp.server import McpServer, needed, require_package
from workbench.tools.mcp.specs import (
    RESERVED,
    Check,
    ListedTool,
    check_tool,
    make_check,
    names_of,
    refuse_input,
    spec_of,
)

RESTARTS, WITHIN = 3, 60.0
"""How often a server that ended is started again, within so many seconds."""
MAY_HAVE_RUN = " The call may have taken effect: look before you try again."
_CONTEXT = "workbench context"
"""The context's name among the arguments: no parameter of a tool can be called that."""


class _Anything(BaseModel):
    """Arguments as the model wrote them; the schema of the server says what they may be."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True)
class McpTool(Tool):
    """A tool of an MCP server, whose input is checked by the schema that the server gave."""

    check: Check = lambda _input: []

    def validate(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the input as it is; raises `ToolError` naming each wrong field, for the model to mend."""
        refuse_input(self.name, self.check(input_))
        return dict(input_)


class _Served:
    """One server in a session: its connection, started again where it ended, and what of its tools is refused."""

    def __init__(self, server: McpServer, pins: PinBook, log: ServerLog, clock: Clock) -> None:
        self.server, self._pins, self._log, self._clock = server, pins, log, clock
        self._connection: Connection | None = None
        self._starts: deque[float] = deque(maxlen=RESTARTS + 1)
        self._lock = asyncio.Lock()

    @property
    def is_there(self) -> bool:
        """Whether the server is connected."""
        return self._connection is not None and not self._connection.is_over

    @property
    def listed(self) -> tuple[ListedTool, ...]:
        """All tools, as the server listed them last."""
        return self._connection.tools if self._connection is not None else ()

    @property
    def tools(self) -> tuple[ListedTool, ...]:
        """Those that are for the agent."""
        return tuple(tool for tool in self.listed if self.server.takes(tool.name))

    async def look(self) -> None:
        """Connect, or ask for the tools anew. Raises `McpServerError` where the server cannot be used."""
        try:
            connection = await self._connected(is_stale=True)
        except ConnectionEndedError as error:
            where = f"; what it wrote is in {self._log.path}" if self._log.path and self._log.path.exists() else ""
            raise McpServerError(f"the MCP server {self.server.name!r} ({self.server.target}) {error}{where}") from None
        missing = [name for name in self.server.only or () if all(tool.name != name for tool in connection.tools)]
        if missing:
            raise McpServerError(f"the MCP server {self.server.name!r} has no tool {missing[0]!r}; mend its `only`")

    async def require_accepted(self) -> None:
        """Raise `McpServerError` where the server is not as the person accepted it."""
        changed = await asyncio.to_thread(self._pins.compare, self.server, self.listed)
        if changed:
            raise McpServerError(changed.sentence(self.server.name))
        for tool in self.tools:
            check_tool(self.server, tool)

    async def call(
        self, tool: str, arguments: Mapping[str, JsonValue], on_progress: OnProgress, *, has_effects: bool
    ) -> ToolResult:
        """Call a tool. Raises `ToolError` where it cannot be called, or where the server went away meanwhile."""
        name = self.server.name
        try:
            connection = await self._connected(is_stale=False)
        except ConnectionEndedError as error:
            raise ToolError(f"the MCP server {name!r} {error}. The call was not made.") from None
        await self._require_tool(tool, connection)
        try:
            return await connection.call(tool, arguments, on_progress)
        except ConnectionEndedError as error:
            again = "started" if self.server.command is not None else "asked"
            said = f"the MCP server {name!r} {error}; it is {again} again at the next call."
            raise ToolError(f"{said}{MAY_HAVE_RUN if has_effects else ''}") from None

    async def _require_tool(self, tool: str, connection: Connection) -> None:
        """Raise `ToolError` where a tool is not what the person accepted; what they accept meanwhile counts."""
        if all(listed.name != tool for listed in connection.tools):
            raise ToolError(f"the MCP server {self.server.name!r} has no tool {tool!r} any more")
        try:
            changed = await asyncio.to_thread(self._pins.compare, self.server, connection.tools)
        except McpServerError as error:
            raise ToolError(str(error)) from None
        if changed.target is not None or tool in changed.tools:
            raise ToolError(f"not run: {changed.sentence(self.server.name)}")

    async def close(self) -> None:
        """End the server, and start it no more."""
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self, *, is_stale: bool) -> Connection:
        async with self._lock:
            connection = self._connection
            if connection is not None and not connection.is_over:
                if is_stale or connection.is_stale:
                    await connection.list_anew()
                return connection
            now = self._clock.monotonic()
            if len(self._starts) > RESTARTS and now - self._starts[0] < WITHIN:
                wait = WITHIN - (now - self._starts[0])
                raise ConnectionEndedError(f"ended {RESTARTS + 1} times within a minute; try again in {wait:.0f} s")
            self._starts.append(now)
            if connection is not None:
                await connection.close()
            self._connection = Connection(self.server, self._log)
            await self._connection.open()
            return self._connection


class McpConnections(AbstractAsyncContextManager["McpConnections"]):
    """The MCP servers of one session; it belongs to the event loop on which it is used."""

    def __init__(self, *, pins: Path | None = None, logs: Path | None = None, clock: Clock | None = None) -> None:
        self.pins = PinBook(pins)
        self._logs, self._clock = logs, clock or SystemClock()
        self._served: list[_Served] = []

    async def tools(self, servers: Sequence[McpServer], taken: Iterable[str] = ()) -> tuple[Tool, ...]:
        """Return the tools of `servers` for a new run, beside tools whose names are `taken`.

        Raises `McpServerError` where a server does not start, or is not as the person accepted it.
        """
        found = await self._looked_at(servers)
        names, tools = set(taken), list[Tool]()
        for served in found:
            called = names_of(served.server, (tool.name for tool in served.tools), names)
            tools += (_tool(served, tool, spec_of(served.server, tool, called[tool.name])) for tool in served.tools)
        return tuple(tools)

    async def recorded(
        self, servers: Sequence[McpServer], specs: Iterable[ToolSpec], warn: Callable[[str], None], *, strict: bool
    ) -> tuple[Tool, ...]:
        """Return the tools of servers that a recorded run has, by the names that it knows them by.

        What differs from what the run recorded is told, and a tool that is gone fails in words. Raises
        `McpServerError` as `tools` does; not `strict`: what is not accepted is an error of the call.
        """
        wanted = {spec.name: spec for spec in specs if spec.mcp is not None and spec.name not in RESERVED}
        named = {origin_of(spec).server for spec in wanted.values()}
        found = await self._looked_at(needed(servers, wanted.values()), strict=strict)
        by_name = {served.server.name: served for served in found}
        for missing in sorted(named - set(by_name)):
            warn(f"the MCP server {missing!r} is not set up here, so calls of its tools fail")
        return tuple(_recorded_tool(spec, by_name.get(origin_of(spec).server), warn) for spec in wanted.values())

    def are_connected(self, servers: Sequence[McpServer]) -> bool:
        """Whether none of these has to start."""
        return all(any(item.server == server and item.is_there for item in self._served) for server in servers)

    async def look(self, server: McpServer) -> tuple[ListedTool, ...]:
        """Return all tools that a server has now, whether they are accepted or not; raises `McpServerError`."""
        require_package()
        served = self._of(server)
        await served.look()
        return served.listed

    async def close(self) -> None:
        """End every server."""
        served, self._served = self._served, []
        await asyncio.gather(*(item.close() for item in served))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def __aenter__(self) -> Self:
        return self

    async def _looked_at(self, servers: Sequence[McpServer], *, strict: bool = True) -> list[_Served]:
        if servers:
            require_package()
        found = [self._of(server) for server in servers]
        for outcome in await asyncio.gather(*(item.look() for item in found), return_exceptions=True):
            if isinstance(outcome, BaseException) and (strict or not isinstance(outcome, McpServerError)):
                raise outcome
        for item in found if strict else ():
            await item.require_accepted()
        return found

    def _of(self, server: McpServer) -> _Served:
        known = next((item for item in self._served if item.server == server), None)
        if known is None:
            known = _Served(server, self.pins, ServerLog(self._logs, server.name), self._clock)
            self._served.append(known)
        return known


def origin_of(spec: ToolSpec) -> McpOrigin:
    """Return where a tool of an MCP server comes from."""
    if spec.mcp is None:
        raise ValueError(f"{spec.name} is no tool of an MCP server")
    return spec.mcp


def _tool(served: _Served, listed: ListedTool, spec: ToolSpec) -> McpTool:
    async def run(**arguments: Any) -> ToolResult:
        context: ToolContext = arguments.pop(_CONTEXT)
        has_effects = spec.effect == "effectful"
        return await served.call(listed.name, arguments, context.progress, has_effects=has_effects)

    return McpTool(
        spec=spec,
        function=run,
        arguments=_Anything,
        is_async=True,
        wants_context=True,
        context_name=_CONTEXT,
        check=make_check(listed.input_schema),
    )


def _recorded_tool(spec: ToolSpec, served: _Served | None, warn: Callable[[str], None]) -> McpTool:
    """Return a recorded tool as it is now, by the name that its run knows it by."""
    if served is None:
        return _absent(spec)
    origin = origin_of(spec)
    if not served.is_there:  # it is started again when it is called
        return _tool(served, ListedTool.of(origin.tool, spec.description, spec.input_schema), spec)
    listed = next((tool for tool in served.tools if tool.name == origin.tool), None)
    if listed is None:
        warn(f"the MCP server {origin.server!r} has no tool {origin.tool!r} any more, so its calls fail")
        return _absent(spec)
    now = spec_of(served.server, listed, spec.name)
    if (now.description, now.input_schema) != (spec.description, spec.input_schema):
        warn(f"the tool {spec.name} of the MCP server {origin.server!r} is not what it was when the run began")
    return _tool(served, listed, now)


def _absent(spec: ToolSpec) -> McpTool:
    """Return what stands in for a tool that is not there any more."""

    async def run(**_arguments: Any) -> ToolResult:
        raise ToolError(
            f"not run: the tool {spec.name} of the MCP server {origin_of(spec).server!r} is not here any more"
        )

    return McpTool(
        spec=spec, function=run, arguments=_Anything, is_async=True, wants_context=True, context_name=_CONTEXT
    )
