"""Which addresses of the network a model may reach: everybody's, and none of this machine's or its neighbours'.

A URL is read once, by the parser whose result is also what is connected to; names are looked up once, every address
of a name is checked, and the connection goes to a checked address, so that no second look-up can lead elsewhere.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from workbench.errors import AgentError, ToolError

if TYPE_CHECKING:
    import httpx2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name."""

LONGEST: Final = 8_000
"""Characters of a URL."""
MOST_ADDRESSES: Final = 4
"""Addresses of a name that are tried."""
_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_AFTER_HOST: Final = re.compile(r"[/?#]")
_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Addresses of IPv4 as they are reached over NAT64."""
_NEVER: Final = tuple(
    map(ipaddress.ip_network, (
        "168.63.129.16/32",  # a cloud's own services, under an address that looks public
        "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "3fff::/20",  # special
        "2001::/23", "2002::/16",  # tunnels to IPv4
    ))
)  # fmt: skip


class Place(NamedTuple):
    """Where a request goes."""

    url: httpx2.URL
    host: str
    port: int

    @property
    def is_literal(self) -> bool:
        """Whether the host is an address as such."""
        return _literal(self.host) is not None


def read_url(text: str) -> Place:
    """Return where a URL leads, as far as it says itself; raises `ToolError` for one that is not plain."""
    import httpx2

    if len(text) > LONGEST:
        raise ToolError(f"the URL has {len(text)} characters; at most {LONGEST} are taken")
    if "\\" in text or not text.isprintable() or " " in text:
        raise ToolError(f"the URL {text!r} holds characters that no URL has; write them as %XX")
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise ToolError(f"{text!r} is no URL: {error}") from None
    if url.scheme not in _PORTS:
        raise ToolError(f"{text!r} does not begin with https:// or http://, and nothing else is read")
    if url.userinfo or "@" in _AFTER_HOST.split(text.partition("//")[2])[0]:
        raise ToolError(f"the URL of {url.host!r} has a user or password in it; ask without")
    host = url.raw_host.decode("ascii").lower().rstrip(".")
    port = _PORTS[url.scheme] if url.port is None else url.port
    if not 0 < port < 1 << 16:
        raise ToolError(f"{text!r} has no port that can be")
    if _literal(host) is None:
        if not _NAME.fullmatch(host):
            raise ToolError(f"{host!r} is no name of a host")
        if _NUMBER.fullmatch(host.rsplit(".", 1)[-1]):
            raise ToolError(f"{host!r} is an address in a form that is not taken; write it as 192.0.2.1")
    return Place(url, host, port)


async def addresses_of(place: Place, resolve: Resolve, private: frozenset[tuple[str, int]]) -> tuple[str, ...]:
    """Return the addresses to connect to; raises `ToolError` where any of them is not everybody's.

    `private` are hosts and ports of this machine that are allowed all the same.
    """
    try:
        found = (place.host,) if place.is_literal else await resolve(place.host, place.port)
    except (OSError, UnicodeError):
        raise ToolError(f"no address is known of {place.host!r}; is it written rightly?") from None
    known = [(text, _literal(text)) for text in found]
    if not known:
        raise ToolError(f"no address is known of {place.host!r}; is it written rightly?")
    is_own = (place.host, place.port) in private
    for text, address in known:
        if address is None or not (address.is_loopback if is_own else is_public(address)):
            raise ToolError(f"{place.host!r} is at {text}, which is not on the public network, and is not asked")
    return tuple(text for text, _ in known)[:MOST_ADDRESSES]


def is_public(address: Address) -> bool:
    """Whether an address is one that everybody on the network reaches, and nobody's own."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _TRANSLATED:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.scope_id is not None or address not in _GLOBAL:
            return False
    special = address.is_private or address.is_reserved or address.is_multicast or address.is_loopback
    special = special or address.is_link_local or address.is_unspecified
    return address.is_global and not special and not any(address in network for network in _NEVER)


def _literal(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def read_private(entries: Iterable[str]) -> frozenset[tuple[str, int]]:
    """Return hosts and ports of this machine, written as `127.0.0.1:8080`; raises `AgentError` for anything else."""
    return frozenset(_own(entry) for entry in entries)


def _own(entry: str) -> tuple[str, int]:
    host, _, port = entry.rpartition(":")
    host = host.removeprefix("[").removesuffix("]").lower()
    address = _literal(host)
    if not (host == "localhost" or (address is not None and address.is_loopback)) or not port.isdecimal():
        raise AgentError(f"{entry!r} is no server of this machine; write host and port, such as 127.0.0.1:8080")
    return host, int(port)


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """Return what the system knows of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in found))
