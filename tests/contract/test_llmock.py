"""The providers against llmock, a server that others wrote: real SDKs, real HTTP, other people's idea of each API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio
from llmock.pytest_plugin import LLMock
from llmock.scenarios import Reply, ToolCall

from tests.contract.talk import QUESTION, Heard, Talk
from workbench.errors import ModelError, PermanentModelError, TransientModelError
from workbench.events.content import text_content
from workbench.events.request import ToolResultBlock, UserMessage
from workbench.providers.anthropic import AnthropicProvider
from workbench.providers.base import Provider
from workbench.providers.openai_chat import OpenAIChatProvider
from workbench.providers.openai_responses import OpenAIResponsesProvider
from workbench.providers.remote import Endpoint, closing_clients

PROVIDERS: dict[str, Callable[[Endpoint], Provider]] = {
    "anthropic": AnthropicProvider,
    "openai": OpenAIResponsesProvider,
    "openai-chat": OpenAIChatProvider,
}
TEXT = "One two three four five six seven."


@dataclass
class Against(Talk):
    """A talk with llmock; what it is to say is scripted on `mock`."""

    mock: LLMock


@pytest_asyncio.fixture(params=PROVIDERS)
async def talk(request: pytest.FixtureRequest, llmock: LLMock) -> AsyncIterator[Against]:
    """Yield a talk with each provider."""
    async with closing_clients():
        base_url = llmock.base_url("anthropic" if request.param == "anthropic" else "openai")
        endpoint = Endpoint(base_url=base_url, first_byte_timeout=0.3, byte_timeout=0.3)
        yield Against(f"{request.param}:some-model", PROVIDERS[request.param](endpoint), llmock)


async def test_a_text_arrives_whole(talk: Against) -> None:
    """A plain answer: its text, its end, and what it used."""
    talk.mock.reply(TEXT)
    heard = await talk.hear()
    assert heard.text == TEXT
    assert heard.end is not None
    assert heard.end.stop_reason == "end_turn"
    assert heard.end.usage.input_tokens > 0
    assert heard.end.usage.output_tokens > 0
    assert heard.end.usage.cost is None


async def test_calls_are_answered_and_the_talk_goes_on(talk: Against) -> None:
    """Two calls in a turn, their results, the answer: the requests are ones that the server takes."""
    calls = (ToolCall("look", {"word": "a"}), ToolCall("look", {"word": "中" * 20}))
    talk.mock.add(Reply(text="Looking.", tool_calls=calls)).reply(TEXT)
    heard = await talk.hear()
    assert [call.input for call in heard.calls] == [call.arguments for call in calls]
    assert heard.end is not None
    assert heard.end.stop_reason == "tool_calls"
    assert (await talk.go_on(heard)).text == TEXT
    talk.mock.assert_resilient(strict=True)


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
@pytest.mark.parametrize("chunks", [0, 1, 3, 5])
async def test_a_broken_stream_is_tried_again_and_nothing_of_it_is_used(talk: Against, fault: str, chunks: int) -> None:
    """Cut, ended without an end, or corrupted: an error that passes, and the next attempt is whole."""
    call = ToolCall("look", {"word": "a long word, in several fragments"})
    talk.mock.add(Reply(tool_calls=(call,), times=2))
    getattr(talk.mock, fault)(after_chunks=chunks)
    broken = Heard()
    with pytest.raises(TransientModelError):
        await talk.hear(heard=broken)
    assert broken.end is None
    assert all(closed.input == call.arguments for closed in broken.closed)
    assert [call.input for call in (await talk.hear()).calls] == [call.arguments]
    assert not talk.mock.verdict().errors


@pytest.mark.parametrize("kind", ["stall", "slow_first_token"])
async def test_silence_is_given_up(talk: Against, kind: str) -> None:
    """A server that stops talking, or never begins, is left after the timeout."""
    talk.mock.reply(TEXT)
    if kind == "stall":
        talk.mock.stall(after_chunks=3, seconds=5)
    else:
        talk.mock.slow_first_token(5)
    with pytest.raises(TransientModelError) as caught:
        await talk.hear()
    assert caught.value.kind == "timeout"


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (429, "rate_limited"),
        (500, "server"),
        (503, "overloaded"),
        (529, "overloaded server"),
        (401, "unauthorised"),
        (404, "model_not_found"),
    ],
)
async def test_statuses_become_kinds(talk: Against, status: int, kinds: str) -> None:
    """Each error has its kind and the wish to wait; it is asked once, as the SDK itself tries nothing again."""
    talk.mock.fail(status, retry_after=2)
    with pytest.raises(ModelError) as caught:
        await talk.hear()
    assert caught.value.kind in kinds.split()
    assert caught.value.retry_after == (2 if isinstance(caught.value, TransientModelError) else None)
    assert len(talk.mock.requests) == 1


async def test_a_conversation_that_is_too_long_says_so(talk: Against) -> None:
    """The context's end is told from other bad requests, and is not tried again."""
    talk.mock.context_overflow()
    with pytest.raises(PermanentModelError) as caught:
        await talk.hear()
    assert caught.value.kind == "context_too_long"


async def test_malformed_arguments_do_not_run(talk: Against) -> None:
    """The turn stands; the call has a reason why it cannot be read, and its error result is accepted."""
    talk.mock.call_tool("look", {"word": "abc"}).break_tool_call("malformed_arguments").reply(TEXT)
    heard = await talk.hear()
    assert [call.input for call in heard.calls] == [{}]
    assert heard.calls[0].invalid
    results = tuple(
        ToolResultBlock(call=call.id, content=text_content(str(call.invalid)), is_error=True) for call in heard.calls
    )
    assert (await talk.hear(talk.request(QUESTION, heard.message(), UserMessage(results=results)))).text == TEXT


async def test_a_tool_that_nobody_offered_is_a_call_like_others(talk: Against) -> None:
    """Its name reaches the loop, which answers that there is no such tool."""
    talk.mock.call_tool("look", {}).break_tool_call("unknown_tool")
    assert [call.tool for call in (await talk.hear()).calls] == ["llmock_unknown_tool"]


async def test_the_limit_of_tokens_is_said(talk: Against) -> None:
    """A turn that reached `max_tokens` is whole, and says why it ends."""
    talk.mock.add(Reply(text=TEXT, finish_reason="length"))
    heard = await talk.hear()
    assert heard.end is not None
    assert (heard.text, heard.end.stop_reason) == (TEXT, "max_tokens")


async def test_what_is_sent_is_ours_alone(talk: Against) -> None:
    """The body holds the instructions, the tool and the question; asked twice, it is the same."""
    talk.mock.reply(TEXT, times=2)
    await talk.hear()
    await talk.hear()
    first, second = (record.body for record in talk.mock.requests)
    assert first == second
    text = json.dumps(first)
    assert all(word in text for word in ("Be exact.", "look", "What?", "some-model"))
