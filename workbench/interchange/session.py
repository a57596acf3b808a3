"""What a session file holds, as plain values, and the limits within which one is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

FORMAT: Final = "workbench-session"
VERSION: Final = 1

LARGEST_FILE: Final = 50_000_000
"""Bytes on disk."""
LARGEST_UNPACKED: Final = 200_000_000
"""Bytes after decompression."""
LARGEST_RATIO: Final = 100
"""Bytes after decompression for one byte on disk; more is a bomb."""
LONGEST_LINE: Final = 30_000_000
"""Bytes; enough for a question with files of 20 MB."""
LONGEST_MIXED_LINE: Final = 6_000_000
"""Bytes; a longer line is read only if it is a few long texts, as those of attached files are."""
MOST_SIGNS: Final = 1_500_000
"""Commas and quotation marks of such a line: each may stand for a value that takes ten times its room in memory."""
MOST_BRACKETS: Final = 500_000
"""Arrays and objects of one line; so a line is read within some 150 MB of memory, whatever it holds."""
DEEPEST: Final = 64
"""Arrays and objects inside each other."""
MOST_EVENTS: Final = 50_000
MOST_RUNS: Final = 1_000


Told = Callable[[int, int], None]
"""Hears how much of long work is done, of how much, and may raise to give it up."""


def nobody(_done: int, _total: int) -> None:
    """Hear nothing."""


class StoredEvent(NamedTuple):
    """An event as the log keeps it: its JSON text is stored and given back as it is."""

    seq: int
    at: float
    """Unix seconds."""
    json: str


@dataclass(frozen=True, slots=True)
class SessionRun:
    """One run of a session: what never changes about it, and its own events in order."""

    id: str
    root: str
    created: float
    parent: str | None = None
    cut: int | None = None
    made_from: str | None = None
    caller_run: str | None = None
    caller_call: str | None = None
    depth: int = 0
    events: list[StoredEvent] = field(default_factory=list, compare=False)

    @property
    def first_seq(self) -> int:
        """Seq of its first own event."""
        return 0 if self.cut is None else self.cut + 1


@dataclass(frozen=True, slots=True)
class Session:
    """The runs of a session file, each after the runs it needs, and what had to be left out."""

    runs: tuple[SessionRun, ...]
    notes: tuple[str, ...] = ()
    """Sentences for a person."""

    @property
    def newest(self) -> SessionRun | None:
        """The last run that is no subagent's: the one to look at first."""
        return next((run for run in reversed(self.runs) if run.caller_run is None), None)


def header_line() -> str:
    """Return the first line of a session file."""
    return _compact({"format": FORMAT, "version": VERSION}) + "\n"


def run_line(run: SessionRun) -> str:
    """Return the line that introduces a run."""
    values = {
        "id": run.id,
        "root": run.root,
        "created": run.created,
        "parent": run.parent,
        "cut": run.cut,
        "made_from": run.made_from,
        "caller_run": run.caller_run,
        "caller_call": run.caller_call,
        "depth": run.depth,
    }
    return _compact({"run": {key: value for key, value in values.items() if value is not None}}) + "\n"


def event_line(run: str, event: StoredEvent) -> str:
    """Return the line of an event; its JSON goes in as it is, so that nothing of it changes on the way."""
    return f"{event_prefix(run, event.seq, event.at)}{event.json}}}\n"


def event_prefix(run: str, seq: int, at: float) -> str:
    """Return an event's line up to the JSON of the event itself.

    The event stands in an object of its own, because some kinds have a field `run` of theirs.
    """
    return f'{_compact({"run": run, "seq": seq, "at": at})[:-1]},"event":'


def session_lines(runs: Iterable[SessionRun]) -> Iterator[str]:
    """Return a whole session file, line by line: equal runs make equal bytes."""
    yield header_line()
    for run in in_order(runs):
        yield run_line(run)
        for event in run.events:
            yield event_line(run.id, event)


def in_order(runs: Iterable[SessionRun]) -> list[SessionRun]:
    """Return the runs in the one order in which files hold them: by age, but each after the runs it needs."""
    waiting = {run.id: run for run in sorted(runs, key=lambda run: (run.created, run.id))}
    ordered: list[SessionRun] = []
    while waiting:
        ready = next((run for run in waiting.values() if not {run.parent, run.caller_run} & waiting.keys()), None)
        if ready is None:
            raise ValueError(f"runs need each other in a circle: {', '.join(waiting)}")
        ordered.append(waiting.pop(ready.id))
    return ordered


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
