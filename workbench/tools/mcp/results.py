"""What an MCP tool gave, as content: not larger than it may be, and nothing said twice."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from workbench.events.content import (
    Block,
    DocumentBlock,
    ImageBlock,
    JsonBlock,
    TextBlock,
    content_size,
    normalise_json,
    normalise_text,
)
from workbench.tools.base import ToolResult

if TYPE_CHECKING:
    import mcp_types

LARGEST_RESULT = 1_000_000
"""Bytes of a whole result; what is beyond is cut, and the result says so."""


def result_of(given: mcp_types.CallToolResult) -> ToolResult:
    """Return the result of a call."""
    blocks = [block for item in given.content for block in _blocks(item)]
    if given.structured_content is not None:
        blocks = _with_structure(blocks, normalise_json(given.structured_content))
    return ToolResult(tuple(_bounded(blocks)) or (TextBlock(text="done"),), is_error=given.is_error)


def _blocks(item: Any) -> Iterator[Block]:
    match item.type:
        case "text":
            yield TextBlock(text=normalise_text(item.text))
        case "image" | "audio":
            yield _binary(item.data, item.mime_type, "")
        case "resource_link":
            named = f"{item.title or item.name}: {item.uri}"
            yield TextBlock(text=normalise_text(f"{named}\n{item.description or ''}".strip()))
        case "resource":
            resource = item.resource
            text = getattr(resource, "text", None)
            if text is not None:
                yield TextBlock(text=normalise_text(f"{resource.uri}\n{text}"))
            else:
                yield _binary(resource.blob, resource.mime_type or "", str(resource.uri))
        case _:
            yield TextBlock(text=f"[{normalise_text(str(item.type))}: left out]")


def _binary(data: str, media_type: str, name: str) -> Block:
    media_type, name = normalise_text(media_type), normalise_text(name)
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return TextBlock(text=f"[{name or media_type}: left out, it is no base64]")
    if media_type.startswith("image/"):
        return ImageBlock(data=raw, media_type=media_type, name=name)
    if media_type == "application/pdf":
        return DocumentBlock(data=raw, media_type=media_type, name=name)
    return TextBlock(text=f"[{': '.join(filter(None, (name, media_type)))}, {len(raw):,} bytes: left out]")


def _with_structure(blocks: list[Block], structure: JsonValue) -> list[Block]:
    """Put a structured value in the place of the text that says the same; a bare text stays the text that it is."""
    texts = [block.text for block in blocks if isinstance(block, TextBlock)]
    wrapped = structure.get("result") if isinstance(structure, dict) and set(structure) == {"result"} else None
    if wrapped is not None and not isinstance(wrapped, dict | list) and len(texts) == 1:
        said = wrapped if isinstance(wrapped, str) else json.dumps(wrapped)
        if texts[0] == said:
            return blocks
    others = [block for block in blocks if not isinstance(block, TextBlock)]
    if len(texts) == 1 and _parsed(texts[0]) in (structure, wrapped):
        return [JsonBlock(value=structure), *others]
    if isinstance(wrapped, list) and [_parsed(text) for text in texts] == wrapped:
        return [JsonBlock(value=structure), *others]  # a list is said in one text for each of its items
    return [*blocks, JsonBlock(value=structure)]


def _parsed(text: str) -> Any:
    try:
        return normalise_json(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _bounded(blocks: list[Block]) -> Iterator[Block]:
    room = LARGEST_RESULT
    for block in blocks:
        size = content_size((block,))
        if size <= room:
            room -= size
            yield block
            continue
        if isinstance(block, ImageBlock | DocumentBlock):
            yield TextBlock(text=f"[{block.media_type}, {size:,} bytes: left out, a result has at most 1 MB]")
            continue
        text = block.text if isinstance(block, TextBlock) else json.dumps(block.value, ensure_ascii=False)
        kept = text.encode()[:room].decode(errors="ignore")
        room = 0
        yield TextBlock(text=f"{kept}\n[cut here: it has {size:,} bytes, and a result at most 1 MB]")
