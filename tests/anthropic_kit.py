"""A small server on loopback that speaks Anthropic's Messages API as it is told to, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from workbench.events.request import Request
from workbench.providers.base import Delta, Provider

Event = dict[str, Any]


def started(**usage: int) -> Event:
    """Return the first event of a message."""
    told = {"input_tokens": 10, "output_tokens": 1, **usage}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": told}
    return {"type": "message_start", "message": message}


def block(index: int, content: Event, *deltas: Event) -> list[Event]:
    """Return the events of one whole block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[Event]:
    """Return the events of a text."""
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def thinking(index: int, said: str, signature: str = "signed") -> list[Event]:
    """Return the events of a thought and its signature."""
    return block(
        index,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": said},
        {"type": "signature_delta", "signature": signature},
    )


def call(index: int, name: str, *pieces: str, id: str = "") -> list[Event]:  # noqa: A002 - as the API calls it
    """Return the events of a tool call whose arguments come in pieces."""
    content = {"type": "tool_use", "id": id or f"toolu_{index}", "name": name, "input": {}}
    return block(index, content, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def ended(stop_reason: str | None = "end_turn", **usage: int) -> list[Event]:
    """Return the last events of a message."""
    told = {"output_tokens": 7, **usage}
    return [
        {"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": None}, "usage": told},
        {"type": "message_stop"},
    ]


def wire(events: Iterable[Event]) -> bytes:
    """Return events as they go over the wire."""
    lines = (f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events)
    return "".join(lines).encode()


@dataclass(slots=True)
class Answer:
    """What the server answers to one request."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    is_cut: bool = False
    """Closes the connection before the body is whole."""
    hold: asyncio.Event | None = None
    """Waited for after the body, before it is said to be whole."""


def answer(*events: Event | list[Event], **fields: Any) -> Answer:
    """Return an answer of these events."""
    flat = [one for given in events for one in (given if isinstance(given, list) else [given])]
    return Answer(wire(flat), **fields)


def error(status: int, kind: str, message: str, **headers: str) -> Answer:
    """Return an error as the API says it."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(body, status=status, content_type="application/json", headers=named)


class Server:
    """Answers requests in the order in which its answers stand; the last one again and again."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        """Path, headers and body of each request."""
        self.connections = 0
        self.closed = asyncio.Event()
        """Set when the other side has closed a connection."""
        self.url = ""
        self.tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a new connection."""
        task = asyncio.create_task(self.handle(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the other side closes it."""
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
            self.closed.set()
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append((head[0].split(" ")[1], headers, json.loads(body or b"null")))
        given = self.answers[min(len(self.requests), len(self.answers)) - 1]
        told = {"content-type": given.content_type, "transfer-encoding": "chunked", **given.headers}
        lines = [f"HTTP/1.1 {given.status} Said", *(f"{name}: {value}" for name, value in told.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        if given.body:
            writer.write(f"{len(given.body):x}\r\n".encode() + given.body + b"\r\n")
        await writer.drain()
        if given.is_cut:
            return False
        if given.hold is not None:
            gone, held = asyncio.create_task(reader.read(1)), asyncio.create_task(given.hold.wait())
            done, waiting = await asyncio.wait({gone, held}, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            if gone in done:
                return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncIterator[Server]:
    """Serve these answers on loopback, and close the shared connections afterwards."""
    from workbench.providers.remote import close_clients

    server = Server(answers)
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        await close_clients()
        listening.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        await listening.wait_closed()


async def all_of(provider: Provider, request: Request) -> list[Delta]:
    """Return everything that a provider streams."""
    return [delta async for delta in provider.stream(request)]
