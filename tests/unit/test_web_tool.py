"""`http_get`: nothing but the public network is reached, by whatever name, and what comes is bounded and readable."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.loop_kit import Lab, answer, asks, patiently
from workbench.errors import AgentError, ToolError
from workbench.events.call import PermissionDecided
from workbench.events.content import DocumentBlock, plain_text
from workbench.tools import web
from workbench.tools.addresses import is_public, read_private, read_url
from workbench.tools.base import ToolResult
from workbench.tools.web import web_tools

PUBLIC = "93.184.216.34"

PRIVATE = """
127.0.0.1 127.8.9.1 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.254 192.168.1.1 169.254.169.254 169.254.0.1
100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1
239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 2001::1 2002:7f00:1:: 100::1
3fff::1 5f00::1
""".split()  # noqa: SIM905 - a table
OPEN = ["93.184.216.34", "8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_ones_own_is_not_public(address: str) -> None:
    """This machine, its neighbours, clouds' services, tunnels, and what is reserved: in every form."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_a_public_address_is_public(address: str) -> None:
    """So that a check that refuses all would be seen."""
    assert is_public(ipaddress.ip_address(address))


REFUSED = [
    "http://127.0.0.1/", "http://127.0.0.1:8080/x", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[fe80::1%25eth0]/", "http://0.0.0.0/", "http://0/",
    "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
    "http://127.0.1/", "http://127.0.0.1./", "http://127.000.000.001/", "http://%31%32%37.0.0.1/",
    "http://１２７.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/", "http://localhost/", "http://LOCALHOST./", "http://intranet/", "http://router.local/",
    "http://metadata.google.internal/", "http://rebind.example/", "http://both.example/", "http://mapped.example/",
    "http://user:key@public.example/", "http://user@public.example/", "http://@public.example/",
    "http://public.example\\@127.0.0.1/", "http://public.example:80@127.0.0.1/", "http://127.0.0.1\\.public.example/",
    "ftp://public.example/", "file:///etc/passwd", "gopher://public.example/", "data:text/html,x", "javascript:1",
    "http:public.example", "//public.example/", "public.example", "/etc/passwd", "", "http://", "http:///x",
    "http://public.example:0/", "http://public.example:99999/", "http://public example/", "http://public.example/\n",
    "http://public.example/\0", "http://public.example\r\nHost: 127.0.0.1/", "http://[::1/", "http://pub..example/",
    "http://public.example/\u202e", "http://nowhere.example/", "http://odd.example/", "http://" + "a" * 9000,
]  # fmt: skip

NAMES: dict[str, list[str]] = {
    "public.example": [PUBLIC],
    "localhost": ["127.0.0.1"],
    "intranet": ["10.1.2.3"],
    "router.local": ["192.168.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "rebind.example": ["127.0.0.1"],
    "both.example": [PUBLIC, "127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "odd.example": ["not an address"],
}


class Names:
    """A resolver that knows `NAMES`, and may change its mind; it counts what it is asked."""

    def __init__(self, **changes: list[list[str]]) -> None:
        self.asked: list[str] = []
        self._changes = changes

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if later := self._changes.get(host):
            return later.pop(0)
        if host not in NAMES:
            raise OSError("unknown")
        return NAMES[host]


async def get(url: str, *, allow: Sequence[str] = (), names: Names | None = None, **more: Any) -> ToolResult:
    """Call the tool as the engine does."""
    (http_get,) = web_tools(allow_private=allow, resolve=names or Names())
    value = await patiently(http_get.function(**http_get.validate({"url": url, **more})))
    assert isinstance(value, ToolResult)
    return value


async def text_of(url: str, **more: Any) -> str:
    """Return what the tool says of a page that is there."""
    result = await get(url, **more)
    assert not result.is_error
    return plain_text(result.content)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[httpx2.Request]:
    """Give the requests that would have gone out; each is answered by one line."""
    sent: list[httpx2.Request] = []

    async def handle(_: object, request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, headers={"content-type": "text/plain"}, stream=httpx2.ByteStream(b"hello"))

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", handle)
    return sent


@pytest.mark.parametrize("url", REFUSED, ids=lambda url: ascii(url)[:50])
async def test_a_hostile_url_is_refused_before_anything_is_sent(url: str, connections: list[httpx2.Request]) -> None:
    """However it is written, and whatever its name resolves to."""
    (http_get,) = web_tools(resolve=Names())
    with pytest.raises(ToolError):
        await http_get.function(**http_get.validate({"url": url}))
    assert connections == []


async def test_the_connection_goes_to_the_address_that_was_checked(connections: list[httpx2.Request]) -> None:
    """The name is looked up once; it stands in Host and in TLS, so that the right page and certificate come."""
    names = Names()
    assert (await text_of("https://Public.Example:444/a?b=c#d", names=names)).endswith("\n\nhello")
    (request,) = connections
    assert names.asked == ["public.example"]
    assert str(request.url) == f"https://{PUBLIC}:444/a?b=c"
    assert request.headers["host"] == "public.example:444"
    assert request.extensions["sni_hostname"] == "public.example"
    assert {"authorization", "cookie"}.isdisjoint(request.headers)


class Server:
    """A server on loopback; a page is bytes of a whole response, or a function that writes one."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.asked: list[str] = []
        self.port = 0

    def page(self, path: str, body: bytes, kind: str = "text/plain", status: str = "200 OK", more: str = "") -> None:
        """Serve a page."""
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        self.pages[path] = head.encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            page = self.pages[head.split(" ")[1]]
            if callable(page):
                await page(writer)
            else:
                writer.write(page)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @property
    def own(self) -> list[str]:
        """What is allowed."""
        return [f"127.0.0.1:{self.port}", f"localhost:{self.port}"]

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Return where a page is."""
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Give a server that runs."""
    server = Server()
    running = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = running.sockets[0].getsockname()[1]
    async with running:
        yield server


async def test_ones_own_server_is_read_where_it_is_allowed() -> None:
    """By host and port, as they were named; another port, and another name for it, are refused."""
    async with serving() as server:
        server.page("/", "grüße".encode())
        for host in ("127.0.0.1", "localhost"):
            text = await text_of(server.url("/", host), allow=server.own)
            assert text == f"http://{host}:{server.port}/\n200, text/plain, 7 bytes\n\ngrüße"
        assert f"Host: localhost:{server.port}\r\n" in server.asked[-1]
        for allow, host in ((["127.0.0.1:1"], "127.0.0.1"), (server.own, "rebind.example"), ([], "localhost")):
            with pytest.raises(ToolError, match="not on the public network"):
                await get(server.url("/", host), allow=allow)


async def test_what_is_allowed_as_ones_own_must_be_this_machine() -> None:
    """A name that is allowed and leads elsewhere is refused; so is an entry that is no server of this machine."""
    with pytest.raises(ToolError, match=f"'localhost' is at {PUBLIC}"):
        await get("http://localhost:80/", allow=["localhost:80"], names=Names(localhost=[[PUBLIC]]))
    for entry in ("10.0.0.1:80", "example.org:80", "127.0.0.1", "127.0.0.1:x", ""):
        with pytest.raises(AgentError, match="is no server of this machine"):
            read_private([entry])
    assert read_private(["[::1]:8080"]) == {("::1", 8080)}


async def test_a_name_that_leads_elsewhere_the_second_time_is_refused() -> None:
    """Each redirect is looked up and checked anew."""
    async with serving() as server:
        server.page("/a", b"", status="302 Found", more="Location: /b\r\n")
        names = Names(localhost=[["127.0.0.1"], ["169.254.169.254"]])
        with pytest.raises(ToolError, match=r"at 169\.254\.169\.254"):
            await get(server.url("/a", "localhost"), allow=server.own, names=names)
        assert len(server.asked) == 1


async def test_redirects_on_the_same_host_are_followed_five_times() -> None:
    """The sixth is one too many."""
    async with serving() as server:
        for number in range(7):
            server.page(f"/{number}", b"", status="301 Moved", more=f"Location: {number - 1}\r\n")
        server.page("/0", b"here")
        assert (await text_of(server.url("/5"), allow=server.own)).endswith("here")
        with pytest.raises(ToolError, match="more than 5 times"):
            await get(server.url("/6"), allow=server.own)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://public.example/x", "leads to https://public.example/x, another place"),
        ("http://127.0.0.1:1/", "is at 127.0.0.1, which is not on the public network"),
        ("http://169.254.169.254/latest", "is at 169.254.169.254, which is not on the public network"),
        ("//[::ffff:7f00:1]/", "not on the public network"),
        ("file:///etc/passwd", "does not begin with https://"),
        ("http://u:p@public.example/", "user or password"),
        ("http://x:y/", "which is no URL"),
    ],
)
async def test_a_redirect_to_another_place_is_told_and_not_followed(location: str, said: str) -> None:
    """Leave for one host is no leave for another; one that may never be asked is refused as such."""
    async with serving() as server:
        server.page("/", b"", status="302 Found", more=f"Location: {location}\r\n")
        with pytest.raises(ToolError, match=said.replace("?", ".")):
            await get(server.url("/"), allow=server.own)
        assert len(server.asked) == 1


async def test_a_body_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much comes, packed or not; a text is cut and says so."""
    monkeypatch.setattr(web, "LARGEST", 10_000)

    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(b"x" * 5_000)
            await writer.drain()

    async with serving() as server:
        server.pages["/flood"] = flood
        packed = gzip.compress(b"y" * 50_000_000)
        server.page("/bomb", packed[:9_000], more="Content-Encoding: gzip\r\n")
        for path in ("/flood", "/bomb"):
            text = await text_of(server.url(path), allow=server.own)
            assert "200, text/plain, 10,000 bytes, cut at 10,000" in text
            assert len(text) < 11_000


async def test_packed_bodies_are_unpacked() -> None:
    """Some servers pack though nobody asked; what is packed in another way, or broken, is a sentence."""
    async with serving() as server:
        server.page("/gzip", gzip.compress(b"hello"), more="Content-Encoding: gzip\r\n")
        server.page("/deflate", zlib.compress(b"hello"), more="Content-Encoding: deflate\r\n")
        server.page("/br", b"hello", more="Content-Encoding: br\r\n")
        server.page("/broken", b"hello", more="Content-Encoding: gzip\r\n")
        for path in ("/gzip", "/deflate"):
            assert (await text_of(server.url(path), allow=server.own)).endswith("\n\nhello")
        for path, said in (("/br", "packed as 'br'"), ("/broken", "cannot be read")):
            with pytest.raises(ToolError, match=said):
                await get(server.url(path), allow=server.own)


async def test_a_slow_server_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it has one time, however many pieces keep coming."""
    monkeypatch.setattr(web, "SECONDS", 0.2)
    gone = asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nx")
        await writer.drain()
        await gone.wait()

    async with serving() as server:
        server.pages["/"] = drip
        with pytest.raises(ToolError, match=r"was not read within 0\.2 s"):
            await get(server.url("/"), allow=server.own)
        gone.set()


async def test_a_server_that_is_not_there_is_a_sentence() -> None:
    """Neither is one that talks something else."""
    async with serving() as server:
        server.pages["/"] = b"SSH-2.0-x\r\n\r\n"
        with pytest.raises(ToolError, match="cannot be read"):
            await get(server.url("/"), allow=server.own)
    with pytest.raises(ToolError, match="cannot be reached"):
        await get(server.url("/"), allow=server.own)


async def test_html_is_read_as_text() -> None:
    """Headings, paragraphs and code, without scripts; links where they are asked for."""
    page = (
        "<title>Pages</title><script>evil()</script><h1>Pages</h1><p>First <a href='/x#y'>one</a>.</p><h2>Next</h2>"
        "<ul><li>a<li>b</ul><a href='javascript:1'>no</a><a href='http://x:y'>no</a>"
    )
    async with serving() as server:
        server.page("/dir/page", page.encode(), "text/html; charset=utf-8")
        text = await text_of(server.url("/dir/page"), allow=server.own)
        assert text.split("\n\n", 1)[1] == "Pages\n\nFirst one.\n\n## Next\n- a\n- b\n\nnono"
        assert (await text_of(server.url("/dir/page"), allow=server.own, links=True)).endswith(
            f"\nLinks:\n- one: http://127.0.0.1:{server.port}/x"
        )


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("grüße".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grüße"),
        ("grüße".encode("utf-16"), "text/plain", "grüße"),
        (b"\xef\xbb\xbfhi", "text/plain; charset=latin-1", "hi"),
        ("<meta charset='windows-1251'><p>привет".encode("cp1251"), "text/html", "привет"),
        (b"a\xffb", "text/plain; charset=nonsense", "a\ufffdb"),
        (b"61", "text/plain; charset=hex", "61"),
        (b"xn--4ca", "text/plain; charset=punycode", "xn--4ca"),
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"<a/>", "application/atom+xml", "<a/>"),
        (b"plain", "", "plain"),
    ],
)
async def test_letters_are_read_as_they_were_meant(body: bytes, kind: str, text: str) -> None:
    """By the first bytes, the server's word or the page's own; a strange word does no harm."""
    async with serving() as server:
        server.page("/", body, kind)
        assert (await text_of(server.url("/"), allow=server.own)).split("\n\n", 1)[1].strip() == text


async def test_images_and_documents_come_as_such_and_other_bytes_do_not() -> None:
    """What is neither them nor text is refused with its type and size."""
    async with serving() as server:
        server.page("/a.pdf?x=1", b"%PDF-1.7", "text/plain")
        server.page("/zip", b"PK\3\4", "application/zip")
        server.page("/lie", b"MZ\0\0", "text/plain")
        (_, block) = (await get(server.url("/a.pdf?x=1"), allow=server.own)).content
        assert block == DocumentBlock(data=b"%PDF-1.7", media_type="application/pdf", name="a.pdf")
        for path in ("/zip", "/lie"):
            with pytest.raises(ToolError, match="4 bytes: neither text, nor an image or PDF"):
                await get(server.url(path), allow=server.own)


async def test_a_page_that_says_no_is_an_error_with_its_words() -> None:
    """The model sees the status and the beginning of the page."""
    async with serving() as server:
        server.page("/", b"no such page" + b"." * 5_000, status="404 Not Found")
        result = await get(server.url("/"), allow=server.own)
        assert result.is_error
        assert "\n404, text/plain, 5,012 bytes\n\nno such page..." in plain_text(result.content)
        assert len(plain_text(result.content)) < 2_200


async def test_a_long_text_is_read_a_part_at_a_time() -> None:
    """What is left out says how to go on."""
    async with serving() as server:
        server.page("/", b"a" * 40_000 + b"b" * 10)
        assert (await text_of(server.url("/"), allow=server.own)).endswith(
            "a\n[10 more characters; read on with start=40000]"
        )
        assert (await text_of(server.url("/"), allow=server.own, start=40_000)).endswith("\n\nbbbbbbbbbb")


async def test_reading_the_web_asks() -> None:
    """A person allows each place; the call meets strangers and can be seen by them."""
    async with serving() as server:
        server.page("/", b"hello")
        (http_get,) = web_tools(allow_private=server.own)
        assert (http_get.spec.subject, http_get.spec.effect) == ("url", "read_only")
        assert http_get.spec.exposure == ("private", "untrusted", "outward")  # it may read a server of ones own
        assert web_tools()[0].spec.exposure == ("untrusted", "outward")
        lab = Lab([asks(("http_get", {"url": server.url("/")})), answer()], [http_get])
        assert (await lab.run()).status_and_reason == ("awaiting_approval", "permission")
        assert server.asked == []
        await lab.journal.append(PermissionDecided(call="0.0", verdict="allow"))
        await lab.run()
        assert lab.text("0.0").endswith("hello")


def test_a_plain_url_is_read() -> None:
    """So that a reader that refuses all would be seen."""
    for url, host, port in (
        ("https://example.org/a b".replace(" ", "%20"), "example.org", 443),
        ("http://EXAMPLE.org.:8080", "example.org", 8080),
        ("https://例え.jp/x?q=a@b", "xn--r8jz45g.jp", 443),
        ("http://example.org?q=a@b", "example.org", 80),
        (f"http://{PUBLIC}/", PUBLIC, 80),
    ):
        assert read_url(url)[1:] == (host, port)
