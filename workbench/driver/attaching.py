"""Files that a person gives with a question or a message: read, told apart by their bytes, made blocks of content.

Whatever cannot be given is refused here, before anything is written. Knows files and blocks, nothing of runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from workbench.errors import UserError
from workbench.events.content import Block, Content, DocumentBlock, ImageBlock, TextBlock, normalise_text
from workbench.events.media import PDF, file_text, kind_of

LARGEST: Final = 20_000_000
"""Bytes of all files at once: in base64 about as much as the APIs take in one request, and as a session file holds."""
LARGEST_TEXT: Final = 1_000_000
"""Bytes of one text, which fills the context with all that it says."""
KINDS: Final = "PNG, JPEG, GIF, WebP, PDF or UTF-8 text"

_PATHS: Final = ("/", "./", "../", "~")
_OPENING: Final = "([{<\"'`“‘„‚«‹（［｛「『【《〈"
_CLOSING: Final = ")]}>\"'`”’“‘»›）］｝」』】》〉.,;:!?…。，、；：！？"


def attached(names: Iterable[str]) -> Content:
    """Return the files of these names as blocks, in their order; raises `UserError` for the first that is none.

    `~` stands for the home folder. A text becomes text with its name in front.
    """
    blocks: list[Block] = []
    total = 0
    for name in names:
        path, data = _read(name)
        total += len(data)
        blocks.append(_block(name, normalise_text(path.name), data))
        if total > LARGEST:
            raise UserError(f"the attached files are too large together: at most {LARGEST:,} bytes are sent")
    return tuple(blocks)


def listed(line: str) -> list[str]:
    """Return the names in a line that has commas between them; a line that is itself a file's name is one."""
    if _is_file(line.strip()):
        return [line.strip()]
    return [name.strip() for name in line.split(",") if name.strip()]


def mentioned(text: str) -> Content:
    """Return the files that a text names as `@FILE`, with no blank in the name.

    Brackets and quotes around it, and the punctuation of the sentence behind it, belong to it only where there is such
    a file. What stands behind an @ and is no file may be a person or a package, so it is text; a plain path is refused.
    """
    words = (word.lstrip(_OPENING) for word in text.split())
    names = dict.fromkeys(_meant(word[1:]) for word in words if word.startswith("@"))
    return attached(name for name in names if name.startswith(_PATHS) or _is_file(name))


def _meant(word: str) -> str:
    """Return the longest beginning of a word that is a file, with nothing but closing marks behind it."""
    bare = word.rstrip(_CLOSING)
    endings = (word[:end] for end in range(len(word), len(bare), -1))
    return next((name for name in endings if _is_file(name)), bare)


def _is_file(name: str) -> bool:
    try:
        return bool(name) and Path(name).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def _read(name: str) -> tuple[Path, bytes]:
    try:
        path = Path(name).expanduser()
        if path.is_dir():
            raise UserError(f"{name!r} is a folder; attach the files in it one by one")
        if not path.exists():
            raise UserError(f"there is no file {name!r} to attach")
        if not path.is_file():  # reading a pipe or a device might never end
            raise UserError(f"{name!r} is no plain file; only such can be attached")
        with path.open("rb") as file:
            return path, file.read(LARGEST + 1)
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UserError(f"the file {name!r} cannot be attached: {why}") from None


def _block(given: str, name: str, data: bytes) -> Block:
    if not data:
        raise UserError(f"the file {given!r} is empty; there is nothing to attach")
    if len(data) > LARGEST:
        raise UserError(f"the file {given!r} is too large to attach: at most {LARGEST:,} bytes")
    kind = kind_of(data)
    if kind == PDF:
        return DocumentBlock(data=data, media_type=kind, name=name)
    if kind is not None:
        return ImageBlock(data=data, media_type=kind, name=name)
    if b"\x00" in data:
        raise _no_kind(given)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _no_kind(given) from None
    if len(data) > LARGEST_TEXT:
        raise UserError(f"the text {given!r} is too large to attach: at most {LARGEST_TEXT:,} bytes")
    return TextBlock(text=file_text(name, text), name=name)


def _no_kind(given: str) -> UserError:
    return UserError(f"the file {given!r} cannot be attached: it is no {KINDS}, whatever its name says")
