"""The reading side of the log: lineages, events, bodies, and what was committed since a position.

Plain functions of a connection; each is one or a few short queries, and none keeps a cursor open.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from workbench.errors import AddressError, DamagedDatabaseError, RunNotFoundError, SessionFileError
from workbench.events.base import Event, Recorded
from workbench.events.codec import KINDS, parse_body, parse_event, whole_json
from workbench.events.content import Content, JsonBlock
from workbench.garbage import uncollected
from workbench.store.model import RunHeader, Segment

_HEADER = """
SELECT id, root, created, parent, cut, made_from, caller_run, caller_call, depth, imported FROM runs WHERE id = ?
"""
_CHILDREN = """
SELECT id, root, created, parent, cut, made_from, caller_run, caller_call, depth, imported FROM runs
WHERE caller_run = ? ORDER BY n
"""
_LINEAGE = """
WITH RECURSIVE line (run, last, parent, cut, hops) AS (
  SELECT id, NULL, parent, cut, 0 FROM runs WHERE id = ?
  UNION ALL
  SELECT runs.id, line.cut, runs.parent, runs.cut, line.hops + 1 FROM line JOIN runs ON runs.id = line.parent
)
SELECT run, cut, last FROM line ORDER BY hops DESC
"""
_HEADS = "SELECT seq, at, kind, head FROM events WHERE run = ? AND seq BETWEEN ? AND ? ORDER BY seq"
_WHOLE = """
SELECT e.seq, e.at, e.kind, e.head, b.inline, b.blob, x.content
FROM events AS e LEFT JOIN bodies AS b ON b.event = e.id LEFT JOIN blobs AS x ON x.hash = b.blob
WHERE e.run = ? AND e.seq BETWEEN ? AND ? ORDER BY e.seq
"""
# The list of what is wanted comes first, so that SQLite looks each of it up instead of walking the log.
_BODIES = """
SELECT e.run, e.seq, b.inline, b.blob, x.content
FROM json_each(?) AS wanted CROSS JOIN events AS e
LEFT JOIN bodies AS b ON b.event = e.id LEFT JOIN blobs AS x ON x.hash = b.blob
WHERE e.run = json_extract(wanted.value, '$[0]') AND e.seq = json_extract(wanted.value, '$[1]')
"""
_FOLLOW = "SELECT id, run, seq, at, kind, head FROM events WHERE id > :start ORDER BY id LIMIT :limit"
# The order of commits is that of `seq` within a run; told so, SQLite looks at the run alone and not at the whole log.
_FOLLOW_ONE = """
SELECT id, run, seq, at, kind, head FROM events WHERE run = :run AND +id > :start ORDER BY seq LIMIT :limit
"""
_LARGEST_SEQ = 2**62

_READERS: dict[str, Callable[[str], Event]] = {
    kind: TypeAdapter(model).validator.validate_json for kind, model in KINDS.items()
}

_GIVEN: set[str] = set()
"""One for all events that are read, where pydantic notes for each which of its fields were given: that is 700 bytes of
an event's 2,000, and nobody asks for it. It stays empty, as events never change.
"""

Row = tuple[int, float, str, str]
"""An event as seq, at, kind and JSON."""


def header_of(connection: sqlite3.Connection, run: str) -> RunHeader:
    """Return what never changes about a run."""
    row = connection.execute(_HEADER, (run,)).fetchone()
    if row is None:
        raise no_run(run)
    return _make_header(row)


def no_run(run: str) -> RunNotFoundError:
    """Return the error for a run that is not here."""
    return RunNotFoundError(f"there is no run {run!r} here; `workbench runs` lists those there are")


def children_of(connection: sqlite3.Connection, run: str) -> list[RunHeader]:
    """Return the subagents that the run's own calls spawned, oldest first."""
    header_of(connection, run)
    return [_make_header(row) for row in connection.execute(_CHILDREN, (run,)).fetchall()]


def lineage_of(connection: sqlite3.Connection, run: str) -> tuple[Segment, ...]:
    """Return the parts of logs that a run reads as one, oldest first, its own last."""
    rows = connection.execute(_LINEAGE, (run,)).fetchall()
    if not rows:
        header_of(connection, run)
    return tuple(Segment(name, 0 if cut is None else cut + 1, last) for name, cut, last in rows)


def last_seq_of(connection: sqlite3.Connection, run: str) -> int:
    """Return the seq of the last event that the run reads; -1 where there is none."""
    found: int | None = connection.execute("SELECT max(seq) FROM events WHERE run = ?", (run,)).fetchone()[0]
    return header_of(connection, run).first_seq - 1 if found is None else found


def owner_of(connection: sqlite3.Connection, run: str, seq: int) -> str:
    """Return the run of the lineage whose own log holds `seq`."""
    end = last_seq_of(connection, run)
    if not 0 <= seq <= end:
        raise AddressError(f"run {run} has no event {seq}; its events are 0 to {end}")
    return next(part.run for part in lineage_of(connection, run) if part.last is None or seq <= part.last)


def read(connection: sqlite3.Connection, run: str, *, after: int, upto: int | None, bodies: bool) -> list[Recorded]:
    """Return the lineage's events with seq in (after, upto], in order."""
    end = _LARGEST_SEQ if upto is None else min(upto, _LARGEST_SEQ)
    records: list[Recorded] = []
    for part in lineage_of(connection, run):
        first = max(part.first, after + 1)
        last = end if part.last is None else min(part.last, end)
        if first <= last:
            records += recorded(part.run, _rows(connection, part.run, first, last, bodies=bodies))
    return records


def raw(connection: sqlite3.Connection, run: str) -> list[tuple[int, float, str]]:
    """Return the run's own events as whole JSON."""
    header_of(connection, run)
    return [(seq, at, text) for seq, at, _, text in _rows(connection, run, 0, _LARGEST_SEQ, bodies=True)]


def body_of(connection: sqlite3.Connection, run: str, seq: int) -> Content:
    """Return the result of an event that the run owns; empty where the event has none."""
    found = bodies_of(connection, [(run, seq)])
    if not found:
        header_of(connection, run)
        raise AddressError(f"run {run} has no event {seq} of its own")
    return found[run, seq]


def bodies_of(connection: sqlite3.Connection, refs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Content]:
    """Return the results of many events by owner and seq; what does not exist is left out."""
    rows = connection.execute(_BODIES, (json.dumps(list(refs)),)).fetchall()
    return {(run, seq): _content(_body_text(*body)) for run, seq, *body in rows}


def position(connection: sqlite3.Connection) -> int:
    """Return the place of the last committed event in the order of all commits."""
    found: int = connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]
    return found


def follow(
    connection: sqlite3.Connection,
    start: int,
    limit: int | None,
    run: str | None = None,
    is_known: Callable[[str, int], bool] = lambda _run, _seq: False,
) -> tuple[list[Recorded], int]:
    """Return what was committed after `start`, of `run` where one is named, at most `limit`; and the position then.

    Events that are known, by run and seq, are not made again.
    """
    rows = connection.execute(
        _FOLLOW if run is None else _FOLLOW_ONE, {"start": start, "run": run, "limit": -1 if limit is None else limit}
    ).fetchall()
    records = [
        Recorded(run, seq, at, event_of(kind, head)) for _, run, seq, at, kind, head in rows if not is_known(run, seq)
    ]
    return records, rows[-1][0] if rows else start


def recorded(run: str, rows: Sequence[Row]) -> list[Recorded]:
    """Return the events of rows that one run owns."""
    with uncollected(len(rows)):
        return [Recorded(run, seq, at, event_of(kind, text)) for seq, at, kind, text in rows]


def event_of(kind: str, text: str) -> Event:
    """Return the event of a row.

    The kind is known before the JSON is read, so each goes to its own model; the union of all kinds, which has to find
    the kind in the JSON first, takes twice as long.
    """
    try:
        event = _READERS.get(kind, parse_event)(text)
    except ValidationError:
        event = parse_event(text)  # it says what is wrong
    object.__setattr__(event, "__pydantic_fields_set__", _GIVEN)
    return event


def _make_header(row: Sequence[Any]) -> RunHeader:
    header = RunHeader(*row)
    return replace(header, imported=bool(header.imported))  # SQLite has no booleans


def _rows(connection: sqlite3.Connection, run: str, first: int, last: int, *, bodies: bool) -> list[Row]:
    if not bodies:
        return connection.execute(_HEADS, (run, first, last)).fetchall()
    rows = connection.execute(_WHOLE, (run, first, last)).fetchall()
    return [
        (
            seq,
            at,
            kind,
            head if inline is None and digest is None else whole_json(head, _body_text(inline, digest, far)),
        )
        for seq, at, kind, head, inline, digest, far in rows
    ]


def _content(text: str | None) -> Content:
    if text is None:
        return ()
    try:
        return parse_body(text)
    except ValidationError:
        # The body of a kind that this version does not know may be any JSON; it is shown as such.
        return (JsonBlock(value=_json(text)),)


def _json(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        raise SessionFileError(f"a result is not JSON: {text[:80]!r}") from None
    return value


def _body_text(inline: str | None, digest: bytes | None, content: str | None) -> str | None:
    if digest is None:
        return inline
    if content is None or hashlib.sha256(content.encode()).digest() != digest:
        raise DamagedDatabaseError(
            f"a large result (SHA-256 {digest.hex()[:16]}…) is missing from the database or was changed in it. "
            f"`workbench doctor` tells what else is; restore a backup."
        )
    return content
