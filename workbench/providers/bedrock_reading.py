"""One stream of boto3's, read on a thread that can be broken off: boto3 itself only knows how to wait.

Breaking it off shuts the socket under the thread, which then ends; before the answer has begun as well as in it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from workbench.providers.failures import not_a_stream

EVENT_STREAM: Final = "application/vnd.amazon.eventstream"


def prepare(client: Any) -> None:
    """Make a client of boto3's such that its requests can be broken off."""
    client.meta.events.register("before-send.bedrock-runtime.ConverseStream", _refuse_stopped)
    _watch_connections(client)


class _StoppedError(Exception):
    """The turn was broken off before its request went out."""


class _Here(threading.local):
    reading: Reading | None = None


_HERE: Final = _Here()
"""What the running thread reads."""


class Reading:
    """Reads one stream on a thread of its own, for the event loop on which it was made."""

    def __init__(self, client: Callable[[], Any], arguments: dict[str, Any]) -> None:
        self._client, self._arguments = client, arguments
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Mapping[str, Any] | BaseException | None] = asyncio.Queue()
        self._lock = threading.Lock()
        self._stream: Any = None
        self._connection: Any = None
        self.is_stopped = False

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._run, name="workbench-bedrock", daemon=True).start()

    async def events(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield what is read, until the stream's end; raises what the thread met."""
        while True:
            item = await self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """Read no more, and free the connection. Does not wait for the thread."""
        with self._lock:
            self.is_stopped = True
            connection, stream = self._connection, self._stream
            self._connection = self._stream = None
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # under TLS too, whose own waits for the peer
        if stream is not None:
            with suppress(Exception):  # the other thread reads in it
                stream.close()

    def uses(self, connection: Any) -> None:
        """Note the connection on which the request goes out."""
        with self._lock:
            self._connection = connection

    def _run(self) -> None:
        _HERE.reading = self
        try:
            response = self._client().converse_stream(**self._arguments)
            stream = response["stream"]
            with self._lock:
                if not self.is_stopped:
                    self._stream = stream
            if self.is_stopped:
                stream.close()
                return
            headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            if (strange := not_a_stream(headers.get("content-type", ""), EVENT_STREAM)) is not None:
                stream.close()
                raise strange  # noqa: TRY301 - handed to the reader like all else
            self._tell({})
            for event in stream:
                self._tell(event)
            self._done(None)
        except BaseException as error:  # noqa: BLE001 - handed to the reader; after a stop nobody is there
            self._done(error)

    def _done(self, error: BaseException | None) -> None:
        with self._lock:
            stream, is_stopped = self._stream, self.is_stopped
            self._connection = self._stream = None
        if error is not None and stream is not None:
            with suppress(Exception):
                stream.close()
        if not is_stopped:
            self._tell(error)

    def _tell(self, item: Mapping[str, Any] | BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)


def _refuse_stopped(**_: Any) -> None:
    if _HERE.reading is not None and _HERE.reading.is_stopped:
        raise _StoppedError


def _watch_connections(client: Any) -> None:
    """Let each request say on which connection it goes out, so that one can be broken off before it is answered.

    botocore offers no way to do that; where it is built otherwise, such a turn is left to its timeout.
    """
    with suppress(AttributeError):
        pools: dict[str, Any] = client._endpoint.http_session._pool_classes_by_scheme  # noqa: SLF001 - see above
        for scheme, pool in list(pools.items()):
            watched = type("Watched", (pool.ConnectionCls,), {"request": _watched_request(pool.ConnectionCls)})
            pools[scheme] = type("WatchedPool", (pool,), {"ConnectionCls": watched})


def _watched_request(connection_class: Any) -> Any:
    def request(connection: Any, *args: Any, **kwargs: Any) -> Any:
        if _HERE.reading is not None:
            _HERE.reading.uses(connection)
        return connection_class.request(connection, *args, **kwargs)

    return request
