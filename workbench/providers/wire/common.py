"""What all wire formats share: names of models, ids of calls, and blocks that an API does not take."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pydantic import JsonValue

from workbench.events.agent import ToolSpec
from workbench.events.content import Content, DocumentBlock, ImageBlock, JsonBlock, TextBlock, plain_text
from workbench.events.request import AssistantMessage, ToolCallBlock

Body = dict[str, JsonValue]

SILENT_TURN: Final = "(no words)"
"""Stands for a turn of which nothing may be sent: only thinking that another provider signed."""


class ModelName(NamedTuple):
    """The parts of `provider:model[@base_url]`."""

    provider: str
    model: str
    base_url: str | None = None


def split_model(name: str) -> ModelName:
    """Return the parts of a model name; a model's own `@`, as in dated names, is no address."""
    provider, _, rest = name.partition(":")
    model, at, address = rest.partition("@")
    while at and not address.startswith(("http://", "https://")):
        more, at, address = address.partition("@")
        model = f"{model}@{more}"
    return ModelName(provider, model, address or None)


def wire_id(call: str) -> str:
    """Return our id of a call as APIs take it: `3.1` becomes `call_3_1`; Anthropic and Bedrock refuse a dot."""
    return f"call_{call.replace('.', '_')}"


def ids_of(turn: AssistantMessage, given: Sequence[str]) -> Mapping[str, str] | None:
    """Return the ids of a turn's calls as its provider `given` them, or None where they are not as many."""
    calls = [block.id for block in turn.content if isinstance(block, ToolCallBlock)]
    return dict(zip(calls, given, strict=True)) if len(calls) == len(given) else None


def verbatim(turn: AssistantMessage, provider: str) -> JsonValue:
    """Return the turn as `provider` wrote it, or None where another did, or nobody."""
    parts = turn.provider_parts
    return parts.parts if parts is not None and parts.provider == provider else None


def compact(value: JsonValue) -> str:
    """Return JSON on one line, as it is sent inside of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_of(block: TextBlock | JsonBlock | ImageBlock | DocumentBlock) -> str:
    """Return a block as text: JSON compact, a placeholder for what is binary."""
    return plain_text((block,))


def said(content: Content) -> list[TextBlock | JsonBlock | ImageBlock | DocumentBlock]:
    """Return the blocks that say something: APIs refuse texts that are empty or blank."""
    return [block for block in content if not isinstance(block, TextBlock) or block.text.strip()]


def encoded(data: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(data).decode("ascii")


def data_url(block: ImageBlock | DocumentBlock) -> str:
    """Return a binary block as a `data:` address."""
    return f"data:{block.media_type};base64,{encoded(block.data)}"


def object_schema(tool: ToolSpec) -> dict[str, JsonValue]:
    """Return a tool's schema; APIs insist that it says it is an object."""
    return {"type": "object", **tool.input_schema}
