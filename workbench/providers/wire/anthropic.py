"""Anthropic's Messages API: `POST /v1/messages`.

Its rules: roles alternate; each `tool_use` is answered by one `tool_result` in the next message, before any text;
texts are never blank; thinking goes back with its signature or not at all.

Four places are marked for the prompt cache, as many as there may be: the end of the tools, of the instructions, and of
the last two messages of the user. So each request finds what the one before it wrote, and a fork what its parent wrote
up to the message before the edited one, however many calls lie between.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from workbench.events.content import Block, DocumentBlock, ImageBlock, TextBlock
from workbench.events.request import AssistantMessage, Request, ToolCallBlock, ToolResultBlock, UserMessage
from workbench.providers.wire.blocks import takes
from workbench.providers.wire.common import (
    SILENT_TURN,
    Body,
    encoded,
    ids_of,
    object_schema,
    said,
    split_model,
    text_of,
    verbatim,
    wire_id,
)
from workbench.providers.wire.thinking import takes_word, thinking

PROVIDER = "anthropic"
HOSTED: Mapping[str, Body] = {
    "web_search": {"type": "web_search_20250305", "name": "web_search"},
    "code_execution": {"type": "code_execution_20250825", "name": "code_execution"},
}
"""How tools are asked for that the API runs itself; the versions that all of its models take."""
MARKED_MESSAGES = 2
_CACHED: Body = {"cache_control": {"type": "ephemeral"}}


def messages_body(request: Request, model: str | None = None) -> Body:
    """Return what is posted; `model` stands in for that of the request, where it is of another provider."""
    body: Body = {
        "model": model or split_model(request.model).model,
        "max_tokens": request.parameters.max_tokens,
        "messages": _messages(request),
    }
    if request.instructions.strip():
        body["system"] = [{"type": "text", "text": request.instructions, **_CACHED}]
    tools: list[JsonValue] = [
        {"name": tool.name, "description": tool.description, "input_schema": object_schema(tool)}
        for tool in request.tools
    ]
    tools += [HOSTED[name] for name in request.parameters.hosted_tools]
    if tools:
        _mark(tools)
        body["tools"] = tools
        body["tool_choice"] = _tool_choice(request)
    if request.parameters.temperature is not None:
        body["temperature"] = request.parameters.temperature
    if request.parameters.effort is not None:
        body |= _effort(request, str(body["model"]), request.parameters.effort)
    return body


def _effort(request: Request, model: str, effort: str) -> Body:
    """Return how much the model shall think."""
    body: Body = {"output_config": {"effort": effort}} if takes_word(model) else {}
    thought = thinking(request, model, PROVIDER)
    return body if thought is None else {**body, "thinking": thought}


def _mark(blocks: JsonValue) -> None:
    """Mark the last of some blocks as the end of what the prompt cache shall keep."""
    if isinstance(blocks, list) and blocks and isinstance(blocks[-1], dict):
        blocks[-1] = {**blocks[-1], **_CACHED}


def _tool_choice(request: Request) -> dict[str, JsonValue]:
    wanted = request.parameters.tool_choice
    if wanted == "none":
        return {"type": "none"}
    choice: dict[str, JsonValue]
    match wanted:
        case "auto":
            choice = {"type": "auto"}
        case "any" | "required":
            choice = {"type": "any"}
        case _:
            choice = {"type": "tool", "name": wanted}
    if not request.parallel_tool_calls:
        choice["disable_parallel_tool_use"] = True
    return choice


def _messages(request: Request) -> list[JsonValue]:
    messages: list[JsonValue] = []
    ids: dict[str, str] = {}
    for message in request.messages:
        if isinstance(message, AssistantMessage):
            content, given = _turn(message)
            ids.update(given)
            messages.append({"role": "assistant", "content": content})
        else:
            messages.append({"role": "user", "content": _user(message, ids)})
    of_user = [sent["content"] for sent in messages if isinstance(sent, dict) and sent["role"] == "user"]
    for blocks in of_user[-MARKED_MESSAGES:]:
        _mark(blocks)
    return messages


def _turn(turn: AssistantMessage) -> tuple[list[JsonValue], Mapping[str, str]]:
    """Return the blocks of a turn, and the ids of its calls in them."""
    own = verbatim(turn, PROVIDER)
    if isinstance(own, list):
        used = [block for block in own if isinstance(block, dict) and block.get("type") == "tool_use"]
        given = ids_of(turn, [str(block.get("id")) for block in used])
        if given is not None:
            return own, given
    blocks: list[JsonValue] = []
    ids: dict[str, str] = {}
    for block in turn.content:
        match block:
            case TextBlock() if block.text.strip():
                blocks.append({"type": "text", "text": block.text})
            case ToolCallBlock():
                ids[block.id] = wire_id(block.id)
                blocks.append({"type": "tool_use", "id": ids[block.id], "name": block.tool, "input": block.input})
    return blocks or [{"type": "text", "text": SILENT_TURN}], ids


def _user(message: UserMessage, ids: Mapping[str, str]) -> list[JsonValue]:
    results: list[JsonValue] = [_result(result, ids) for result in message.results]
    return [*results, *(_block(block) for block in said(message.content))]


def _result(result: ToolResultBlock, ids: Mapping[str, str]) -> JsonValue:
    block: dict[str, JsonValue] = {
        "type": "tool_result",
        "tool_use_id": ids.get(result.call) or wire_id(result.call),
        "content": [_block(item) for item in said(result.content)],
    }
    if result.is_error:
        block["is_error"] = True
    return block


def _block(block: Block) -> JsonValue:
    match block:
        case ImageBlock() if takes(PROVIDER, block):
            source: JsonValue = {"type": "base64", "media_type": block.media_type, "data": encoded(block.data)}
            return {"type": "image", "source": source}
        case DocumentBlock() if takes(PROVIDER, block):
            source = {"type": "base64", "media_type": block.media_type, "data": encoded(block.data)}
            document: dict[str, JsonValue] = {"type": "document", "source": source}
            return {**document, "title": block.name} if block.name else document
        case _:
            return {"type": "text", "text": text_of(block)}
