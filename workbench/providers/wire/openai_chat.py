"""The Chat Completions API, OpenAI's own and that of local servers: `POST /chat/completions`.

Each result is a message of its own, and holds text only; its images follow in the user's message. There is no flag
for a result that is an error; it is said in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import JsonValue

from workbench.events.content import Block, DocumentBlock, ImageBlock, TextBlock
from workbench.events.request import AssistantMessage, Request, ToolCallBlock, ToolResultBlock, UserMessage
from workbench.providers.catalog import is_one_at_a_time
from workbench.providers.wire.blocks import takes
from workbench.providers.wire.common import (
    SILENT_TURN,
    Body,
    compact,
    data_url,
    ids_of,
    object_schema,
    said,
    split_model,
    text_of,
    verbatim,
    wire_id,
)
from workbench.providers.wire.openai_responses import ERROR

PROVIDER = "openai-chat"
OWN_HOSTS = ("openai.com", "openai.azure.com", "services.ai.azure.com")
"""Where OpenAI's own models are served, under these names or below them."""


def is_openai(address: str | None) -> bool:
    """Whether OpenAI itself, or Azure in its name, answers at a base URL; None is the SDK's own."""
    if address is None:
        return True
    host = (urlsplit(address).hostname or "").lower()
    return any(host == name or host.endswith(f".{name}") for name in OWN_HOSTS)


def chat_body(request: Request, model: str | None = None) -> Body:
    """Return what is posted; `model` stands in for that of the request, where it is of another provider.

    OpenAI's own models want `max_completion_tokens`, other servers know `max_tokens` alone.
    """
    name = split_model(request.model)
    limit = "max_completion_tokens" if model is None and is_openai(name.base_url) else "max_tokens"
    body: Body = {
        "model": model or name.model,
        limit: request.parameters.max_tokens,
        "messages": _messages(request),
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": object_schema(tool)},
            }
            for tool in request.tools
        ]
        body["tool_choice"] = _tool_choice(request.parameters.tool_choice)
        if not request.parallel_tool_calls and not is_one_at_a_time(str(body["model"])):
            body["parallel_tool_calls"] = False
    if request.parameters.temperature is not None:
        body["temperature"] = request.parameters.temperature
    if request.parameters.effort is not None:
        body["reasoning_effort"] = request.parameters.effort
    return body


def _tool_choice(wanted: str) -> JsonValue:
    if wanted in ("auto", "none"):
        return wanted
    return "required" if wanted in ("any", "required") else {"type": "function", "function": {"name": wanted}}


def _messages(request: Request) -> list[JsonValue]:
    messages: list[JsonValue] = []
    if request.instructions.strip():
        messages.append({"role": "system", "content": request.instructions})
    ids: dict[str, str] = {}
    for message in request.messages:
        if isinstance(message, AssistantMessage):
            turn, given = _turn(message)
            ids.update(given)
            messages.append(turn)
        else:
            messages += _user(message, ids)
    return messages


def _turn(turn: AssistantMessage) -> tuple[JsonValue, Mapping[str, str]]:
    """Return the message of a turn, and the ids of its calls in it."""
    own = verbatim(turn, PROVIDER)
    if isinstance(own, dict):
        calls = own.get("tool_calls")
        called = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
        given = ids_of(turn, [str(call.get("id")) for call in called])
        if given is not None:
            return own, given
    text = "\n\n".join(block.text for block in turn.content if isinstance(block, TextBlock) and block.text.strip())
    asked = [block for block in turn.content if isinstance(block, ToolCallBlock)]
    ids = {block.id: wire_id(block.id) for block in asked}
    if not asked:
        return {"role": "assistant", "content": text or SILENT_TURN}, ids
    tool_calls: list[JsonValue] = [
        {
            "id": ids[block.id],
            "type": "function",
            "function": {"name": block.tool, "arguments": compact(block.input)},
        }
        for block in asked
    ]
    return {"role": "assistant", "content": text or None, "tool_calls": tool_calls}, ids


def _user(message: UserMessage, ids: Mapping[str, str]) -> list[JsonValue]:
    """Return a message for each result, then one for what a tool showed and what was said."""
    messages: list[JsonValue] = [_result(result, ids) for result in message.results]
    shown: list[JsonValue] = []
    for result in message.results:
        parts = [_part(block) for block in said(result.content) if _is_shown(block)]
        if parts:
            shown += [{"type": "text", "text": f"From {ids.get(result.call) or wire_id(result.call)}:"}, *parts]
    blocks = said(message.content)
    if shown or any(_is_shown(block) for block in blocks):
        messages.append({"role": "user", "content": [*shown, *(_part(block) for block in blocks)]})
    elif blocks:
        # Plain text, which every server takes; some know no parts.
        messages.append({"role": "user", "content": "\n\n".join(text_of(block) for block in blocks)})
    return messages


def _result(result: ToolResultBlock, ids: Mapping[str, str]) -> JsonValue:
    text = "\n".join(text_of(block) for block in said(result.content))
    return {
        "role": "tool",
        "tool_call_id": ids.get(result.call) or wire_id(result.call),
        "content": f"{ERROR} {text}" if result.is_error else text,
    }


def _is_shown(block: Block) -> bool:
    """Whether a block is more than text here."""
    return isinstance(block, ImageBlock | DocumentBlock) and takes(PROVIDER, block)


def _part(block: Block) -> JsonValue:
    match block:
        case ImageBlock() if _is_shown(block):
            return {"type": "image_url", "image_url": {"url": data_url(block)}}
        case DocumentBlock() if _is_shown(block):
            return {"type": "file", "file": {"filename": block.name or "document.pdf", "file_data": data_url(block)}}
        case _:
            return {"type": "text", "text": text_of(block)}
