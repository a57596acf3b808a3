"""Anthropic's API over real HTTP on loopback: what is read of it, what goes back, and what happens when it fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.anthropic_kit import (
    Answer,
    Server,
    all_of,
    answer,
    call,
    ended,
    error,
    serving,
    started,
    text,
    thinking,
    wire,
)
from tests.unit.test_wire import request
from workbench.errors import KeyMissingError, PermanentModelError, TransientModelError
from workbench.events.agent import ModelParameters
from workbench.events.content import text_content
from workbench.events.request import AssistantMessage, Request, ThinkingBlock, ToolCallBlock, UserMessage
from workbench.providers.anthropic import AnthropicProvider
from workbench.providers.base import Alive, CallClosed, CallInput, Delta, PartsDelta, TextDelta, TurnEnd, UsageSoFar
from workbench.providers.builder import TurnBuilder
from workbench.providers.remote import Endpoint
from workbench.providers.wire.anthropic import messages_body


def provider(server: Server, **fields: Any) -> AnthropicProvider:
    """Return a provider that asks a server."""
    return AnthropicProvider(Endpoint(base_url=server.url, **fields))


def built(deltas: list[Delta]) -> TurnBuilder:
    """Return a builder that took in all deltas."""
    builder = TurnBuilder(0)
    for delta in deltas:
        builder.feed(delta)
    return builder


def asking(**changes: Any) -> Request:
    """Return a first request."""
    return request(**{"messages": (UserMessage(content=text_content("What?")),), **changes})


async def test_a_turn_arrives_whole_and_goes_back_untouched() -> None:
    """Thinking with its signature and several calls are read, and the next request holds them word for word."""
    said = [thinking(0, "hm", "c2lnbmVk"), text(1, "Look", "ing."), call(2, "look", '{"word"', ': "中"}', id="toolu_a")]
    more = call(3, "look", '{"word": "b"}', id="toolu_b")
    async with serving(answer(started(), *said, more, ended("tool_use"))) as server:
        deltas = await all_of(provider(server), asking())
    builder = built(deltas)
    first, words, one, two = builder.finish()
    assert (first, words.text) == (ThinkingBlock(text="hm"), "Looking.")  # type: ignore[union-attr]
    assert [block.input for block in (one, two) if isinstance(block, ToolCallBlock)] == [{"word": "中"}, {"word": "b"}]
    assert builder.end.stop_reason == "tool_calls"
    turn = AssistantMessage(content=builder.finish(), provider_parts=builder.parts)
    sent: Any = messages_body(asking(messages=(*asking().messages, turn)))
    assert sent["messages"][-1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"},
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "toolu_a", "name": "look", "input": {"word": "中"}},
        {"type": "tool_use", "id": "toolu_b", "name": "look", "input": {"word": "b"}},
    ]


async def test_the_body_on_the_wire_is_the_one_that_is_shown() -> None:
    """What `exact request` shows is what was posted, with the key in its header alone."""
    wanted = asking(parameters=ModelParameters(temperature=0.5, effort="low"))
    async with serving(answer(started(), text(0, "Hi"), ended())) as server:
        await all_of(provider(server, headers={"x-team": "red-team-1"}), wanted)
        ((path, headers, body),) = server.requests
    assert path == "/v1/messages"
    assert body == {**messages_body(wanted), "stream": True}
    assert headers["x-team"] == "red-team-1"
    assert headers["authorization"] == "Bearer none"


async def test_usage_counts_what_the_cache_read_and_wrote() -> None:
    """Input holds all tokens of the request; what came from the cache is told apart, and the cost follows from both."""
    first = started(input_tokens=5, cache_read_input_tokens=100, cache_creation_input_tokens=20)
    async with serving(answer(first, text(0, "Hi"), ended(output_tokens=9))) as server:
        deltas = await all_of(provider(server), asking(model="anthropic:claude-sonnet-5-5"))
    usage = next(delta.usage for delta in deltas if isinstance(delta, TurnEnd))
    assert (usage.input_tokens, usage.output_tokens) == (125, 9)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (100, 20)
    assert usage.cost is not None
    assert 0 < usage.cost < 0.01


async def test_a_ping_keeps_a_silent_turn_alive() -> None:
    """A model that thinks in silence is not given up: each sign of life is told."""
    ping = {"type": "ping"}
    async with serving(answer(started(), ping, ping, text(0, "Hi"), ended())) as server:
        deltas = await all_of(provider(server), asking())
    assert sum(isinstance(delta, Alive) for delta in deltas) >= 3
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["Hi"]


TRANSPORTS = pytest.mark.parametrize("transport", ["httpx2", "aiohttp"])


@TRANSPORTS
async def test_one_connection_serves_turn_after_turn(transport: str) -> None:
    """A turn that was read to its end gives its connection back, also to another provider of the same address."""
    async with serving(answer(started(), text(0, "Hi"), ended())) as server:
        for _ in range(3):
            await all_of(provider(server, transport=transport), asking())
        assert (len(server.requests), server.connections) == (3, 1)


@TRANSPORTS
async def test_giving_up_frees_the_connection_at_once(transport: str) -> None:
    """When nobody reads on, the server sees the connection close, though it has more to say."""
    waits = answer(started(), text(0, "Hi"), hold=asyncio.Event())
    async with serving(waits) as server:
        stream = provider(server, transport=transport).stream(asking())
        async for delta in stream:
            if isinstance(delta, TextDelta):
                break
        await stream.aclose()
        await asyncio.wait_for(server.closed.wait(), 5)


@TRANSPORTS
async def test_a_cancelled_turn_is_cancelled_and_nothing_else(transport: str) -> None:
    """Cancellation is no failure of the model: it passes through, and the connection is free."""
    async with serving(answer(started(), text(0, "Hi"), hold=asyncio.Event())) as server:
        heard = asyncio.Event()

        async def listen() -> None:
            async for delta in provider(server, transport=transport).stream(asking()):
                if isinstance(delta, TextDelta):
                    heard.set()

        task = asyncio.create_task(listen())
        await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.closed.wait(), 5)


async def test_a_paused_turn_is_gone_on_with() -> None:
    """`pause_turn` is no end: what was said goes back, once, and the turn goes on as one, with all that it used."""
    async with serving(
        answer(started(), text(0, "One "), ended("pause_turn")),
        answer(started(), text(0, "two "), ended("pause_turn")),
        answer(started(), text(0, "three."), ended()),
    ) as server:
        deltas = await all_of(provider(server), asking())
        sent = [request[2]["messages"] for request in server.requests]
    builder = built(deltas)
    assert [block.text for block in builder.finish()] == ["One two three."]  # type: ignore[union-attr]
    assert (builder.end.usage.input_tokens, builder.end.usage.output_tokens) == (30, 21)
    said = [{"type": "text", "text": word} for word in ("One ", "two ")]
    assert [messages[len(sent[0]) :] for messages in sent[1:]] == [
        [{"role": "assistant", "content": said[:1]}], [{"role": "assistant", "content": said}]
    ]  # fmt: skip


async def test_a_turn_that_is_paused_for_ever_comes_to_an_end() -> None:
    """After ten pauses it is given up for good, in words of its own, and what it used is known."""
    async with serving(answer(started(), text(0, "On "), ended("pause_turn"))) as server:
        heard: list[Any] = []
        with pytest.raises(PermanentModelError, match="more often than is allowed: 11 times"):
            async for delta in provider(server).stream(asking()):
                heard.append(delta)
        assert len(server.requests) == 11
    used = [delta.usage for delta in heard if isinstance(delta, UsageSoFar)]
    assert used[-1].input_tokens == 110


STATUSES = [
    (error(429, "rate_limit_error", "slow down", retry_after="7"), "rate_limited", 7.0),
    (error(429, "rate_limit_error", "slow down"), "rate_limited", None),
    (error(529, "overloaded_error", "Overloaded", retry_after="2"), "overloaded", 2.0),
    (error(529, "overloaded_error", "Overloaded"), "overloaded", None),
    (error(500, "api_error", "Internal server error"), "server", None),
    (Answer(b"<html>Bad gateway</html>", status=502, content_type="text/html"), "server", None),
    (Answer(b"<!doctype html><html>Sign in</html>", content_type="text/html"), "not_a_stream", None),
]
LASTING = [
    (error(401, "authentication_error", "invalid x-api-key"), "unauthorised"),
    (error(403, "permission_error", "not for you"), "forbidden"),
    (error(404, "not_found_error", "model: claude-0"), "model_not_found"),
    (error(400, "invalid_request_error", "prompt is too long: 300000 tokens > 200000"), "context_too_long"),
    (error(400, "invalid_request_error", "Your credit balance is too low"), "quota"),
    (error(400, "invalid_request_error", "max_tokens: too high"), "bad_request"),
    (error(413, "request_too_large", "Request exceeds 32 MB"), "too_large"),
]


@pytest.mark.parametrize(("given", "kind", "wait"), STATUSES)
async def test_what_passes_is_tried_again(given: Answer, kind: str, wait: float | None) -> None:
    """Overload, limits and errors of the server's own are transient, and the server's wish is kept."""
    async with serving(given) as server:
        with pytest.raises(TransientModelError) as caught:
            await all_of(provider(server), asking())
        assert len(server.requests) == 1
    assert (caught.value.kind, caught.value.retry_after) == (kind, wait)
    assert "<" not in str(caught.value)


@pytest.mark.parametrize(("given", "kind"), LASTING)
async def test_what_lasts_is_not_tried_again(given: Answer, kind: str) -> None:
    """A refused key, an unknown model, too long a conversation: the same request would fail the same way."""
    async with serving(given) as server:
        with pytest.raises(PermanentModelError) as caught:
            await all_of(provider(server), asking())
    assert caught.value.kind == kind
    assert json.loads(given.body)["error"]["message"] in str(caught.value)


WHOLE = wire([started(), *text(0, "中文"), *call(1, "look", '{"word": "a"}'), *ended("tool_use")])
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
BROKEN = [
    ("a cut in the middle of a token", Answer(WHOLE[:-30], is_cut=True)),
    ("a cut in the middle of a letter", Answer(WHOLE[: WHOLE.index("中".encode()) + 1], is_cut=True)),
    ("an end without its event", Answer(WHOLE[: WHOLE.index(b"event: message_stop")])),
    ("an empty stream", Answer(b"")),
    ("a stream without a stop reason", answer(started(), text(0, "Hi"), ended(None))),
    ("an error in the stream", answer(started(), text(0, "Hi"), OVERLOADED)),
    ("what is no JSON", Answer(WHOLE[:300] + b"\n\nevent: ping\ndata: {oops\n\n")),
    ("what is no event", Answer(b"event: message_start\ndata: [1, 2]\n\n")),
    (
        "bytes that are no UTF-8",
        Answer(
            WHOLE.replace(b"word", b"\xff\xfeword"),
        ),
    ),
    ("a block that was never opened", answer(started(), text(0, "Hi")[1:], ended())),
    ("a block that was opened twice", answer(started(), text(0, "Hi"), text(0, "Hi"), ended())),
]


@TRANSPORTS
@pytest.mark.parametrize(("what", "given"), BROKEN, ids=[what for what, _ in BROKEN])
async def test_a_broken_stream_is_no_turn(what: str, given: Answer, transport: str) -> None:
    """However a stream breaks, it is a transient failure, and no turn comes out of it."""
    async with serving(given) as server:
        with pytest.raises(TransientModelError):
            built(await all_of(provider(server, transport=transport), asking())).finish()


@pytest.mark.parametrize(
    ("pieces", "is_valid"), [(('{"word": ',), False), ((), False), (("",), False), (('{"word": "a"}',), True)]
)
async def test_a_call_that_was_cut_by_the_limit_of_tokens_never_runs(pieces: tuple[str, ...], is_valid: bool) -> None:
    """Arguments that broke off are no arguments, and neither are those that had not begun."""
    async with serving(answer(started(), call(0, "look", *pieces), ended("max_tokens"))) as server:
        builder = built(await all_of(provider(server), asking()))
    (block,) = builder.finish()
    assert isinstance(block, ToolCallBlock)
    assert (block.invalid is None) is is_valid
    assert builder.end.stop_reason == "max_tokens"


async def test_a_call_without_arguments_is_a_call() -> None:
    """A tool that takes nothing is called with nothing, once it is sure that nothing follows."""
    async with serving(answer(started(), call(0, "look"), call(1, "look", ""), ended("tool_use"))) as server:
        deltas = await all_of(provider(server), asking())
    assert [block.invalid for block in built(deltas).finish() if isinstance(block, ToolCallBlock)] == [None, None]
    assert [delta.index for delta in deltas if isinstance(delta, CallClosed)] == [0, 1]


async def test_two_calls_of_one_id_are_told_apart() -> None:
    """A server that gives an id twice gets ours back, because it would refuse its own."""
    same = [call(index, "look", "{}", id="toolu_x") for index in (0, 1)]
    async with serving(answer(started(), *same, ended("tool_use"))) as server:
        deltas = await all_of(provider(server), asking())
    assert not any(isinstance(delta, PartsDelta) for delta in deltas)
    assert [block.id for block in built(deltas).finish() if isinstance(block, ToolCallBlock)] == ["0.0", "0.1"]


async def test_arguments_that_come_with_the_beginning_are_read() -> None:
    """Some servers of one's own send the arguments in one go, where the API sends an empty object."""
    events = call(0, "look")
    events[0]["content_block"]["input"] = {"word": "a"}
    async with serving(answer(started(), events, ended("tool_use"))) as server:
        deltas = await all_of(provider(server), asking())
    assert [delta.json for delta in deltas if isinstance(delta, CallInput)] == ['{"word": "a"}']


async def test_a_refusal_is_told_as_one() -> None:
    """The word is ours, so that the engine need not know the provider's."""
    async with serving(answer(started(), text(0, "I"), ended("refusal"))) as server:
        assert built(await all_of(provider(server), asking())).end.stop_reason == "refusal"


async def test_where_nothing_listens_the_sentence_says_so() -> None:
    """A server that is not there may come: it is tried again, and named plainly."""
    async with serving(Answer()) as server:
        url = server.url
    with pytest.raises(TransientModelError, match="connection refused") as caught:
        await all_of(AnthropicProvider(Endpoint(base_url=url)), asking())
    assert caught.value.kind == "unreachable"


async def test_a_name_that_does_not_resolve_is_told() -> None:
    """DNS is told apart from a server that refuses."""
    with pytest.raises(TransientModelError, match="cannot be resolved"):
        await all_of(AnthropicProvider(Endpoint(base_url="http://no-such-host.invalid")), asking())


async def test_what_speaks_no_tls_is_not_asked_again() -> None:
    """https to a server that speaks http fails the same way each time."""

    def answer_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with serving() as served, await asyncio.start_server(answer_plainly, "127.0.0.1", 0) as listening:
        served.url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        with pytest.raises(PermanentModelError) as caught:
            await all_of(provider(served), asking())
    assert caught.value.kind == "tls"


def test_without_a_key_the_variable_is_named() -> None:
    """Nothing is asked, and the sentence says what to set."""
    with pytest.raises(KeyMissingError, match="ANTHROPIC_API_KEY"):
        AnthropicProvider()


async def test_a_key_goes_to_its_maker_and_never_into_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address out of a stranger's session gets no key, and what a server says of a key is told without it."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-1234567890")
    async with serving(error(401, "authentication_error", "bad key canary-1234567890 or sk-ant-abcdefgh")) as server:
        with pytest.raises(PermanentModelError) as caught:
            await all_of(provider(server), asking())
        assert server.requests[-1][1]["authorization"] == "Bearer canary-1234567890"
        assert "canary" not in f"{caught.value!r}{caught.value}"
        assert "sk-ant" not in str(caught.value)
        with pytest.raises(PermanentModelError):
            await all_of(provider(server, is_foreign=True), asking())
        assert server.requests[-1][1]["authorization"] == "Bearer none"
