"""A server on loopback that speaks Anthropic's Messages API and goes wrong in sixteen ways, at twenty places each."""

from __future__ import annotations

import json
import re
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal

from tests.anthropic_kit import Event, call, ended, started, text, thinking, wire

PLACES = 20
PATIENCE = 30.0
"""Seconds after which a server stops waiting for a client to go."""
SAID = "Ich sehe nach: 中文, 🦉, und „ä“."
LOOKS: tuple[dict[str, str], ...] = ({"word": "中 eins", "note": "🦉"}, {"word": "zwei", "note": 'a "b" \\ c'})
WRITE = {"text": "genau einmal: ß"}
ANSWER = {"answer": "Fertig, 中文.", "citations": []}
MEGABYTES = 10_000_000
PIECE = 1 << 16
STILL = 0.5
"""Seconds of silence after which a client gives up, where a fault is silence."""


@dataclass(frozen=True)
class Reply:
    """What the server sends, and how it ends it."""

    body: bytes
    how: Literal["end", "drop", "hold", "drip"] = "end"
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)


def calls_of(turn: int, *, ids: Sequence[str | None] = ("t0", "t1", "t2")) -> list[list[Event]]:
    """Return the events of the calls of a turn, a block each."""
    asked = [("look", LOOKS[0]), ("look", LOOKS[1]), ("write", WRITE)] if turn == 0 else [("submit_answer", ANSWER)]
    blocks: list[list[Event]] = []
    for number, (tool, arguments) in enumerate(asked):
        told = json.dumps(arguments, ensure_ascii=False)
        pieces = [told[start : start + 7] for start in range(0, len(told), 7)]
        events = call(number + 2, tool, *pieces, id=ids[number] or "")
        if ids[number] is None:
            del events[0]["content_block"]["id"]
        blocks.append(events)
    return blocks


def head() -> list[Event]:
    """Return what comes before the calls."""
    pieces = [SAID[start : start + 3] for start in range(0, len(SAID), 3)]
    return [started(), *thinking(0, "Hm, 中.", "signed"), *text(1, *pieces)]


def whole(turn: int) -> list[Event]:
    """Return the events of a turn."""
    return [*head(), *(event for block in calls_of(turn) for event in block), *ended("tool_use")]


def spread(places: Sequence[int], place: int) -> int:
    """Return the place that lies `place` twentieths into `places`."""
    return places[(len(places) - 1) * place // (PLACES - 1)]


def cut(turn: int, place: int, pattern: bytes, within: int = 1) -> Reply:
    """Return a stream that is cut inside something that matches; at even places as if it were whole."""
    stream = wire(whole(turn))
    found = [match.start() + within for match in re.finditer(pattern, stream)]
    return Reply(stream[: spread(found, place)], "drop" if place % 2 else "end")


def mid_token(turn: int, place: int) -> Reply:
    """Cut inside a piece of text."""
    return cut(turn, place, rb'"text_delta", "text": "', within=24)


def mid_json(turn: int, place: int) -> Reply:
    """Cut inside the arguments of a call, or right after a piece of them."""
    return cut(turn, place, rb'(?<="partial_json": ").|(?<=\n\n)event: content_block_delta\ndata: [^\n]*input_json')


def mid_utf8(turn: int, place: int) -> Reply:
    """Cut inside a character of several bytes."""
    return cut(turn, place, rb"[\xc3-\xf4][\x80-\xbf]")


def duplicate_id(turn: int, place: int) -> Reply:
    """Give two calls one id."""
    ids = [("t0", "t0", "t2"), ("t0", "t1", "t0"), ("t", "t", "t"), ("t0", "t2", "t2")][place % 4]
    return Reply(wire([*head(), *(event for block in calls_of(turn, ids=ids) for event in block), *ended("tool_use")]))


def missing_id(turn: int, place: int) -> Reply:
    """Give a call no id, or an empty one."""
    nothing = None if place % 2 else ""
    ids: list[str | None] = [nothing if number == place % 3 or place > 15 else f"t{number}" for number in range(3)]
    return Reply(wire([*head(), *(event for block in calls_of(turn, ids=ids) for event in block), *ended("tool_use")]))


def unknown_tool(turn: int, place: int) -> Reply:
    """Ask for a tool that nobody has, somewhere among the others."""
    blocks = calls_of(turn)
    blocks.insert(place % (len(blocks) + 1), call(9, ["nope", "Look", "look ", "write;", "寻"][place % 5], "{}"))
    return Reply(wire([*head(), *(event for block in blocks for event in block), *ended("tool_use")]))


def too_many(turn: int, place: int) -> Reply:
    """Say 429, or 529, with and without a wish to wait; now and then with a body that is none of the API's."""
    return _refused((429, "rate_limit_error") if place % 3 else (529, "overloaded_error"), place)


def server_error(turn: int, place: int) -> Reply:
    """Say 500, 502 or 503."""
    return _refused(((500, "api_error"), (502, "api_error"), (503, "overloaded_error"))[place % 3], place)


def _refused(said: tuple[int, str], place: int) -> Reply:
    status, kind = said
    headers = {"retry-after": "0"} if place % 2 else {}
    told = json.dumps({"type": "error", "error": {"type": kind, "message": "later"}}).encode()
    bodies = [
        (told, "application/json"),
        (b"<html>busy</html>", "text/html"),
        (b"", "text/plain"),
        (told[:9], "text/x"),
    ]
    body, content_type = bodies[place % 4]
    return Reply(body, status=status, content_type=content_type, headers=headers)


def stall(turn: int, place: int) -> Reply:
    """Stand still after some of the stream."""
    stream = wire(whole(turn))
    return Reply(stream[: spread(range(len(stream) - 200), place)], "hold")


def slow_loris(turn: int, place: int) -> Reply:
    """Go on byte by byte, too slowly to say anything."""
    stream = wire(whole(turn))
    starts = [match.start() for match in re.finditer(rb"event: ", stream)]
    return Reply(stream[: spread(starts[:-3], place)], "drip")


def html(turn: int, place: int) -> Reply:
    """Answer with a page and status 200, also under the content type of a stream."""
    page = b"<!doctype html><html><body>Please log in.</body></html>" * (1 + place)
    return Reply(page, content_type="text/html; charset=utf-8" if place % 2 else "text/event-stream")


def empty(turn: int, place: int) -> Reply:
    """Say nothing, or nothing but comments, pings, a beginning or an end."""
    bodies = [b"", b"\n" * place, b": hello\n\n" * place, wire([{"type": "ping"}] * place), wire([started()])]
    bodies += [wire([{"type": "message_stop"}]), wire(ended("tool_use")), b"data:\n\n", b"event: message_stop\n\n"]
    return Reply(bodies[place % len(bodies)], "drop" if place > 12 else "end")


def huge_arguments(turn: int, place: int) -> Reply:
    """Write ten megabytes of arguments, cut off somewhere; the last two are whole."""
    told = json.dumps({"word": "groß", "note": "x" * MEGABYTES})
    part = told if place >= PLACES - 2 else told[: len(told) * (place + 1) // PLACES]
    pieces = [part[start : start + PIECE] for start in range(0, len(part), PIECE)]
    block = call(5, "look", *pieces)
    if place < PLACES - 2:
        return Reply(wire([*head(), *block[:-1]]), "drop" if place % 2 else "end")
    return Reply(wire([*head(), *block, *(event for one in calls_of(turn) for event in one), *ended("tool_use")]))


def out_of_order(turn: int, place: int) -> Reply:
    """Send the events of the calls in another order: by turns, backwards, pieces before beginnings."""
    blocks = calls_of(turn)
    flat = [event for block in blocks for event in block]
    if place < 5:  # whole blocks, the last one first: as good as any order
        flat = [event for block in reversed(blocks) for event in block]
    elif place < 10:  # by turns, each in its own order: good as well
        width = max(map(len, blocks))
        flat = [block[row] for row in range(width) for block in blocks if row < len(block)]
    else:
        one = spread(range(1, len(flat)), place)
        while flat[one]["type"] != "content_block_start":
            one = (one + 1) % len(flat)
        flat.insert(one, flat.pop((one + 1) % len(flat)))
    return Reply(wire([*head(), *flat, *ended("tool_use")]))


def without_stop(turn: int, place: int) -> Reply:
    """End without a stop reason, or without the end itself, after a number of blocks."""
    blocks = calls_of(turn)[: 1 + place % 4]
    last: list[Event] = [[], ended(None), ended("tool_use")[:1], ended(None)[:1]][place // 5]
    return Reply(wire([*head(), *(event for block in blocks for event in block), *last]), "end")


def told_twice(turn: int, place: int) -> Reply:
    """Begin again in the middle of the stream, as a proxy does that connected anew."""
    events = whole(turn)
    return Reply(wire([*events[: spread(range(3, len(events)), place)], *events]))


FAULTS: dict[str, Callable[[int, int], Reply]] = {
    fault.__name__: fault
    for fault in (
        mid_token, mid_json, mid_utf8, duplicate_id, missing_id, unknown_tool, too_many, server_error, stall,
        slow_loris, html, empty, huge_arguments, out_of_order, without_stop, told_twice,
    )
}  # fmt: skip
ODD_TURNS = frozenset({"duplicate_id", "missing_id", "unknown_tool"})
"""What is a turn all the same, and is not asked for again."""
SILENT = frozenset({"stall", "slow_loris"})


class FaultyServer:
    """Answers runs whose task is a number: that of the place at which theirs goes wrong, `times` times."""

    def __init__(self, kind: str, times: Callable[[int], int]) -> None:
        self._kind, self._times = kind, times
        self._gone_wrong: dict[int, int] = {}
        self._lock = threading.Lock()
        self.bodies: list[Any] = []
        self.url = ""

    def reply(self, body: Any) -> Reply:
        """Return the answer to a request."""
        task = re.search(r"place (\d+)", json.dumps(body["messages"][0]))
        assert task is not None
        place, turn = int(task[1]), sum(message["role"] == "assistant" for message in body["messages"])
        faulty_turn = 1 if place % 5 == 4 and self._kind not in (ODD_TURNS | {"huge_arguments", "out_of_order"}) else 0
        with self._lock:
            self.bodies.append(body)
            goes_wrong = turn == faulty_turn and self._gone_wrong.get(place, 0) < self._times(place)
            if goes_wrong:
                self._gone_wrong[place] = self._gone_wrong.get(place, 0) + 1
        return FAULTS[self._kind](turn, place) if goes_wrong else Reply(wire(whole(turn)))


@contextmanager
def serving(kind: str, times: Callable[[int], int]) -> Iterator[FaultyServer]:
    """Serve on a free port of loopback, in threads."""
    faulty = FaultyServer(kind, times)

    class OfServer(_Handler):
        faulty_server = faulty

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing: clients go when they like."""

    server = Server(("127.0.0.1", 0), OfServer)
    faulty.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield faulty
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


PAUSE = 0.004
"""Seconds between chunks, so that what may start early does."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = PATIENCE
    faulty_server: ClassVar[FaultyServer]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer."""
        reply = self.faulty_server.reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        with suppress(OSError):
            self._answer(reply)
            return
        self.close_connection = True

    def _answer(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {
            "content-type": reply.content_type,
            "transfer-encoding": "chunked",
            **reply.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        size = 1013 if len(reply.body) < PIECE else PIECE  # chunks end inside of events and characters
        for start in range(0, len(reply.body), size):
            self._chunk(reply.body[start : start + size])
            if size < PIECE and self._is_left(PAUSE):
                return
        if reply.how == "end":
            self.wfile.write(b"0\r\n\r\n")
            return
        self.close_connection = True
        if reply.how == "drip":
            while not self._is_left(STILL / 10):
                self._chunk(b"e")
        elif reply.how == "hold":
            self._is_left(PATIENCE)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _is_left(self, seconds: float) -> bool:
        """Whether the client went within so many seconds."""
        return bool(select.select([self.connection], [], [], seconds)[0])
