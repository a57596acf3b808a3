"""A server of the Messages API that costs as little time as it can: one answer, ready made. Prints its port."""

from __future__ import annotations

import asyncio
import sys

from tests.anthropic_kit import ended, started, text, wire

WORDS = 20
BODY = wire([started(), {"type": "ping"}, *text(0, *["word "] * WORDS), *ended()])
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)


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
            self._held = self._held[end + 4 + length :]
            asyncio.get_running_loop().call_later(self._seconds, self._transport.write, ANSWER)


async def main(seconds: float) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(seconds), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
