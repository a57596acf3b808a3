"""Keys: which are refused before they are sent, in which forms they are hidden, and where none may stand."""

from __future__ import annotations

import asyncio
import base64
import html
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli_harness import Shell
from tests.contract.adapters.anthropic import ADAPTER as MESSAGES
from tests.contract.adapters.bedrock import ENVIRONMENT
from tests.contract.adapters.openai_chat import ADAPTER as CHAT
from tests.contract.adapters.openai_responses import ADAPTER as RESPONSES
from tests.contract.script import Adapter, Answer
from tests.contract.server import serving
from tests.contract.talk import Talk
from workbench.driver.feed import Trouble
from workbench.engine import turns
from workbench.errors import PermanentModelError
from workbench.events.agent import ModelRetries
from workbench.providers import keys
from workbench.providers.bedrock import BedrockProvider
from workbench.providers.failures import model_error
from workbench.providers.keys import HIDDEN, hide, hide_address, redacted
from workbench.providers.registry import Providers
from workbench.providers.remote import Endpoint, closing_clients, http_client

RUN = ("run", "What?", "--headless", "--plan", "off")
TWO_LINES = "gatewaysecretAAAA\nmoresecretBBBB"
SERVER = "http://127.0.0.1:1"
NAMED = "openai-chat:x@http://alice:PASSWORD-1@127.0.0.1:1/v1?key=QUERY-KEY-1"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a command line on an empty database, in a process that has read no key."""
    monkeypatch.setattr(keys, "_secrets", set())
    monkeypatch.setattr(turns.TurnRunner, "_retries", lambda _: ModelRetries(first_wait=0.0))
    return Shell(tmp_path / "runs.db", capsys)


@pytest.mark.parametrize("value", [TWO_LINES, "schlüssel-AAAA-BBBB", "secretAAAA\tBBBB", "secretAAAA\x1bBBBB\udc80"])
@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("MODEL_API_KEY", ["-m", f"openai-chat:x@{SERVER}"]),
        ("ANTHROPIC_API_KEY", ["-m", "anthropic:x"]),
        ("ANTHROPIC_AUTH_TOKEN", ["-m", "anthropic:x", "--base-url", SERVER]),
        ("OPENAI_API_KEY", ["-m", "openai:x"]),
        ("OPENAI_API_KEY", ["-m", "openai:x", "--base-url", SERVER]),
        ("AWS_SECRET_ACCESS_KEY", ["-m", "bedrock:x"]),
        ("AWS_BEARER_TOKEN_BEDROCK", ["-m", "bedrock:x"]),
        ("MODEL_API_KEY", ["-m", f"bedrock:x@{SERVER}"]),
        ("GATE", ["-m", f"anthropic:x@{SERVER}", "--header", "x-gate=$GATE"]),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, variable: str, words: list[str], value: str
) -> None:
    """Its variable is named and its value is not, before anything is written or asked."""
    for name, text in ENVIRONMENT.items() if variable.startswith("AWS_") else ():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv(variable, value)
    said = shell.refused(*RUN, *words)
    assert variable in said
    assert "set it again, as one line" in said
    assert not any(part in said for part in ("secret", "schl", "AAAA", "BBBB"))
    assert not shell.database.exists()


def test_what_another_server_gets_needs_no_sound_key_of_amazons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are not sent to an address hinder nobody from asking there."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", TWO_LINES)
    assert BedrockProvider(Endpoint(base_url=SERVER, is_foreign=True))


@pytest.mark.parametrize(
    "model",
    [
        NAMED,
        "openai-chat:x@http://PASSWORD-1@127.0.0.1:1/v1",
        "openai-chat:x@http://127.0.0.1:1/v1?PASSWORD-1",
        "anthropic:x@http://127.0.0.1:1#PASSWORD-1",
        "openai-chat:x@HTTP://alice:PASSWORD-1@127.0.0.1:1",
        "openai:x@alice:PASSWORD-1@127.0.0.1:1",
        "openai-chat:@http://alice:PASSWORD-1@127.0.0.1:1",
        "openia-chat:x@http://alice:PASSWORD-1@127.0.0.1:1",
        "recorded:x@http://alice:PASSWORD-1@127.0.0.1:1",
    ],
)
def test_a_models_name_holds_no_secret(shell: Shell, model: str) -> None:
    """Names are kept in logs, so such a one is refused before anything is written, and not said back."""
    said = shell.refused(*RUN, "-m", model)
    assert "PASSWORD-1" not in said
    assert "QUERY-KEY-1" not in said
    assert not shell.database.exists()


def test_the_sentence_says_where_it_belongs(shell: Shell) -> None:
    """The same name without secrets, and the options that no log keeps."""
    said = shell.refused(*RUN, "-m", NAMED)
    assert "name the model openai-chat:x@http://127.0.0.1:1/v1 and" in said
    assert "--header" in said
    assert "[providers.openai-chat]" in said
    assert "$NAME" in said


def test_a_fork_and_a_judge_take_no_such_name(shell: Shell) -> None:
    """Nor does a variant of a race; the run stays as it was."""
    assert shell(*RUN).code == 0
    for words in (
        ["-m", NAMED],
        ["--vary", f"model={NAMED},offline"],
        ["--repeat", "2", "--check", f"judge[{NAMED}]:ok"],
    ):
        assert "PASSWORD-1" not in shell.refused("fork", "@last", "--at", "1", "--headless", *words)


def test_a_strangers_session_with_such_a_name_is_only_looked_at(shell: Shell, tmp_path: Path) -> None:
    """It is imported, listed, shown and forked onto another model; nothing is asked at its address."""
    assert shell(*RUN).code == 0
    theirs = shell("export", "@last").out.replace('"model":"offline"', f'"model":"{NAMED}"')
    assert NAMED in theirs
    (tmp_path / "theirs.jsonl").write_text(theirs)
    here = Shell(tmp_path / "here.db", shell._capsys)
    assert here("import", str(tmp_path / "theirs.jsonl")).code == 0
    (row,) = here.runs()
    run = row["id"]
    assert here("show", run).code == 0
    driven = here("fork", run, "--at", "end", "--say", "More?", "--headless")
    assert driven.code != 0
    assert "no user, password" in driven.out + driven.err
    assert here("fork", run, "--at", "end", "--say", "More?", "--headless", "-m", "offline").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base-url", "ftp://alice:PASSWORD-1@h"], "base_url is no address"),
        (["--reach", "base_url=http://alice:PASSWORD-1@h"], "not 'base_url'"),
        (["--header", "Authorization: Bearer PASSWORD-1=="], "has a header 'Authorization'"),
    ],
)
def test_what_was_typed_wrongly_is_not_said_back(shell: Shell, words: list[str], said: str) -> None:
    """Addresses and headers may hold secrets, so the sentence names the entry alone."""
    told = shell.refused(*RUN, *words)
    assert said in told
    assert "PASSWORD-1" not in told


def test_what_stands_wrongly_in_the_settings_is_not_said_back() -> None:
    """The same in the file."""
    from workbench.config.reaching import read_providers
    from workbench.errors import ConfigError

    for table in (
        {"anthropic": {"headers": "x-key: PASSWORD-1"}},
        {"anthropic": {"headers": {"x-key": "PASSWORD-1"}}, "openai": 1},
        {"anthropic": {"base_url": "alice:PASSWORD-1@h"}},
    ):
        with pytest.raises(ConfigError) as caught:
            read_providers(table)
        assert "PASSWORD-1" not in str(caught.value)


@pytest.mark.parametrize(
    "form",
    [
        str,
        repr,
        lambda key: repr(key.encode()),
        json.dumps,
        lambda key: json.dumps(key).replace("/", "\\/"),
        lambda key: json.dumps(json.dumps(key)),
        lambda key: quote(key, safe=""),
        lambda key: quote(quote(key, safe=""), safe=""),
        lambda key: quote_plus(key).lower() if key.islower() else quote_plus(key),
        html.escape,
    ],
)
@given(
    key=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=8, max_size=30).filter(
        lambda key: len(key.strip()) >= 8
    )
)
def test_a_key_is_hidden_however_it_is_escaped(form: Callable[[str], str], key: str) -> None:
    """By Python, JSON, an address or HTML, also twice."""
    said = form(key.strip())
    hide(key)
    try:
        assert form(key.strip()) not in redacted(f"<<{said}>>")
        assert redacted(f"<<{said}>>").strip("\"'b\\").startswith("<<")
    finally:
        keys._secrets.clear()


@given(
    key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    before=st.binary(max_size=7),
)
def test_a_key_is_hidden_in_base64(key: str, before: bytes) -> None:
    """Alone, after a user's name, and in the alphabet of addresses."""
    hide(key)
    try:
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            said = encode(before + key.encode() + b"!!!").decode()
            first = -(-len(before) * 8 // 6)
            inner = said[first : (len(before) + len(key)) * 8 // 6]
            assert inner not in redacted(f"it was {said}")
        assert redacted(base64.b64encode(key.encode()).decode()) == HIDDEN
    finally:
        keys._secrets.clear()


def test_each_line_of_a_key_and_each_part_of_a_header_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says back only a part says a secret, too."""
    monkeypatch.setenv("SOME_TOKEN", TWO_LINES)
    hide("Token abcd1234efgh", "id=ijkl1234mnop;v=2")
    assert redacted("moresecretBBBB, abcd1234efgh and ijkl1234mnop") == f"{HIDDEN}, {HIDDEN} and {HIDDEN}"
    keys._secrets.clear()


def test_what_is_secret_in_an_address_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """User, password and query of the settings' address and of proxies; where they stand in any address, too."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxyuser:proxy%2Fpassword@proxy:3128")
    hide_address("https://someuser:some%20password@host/v1?sig=somesignature")
    said = "someuser some password some%20password somesignature proxyuser proxy/password"
    assert redacted(said) == " ".join([HIDDEN] * 6)
    assert redacted("at http://a:b@host/?api_key=c&x=d") == f"at http://{HIDDEN}@host/?api_key={HIDDEN}&x=d"
    assert redacted("at https://host/v1?x=d, mail a@b.c") == "at https://host/v1?x=d, mail a@b.c"
    keys._secrets.clear()


def test_an_endpoint_shows_no_secret() -> None:
    """Neither where it is written into a traceback, nor in a sentence about it."""
    endpoint = Endpoint(base_url="http://u:PASSWORD-1@h", headers={"x-key": "HEADER-KEY-1"})
    assert "PASSWORD-1" not in repr(endpoint)
    assert "HEADER-KEY-1" not in repr(endpoint)
    trouble = Trouble("sent HEADER-KEY-1", detail="File x\n  PASSWORD-1")
    assert (trouble.message, trouble.detail) == (f"sent {HIDDEN}", f"File x\n  {HIDDEN}")
    keys._secrets.clear()


@pytest.mark.parametrize(
    "error",
    [
        httpx2.LocalProtocolError("Illegal header value b'Bearer abc\\nsecretBBBB'"),
        ValueError("Invalid header value b'Bearer abc\\nsecretBBBB'"),
        ValueError("Newline, carriage return, or null byte detected in headers. secretBBBB"),
        UnicodeEncodeError("ascii", "secretBBBBü", 10, 11, "ordinal not in range(128)"),
    ],
)
def test_what_a_library_does_not_send_is_told_as_that(error: Exception) -> None:
    """Not as a wrong address, not as a broken answer, not again and again, and without the value."""
    told = model_error(error)
    assert told.kind == "unsendable"
    assert str(told) == "a key or a header cannot be sent; look for a line's end or a letter beyond ASCII in it"


@pytest.mark.parametrize("api", [MESSAGES, RESPONSES, CHAT], ids=lambda api: api.name)
async def test_a_strangers_address_gets_no_headers_of_the_environment(
    api: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDKs send those of a variable everywhere; they go to addresses that the person named, and no others."""
    for maker in ("ANTHROPIC", "OPENAI"):
        monkeypatch.setenv(f"{maker}_CUSTOM_HEADERS", "x-gate: secret-gate-key\nauthorization: Bearer secret-other")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("MODEL_API_KEY", "key-of-others")
    with serving(api, Answer("Yes.")) as served:
        async with closing_clients():
            model = f"{api.model}@{served.base_url}"
            for providers in (Providers(trusted=[served.base_url]), Providers()):
                assert (await Talk(model, providers(model)).hear()).text == "Yes."
    typed, foreign = served.headers
    assert typed["x-gate"] == "secret-gate-key"
    assert ("org-secret" in json.dumps(typed)) == (api is not MESSAGES)
    assert "secret" not in json.dumps(foreign)
    assert "key-of-others" in json.dumps(foreign)


@pytest.mark.parametrize("api", [MESSAGES, RESPONSES, CHAT], ids=lambda api: api.name)
async def test_no_key_goes_where_a_server_sends_it(api: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another scheme, host or port is told and not asked; user, password and query of the address are left out."""
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "MODEL_API_KEY"):
        monkeypatch.setenv(name, "secret-of-a-maker")
    with serving(api, Answer("Yes.")) as other:
        place = other.base_url.removeprefix("http://")
        async with redirecting(f"http://alice:s3cret@{place}/else?key=s3cret#s3cret") as address, closing_clients():
            providers = Providers({api.model.partition(":")[0]: Endpoint(base_url=address)})
            with pytest.raises(PermanentModelError) as caught:
                await Talk(api.model, providers(api.model)).hear()
    assert caught.value.kind == "redirected"
    assert str(caught.value) == f"the base URL leads elsewhere (307): to {other.base_url}/else, which gets no request"
    assert other.headers == []


async def test_a_server_may_send_on_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads it stays the same, so a path that lacks a slash is mended by the way."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret-of-a-maker")
    paths: list[str] = []
    async with redirecting("/v1/messages/", paths) as address, closing_clients():
        providers = Providers({"anthropic": Endpoint(base_url=address)})
        with pytest.raises(PermanentModelError):
            await Talk("anthropic:m", providers("anthropic:m")).hear()
    assert paths[:2] == ["/v1/messages", "/v1/messages/"]


async def test_the_other_transport_follows_to_nobody_else_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made by an SDK, which would follow everywhere."""
    made: list[httpx2.AsyncClient] = []

    def make(**options: Any) -> httpx2.AsyncClient:
        made.append(httpx2.AsyncClient(**options))
        return made[-1]

    monkeypatch.setattr(anthropic, "DefaultAioHttpClient", make)
    async with redirecting("http://127.0.0.2:1/") as address, closing_clients():
        client = http_client(Endpoint(transport="aiohttp"))
        with pytest.raises(PermanentModelError, match="leads elsewhere"):
            await client.post(address, follow_redirects=True)
    assert made == [client]


@asynccontextmanager
async def redirecting(location: str, paths: list[str] | None = None) -> AsyncIterator[str]:
    """Serve nothing but a redirect."""
    seen = [] if paths is None else paths

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in head.lower().splitlines() if line.startswith("content-length:"))
        await reader.readexactly(int(length.partition(":")[2]))
        seen.append(head.split()[1])
        writer.write(
            f"HTTP/1.1 307 On\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()
        )
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
