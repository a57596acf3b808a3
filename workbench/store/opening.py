"""From a path to two sound connections, or to a sentence that says why not.

Order matters here: the file's first bytes are looked at before SQLite is, a read-only connection judges the database
before one that could write is opened, and a new database appears under its name only when it is whole. So nothing is
ever written to a file that is not ours, is newer than this program, or is damaged.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from workbench.clock import Clock
from workbench.errors import (
    DatabaseUnwritableError,
    ForeignDatabaseError,
    NewerDatabaseError,
    StoreError,
)
from workbench.store.connection import Database
from workbench.store.failures import damaged, named_errors
from workbench.store.migrations import APPLICATION_ID, MIGRATIONS, migrate, version
from workbench.store.oslock import WriteLock, beside
from workbench.store.schema import SMALL_TABLES
from workbench.store.soundness import report

PAGE_SIZE = 16 * 1024
"""Bytes; results of a few KiB fill such pages better than the usual 4 KiB."""
OLDEST_SQLITE = (3, 38, 0)
"""The first with STRICT tables and JSON functions always there."""

# https://sqlite.org/fileformat.html#the_database_header
_MAGIC = b"SQLite format 3\x00"
_HEADER_SIZE = 100
_PAGE_SIZE_AT = slice(16, 18)
_APPLICATION_ID_AT = slice(68, 72)


async def open_reader(path: Path) -> Database:
    """Open `path` for reading only and judge it; it must be there and be ours.

    On a read-only disk SQLite cannot make the index of a write-ahead log; without such a log none is needed.
    """
    _require_sqlite()
    await asyncio.to_thread(_look_at_header, path)
    try:
        return await _judged(path, await Database.connect(path, "ro"))
    except DatabaseUnwritableError as error:
        if os.access(path.parent, os.W_OK):
            raise
        log = beside(path, "-wal")
        if log.exists() and log.stat().st_size:
            raise DatabaseUnwritableError(
                f"the database {str(path)!r} lies in a folder that cannot be written, and what was written last is "
                f"still in {log.name!r}, which cannot be read there. Copy both files to a folder of yours and open "
                f"the copy."
            ) from error
        return await _judged(path, await Database.connect(path, "immutable"))


async def open_writer(path: Path, lock: WriteLock) -> Database:
    """Open `path`, which was judged sound, for writing, and bring it to the newest version."""
    database = await Database.connect(path, "rw")
    try:
        await database.run(lambda connection: _prepare(connection, lock))
    except BaseException:
        await database.close()
        raise
    return database


def look_for_stranger(path: Path) -> None:
    """Refuse what is there and is not ours, before anything is made beside it; an empty file may become ours."""
    if path.exists() and not (path.is_file() and path.stat().st_size == 0):
        _look_at_header(path)


def make_folder(path: Path) -> None:
    """Make the folder of a database for the user's eyes only, where it is not there yet."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnwritableError(
            f"the folder {str(path.parent)!r} for the database cannot be made: {error.strerror}. Name another place "
            f"with --db."
        ) from error


def make_if_missing(path: Path, lock: WriteLock, clock: Clock) -> None:
    """Make an empty database at `path` where there is none; an empty file counts as none."""
    if path.exists() and path.stat().st_size > 0:
        return
    _require_sqlite()
    with lock.held(), named_errors(path):
        if path.exists() and path.stat().st_size > 0:
            return  # another process made it meanwhile
        for ending in ("-wal", "-journal"):
            orphan = beside(path, ending)
            if orphan.exists() and orphan.stat().st_size:
                raise damaged(path, f"it is missing or empty while its {orphan.name!r} is there; they belong together")
        make(beside(path, ".new"), clock)
        beside(path, ".new").replace(path)
        sync_folder(path.parent)


def make(path: Path, clock: Clock) -> None:
    """Make an empty database of the newest version at `path`, synced to the disk; a file there is replaced."""
    make_private(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
        migrate(connection)
        connection.execute("INSERT INTO database (id, created) VALUES (?, ?)", (clock.new_id(), clock.wall()))
        set_wal(connection)
    sync_file(path)


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read, after removing what an interrupted attempt left there."""
    remove(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def remove(path: Path) -> None:
    """Remove a database that is not in use, with all that SQLite keeps beside it."""
    for ending in ("", "-journal", "-wal", "-shm"):
        beside(path, ending).unlink(missing_ok=True)


def set_wal(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log, without which readers and the writer would wait for each other."""
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise DatabaseUnwritableError(
            f"this disk cannot hold a database with a write-ahead log (SQLite answered {mode!r}); network disks often "
            f"cannot. Name a place on a local disk with --db."
        )


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _require_sqlite() -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise StoreError(
            f"this Python has SQLite {sqlite3.sqlite_version}; the database needs {needed} or newer. "
            f"Use a newer Python."
        )


def _look_at_header(path: Path) -> None:
    foreign = f"{str(path)!r} is not a workbench database"
    if path.exists() and not path.is_file():  # to open a pipe is to wait for its other end
        what = "a folder" if path.is_dir() else "a device, a pipe or a socket"
        raise ForeignDatabaseError(f"{foreign}: it is {what}. Name a file with --db.")
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_SIZE)
    except FileNotFoundError:
        raise StoreError(
            f"there is no database at {str(path)!r}. A first `workbench run` makes one; or name another with --db."
        ) from None
    except OSError as error:
        raise DatabaseUnwritableError(f"the database {str(path)!r} cannot be read: {error.strerror}.") from error
    if not header:
        raise ForeignDatabaseError(f"{foreign}: it is empty. Name another file with --db.")
    if len(header) < _HEADER_SIZE and header.startswith(_MAGIC[: len(header)]):
        raise damaged(path, f"it ends after {len(header)} bytes")
    if not header.startswith(_MAGIC):
        raise ForeignDatabaseError(
            f"{foreign}: it does not begin like one. Name another file with --db. (If it was one, it is damaged: "
            f"restore a backup.)"
        )
    if int.from_bytes(header[_APPLICATION_ID_AT], "big") != APPLICATION_ID:
        raise ForeignDatabaseError(
            f"{foreign}: it is a SQLite database of another program. Name another file with --db."
        )
    # SQLite takes a last page that is cut short as if zeros followed. Only a crash while the log is moved into the file
    # may leave one, and then the log is still there.
    page = int.from_bytes(header[_PAGE_SIZE_AT], "big") or PAGE_SIZE
    log = beside(path, "-wal")
    if path.stat().st_size % page and not (log.exists() and log.stat().st_size):
        raise damaged(path, "it ends in the middle of a page")


async def _judged(path: Path, database: Database) -> Database:
    try:
        await database.run(lambda connection: _judge(connection, path))
    except BaseException:
        await database.close()
        raise
    return database


def _judge(connection: sqlite3.Connection, path: Path) -> None:
    found, known = version(connection), len(MIGRATIONS)
    if found > known:
        raise NewerDatabaseError(
            f"the database {str(path)!r} has version {found}; this workbench reads up to {known}. Use a newer "
            f"workbench, or name another database with --db."
        )
    said = report(connection, SMALL_TABLES)
    if said != "ok":
        raise damaged(path, said)
    if found < 1 or connection.execute("SELECT count(*) FROM database").fetchone()[0] != 1:
        raise damaged(path, "its header and its tables do not fit together")


def _prepare(connection: sqlite3.Connection, lock: WriteLock) -> None:
    set_wal(connection)
    with lock.held():
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")  # whether the file can be written shows here, not in the first append
        connection.execute("ROLLBACK")
