"""How providers reach the world: keys, the shared connections, and sentences without secrets."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from workbench.errors import KeyMissingError, ModelNotFoundError
from workbench.providers.failures import KINDS, retry_after, status_error
from workbench.providers.keys import hide, key_from, redacted
from workbench.providers.registry import KNOWN, Providers
from workbench.providers.remote import Endpoint, close_clients, http_client, most_connections
from workbench.providers.wire.common import split_model


def test_a_missing_key_is_named_by_its_variable() -> None:
    """A person reads which variable to set, and that there is a model without a key."""
    with pytest.raises(KeyMissingError, match=r"set ONE_API_KEY or TWO_API_KEY.*offline"):
        key_from("ONE_API_KEY", "TWO_API_KEY", what="Someone")


def test_the_first_key_that_is_set_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blank variable counts as none, and a key is taken without the line's end that was pasted with it."""
    monkeypatch.setenv("ONE_API_KEY", " ")
    monkeypatch.setenv("TWO_API_KEY", "key-of-two\n")
    assert key_from("ONE_API_KEY", "TWO_API_KEY", what="Someone") == "key-of-two"


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcd1234efgh.",
        "header Authorization: Bearer abcdefgh12345678 refused",
        "the key hidden-by-hand-1 is wrong",
        "the key from-environment is wrong",
        "user AKIAABCDEFGHIJKLMNOP is unknown",
    ],
)
def test_no_sentence_shows_a_key(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Keys that were read, keys of the environment, and what looks like one are left out of what a server says."""
    monkeypatch.setenv("SOME_API_KEY", "from-environment")
    hide("hidden-by-hand-1")
    told = str(status_error(401, "", text, None))
    assert "[key]" in told
    for secret in ("sk-proj", "abcdefgh", "hidden-by-hand", "from-environment", "AKIA"):
        assert secret not in told
    assert redacted("nothing secret here") == "nothing secret here"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_a_servers_wish_to_wait_is_read(headers: dict[str, str], expected: float | None) -> None:
    """Seconds, milliseconds, and dates; what is none of these is no wish."""
    assert retry_after(headers) == expected


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Output blocked by content filtering policy", "filtered"),
        ("prompt is too long: 300000 tokens > 200000 maximum", "context_too_long"),
        ("Your credit balance is too low to access the API", "quota"),
        ("The provided model identifier is invalid.", "model_not_found"),
        ("tools.0.name: must be short", "bad_request"),
        ("tool_choice 'any' with this model is not supported", "bad_request"),
        ("The model gpt-2 is not supported here", "model_not_found"),
    ],
)
def test_the_words_tell_what_a_bad_request_is(words: str, kind: str) -> None:
    """Type and status say the same for all of these, and what helps is not the same."""
    assert status_error(400, "invalid_request_error", words, None).kind == kind


@pytest.mark.parametrize("status", [*range(300, 600), 999])
def test_every_status_has_a_kind(status: int) -> None:
    """Whatever a server answers, there is a word and a sentence for it."""
    error = status_error(status, "", "because", None)
    assert error.kind in KINDS
    assert "because" in str(error)


async def test_all_runs_share_one_pool() -> None:
    """Whoever asks on one event loop gets the same connections, until they are closed."""
    first = http_client()
    assert http_client(Endpoint(base_url="http://elsewhere")) is first
    assert http_client(Endpoint(connections=3)) is not first
    await close_clients()
    assert first.is_closed
    assert http_client() is not first
    await close_clients()
    assert most_connections() <= 50


def test_each_event_loop_has_its_own() -> None:
    """Connections of a loop that is gone are never used."""

    async def one() -> int:
        client = http_client()
        await close_clients()
        return id(client)

    kept = [asyncio.Runner() for _ in range(2)]
    assert len({runner.run(one()) for runner in kept}) >= 1
    for runner in kept:
        runner.close()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("claude-sonnet-5-5", "did you mean 'anthropic:claude-sonnet-5-5'"),
        ("gpt-6-sol", "did you mean 'openai:gpt-6-sol'"),
        ("antropic:claude-opus-5", "did you mean 'anthropic:claude-opus-5'"),
        ("anthropic:", "write a model after the colon"),
        ("recorded:", "write a run after the colon"),
        ("", "provider:model"),
        ("offlin", "did you mean 'offline'"),
    ],
)
def test_a_wrong_name_is_told_with_the_right_one(name: str, hint: str) -> None:
    """A name that no provider knows gets a hint, and the list of providers."""
    with pytest.raises(ModelNotFoundError) as caught:
        Providers()(name)
    assert hint in str(caught.value)
    assert "offline" in str(caught.value)


def test_an_address_of_a_stranger_gets_no_headers() -> None:
    """What the person wrote themselves is trusted; an address in a model's name alone is not."""
    own = Endpoint(base_url="https://proxy.example/v1", headers={"x-team": "secret-team"})
    providers = Providers({"anthropic": own}, trusted=["https://typed.example/"])
    foreign = providers.endpoint(split_model("anthropic:m@https://evil.example"))
    assert (foreign.is_foreign, dict(foreign.headers)) == (True, {})
    for address in ("https://proxy.example/v1/", "https://typed.example", "https://api.anthropic.com"):
        endpoint = providers.endpoint(split_model(f"anthropic:m@{address}"))
        assert (endpoint.is_foreign, dict(endpoint.headers)) == (False, {"x-team": "secret-team"})
    assert providers.endpoint(split_model("anthropic:m@http://api.anthropic.com")).is_foreign
    assert providers.endpoint(split_model("anthropic:m@https://anthropic.com.evil.example")).is_foreign


@pytest.mark.parametrize(
    ("model", "is_makers"),
    [
        ("bedrock:m@https://bedrock-runtime.eu-central-1.amazonaws.com", True),
        ("bedrock:m@https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", True),
        ("bedrock:m@https://bedrock-runtime.cn-north-1.amazonaws.com.cn", True),
        ("bedrock:m@https://bedrock-runtime.us-east-1.api.aws", True),
        ("bedrock:m@https://bedrock-runtime.eusc-de-east-1.amazonaws.eu", True),
        ("bedrock:m@http://bedrock-runtime.us-east-1.amazonaws.com", False),
        ("bedrock:m@https://x.execute-api.us-east-1.amazonaws.com/prod", False),
        ("bedrock:m@https://x.bedrock-runtime.us-east-1.amazonaws.com", False),
        ("bedrock:m@https://bedrock-runtime.s3.amazonaws.com", False),
        ("bedrock:m@https://bedrock-runtime.s3-us-west-2.amazonaws.com", False),
        ("bedrock:m@https://bedrock-runtime.us-east-1.elb.amazonaws.com", False),
        ("bedrock:m@https://bedrock-runtime.us-east-1.amazonaws.com.evil.example", False),
        ("openai:m@https://eu.api.openai.com/v1", True),
        ("openai:m@https://stranger.openai.azure.com/openai/v1", False),
        ("openai-chat:m@https://stranger.openai.azure.com/openai/v1", False),
        ("anthropic:m@https://evil.example\\.anthropic.com", False),
    ],
)
def test_only_hosts_that_nobody_else_can_have_are_a_makers(model: str, is_makers: bool) -> None:
    """A cloud gives names below its own to anybody, so a stranger's session may name such a one."""
    own = Endpoint(headers={"x-team": "secret-team"})
    name = split_model(model)
    endpoint = Providers({name.provider: own}).endpoint(name)
    assert (endpoint.is_foreign, bool(endpoint.headers)) == (not is_makers, is_makers)
    assert not Providers({name.provider: own}, trusted=[name.base_url or ""]).endpoint(name).is_foreign


def test_a_provider_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of one model use the same client, and so the same connections."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-1234567890")
    providers = Providers()
    assert providers("anthropic:claude-opus-5") is providers("anthropic:claude-sonnet-5")
    assert providers("anthropic:m@http://127.0.0.1:1") is not providers("anthropic:m@http://127.0.0.1:2")
    assert set(KNOWN) >= {"offline", "anthropic", "openai", "openai-chat", "bedrock", "recorded"}


def test_naming_a_model_imports_no_sdk() -> None:
    """That a key is there is found out before the first paint, which does not wait for an SDK."""
    code = (
        "import os, sys; os.environ['ANTHROPIC_API_KEY'] = 'canary-1234567890'; "
        "from workbench.providers.registry import provider_for; provider_for('anthropic:claude-opus-5'); "
        "print([name for name in ('anthropic', 'openai', 'httpx2', 'boto3', 'genai_prices') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("said", "is_unclear"), [("Not Found", True), ("The model `x` does not exist", False)])
def test_a_path_at_which_nothing_is_served_may_be_the_reason(said: str, is_unclear: bool) -> None:
    """Who forgot a part of the address is sent to look at it, too, where nobody there spoke of a model."""
    error = status_error(404, "", said, None)
    assert error.kind == "model_not_found"
    assert ("look at the base URL" in str(error)) is is_unclear


@pytest.mark.parametrize("address", ["127.0.0.1:8902", "127.0.0.1:8902/v1", "localhost", "localhost/v1", "gpu7:8000"])
def test_an_address_without_http_is_no_part_of_a_name(address: str) -> None:
    """What was meant for a server nearby must not go to a maker."""
    with pytest.raises(ModelNotFoundError, match="begins with http://"):
        Providers()(f"openai-chat:qwen3@{address}")


def test_where_a_model_is_asked_is_known_beside_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of a request goes where the request went: to the address of the settings, or of the environment."""
    there = Providers({"anthropic": Endpoint(base_url="http://gateway:1")})
    assert there.address("anthropic:m") == "http://gateway:1"
    assert there.address("anthropic:m@http://other:2") is None
    assert there.address("openai:m") is None
    assert there.address("offline") is None
    monkeypatch.setenv("OPENAI_BASE_URL", "http://proxy:3/v1")
    assert there.address("openai:m") == "http://proxy:3/v1"
