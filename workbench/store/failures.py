"""SQLite's errors in words for a person: what happened to which file, and what to do.

Every connection of the room runs its work inside `named_errors`, so no bare `sqlite3` error leaves the store. It knows
nothing of what the work was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import (
    DamagedDatabaseError,
    DatabaseUnwritableError,
    SessionFileError,
    StoreError,
)

# Primary result codes of https://sqlite.org/rescode.html; the extended ones carry them in their low byte.
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_TORN = {sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about `path` into errors of the program.

    A stored event that cannot be read as one means that the file is damaged, so that is said instead.
    """
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.NotSupportedError):
        raise  # a mistake in this room, not a fact about the file
    except sqlite3.DatabaseError as error:
        raise _named(error, path) from error


def damaged(path: Path, why: str) -> DamagedDatabaseError:
    """Return the error for an unsound database, with how to rescue what is left; one line, whatever SQLite's is."""
    return DamagedDatabaseError(
        f"the database {str(path)!r} is damaged: {' '.join(why.split())}. Restore a backup, or rescue what can be read "
        f"with: sqlite3 {path.name} .recover | sqlite3 recovered.db"
    )


@contextmanager
def stored_events(path: Path) -> Iterator[None]:
    """Read events out of the database `path`: what does not parse there is damage, not a bad session file."""
    try:
        yield
    except SessionFileError as error:
        raise damaged(path, str(error)) from error


def _named(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in _DAMAGED or code in _TORN or (code is None and "decode" in str(error)):
        return damaged(path, str(error))
    if primary in _BUSY:
        return StoreError(f"the database {str(path)!r} is busy: another process keeps writing to it. Try again.")
    if primary in _UNWRITABLE:
        return DatabaseUnwritableError(
            f"the database {str(path)!r} cannot be written or opened ({error}). Check that the disk is not full, that "
            f"it is not read-only, and that the file and its folder are yours; or name another one with --db."
        )
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return StoreError(f"the database {str(path)!r} refused what does not fit its log: {error}")
    return StoreError(f"the database {str(path)!r} could not do what was asked: {error}")
