"""Taking hidden runs out for good: a new file without them, swapped in whole.

The unit is the tree, a run with its subagents, for they make sense only together: a tree goes when its root is hidden
and no run that stays reads from it. The log's triggers forbid deletion, so it happens in a copy whose triggers are
dropped and put back; the database itself is never without them. Whoever calls this holds the database alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from workbench.store.connection import uri
from workbench.store.failures import damaged, named_errors
from workbench.store.library import hidden_runs
from workbench.store.model import PurgeReport
from workbench.store.opening import make_private, remove, set_wal, sync_file, sync_folder
from workbench.store.oslock import beside

_DELETIONS = (
    "DELETE FROM bodies WHERE event IN (SELECT id FROM events WHERE run IN gone)",
    "DELETE FROM events WHERE run IN gone",
    "DELETE FROM blobs WHERE hash NOT IN (SELECT blob FROM bodies WHERE blob NOTNULL)",
    "DELETE FROM summaries WHERE run IN gone",
    "DELETE FROM leases WHERE root IN gone",
    "DELETE FROM library WHERE run IN gone",
    "DELETE FROM runs WHERE id IN gone",
)


def purge(path: Path, owner: str, new_id: str) -> PurgeReport:
    """Replace the database, which no connection has open, by one without the runs that nobody needs.

    Runs that `owner` drives stay; `new_id` becomes the id of the new file.
    """
    fresh = beside(path, ".purge")
    before = path.stat().st_size
    try:
        with named_errors(path):
            removed, kept = _copy_without(path, fresh, owner, new_id)
            if removed:
                _put_in_place(fresh, path)
    finally:
        remove(fresh)
    return PurgeReport(removed, kept, before, path.stat().st_size)


def _put_in_place(fresh: Path, path: Path) -> None:
    sync_file(fresh)
    log = beside(path, "-wal")
    if log.exists() and log.stat().st_size:
        raise damaged(path, f"{log.name!r} did not go away when the database was closed")
    fresh.replace(path)
    sync_folder(path.parent)


def _copy_without(path: Path, fresh: Path, owner: str, new_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Make `fresh` out of `path`, unless nothing is to go; return the ids that went and the hidden ones that stay."""
    with closing(sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None)) as old:
        gone, kept = _choose(old, owner)
        if not gone:
            return gone, kept
        make_private(fresh)
        old.execute("VACUUM INTO ?", (str(fresh),))
    with closing(sqlite3.connect(fresh, isolation_level=None)) as copy:
        _delete(copy, gone, new_id)
        copy.execute("VACUUM")  # or what was deleted would still stand in free pages
        broken = copy.execute("PRAGMA foreign_key_check").fetchall()
        report = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if broken or report != "ok":
            raise damaged(path, f"a copy of it is not sound ({report}, {len(broken)} broken references)")
        set_wal(copy)
    return gone, kept


def _choose(connection: sqlite3.Connection, owner: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rows = connection.execute("SELECT id, root, parent FROM runs ORDER BY n").fetchall()
    hidden = hidden_runs(connection)
    root_of = {run: root for run, root, _ in rows}
    read_by: dict[str, set[str]] = {}
    for _, root, parent in rows:
        if parent is not None:
            read_by.setdefault(root, set()).add(root_of[parent])
    driven = connection.execute("SELECT root FROM leases WHERE owner = ?", (owner,)).fetchall()
    keep: set[str] = set()
    waiting = [root for root in root_of.values() if root not in hidden] + [row[0] for row in driven]
    while waiting:
        root = waiting.pop()
        if root not in keep:
            keep.add(root)
            waiting += read_by.get(root, ())
    gone = tuple(run for run, root, _ in rows if root not in keep)
    return gone, tuple(run for run, root, _ in rows if run in hidden and root in keep)


def _delete(connection: sqlite3.Connection, gone: Sequence[str], new_id: str) -> None:
    connection.execute("CREATE TEMP TABLE gone (run TEXT PRIMARY KEY)")
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO gone (run) VALUES (?)", [(run,) for run in gone])
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f'DROP TRIGGER "{name}"')
    for deletion in _DELETIONS:
        connection.execute(deletion)
    connection.execute("UPDATE database SET id = ?", (new_id,))  # what was indexed from the old file is indexed again
    for _, sql in triggers:
        connection.execute(sql)
    connection.execute("COMMIT")
