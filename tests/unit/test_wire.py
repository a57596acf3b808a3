"""Requests as the APIs of Anthropic and OpenAI want them, checked against the types of their own SDKs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from hypothesis import given, settings
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from tests.strange import strange_text
from workbench.events.agent import ModelParameters, ToolSpec
from workbench.events.content import (
    Content,
    DocumentBlock,
    ImageBlock,
    JsonBlock,
    TextBlock,
    normalise_text,
    text_content,
)
from workbench.events.request import (
    AssistantMessage,
    ProviderParts,
    Request,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    UserMessage,
)
from workbench.providers.wire.anthropic import messages_body
from workbench.providers.wire.bedrock import converse_arguments
from workbench.providers.wire.common import Body, ModelName, split_model
from workbench.providers.wire.openai_chat import chat_body
from workbench.providers.wire.openai_responses import responses_body

LOOK = ToolSpec(name="look", description="Look.", input_schema={"properties": {"word": {"type": "string"}}})
CALLS = (
    ToolCallBlock(id="0.0", tool="look", input={"word": "中"}),
    ToolCallBlock(id="0.1", tool="look", input={}, invalid="cut"),
)
PNG = ImageBlock(data=b"\x89PNG", media_type="image/png")
PDF = DocumentBlock(data=b"%PDF", media_type="application/pdf", name="a.pdf")
RESULTS = (
    ToolResultBlock(call="0.0", content=(*text_content("found"), PNG, JsonBlock(value={"a": 1}))),
    ToolResultBlock(call="0.1", content=text_content("unreadable"), is_error=True),
)

WireBody = Callable[[Request], Body]
BODIES: list[tuple[str, WireBody, Any]] = [
    ("anthropic", messages_body, TypeAdapter(MessageCreateParamsNonStreaming)),
    ("openai", responses_body, TypeAdapter(ResponseCreateParamsNonStreaming)),
    ("openai-chat", chat_body, TypeAdapter(CompletionCreateParamsNonStreaming)),
]


def request(provider: str = "anthropic", *, parts: Any = None, tail: Content = (), **changes: Any) -> Request:
    """Return a request with two calls, their results, and words of a person."""
    turn = AssistantMessage(
        content=(ThinkingBlock(text="hm"), TextBlock(text="Looking."), *CALLS),
        provider_parts=None if parts is None else ProviderParts(provider=provider, parts=parts),
    )
    fields: dict[str, Any] = {
        "purpose": "step",
        "instructions": "Be exact.",
        "tools": (LOOK,),
        "messages": (
            UserMessage(content=text_content("What?")),
            turn,
            UserMessage(results=RESULTS, content=(*text_content("Also this:"), PDF, *tail)),
        ),
        "model": f"{provider}:some-model",
        "parameters": ModelParameters(effort="low"),
    }
    return Request(**{**fields, **changes})


def check(shape: Any, body: Body) -> None:
    """Check a body against the types of an SDK, down to the last part: pydantic looks into iterables when asked."""
    exhaust(shape.validate_python(body))


def exhaust(value: Any) -> None:
    """Look at every part of a value."""
    if isinstance(value, dict):
        for item in value.values():
            exhaust(item)
    elif not isinstance(value, str | bytes) and isinstance(value, Iterable):
        for item in value:
            exhaust(item)


def texts_and_ids(body: Body) -> str:
    """Return a body as text."""
    return json.dumps(body, ensure_ascii=False)


@pytest.mark.parametrize(("provider", "make", "shape"), BODIES)
@pytest.mark.parametrize("choice", ["auto", "any", "none", "look"])
def test_bodies_are_what_the_sdks_take(provider: str, make: WireBody, shape: Any, choice: str) -> None:
    """Calls, results, images, documents and every choice of tools have the shapes that the SDKs declare."""
    for parallel in (True, False):
        wanted = ModelParameters(tool_choice=choice, effort="low")
        body = make(request(provider, parameters=wanted, parallel_tool_calls=parallel))
        check(shape, body)
        assert set(body) <= known_names(shape)
        assert "hm" not in texts_and_ids(body)
        assert body["model"] == "some-model"


def known_names(shape: Any) -> set[str]:
    """Return the fields that an SDK declares."""
    return set(shape.core_schema.get("schema", shape.core_schema)["fields"])


def test_anthropic_gets_results_first_in_one_message() -> None:
    """One user message: a result for each call in the model's order, then what a person said."""
    body: Any = messages_body(request())
    _, turn, last = body["messages"]
    assert [block["type"] for block in turn["content"]] == ["text", "tool_use", "tool_use"]
    assert [block["type"] for block in last["content"]] == ["tool_result", "tool_result", "text", "document"]
    assert [block["tool_use_id"] for block in last["content"][:2]] == ["call_0_0", "call_0_1"]
    assert [block["id"] for block in turn["content"][1:]] == ["call_0_0", "call_0_1"]
    assert "is_error" not in last["content"][0]
    assert last["content"][1]["is_error"] is True
    assert [block["type"] for block in last["content"][0]["content"]] == ["text", "image", "text"]
    assert [block["text"] for block in body["system"]] == ["Be exact."]
    assert body["tools"][0]["input_schema"]["type"] == "object"
    assert body["output_config"] == {"effort": "low"}


def test_a_request_finds_in_the_cache_what_the_one_before_it_wrote() -> None:
    """Tools, instructions and the last two user messages are marked, four places as the API allows, and no other."""
    first = UserMessage(content=text_content("Before"))
    said = AssistantMessage(content=(TextBlock(text="Yes."),))
    body: Any = messages_body(request(messages=(first, said, *request().messages)))
    users = [message["content"] for message in body["messages"] if message["role"] == "user"]
    marked = [body["tools"][-1], body["system"][-1], users[-2][-1], users[-1][-1]]
    assert [block["cache_control"] for block in marked] == [{"type": "ephemeral"}] * 4
    assert texts_and_ids(body).count("cache_control") == 4


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("claude-sonnet-5-5", "high", {"type": "adaptive", "display": "summarized"}),
        ("claude-haiku-4-5", "high", {"type": "enabled", "budget_tokens": 3072}),
        ("claude-sonnet-5-5", None, None),
    ],
)
def test_effort_is_said_as_the_model_takes_it(model: str, effort: str | None, expected: object) -> None:
    """Newer models are given a word, older ones a number of tokens; nothing is asked where nobody asks for it."""
    started = (UserMessage(content=text_content("What?")),)
    wanted = request(model=f"anthropic:{model}", messages=started, parameters=ModelParameters(effort=effort))
    body = messages_body(wanted)
    assert body.get("thinking") == expected
    assert ("output_config" in body) is (effort is not None and model == "claude-sonnet-5-5")


def test_thinking_stays_off_in_a_loop_whose_turns_were_not_kept() -> None:
    """The API refuses thinking that goes on after turns that were edited or come from another provider."""
    assert "thinking" not in messages_body(request(parameters=ModelParameters(effort="high")))
    parts: Any = [{"type": "tool_use", "id": name, "name": "look", "input": {}} for name in ("a", "b")]
    assert "thinking" in messages_body(request(parts=parts, parameters=ModelParameters(effort="high")))


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-haiku-4-5"])
@pytest.mark.parametrize("beside", [{"tool_choice": "any"}, {"tool_choice": "look"}, {"temperature": 0.5}])
def test_claude_is_not_asked_to_think_beside_what_forbids_it(model: str, beside: dict[str, Any]) -> None:
    """The API refuses thinking beside a forced call or a temperature; what a person chose by name wins."""
    started = (UserMessage(content=text_content("What?")),)
    for provider, asked in (("anthropic", messages_body), ("bedrock", converse_arguments)):
        name = model if provider == "anthropic" else f"us.anthropic.{model}-v1:0"
        wanted = ModelParameters(effort="high", **beside)
        body = repr(asked(request(model=f"{provider}:{name}", messages=started, parameters=wanted)))
        assert "'thinking'" not in body
        alone = ModelParameters(effort="high")
        assert "'thinking'" in repr(asked(request(model=f"{provider}:{name}", messages=started, parameters=alone)))


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        ("auto", True, {"type": "auto"}),
        ("auto", False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        ("look", True, {"type": "tool", "name": "look"}),
        ("none", False, {"type": "none"}),
    ],
)
def test_one_call_at_a_time_is_asked_of_anthropic(choice: str, parallel: bool, expected: object) -> None:
    """The switch is told to the model wherever it may call at all."""
    wanted = ModelParameters(tool_choice=choice)
    assert messages_body(request(parameters=wanted, parallel_tool_calls=parallel))["tool_choice"] == expected


def test_openai_keeps_nothing_and_gets_items() -> None:
    """The whole history goes along, reasoning comes back encrypted, errors are said in words."""
    body: Any = responses_body(request("openai", parallel_tool_calls=False))
    kinds = [item.get("type", item.get("role")) for item in body["input"]]
    assert kinds == [
        "user", "assistant", "function_call", "function_call", "function_call_output", "function_call_output", "user",
    ]  # fmt: skip
    assert json.loads(body["input"][2]["arguments"]) == {"word": "中"}
    assert body["input"][4]["output"][1]["image_url"].startswith("data:image/png;base64,")
    assert body["input"][5]["output"] == "Error: unreadable"
    assert (body["store"], body["parallel_tool_calls"]) == (False, False)
    assert body["include"] == ["reasoning.encrypted_content"]
    assert responses_body(request("openai", parameters=ModelParameters(max_tokens=1)))["max_output_tokens"] == 16


def test_chat_servers_get_text_results_and_images_after_them() -> None:
    """A tool's message holds text only; what it showed follows, with the name of the call."""
    body: Any = chat_body(request("openai-chat"))
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool", "tool", "user"]
    assert body["messages"][3]["content"] == 'found\n[image/png, 4 bytes]\n{"a":1}'
    parts = body["messages"][-1]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "text", "file"]
    assert parts[0]["text"] == "From call_0_0:"
    assert body["messages"][2]["tool_calls"][0]["id"] == "call_0_0"
    assert body["max_completion_tokens"] == 4096
    local: Any = chat_body(request("openai-chat", model="openai-chat:qwen3@http://127.0.0.1:1/v1"))
    assert local["max_tokens"] == 4096
    assert local["model"] == "qwen3"


VERBATIM: list[tuple[str, WireBody, Any]] = [
    (
        "anthropic",
        messages_body,
        [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
            {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}},
        ],
    ),
    (
        "openai",
        responses_body,
        [
            {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e"},
            {"type": "function_call", "call_id": "fc_1", "name": "look", "arguments": "{}"},
            {"type": "function_call", "call_id": "fc_2", "name": "look", "arguments": "{}"},
        ],
    ),
    (
        "openai-chat",
        chat_body,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c_1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                {"id": "c_2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
            ],
        },
    ),
]


@pytest.mark.parametrize(("provider", "make", "parts"), VERBATIM)
def test_a_turn_goes_back_to_its_provider_verbatim(provider: str, make: WireBody, parts: Any) -> None:
    """What a provider signed is sent as it came, and the results answer to the ids in it."""
    body: Any = make(request(provider, parts=parts))
    sent = body.get("messages") or body["input"]
    for part in parts if isinstance(parts, list) else [parts]:
        assert any(part == item or (isinstance(item.get("content"), list) and part in item["content"]) for item in sent)
    text = texts_and_ids(body)
    assert "call_0_0" not in text
    answers = re.findall(r'"(?:tool_use_id|call_id|tool_call_id)": "(\w+)"', text)
    assert answers[-2:] in (["toolu_1", "toolu_2"], ["fc_1", "fc_2"], ["c_1", "c_2"])


@pytest.mark.parametrize(("provider", "make", "parts"), VERBATIM)
def test_what_does_not_fit_its_turn_is_not_sent(provider: str, make: WireBody, parts: Any) -> None:
    """Parts of another provider, or with another number of calls, are left out whole."""
    assert "call_0_0" in texts_and_ids(make(request("other", parts=parts)))
    fewer = parts[:-1] if isinstance(parts, list) else {**parts, "tool_calls": parts["tool_calls"][:1]}
    assert "call_0_0" in texts_and_ids(make(request(provider, parts=fewer)))
    assert "call_0_0" in texts_and_ids(make(request(provider, parts="nonsense")))


@pytest.mark.parametrize(("provider", "make", "shape"), BODIES)
def test_blank_texts_and_silent_turns_are_not_sent(provider: str, make: WireBody, shape: Any) -> None:
    """APIs refuse blank texts: they are left out, and a turn that only thought has words in its place."""
    history = (
        UserMessage(content=text_content("What?")),
        AssistantMessage(content=(ThinkingBlock(text="hm"),)),
        UserMessage(content=text_content("Go on.")),
        AssistantMessage(content=(TextBlock(text=" \n"), CALLS[0])),
        UserMessage(results=(ToolResultBlock(call="0.0", content=text_content("  ")),)),
    )
    body = make(request(provider, messages=history, instructions=" ", tools=()))
    check(shape, body)
    text = texts_and_ids(body)
    assert "(no words)" in text
    assert not re.search(r'"text": "\s*"', text)
    assert not {"tools", "tool_choice", "system", "instructions", "parallel_tool_calls"} & set(body)


@pytest.mark.parametrize(("provider", "make", "shape"), BODIES)
def test_kinds_of_file_that_an_api_does_not_take_are_named(provider: str, make: WireBody, shape: Any) -> None:
    """An image of an odd kind becomes its placeholder; nothing is dropped in silence."""
    odd = ImageBlock(data=b"x", media_type="image/tiff")
    body = make(request(provider, tail=(odd,)))
    check(shape, body)
    assert "[image/tiff, 1 bytes]" in texts_and_ids(body)


@settings(max_examples=40, deadline=None)
@given(strange_text(40), strange_text(40))
def test_any_text_makes_a_sound_body(first: str, second: str) -> None:
    """Whatever people, models and tools say is carried whole."""
    first, second = normalise_text(first), normalise_text(second)
    history = (
        UserMessage(content=text_content(first)),
        AssistantMessage(content=(TextBlock(text=second), CALLS[0])),
        UserMessage(results=(ToolResultBlock(call="0.0", content=text_content(first)),)),
    )
    for provider, make, shape in BODIES:
        body = make(request(provider, messages=history))
        check(shape, body)
        assert json.loads(json.dumps(body)) == body


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("offline", ModelName("offline", "", None)),
        ("anthropic:claude-sonnet-4-5", ModelName("anthropic", "claude-sonnet-4-5", None)),
        ("openai-chat:qwen3@http://h:1/v1", ModelName("openai-chat", "qwen3", "http://h:1/v1")),
        ("openai-chat:org/m@2025@https://u@h/v1", ModelName("openai-chat", "org/m@2025", "https://u@h/v1")),
        ("bedrock:us.anthropic.claude-v1:0", ModelName("bedrock", "us.anthropic.claude-v1:0", None)),
        ("anthropic:m@latest", ModelName("anthropic", "m@latest", None)),
    ],
)
def test_model_names_are_taken_apart(name: str, expected: ModelName) -> None:
    """Provider, model and address; an `@` that begins no address belongs to the model."""
    assert split_model(name) == expected
