"""Moving through a recorded run: from call to call, and as time goes by, with nobody waiting through its long gaps.

Pure: records and seconds in, places out. Who counts the seconds, and what is shown at a place, is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from workbench.events.base import Recorded

SPEEDS: Final = (1, 4, 16)
"""How many recorded seconds are played in one."""
LONGEST_GAP: Final = 2.0
"""Seconds that the time between two events takes at the most; what was longer goes by faster."""
CALL_STOPS: Final = frozenset({
    "call_started", "call_finished", "call_cancelled", "call_interrupted", "call_discarded", "call_reused",
})  # fmt: skip
"""Kinds of events at which a call begins or ends."""


class Head(NamedTuple):
    """A place between two events of a run."""

    seq: int
    """The last event that has happened."""
    since: float = 0.0
    """Seconds played since then."""


def play_on(records: Sequence[Recorded], head: Head, seconds: float) -> Head:
    """Return where the playhead stands after so many seconds more; at the last event, it stays there."""
    seq, since = head.seq, head.since + seconds
    while seq + 1 < len(records) and since >= (gap := _played(_gap(records, seq))):
        seq, since = seq + 1, since - gap
    return Head(seq, since if seq + 1 < len(records) else 0.0)


def moment_of(records: Sequence[Recorded], head: Head) -> float:
    """Return the recorded time of a place, Unix seconds; in a gap that is cut short it goes by as much faster."""
    at, gap = records[head.seq].at, _gap(records, head.seq)
    return at + (head.since * gap / _played(gap) if gap else 0.0)


def _gap(records: Sequence[Recorded], seq: int) -> float:
    """Return the seconds from one event to the next."""
    return max(0.0, records[seq + 1].at - records[seq].at) if seq + 1 < len(records) else 0.0


def _played(gap: float) -> float:
    return min(gap, LONGEST_GAP)


def next_call_stop(records: Sequence[Recorded], seq: int, direction: int) -> int:
    """Return the event after (1) or before (-1) `seq` at which a call begins or ends; else the last or first of all."""
    stop = len(records) if direction > 0 else -1
    found = (at for at in range(seq + direction, stop, direction) if records[at].event.kind in CALL_STOPS)
    return next(found, len(records) - 1 if direction > 0 else 0)
