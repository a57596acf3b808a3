"""Content: what people, models and tools say, as a list of typed blocks."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from workbench.events.base import Frozen

FIRST_LINE_LENGTH = 200
"""Characters of a result that the envelope repeats, so that lists need no body."""
LARGEST_INTEGER = 2**63 - 1
"""What SQLite and most readers of JSON hold exactly."""

_SURROGATES = re.compile("[\ud800-\udfff]")


class TextBlock(Frozen):
    """Plain text."""

    type: Literal["text"] = "text"
    text: str
    media_type: str = "text/plain"


class JsonBlock(Frozen):
    """A JSON value that a tool returned as such."""

    type: Literal["json"] = "json"
    value: JsonValue
    media_type: str = "application/json"


class ImageBlock(Frozen):
    """An image; base64 in JSON."""

    type: Literal["image"] = "image"
    data: bytes
    media_type: str


class DocumentBlock(Frozen):
    """A file such as a PDF; base64 in JSON."""

    type: Literal["document"] = "document"
    data: bytes
    media_type: str
    name: str = ""


Block = Annotated[TextBlock | JsonBlock | ImageBlock | DocumentBlock, Field(discriminator="type")]
Content = tuple[Block, ...]


def text_content(text: str) -> Content:
    """Return content of one text block, normalised."""
    return (TextBlock(text=normalise_text(text)),)


def plain_text(content: Content) -> str:
    """Return the readable part of content: text as it is, JSON compact, a placeholder for binary blocks."""
    return "\n".join(_block_text(block) for block in content)


def _block_text(block: Block) -> str:
    match block:
        case TextBlock():
            return block.text
        case JsonBlock():
            return JsonBlock.model_dump_json(block, include={"value"})[len('{"value":') : -1]
        case ImageBlock() | DocumentBlock():
            return f"[{block.media_type}, {len(block.data)} bytes]"


def content_size(content: Content) -> int:
    """Return the size of content in bytes: UTF-8 of texts, raw bytes of binary blocks."""
    total = 0
    for block in content:
        match block:
            case ImageBlock() | DocumentBlock():
                total += len(block.data)
            case TextBlock():
                total += len(block.text.encode())
            case JsonBlock():
                total += len(_block_text(block).encode())
    return total


def first_line(content: Content) -> str:
    """Return the first line that says something, at most `FIRST_LINE_LENGTH` characters."""
    for block in content:
        head = _block_text(block)[: 4 * FIRST_LINE_LENGTH].lstrip()
        if head:
            return head.split("\n", 1)[0][:FIRST_LINE_LENGTH].rstrip()
    return ""


def normalise_text(text: str) -> str:
    """Replace lone surrogates, which neither SQLite nor UTF-8 can hold, by U+FFFD."""
    return _SURROGATES.sub("\ufffd", text) if _SURROGATES.search(text) else text


def normalise_json(value: Any) -> JsonValue:
    """Return `value` as JSON that every reader holds exactly.

    Surrogates become U+FFFD, NaN and infinities become null, integers beyond 64 bits become text, and what JSON
    cannot hold becomes its `repr`.
    """
    match value:
        case None | bool():
            return value
        case str():
            return normalise_text(value)
        case int():
            return value if -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {normalise_text(str(key)): normalise_json(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [normalise_json(item) for item in value]
        case _:
            return normalise_text(repr(value))
