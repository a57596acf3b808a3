"""The store as the rest of the program sees it: one object a process, async methods, and errors that name the file.

Writes go through one queue and one connection, reads through a second connection that sees everything committed before
they were asked. What each method does stands in the file of its concern; here it is only handed to the right thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from workbench.clock import Clock
from workbench.errors import DatabaseUnwritableError, StoreError
from workbench.events.base import Recorded
from workbench.events.content import Content
from workbench.events.library import LibraryEvent
from workbench.store import append as appending
from workbench.store import check, library, names, projection, purge, reader, transfer
from workbench.store.connection import Database, whole
from workbench.store.failures import stored_events
from workbench.store.leases import LeaseBook, held_error
from workbench.store.model import (
    Batch,
    Durability,
    LibraryEntry,
    PurgeReport,
    RunHeader,
    RunRow,
    RunSummary,
    Segment,
)
from workbench.store.opening import (
    look_for_stranger,
    make_folder,
    make_if_missing,
    open_reader,
    open_writer,
)
from workbench.store.oslock import Presence, WriteLock
from workbench.store.process import this_process
from workbench.store.writer import Writer

T = TypeVar("T")
WATCH_SECONDS = 1.0
"""Pause between two looks at the heartbeat of a process that cannot be seen from here."""


class Store:
    """A database of runs. Open it with `await Store.open(...)`, and close it, best by `async with`.

    It belongs to the event loop that opened it; another thread or process opens its own.
    """

    def __init__(self, path: Path, clock: Clock, *, read_only: bool) -> None:
        self.path = path
        """The database file."""
        self.read_only = read_only
        self._clock = clock
        self._leases = LeaseBook(this_process(clock), clock)
        self._pause: Callable[[float], Awaitable[None]] = asyncio.sleep
        self._presence: Presence | None = None
        self._lock: WriteLock | None = None
        self._reader: Database | None = None
        self._database: Database | None = None
        self._writer: Writer | None = None

    @classmethod
    async def open(cls, path: Path, *, clock: Clock, read_only: bool = False) -> Store:
        """Open the database at `path`; where there is none it is made, unless `read_only`.

        Raises `ForeignDatabaseError`, `NewerDatabaseError`, `DamagedDatabaseError` or `DatabaseUnwritableError` for a
        file that cannot be used, and has then written nothing to it.
        """
        store = cls(path, clock, read_only=read_only)
        try:
            await store._connect()
        except BaseException:
            await store.close()
            raise
        return store

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was asked for, give the leases back, and close the file. Closing twice is closing once."""
        if self._writer is not None and self._reader is not None:
            with suppress(StoreError):  # then the leases end with this process
                await self._write(self._leases.give_back)
        await self._disconnect()
        if self._lock is not None:
            self._lock.close()
        if self._presence is not None:
            self._presence.close()
        self._lock = self._presence = None

    def append(self, *batches: Batch, durability: Durability = Durability.NORMAL) -> Awaitable[None]:
        """Append all batches or none, and return what is done when they are committed; cancelling it stops no write.

        It raises `StaleDriverError` when this process does not hold the lease that a batch names.
        """
        rows = [appending.encode(batch) for batch in batches]
        owner = self._leases.process.owner
        return self._writing.queue(lambda connection: appending.append(connection, rows, owner), durability)

    async def read(self, run: str, *, upto: int | None = None, after: int = -1, bodies: bool = False) -> list[Recorded]:
        """Return the events of the run's whole lineage with seq in (after, upto]; `result` only with `bodies`."""
        return await self._read(partial(reader.read, run=run, after=after, upto=upto, bodies=bodies))

    async def body(self, run: str, seq: int) -> Content:
        """Return the result of an event in the run's own log; empty where it has none."""
        return await self._read(partial(reader.body_of, run=run, seq=seq))

    async def bodies(self, refs: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Content]:
        """Return many results by owning run and seq, in one query; what does not exist is left out."""
        return await self._read(partial(reader.bodies_of, refs=refs))

    async def raw(self, run: str) -> list[tuple[int, float, str]]:
        """Return the run's own events as seq, at and whole JSON, just as stored."""
        return await self._read(partial(reader.raw, run=run))

    async def lineage(self, run: str) -> tuple[Segment, ...]:
        """Return the parts of logs that the run reads as one, oldest first."""
        return await self._read(partial(reader.lineage_of, run=run))

    async def header(self, run: str) -> RunHeader:
        """Return what never changes about the run."""
        return await self._read(partial(reader.header_of, run=run))

    async def last_seq(self, run: str) -> int:
        """Return the seq of the last event that the run reads, inherited or its own; -1 where there is none."""
        return await self._read(partial(reader.last_seq_of, run=run))

    async def children(self, run: str) -> list[RunHeader]:
        """Return the subagents that the run's own calls spawned, oldest first."""
        return await self._read(partial(reader.children_of, run=run))

    async def owner_of(self, run: str, seq: int) -> str:
        """Return the run of the lineage whose own log holds `seq`."""
        return await self._read(partial(reader.owner_of, run=run, seq=seq))

    async def resolve(self, name: str) -> str:
        """Return the id that a person means by an id, the beginning of one, or `@last`."""
        return await self._read(partial(names.resolve, name=name))

    async def runs(self, *, hidden: bool = False, limit: int | None = None, also: Sequence[str] = ()) -> list[RunRow]:
        """Return a row for every run, newest first; hidden ones only if asked for.

        With a `limit` the newest so many, those that are driven or named in `also`, what any of these come from, and,
        unless the limit is 0, their subagents.

        Rows whose `as_of_seq` is behind `last_seq` are to be folded again by the caller.
        """

        def read(connection: sqlite3.Connection) -> list[RunRow]:
            holders = self._leases.living(connection)
            return projection.runs(connection, hidden=hidden, holders=holders, limit=limit, also=also)

        return await self._read(read)

    async def visible(self) -> list[str]:
        """Return the ids of the runs that are not hidden."""
        return await self._read(projection.visible)

    async def labelled(self) -> list[str]:
        """Return the ids of the runs that people said words about: names, tags, notes."""
        return await self._read(library.labelled)

    async def save_row(self, summary: RunSummary) -> None:
        """Keep what lists show of a run, unless a newer summary is there."""
        await self._write(partial(projection.save, summary=summary))

    async def append_library(self, event: LibraryEvent, at: float) -> None:
        """Append to the library log what a person said about a run."""
        await self.append_remarks((event,), at)

    async def append_remarks(self, events: Sequence[LibraryEvent], at: float) -> None:
        """Append to the library log what was said about several runs, all of it or nothing."""
        await self._write(partial(library.append_entries, events=events, at=at))

    async def library(self) -> list[LibraryEntry]:
        """Return the whole library log, oldest entry first."""
        return await self._read(library.entries)

    async def position(self) -> int:
        """Return the place of the last committed event in the order of all commits, to `follow` from."""
        return await self._read(reader.position)

    async def follow(
        self,
        position: int,
        limit: int | None = None,
        run: str | None = None,
        is_known: Callable[[str, int], bool] = lambda _run, _seq: False,
    ) -> tuple[list[Recorded], int]:
        """Return what any run, or `run`, got after `position`, in order of commit, and the position after it.

        What `is_known`, by run and seq, is left out, and costs next to nothing; it is asked on another thread.
        """
        return await self._read(partial(reader.follow, start=position, limit=limit, run=run, is_known=is_known))

    async def identity(self) -> str:
        """Return the id of this database file; a purge gives it a new one, since positions then mean other events."""
        return await self._read(lambda connection: str(connection.execute("SELECT id FROM database").fetchone()[0]))

    async def import_runs(
        self, runs: Sequence[transfer.ImportedRun], source: str, told: transfer.Told = lambda _done, _total: None
    ) -> int:
        """Take runs in from the session file named `source`, all or none; return how many were new.

        `told` hears how many events are done, on other threads, and may raise to give up.

        Raises `ImportRefusedError` where an id exists here with other content or a parent is nowhere, and
        `SessionFileError` for what is malformed.
        """
        checked = await asyncio.to_thread(transfer.check_runs, runs, told)
        at = self._clock.wall()
        insert = partial(transfer.insert_runs, runs=checked, source=source, at=at, told=told)
        return await self._write(insert, Durability.FULL)

    async def acquire(self, root: str) -> int:
        """Take the lease on a root run and return its fencing token.

        A holder on another machine, or of another boot, cannot be seen from here: its heartbeat is watched for up to
        15 seconds. Raises `RunHeldError` when a living process has the lease.
        """
        beat: int | None = None
        while True:
            taken = await self._write(partial(self._leases.take, root=root))
            if isinstance(taken, int):
                return taken
            if taken.is_seen_alive or beat not in (None, taken.beat):
                raise held_error(taken)
            beat = taken.beat
            await self._pause(WATCH_SECONDS)

    async def release(self, root: str) -> None:
        """Give the lease on a root run back; nothing happens where this process does not have it."""
        await self._write(partial(self._leases.give_back, root=root))

    async def heartbeat(self) -> None:
        """Show other processes that this one lives; to be called every few seconds while it drives runs."""
        await self._write(self._leases.beat)

    async def holder(self, root: str) -> str | None:
        """Return who drives a root run now, `pid 123 on host`, or None."""
        living = await self._read(self._leases.living)
        return living.get(root)

    async def purge(self) -> PurgeReport:
        """Take out hidden runs that no other run needs, by swapping in a new file.

        Nothing else may use this store meanwhile. Raises `StoreError` when another process has the database open.
        """
        if self._presence is None or self._lock is None:
            raise self._not_writable()
        if not self._presence.alone():
            self._presence.shared()
            raise StoreError(
                f"the database {str(self.path)!r} is open elsewhere too. Close every other workbench on it and "
                f"purge again."
            )
        try:
            return await whole(self._swap(self._lock))
        finally:
            self._presence.shared()

    async def check(self) -> list[str]:
        """Return what is wrong with the database, in sentences for a person; reads all of it."""
        found = await self._read(check.check_content)
        return [*found, *await asyncio.to_thread(check.check_surroundings, self.path)]

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._reader is None:
            raise StoreError(f"the database {str(self.path)!r} was closed")
        with stored_events(self.path):
            return await self._reader.run(work)

    async def _write(self, work: Callable[[sqlite3.Connection], T], durability: Durability = Durability.NORMAL) -> T:
        return await self._writing.queue(work, durability)

    @property
    def _writing(self) -> Writer:
        if self._writer is None:
            raise self._not_writable()
        return self._writer

    def _not_writable(self) -> StoreError:
        if self.read_only:
            return DatabaseUnwritableError(f"the database {str(self.path)!r} was opened for reading only")
        return StoreError(f"the database {str(self.path)!r} was closed")

    async def _connect(self) -> None:
        await whole(asyncio.to_thread(self._prepare_files))
        if self._lock is not None:
            await self._reconnect(self._lock)
        else:
            self._reader = await open_reader(self.path)

    def _prepare_files(self) -> None:
        if self.read_only:
            self._presence = Presence(self.path, create=False)
            return
        look_for_stranger(self.path)
        make_folder(self.path)
        self._presence = Presence(self.path, create=True)
        self._lock = WriteLock(self.path)
        make_if_missing(self.path, self._lock, self._clock)

    async def _reconnect(self, lock: WriteLock) -> None:
        self._reader = await open_reader(self.path)
        self._database = await open_writer(self.path, lock)
        self._writer = Writer(self._database, lock, self.path)

    async def _disconnect(self) -> None:
        writer, database, reading = self._writer, self._database, self._reader
        self._writer = self._database = self._reader = None
        try:
            if writer is not None:
                await writer.finish()
            if reading is not None:
                await reading.close()
        finally:
            if database is not None:
                await database.close()  # last, so that SQLite moves its log into the file and removes it

    async def _swap(self, lock: WriteLock) -> PurgeReport:
        await self._disconnect()
        try:
            return await asyncio.to_thread(self._purge, lock)
        finally:
            await self._reconnect(lock)

    def _purge(self, lock: WriteLock) -> PurgeReport:
        with lock.held():
            return purge.purge(self.path, self._leases.process.owner, self._clock.new_id())
