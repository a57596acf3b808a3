"""How providers reach the world: addresses, and one pool of connections that all runs of a process share.

Nothing here knows an API. The SDKs are given the client of this room, so that connections are shared, kept alive and
freed in one place; what the SDKs would retry by themselves the engine does, so that every attempt is an event.
"""

from __future__ import annotations

import asyncio
import os
import socket
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar
from urllib.request import getproxies

from workbench.providers.failures import failure
from workbench.providers.keys import hide, hide_address

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
Transport = Literal["httpx2", "aiohttp"]
"""What speaks HTTP: `httpx2` comes with the SDKs; `aiohttp` is quicker, where it is installed."""

CONNECT, FIRST_BYTE, BYTE, SILENCE = 30.0, 30.0, 60.0, 600.0
"""Seconds that are usual: to connect, to the first byte, between bytes, and between words."""
KEEP_ALIVE: Final = 300.0
"""Seconds that an idle connection is kept."""
PROBE_AFTER, PROBE_EVERY, PROBES = 60, 30, 4
"""TCP keepalive: seconds of silence before the first probe, between probes, and how many may go unanswered."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how a provider is reached: from the model's name, the settings and the command line.

    What is secret in it is hidden from its first moment on.
    """

    base_url: str | None = field(default=None, repr=False)
    """None for the SDK's own, which reads the environment. User, password and query are treated as keys."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request; their values are treated as keys."""
    region: str | None = None
    """Where Bedrock runs."""
    connect_timeout: float | None = None
    first_byte_timeout: float | None = None
    byte_timeout: float | None = None
    """Seconds between two bytes; None, here and in the others, for what is usual with the provider."""
    silence_timeout: float | None = None
    """Seconds between two words of a model that gives signs of life and says nothing."""
    connections: int | None = None
    """At most at once; None for `most_connections()`."""
    transport: Transport = "httpx2"
    is_foreign: bool = False
    """The address came with the model's name, perhaps out of a stranger's session: it gets no key of the maker's."""

    def __post_init__(self) -> None:
        """Hide what is secret."""
        hide(*self.headers.values())
        hide_address(self.base_url or "")


def most_connections() -> int:
    """Return how many connections are open at once where nobody says otherwise."""
    return min(50, 5 * (os.cpu_count() or 1))


def timeouts(endpoint: Endpoint) -> httpx2.Timeout:
    """Return the timeouts of a request; waiting for a free connection has none, see `place_for`."""
    import httpx2

    silence = max(endpoint.first_byte_timeout or FIRST_BYTE, endpoint.byte_timeout or BYTE)
    return httpx2.Timeout(connect=endpoint.connect_timeout or CONNECT, read=silence, write=silence, pool=None)


def patience(provider: object) -> tuple[float, float, float] | None:
    """Return the seconds to wait for a provider's first byte, between bytes, and between words.

    None where it is not remote.
    """
    endpoint = getattr(provider, "endpoint", None)
    if not isinstance(endpoint, Endpoint):
        return None
    first, between = endpoint.first_byte_timeout or FIRST_BYTE, endpoint.byte_timeout or BYTE
    return first, between, endpoint.silence_timeout or SILENCE


def place_for(provider: object) -> AbstractAsyncContextManager[object]:
    """Return what a turn holds while it streams: one of the connections, so that waiting for one is no silence.

    Providers that are not remote need none.
    """
    endpoint = getattr(provider, "endpoint", None)
    if not isinstance(endpoint, Endpoint):
        return nullcontext()
    places = _places.setdefault(asyncio.get_running_loop(), {})
    connections = endpoint.connections or most_connections()
    return places.setdefault((endpoint.transport, connections), asyncio.Semaphore(connections))


class Shared(Generic[T]):
    """An SDK's client over the shared connections: made when first asked for, and anew on another event loop."""

    def __init__(self, endpoint: Endpoint, make: Callable[[httpx2.AsyncClient], T]) -> None:
        self._endpoint, self._make = endpoint, make
        self._made: tuple[httpx2.AsyncClient, T] | None = None

    def get(self) -> T:
        """Return the one over the connections of the running event loop."""
        connections = http_client(self._endpoint)
        if self._made is None or self._made[0] is not connections:
            self._made = (connections, self._make(connections))
        return self._made[1]


def http_client(endpoint: Endpoint | None = None) -> httpx2.AsyncClient:
    """Return the client that all providers on the running event loop share.

    There is one for each transport and number of connections; `close_clients` closes them. It heeds the proxies of the
    environment, and follows redirects to nobody else, see `_refuse_elsewhere`.
    """
    asked = endpoint or Endpoint()
    pool = (asked.transport, asked.connections or most_connections())
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    client = clients.get(pool)
    if client is None or client.is_closed:
        client = clients[pool] = _made(*pool)
    return client


async def close_clients() -> None:
    """Close all connections of the running event loop."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.aclose()


_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Transport, int], httpx2.AsyncClient]] = (
    weakref.WeakKeyDictionary()
)


_places: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Transport, int], asyncio.Semaphore]] = (
    weakref.WeakKeyDictionary()
)


def _made(transport: Transport, connections: int) -> httpx2.AsyncClient:
    import httpx2

    limits = httpx2.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_ALIVE
    )
    if transport == "aiohttp":
        from anthropic import DefaultAioHttpClient

        return DefaultAioHttpClient(limits=limits, event_hooks={"response": [_refuse_elsewhere]})
    # Given a transport, httpx2 heeds no proxies of the environment; through one, keepalive is the proxy's concern.
    watched = None if getproxies() else httpx2.AsyncHTTPTransport(limits=limits, socket_options=_socket_options())
    return httpx2.AsyncClient(
        transport=watched, limits=limits, follow_redirects=True, event_hooks={"response": [_refuse_elsewhere]}
    )


async def _refuse_elsewhere(response: httpx2.Response) -> None:
    """Raise `PermanentModelError` for a redirect to another scheme, host or port, before it is followed.

    Keys stand in headers that the client would carry along, and in the body is all that was said.
    """
    if not response.has_redirect_location:
        return
    asked, meant = response.url, response.url.join(response.headers["location"])
    if (meant.scheme, meant.host, meant.port) != (asked.scheme, asked.host, asked.port):
        bare = meant.copy_with(userinfo=b"", query=None, fragment=None)
        raise failure("redirected", f"to {bare}, which gets no request", where=f" ({response.status_code})")


@asynccontextmanager
async def closing_clients() -> AsyncIterator[None]:
    """Close the connections of the running event loop when the block is left."""
    try:
        yield
    finally:
        await close_clients()


def _socket_options() -> list[tuple[int, int, int]]:
    """Return the options that let the system notice a peer that is gone, as far as the platform has them."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    for name, value in (("TCP_KEEPIDLE", PROBE_AFTER), ("TCP_KEEPINTVL", PROBE_EVERY), ("TCP_KEEPCNT", PROBES)):
        number = getattr(socket, name, None)
        if number is not None:
            options.append((socket.IPPROTO_TCP, number, value))
    return options
