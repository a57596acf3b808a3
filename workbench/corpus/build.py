"""Writes a document index: reads a source, cuts its documents, fills a new file and puts it in place.

Only `index` calls it. A reader of the old file goes on undisturbed; a killed build leaves the old file as it was.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from workbench.corpus.files import written_beside
from workbench.corpus.passages import split
from workbench.corpus.ranking import CREATE_WORDS_ONLY
from workbench.corpus.sources import Document, Source
from workbench.corpus.words import indexed, storable
from workbench.errors import DocumentsError, OperationCancelledError
from workbench.tools.blocks import UnreadableError

Progress = Callable[[int, int, str], None]
"""Told how many documents are done, how many there are, and which comes now (empty at the end)."""
Cancelled = Callable[[], bool]
"""Asked before each document whether to give up."""

APPLICATION_ID = 0x77626478
"""`wbdx`: what SQLite's header says of our document indexes."""
VERSION = 1
"""Of the tables, the readers and the cutting: an index of another version is built again."""

ABOUT = {"stamp": str, "fingerprint": str, "title": str, "documents": int, "passages": int, "left_out": int}
"""What an index says of itself."""

_TABLES = (
    "CREATE TABLE about (key TEXT PRIMARY KEY, value)",
    "CREATE TABLE documents (id INTEGER PRIMARY KEY, name TEXT UNIQUE, passages INTEGER)",
    "CREATE TABLE passages (id INTEGER PRIMARY KEY, document INTEGER, number INTEGER, title TEXT, text TEXT,"
    " UNIQUE (document, number))",
    CREATE_WORDS_ONLY,
)


def build(source: Source, path: Path, progress: Progress | None, cancelled: Cancelled | None) -> None:
    """Write the index of `source` to `path`.

    Raises DocumentsError where nothing could be read or written, OperationCancelledError when asked to give up.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written_beside(path) as beside, closing(sqlite3.connect(beside, isolation_level=None)) as connection:
            _fill(connection, source, progress, cancelled)
    except (OSError, sqlite3.OperationalError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DocumentsError(
            f"the index of the documents cannot be written to {str(path.parent)!r} ({reason}); "
            "free space there, or name a folder that can be written"
        ) from error


def _fill(
    connection: sqlite3.Connection, source: Source, progress: Progress | None, cancelled: Cancelled | None
) -> None:
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("BEGIN")
    for table in _TABLES:
        connection.execute(table)
    documents, passages, left_out, total = 0, 0, source.left_out, len(source.items)
    content = hashlib.sha256()
    for done, item in enumerate(source.items):
        if cancelled is not None and cancelled():
            raise OperationCancelledError("indexing was given up; nothing was kept")
        if progress is not None:
            progress(done, total, item.name)
        try:
            document = item.read()
        except (OSError, UnreadableError):
            left_out += 1
            continue
        if added := _add(connection, item.name, document):
            documents += 1
            passages += added
            content.update(f"{item.name}\0{document.digest}\0".encode("utf-8", "replace"))
    if not documents:
        raise source.empty()
    about = {
        "stamp": source.stamp,
        "fingerprint": content.hexdigest(),
        "title": storable(source.title(documents)),
        "documents": documents,
        "passages": passages,
        "left_out": left_out,
    }
    connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
    connection.execute("INSERT INTO words (words) VALUES ('optimize')")
    connection.execute("COMMIT")
    if progress is not None:
        progress(total, total, "")


def _add(connection: sqlite3.Connection, name: str, document: Document) -> int:
    """Add a document's passages; return how many it has."""
    title = storable(document.title)
    pieces = split(title, document.parsed.blocks)
    if not pieces:
        return 0
    added = connection.execute("INSERT INTO documents (name, passages) VALUES (?, ?)", (name, len(pieces)))
    for number, piece in enumerate(pieces):
        text = storable(piece.text)
        shown = storable(piece.title(title))
        row = connection.execute(
            "INSERT INTO passages (document, number, title, text) VALUES (?, ?, ?, ?)",
            (added.lastrowid, number, shown, text),
        )
        searched = storable(" ".join((name, title, *piece.headings)))
        connection.execute(
            "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)", (row.lastrowid, indexed(searched), indexed(text))
        )
    return len(pieces)
