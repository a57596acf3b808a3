"""Addresses on the web: the host is compared as a host, never as a piece of the text.

A pattern is `HOST`, `HOST*` or `HOST/PATH`, with a scheme and a port in front and behind where they matter. The host is
whole: `example.com*` is everything on `example.com` and nothing on `example.community`; `*.example.com` is everything
below it, `*` any host.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from workbench.policy.wildcards import fits, loosely

_PORTS: Final = {"http": 80, "https": 443}
_PATTERN: Final = re.compile(r"(?:(?P<scheme>\w+)://)?(?P<host>\*(?=$|[:/*])|(?:\*\.)?[^:/?#*@\s]*[^:/?#*@\s.]|\[[0-9a-fA-F:.]+\])"
                             r"(?::(?P<port>\d+|\*))?(?P<rest>\*|[/?#].*)?", re.DOTALL)  # fmt: skip
_HIDDEN: Final = re.compile(r"%(?:2e|2f|5c|00)", re.IGNORECASE)
"""Dots and slashes that only some readers see."""


class Address(NamedTuple):
    """An address that all readers understand alike."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query."""
    is_plain: bool
    """Its path holds no steps up, nor dots and slashes that only some readers see."""


def read_address(url: str) -> Address | None:
    """Return an address, or None for one that readers may understand in different ways."""
    if not url.isprintable() or any(sign in url for sign in " \\"):
        return None
    try:
        split = urlsplit(url if "://" in url.partition("?")[0] else f"https://{url}")
        port = split.port
    except ValueError:
        return None
    if split.scheme not in _PORTS or "@" in split.netloc or "%" in split.netloc:
        return None
    host = read_host(split.hostname or "")
    if host is None:
        return None
    query = f"?{split.query}" if split.query else ""
    is_plain = not _HIDDEN.search(split.path) and ".." not in unquote(split.path).split("/")
    return Address(split.scheme, host, port or _PORTS[split.scheme], f"{split.path or '/'}{query}", is_plain)


def read_host(written: str) -> str | None:
    """Return a host in the one way in which it is compared; None for one that may be understood in two."""
    host = written.lower().removesuffix(".")
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        pass
    try:
        encoded = host.encode("idna").decode()
        is_kept = host.isascii() or encoded.encode().decode("idna") == host
    except UnicodeError:
        return None
    labels = encoded.split(".")
    looks_like_a_number = labels[-1].isdigit() or labels[-1].startswith("0x")
    return encoded if is_kept and all(labels) and not looks_like_a_number else None


def allows(pattern: str, url: str) -> bool:
    """Whether the address is surely one that the pattern means: its host, its port, and its path if one is named."""
    address, wanted = read_address(url), _PATTERN.fullmatch(pattern)
    if address is None or wanted is None or not _is_place(wanted, address):
        return False
    if wanted["port"] is None and address.port != _PORTS[address.scheme]:
        return False
    rest = wanted["rest"] or "*"
    return rest in ("*", "/*") or (address.is_plain and fits(rest, address.path))


def restricts(pattern: str, url: str) -> bool:
    """Whether the address could be one: at any port where none is named, and if it may be understood in two ways."""
    address, wanted = read_address(url), _PATTERN.fullmatch(pattern)
    if address is None:
        return True
    if wanted is None or "*" in wanted["host"].removeprefix("*"):  # no host at all: then it is a piece of the text
        bare = f"{address.host}{address.path}"
        return any(fits(loosely(pattern), loosely(text)) for text in (bare, f"{address.scheme}://{bare}"))
    rest = wanted["rest"] or "*"
    path_fits = rest in ("*", "/*") or not address.is_plain or fits(loosely(rest), loosely(address.path))
    return path_fits and _is_place(wanted, address)


def _is_place(wanted: re.Match[str], address: Address) -> bool:
    """Whether scheme, host and port are those of a pattern, as far as it names them."""
    if wanted["scheme"] is not None and wanted["scheme"].lower() != address.scheme:
        return False
    if wanted["port"] not in (None, "*") and int(wanted["port"]) != address.port:
        return False
    return _is_host(wanted["host"], address.host)


def _is_host(pattern: str, host: str) -> bool:
    if pattern == "*":
        return True
    below = pattern.startswith("*.")
    wanted = read_host(pattern.removeprefix("*.").strip("[]"))
    return wanted is not None and (host.endswith(f".{wanted}") if below else host == wanted)
