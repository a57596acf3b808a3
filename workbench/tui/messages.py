"""What was said to a person, kept so that it can be read again after the notice is gone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["information", "warning", "error"]

KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence that was shown."""

    at: float
    """Unix seconds."""
    severity: Severity
    sentence: str
    detail: str = ""
    """What helps whoever mends the program, such as a traceback."""


class Messages:
    """The newest messages of this session."""

    def __init__(self) -> None:
        self._kept: deque[Message] = deque(maxlen=KEPT)

    def add(self, message: Message) -> None:
        """Keep a message; the oldest goes where there are too many."""
        self._kept.append(message)

    def __iter__(self) -> Iterator[Message]:
        """Return them, the newest first."""
        return iter(reversed(self._kept))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._kept)
