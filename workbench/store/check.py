"""What `doctor` asks of a database: is it sound, all the way down.

Each check returns sentences for a person; none repairs anything.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.store.oslock import beside
from workbench.store.reader import event_of

SAFE_SQLITE = (3, 51, 3)
"""The first without the bug by which a write and a checkpoint at once could damage a database."""

# A run's own events must go on at its cut without a gap.
_GAPS = """
SELECT r.id, coalesce(r.cut + 1, 0), min(e.seq), max(e.seq), count(e.seq)
FROM runs AS r JOIN events AS e ON e.run = r.id GROUP BY r.id
HAVING min(e.seq) <> coalesce(r.cut + 1, 0) OR max(e.seq) - min(e.seq) + 1 <> count(e.seq)
"""
_LOST_CUTS = """
SELECT id, parent, cut FROM runs
WHERE parent NOTNULL AND NOT EXISTS (SELECT 1 FROM events WHERE run = runs.parent AND seq = runs.cut)
"""
_STALE = """
SELECT s.run, s.as_of_seq, max(e.seq)
FROM summaries AS s JOIN events AS e ON e.run = s.run
GROUP BY s.run HAVING s.as_of_seq < max(e.seq)
"""


def check_content(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong inside the database; an empty list where all is well."""
    return [*_pages(connection), *_log(connection), *_events(connection), *_blobs(connection), *_summaries(connection)]


def check_surroundings(path: Path) -> list[str]:
    """Return what is wrong around the database: who can read it, and with what it is read."""
    found = [
        f"others may read {str(each)!r} (mode {mode:o}); make it yours: chmod 600 {each.name}"
        for each in (path, beside(path, "-wal"))
        if os.name == "posix" and each.exists() and (mode := stat.S_IMODE(each.stat().st_mode)) & 0o077
    ]
    found += [
        f"{str(each)!r} was left behind when the workbench was killed; it may hold copies of runs. Remove it"
        for each in (beside(path, ".purge"), beside(path, ".new"))
        if each.exists()
    ]
    if sqlite3.sqlite_version_info < SAFE_SQLITE:
        safe = ".".join(map(str, SAFE_SQLITE))
        found.append(
            f"SQLite {sqlite3.sqlite_version} is older than {safe}, which mends a rare bug with several writers; the "
            f"workbench keeps writers apart by a lock, other programs that write to this file might not"
        )
    return found


def _pages(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check(10)").fetchall():
        if line != "ok":
            yield f"the file is damaged: {' '.join(line.split())}"
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall()[:10]:
        yield f"a row of {table} refers to one of {parent} that is not there"


def _log(connection: sqlite3.Connection) -> Iterator[str]:
    for run, start, first, last, count in connection.execute(_GAPS).fetchall():
        yield f"run {run} should have events from {start} on without a gap; it has {count}, from {first} to {last}"
    for run, parent, cut in connection.execute(_LOST_CUTS).fetchall():
        yield f"run {run} is a fork of run {parent} at event {cut}, which is not there"


def _events(connection: sqlite3.Connection) -> Iterator[str]:
    for run, seq, kind, head in connection.execute("SELECT run, seq, kind, head FROM events ORDER BY id"):
        try:
            event_of(kind, head)
        except WorkbenchError as error:
            yield f"event {seq} of run {run} cannot be read: {error}"


def _blobs(connection: sqlite3.Connection) -> Iterator[str]:
    for digest, content in connection.execute("SELECT hash, content FROM blobs"):
        if hashlib.sha256(content.encode()).digest() != digest:
            yield f"the large result {digest.hex()[:16]}… was changed"


def _summaries(connection: sqlite3.Connection) -> Iterator[str]:
    for run, folded, last in connection.execute(_STALE).fetchall():
        yield f"the summary of run {run} is behind its log ({folded} of {last}); listing the runs brings it up"
