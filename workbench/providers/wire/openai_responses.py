"""OpenAI's Responses API: `POST /v1/responses`, with nothing kept on the server.

The history is a list of items. Reasoning goes back encrypted, as it came, or not at all. There is no flag for a
result that is an error; it is said in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import JsonValue

from workbench.events.content import Block, DocumentBlock, ImageBlock, TextBlock
from workbench.events.request import AssistantMessage, Request, ToolCallBlock, ToolResultBlock
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

PROVIDER = "openai"
HOSTED: Mapping[str, Body] = {
    "web_search": {"type": "web_search"},
    "code_execution": {"type": "code_interpreter", "container": {"type": "auto"}},
}
"""How tools are asked for that the API runs itself."""
_SHOWN = {"web_search": "web_search_call.action.sources", "code_execution": "code_interpreter_call.outputs"}
"""What the API tells of their results only where it is asked to."""
LEAST_TOKENS = 16
"""The API refuses a smaller limit of output."""
ERROR = "Error:"
"""Stands before a result that is one."""
_WITHOUT_REASONING = re.compile(r"(ft:)?(chatgpt|gpt-[34]|gpt-5-chat)")
"""Models that do not reason; the API refuses to seal their reasoning rather than sending none."""


def responses_body(request: Request, model: str | None = None) -> Body:
    """Return what is posted; `model` stands in for that of the request, where it is of another provider."""
    body: Body = {
        "model": model or split_model(request.model).model,
        "max_output_tokens": max(request.parameters.max_tokens, LEAST_TOKENS),
        "store": False,
        "input": _items(request),
    }
    include: list[JsonValue] = [_SHOWN[name] for name in request.parameters.hosted_tools]
    if not _WITHOUT_REASONING.match(str(body["model"])):
        include.append("reasoning.encrypted_content")
    if include:
        body["include"] = include
    if request.instructions.strip():
        body["instructions"] = request.instructions
    tools: list[JsonValue] = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": object_schema(tool),
            "strict": False,
        }
        for tool in request.tools
    ]
    tools += [HOSTED[name] for name in request.parameters.hosted_tools]
    if tools:
        body["tools"] = tools
        body["tool_choice"] = _tool_choice(request.parameters.tool_choice)
        if not request.parallel_tool_calls and not is_one_at_a_time(str(body["model"])):
            body["parallel_tool_calls"] = False
    if request.parameters.temperature is not None:
        body["temperature"] = request.parameters.temperature
    if request.parameters.effort is not None:
        body["reasoning"] = {"effort": request.parameters.effort, "summary": "auto"}
    return body


def _tool_choice(wanted: str) -> JsonValue:
    if wanted in ("auto", "none"):
        return wanted
    return "required" if wanted in ("any", "required") else {"type": "function", "name": wanted}


def _items(request: Request) -> list[JsonValue]:
    items: list[JsonValue] = []
    ids: dict[str, str] = {}
    for message in request.messages:
        if isinstance(message, AssistantMessage):
            turn, given = _turn(message)
            ids.update(given)
            items += turn
            continue
        items += [_result(result, ids) for result in message.results]
        content = [_block(block) for block in said(message.content)]
        if content:
            items.append({"role": "user", "content": content})
    return items


def _turn(turn: AssistantMessage) -> tuple[list[JsonValue], Mapping[str, str]]:
    """Return the items of a turn, and the ids of its calls in them."""
    own = verbatim(turn, PROVIDER)
    if isinstance(own, list):
        called = [item for item in own if isinstance(item, dict) and item.get("type") == "function_call"]
        given = ids_of(turn, [str(item.get("call_id")) for item in called])
        if given is not None:
            return own, given
    items: list[JsonValue] = []
    ids: dict[str, str] = {}
    for block in turn.content:
        match block:
            case TextBlock() if block.text.strip():
                items.append({"role": "assistant", "content": block.text})
            case ToolCallBlock():
                ids[block.id] = wire_id(block.id)
                items.append(
                    {
                        "type": "function_call",
                        "call_id": ids[block.id],
                        "name": block.tool,
                        "arguments": compact(block.input),
                    }
                )
    return items or [{"role": "assistant", "content": SILENT_TURN}], ids


def _result(result: ToolResultBlock, ids: Mapping[str, str]) -> JsonValue:
    blocks = said(result.content)
    output: JsonValue
    if any(isinstance(block, ImageBlock | DocumentBlock) for block in blocks):
        error: list[JsonValue] = [{"type": "input_text", "text": ERROR}] if result.is_error else []
        output = [*error, *(_block(block) for block in blocks)]
    else:
        text = "\n".join(text_of(block) for block in blocks)
        output = f"{ERROR} {text}" if result.is_error else text
    return {
        "type": "function_call_output",
        "call_id": ids.get(result.call) or wire_id(result.call),
        "output": output,
    }


def _block(block: Block) -> JsonValue:
    match block:
        case ImageBlock() if takes(PROVIDER, block):
            return {"type": "input_image", "image_url": data_url(block), "detail": "auto"}
        case DocumentBlock() if takes(PROVIDER, block):
            return {"type": "input_file", "filename": block.name or "document", "file_data": data_url(block)}
        case _:
            return {"type": "input_text", "text": text_of(block)}
