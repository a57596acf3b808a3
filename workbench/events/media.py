"""What kinds of files are given to models, told by their first bytes: names and declared types are only claims.

Knows bytes and the kinds of content that models take, nothing of where a file came from.
"""

from __future__ import annotations

from typing import Final

PDF: Final = "application/pdf"
STARTS: Final[dict[str, tuple[tuple[int, bytes], ...]]] = {
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/gif": ((0, b"GIF8"),),
    "image/webp": ((0, b"RIFF"), (8, b"WEBP")),
    PDF: ((0, b"%PDF-"),),
}
"""By kind, the bytes that must stand at a place."""
IMAGES: Final = frozenset(kind for kind in STARTS if kind != PDF)
"""What all APIs take as an image."""


def starts_as(data: bytes, starts: tuple[tuple[int, bytes], ...]) -> bool:
    """Whether the bytes that make a kind stand where they must."""
    return all(data[place : place + len(start)] == start for place, start in starts)


def kind_of(data: bytes) -> str | None:
    """Return the kind of an image or PDF by its bytes; None for everything else."""
    return next((kind for kind, starts in STARTS.items() if starts_as(data, starts)), None)


def file_text(name: str, text: str) -> str:
    """Return a file that is text as it is given: with its name in front."""
    return f"The attached file {' '.join(name.split())}:\n{text}"
