"""`http_get`: pages of the public network as a tool."""

from __future__ import annotations

import asyncio
import codecs
import re
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from workbench.errors import ToolError
from workbench.events.agent import Exposure
from workbench.events.content import Content, DocumentBlock, ImageBlock, text_content
from workbench.events.media import PDF, kind_of
from workbench.tools.addresses import Place, Resolve, addresses_of, read_private, read_url, system_addresses
from workbench.tools.base import Tool, ToolResult
from workbench.tools.blocks import UnreadableError
from workbench.tools.declaring import tool
from workbench.version import __version__

if TYPE_CHECKING:
    import ssl

    import httpx2

LARGEST: Final = 5_000_000
"""Bytes of a body that are read."""
SECONDS: Final = 30.0
"""For all of it, redirects included."""
REDIRECTS: Final = 5
SHOWN: Final = 40_000
"""Characters that one call gives."""
_LINKS: Final = 100
_ERROR_SHOWN: Final = 2_000
"""Characters of a page that says what went wrong."""
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_TEXTS: Final = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|x-yaml|javascript|x-ndjson|toml|sql)|image/svg\+xml"
)
_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_NO_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)
_MOVED: Final = frozenset({301, 302, 303, 307, 308})


def web_tools(*, allow_private: Iterable[str] = (), resolve: Resolve = system_addresses) -> tuple[Tool, ...]:
    """Return the tool that reads the web. It asks, and no address is reached that is not on the public network.

    `allow_private` names servers of one's own on this machine that are reached all the same, as `127.0.0.1:8080`.
    """
    private = read_private(allow_private)
    exposure: tuple[Exposure, ...] = ("untrusted", "outward")

    @tool(
        read_only=True,
        permission="ask",
        timeout=SECONDS + 5,
        retries=0,
        subject="url",
        exposure=("private", *exposure) if private else exposure,
    )
    async def http_get(
        url: Annotated[str, Field(description="Where to read, with https://", min_length=1)],
        start: Annotated[int, Field(description="Characters to pass over, to read on in a long text", ge=0)] = 0,
        links: Annotated[bool, Field(description="Whether to list where the links of a page lead")] = False,
    ) -> ToolResult:
        """Read a page or file of the public web: HTML as plain text, other text as it is, an image or a PDF as such."""
        try:
            async with asyncio.timeout(SECONDS):
                reply = await _fetch(url, private, resolve)
                return await asyncio.to_thread(_result, reply, start, links=links)
        except TimeoutError:
            raise ToolError(f"{url} was not read within {SECONDS:g} s") from None

    return (http_get,)


@dataclass(frozen=True, slots=True)
class _Reply:
    url: str
    status: int
    media_type: str
    charset: str
    location: str
    body: bytes
    is_cut: bool


async def _fetch(text: str, private: frozenset[tuple[str, int]], resolve: Resolve) -> _Reply:
    """Ask, and go where the server sends us on the same host; each place is checked anew."""
    place = read_url(text)
    for _ in range(REDIRECTS + 1):
        reply = await _ask(place, await addresses_of(place, resolve, private))
        if not reply.location:
            return reply
        target = read_url(_joined(place, reply.location))
        if not _is_same_place(place, target):
            if target.is_literal:
                await addresses_of(target, resolve, private)
            raise ToolError(f"{place.url} leads to {target.url}, another place; ask for that one itself if you want it")
        place = target
    raise ToolError(f"{text} leads on more than {REDIRECTS} times")


def _joined(place: Place, location: str) -> str:
    import httpx2

    try:
        return str(place.url.join(location))
    except httpx2.InvalidURL as error:
        raise ToolError(f"{place.url} leads to {location!r}, which is no URL: {error}") from None


def _is_same_place(old: Place, new: Place) -> bool:
    """Whether leave for the one is leave for the other: the same host and port, or that host by https."""
    if (old.host, old.port, old.url.scheme) == (new.host, new.port, new.url.scheme):
        return True
    return old.host == new.host and (old.url.scheme, old.port, new.url.scheme, new.port) == ("http", 80, "https", 443)


async def _ask(place: Place, addresses: tuple[str, ...]) -> _Reply:
    import httpx2

    failed: Exception | None = None
    for address in addresses:
        try:
            async with _answer(place, address) as response:
                return await _read(place, response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            failed = error
        except (httpx2.TransportError, httpx2.InvalidURL, zlib.error) as error:
            raise ToolError(f"{place.url} cannot be read: {_words(error)}") from None
    raise ToolError(f"{place.url} cannot be reached: {_words(failed)}")


def _words(error: Exception | None) -> str:
    return str(error) or type(error).__name__


@cache
def _trusted() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context()


@asynccontextmanager
async def _answer(place: Place, address: str) -> AsyncIterator[httpx2.Response]:
    """Give the response of the server at `address`, asked by the name it goes by; no proxy, cookie or key is sent."""
    import httpx2

    authority = place.url.netloc.decode("ascii")
    request = httpx2.Request(
        "GET",
        place.url.copy_with(host=address, fragment=None),
        headers={
            "Host": authority,
            "User-Agent": f"workbench/{__version__}",
            "Accept": "text/html, text/*;q=0.9, application/json;q=0.9, */*;q=0.5",
            "Accept-Encoding": "identity",
            "Connection": "close",
        },
        extensions={
            "timeout": httpx2.Timeout(SECONDS, connect=10.0).as_dict(),
            **({} if place.is_literal else {"sni_hostname": place.host}),
        },
    )
    async with httpx2.AsyncHTTPTransport(verify=_trusted()) as transport:
        response = await transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()


async def _read(place: Place, response: httpx2.Response) -> _Reply:
    media_type, _, parameters = response.headers.get("content-type", "").partition(";")
    charset = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", parameters)
    location = response.headers.get("location", "") if response.status_code in _MOVED else ""
    body, is_cut = (b"", False) if location else await _body(response)
    return _Reply(
        str(place.url),
        response.status_code,
        media_type.strip().lower(),
        charset[1] if charset else "",
        location,
        body,
        is_cut,
    )


async def _body(response: httpx2.Response) -> tuple[bytes, bool]:
    """Return the body, unpacked a piece at a time, and whether it goes on beyond `LARGEST`."""
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise ToolError(f"the server sends its answer packed as {packed!r}, which was not asked for and is not read")
    unpacking = None if packed in ("", "identity") else zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    body, taken = bytearray(), 0
    async for piece in response.aiter_raw():
        taken += len(piece)
        body += piece if unpacking is None else unpacking.decompress(piece, LARGEST + 1 - len(body))
        if len(body) > LARGEST or taken > LARGEST:
            return bytes(body[:LARGEST]), True
    return bytes(body), False


def _result(reply: _Reply, start: int, *, links: bool) -> ToolResult:
    is_error = not 200 <= reply.status < 300
    about = f"{reply.url}\n{reply.status}, {reply.media_type or 'no type'}, {len(reply.body):,} bytes"
    about += f", cut at {LARGEST:,}" if reply.is_cut else ""
    kind = kind_of(reply.body)
    if kind is not None and not reply.is_cut:
        name = reply.url.partition("?")[0].rsplit("/", 1)[-1]
        block = DocumentBlock if kind == PDF else ImageBlock
        content: Content = (*text_content(about), block(data=reply.body, media_type=kind, name=name))
        return ToolResult(content, is_error)
    if not _is_text(reply):
        raise ToolError(f"{about}: neither text, nor an image or PDF that is read whole")
    text = _readable(reply, links=links)
    most = _ERROR_SHOWN if is_error else SHOWN
    shown = text[start : start + most]
    rest = len(text) - start - len(shown)
    on = f"\n[{rest:,} more characters; read on with start={start + len(shown)}]" if rest > 0 else ""
    return ToolResult(text_content(f"{about}\n\n{shown}{on}"), is_error)


def _is_text(reply: _Reply) -> bool:
    if b"\0" in reply.body[:8192] and not reply.body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    return not reply.media_type or _TEXTS.fullmatch(reply.media_type) is not None or reply.media_type in _HTML


def _readable(reply: _Reply, *, links: bool) -> str:
    text = _decoded(reply)
    if reply.media_type not in _HTML:
        return text
    from workbench.tools import hypertext

    try:
        page = hypertext.read_page(text)
    except UnreadableError as error:
        raise ToolError(f"{reply.url} cannot be read: {error}") from None
    return "\n".join([page, *(_links(text, reply.url) if links else [])])


def _links(text: str, base: str) -> list[str]:
    """Return where the links of a page lead, each once."""
    import httpx2

    from workbench.tools import hypertext

    found: dict[str, str] = {}
    for target, words in hypertext.links_of(text):
        try:
            url = httpx2.URL(base).join(target).copy_with(fragment=None)
        except (httpx2.InvalidURL, ValueError):
            continue
        if url.scheme in ("http", "https") and len(found) < _LINKS:
            found.setdefault(str(url), words)
    return ["", "Links:", *(f"- {words}: {url}" for url, words in found.items())]


def _decoded(reply: _Reply) -> str:
    """Return the text, read as its first bytes, its server, or the page itself say; as UTF-8 where nobody does."""
    for start, charset in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if reply.body.startswith(start):
            return reply.body.decode(charset, "replace")
    declared = _CHARSET.search(reply.body[:2048]) if reply.media_type in _HTML else None
    charset = reply.charset or (declared[1].decode("ascii") if declared else "utf-8")
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        name = "utf-8"
    if name in _NO_CHARSETS or charset.lower() in _NO_CHARSETS:
        name = "utf-8"
    try:
        return reply.body.decode(name, "replace")
    except (LookupError, ValueError):  # no text encoding, or one that cannot replace
        return reply.body.decode(errors="replace")
