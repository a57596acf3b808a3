"""The ways to a server: a program of its own process group, spoken to over its pipes, and streamable HTTP.

Messages have a largest size on both. A program sees its input closed when we end, however we end; then it is asked to
go, and then it has to, with all that it started.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.tools.mcp.log import ServerLog
from workbench.tools.mcp.server import McpServer

if TYPE_CHECKING:
    import httpx2
    from mcp.client._transport import TransportStreams

INHERITED = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")
"""What a program gets of the environment, beside what the person gives it."""
LARGEST_MESSAGE = 8_000_000
"""Bytes of one message: more than a result may have, so that one that is too large is cut and not lost."""
GRACE = 1.0
"""Seconds for a program to go by itself once its input is closed, and again once it is asked to."""
READ_SECONDS = 300.0
_START = b'{"jsonrpc"'


def environment(server: McpServer) -> dict[str, str]:
    """Return the variables that a server's program gets."""
    return {**{name: os.environ[name] for name in INHERITED if name in os.environ}, **server.env}


def _folder(server: McpServer) -> Path:
    """Return where a server's program runs: not where we do, for it may take what lies there for its own."""
    return Path(server.cwd).expanduser() if server.cwd is not None else Path.home()


@asynccontextmanager
async def over_stdio(
    server: McpServer, log: ServerLog, on_end: Callable[[str], None]
) -> AsyncIterator[TransportStreams]:
    """Run a server's program while the block lasts; `on_end` is told why it ended before."""
    import anyio

    process = await asyncio.create_subprocess_exec(
        server.command or "",
        *server.args,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(server),
        cwd=_folder(server),
        start_new_session=True,
        limit=LARGEST_MESSAGE,
    )
    received, incoming = anyio.create_memory_object_stream[Any](0)
    outgoing, to_send = anyio.create_memory_object_stream[Any](0)
    pumps = [
        asyncio.create_task(_keep(process.stderr, log)),
        asyncio.create_task(_receive(process.stdout, received, log, on_end)),
        asyncio.create_task(_send(process.stdin, to_send)),
    ]
    try:
        yield incoming, outgoing
    finally:
        try:
            outgoing.close()
            incoming.close()
            await _stop(process)
        finally:
            _signal(process, signal.SIGKILL)  # whatever else it started
            for pump in pumps:
                pump.cancel()
            process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - a grandchild may hold a pipe open
            for stream in (received, incoming, outgoing, to_send):
                stream.close()


async def _keep(errors: asyncio.StreamReader | None, log: ServerLog) -> None:
    while errors is not None and (data := await errors.read(65_536)):
        log.write(data)


async def _receive(
    output: asyncio.StreamReader | None, received: Any, log: ServerLog, on_end: Callable[[str], None]
) -> None:
    """Hand on the program's messages; what else it prints goes to the log."""
    import anyio

    why = "ended"
    with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
        while output is not None:
            try:
                line = await output.readuntil(b"\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            except asyncio.LimitOverrunError:
                why = f"sent a message of more than {LARGEST_MESSAGE // 1_000_000} MB and was ended"
                break
            message = _message(line)
            if message is not None:
                await received.send(message)
            elif line.strip():
                log.write(line)
    on_end(why)
    received.close()
    while output is not None and await output.read(65_536):  # so that what still writes can come to its end
        pass


def _message(line: bytes) -> Any:
    """Return a message, also one that stands behind what the program printed; None where there is none."""
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    for part in (line, line[max(line.find(_START), 0) :]):
        with suppress(ValueError):
            return SessionMessage(jsonrpc_message_adapter.validate_json(part, by_name=False))
    return None


async def _send(input_: asyncio.StreamWriter | None, to_send: Any) -> None:
    with suppress(OSError):
        async for item in to_send:
            if input_ is not None:
                input_.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await input_.drain()
    to_send.close()


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Close a program's input and wait for its end; it is asked to go, and then it has to."""
    if process.stdin is not None:
        process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            _signal(process, number)
        else:
            return
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), GRACE)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


@asynccontextmanager
async def over_http(server: McpServer) -> AsyncIterator[TransportStreams]:
    """Speak with a server at an address; redirects lead nowhere else."""
    from mcp.client.streamable_http import streamable_http_client

    async with (
        http_client(server) as client,
        streamable_http_client(server.url or "", http_client=client, max_sse_event_size=LARGEST_MESSAGE) as streams,
    ):
        yield streams


def http_client(server: McpServer, transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """Return what speaks with a server; answers have a largest size, and none is packed."""
    import httpx2

    return httpx2.AsyncClient(
        headers={**server.headers, "accept-encoding": "identity"},
        timeout=httpx2.Timeout(server.start_timeout, read=max(READ_SECONDS, server.timeout + GRACE)),
        event_hooks={"response": [_bound], "request": []},
        transport=transport,
    )


async def _bound(response: httpx2.Response) -> None:
    """Let a body that is one message be no larger than a message may be; streams have a bound for each of theirs."""
    import httpx2

    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):  # a few bytes of it may become any number
        raise httpx2.StreamError(f"the server sends its answer packed as {packed[:40]!r}, which was not asked for")

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._inner:
                size += len(chunk)
                if size > LARGEST_MESSAGE:
                    raise httpx2.StreamError(f"it has more than {LARGEST_MESSAGE // 1_000_000} MB")
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
        response.stream = Bounded(response.stream)
