"""Numbered steps from an empty file to the newest database; `user_version` says how many were done.

A step that was released never changes; a new shape is a new function at the end of `MIGRATIONS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from workbench.store.schema import VERSION_1, VERSION_2

APPLICATION_ID = 0x57424E43
"""`WBNC` in the file's header: this database is ours."""


def _first_version(connection: sqlite3.Connection) -> None:
    for statement in VERSION_1:
        connection.execute(statement)


def _second_version(connection: sqlite3.Connection) -> None:
    for statement in VERSION_2:
        connection.execute(statement)


MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [_first_version, _second_version]
"""Each takes a database of the version before inside a transaction, and uses single statements only."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version, in one transaction; nothing happens when it is there already."""
    if version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(version(connection), len(MIGRATIONS)):
            MIGRATIONS[number](connection)
            connection.execute(f"PRAGMA user_version={number + 1}")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def version(connection: sqlite3.Connection) -> int:
    """Return how many steps were done."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found
