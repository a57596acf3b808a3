"""Notes that runs keep, in a SQLite file of their own that only the user can read.

It implements the `Notebook` of the tools. Which runs' notes may be read is the caller's to say; unlike a document
index this file is no cache, so a damaged or foreign one is refused, never replaced.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.corpus.ranking import CREATE_WORDS, rank
from workbench.corpus.words import indexed, parse, storable
from workbench.errors import (
    DamagedDatabaseError,
    DatabaseUnwritableError,
    ForeignDatabaseError,
    NewerDatabaseError,
)
from workbench.tools.library import Note

APPLICATION_ID = 0x77626E74
"""`wbnt`: what SQLite's header says of our notes."""
VERSION = 1
"""Of the tables."""
WAIT = 5.0
"""Seconds that a write waits for another process."""

_TABLES = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, run TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL,"
    " UNIQUE (run, key))",
    CREATE_WORDS,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


class NotesFile:
    """Notes in a file; close it when done."""

    def __init__(self, path: Path) -> None:
        """Open the notes, making the file where there is none.

        Raises a StoreError where the file is not ours, is newer or damaged, or cannot be written.
        """
        self._path = path
        self._lock = threading.Lock()
        with self._named_errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file; nothing else may be called afterwards."""
        with self._lock:
            self._connection.close()

    def save(self, run: str, key: str, text: str) -> None:
        """Keep a note; the same run and key replaces it. Raises a StoreError where it cannot be written."""
        run, key, text = storable(run), storable(key), storable(text)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO notes (run, key, text) VALUES (?, ?, ?)"
                " ON CONFLICT (run, key) DO UPDATE SET text = excluded.text",
                (run, key, text),
            )
            named = connection.execute("SELECT id FROM notes WHERE run = ? AND key = ?", (run, key))
            (note,) = named.fetchone()
            connection.execute("DELETE FROM words WHERE rowid = ?", (note,))
            connection.execute(
                "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)", (note, indexed(key), indexed(text))
            )

    def search(self, query: str, runs: Sequence[str], limit: int = 5) -> Sequence[Note]:
        """Return notes that fit, best first, of these runs only. `query` is any text."""
        allowed = {storable(run) for run in runs}
        with self._lock, self._named_errors():
            owners = self._connection.execute("SELECT id, run FROM notes").fetchall()
            readable = {note for note, run in owners if run in allowed}
            matches = rank(self._connection, parse(query), len(owners), among=readable)
            return [
                Note(
                    *self._connection.execute("SELECT run, key, text FROM notes WHERE id = ?", (match.row,)).fetchone()
                )
                for match in matches[: max(0, limit)]
            ]

    def _prepare(self) -> None:
        """Make the tables in a new file; refuse one that is not ours, is newer, or is damaged."""
        with self._writing() as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            name = repr(str(self._path))
            if not tables and not application:
                for table in _TABLES:
                    connection.execute(table)
            elif application != APPLICATION_ID:
                raise ForeignDatabaseError(f"{name} is a database of another program; name another file for the notes")
            elif version > VERSION:
                raise NewerDatabaseError(
                    f"the notes in {name} are of version {version}, this workbench reads up to {VERSION}; update it"
                )
            elif connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("its tables are not sound")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread for one transaction, which is undone when anything fails."""
        with self._lock, self._named_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turn what SQLite and the system say into errors that tell the user what to do."""
        try:
            yield
        except sqlite3.ProgrammingError:  # closed: a mistake of ours
            raise
        except (OSError, sqlite3.OperationalError) as error:
            raise DatabaseUnwritableError(
                f"the notes in {str(self._path)!r} cannot be used ({error}); check the permissions and the free space"
            ) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise DamagedDatabaseError(
                f"the notes in {str(self._path)!r} are damaged ({error}); move the file away to begin a new one"
            ) from error
