"""Events into rows: the inserting side of the log, and the check that the writer still drives the run.

JSON is made before anything is queued, so that a value that cannot be stored fails its own call and nothing else.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from workbench.errors import StaleDriverError
from workbench.events.base import Event
from workbench.events.call import ResultEvent
from workbench.events.codec import body_json, head_json
from workbench.store.model import Batch, RunHeader
from workbench.store.reader import header_of, no_run

LARGE_BODY = 32 * 1024
"""Bytes above which a body is stored once for all that have the same."""
FIRST_LINE_LENGTH = 80
"""Characters of a result's first line that its column repeats."""

_INSERT_RUN = (
    "INSERT INTO runs (id, root, created, parent, cut, made_from, caller_run, caller_call, depth, imported) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_EVENT = (
    "INSERT INTO events (id, run, seq, kind, call, at, elapsed, size, first_line, head) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_LEASE = """
SELECT imported, EXISTS (SELECT 1 FROM leases WHERE root = runs.root AND owner = ? AND token = ?) FROM runs WHERE id = ?
"""
_INSERT_BLOB = "INSERT INTO blobs (hash, content) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE hash = ?1)"


class EventRow(NamedTuple):
    """One event as the tables hold it, without its place in the order of commits."""

    run: str
    seq: int
    kind: str
    call: str | None
    at: float
    elapsed: float | None
    size: int | None
    first_line: str | None
    head: str
    body: str | None


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """A batch whose events are rows."""

    run: str
    header: RunHeader | None
    token: int | None
    rows: tuple[EventRow, ...]


def encode(batch: Batch) -> EncodedBatch:
    """Turn a batch into rows; raises what pydantic raises for a value that is no JSON."""
    rows = tuple(
        event_row(batch.run, batch.first_seq + offset, at, event, head_json(event), body_json(event))
        for offset, (at, event) in enumerate(batch.events)
    )
    return EncodedBatch(batch.run, batch.header, batch.token, rows)


def event_row(run: str, seq: int, at: float, event: Event, head: str, body: str | None) -> EventRow:
    """Return the row of an event whose JSON is `head` and `body`, with its envelope repeated in columns."""
    size, first_line = (event.size, event.first_line) if isinstance(event, ResultEvent) else (None, None)
    fields = vars(event)
    return EventRow(
        run=run,
        seq=seq,
        kind=event.kind,
        call=fields.get("call"),
        at=at,
        elapsed=fields.get("elapsed"),
        size=size,
        first_line=first_line and first_line[:FIRST_LINE_LENGTH],
        head=head,
        body=body,
    )


def append(connection: sqlite3.Connection, batches: Sequence[EncodedBatch], owner: str) -> None:
    """Insert the batches; raises `StaleDriverError` where `owner` does not hold the lease with the batch's token."""
    for batch in batches:
        if batch.header is not None:
            _require_own_root(connection, batch.run, batch.header)
            insert_header(connection, batch.header)
        _require_lease(connection, batch.run, batch.token, owner)
        insert_rows(connection, batch.rows)


def insert_header(connection: sqlite3.Connection, header: RunHeader) -> None:
    """Insert the row of a new run."""
    connection.execute(_INSERT_RUN, [getattr(header, each.name) for each in fields(header)])


def insert_rows(connection: sqlite3.Connection, rows: Iterable[EventRow]) -> None:
    """Insert events with their bodies, in order, after everything that was committed before."""
    position = connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]
    numbered = list(enumerate(rows, position + 1))
    connection.executemany(
        _INSERT_EVENT,
        [
            (number, row.run, row.seq, row.kind, row.call, row.at, row.elapsed, row.size, row.first_line, row.head)
            for number, row in numbered
        ],
    )
    bodies: list[tuple[int, str | None, bytes | None]] = []
    for number, row in numbered:
        if row.body is None:
            continue
        content = row.body.encode()
        if len(content) <= LARGE_BODY:
            bodies.append((number, row.body, None))
        else:
            digest = hashlib.sha256(content).digest()
            connection.execute(_INSERT_BLOB, (digest, row.body))
            bodies.append((number, None, digest))
    connection.executemany("INSERT INTO bodies (event, inline, blob) VALUES (?, ?, ?)", bodies)


def _require_own_root(connection: sqlite3.Connection, run: str, header: RunHeader) -> None:
    """Refuse a wrong root: it decides whose lease protects the run, so two processes could drive it."""
    root = header.id if header.caller_run is None else header_of(connection, header.caller_run).root
    if header.id != run or (header.root != root and not header.imported):
        raise ValueError(f"the header of run {run} is for run {header.id} and root {header.root}, not root {root}")


def _require_lease(connection: sqlite3.Connection, run: str, token: int | None, owner: str) -> None:
    row = connection.execute(_LEASE, (owner, token, run)).fetchone()
    if row is None:
        raise no_run(run)
    imported, is_held = row
    if not is_held and not (imported and token is None):
        raise StaleDriverError(
            f"run {run} is not driven by this process any more; another one took it over, or gave it back. "
            f"Nothing was written."
        )
