"""Power is lost while the log is written: what is read then is a beginning of it, with all that was acknowledged.

A disk that honours a sync keeps what was synced, and of the rest anything: nothing, zeros, or rubbish. So each image is
the database with its write-ahead log torn at some byte, at or beyond what the disk had promised to keep.
"""

from __future__ import annotations

import ctypes
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import store_kit
from tests.store_kit import Hand, found, said
from workbench.clock import ManualClock
from workbench.errors import StoreError
from workbench.events.base import Event
from workbench.store import Durability, Store, opening, reader
from workbench.store.connection import uri
from workbench.store.oslock import beside

IMAGES = 3_000
REOPENED = 60
"""Images that are opened for writing, too, and written on."""
APPENDS = 30
TAIL = 100_000
"""Bytes of zeros or rubbish after a tear, at most."""
RUN = "aaaa"
Row = tuple[int, float, str]


@dataclass(frozen=True)
class Ack:
    """An acknowledged append: the log reached so far, and this was its last event."""

    size: int
    seq: int


@dataclass(frozen=True)
class Moment:
    """The files at one moment, and what was acknowledged until then."""

    database: bytes
    log: bytes
    acks: Sequence[Ack]
    ends: frozenset[int]
    """Seqs at which a batch ends."""
    kept: int
    """The last seq that is in the database itself."""

    def torn(self, cut: int, kind: str, chance: random.Random) -> bytes:
        """Return the log as a disk may have kept it that promised `cut` bytes."""
        tail = min(len(self.log) - cut, TAIL)
        return self.log[:cut] + {"cut": b"", "zeros": bytes(tail), "rubbish": chance.randbytes(tail)}[kind]

    def acknowledged(self, cut: int) -> int:
        """Return the last seq that was acknowledged when the log was so long."""
        return max((ack.seq for ack in self.acks if ack.size <= cut), default=self.kept)


def content(file: Path) -> bytes:
    """Return what is in a file."""
    return file.read_bytes()


def valid_size(log: Path) -> int:
    """Return up to where a log is of this round: frames with the salt of its header."""
    data = content(log)
    frame = 24 + opening.PAGE_SIZE
    size = 32
    while data[size + 8 : size + 16] == data[16:24]:
        size += frame
    return size


async def moments(path: Path, *, early: bool = False) -> tuple[list[Moment], list[Row]]:
    """Write two rounds of a log, the second over the first; return them, and the whole run.

    With `early`, the mistake that the test must catch, an append is acknowledged before it is committed.
    """
    chance, log = random.Random(5), beside(path, "-wal")
    made: list[Moment] = []
    async with await Store.open(path, clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run(RUN)
        ends = {0}
        assert store._writer is not None
        for _ in range(2):
            await store._writer.checkpoint()
            kept, acks = hand.next[RUN] - 1, list[Ack]()
            database = content(path)
            for number in range(APPENDS):
                size = chance.choice((20, 2_000, 40_000))
                events: list[Event] = [*(said(f"{number}") for _ in range(chance.randrange(4))), found("x" * size)]
                if early:
                    acks.append(Ack(valid_size(log) if acks else 0, kept + len(events)))
                await hand.add(RUN, *events, durability=Durability.FULL)
                if not early:
                    acks.append(Ack(valid_size(log), hand.next[RUN] - 1))
                ends.add(hand.next[RUN] - 1)
            made.append(Moment(database, content(log)[: valid_size(log)], acks, frozenset(ends), kept))
        whole = await store.raw(RUN)
    return made, whole


class _Range(ctypes.Structure):
    _fields_ = [("start", ctypes.c_uint64), ("length", ctypes.c_uint64)]


class _Pages(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("cached", "dirty", "written_now", "evicted", "recently")]


CACHESTAT = 451
"""The number of Linux' call that says what of a file is not on its disk, from 6.5 on."""


def unsynced_pages(path: Path) -> int | None:
    """Return how many pages of a file the kernel has yet to write; None where it cannot be asked."""
    if sys.platform != "linux":
        return None
    pages = _Pages()
    with path.open("rb") as file:
        answer = ctypes.CDLL(None).syscall(CACHESTAT, file.fileno(), ctypes.byref(_Range(0, 0)), ctypes.byref(pages), 0)
    return int(pages.dirty + pages.written_now) if answer == 0 else None


def read(path: Path) -> list[Row]:
    """Return what the store's own functions read of an image, after they judged it."""
    with closing(sqlite3.connect(uri(path, "ro"), uri=True)) as connection:
        opening._judge(connection, path)
        return reader.raw(connection, RUN)


def campaign(folder: Path, made: Sequence[Moment], whole: Sequence[Row], images: int) -> list[str]:
    """Tear the log in many ways; return what is wrong with what is read then."""
    folder.mkdir()
    chance, faults, lengths = random.Random(6), list[str](), Counter[int]()
    for number, moment in enumerate(made):
        path = folder / f"{number}.db"
        path.write_bytes(moment.database)
        for image in range(images // len(made)):
            cut = chance.choice([chance.randrange(len(moment.log) + 1), chance.choice(moment.acks).size])
            kind = ("cut", "zeros", "rubbish")[image % 3]
            beside(path, "-shm").unlink(missing_ok=True)
            beside(path, "-wal").write_bytes(moment.torn(cut, kind, chance))
            try:
                rows = read(path)
            except (StoreError, sqlite3.Error) as error:
                faults.append(f"{kind} at {cut}: {error}")
                continue
            last = len(rows) - 1
            lengths[last] += 1
            if rows != whole[: len(rows)] or last not in moment.ends:
                faults.append(f"{kind} at {cut}: what is read is no beginning of the run")
            if last < moment.acknowledged(cut):
                faults.append(f"{kind} at {cut}: acknowledged to {moment.acknowledged(cut)}, kept to {last}")
    assert len(lengths) > APPENDS  # else the tears were all in the same place
    return faults


async def test_a_torn_log_is_read_up_to_the_tear(tmp_path: Path) -> None:
    """3,000 images of logs that were cut, or end in zeros or rubbish: whole batches, in order, none lost."""
    made, whole = await moments(tmp_path / "x.db")
    assert campaign(tmp_path / "torn", made, whole, IMAGES) == []


async def test_a_torn_log_is_written_on(tmp_path: Path) -> None:
    """A store that is opened on such an image is sound, and goes on where the log ends."""
    made, whole = await moments(tmp_path / "x.db")
    chance = random.Random(7)
    for number in range(REOPENED):
        moment, path = made[number % 2], tmp_path / f"{number}.db"
        cut = chance.randrange(len(moment.log) + 1)
        path.write_bytes(moment.database)
        beside(path, "-wal").write_bytes(moment.torn(cut, ("cut", "zeros", "rubbish")[number % 3], chance))
        async with await Store.open(path, clock=ManualClock()) as store:
            last = await store.last_seq(RUN)
            assert last >= moment.acknowledged(cut)
            # Who wrote it was in a machine that has lost its power.
            store_kit.beside(path, lambda other: other.execute("UPDATE processes SET started = 'before'"))
            hand = Hand(store)
            hand.tokens[RUN], hand.next[RUN], hand.roots[RUN] = await store.acquire(RUN), last + 1, RUN
            await hand.add(RUN, said("on"))
            assert (await store.raw(RUN))[:-1] == whole[: last + 1]
            assert [line for line in await store.check() if "SQLite" not in line and "may read" not in line] == []


async def test_an_early_acknowledgement_is_found_out(tmp_path: Path) -> None:
    """An append that is acknowledged before its commit is lost in some images, so the test above can fail."""
    made, whole = await moments(tmp_path / "x.db", early=True)
    found = campaign(tmp_path / "torn", made, whole, 300)
    assert found
    assert all("acknowledged to" in fault for fault in found)


def _level(connection: sqlite3.Connection) -> int:
    level: int = connection.execute("PRAGMA synchronous").fetchone()[0]
    return level


async def acknowledged_unsynced(path: Path, durability: Durability) -> list[str]:
    """Append, and say of each acknowledgement what was not on the disk when it came."""
    chance, log, faults = random.Random(8), beside(path, "-wal"), list[str]()
    async with await Store.open(path, clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run(RUN)
        assert store._writer is not None
        for number in range(APPENDS):
            await hand.add(RUN, found("x" * chance.choice((20, 2_000, 40_000))), durability=durability)
            waiting = unsynced_pages(log)
            level = await store._writer._database.run(_level)
            if level != FULL:
                faults.append(f"append {number} was committed at level {level}")
            if waiting:
                faults.append(f"append {number} was acknowledged with {waiting} pages of the log not on the disk")
    return faults


FULL = 2
"""What SQLite calls `synchronous=FULL`."""


async def test_an_acknowledged_append_was_synced(tmp_path: Path) -> None:
    """At the moment of an acknowledgement, the kernel has no page of the log left that is not on the disk."""
    assert await acknowledged_unsynced(tmp_path / "x.db", Durability.FULL) == []


async def test_an_append_that_was_not_synced_is_found_out(tmp_path: Path) -> None:
    """One that is only written is told apart, by its level, and by what the kernel still has to write."""
    found = await acknowledged_unsynced(tmp_path / "x.db", Durability.NORMAL)
    assert len([fault for fault in found if "level 1" in fault]) == APPENDS
    if unsynced_pages(Path(__file__)) is not None:
        assert any("not on the disk" in fault for fault in found)


@pytest.mark.slow
async def test_a_torn_log_at_every_sector(tmp_path: Path) -> None:
    """Cut at every 512th byte."""
    made, whole = await moments(tmp_path / "x.db")
    for number, moment in enumerate(made):
        path = tmp_path / f"{number}.db"
        path.write_bytes(moment.database)
        for cut in range(0, len(moment.log) + 1, 512):
            beside(path, "-shm").unlink(missing_ok=True)
            beside(path, "-wal").write_bytes(moment.log[:cut])
            rows = read(path)
            assert rows == whole[: len(rows)], cut
            assert len(rows) > moment.acknowledged(cut), cut
