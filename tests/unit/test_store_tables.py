"""The tables themselves: append-only by trigger, gapless, and pinned, so that no change goes unnoticed."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import pytest

from tests.store_kit import Hand, beside, found, one, said
from workbench.clock import ManualClock
from workbench.events.library import RunNamed
from workbench.store import Store
from workbench.store.migrations import APPLICATION_ID, MIGRATIONS

GOLDEN_SCHEMA = Path(__file__).parent.parent / "golden" / "schema.sql"

LOG_TABLES = {
    "runs": ("n", "created", "INSERT OR REPLACE INTO runs SELECT * FROM runs LIMIT 1"),
    "events": ("id", "head", "INSERT OR REPLACE INTO events SELECT * FROM events LIMIT 1"),
    "bodies": ("event", "inline", "INSERT OR REPLACE INTO bodies SELECT * FROM bodies LIMIT 1"),
    "blobs": ("hash", "content", "INSERT OR REPLACE INTO blobs SELECT * FROM blobs LIMIT 1"),
    "library": ("id", "head", "INSERT OR REPLACE INTO library SELECT * FROM library LIMIT 1"),
}


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Return a database with a row in every table of the log."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", said("one"), found("small"), found("x" * 40_000))
        await store.append_library(RunNamed(run="aaaa", name="first"), 1.0)
    return path


def refused(path: Path, statement: str, *values: object) -> str:
    """Return why the database refuses `statement`."""
    with pytest.raises(sqlite3.IntegrityError) as error:
        beside(path, lambda other: other.execute(statement, values))
    return str(error.value)


@pytest.mark.parametrize("table", LOG_TABLES)
def test_the_log_cannot_be_changed(path: Path, table: str) -> None:
    """UPDATE, DELETE and INSERT OR REPLACE are refused for every table of the log, whoever asks."""
    key, column, replacement = LOG_TABLES[table]
    before = beside(path, lambda other: other.execute(f"SELECT * FROM {table}").fetchall())
    assert "append-only" in refused(path, f"UPDATE {table} SET {column} = {column}")
    assert "append-only" in refused(path, f"UPDATE OR REPLACE {table} SET {key} = {key}")
    assert "append-only" in refused(path, f"DELETE FROM {table}")
    assert "exists already" in refused(path, replacement)
    assert beside(path, lambda other: other.execute(f"SELECT * FROM {table}").fetchall()) == before != []


@pytest.mark.parametrize(
    ("number", "run", "seq", "why"),
    [
        (50, "aaaa", 0, "exists already"),
        (50, "aaaa", 3, "exists already"),
        (1, "aaaa", 4, "exists already"),
        (50, "aaaa", 5, "does not follow"),
        (50, "aaaa", -1, "does not follow"),
        (50, "nope", 0, "does not follow"),
    ],
)
def test_an_event_must_follow_the_one_before(path: Path, number: int, run: str, seq: int, why: str) -> None:
    """An event with a place that is taken, or that leaves a gap, is refused by the database itself."""
    insert = "INSERT OR REPLACE INTO events (id, run, seq, kind, at, head) VALUES (?, ?, ?, 'x', 1.0, '{}')"
    assert why in refused(path, insert, number, run, seq)


def test_a_fork_begins_after_an_event_of_its_parent(path: Path) -> None:
    """A cut that is no event of the parent is refused, and the first own event is the one after the cut."""
    columns = "id, root, created, parent, cut, depth, imported"
    insert = f"INSERT INTO runs ({columns}) VALUES ('bbbb', 'bbbb', 1.0, 'aaaa', ?, 0, 0)"
    assert "no event of the parent" in refused(path, insert, 4)
    beside(path, lambda other: other.execute(insert, (2,)))
    event = "INSERT INTO events (run, seq, kind, at, head) VALUES ('bbbb', ?, 'x', 1.0, '{}')"
    assert "does not follow" in refused(path, event, 2)
    assert "does not follow" in refused(path, event, 0)
    beside(path, lambda other: other.execute(event, (3,)))


def test_the_schema_is_the_one_that_was_released(path: Path) -> None:
    """A database made today has the very tables, indexes and triggers of the golden file."""
    rows = beside(
        path, lambda other: other.execute("SELECT sql FROM sqlite_master WHERE sql NOTNULL ORDER BY rowid").fetchall()
    )
    assert ";\n\n".join(sql for (sql,) in rows) + ";\n" == GOLDEN_SCHEMA.read_text(encoding="utf-8")


def test_the_file_says_what_it_is(path: Path) -> None:
    """Application id, version, page size and journal mode are as specified."""
    assert one(path, "PRAGMA application_id") == APPLICATION_ID
    assert one(path, "PRAGMA user_version") == len(MIGRATIONS)
    assert one(path, "PRAGMA page_size") == 16384
    assert one(path, "PRAGMA journal_mode") == "wal"


def setting(connection: sqlite3.Connection, name: str) -> object:
    """Return a setting of a connection."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


async def test_both_connections_are_set_up_for_safety(path: Path) -> None:
    """The settings that keep a hostile or a torn file from harm, and processes from each other, are in force."""
    async with await Store.open(path, clock=ManualClock()) as store:
        reader, writer = store._reader, store._database
        assert reader is not None
        assert writer is not None
        for database, settings in (
            (reader, {"query_only": 1}),
            (writer, {"foreign_keys": 1, "wal_autocheckpoint": 0, "journal_size_limit": 64 << 20, "synchronous": 1}),
        ):
            wanted = {**settings, "trusted_schema": 0, "cell_size_check": 1, "busy_timeout": 5000}
            for name, value in wanted.items():
                assert (name, await database.run(partial(setting, name=name))) == (name, value)
