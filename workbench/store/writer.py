"""The one writer of a process: a queue, and group commit without a timer.

Whatever is queued when the connection is free goes into one transaction, at the strictest durability asked for, and
then all waiters learn of it. A waiter that is cancelled stops waiting; its write is done all the same. Where one of
several is refused, all are done again with a savepoint each, so it takes nothing with it. What the writes do is not
known here.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from workbench.errors import StoreError
from workbench.store.connection import WAL_LIMIT, Database
from workbench.store.failures import named_errors
from workbench.store.model import Durability
from workbench.store.oslock import WriteLock, beside

T = TypeVar("T")
IDLE_SECONDS = 1.0
"""Quiet time after which what was written moves from the write-ahead log into the database."""


@dataclass(frozen=True, slots=True, eq=False)
class _Write:
    work: Callable[[sqlite3.Connection], Any]
    durability: Durability
    done: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class Writer:
    """Does writes in the order in which they were asked for; belongs to one event loop."""

    def __init__(self, database: Database, lock: WriteLock, path: Path) -> None:
        self._database, self._lock, self._path = database, lock, path
        self._log = beside(path, "-wal")
        self._queue: list[_Write] = []
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._checkpoint_due = False
        self._finished = False
        self._synchronous = Durability.NORMAL

    def queue(
        self, work: Callable[[sqlite3.Connection], T], durability: Durability = Durability.NORMAL
    ) -> asyncio.Future[T]:
        """Do `work` inside a transaction, and return where its outcome will be, after COMMIT.

        It is called again after a rollback where a write beside it was refused.
        """
        if self._finished:
            raise StoreError(f"the database {str(self._path)!r} was closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Write(work, durability, done))
        self._start()
        return done

    async def finish(self) -> None:
        """Take no more writes, and wait until all that were taken are done."""
        self._finished = True
        if self._idle is not None:
            self._idle.cancel()
        while self._task is not None:
            await asyncio.wait([self._task])

    async def checkpoint(self) -> None:
        """Move what is committed into the database file, as far as no reader needs it where it is."""
        await self._database.run(self._checkpoint)

    def _start(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name="store writer")

    async def _drain(self) -> None:
        wrote = False
        try:
            while self._queue or self._checkpoint_due:
                if self._queue:
                    writes, self._queue = self._queue, []
                    await self._commit(writes)
                    wrote = True
                else:
                    self._checkpoint_due = wrote = False
                    with suppress(StoreError):  # nothing is lost: the log keeps it, and the next write meets the cause
                        await self.checkpoint()
        finally:
            self._task = None
        if wrote and not self._finished:
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._fall_idle)

    def _fall_idle(self) -> None:
        self._checkpoint_due = True
        self._start()

    async def _commit(self, writes: Sequence[_Write]) -> None:
        outcomes: Sequence[Any]
        try:
            outcomes = await self._database.run(lambda connection: self._transaction(connection, writes))
        except Exception as error:  # noqa: BLE001 - whatever it was, it goes to those who wait
            outcomes = [_Failed(error)] * len(writes)
        for write, outcome in zip(writes, outcomes, strict=True):
            if write.done.done():
                continue  # its waiter was cancelled
            if isinstance(outcome, _Failed):
                write.done.set_exception(outcome.error)
            else:
                write.done.set_result(outcome)

    def _transaction(self, connection: sqlite3.Connection, writes: Sequence[_Write]) -> list[Any]:
        strictest = max((write.durability for write in writes), key=lambda each: each is Durability.FULL)
        with self._lock.held():
            if strictest is not self._synchronous:
                connection.execute(f"PRAGMA synchronous={strictest.value}")
                self._synchronous = strictest
            try:
                outcomes = self._at_once(connection, writes)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._shorten_log(connection)
        return outcomes

    def _at_once(self, connection: sqlite3.Connection, writes: Sequence[_Write]) -> list[Any]:
        """Do all writes in a transaction that is left open; where one of several is refused, do them one by one.

        Savepoints cost two statements a write, and hardly any write is refused.
        """
        connection.execute("BEGIN IMMEDIATE")
        try:
            with named_errors(self._path):
                return [write.work(connection) for write in writes]
        except Exception:
            if len(writes) == 1 or not connection.in_transaction:
                raise  # SQLite gave the whole transaction up itself: the disk is full, or the file cannot be read
            connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        return [self._one(connection, write) for write in writes]

    def _one(self, connection: sqlite3.Connection, write: _Write) -> Any:
        connection.execute("SAVEPOINT one")
        try:
            with named_errors(self._path):
                outcome = write.work(connection)
        except Exception as error:
            if not connection.in_transaction:
                raise  # as above
            connection.execute("ROLLBACK TO one")
            outcome = _Failed(error)
        connection.execute("RELEASE one")
        return outcome

    def _shorten_log(self, connection: sqlite3.Connection) -> None:
        with suppress(OSError, sqlite3.Error):  # the transaction is committed, whatever becomes of this
            if self._log.stat().st_size > WAL_LIMIT:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        with self._lock.held():
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
