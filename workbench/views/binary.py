"""Blocks that are no text: how they are named on a screen, and which of them may be opened with another program.

A block comes from a model, a tool or a stranger's file. It is opened only where its kind is one of a closed list that
nothing executes, and its bytes are what the kind says: desktops look at content too, and would take a web page for
what it is. Everything else is saved only. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from workbench.events.content import Block, DocumentBlock, ImageBlock
from workbench.views.text import human_bytes, one_line

Binary = ImageBlock | DocumentBlock


class _Kind(NamedTuple):
    suffix: str
    starts: tuple[tuple[int, bytes], ...]
    """Bytes that must stand at a place; none for text."""


_KINDS: Final[dict[str, _Kind]] = {
    "image/png": _Kind(".png", ((0, b"\x89PNG\r\n\x1a\n"),)),
    "image/jpeg": _Kind(".jpg", ((0, b"\xff\xd8\xff"),)),
    "image/gif": _Kind(".gif", ((0, b"GIF8"),)),
    "image/webp": _Kind(".webp", ((0, b"RIFF"), (8, b"WEBP"))),
    "application/pdf": _Kind(".pdf", ((0, b"%PDF-"),)),
    "audio/wav": _Kind(".wav", ((0, b"RIFF"), (8, b"WAVE"))),
    "audio/x-wav": _Kind(".wav", ((0, b"RIFF"), (8, b"WAVE"))),
    "text/plain": _Kind(".txt", ()),
    "application/json": _Kind(".json", ()),
    # A spreadsheet would run formulas; as text it is only read.
    "text/csv": _Kind(".csv.txt", ()),
}
_MP3: Final = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
UNKNOWN_SUFFIX: Final = ".bin"
_NOT_PLAIN: Final = (b"<", b"#!", b"[", b"%!", b"MZ", b"\x7fELF", b"BM")
"""What no plain text begins with that is to be opened: pages, scripts, desktop entries, programs."""
_SNIFFED: Final = 1024


def binary_blocks(content: Iterable[Block]) -> list[Binary]:
    """Return the blocks that are no text."""
    return [block for block in content if isinstance(block, ImageBlock | DocumentBlock)]


def block_label(block: Binary) -> str:
    """Return the placeholder of a block: its kind, its size, and its name where it has one."""
    name = f" · {one_line(block.name, 40)}" if isinstance(block, DocumentBlock) and block.name else ""
    return f"▣ {one_line(block.media_type, 40)} · {human_bytes(len(block.data))}{name}"


def suffix_of(block: Binary) -> str:
    """Return the ending of a file for this block: of our own choice, never the data's."""
    media_type = _media_type(block)
    if media_type == "audio/mpeg":
        return ".mp3"
    kind = _KINDS.get(media_type)
    return kind.suffix if kind is not None else UNKNOWN_SUFFIX


def refuse_opening(block: Binary) -> str:
    """Return why a block is saved only, as a sentence; empty where another program may open it."""
    media_type, data = _media_type(block), block.data
    shown = one_line(media_type, 40) or "no type"
    if media_type == "audio/mpeg":
        fits = data.startswith(_MP3)
    elif (kind := _KINDS.get(media_type)) is None:
        return f"{shown} is not a kind that is opened from here"
    elif kind.starts:
        fits = all(data[place : place + len(start)] == start for place, start in kind.starts)
    else:
        fits = _is_plain(data, media_type)
    return "" if fits else f"its bytes are not those of {shown}"


def _media_type(block: Binary) -> str:
    return block.media_type.partition(";")[0].strip().lower()


def _is_plain(data: bytes, media_type: str) -> bool:
    head = data[:_SNIFFED].removeprefix(b"\xef\xbb\xbf").lstrip()
    begins = tuple(start for start in _NOT_PLAIN if start != b"[" or media_type != "application/json")
    if head.startswith(begins) or b"\x00" in data[:_SNIFFED]:
        return False
    if b"<html" in head.lower() or b"<script" in head.lower() or b"<!doctype" in head.lower():
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
