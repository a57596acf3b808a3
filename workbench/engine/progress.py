"""Words on how far calls are: the last one of each, handed on at once, and then not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workbench.engine.attempts import CallInFlight

PROGRESS_EVERY = 0.25
"""Seconds between stored words on how far calls are: a tool may say so for every byte."""


class ProgressNotes:
    """What calls said last. `wake` is called when it is time to take it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._notes: dict[CallInFlight, str] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, flight: CallInFlight, text: str) -> None:
        """Keep the last word; it is stored now, or soon where one was stored just now."""
        self._notes[flight] = text
        if self._timer is None:
            self._wake()
            self._timer = asyncio.get_running_loop().call_later(PROGRESS_EVERY, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._notes:
            self._wake()

    def take(self) -> list[tuple[CallInFlight, str]]:
        """Return what was said since the last time."""
        taken = list(self._notes.items())
        self._notes.clear()
        return taken
