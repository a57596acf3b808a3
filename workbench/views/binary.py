"""Blocks that are no text: how they are named on a screen, and which of them may be opened with another program.

A block comes from a model, a tool or a stranger's file. It is opened only where its kind is one of a closed list that
nothing executes, and its bytes are what the kind says: desktops look at content too, and would take a web page for
what it is. Everything else is saved only. Pure.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from workbench.events.content import Binary, Block, Content, JsonBlock, TextBlock, plain_text
from workbench.events.media import PDF, STARTS, file_text, starts_as
from workbench.views.segments import Line, Segment
from workbench.views.text import human_bytes, one_line


class _Kind(NamedTuple):
    suffix: str
    starts: tuple[tuple[int, bytes], ...]
    """Bytes that must stand at a place; none for text."""


_KINDS: Final[dict[str, _Kind]] = {
    "image/png": _Kind(".png", STARTS["image/png"]),
    "image/jpeg": _Kind(".jpg", STARTS["image/jpeg"]),
    "image/gif": _Kind(".gif", STARTS["image/gif"]),
    "image/webp": _Kind(".webp", STARTS["image/webp"]),
    PDF: _Kind(".pdf", STARTS[PDF]),
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


def block_label(block: Binary) -> str:
    """Return the placeholder of a block: its kind, its size, and its name where it has one."""
    name = f" · {one_line(block.name, 40)}" if block.name else ""
    return f"▣ {one_line(block.media_type, 40)} · {human_bytes(len(block.data))}{name}"


def said_text(content: Content) -> str:
    """Return what was said as text, without what was given with it."""
    return plain_text(tuple(block for block in content if not _is_given(block)))


def given_labels(content: Content) -> list[str]:
    """Return a placeholder for each file that was given with what was said; texts are shown by nothing else here."""
    return [_given_label(block) for block in content if _is_given(block)]


def file_lines(content: Content, width: int, indent: int = 0) -> list[Line]:
    """Return a line for each file that was given with what was said."""
    return [(Segment(" " * indent), Segment(one_line(name, width - indent), "link")) for name in given_labels(content)]


def given_documents(content: Content) -> list[dict[str, Any]]:
    """Return the same for programs: images and documents by kind, size and name, texts whole."""
    return [
        {"text": block.text}
        if isinstance(block, TextBlock)
        else {"media_type": block.media_type, "size": len(block.data), "name": block.name}
        for block in content
        if _is_given(block) and not isinstance(block, JsonBlock)
    ]


def _is_given(block: Block) -> bool:
    return isinstance(block, Binary) or (isinstance(block, TextBlock) and bool(block.name))


def _given_label(block: Block) -> str:
    if isinstance(block, Binary):
        return block_label(block)
    name = block.name if isinstance(block, TextBlock) else ""
    text = plain_text((block,)).removeprefix(file_text(name, ""))
    return f"▣ text/plain · {human_bytes(len(text.encode()))} · {one_line(name, 40)}"


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
        fits = starts_as(data, kind.starts)
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
