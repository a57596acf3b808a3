"""The machine under a store: other systems, other disks, other processes, an old SQLite; each is told in a sentence."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.clock import ManualClock
from workbench.errors import DatabaseUnwritableError, StoreError
from workbench.store import Store, facts, opening, oslock, process
from workbench.store.connection import Database
from workbench.store.failures import named_errors
from workbench.store.oslock import Presence

HERE = Path("runs.db")


def gone() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as ended:
        pass
    return ended.pid


def test_without_proc_only_the_dead_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system that tells no beginnings, a number that is taken may be a stranger's; one that is free is proof."""
    monkeypatch.setattr(process, "_HAS_PROC", False)
    me = process.this_process(ManualClock())
    assert me.sees_alive(me) is None
    assert me.sees_alive(replace(me, pid=gone())) is False
    monkeypatch.setattr(os, "kill", lambda *_: (_ for _ in ()).throw(PermissionError()))
    assert me.sees_alive(replace(me, pid=1)) is None


def test_without_proc_a_process_still_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each opening of a database is told apart by the time at which it was made."""
    monkeypatch.setattr(process, "_BOOT_ID", tmp_path / "none")
    monkeypatch.setattr(process, "_kernel_start", lambda _: None)
    clock = ManualClock()
    first = process.this_process(clock)
    clock.advance(1)
    second = process.this_process(clock)
    assert (first.boot, first.started) == ("", f"{clock.wall() - 1:.3f}")
    assert first.owner != second.owner


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (sqlite3.SQLITE_BUSY, StoreError, "is busy: another process keeps writing to it"),
        (sqlite3.SQLITE_FULL, DatabaseUnwritableError, "cannot be written or opened"),
        (sqlite3.SQLITE_ERROR, StoreError, "could not do what was asked"),
    ],
)
def test_what_sqlite_says_becomes_a_sentence(code: int, kind: type[StoreError], said: str) -> None:
    """Each names the file and what happened to it."""
    error = sqlite3.OperationalError("its own words")
    error.sqlite_errorcode = code
    with pytest.raises(kind, match=said) as named, named_errors(HERE):
        raise error
    assert type(named.value) is kind
    assert "'runs.db'" in str(named.value)


def test_a_mistake_of_ours_is_not_blamed_on_the_file() -> None:
    """It stays what it is, so that it is found."""
    with pytest.raises(sqlite3.ProgrammingError), named_errors(HERE):
        raise sqlite3.ProgrammingError("wrong number of parameters")


async def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is made, with the version that it takes."""
    monkeypatch.setattr(opening, "OLDEST_SQLITE", (99, 1, 0))
    with pytest.raises(StoreError, match=r"the database needs 99\.1\.0 or newer. Use a newer Python"):
        await Store.open(tmp_path / "x.db", clock=ManualClock())
    assert not (tmp_path / "x.db").exists()


async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A link that leads to itself is no reason for a traceback."""
    path = tmp_path / "x.db"
    path.symlink_to(path)
    with pytest.raises(DatabaseUnwritableError, match="cannot be read"):
        await opening.open_reader(path)


def test_a_disk_without_a_log_is_refused() -> None:
    """A network disk that cannot have one would lose what two processes write."""
    said = r"write-ahead log \(SQLite answered 'memory'\)"
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(DatabaseUnwritableError, match=said):
        opening.set_wal(connection)


@pytest.mark.parametrize("has_log", [False, True])
async def test_a_disk_that_cannot_be_written_is_read_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_log: bool
) -> None:
    """Where SQLite cannot make its index, the file is read without one, unless its last writes would be missing."""
    path = tmp_path / "x.db"
    await (await Store.open(path, clock=ManualClock())).close()
    connect = Database.connect

    async def on_that_disk(place: Path, mode: str) -> Database:
        if mode == "ro":
            raise DatabaseUnwritableError("no index")
        return await connect(place, mode)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "connect", on_that_disk)
    with pytest.raises(DatabaseUnwritableError, match="no index"):  # the folder can be written: that is not why
        await opening.open_reader(path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    if not has_log:
        await (await opening.open_reader(path)).close()
        return
    path.with_name("x.db-wal").write_bytes(b"what was written last")
    with pytest.raises(DatabaseUnwritableError, match=r"what was written last is still in 'x\.db-wal'"):
        await opening.open_reader(path)


def test_a_purge_that_goes_on_is_waited_for_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a database that is being rewritten learns why that does not go on."""
    monkeypatch.setattr(oslock, "PATIENCE", 0.0)
    purging = Presence(tmp_path / "x.db", create=True)
    assert purging.alone()
    with pytest.raises(StoreError, match="is being purged by another process"):
        Presence(tmp_path / "x.db", create=True)
    purging.shared()
    Presence(tmp_path / "x.db", create=True).close()
    purging.close()


def test_a_python_without_full_text_search_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """`workbench doctor` says so, instead of a search that finds nothing."""

    class Bare(sqlite3.Connection):
        def execute(self, *_: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("no such module: fts5")

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, factory=Bare))
    assert facts.sqlite_facts().has_fts5 is False
