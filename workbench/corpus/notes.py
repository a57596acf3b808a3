"""Notes that runs keep, in a SQLite file of their own that only the user can read.

It implements the `Notebook` of the tools. Nothing that was noted is ever replaced by another note: a key keeps all
its texts, and which of them is the latest depends on who reads. Which notes may be read is the caller's to say. Unlike
a document index this file is no cache, so a damaged or foreign one is refused, never replaced.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
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
from workbench.tools.library import Note, Readable

APPLICATION_ID = 0x77626E74
"""`wbnt`: what SQLite's header says of our notes."""
VERSION = 2
"""Of the tables. In the first a key had one text, and nobody knew by which call."""
WAIT = 5.0
"""Seconds that a write waits for another process."""

_NOTES = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, run TEXT NOT NULL, key TEXT NOT NULL, call TEXT NOT NULL,"
    " text TEXT NOT NULL)",
    "CREATE INDEX notes_by_key ON notes (run, key)",
)
_TABLES = (*_NOTES, CREATE_WORDS, f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {VERSION}")
_FROM_1 = (
    "ALTER TABLE notes RENAME TO notes_1",
    *_NOTES,
    "INSERT INTO notes (id, run, key, call, text) SELECT id, run, key, '', text FROM notes_1 ORDER BY id",
    "DROP TABLE notes_1",
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

    def save(self, run: str, key: str, text: str, call: str = "") -> None:
        """Keep a note; the same run, key and call replaces it. Raises a StoreError where it cannot be written."""
        run, key, text, call = storable(run), storable(key), storable(text), storable(call)
        with self._writing() as connection:
            same = connection.execute(
                "SELECT id FROM notes WHERE run = ? AND key = ? AND call = ?", (run, key, call)
            ).fetchone()
            if same is not None:
                connection.execute("DELETE FROM notes WHERE id = ?", same)
                connection.execute("DELETE FROM words WHERE rowid = ?", same)
            # The number is given, so that a note that is replaced becomes the newest again and none is used twice.
            (note,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM notes").fetchone()
            note = max(note, same[0] + 1) if same is not None else note
            connection.execute(
                "INSERT INTO notes (id, run, key, call, text) VALUES (?, ?, ?, ?, ?)", (note, run, key, call, text)
            )
            connection.execute(
                "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)", (note, indexed(key), indexed(text))
            )

    def search(self, query: str, readable: Readable, limit: int = 5) -> Sequence[Note]:
        """Return notes that fit, best first; the newest ones where `query` is empty. Of a key only the latest."""
        wanted = parse(query) if query.strip() else None
        with self._lock, self._named_errors():
            kept, total = self._readable(readable)
            latest = {ids[-1]: ids for ids in kept.values()}
            if wanted is None:
                found = sorted(latest, reverse=True)
            else:
                found = [match.row for match in rank(self._connection, wanted, total, among=latest)]
            return [self._note(latest[note]) for note in found[: max(0, limit)]]

    def _readable(self, readable: Readable) -> tuple[dict[tuple[str, str], list[int]], int]:
        """Return the numbers of the notes that may be read, oldest first, by owner and key; and how many there are.

        A run and those that it was forked from are one owner: what it notes comes after what it took over.
        """
        readable = Readable(
            storable(readable.run),
            {storable(run): calls for run, calls in readable.inherited.items()},
            frozenset(map(storable, readable.others)),
        )
        rows = self._connection.execute("SELECT id, run, key, call FROM notes ORDER BY id").fetchall()
        kept: dict[tuple[str, str], list[int]] = {}
        for note, run, key, call in rows:
            if readable.has(run, call):
                owner = readable.run if readable.is_own(run, call) else run
                kept.setdefault((owner, key), []).append(note)
        return kept, len(rows)

    def _note(self, ids: Sequence[int]) -> Note:
        """Return a note with its earlier texts, out of their numbers."""
        texts = [
            self._connection.execute("SELECT run, key, text FROM notes WHERE id = ?", (number,)).fetchone()
            for number in reversed(ids)
        ]
        (run, key, text), *earlier = texts
        return Note(run, key, text, tuple(older for _, _, older in earlier))

    def _prepare(self) -> None:
        """Make the tables in a new file; refuse one that is not ours, is newer, or is damaged."""
        with self._writing() as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            name = repr(str(self._path))
            if not tables and not application:
                self._run(_TABLES)
            elif application != APPLICATION_ID:
                raise ForeignDatabaseError(f"{name} is a database of another program; name another file for the notes")
            elif version > VERSION:
                raise NewerDatabaseError(
                    f"the notes in {name} are of version {version}, this workbench reads up to {VERSION}; update it"
                )
            elif connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("its tables are not sound")
            elif version == 1:
                self._run(_FROM_1)

    def _run(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)

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
