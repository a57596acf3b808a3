"""Time and ids, injected everywhere so that tests and snapshots hold still.

This is the only place that reads the machine's clocks or its randomness. It knows no other room.
"""

from __future__ import annotations

import secrets
import time
from typing import Protocol


class Clock(Protocol):
    """What the program asks of time and chance."""

    def wall(self) -> float:
        """Return the Unix time in seconds; used once a session, never to order anything."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary point; never goes back."""
        ...

    def new_id(self) -> str:
        """Return a new run id: 16 hexadecimal digits."""
        ...

    def random(self) -> float:
        """Return a number in [0, 1), for jitter."""
        ...


class SystemClock:
    """The machine's own time and randomness."""

    def wall(self) -> float:
        """Return the Unix time in seconds."""
        return time.time()  # noqa: TID251 - the one place

    def monotonic(self) -> float:
        """Return seconds from an arbitrary point."""
        return time.monotonic()  # noqa: TID251 - the one place

    def new_id(self) -> str:
        """Return 16 random hexadecimal digits."""
        return secrets.token_hex(8)

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return secrets.randbelow(1 << 30) / (1 << 30)


class ManualClock:
    """A clock that moves only when told to; ids count up. For tests, demos and pictures."""

    def __init__(self, wall: float = 1_790_000_000.0) -> None:
        self._wall, self._elapsed, self._ids = wall, 0.0, 0

    def wall(self) -> float:
        """Return the set time plus what was advanced."""
        return self._wall + self._elapsed

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self._elapsed

    def new_id(self) -> str:
        """Return the next id: `0000000000000001`, `…2`, and so on, with digits first so that prefixes differ."""
        self._ids += 1
        return f"{self._ids:04x}{'0' * 12}"

    def random(self) -> float:
        """Return the middle, always."""
        return 0.5

    def advance(self, seconds: float) -> None:
        """Move both times forward by `seconds`."""
        self._elapsed += seconds


class SessionTime:
    """The `at` of events: wall time at the start of a driver's session plus monotonic time since.

    So it never goes back while a driver lives, even when somebody sets the machine's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.wall() - clock.monotonic()

    def now(self) -> float:
        """Return Unix seconds."""
        return self._start + self._clock.monotonic()
