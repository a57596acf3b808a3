"""What was typed before, to step through with the arrow keys."""

from __future__ import annotations

from collections.abc import Iterable


class Typed:
    """Lines typed before, and where one stands among them."""

    def __init__(self, earlier: Iterable[str] = ()) -> None:
        """`earlier` has the newest first."""
        self._lines = list(dict.fromkeys(line for line in earlier if line.strip()))
        self._position = -1
        self._unfinished = ""

    def add(self, line: str) -> None:
        """Remember a line."""
        self._lines = [line, *(other for other in self._lines if other != line)]
        self._position = -1

    def step(self, direction: int, current: str) -> str:
        """Return the next older (-1) or newer (+1) line; beyond the newest, what was being typed."""
        if self._position == -1:
            self._unfinished = current
        self._position = min(max(self._position - direction, -1), len(self._lines) - 1)
        return self._unfinished if self._position == -1 else self._lines[self._position]
