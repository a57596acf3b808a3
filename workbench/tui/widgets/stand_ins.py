"""Letters that stand in for others while a text is edited, so that what comes out of an editor is what went in.

An editor of Textual takes many control characters for the end of a line and writes newlines in their place, and it
measures letters that no two terminals draw alike. So each such character becomes one letter of its own, of one cell,
which is drawn as what can be shown of it and becomes the character again when the text is read.
"""

from __future__ import annotations

import re
from typing import Final

from workbench.views.text import REPLACEMENT, UNSAFE, UNSTEADY

_FIRST, _LAST = 0xE000, 0xF8FF  # for private use: what they mean is up to a program; each takes one cell, and 3 bytes
_PRIVATE: Final = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_ODD: Final = re.compile(f"{UNSAFE.pattern}|{UNSTEADY.pattern}|{_PRIVATE.pattern}")


def drawn(text: str) -> str:
    """Return text with each character that cannot be drawn replaced by U+FFFD, character by character."""
    return UNSTEADY.sub(REPLACEMENT, UNSAFE.sub(REPLACEMENT, text))


class StandIns:
    """The letters that stand in, in one editor."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}
        self._meant: dict[str, str] = {}

    def put(self, text: str) -> str:
        r"""Return `text` with stand-ins in it; where every line ends with `\r\n`, an editor keeps that."""
        ends = text.count("\r\n")
        if ends and ends == text.count("\r") == text.count("\n"):
            return "\r\n".join(map(self._put, text.split("\r\n")))
        return self._put(text)

    def take(self, text: str) -> str:
        """Return text with what was meant in it."""
        return _PRIVATE.sub(lambda letter: self._meant.get(letter[0], letter[0]), text) if self._meant else text

    def show(self, text: str) -> str:
        """Return text as it is drawn, character by character."""
        return _PRIVATE.sub(lambda letter: drawn(self._meant.get(letter[0], letter[0])), text) if self._meant else text

    def _put(self, text: str) -> str:
        return text if text.isascii() and text.isprintable() else _ODD.sub(self._stand_in, text)

    def _stand_in(self, odd: re.Match[str]) -> str:
        letter = self._letters.get(odd[0])
        if letter is None:
            if _FIRST + len(self._letters) > _LAST:
                return REPLACEMENT  # as many kinds in one text are no text
            letter = chr(_FIRST + len(self._letters))
            self._letters[odd[0]], self._meant[letter] = letter, odd[0]
        return letter
