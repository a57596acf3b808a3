"""A server of the Messages API that costs as little time as it can: its answers are ready made. Prints its port.

A request that offers the tool `work` and has no result of it yet is answered by a call of it, every other by a text;
as a stream where one is asked for.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Mapping

from tests.anthropic_kit import Event, call, ended, started, text, wire

WORDS = 20
ARGUMENTS = ('{"number"', ": 1}")
USAGE = {"input_tokens": 10, "output_tokens": 7}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "bench", "stop_sequence": None}


def response(body: bytes, media_type: str) -> bytes:
    """Return a whole response."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def streamed(events: list[Event], stop_reason: str) -> bytes:
    """Return a turn as a stream."""
    return response(wire([started(), {"type": "ping"}, *events, *ended(stop_reason)]), "text/event-stream")


def at_once(block: Event, stop_reason: str) -> bytes:
    """Return a turn in one piece."""
    message = {**MESSAGE, "content": [block], "stop_reason": stop_reason, "usage": USAGE}
    return response(json.dumps(message).encode(), "application/json")


SAID = "word " * WORDS
CALLED = {"type": "tool_use", "id": "toolu_0", "name": "work", "input": json.loads("".join(ARGUMENTS))}
ANSWERS: Mapping[tuple[bool, bool], bytes] = {
    (True, True): streamed(call(0, "work", *ARGUMENTS), "tool_use"),
    (True, False): streamed(text(0, *["word "] * WORDS), "end_turn"),
    (False, True): at_once(CALLED, "tool_use"),
    (False, False): at_once({"type": "text", "text": SAID}, "end_turn"),
}
"""By whether it is streamed and whether the tool is called."""


def answer(body: bytes) -> bytes:
    """Return the answer to a request, found without parsing it."""
    is_streamed = b'"stream":true' in body or b'"stream": true' in body
    return ANSWERS[is_streamed, b'"work"' in body and b'"tool_result"' not in body]


class Connection(asyncio.Protocol):
    """Answers each request after a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._held = seconds, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(self._held) < end + 4 + length:
                return
            body, self._held = self._held[end + 4 : end + 4 + length], self._held[end + 4 + length :]
            asyncio.get_running_loop().call_later(self._seconds, self._transport.write, answer(body))


async def main(seconds: float) -> None:
    """Serve until the process is ended."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(seconds), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
