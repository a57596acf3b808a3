"""What the SQLite of this Python is and can, for whoever looks whether all is well."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SqliteFacts:
    """The SQLite that this process runs."""

    version: str
    has_fts5: bool
    """Without it neither documents nor runs can be searched."""


def sqlite_facts() -> SqliteFacts:
    """Return what SQLite is here, found out by trying."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text)")
        except sqlite3.OperationalError:
            return SqliteFacts(sqlite3.sqlite_version, has_fts5=False)
        return SqliteFacts(sqlite3.sqlite_version, has_fts5=True)
