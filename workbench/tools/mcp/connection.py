"""One connection to a server, in a task of its own.

The kit of MCP ties a connection to the task that opened it. So that task does nothing but hold it open; calls are tasks
beside it, and whoever gives one up ends that call and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import JsonValue, ValidationError

from workbench.errors import ToolError
from workbench.events.content import text_content
from workbench.tools.base import ToolResult
from workbench.tools.mcp.log import ServerLog
from workbench.tools.mcp.results import result_of
from workbench.tools.mcp.server import McpServer
from workbench.tools.mcp.specs import ListedTool, clean
from workbench.tools.mcp.transports import over_http, over_stdio

if TYPE_CHECKING:
    from mcp import Client

T = TypeVar("T")
MOST_PAGES, MOST_TOOLS, LARGEST_LIST = 100, 500, 4_000_000
"""What a server may list; the last in characters."""
CLOSE_SECONDS = 6.0
"""How long closing waits for a server, before the connection is dropped."""
GIVE_UP_SECONDS = 1.0
OnProgress = Callable[[str], None]


class ConnectionEndedError(Exception):
    """The server is not there any more, or was never; says why in words that follow its name."""


class Connection:
    """A server while it is connected. `open` first; once it `is_over`, it stays so."""

    def __init__(self, server: McpServer, log: ServerLog) -> None:
        self._server, self._log = server, log
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._why = ""
        self._requests: set[asyncio.Task[Any]] = set()
        self.tools: tuple[ListedTool, ...] = ()
        """What the server listed last."""
        self.is_stale = False
        """It said that its tools have changed, or cannot be heard any more."""
        self._is_heard = True

    @property
    def is_over(self) -> bool:
        """Whether the server ended, or the connection broke."""
        return self._over.is_set() or self._task is None or self._task.done()

    async def open(self) -> None:
        """Connect and list the tools; raises `ConnectionEndedError`."""
        logging.getLogger("mcp").addHandler(logging.NullHandler())  # else what it warns of is written over the screen
        self._log.forget()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(ready))
        try:
            await asyncio.shield(ready)
        except asyncio.CancelledError:
            ready.cancel()
            self._over.set()
            self._task.cancel()
            raise

    async def close(self) -> None:
        """End it, with the server's program and every call."""
        self._over.set()
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    async def call(self, tool: str, arguments: Mapping[str, JsonValue], on_progress: OnProgress) -> ToolResult:
        """Call a tool. Raises `ToolError`, and `ConnectionEndedError` where the server went away meanwhile."""
        return await self._beside(self._call(tool, arguments, on_progress))

    async def list_anew(self) -> None:
        """Ask for the tools again. Raises `ConnectionEndedError` where they cannot be had."""
        self.is_stale = False
        self.tools = await self._beside(self._list())
        self.is_stale = self.is_stale or not self._is_heard

    async def _hold(self, ready: asyncio.Future[None]) -> None:
        """Keep the connection open until it is over; `ready` learns how the start went."""
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(self._server.start_timeout):
                    await self._start(stack)
                if not ready.done():
                    ready.set_result(None)
                await self._over.wait()
                await self._give_up_requests()
        except TimeoutError:
            self._why = f"did not start within {self._server.start_timeout:g} s"
        except asyncio.CancelledError:
            self._why = self._why or "was closed"
            raise
        except Exception as error:  # noqa: BLE001 - the edge of a stranger's server: whatever it does ends it, alone
            self._why = self._why or _reason(error)
        finally:
            self._over.set()
            self._client = None
            if not ready.done():
                words = f"; it says: {said}" if (said := self._log.last_words) else ""
                ready.set_exception(ConnectionEndedError(f"{self._why or 'ended at its start'}{words}"))

    async def _give_up_requests(self) -> None:
        left = set(self._requests)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=GIVE_UP_SECONDS)

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        from mcp import Client

        client = await stack.enter_async_context(Client(self._transport(), cache=None, message_handler=self._hear))
        self._client = client
        self.tools = await self._list()
        can_tell = client.server_capabilities.tools is not None and client.server_capabilities.tools.list_changed
        if can_tell and client.session.discover_result is not None:
            listening = asyncio.create_task(self._listen(client))
            self._requests.add(listening)
            listening.add_done_callback(self._requests.discard)

    @contextlib.asynccontextmanager
    async def _transport(self) -> AsyncIterator[Any]:
        if self._server.command is None:
            async with over_http(self._server) as streams:
                yield streams
        else:
            async with over_stdio(self._server, self._log, self._end) as streams:
                yield streams

    def _end(self, why: str) -> None:
        self._why = self._why or why
        self._over.set()

    async def _hear(self, message: Any) -> None:
        """Notice that the tools changed, as servers of the older protocols say it."""
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self.is_stale = True

    async def _listen(self, client: Client) -> None:
        """Notice it as servers of the newer protocol say it; one that is not heard any more is asked at every call."""
        try:
            async with client.listen(tools_list_changed=True) as told:
                async for _ in told:
                    self.is_stale = True
        except Exception:  # noqa: BLE001 - the edge of a stranger's server
            self._is_heard = False
        finally:
            self.is_stale = True
        self._is_heard = False

    async def _beside(self, request: Coroutine[Any, Any, T]) -> T:
        """Make a request in a task of its own, so that giving it up ends nothing else."""
        if self.is_over or self._task is None:
            request.close()
            raise ConnectionEndedError(self._why or "ended")
        task = asyncio.create_task(request)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        try:
            await asyncio.wait({task, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not task.done():
                task.cancel()
        if task.done() and not task.cancelled() and not isinstance(task.exception(), ConnectionEndedError):
            return task.result()
        await asyncio.sleep(0)  # the connection's task learns of the end at the same moment
        raise ConnectionEndedError(self._why or "ended")

    async def _call(self, tool: str, arguments: Mapping[str, JsonValue], on_progress: OnProgress) -> ToolResult:
        import mcp_types
        from mcp.shared.exceptions import MCPError

        async def progress(done: float, total: float | None, message: str | None) -> None:
            on_progress(clean(message, 200) if message else f"{done:g}" + (f" of {total:g}" if total else ""))

        params = mcp_types.CallToolRequestParams(name=tool, arguments=dict(arguments))
        try:
            # Not `call_tool`: it checks results by the server's own patterns, which may take forever.
            given = await self._session.send_request(
                mcp_types.CallToolRequest(params=params), mcp_types.CallToolResult, progress_callback=progress
            )
        except MCPError as error:
            if error.code == mcp_types.CONNECTION_CLOSED:
                raise ConnectionEndedError(self._why or "ended") from None
            return ToolResult(text_content(clean(error.message) or "the server says that it failed"), is_error=True)
        except ValidationError:
            raise ToolError("the server gave what is no result of a tool") from None
        return result_of(given)

    async def _list(self) -> tuple[ListedTool, ...]:
        from mcp_types import PaginatedRequestParams

        found: list[ListedTool] = []
        cursor: str | None = None
        size = 0
        for _ in range(MOST_PAGES):
            page = await self._session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            found += (ListedTool.of(item.name, item.description, item.input_schema) for item in page.tools)
            size += sum(len(str(item.input_schema)) + len(item.description or "") for item in page.tools)
            if len(found) > MOST_TOOLS or size > LARGEST_LIST:
                raise ConnectionEndedError("lists more tools than can be used")
            if page.next_cursor is None or page.next_cursor == cursor:
                return _distinct(found)
            cursor = page.next_cursor
        raise ConnectionEndedError("lists its tools without an end")

    @property
    def _session(self) -> Any:
        if self._client is None:
            raise ConnectionEndedError(self._why or "ended")
        return self._client.session


def _distinct(tools: Sequence[ListedTool]) -> tuple[ListedTool, ...]:
    return tuple({tool.name: tool for tool in tools}.values())


def _reason(error: BaseException) -> str:
    """Return why a connection failed, out of the groups of errors that its tasks raise."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, ConnectionEndedError):
        return str(error)
    said = clean(str(error), 300)
    return f"cannot be used: {said or type(error).__name__}"
