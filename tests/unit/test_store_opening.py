"""Opening: ours, sound and of a version that we know, or a sentence that says why not, and nothing written."""

from __future__ import annotations

import os
import random
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store_kit import Hand, beside, found, one, said, texts
from workbench.clock import ManualClock
from workbench.errors import (
    DamagedDatabaseError,
    DatabaseUnwritableError,
    ForeignDatabaseError,
    NewerDatabaseError,
    StoreError,
)
from workbench.store import Store, migrations

ROOT = Path(__file__).parents[2]


async def make(path: Path) -> None:
    """Make a database with one run of some size."""
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", *(found(f"result {number} " * 100) for number in range(200)))


def content(path: Path) -> bytes | list[str]:
    """Return the bytes of a file, or the names in a folder."""
    return path.read_bytes() if path.is_file() else sorted(each.name for each in path.iterdir())


def protect(folder: Path) -> None:
    """Make a folder and all in it read-only, as on a disk that is."""
    for each in folder.iterdir():
        each.chmod(0o444)
    folder.chmod(0o555)


async def refused(path: Path, kind: type[StoreError], *, read_only: bool = False) -> str:
    """Return why `path` cannot be opened, after checking that the file is as it was."""
    before = content(path)
    with pytest.raises(kind) as error:
        async with await Store.open(path, clock=ManualClock(), read_only=read_only):
            pass
    assert content(path) == before
    return str(error.value)


async def test_a_new_database_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    """The folder is made 0700; the database and what lies beside it are 0600."""
    path = tmp_path / "folder" / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["x.db", "x.db-wal", "x.db-shm", "x.db.lock", "x.db.open"], 0o600)


async def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A text file, a folder, and another program's database are named as such, and nothing is put beside them."""
    text = tmp_path / "notes.txt"
    text.write_text("my notes, " * 100)
    other = tmp_path / "other.db"
    beside(other, lambda connection: connection.execute("CREATE TABLE mine (x)"))
    before = content(tmp_path)
    for read_only in (False, True):
        assert "does not begin like one" in await refused(text, ForeignDatabaseError, read_only=read_only)
        assert "another program" in await refused(other, ForeignDatabaseError, read_only=read_only)
        assert "folder" in await refused(tmp_path, ForeignDatabaseError, read_only=read_only)
    assert content(tmp_path) == before


@pytest.mark.parametrize("read_only", [False, True])
async def test_what_is_no_file_is_refused_and_stays(tmp_path: Path, read_only: bool) -> None:
    """A pipe or a socket, also behind a link, is as empty as a new file and is not replaced by a database."""
    pipe, link, name = tmp_path / "pipe", tmp_path / "link", tmp_path / "socket"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(name))
        before = content(tmp_path)
        for path in (pipe, link, name):
            with pytest.raises(ForeignDatabaseError, match="a device, a pipe or a socket"):
                await Store.open(path, clock=ManualClock(), read_only=read_only)
    assert content(tmp_path) == before
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert name.is_socket()


async def test_a_newer_database_is_refused_with_its_version(tmp_path: Path) -> None:
    """A version that this program does not know is named, with the one it knows."""
    path = tmp_path / "x.db"
    await make(path)
    beside(path, lambda other: other.execute("PRAGMA user_version=7"))
    for read_only in (False, True):
        why = await refused(path, NewerDatabaseError, read_only=read_only)
        assert "version 7" in why
        assert f"up to {len(migrations.MIGRATIONS)}" in why


async def test_a_file_cut_short_is_refused_as_damaged(tmp_path: Path) -> None:
    """However little is left of a database, opening it says that it is damaged and how to rescue it."""
    path, torn = tmp_path / "x.db", tmp_path / "torn.db"
    await make(path)
    whole = path.read_bytes()
    for length in (1, 16, 99, 100, 5000, 16384, 16385, len(whole) // 2, len(whole) - 16384, len(whole) - 1):
        torn.write_bytes(whole[:length])
        for read_only in (False, True):
            assert "recover" in await refused(torn, DamagedDatabaseError, read_only=read_only), length


async def test_garbage_in_a_file_is_never_taken_for_content(tmp_path: Path) -> None:
    """Of many databases with 512 random bytes in them, each opens and reads as before, or is refused by name."""
    path, garbled = tmp_path / "x.db", tmp_path / "garbled.db"
    await make(path)
    async with await Store.open(path, clock=ManualClock(), read_only=True) as store:
        expected = await store.raw("aaaa")
    whole, chance = path.read_bytes(), random.Random(3)
    refusals: list[str] = []
    for _ in range(60):
        place = chance.randrange(len(whole) - 512)
        garbled.write_bytes(whole[:place] + chance.randbytes(512) + whole[place + 512 :])
        try:
            async with await Store.open(garbled, clock=ManualClock(), read_only=True) as store:
                assert await store.raw("aaaa") == expected
        except StoreError as error:
            refusals.append(str(error))
    assert len(refusals) > 20
    assert all(str(garbled) in why for why in refusals)


async def test_an_empty_file_counts_as_no_database_yet(tmp_path: Path) -> None:
    """A file without a byte becomes a database; read-only, it is said to be empty."""
    path = tmp_path / "x.db"
    path.touch()
    assert "empty" in await refused(path, ForeignDatabaseError, read_only=True)
    await make(path)
    assert one(path, "SELECT count(*) FROM runs") == 1


async def test_a_log_without_its_database_is_not_thrown_away(tmp_path: Path) -> None:
    """Where only the write-ahead log is left, no new database is made over it."""
    path = tmp_path / "x.db"
    (tmp_path / "x.db-wal").write_bytes(b"what was written last")
    with pytest.raises(DamagedDatabaseError, match="belong together"):
        await Store.open(path, clock=ManualClock())
    assert not path.exists()
    assert (tmp_path / "x.db-wal").read_bytes() == b"what was written last"


async def test_looking_needs_a_database_and_makes_none(tmp_path: Path) -> None:
    """Read-only, a missing database is an error that says how to get one; reading works, writing is refused."""
    path = tmp_path / "x.db"
    with pytest.raises(StoreError, match="workbench run"):
        await Store.open(path, clock=ManualClock(), read_only=True)
    assert content(tmp_path) == []
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", said("one"))
        async with await Store.open(path, clock=ManualClock(), read_only=True) as watcher:
            assert texts(await watcher.read("aaaa")) == ["one"]
            for write in (watcher.acquire("aaaa"), watcher.heartbeat(), watcher.purge()):
                with pytest.raises(DatabaseUnwritableError, match="reading only"):
                    await write


async def test_an_older_database_is_brought_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new step runs once over an older database, which keeps its runs; the old program then refuses it."""
    path = tmp_path / "x.db"
    await make(path)

    def second(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE later (x)")

    with monkeypatch.context() as newer:
        newer.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, second])
        newer.setattr("workbench.store.opening.MIGRATIONS", migrations.MIGRATIONS)
        for _ in range(2):
            async with await Store.open(path, clock=ManualClock()) as store:
                assert len(await store.read("aaaa")) == 201
        assert one(path, "PRAGMA user_version") == len(migrations.MIGRATIONS)
        assert one(path, "SELECT count(*) FROM later") == 0
    await refused(path, NewerDatabaseError)


async def test_a_step_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a migration stops half way, the database is of the old version, whole."""
    path = tmp_path / "x.db"
    await make(path)

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE later (x)")
        raise RuntimeError("power off")

    with monkeypatch.context() as newer:
        newer.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, broken])
        newer.setattr("workbench.store.opening.MIGRATIONS", migrations.MIGRATIONS)
        with pytest.raises(RuntimeError):
            await Store.open(path, clock=ManualClock())
    assert one(path, "PRAGMA user_version") == len(migrations.MIGRATIONS)
    assert one(path, "SELECT count(*) FROM sqlite_master WHERE name = 'later'") == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that other users may enter, for tests that give up the rights of the superuser."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-store-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


POWERLESS = """
import asyncio, concurrent.futures.thread, os, resource, sys
from pathlib import Path
from workbench.clock import ManualClock
from workbench.errors import StoreError
from workbench.store import Store
from tests.store_kit import Hand, found, said
path = Path(sys.argv[1])
async def main():
    {prepare}
    try:
        async with await Store.open(path, clock=ManualClock(), read_only={read_only}) as store:
            {work}
    except StoreError as error:
        print(type(error).__name__, error)
if hasattr(os, "setuid") and os.getuid() == 0:
    os.setuid(65534)
asyncio.run(main())
"""


def powerless(path: Path, *, work: str, read_only: bool = True, prepare: str = "pass") -> str:
    """Return what a process without special rights prints while it does `work` with the store at `path`."""
    code = POWERLESS.format(work=work, read_only=read_only, prepare=prepare)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.usefixtures("unmeasured")
async def test_a_database_on_a_read_only_disk_can_be_looked_at(folder: Path) -> None:
    """Where nothing can be written, reading works, and opening for writing names the reason."""
    path = folder / "x.db"
    await make(path)
    for beside_it in ("x.db.lock", "x.db.open"):
        (folder / beside_it).unlink()
    protect(folder)
    assert powerless(path, work="print(len(await store.read('aaaa')))") == "201\n"
    said = powerless(path, work="print('opened')", read_only=False)
    assert said.startswith("DatabaseUnwritableError")
    assert "--db" in said


@pytest.mark.usefixtures("unmeasured")
async def test_a_log_on_a_read_only_disk_is_not_passed_over(folder: Path) -> None:
    """Where the last writes are still in a log that cannot be read there, that is said instead of shown without."""
    path, copy = folder / "y.db", folder / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", said("one"))
        shutil.copy(path, copy)
        shutil.copy(path.with_name("y.db-wal"), copy.with_name("x.db-wal"))
    protect(folder)
    answer = powerless(copy, work="print(len(await store.read('aaaa')))")
    assert answer.startswith("DatabaseUnwritableError")
    assert "'x.db-wal'" in answer


@pytest.mark.usefixtures("unmeasured")
def test_a_full_disk_stops_the_append_and_nothing_else(folder: Path) -> None:
    """An append that no longer fits is refused by name; what was acknowledged before it is there, whole."""
    folder.chmod(0o777)
    path = folder / "x.db"
    work = """
            hand = Hand(store)
            await hand.run("aaaa")
            resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
            done = 0
            for number in range(1000):
                await hand.add("aaaa", found("x" * 5000))
                done += 1
                print(done, flush=True)"""
    lines = powerless(path, work=work.strip(), read_only=False).splitlines()
    assert lines[-1].startswith("DatabaseUnwritableError")
    acknowledged = int(lines[-2])
    assert acknowledged > 3
    assert one(path, "SELECT count(*) FROM events") == acknowledged + 1
    assert one(path, "PRAGMA integrity_check") == "ok"
