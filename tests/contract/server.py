"""A server on loopback that says what a script says: one step a request, over real HTTP, in threads of its own."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from tests.contract.script import Adapter, Answer, Broken, Failing, Page, Step

PATIENCE = 20.0
"""Seconds after which a test has failed; never waited for where the program works."""
GARBAGE = b"data: {\x00\xff not json\n\n"


class Scripted:
    """What is served, and what was seen."""

    def __init__(self, adapter: Adapter, script: Sequence[Step] | Callable[[Any], Step]) -> None:
        self.adapter = adapter
        self.script = script if callable(script) else list(script)
        self.bodies: list[Any] = []
        """The bodies of the requests, in order."""
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.held = threading.Semaphore(0)
        """Released when a stream stands still."""
        self.left = threading.Semaphore(0)
        """Released when a client ends the connection of a stream that goes on, or stands still."""
        self.base_url = ""
        self.grain: int | None = None
        """Bytes that are sent at once, where everything is to arrive in pieces; frames as they are where None."""
        self._lock = threading.Lock()

    def next_step(self, body: bytes, headers: dict[str, str]) -> Step:
        """Take the next step of the script, of which the last is said again and again; or ask what fits the body."""
        with self._lock:
            self.bodies.append(json.loads(body))
            self.headers.append(headers)
            if callable(self.script):
                return self.script(self.bodies[-1])
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def serving(adapter: Adapter, *script: Step, answer: Callable[[Any], Step] | None = None) -> Iterator[Scripted]:
    """Serve a script on a free port of loopback, or what `answer` says to the body of a request."""
    served = Scripted(adapter, answer or script)

    class OfScript(_Handler):
        scripted = served

    server = _Server(("127.0.0.1", 0), OfScript)
    served.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with fewer, connecting at once takes a second


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = PATIENCE
    scripted: ClassVar[Scripted]

    def setup(self) -> None:
        self.scripted.connections += 1
        super().setup()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer with the next step of the script."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        step = self.scripted.next_step(body, {name.lower(): value for name, value in self.headers.items()})
        try:
            self._answer(step)
        except OSError:  # the client has gone
            self.scripted.left.release()
            self.close_connection = True

    def _answer(self, step: Step) -> None:
        adapter = self.scripted.adapter
        match step:
            case Answer():
                self._stream(adapter.frames(step).frames)
                self._end()
            case Broken(answer=answer):
                frames = adapter.frames(answer).frames
                following = frames[step.frames][: step.more] if step.more else b""
                self._stream([*frames[: step.frames], following])
                self._break(step.how)
            case Failing(in_stream=Answer() as answer):
                told = adapter.error_frame(step)
                assert told is not None
                self._stream([*adapter.frames(answer).frames[: step.frames], told])
                self._end()
            case Failing():
                headers, body = adapter.error(step)
                if step.retry_after is not None:
                    headers = {**headers, "retry-after": f"{step.retry_after:g}"}
                self._whole(step.status, headers, body)
            case Page():
                self._whole(200, {"content-type": "text/html; charset=utf-8"}, step.text.encode())

    def _whole(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        for piece in self._pieces(body):
            self.wfile.write(piece)

    def _stream(self, frames: Sequence[bytes]) -> None:
        self.send_response(200)
        self.send_header("content-type", self.scripted.adapter.content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for frame in frames:
            self._chunk(frame)

    def _chunk(self, frame: bytes) -> None:
        for piece in self._pieces(frame):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        size = self.scripted.grain or len(data)
        return (data[start : start + size] for start in range(0, len(data), size or 1))

    def _end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def _break(self, how: str) -> None:
        if how == "end":
            self._end()
        elif how == "garbage":
            self._chunk(GARBAGE)
            self._end()
        else:
            if how == "hold":
                self.scripted.held.release()
                select.select([self.connection], [], [], PATIENCE)
                if not self.connection.recv(1, socket.MSG_PEEK):
                    self.scripted.left.release()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
