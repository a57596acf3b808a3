"""Locks of the operating system on files beside the database.

`WriteLock` is held around every write transaction and checkpoint of every process, because SQLite before 3.51.3 can
damage a database when one connection writes while another one checkpoints. `Presence` is held shared by every open
store, so that a purge knows that it is alone. Both go away with the process that holds them. They know no SQLite.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import DatabaseUnwritableError, StoreError

PATIENCE = 30.0
"""Seconds to wait for another process's write before giving up."""
_LONGEST_PAUSE = 0.01

if sys.platform == "win32":
    import msvcrt

    def _try_exclusive(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _try_shared(_descriptor: int) -> bool:
        return True  # there a file that is open cannot be replaced anyway, which is all that presence is for

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try_exclusive(descriptor: int) -> bool:
        return _try(descriptor, fcntl.LOCK_EX)

    def _try_shared(descriptor: int) -> bool:
        return _try(descriptor, fcntl.LOCK_SH)

    def _try(descriptor: int, mode: int) -> bool:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def beside(database: Path, ending: str) -> Path:
    """Return the path of a file that belongs to `database`: its name and `ending`."""
    return database.with_name(database.name + ending)


class WriteLock:
    """The right to change the database file; one process and one thread at a time."""

    def __init__(self, database: Path) -> None:
        self._path = beside(database, ".lock")
        self._descriptor = _open(self._path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock, after waiting for it at most `PATIENCE` seconds; blocks the thread."""
        if not _wait(lambda: _try_exclusive(self._descriptor)):
            raise StoreError(
                f"another process has been writing to the database for {PATIENCE:.0f} s (it holds "
                f"{str(self._path)!r}). Let it finish, continue it if it is suspended, or end it, and try again."
            )
        try:
            yield
        finally:
            _unlock(self._descriptor)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._descriptor)


class Presence:
    """The fact that a store has the database open."""

    def __init__(self, database: Path, *, create: bool) -> None:
        path = beside(database, ".open")
        self._descriptor = _open(path) if create else _open_existing(path)
        if self._descriptor is not None and not _wait(lambda: _try_shared(self._descriptor or 0)):
            os.close(self._descriptor)
            raise StoreError(f"the database {str(database)!r} is being purged by another process. Try again later.")

    def alone(self) -> bool:
        """Take the database for this store only, if no other one has it open; hold it until `close`."""
        return self._descriptor is not None and _try_exclusive(self._descriptor)

    def shared(self) -> None:
        """Let others open the database again."""
        if self._descriptor is not None:
            _try_shared(self._descriptor)

    def close(self) -> None:
        """Say that the store no longer has the database open."""
        if self._descriptor is not None:
            os.close(self._descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise DatabaseUnwritableError(
            f"the folder {str(path.parent)!r} cannot be written ({error.strerror}); a database needs one that can. "
            f"Name another one with --db, or only look with a command that does not write."
        ) from error


def _open_existing(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None  # nobody who could purge was ever here


def _wait(attempt: Callable[[], bool]) -> bool:
    if attempt():
        return True
    pause, waited, never = 0.0005, 0.0, threading.Event()
    while not attempt():
        if waited > PATIENCE:
            return False
        never.wait(pause)
        waited += pause
        pause = min(2 * pause, _LONGEST_PAUSE)
    return True
