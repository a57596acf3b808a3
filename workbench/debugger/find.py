"""What it means that a text is found: one rule, for the driver that reads results and for the screen that marks them.

Pure: texts in, places out.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

MOST: Final = 1000
"""Places counted in one text; nobody walks through more."""
_SPACES: Final = re.compile(r"\s+")


class Needle:
    """A plain text that is looked for.

    Capitals count only where it has some itself. Spaces in it stand for any white space, so that a phrase is found
    although a line ends in the middle of it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        words = text.split()
        self._is_exact = text != text.lower()
        self._longest_word = max(words, key=len, default="")
        pattern = r"\s+".join(map(re.escape, _SPACES.split(text)))
        self._pattern = re.compile(pattern, 0 if self._is_exact else re.IGNORECASE)

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._longest_word)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where it begins and ends in `text`, in order; the first thousand places."""
        # A look for one word of it is many times faster than the pattern, and most texts do not have that.
        if not self or self._longest_word not in (text if self._is_exact else text.lower()):
            return []
        return [match.span() for match in islice(self._pattern.finditer(text), MOST)]

    def count(self, text: str) -> int:
        """Return how often it is in `text`, up to a thousand."""
        return len(self.spans(text))
