"""Runs in from session files: checked whole, inserted in one transaction, re-emitted as they came.

The text of an event is kept piece by piece, unknown fields and number formats included; only its body is moved to the
end, where it always stands. Nothing in a file is trusted: the root, the imported mark and the order are made here.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from workbench.errors import ImportRefusedError, NewerDatabaseError, SessionFileError
from workbench.events.call import ResultEvent
from workbench.events.codec import BODY_FIELD, parse_event, whole_json
from workbench.events.content import LARGEST_INTEGER
from workbench.events.library import RunImported
from workbench.store.append import EventRow, event_row, insert_header, insert_rows
from workbench.store.library import append_entry
from workbench.store.model import RunHeader
from workbench.store.reader import header_of, raw

ImportedRun = tuple[RunHeader, Sequence[tuple[int, float, str]]]
"""A run and its own events: seq, at, whole JSON."""

Told = Callable[[int, int], None]
"""Hears how many events are done, of how many, and may raise to give up; then nothing is imported."""

_TOLD_EVERY = 200
"""Events after which it hears of them."""
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{3,63}")
_SPACE = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Checked:
    """A run of a file that is sound in itself."""

    header: RunHeader
    rows: tuple[EventRow, ...]

    @property
    def texts(self) -> list[tuple[int, float, str]]:
        """The events as they will be read back."""
        return [(row.seq, row.at, whole_json(row.head, row.body)) for row in self.rows]


def check_runs(runs: Sequence[ImportedRun], told: Told) -> list[Checked]:
    """Check everything that can be checked without the database, and sort parents before their forks."""
    checked: dict[str, Checked] = {}
    done, total = 0, sum(len(events) for _, events in runs)
    for header, events in runs:
        if header.id in checked:
            raise SessionFileError(f"run {header.id!r} stands twice in the file")
        checked[header.id] = _check(header, events, partial(_tell_sum, told, done, total))
        done += len(events)
    return list(_parents_first(checked))


def insert_runs(connection: sqlite3.Connection, runs: Sequence[Checked], source: str, at: float, told: Told) -> int:
    """Insert the runs that are new, and note where they came from; returns how many there were.

    `told` hears of each run before it is inserted.

    Raises `ImportRefusedError` where an id is taken by other content, or a parent is missing.
    """
    new = done = 0
    total = sum(len(run.rows) for run in runs)
    for run in runs:
        told(done, total)
        done += len(run.rows)
        header = run.header
        if connection.execute("SELECT 1 FROM runs WHERE id = ?", (header.id,)).fetchone():
            _require_same(header_of(connection, header.id), raw(connection, header.id), run)
            continue
        _require_parent(connection, header)
        insert_header(connection, replace(header, root=_root(connection, header), imported=True))
        insert_rows(connection, run.rows)
        append_entry(connection, RunImported(run=header.id, source=source), at)
        new += 1
    return new


def _tell_sum(told: Told, before: int, total: int, here: int) -> None:
    told(before + here, total)


def split_body(text: str) -> tuple[str, str | None]:
    """Return an event's JSON object without its body, and the body's JSON, each as it was written.

    Raises `ValueError` for what is no JSON object, or has a key twice.
    """
    if "\n" in text or "\r" in text:
        raise ValueError("it spans several lines")
    text = text.strip()
    members: list[str] = []
    keys: set[str] = set()
    body = None
    for key, member, value in _members(text):
        if key in keys:
            raise ValueError(f"the key {key!r} stands twice")
        keys.add(key)
        if key == BODY_FIELD:
            body = value
        else:
            members.append(member)
    return (text if body is None else f"{{{','.join(members)}}}"), body


def _members(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield key, the whole member and its value, for every member of the JSON object `text`."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    if not text.startswith("{"):
        raise ValueError("it is no JSON object")
    place = _after_space(text, 1)
    if _closes(text, place):
        return
    while True:
        key, end = decoder.raw_decode(text, place)
        colon = _after_space(text, end)
        if not isinstance(key, str) or text[colon : colon + 1] != ":":
            raise ValueError("a key is not followed by a value")
        start = _after_space(text, colon + 1)
        _, end = decoder.raw_decode(text, start)
        value = text[start:end]
        yield key, text[place:end], value
        end = _after_space(text, end)
        if _closes(text, end):
            return
        if text[end : end + 1] != ",":
            raise ValueError("it does not end where it should")
        place = _after_space(text, end + 1)


def _closes(text: str, place: int) -> bool:
    return place + 1 == len(text) and text[place] == "}"


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _check(header: RunHeader, events: Sequence[tuple[int, float, str]], told: Callable[[int], None]) -> Checked:
    for name in (header.id, header.parent, header.made_from, header.caller_run):
        if name is not None and not _ID.fullmatch(name):
            raise SessionFileError(
                f"{name[:80]!r} is no run id; one has 4 to 64 letters, digits, - and _, the first of them no sign"
            )
    if (header.parent is None) != (header.cut is None) or not math.isfinite(header.created):
        raise SessionFileError(f"the header of run {header.id!r} is malformed")
    if not events:
        raise SessionFileError(f"run {header.id!r} has no events")
    rows: list[EventRow] = []
    for seq, (found, at, text) in enumerate(events, header.first_seq):
        if len(rows) % _TOLD_EVERY == 0:
            told(len(rows))
        if found != seq:
            raise SessionFileError(f"run {header.id!r} has event {found} where event {seq} should be")
        rows.append(_check_event(header.id, seq, at, text))
    return Checked(header, tuple(rows))


def _check_event(run: str, seq: int, at: float, text: str) -> EventRow:
    try:
        text.encode()
        event = parse_event(text)
        head, body = split_body(text)
    except NewerDatabaseError:
        raise
    except (ValueError, RecursionError, SessionFileError) as error:
        raise SessionFileError(f"event {seq} of run {run!r} cannot be read: {error}") from error
    if isinstance(event, ResultEvent) and not 0 <= event.size <= LARGEST_INTEGER:
        raise SessionFileError(f"event {seq} of run {run!r} has the impossible size {event.size}")
    if not math.isfinite(at):
        raise SessionFileError(f"event {seq} of run {run!r} has no time")
    return event_row(run, seq, at, event, head, body)


def _parents_first(runs: Mapping[str, Checked]) -> Iterator[Checked]:
    waiting = dict(runs)
    while waiting:
        ready = [run for run in waiting.values() if not any(each in waiting for each in _needed(run.header))]
        if not ready:
            raise SessionFileError(f"these runs descend from each other: {', '.join(sorted(waiting)[:5])}")
        for run in ready:
            del waiting[run.header.id]
            yield run


def _needed(header: RunHeader) -> tuple[str, ...]:
    return tuple(run for run in (header.parent, header.caller_run) if run is not None)


def _require_parent(connection: sqlite3.Connection, header: RunHeader) -> None:
    if header.parent is None:
        return
    found = connection.execute("SELECT 1 FROM events WHERE run = ? AND seq = ?", (header.parent, header.cut)).fetchone()
    if found is None:
        raise ImportRefusedError(
            f"run {header.id} is a fork of run {header.parent} at event {header.cut}, which is neither in the file nor "
            f"here. Import that run first, or export both together."
        )


def _root(connection: sqlite3.Connection, header: RunHeader) -> str:
    if header.caller_run is None:
        return header.id
    row = connection.execute("SELECT root FROM runs WHERE id = ?", (header.caller_run,)).fetchone()
    return header.id if row is None else str(row[0])


def _require_same(here: RunHeader, events: Sequence[tuple[int, float, str]], run: Checked) -> None:
    theirs = run.header
    if (here.parent, here.cut, here.caller_run, here.caller_call) != (
        theirs.parent, theirs.cut, theirs.caller_run, theirs.caller_call,
    ):  # fmt: skip
        difference = "it has another parent or caller"
    elif len(events) != len(run.rows):
        difference = f"it has {len(events)} events here and {len(run.rows)} in the file"
    else:
        pairs = zip(events, run.texts, strict=True)
        first = next((mine[0] for mine, other in pairs if mine != other), None)
        if first is None:
            return
        difference = f"event {first} differs"
    raise ImportRefusedError(
        f"run {here.id} exists here with other content: {difference}. Nothing was imported; to look at the file beside "
        f"it, import it into another database with --db."
    )
