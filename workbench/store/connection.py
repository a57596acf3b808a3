"""One SQLite connection on a thread of its own, through aiosqlite, with a way to do several statements in one hop.

A hop between the event loop and the connection's thread costs as much as ten statements, and a transaction that is
spread over several awaits can be left open by a cancellation. So the rooms' work is plain functions of a
`sqlite3.Connection`, each run whole on that thread. This file knows how to open a connection safely and nothing of
what is in it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import aiosqlite

from workbench.errors import StoreError
from workbench.store.failures import named_errors

T = TypeVar("T")
Mode = Literal["ro", "rw", "immutable"]

BUSY_SECONDS = 5.0
WAL_LIMIT = 64 * 1024 * 1024
"""Bytes of write-ahead log above which the writer checkpoints without waiting for idle time."""

_EVERY = ("PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON", "PRAGMA mmap_size=0")
_READER = ("PRAGMA query_only=ON",)
_WRITER = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",  # savepoints keep their undo pages there instead of in a file
    "PRAGMA synchronous=NORMAL",
    "PRAGMA wal_autocheckpoint=0",
    f"PRAGMA journal_size_limit={WAL_LIMIT}",
    *(("PRAGMA fullfsync=ON", "PRAGMA checkpoint_fullfsync=ON") if sys.platform == "darwin" else ()),
)


class _JobConnection(sqlite3.Connection):
    """A connection whose `commit`, which aiosqlite calls on the connection's thread, does the next job of a queue.

    Transactions of this room are opened and committed by SQL statements, so `commit` has no other use.
    """

    def __init__(self, *args: Any, jobs: deque[Callable[[sqlite3.Connection], None]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._jobs = jobs

    def commit(self) -> None:
        """Do the job that has waited longest."""
        self._jobs.popleft()(self)


class Database:
    """A connection and its thread; close it, or the interpreter waits for the thread at its end."""

    def __init__(
        self, connection: aiosqlite.Connection, jobs: deque[Callable[[sqlite3.Connection], None]], path: Path
    ) -> None:
        self._connection, self._jobs, self._path = connection, jobs, path
        self._closed = False

    @classmethod
    async def connect(cls, path: Path, mode: Mode) -> Database:
        """Open the existing database `path`; `immutable` is for disks on which nothing can change."""
        jobs: deque[Callable[[sqlite3.Connection], None]] = deque()
        with named_errors(path):
            connection = await aiosqlite.connect(
                uri(path, mode),
                uri=True,
                isolation_level=None,
                timeout=BUSY_SECONDS,
                factory=partial(_JobConnection, jobs=jobs),
            )
        database = cls(connection, jobs, path)
        try:
            await database.run(partial(_configure, statements=_EVERY + (_WRITER if mode == "rw" else _READER)))
        except BaseException:
            await database.close()
            raise
        return database

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` on the connection's thread, whole, and return what it returns.

        Cancelling the caller does not stop work that was handed over; its outcome is then dropped.
        """
        if self._closed:
            raise StoreError(f"the database {str(self._path)!r} was closed")
        outcome: list[T] = []
        self._jobs.append(lambda connection: outcome.append(work(connection)))
        with named_errors(self._path):
            await self._connection.commit()
        return outcome[0]

    async def close(self) -> None:
        """Let the work that was handed over finish, and close."""
        if not self._closed:
            self._closed = True
            with named_errors(self._path):
                await self._connection.close()


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Wait for the end of `work`, even when cancelled meanwhile; for what must not be left half done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def uri(path: Path, mode: Mode) -> str:
    """Return the address by which SQLite opens the existing file `path`."""
    flags = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    return f"{path.absolute().as_uri()}?{flags}"


def _configure(connection: sqlite3.Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        connection.execute(statement)
