"""What is Bedrock's own: what its models take, whom its credentials are shown to, and a thread that can be left."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from importlib import import_module
from typing import Any
from unittest.mock import patch

import pytest

from tests.contract.adapters.bedrock import ADAPTER, ENVIRONMENT, event
from tests.contract.script import KEY, SECRET, Answer
from tests.contract.talk import LOOK, QUESTION, talking
from tests.loop_kit import Lab, answer
from workbench.errors import KeyMissingError, TransientModelError
from workbench.events.agent import ModelParameters
from workbench.events.content import DocumentBlock, ImageBlock, JsonBlock, TextBlock, text_content
from workbench.events.request import (
    AssistantMessage,
    ProviderParts,
    Request,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    UserMessage,
)
from workbench.events.turn import ModelRetried
from workbench.providers.base import CallClosed, CallOpened, Delta, PartsDelta, TurnEnd
from workbench.providers.bedrock import ATTEMPTS, READ_TIMEOUT, REGION, BedrockProvider
from workbench.providers.bedrock_events import ConverseTurn
from workbench.providers.remote import Endpoint
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.providers.wire.bedrock import NO_TOOLS_NOW, NOTHING_SAID, ONE_AT_A_TIME, converse_arguments

CLAUDE, NOVA, OTHER = "bedrock:eu.anthropic.claude-opus-5:1", "bedrock:amazon.nova-pro-v1:0", "bedrock:openai.gpt-oss-1"
SERVICE = import_module("botocore.session").get_session().get_service_model("bedrock-runtime")
SHAPE = SERVICE.operation_model("ConverseStream").input_shape
PNG = ImageBlock(data=b"\x89PNG", media_type="image/png")
PDF = DocumentBlock(data=b"%PDF", media_type="application/pdf", name="a/b: c.pdf")
CALLS = (ToolCallBlock(id="0.0", tool="look", input={"word": "中"}), ToolCallBlock(id="0.1", tool="look", input={}))


def request(model: str = CLAUDE, parts: Any = None, last: UserMessage | None = None, **changes: Any) -> Request:
    """Return a request with two calls and their results."""
    turn = AssistantMessage(
        content=(ThinkingBlock(text="hm"), TextBlock(text="Looking."), *CALLS),
        provider_parts=None if parts is None else ProviderParts(provider="bedrock", parts=parts),
    )
    results = (
        ToolResultBlock(call="0.0", content=(*text_content("found"), PNG, JsonBlock(value={"a": 1}))),
        ToolResultBlock(call="0.1", content=text_content(" "), is_error=True),
    )
    fields: dict[str, Any] = {
        "purpose": "step",
        "instructions": "Be exact.",
        "tools": (LOOK,),
        "messages": (QUESTION, turn, last or UserMessage(results=results, content=(PDF,))),
        "model": model,
        "parameters": ModelParameters(effort="low"),
    }
    return Request(**{**fields, **changes})


def checked(asked: Request) -> Any:
    """Return the arguments of a request, which boto3 must find right."""
    arguments = converse_arguments(asked)
    report = import_module("botocore.validate").ParamValidator().validate(arguments, SHAPE)
    assert not report.has_errors(), report.generate_report()
    return arguments


@pytest.mark.parametrize("model", [CLAUDE, NOVA, OTHER])
@pytest.mark.parametrize("choice", ["auto", "any", "none", "look"])
def test_arguments_are_what_boto3_takes(model: str, choice: str) -> None:
    """Calls, results, images, documents and every choice of tools have the shapes that boto3 declares."""
    for parallel in (True, False):
        wanted = ModelParameters(tool_choice=choice, effort="low", temperature=0.1)
        told = checked(request(model, parameters=wanted, parallel_tool_calls=parallel))
        assert told["modelId"] == model.removeprefix("bedrock:")
        texts = [block.get("text") for block in (*told["system"], *told["messages"][-1]["content"])]
        assert (ONE_AT_A_TIME in texts) is not parallel
        assert (NO_TOOLS_NOW in texts) is (choice == "none")
        assert ("toolChoice" in told["toolConfig"]) is (choice != "none")


def test_what_only_some_models_take() -> None:
    """Marks for the cache and the status of a result go to the models that know them; the others get words."""
    for model, marks, has_status in ((CLAUDE, 4, True), (NOVA, 3, True), (OTHER, 0, False)):
        told = checked(request(model))
        assert str(told).count("cachePoint") == marks, model
        failed = told["messages"][-1]["content"][1]["toolResult"]
        assert (failed.get("status") == "error") is has_status
        assert failed["content"][-1] == {"text": NOTHING_SAID}
        assert ("failed" in str(failed["content"])) is not has_status


def test_documents_have_names_that_are_taken() -> None:
    """A document's name is reduced to what the API allows, and a document never stands without a word."""
    told = checked(request())
    content = told["messages"][-1]["content"]
    named = [block["document"]["name"] for block in content if "document" in block]
    assert named == ["a b c pdf 1"], "it is told apart from others of that name by its number"
    assert any("text" in block for block in content)


def test_two_documents_never_have_one_name() -> None:
    """The API refuses that, also where they stand in different messages."""
    paper = DocumentBlock(data=b"%PDF-", media_type="application/pdf", name="paper.pdf")
    asked = UserMessage(content=(*text_content("What?"), paper))
    turn = AssistantMessage(content=(TextBlock(text="This."),))
    told = checked(request(messages=(asked, turn, asked, turn, asked)))
    blocks = [block for message in told["messages"] for block in message["content"]]
    named = [block["document"]["name"] for block in blocks if "document" in block]
    assert named == ["paper pdf 2", "paper pdf 2 (2)", "paper pdf 2 (3)"]


def test_thinking_goes_back_sealed_as_it_came() -> None:
    """Signatures and redacted thinking go back byte for byte, under the ids that the provider gave."""
    parts = [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": SECRET}}},
        {"reasoningContent": {"redactedContent": "AAH/"}},
        {"toolUse": {"toolUseId": "t0", "name": "look", "input": {"word": "中"}}},
        {"toolUse": {"toolUseId": "t1", "name": "look", "input": {}}},
    ]
    told = checked(request(parts=parts))
    turn = told["messages"][1]["content"]
    assert turn[0] == parts[0]
    assert turn[1] == {"reasoningContent": {"redactedContent": b"\x00\x01\xff"}}
    assert [block["toolResult"]["toolUseId"] for block in told["messages"][2]["content"][:2]] == ["t0", "t1"]
    assert told["additionalModelRequestFields"]["thinking"]["type"] == "adaptive"
    assert "additionalModelRequestFields" not in checked(request()), "thinking rests where a turn cannot go back whole"


def read(*events: dict[str, Any]) -> list[Delta]:
    """Read the events of a turn to its end."""
    turn = ConverseTurn()
    found = [delta for told in events for delta in turn.read(told)]
    for told in events:
        turn.count(told)
    return [*found, *turn.end(CLAUDE)]


def call(index: int, *pieces: str, stop: bool = True) -> list[dict[str, Any]]:
    """Return the events of a call."""
    start = {"toolUse": {"toolUseId": f"t{index}", "name": "look"}}
    deltas = [{"contentBlockDelta": {"contentBlockIndex": index, "delta": {"toolUse": {"input": x}}}} for x in pieces]
    ended = [{"contentBlockStop": {"contentBlockIndex": index}}] if stop else []
    return [{"contentBlockStart": {"contentBlockIndex": index, "start": start}}, *deltas, *ended]


def text(index: int, said: str) -> dict[str, Any]:
    """Return the event of a piece of text."""
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": {"text": said}}}


def ended(reason: str) -> dict[str, Any]:
    """Return the event that ends a turn."""
    return {"messageStop": {"stopReason": reason}}


@pytest.mark.parametrize(
    "events",
    [
        [*call(0, "{}"), *call(0, "{}")],
        [*call(0, "{}"), {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "x"}}}}],
        [{"contentBlockDelta": {"contentBlockIndex": 3, "delta": {"toolUse": {"input": "x"}}}}],
        [{"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"name": "look"}}}}],
        [text(0, "a"), {"contentBlockStop": {"contentBlockIndex": 0}}, text(0, "b")],
        [*call(0, "{}"), {"contentBlockStop": {"contentBlockIndex": 0}}],
        [*call(0, '{"a'), ended("malformed_tool_use")],
        [text(0, "a"), ended("malformed_model_output")],
    ],
)
def test_events_that_do_not_fit_break_the_turn(events: list[dict[str, Any]]) -> None:
    """Pieces of blocks that are not open, blocks opened or closed twice, and what the model garbled: tried again."""
    with pytest.raises(TransientModelError):
        read(*events)


def test_a_call_without_arguments_is_closed_when_it_is_sure() -> None:
    """Without arguments a call runs only when something follows that shows that they were not cut off."""
    closed = [type(delta) for delta in read(*call(0), *call(1, "{}"), ended("tool_use"))]
    assert closed.index(CallClosed) < closed.index(CallOpened, closed.index(CallClosed))
    assert sum(kind is CallClosed for kind in closed) == 2
    cut = read(*call(0, "{}"), *call(1), ended("max_tokens"))
    assert [delta.index for delta in cut if isinstance(delta, CallClosed)] == [0]


def test_a_turn_that_tells_no_usage_costs_something_unknown() -> None:
    """Where the stream ends right after the turn, its cost is unknown, never 0."""
    end = read(text(0, "hi"), ended("end_turn"))[-1]
    assert isinstance(end, TurnEnd)
    assert end.usage.cost is None


def test_thinking_that_nobody_signed_is_not_sent_back() -> None:
    """Models that show thoughts without sealing them do not take them back."""
    thought = {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}}
    deltas = read(thought, *call(1, "{}"), ended("tool_use"))
    parts = [delta.parts.parts for delta in deltas if isinstance(delta, PartsDelta)]
    assert parts == [[{"toolUse": {"toolUseId": "t1", "name": "look", "input": {}}}]]


@contextmanager
def environment(**more: str) -> Iterator[None]:
    """Have only these AWS settings in the environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    bare = {name: value for name, value in ENVIRONMENT.items() if "KEY" not in name}
    with patch.dict(os.environ, {**kept, **bare, **more}, clear=True):
        yield


def test_no_credentials_are_told_before_anything_else() -> None:
    """Without credentials there is a sentence that names the variables."""
    with environment(), pytest.raises(KeyMissingError, match=r"AWS_ACCESS_KEY_ID.*AWS_PROFILE"):
        BedrockProvider()


def test_defaults_are_those_of_the_table() -> None:
    """us-east-1, long timeouts, ten attempts that the run makes itself, at boto3's adaptive pace."""
    with environment(AWS_ACCESS_KEY_ID="AKIA0123456789AB", AWS_SECRET_ACCESS_KEY=KEY):
        provider = BedrockProvider()
        client = provider.client()
    assert (client.meta.region_name, provider.attempts) == (REGION, ATTEMPTS)
    config = client.meta.config
    assert (config.read_timeout, config.connect_timeout) == (READ_TIMEOUT, 60.0)
    assert config.retries["mode"] == "adaptive"
    assert config.retries["total_max_attempts"] == 1


def test_a_time_that_is_usual_elsewhere_is_a_choice_here() -> None:
    """Thirty seconds that a person typed are thirty seconds, though other providers have them anyway."""
    chosen = Endpoint(connect_timeout=30.0, first_byte_timeout=30.0, byte_timeout=60.0)
    with environment(AWS_ACCESS_KEY_ID="AKIA0123456789AB", AWS_SECRET_ACCESS_KEY=KEY):
        config = BedrockProvider(chosen).client().meta.config
    assert (config.read_timeout, config.connect_timeout) == (60.0, 30.0)


@pytest.mark.parametrize(("given", "region"), [("eu-west-1", "eu-west-1"), (None, "ap-south-1")])
def test_region(given: str | None, region: str) -> None:
    """The region is the one that was chosen, else that of the environment."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIA0123456789AB", "AWS_SECRET_ACCESS_KEY": KEY, "AWS_REGION": "ap-south-1"}
    with environment(**keys):
        assert BedrockProvider(Endpoint(region=given)).client().meta.region_name == region


@pytest.mark.parametrize(("is_foreign", "has_token"), [(True, True), (True, False), (False, False)])
async def test_an_address_out_of_a_session_gets_no_credentials(is_foreign: bool, has_token: bool) -> None:
    """An address that came with a model's name sees neither keys nor tokens; one that the person chose does."""
    mine = {
        "AWS_ACCESS_KEY_ID": "AKIAMINE01234567",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_SESSION_TOKEN": "session-token-1",
    }
    if has_token:
        mine["AWS_BEARER_TOKEN_BEDROCK"] = "bearer-token-0123456789"
    async with talking(ADAPTER, Answer("hi")) as talk:
        with environment(**mine):
            endpoint = Endpoint(base_url=talk.served.base_url, is_foreign=is_foreign, headers={"x-team": "blue"})
            talk.provider = BedrockProvider(endpoint)
            assert (await talk.hear()).text == "hi"
    headers = talk.served.headers[0]
    shown = any(value in str(headers) for value in ("AKIAMINE", "session-token-1", "bearer-token"))
    assert shown is not is_foreign
    assert headers["x-team"] == "blue"


async def test_a_turn_is_broken_off_before_its_answer_begins() -> None:
    """A server that takes the request and says nothing loses its connection at once when a person stops."""
    accepted, left = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                accepted.set()
                while connection.recv(1 << 16):
                    pass
                left.set()

        threading.Thread(target=serve, daemon=True).start()
        provider = ADAPTER.provider(Endpoint(base_url=f"http://127.0.0.1:{server.getsockname()[1]}"))

        async def hear() -> None:
            stream: Any = provider.stream(request(messages=(QUESTION,)))
            async with aclosing(stream) as deltas:
                async for _ in deltas:
                    pass

        task = asyncio.create_task(hear())
        assert await asyncio.to_thread(accepted.wait, 20)
        task.cancel()
        async with asyncio.timeout(2):
            await asyncio.wait([task])
        assert task.cancelled()
        assert await asyncio.to_thread(left.wait, 5)


def test_a_turn_is_tried_as_often_as_its_provider_asks() -> None:
    """Ten attempts for Bedrock, each of them an event of the run, with its wait."""

    class Patient(ScriptedProvider):
        attempts = 3

    broken = Turn(error=TransientModelError("slow down", kind="rate_limited", retry_after=0.0))

    async def run() -> Lab:
        lab = Lab((), provider=Patient([broken, broken, answer()]))
        assert (await lab.run()).status == "completed"
        return lab

    assert len(asyncio.run(run()).all(ModelRetried)) == 2


def test_frames_are_those_of_the_wire() -> None:
    """The messages of these tests are read by botocore itself, checksums and all."""
    buffer = import_module("botocore.eventstream").EventStreamBuffer()
    buffer.add_data(event("messageStop", {"stopReason": "end_turn"}))
    [told] = list(buffer)
    assert told.headers[":event-type"] == "messageStop"
    assert json.loads(told.payload) == {"stopReason": "end_turn"}
