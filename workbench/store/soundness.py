"""How much of a file is looked at before it is used.

All of a small one. Of a large one that would take seconds at each opening, so only what every command reads is looked
at (and that its end is there, which SQLite itself does); damage elsewhere is said by the first command that reads it,
and by `doctor`, which reads everything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

WHOLE = 64 * 1024 * 1024
"""Bytes up to which all of a file is looked at."""


def report(connection: sqlite3.Connection, tables: Iterable[str]) -> str:
    """Return `ok`, or what is wrong; of a large file only the small `tables` are looked at."""
    pages, page = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    if pages * page <= WHOLE:
        return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    for table in ("sqlite_schema", *tables):
        found = str(connection.execute(f"PRAGMA quick_check({table})").fetchone()[0])
        if found != "ok":
            return found
    return "ok"
