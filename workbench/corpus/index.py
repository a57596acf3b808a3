"""A searchable set of documents in a SQLite file of its own, kept in a cache folder and reused while nothing changed.

It implements the `Library` of the tools. The file is never modified once it is in place, so it is opened as immutable;
one connection behind a lock serves every thread.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from workbench.corpus.build import ABOUT, APPLICATION_ID, VERSION, Cancelled, Progress, build
from workbench.corpus.ranking import POOL, rank
from workbench.corpus.sources import Source
from workbench.corpus.words import parse, storable
from workbench.errors import DocumentsError
from workbench.tools.library import Passage

MOST_OF_ONE = 2
"""Passages of the same document among the results, while others are about as good."""
ABOUT_AS_GOOD = 0.6
"""Share of a passage's score from which another takes its place for variety's sake."""
SAME = 0.6
"""Share of its lines that stand in another passage, from which a passage says the same."""
LONGEST_NAME = 200
"""Characters of a name that are compared with others."""

# Read-only connections do not look at CHECK constraints, so the rows that are as they should be are counted.
_SOUND = (
    "SELECT (SELECT count(*) FROM documents WHERE typeof(name) = 'text' AND typeof(passages) = 'integer'),"
    " (SELECT count(*) FROM passages WHERE typeof(title) = 'text' AND typeof(text) = 'text')"
)
_OF_NAME = (
    "SELECT d.name, p.number, p.title, p.text FROM passages p JOIN documents d ON d.id = p.document"
    " WHERE d.name = ? AND p.number = ?"
)
_OF_ROWS = (
    "SELECT p.id, d.name, p.number, p.title, p.text FROM passages p JOIN documents d ON d.id = p.document"
    " WHERE p.id IN (SELECT value FROM json_each(?))"
)


def open_index(
    source: Source, cache: Path, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> DocumentIndex:
    """Open the index of `source` below `cache`, building it where it is missing, outdated or damaged.

    Raises DocumentsError, or OperationCancelledError when asked to give up.
    """
    path = cache / f"{hashlib.sha256(source.identity.encode('utf-8', 'replace')).hexdigest()[:16]}.sqlite"
    with suppress(sqlite3.DatabaseError):  # missing or damaged: either way it is built
        index = DocumentIndex(path)
        if index.stamp == source.stamp:
            return index
        index.close()
    build(source, path, progress, cancelled)
    return DocumentIndex(path)


class DocumentIndex:
    """Documents that were indexed; close it when done."""

    def __init__(self, path: Path) -> None:
        """Open an index. Raises sqlite3.DatabaseError where the file is missing, damaged, or of another version."""
        self._path = path
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        # A damaged text must not fail in the middle of saying that it is damaged.
        self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            about = _checked(self._connection)
        except BaseException as error:
            self._connection.close()
            if isinstance(error, UnicodeDecodeError):  # SQLite quoted what is damaged
                raise sqlite3.DatabaseError("damaged") from error
            raise
        self.title = str(about["title"])
        """What the library is, for people."""
        self.fingerprint = str(about["fingerprint"])
        """A hash of the documents' names and content, whatever their folder or their dates."""
        self.stamp = str(about["stamp"])
        """The source's own stamp when it was read."""
        self.documents = int(about["documents"])
        """How many documents there are."""
        self.passages = int(about["passages"])
        """How many passages they were cut into."""
        self.left_out = int(about["left_out"])
        """How many files were left out because they are too large, damaged or unreadable."""

    def close(self) -> None:
        """Close the file; nothing else may be called afterwards."""
        with self._lock:
            self._connection.close()

    def search(self, query: str, limit: int = 5) -> Sequence[Passage]:
        """Return the best passages, best first; an empty sequence where nothing fits. `query` is any text."""
        with self._reading() as connection:
            ranked = rank(connection, parse(query), self.passages, pool=max(POOL, limit))
            rows = json.dumps([match.row for match in ranked])
            passages = {row: _passage(*columns) for row, *columns in connection.execute(_OF_ROWS, (rows,))}
        candidates = [replace(passages[match.row], score=match.score) for match in ranked if match.row in passages]
        return _varied(candidates, limit)

    def fetch(self, name: str) -> Passage | None:
        """Return the passage of that name, or None."""
        document, number = _taken_apart(name)
        if number is None or name != f"{document}::{number}":
            return None
        with self._reading() as connection:
            row = connection.execute(_OF_NAME, (document, number)).fetchone()
        return _passage(*row) if row else None

    def nearest(self, name: str, limit: int = 3) -> Sequence[str]:
        """Return existing passage names that look like `name`, for an error message."""
        document, number = _taken_apart(name)
        with self._reading() as connection:
            sizes = dict(connection.execute("SELECT name, passages FROM documents ORDER BY id"))
        if document not in sizes:
            alike = [f"{other}::0" for other in _alike(document, sizes, limit)]
            return alike or [passage.name for passage in self.search(document, limit)]
        wanted = min(number or 0, sizes[document] - 1)
        numbers = sorted(range(sizes[document]), key=lambda other: (abs(other - wanted), other))
        return [f"{document}::{other}" for other in numbers[:limit]]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread; a file found damaged is removed, so that the next start builds it."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.ProgrammingError:  # closed: a mistake of ours, not damage
                raise
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                self._path.unlink(missing_ok=True)
                raise DocumentsError(
                    f"the index of {self.title} was found damaged ({error}); start again, and it is built anew"
                ) from error


def _checked(connection: sqlite3.Connection) -> dict[str, str | int]:
    """Return what an index says of itself. Raises sqlite3.DatabaseError where it is none, or not sound."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if (application, version) != (APPLICATION_ID, VERSION):
        raise sqlite3.DatabaseError("not an index of this version")
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("damaged")
    about = dict(connection.execute("SELECT key, value FROM about"))
    if {key: type(value) for key, value in about.items()} != ABOUT:
        raise sqlite3.DatabaseError("damaged")
    if connection.execute(_SOUND).fetchone() != (about["documents"], about["passages"]):
        raise sqlite3.DatabaseError("damaged")
    return about


def _passage(document: str, number: int, title: str, text: str) -> Passage:
    return Passage(f"{document}::{number}", title, text)


def _taken_apart(name: str) -> tuple[str, int | None]:
    """Return the document and the number in `document::number`; without a number all of it is the document."""
    document, marks, number = storable(name).rpartition("::")
    if marks and number.isascii() and number.isdecimal() and len(number) < 10:
        return document, int(number)
    return (document if marks else number), None


def _varied(candidates: Sequence[Passage], limit: int) -> list[Passage]:
    """Choose the best, but few of one document and none that says the same, while others are about as good."""
    lines = {passage.name: frozenset(passage.text.splitlines()) for passage in candidates}
    chosen: list[Passage] = []
    aside: deque[Passage] = deque()

    def is_more_of_the_same(passage: Passage) -> bool:
        of_one = sum(_document(other) == _document(passage) for other in chosen)
        own = lines[passage.name]
        return of_one >= MOST_OF_ONE or any(len(own & lines[other.name]) > len(own) * SAME for other in chosen)

    for passage in candidates:
        while aside and passage.score < aside[0].score * ABOUT_AS_GOOD:
            chosen.append(aside.popleft())
        if len(chosen) >= limit:
            break
        (aside if is_more_of_the_same(passage) else chosen).append(passage)
    return sorted([*chosen, *aside][:limit], key=lambda passage: -passage.score)


def _document(passage: Passage) -> str:
    return passage.name.rpartition("::")[0]


def _alike(name: str, others: Iterable[str], limit: int) -> list[str]:
    """Return the names whose last part is spelled like that of `name`, the most alike first; folders are forgotten."""
    by_end: dict[str, list[str]] = {}
    for other in others:
        by_end.setdefault(other.rpartition("/")[2].lower(), []).append(other)
    end = name.rpartition("/")[2].lower()[:LONGEST_NAME]
    return [other for alike in difflib.get_close_matches(end, by_end, n=limit) for other in by_end[alike]][:limit]
