"""Streams of OpenAI's two APIs as they are in the wild: what servers leave out, repeat, and mix up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from workbench.errors import KeyMissingError, ModelError, PermanentModelError, TransientModelError
from workbench.events.agent import ModelParameters, ToolSpec
from workbench.events.content import TextBlock, text_content
from workbench.events.request import ProviderParts, Request, ThinkingBlock, ToolCallBlock, TurnBlock, UserMessage
from workbench.providers.base import TurnEnd
from workbench.providers.builder import TurnBuilder
from workbench.providers.openai_chat import ChatReader
from workbench.providers.openai_client import openai_key
from workbench.providers.openai_responses import ResponsesReader
from workbench.providers.remote import Endpoint
from workbench.providers.wire.openai_chat import chat_body
from workbench.providers.wire.openai_responses import responses_body

Turn = tuple[tuple[TurnBlock, ...], TurnEnd, ProviderParts | None]


def chat(*deltas: Mapping[str, Any], finish: str | None = "stop", usage: Any = None) -> Turn:
    """Return the turn that these deltas of chunks make."""
    reader, builder = ChatReader("openai-chat:m"), TurnBuilder(0)
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": dict(delta)}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage})
    for chunk in chunks:
        for said in reader.take(json.loads(json.dumps(chunk))):
            builder.feed(said)
    builder.feed(reader.end())
    return builder.finish(), builder.end, reader.parts()


def both(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the pieces of two deltas in one."""
    return {"tool_calls": [*first["tool_calls"], *second["tool_calls"]]}


def piece(index: Any = None, id_: str | None = None, name: str | None = None, text: Any = None) -> dict[str, Any]:
    """Return a delta with one piece of a call; what is None is left out."""
    function: dict[str, Any] = {key: value for key, value in (("name", name), ("arguments", text)) if value is not None}
    told: dict[str, Any] = {"index": index, "id": id_, "function": function}
    return {"tool_calls": [{key: value for key, value in told.items() if value is not None}]}


def calls(turn: Turn) -> list[tuple[str, Any]]:
    """Return the calls that can run."""
    return [
        (block.tool, block.input) for block in turn[0] if isinstance(block, ToolCallBlock) and block.invalid is None
    ]


TWO = [("look", {"a": 1}), ("find", {"b": 2})]


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param(
            [piece(0, "x", "look", '{"a"'), piece(0, "x", "look", ": 1}"), piece(1, "y", "find", '{"b": 2}')],
            id="name and id in every piece",
        ),
        pytest.param([piece(0, "x", "look", '{"a": 1}'), piece(0, "y", "find", '{"b": 2}')], id="all have number 0"),
        pytest.param(
            [piece(None, "x", "look", '{"a"'), piece(None, None, None, ": 1}"), piece(None, "y", "find", '{"b": 2}')],
            id="no numbers",
        ),
        pytest.param(
            [piece(0, "x", "look"), piece(1, "y", "find"), piece(0, text='{"a": 1}'), piece(1, text='{"b": 2}')],
            id="interleaved",
        ),
        pytest.param(
            [piece(0, "x", "look", '{"a": '), piece(1, "y", "find", '{"b": 2}'), piece(0, text="1}")],
            id="the first goes on after the second",
        ),
        pytest.param(
            [piece(0, "x", text='{"a"'), piece(0, name="look", text=": 1}"), piece(1, "y", "find", '{"b": 2}')],
            id="name after arguments",
        ),
        pytest.param([piece(0, "x", "look", {"a": 1}), piece(1, "y", "find", {"b": 2})], id="arguments are objects"),
        pytest.param([both(piece(0, "x", "look", '{"a": 1}'), piece(1, "y", "find", '{"b": 2}'))], id="all at once"),
        pytest.param([piece(3, "x", "look", '{"a": 1}'), piece(7, "y", "find", '{"b": 2}')], id="odd numbers"),
        pytest.param([piece(0, None, "look", '{"a": 1}'), piece(1, None, "find", '{"b": 2}')], id="no ids"),
    ],
)
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
def test_calls_of_any_server_are_put_together(deltas: list[Any], finish: str) -> None:
    """However a server numbers, repeats or splits its calls, they are the calls that it meant."""
    turn = chat(*deltas, finish=finish)
    assert calls(turn) == TWO
    assert turn[1].stop_reason == "tool_calls"


def test_a_call_goes_back_with_all_that_came_with_it() -> None:
    """Signatures in a call, thoughts and their details return to the server that sent them."""
    signed = piece(0, "x", "look", '{"a": 1}')
    signed["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "s"}}
    _, _, parts = chat({"reasoning_content": "h"}, {"reasoning_content": "m"}, {"content": "Hi"}, signed)
    assert parts is not None
    assert parts.parts == {
        "role": "assistant",
        "content": "Hi",
        "tool_calls": [
            {
                "id": "x",
                "type": "function",
                "function": {"name": "look", "arguments": '{"a": 1}'},
                "extra_content": {"google": {"thought_signature": "s"}},
            }
        ],
        "reasoning_content": "hm",
    }


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([{"content": "text alone"}], id="no calls"),
        pytest.param([piece(0, None, "look", "{}")], id="no id"),
        pytest.param([piece(0, "x", "look", '{"a"')], id="unreadable"),
        pytest.param([piece(0, "x", "look", "")], id="blank"),
        pytest.param([piece(0, "x", "look", "{}"), piece(1, "x", "look", "{}")], id="the same id twice"),
    ],
)
def test_what_a_server_could_not_read_again_goes_back_in_our_words(deltas: list[Any]) -> None:
    """Local servers read the arguments in the history: one call that is no JSON would fail every request after it."""
    assert chat(*deltas)[2] is None


def test_thoughts_come_under_either_name_once() -> None:
    """Servers call them `reasoning_content` or `reasoning`; those that send both mean the same."""
    content, _, _ = chat({"reasoning": "h"}, {"reasoning_content": "m", "reasoning": "m"}, {"content": "Hi"})
    assert content == (ThinkingBlock(text="hm"), TextBlock(text="Hi"))


def test_content_may_be_a_list_of_parts() -> None:
    """Some servers send thinking and text as parts of the content."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    content, _, _ = chat({"content": [thinking]}, {"content": [{"type": "text", "text": "Hi"}]})
    assert content == (ThinkingBlock(text="hm"), TextBlock(text="Hi"))


@pytest.mark.parametrize(
    ("finish", "expected"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "content_filter"), ("eos", "eos")],
)
def test_the_reason_of_the_end_is_ours_or_the_servers_own(finish: str, expected: str) -> None:
    """Known reasons have our words, others stay as they are."""
    assert chat({"content": "Hi"}, finish=finish)[1].stop_reason == expected


@pytest.mark.parametrize("finish", [None, ""])
def test_without_a_reason_the_turn_is_not_over(finish: Any) -> None:
    """A stream that ends so is cut, whatever it said."""
    reader = ChatReader("openai-chat:m")
    list(reader.take({"choices": [{"delta": {"content": "Hi"}, "finish_reason": finish}]}))
    assert not reader.is_whole


@pytest.mark.parametrize("finish", ["length", "content_filter"])
@pytest.mark.parametrize("text", ["", "{", '{"b": 2}'])
def test_a_cut_call_runs_only_if_it_is_whole(finish: str, text: str) -> None:
    """Where the limit or the filter ended the turn, a call whose arguments can be read was whole; no other is."""
    turn = chat(piece(0, "x", "look", '{"a": 1}'), piece(1, "y", "find", text), finish=finish)
    assert calls(turn) == (TWO if text == '{"b": 2}' else TWO[:1])


def test_usage_is_the_last_one_told_and_unknown_where_none_is() -> None:
    """Some servers count in every chunk, some never: then the cost is unknown, not 0."""
    reader = ChatReader("openai-chat:m")
    list(reader.take({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}}))
    reader.count({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}, {"usage": None})
    assert (reader.end().usage.input_tokens, reader.end().usage.output_tokens) == (7, 2)
    assert chat({"content": "Hi"})[1].usage.cost is None


def responses(*events: Mapping[str, Any], model: str = "openai:m") -> Turn:
    """Return the turn that these events make."""
    reader, builder = ResponsesReader(model), TurnBuilder(0)
    for event in events:
        for said in reader.take(json.loads(json.dumps(event))):
            builder.feed(said)
    if reader.end is not None:
        builder.feed(reader.end)
    return builder.finish(), builder.end, reader.parts


def read(*events: Mapping[str, Any]) -> ResponsesReader:
    """Return the reader of these events."""
    reader = ResponsesReader("openai:m")
    for told in events:
        list(reader.take(json.loads(json.dumps(told))))
    return reader


def event(kind: str, index: int | None = None, **fields: Any) -> dict[str, Any]:
    """Return one event."""
    return {"type": f"response.{kind}", **({} if index is None else {"output_index": index}), **fields}


def done(index: int, **item: Any) -> dict[str, Any]:
    """Return the end of an item."""
    return event("output_item.done", index, item=item)


def completed(*output: Any, status: str = "completed", **fields: Any) -> dict[str, Any]:
    """Return the end of a response."""
    return event(status, response={"status": status, "output": list(output), **fields})


MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
CALL = {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"a": 1}'}
REASONING = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "sealed"}


def test_a_server_may_say_all_at_once() -> None:
    """Items without pieces, or only in the last event of all, make the same turn."""
    expected = (TextBlock(text="Hi"), ToolCallBlock(id="0.0", tool="look", input={"a": 1}))
    assert responses(done(0, **MESSAGE), done(1, **CALL), completed())[0] == expected
    assert responses(completed(MESSAGE, CALL))[0] == expected
    assert responses(event("output_item.added", 1, item=CALL), done(0, **MESSAGE), completed(MESSAGE, CALL))[1]


def test_pieces_must_be_what_the_item_says() -> None:
    """Pieces that came twice, or were lost on the way, are a broken stream: the call does not run."""
    opened = event("output_item.added", 0, item={**CALL, "arguments": ""})
    twice = event("function_call_arguments.delta", 0, delta='{"a": 1}')
    with pytest.raises(TransientModelError, match="streamed"):
        responses(opened, twice, twice, done(0, **CALL), completed())
    said = event("output_text.delta", 0, delta="Hi")
    with pytest.raises(TransientModelError, match="streamed"):
        responses(said, said, done(0, **MESSAGE), completed())


def test_two_messages_and_two_thoughts_are_paragraphs() -> None:
    """What the provider sends apart is not run together."""
    thought = {"type": "reasoning", "summary": [{"text": "one"}, {"text": "two"}], "encrypted_content": "s"}
    content, _, _ = responses(done(0, **thought), done(1, **MESSAGE), done(2, **MESSAGE), completed())
    assert content == (ThinkingBlock(text="one\n\ntwo"), TextBlock(text="Hi\n\nHi"))


def test_reasoning_goes_back_with_what_follows_it() -> None:
    """All items return in their order, untouched."""
    _, end, parts = responses(done(1, **CALL), done(0, **REASONING), completed())
    assert parts is not None
    assert parts.parts == [REASONING, CALL]
    assert end.stop_reason == "tool_calls"


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([REASONING], id="reasoning that nothing follows"),
        pytest.param([{**REASONING, "encrypted_content": None}, CALL], id="reasoning that is not sealed"),
        pytest.param([CALL, CALL], id="one id for two calls"),
        pytest.param([{**CALL, "call_id": ""}], id="no id"),
        pytest.param([{**CALL, "arguments": '{"a"'}], id="unreadable arguments"),
        pytest.param([], id="nothing"),
    ],
)
def test_what_the_api_would_refuse_goes_back_in_our_words(items: list[Any]) -> None:
    """A turn that cannot return as it came is stripped whole, never sent in part."""
    assert read(*(done(index, **item) for index, item in enumerate(items)), completed()).parts is None


def test_an_incomplete_response_says_why_and_keeps_nothing() -> None:
    """Reasoning without what follows it would be refused."""
    details = {"incomplete_details": {"reason": "content_filter"}}
    reader = read(done(0, **REASONING), completed(status="incomplete", **details))
    assert reader.end is not None
    assert (reader.end.stop_reason, reader.parts) == ("content_filter", None)


@pytest.mark.parametrize(
    ("told", "kind", "made"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}, "rate_limited", TransientModelError),
        ({"type": "error", "error": {"type": "server_error", "message": "x"}}, "server", TransientModelError),
        (event("failed", response={"error": {"code": "invalid_prompt"}}), "filtered", PermanentModelError),
        (event("failed", response={"error": None}), "server", TransientModelError),
    ],
)
def test_errors_in_events_are_raised(told: Any, kind: str, made: type[ModelError]) -> None:
    """The SDK raises nothing for them."""
    with pytest.raises(made) as caught:
        responses(told)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    "strange",
    [
        event("output_text.delta", delta="no index"),
        event("output_text.delta", 0, delta=5),
        event("output_item.done", 0, item=None),
        event("function_call_arguments.delta", 0, delta="{}"),
        event("completed", response=[]),
    ],
)
def test_events_that_cannot_be_are_a_broken_stream(strange: Any) -> None:
    """Nothing is guessed, and nothing else goes wrong than the turn."""
    with pytest.raises(TransientModelError):
        responses(strange)


def ask(model: str, **parameters: Any) -> Request:
    """Return a short request."""
    return Request(
        purpose="step",
        instructions="",
        tools=(),
        messages=(UserMessage(content=text_content("What?")),),
        model=model,
        parameters=ModelParameters(**parameters),
    )


@pytest.mark.parametrize(
    ("model", "has"), [("gpt-6-sol", True), ("o3", True), ("gpt-4o", False), ("gpt-5-chat", False)]
)
def test_only_models_that_reason_are_asked_to_seal_it(model: str, has: bool) -> None:
    """The API refuses the wish of all others."""
    assert ("include" in responses_body(ask(f"openai:{model}"))) is has


@pytest.mark.parametrize(("model", "has"), [("gpt-6-sol", True), ("o3", False), ("o4-mini", False)])
def test_models_that_call_one_at_a_time_are_not_told_to(model: str, has: bool) -> None:
    """They do so anyway, and their API refuses the switch; for all others the default is left alone."""
    tools = (ToolSpec(name="look", description="Look.", input_schema={}),)
    for body, name in ((responses_body, "openai"), (chat_body, "openai-chat")):
        asked = replace(ask(f"{name}:{model}"), tools=tools)
        assert "parallel_tool_calls" not in body(asked)
        assert ("parallel_tool_calls" in body(replace(asked, parallel_tool_calls=False))) is has


def test_effort_asks_for_the_thoughts_as_well() -> None:
    """Who wants a model to think wants to see what it thought, as far as its maker shows it."""
    assert responses_body(ask("openai:gpt-6-sol", effort="high"))["reasoning"] == {"effort": "high", "summary": "auto"}


@pytest.mark.parametrize(
    ("address", "limit"),
    [
        ("", "max_completion_tokens"),
        ("@https://api.openai.com/v1", "max_completion_tokens"),
        ("@https://me.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("@http://127.0.0.1:8080/v1", "max_tokens"),
        ("@https://openai.com.evil.example/v1", "max_tokens"),
    ],
)
def test_each_server_gets_the_limit_that_it_knows(address: str, limit: str) -> None:
    """OpenAI's own models refuse `max_tokens`, other servers know nothing else."""
    assert limit in chat_body(ask(f"openai-chat:m{address}"))


OURS, OTHER = "sk-openai-key-of-mine", "key-of-the-other-server"


@pytest.mark.parametrize(
    ("endpoint", "is_for_others", "variables", "expected"),
    [
        (Endpoint(), False, ("OPENAI_API_KEY",), OURS),
        (Endpoint(base_url="https://eu.api.openai.com/v1"), True, ("OPENAI_API_KEY",), OURS),
        (Endpoint(base_url="http://gateway/v1"), False, ("OPENAI_API_KEY", "MODEL_API_KEY"), OURS),
        (Endpoint(base_url="http://local/v1"), True, ("OPENAI_API_KEY", "MODEL_API_KEY"), OTHER),
        (Endpoint(base_url="http://local/v1"), True, ("OPENAI_API_KEY",), "none"),
        (Endpoint(base_url="http://evil/v1", is_foreign=True), False, ("OPENAI_API_KEY",), "none"),
        (Endpoint(headers={"api-key": "azure"}), False, (), "none"),
    ],
)
def test_keys_go_only_where_they_belong(
    monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint, is_for_others: bool, variables: Iterable[str], expected: str
) -> None:
    """OpenAI's key is for OpenAI and the person's own gateway, never for an address in the name of a model."""
    for name in variables:
        monkeypatch.setenv(name, OURS if name == "OPENAI_API_KEY" else OTHER)
    assert openai_key(endpoint, is_for_others=is_for_others) == expected


def test_a_missing_key_is_a_sentence_with_its_variable() -> None:
    """Before anything is asked or written."""
    with pytest.raises(KeyMissingError, match="OPENAI_API_KEY"):
        openai_key(Endpoint(), is_for_others=False)
