"""Bedrock's Converse API: `POST /model/MODEL/converse-stream`, as the arguments of boto3's `converse_stream`.

Its rules: roles alternate; each `toolUse` is answered by one `toolResult` in the next message; texts are never blank;
`toolConfig` is there whenever the history holds calls. It has no word for calling no tool, nor for one call at a time,
so both are said in words. Many models answer behind it, and refuse what only some of them take: marks for the prompt
cache, and the status of a result.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import JsonValue

from workbench.events.content import Block, DocumentBlock, ImageBlock, TextBlock
from workbench.events.request import AssistantMessage, Request, ToolCallBlock, ToolResultBlock, UserMessage
from workbench.providers.wire.blocks import takes
from workbench.providers.wire.common import (
    SILENT_TURN,
    ids_of,
    object_schema,
    said,
    split_model,
    text_of,
    verbatim,
    wire_id,
)
from workbench.providers.wire.thinking import takes_word, thinking

PROVIDER: Final = "bedrock"
MARKED_MESSAGES: Final = 2
NOTHING_SAID: Final = "(no output)"
"""Stands for a result without content; a result must have some."""
FAILED: Final = "The call failed:"
"""Says so before a result, to models that take no status."""
NO_TOOLS_NOW: Final = "Answer in words now, without calling a tool."
ONE_AT_A_TIME: Final = "Call one tool at a time."
_MARK: Final = {"cachePoint": {"type": "default"}}
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9()\[\]-]+")
"""What the name of a document must not hold; blanks only one by one."""


def converse_arguments(request: Request) -> dict[str, Any]:
    """Return what `converse_stream` is given. Not JSON: bytes stay bytes, boto3 encodes them."""
    model = split_model(request.model).model
    inference: dict[str, Any] = {"maxTokens": request.parameters.max_tokens}
    if request.parameters.temperature is not None:
        inference["temperature"] = request.parameters.temperature
    arguments: dict[str, Any] = {"modelId": model, "messages": _messages(request, model), "inferenceConfig": inference}
    system = [text for text in (request.instructions, _manner(request)) if text.strip()]
    if system:
        arguments["system"] = [*({"text": text} for text in system), *_marks(model, "system")]
    if request.tools:
        arguments["toolConfig"] = _tools(request, model)
    if request.parameters.effort is not None:
        arguments |= _effort(request, model, request.parameters.effort)
    return arguments


def _manner(request: Request) -> str:
    return ONE_AT_A_TIME if request.tools and not request.parallel_tool_calls else ""


def _is_claude(model: str) -> bool:
    return "anthropic.claude" in model


def _is_nova(model: str) -> bool:
    return "amazon.nova" in model


def _marks(model: str, place: str) -> list[dict[str, Any]]:
    """Return the mark for the prompt cache, where the model takes one: Nova takes none among its tools."""
    return [_MARK] if _is_claude(model) or (_is_nova(model) and place != "tools") else []


def _tools(request: Request, model: str) -> dict[str, Any]:
    tools = [
        {
            "toolSpec": {
                "name": tool.name,
                "description": tool.description.strip() or tool.name,
                "inputSchema": {"json": object_schema(tool)},
            }
        }
        for tool in request.tools
    ]
    config: dict[str, Any] = {"tools": [*tools, *_marks(model, "tools")]}
    match request.parameters.tool_choice:
        case "none":
            pass
        case "auto":
            config["toolChoice"] = {"auto": {}}
        case "any" | "required":
            config["toolChoice"] = {"any": {}}
        case name:
            config["toolChoice"] = {"tool": {"name": name}}
    return config


def _effort(request: Request, model: str, effort: str) -> dict[str, Any]:
    """Return how much the model shall think."""
    worded = {"outputConfig": {"effort": effort}}
    if not _is_claude(model):
        return worded
    thought = thinking(request, model, PROVIDER)
    more = {} if thought is None else {"additionalModelRequestFields": {"thinking": thought}}
    return {**(worded if takes_word(model) else {}), **more}


def _messages(request: Request, model: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    ids: dict[str, str] = {}
    for message in request.messages:
        if isinstance(message, AssistantMessage):
            content, given = _turn(message)
            ids.update(given)
            messages.append({"role": "assistant", "content": content})
        else:
            messages.append({"role": "user", "content": _user(message, ids, model)})
    of_user = [message["content"] for message in messages if message["role"] == "user"]
    _tell_documents_apart(of_user)
    for content in of_user[-MARKED_MESSAGES:]:
        content.extend(_marks(model, "messages"))
    if of_user and request.tools and request.parameters.tool_choice == "none":
        of_user[-1].append({"text": NO_TOOLS_NOW})
    return messages


def _tell_documents_apart(of_user: Iterable[list[dict[str, Any]]]) -> None:
    """Give documents of one name numbers: the API refuses two of the same, also in different messages."""
    names: set[str] = set()
    for block in (block for content in of_user for block in content):
        for one in block["toolResult"]["content"] if "toolResult" in block else [block]:
            if (document := one.get("document")) is None:
                continue
            name, number = document["name"], 1
            while document["name"] in names:
                number += 1
                document["name"] = f"{name} ({number})"
            names.add(document["name"])


def _turn(turn: AssistantMessage) -> tuple[list[dict[str, Any]], Mapping[str, str]]:
    """Return the blocks of a turn, and the ids of its calls in them."""
    own = _own(turn)
    if own is not None:
        return own
    blocks: list[dict[str, Any]] = []
    ids: dict[str, str] = {}
    for block in turn.content:
        match block:
            case TextBlock() if block.text.strip():
                blocks.append({"text": block.text})
            case ToolCallBlock():
                ids[block.id] = wire_id(block.id)
                blocks.append({"toolUse": {"toolUseId": ids[block.id], "name": block.tool, "input": block.input}})
    return blocks or [{"text": SILENT_TURN}], ids


def _own(turn: AssistantMessage) -> tuple[list[dict[str, Any]], Mapping[str, str]] | None:
    """Return the turn as the API wrote it, with the ids of its calls, or None where another did."""
    parts = verbatim(turn, PROVIDER)
    if not isinstance(parts, list):
        return None
    blocks = [sealed_as_bytes(block) for block in parts if isinstance(block, dict)]
    used = [block["toolUse"] for block in blocks if isinstance(block.get("toolUse"), dict)]
    ids = ids_of(turn, [str(use.get("toolUseId")) for use in used])
    return None if ids is None or not blocks else (blocks, ids)


def sealed_as_text(sealed: bytes) -> str:
    """Return what only the provider can read, as the log keeps it."""
    return base64.b64encode(sealed).decode("ascii")


def sealed_as_bytes(block: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Return a block of a turn as boto3 takes it."""
    told: Any = block.get("reasoningContent")
    if isinstance(told, dict) and isinstance(told.get("redactedContent"), str):
        try:
            return {"reasoningContent": {"redactedContent": base64.b64decode(told["redactedContent"], validate=True)}}
        except binascii.Error:
            return {"text": SILENT_TURN}
    return dict(block)


def _user(message: UserMessage, ids: Mapping[str, str], model: str) -> list[dict[str, Any]]:
    content = said(message.content)
    blocks = [_result(result, ids, model) for result in message.results]
    blocks += _blocks(content)
    if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
        blocks.append({"text": "Read this."})  # a document must not stand alone
    return blocks


def _result(result: ToolResultBlock, ids: Mapping[str, str], model: str) -> dict[str, Any]:
    content = list(_blocks(said(result.content))) or [{"text": NOTHING_SAID}]
    told: dict[str, Any] = {"toolUseId": ids.get(result.call) or wire_id(result.call), "content": content}
    if result.is_error and (_is_claude(model) or _is_nova(model)):
        told["status"] = "error"
    elif result.is_error:
        told["content"] = [{"text": FAILED}, *content]
    return {"toolResult": told}


def _blocks(content: Iterable[Block]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for number, block in enumerate(content, 1):
        match block:
            case ImageBlock() if takes(PROVIDER, block):
                source = {"bytes": block.data}
                blocks.append({"image": {"format": block.media_type.removeprefix("image/"), "source": source}})
            case DocumentBlock() if takes(PROVIDER, block):
                name = _NOT_IN_NAMES.sub(" ", block.name or "").strip()[:100]
                named = f"{name} {number}".strip() if name else f"document {number}"
                blocks.append({"document": {"format": "pdf", "name": named, "source": {"bytes": block.data}}})
            case _:
                blocks.append({"text": text_of(block)})
    return blocks
