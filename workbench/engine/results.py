"""What tools give: made into content that every reader holds, put together where it comes in parts, and not too much.

A tool may return anything, and its objects may do anything when they are looked at: all of that ends here.
"""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from pydantic import TypeAdapter

from workbench.events.content import (
    Block,
    Content,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    content_size,
    normalise_content,
    normalise_text,
    plain_text,
    text_content,
)
from workbench.tools.base import ToolResult, to_content

TAIL = 2_000
"""Characters of a result under way that are shown: its end."""
BINARY_ROOM = 10
"""How many times the text that a result may hold the images and documents in it may take: they cannot be cut."""

_CUT = re.compile(r"\[cut here: [\d,]+ more bytes are left out; a result may have [\d,]+\]")
NOT_WHOLE = "[what stands above is not the whole: the call was interrupted]"

_CONTENT: TypeAdapter[Content] = TypeAdapter(Content)


class UnreadableResultError(Exception):
    """What a tool returned is no result."""


def as_result(value: Any, most: int, left_out: int = 0) -> ToolResult:
    """Return what a tool gave, of which `left_out` bytes were not kept, as a result of at most `most` bytes.

    Raises `UnreadableResultError` for what cannot be read.
    """
    if inspect.iscoroutine(value):
        value.close()
        raise UnreadableResultError("the tool returned a coroutine; its function must be `async def`")
    if inspect.isasyncgen(value):
        raise UnreadableResultError("the tool returned an async generator; its function must be `async def`")
    try:
        if isinstance(value, ToolResult):
            content = fit(_CONTENT.validate_python(value.content), most, left_out)
            return ToolResult(normalise_content(content), bool(value.is_error), interrupted=bool(value.interrupted))
        if isinstance(value, str | bytes):
            text = value if isinstance(value, str) else value.decode(errors="replace")
            return ToolResult(fit(text_content(text), most, left_out))
        return ToolResult(fit(to_content(value), most, left_out))
    except BaseException as error:  # noqa: BLE001 - the edge of a tool: what it returned may do anything when read
        raise UnreadableResultError(f"the result cannot be read: {described(error)}") from None


def fit(content: Content, most: int, left_out: int = 0) -> Content:
    """Return content of at most `most` bytes of text, and a sentence on how much is left out where something is."""
    room, binary_room = most, most * BINARY_ROOM
    kept: list[Block] = []
    for block in content:
        size = _size(block)
        if isinstance(block, TextBlock) and len(block.text) < 200 and _CUT.fullmatch(block.text):
            kept.append(block)  # it was cut before: a result goes through here after each that worked on it
        elif isinstance(block, ImageBlock | DocumentBlock):
            fits = size <= binary_room
            binary_room -= size if fits else 0
            said = f"[{normalise_text(block.media_type)} of {size:,} bytes is left out]"
            kept.append(block if fits else TextBlock(text=said))
        elif size <= room:
            kept.append(block)
            room -= size
        else:
            text = block.text if isinstance(block, TextBlock) else plain_text((block,))
            kept += [TextBlock(text=_head(text, room))] if room else []
            left_out, room = left_out + size - room, 0
    if left_out:
        kept.append(TextBlock(text=f"[cut here: {left_out:,} more bytes are left out; a result may have {most:,}]"))
    return tuple(kept)


def _size(block: Block) -> int:
    if isinstance(block, TextBlock):
        return len(block.text.encode(errors="replace"))
    return content_size((block,))


def _head(text: str, room: int) -> str:
    """Return the beginning of a text, of so many bytes at most."""
    return normalise_text(text[:room]).encode()[:room].decode(errors="ignore")


def words(error: BaseException) -> str:
    """Return what an error says; an error of a stranger may fail even at that."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - see above
        return "it cannot say why"


def described(error: BaseException) -> str:
    """Return the kind of an error, and what it says."""
    return ": ".join(filter(None, (type(error).__name__, words(error))))


def _untold(_text: str) -> None:
    """Be told of what nobody waits for."""


class Gathered:
    """What a tool that yields has given so far: filled where the tool runs, on any thread, and read on the loop."""

    def __init__(self, most: int, on_more: Callable[[str], None]) -> None:
        self._most, self._on_more = most, on_more
        self._lock = threading.Lock()
        self._blocks: list[Block] = []
        self._texts: list[str] = []
        """Texts that were yielded one after the other; they become one block."""
        self._room, self._left_out = most, 0
        self._tail = ""
        self._is_error = self._is_interrupted = False
        self._whole: ToolResult | None = None
        self._is_closed = False
        self._beside: Future[Any] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether nobody waits for more."""
        return self._is_closed or self._whole is not None

    def close(self) -> None:
        """Wait for nothing any more, and tell nobody of more."""
        self._is_closed, self._on_more = True, _untold
        if self._beside is not None:
            self._beside.cancel()

    def wait_for(self, future: Future[Any]) -> Any:
        """Wait, on a thread, for something on the event loop, which is given up when this is closed."""
        self._beside = future
        if self._is_closed:
            future.cancel()
        return future.result()

    def take(self, part: Any) -> None:
        """Add a part."""
        if isinstance(part, ToolResult) and part.is_last:
            self._whole = part
            return
        if isinstance(part, str):
            with self._lock:
                self._add_text(part)
        else:
            result = as_result(part, self._most)
            with self._lock:
                self._is_error |= result.is_error
                self._is_interrupted |= result.interrupted
                self._add_blocks(result.content)
        if not self._is_closed:
            self._on_more(self._tail)

    def _add_text(self, text: str) -> None:
        if len(text) > self._room:  # what is over is only counted
            kept = text[: self._room]
            self._left_out += len(text[self._room :].encode(errors="replace"))
        else:
            kept = text
        self._texts.append(kept)
        self._room -= len(kept)
        self._tail = (self._tail + text[-TAIL:])[-TAIL:]

    def _add_blocks(self, content: Content) -> None:
        self._close_text()
        size = content_size(content)
        self._tail = (self._tail + plain_text(content)[-TAIL:])[-TAIL:]
        if size > self._room + (BINARY_ROOM - 1) * self._most:
            self._left_out += size
            return
        self._blocks.extend(content)
        self._room = max(0, self._room - size)

    def _close_text(self) -> None:
        if self._texts:
            self._blocks.append(TextBlock(text=normalise_text("".join(self._texts))))
            self._texts.clear()

    def content(self) -> Content:
        """Return what had come by now."""
        with self._lock:
            self._close_text()
            return normalise_content(fit(tuple(self._blocks), self._most, self._left_out))

    def result(self, returned: Any = None) -> ToolResult:
        """Return the whole: what the generator returned or gave as such, else all of its parts."""
        if self._whole is not None or returned is not None:
            return as_result(self._whole if self._whole is not None else returned, self._most)
        content = self.content()
        if not content:
            return ToolResult(to_content(None), self._is_error, interrupted=self._is_interrupted)
        return ToolResult(content, self._is_error, interrupted=self._is_interrupted)


def with_words(came: Content, why: Content) -> Content:
    """Return what had come of a result, and why it is not whole."""
    return (*came, *text_content(NOT_WHOLE), *why)
