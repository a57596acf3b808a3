"""Content: what people, models and tools say, as a list of typed blocks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue

from workbench.events.base import Frozen

FIRST_LINE_LENGTH = 200
"""Characters of a result that the envelope repeats, so that lists need no body."""
IMAGE_ROOM = 6_400
"""Bytes of text that take about as much of a context as an image does: 1,600 tokens."""
PAGE_ROOM = 8_000
PAGE_BYTES = 50_000
"""The same for a page of a document, and how many bytes of its file are taken for one."""
LARGEST_INTEGER = 2**63 - 1
"""What SQLite and most readers of JSON hold exactly."""
DEEPEST = 100
"""Levels of nesting that every reader of JSON takes; pydantic's own stops at 200."""
TOO_DEEP = "[nested too deeply]"
MOST_VALUES = 500_000
"""In one value: as many as a result may have by its size, and more than a person or a model looks at."""
TOO_MANY = "[left out: too many values]"

_SURROGATES = re.compile("[\ud800-\udfff]")


def _is_empty(value: str) -> bool:
    return not value


class TextBlock(Frozen):
    """Plain text."""

    type: Literal["text"] = "text"
    text: str
    media_type: str = "text/plain"
    name: str = Field(default="", exclude_if=_is_empty)
    """Of the file that it is, where a person attached one; left out of JSON else, so that keys stay what they were."""


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
    name: str = Field(default="", exclude_if=_is_empty)
    """Left out of JSON where there is none, so that keys of requests stay what they were."""


class DocumentBlock(Frozen):
    """A file such as a PDF; base64 in JSON."""

    type: Literal["document"] = "document"
    data: bytes
    media_type: str
    name: str = ""


Block = Annotated[TextBlock | JsonBlock | ImageBlock | DocumentBlock, Field(discriminator="type")]
Content = tuple[Block, ...]
Binary = ImageBlock | DocumentBlock


def text_content(text: str) -> Content:
    """Return content of one text block, normalised."""
    return (TextBlock(text=normalise_text(text)),)


def asked_text(task: Content) -> str:
    """Return the question of a task, without the files that were given with it: its first block."""
    return plain_text(task[:1])


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
            named = f"{block.name}: " if block.name else ""
            return f"[{named}{block.media_type}, {len(block.data)} bytes]"


def binary_blocks(content: Iterable[Block]) -> list[Binary]:
    """Return the blocks that are no text."""
    return [block for block in content if isinstance(block, Binary)]


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


def context_size(content: Content) -> int:
    """Return about how much room content takes in a context, in bytes of text that would take as much.

    Models count the pixels of an image and the pages of a document, not their bytes.
    """
    return sum(_context_size(block) for block in content)


def _context_size(block: Block) -> int:
    match block:
        case ImageBlock():
            return IMAGE_ROOM
        case DocumentBlock():
            return PAGE_ROOM * (1 + len(block.data) // PAGE_BYTES)
        case _:
            return content_size((block,))


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


def normalise_json(value: Any, levels: int = DEEPEST) -> JsonValue:
    """Return `value` as JSON that every reader holds exactly.

    Surrogates become U+FFFD, NaN and infinities become null, integers beyond 64 bits become text, what lies deeper
    than `levels` becomes a mark, and what JSON cannot hold becomes its `repr`. What holds itself many times over has no
    end: after about `MOST_VALUES` values lists and objects become a mark, too.
    """
    return _normalise(value, levels, [0])


def _normalise(value: Any, levels: int, seen: list[int]) -> JsonValue:
    match value:
        case None | bool():
            return value
        case str():
            return normalise_text(value)
        case int():
            return int(value) if -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER else _digits(value)
        case float():
            return float(value) if math.isfinite(value) else None
        case BaseModel():
            return _normalise(value.model_dump(mode="json"), levels, seen)
        case dict() | list() | tuple() | Mapping() | AbstractSet():
            return _normalise_many(value, levels, seen)
        case _:
            return normalise_text(repr(value))


def _normalise_many(value: Any, levels: int, seen: list[int]) -> JsonValue:
    if levels <= 0:
        return TOO_DEEP
    if seen[0] > MOST_VALUES:
        return TOO_MANY
    seen[0] += 1 + len(value)
    if isinstance(value, Mapping):
        return {normalise_text(str(key)): _normalise(item, levels - 1, seen) for key, item in value.items()}
    items = sorted(value, key=repr) if isinstance(value, AbstractSet) else value
    return [_normalise(item, levels - 1, seen) for item in items]


def _digits(value: int) -> str:
    """Return an integer as text; in hexadecimal where Python refuses to write it in decimal."""
    try:
        return str(value)
    except ValueError:
        return hex(value)


def normalise_content(content: Iterable[Block]) -> Content:
    """Return blocks whose texts and values every reader holds exactly."""
    return tuple(_normalise_block(block) for block in content)


def _normalise_block(block: Block) -> Block:
    match block:
        case TextBlock(text=text, media_type=media_type, name=name):
            normal = normalise_text(text), normalise_text(media_type), normalise_text(name)
            if normal == (text, media_type, name):
                return block
            return TextBlock(text=normal[0], media_type=normal[1], name=normal[2])
        case JsonBlock(value=value, media_type=media_type):
            return JsonBlock(value=normalise_json(value), media_type=normalise_text(media_type))
        case ImageBlock(data=data, media_type=media_type, name=name):
            return ImageBlock(data=data, media_type=normalise_text(media_type), name=normalise_text(name))
        case DocumentBlock(data=data, media_type=media_type, name=name):
            return DocumentBlock(data=data, media_type=normalise_text(media_type), name=normalise_text(name))
