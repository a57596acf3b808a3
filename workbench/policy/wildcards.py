"""Patterns in which `*` stands for any text, matched in one pass however long the text is."""

from __future__ import annotations

import unicodedata


def fits(pattern: str, text: str) -> bool:
    """Whether the whole of `text` is what the pattern says; all but `*` stands for itself."""
    first, *others = pattern.split("*")
    if not others:
        return text == first
    *middle, last = others
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def loosely(text: str) -> str:
    """Return a text in which case, and ways of writing the same letter, make no difference."""
    return unicodedata.normalize("NFKC", text).casefold()
