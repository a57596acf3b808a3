"""Appending: whole or not at all, in one commit with what else waits, never half done by a cancellation."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from itertools import groupby
from pathlib import Path

import pytest

from tests.store_kit import Hand, beside, found, one, said, started, texts
from workbench.clock import ManualClock
from workbench.errors import RunNotFoundError, StaleDriverError, StoreError
from workbench.events.content import TextBlock
from workbench.store import Batch, Durability, RunHeader, Store
from workbench.store.oslock import WriteLock
from workbench.store.writer import Writer


async def statements(store: Store) -> list[str]:
    """Return a list that fills with what the writing connection executes from now on."""
    seen: list[str] = []
    database = store._database
    assert database is not None

    def trace(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(seen.append)

    await database.run(trace)
    return seen


def copied(path: Path) -> Path:
    """Return a copy of the database file alone, without its write-ahead log."""
    return Path(shutil.copy(path, path.with_name("copy.db")))


async def test_an_append_is_committed_when_it_returns(tmp_path: Path) -> None:
    """Another program sees the events the moment the append was acknowledged."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        for number in range(1, 20):
            await hand.add("aaaa", said(str(number)))
            assert one(path, "SELECT max(seq) FROM events") == number


async def test_batches_of_one_append_stand_or_fall_together(tmp_path: Path) -> None:
    """When the second batch does not fit its log, nothing of the first is there."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        await hand.run("bbbb")
        good = hand.batch("aaaa", said("good"))
        gap = Batch("bbbb", 5, ((1.0, said("gap")),), token=hand.tokens["bbbb"])
        with pytest.raises(StoreError, match="does not follow"):
            await store.append(good, gap)
        assert len(await store.read("aaaa")) == 1
        await store.append(good)
        assert texts(await store.read("aaaa")) == ["good"]


async def test_appends_that_wait_are_committed_at_once_in_order(tmp_path: Path) -> None:
    """Twenty appends asked for together make one transaction, in the order in which they were asked for."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        await hand.run("bbbb")
        start = await store.position()
        seen = await statements(store)
        await asyncio.gather(*(hand.add("ab"[n % 2] * 4, said(str(n))) for n in range(20)))
        events, _ = await store.follow(start)
        assert texts(events) == [str(n) for n in range(20)]
        assert seen.count("COMMIT") == 1


async def test_an_append_costs_few_statements(tmp_path: Path) -> None:
    """Its lease, its place and its events; nothing is spent on the case that it is refused."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        seen = await statements(store)
        await asyncio.gather(*(hand.add("aaaa", said(str(n))) for n in range(20)))
        kinds = [kind for kind, _ in groupby(each.split(None, 1)[0] for each in seen)]  # a trigger's count as the row's
        assert kinds == ["BEGIN", *["SELECT", "INSERT"] * 20, "COMMIT"]


async def test_the_strictest_durability_of_a_commit_wins(tmp_path: Path) -> None:
    """A FULL append syncs what is committed with it; the level is set between transactions, never inside one."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        seen = await statements(store)
        await asyncio.gather(
            hand.add("aaaa", said("1")),
            hand.add("aaaa", said("2"), durability=Durability.FULL),
            hand.add("aaaa", said("3")),
        )
        await hand.add("aaaa", said("4"), durability=Durability.FULL)
        await hand.add("aaaa", said("5"))
        kept = [each for each in seen if each.startswith(("PRAGMA sync", "BEGIN", "COMMIT"))]
        assert kept == [
            "PRAGMA synchronous=full", "BEGIN IMMEDIATE", "COMMIT",
            "BEGIN IMMEDIATE", "COMMIT",
            "PRAGMA synchronous=normal", "BEGIN IMMEDIATE", "COMMIT",
        ]  # fmt: skip


async def test_a_refused_append_takes_no_other_with_it(tmp_path: Path) -> None:
    """A stale token fails its own call; what was committed in the same transaction is there."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        await hand.run("bbbb")
        stale = Batch("bbbb", 1, ((1.0, said("stale")),), token=hand.tokens["bbbb"] + 1)
        seen = await statements(store)
        outcomes = await asyncio.gather(
            *(store.append(each) for each in (hand.batch("aaaa", said("1")), stale, hand.batch("aaaa", said("2")))),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), StaleDriverError, type(None)]
        assert seen.count("SAVEPOINT one") == 3, "one transaction, whose writes are done one by one once one is refused"
        assert seen.count("COMMIT") == 1
        assert texts(await store.read("aaaa")) == ["1", "2"]
        assert len(await store.read("bbbb")) == 1


async def test_a_run_cannot_be_appended_to_without_its_lease(tmp_path: Path) -> None:
    """No token, a token that was given back, and another store's token are all refused, and nothing is written."""
    path = tmp_path / "x.db"
    async with (
        await Store.open(path, clock=ManualClock()) as store,
        await Store.open(path, clock=ManualClock()) as other,
    ):
        hand = Hand(store)
        await hand.run("aaaa")
        event = ((1.0, said("x")),)
        with pytest.raises(StaleDriverError):
            await store.append(Batch("aaaa", 1, event))
        with pytest.raises(StaleDriverError):
            await other.append(Batch("aaaa", 1, event, token=hand.tokens["aaaa"]))
        await store.release("aaaa")
        with pytest.raises(StaleDriverError):
            await hand.add("aaaa", said("x"))
        assert len(await store.read("aaaa")) == 1


async def test_the_first_batch_brings_its_header(tmp_path: Path) -> None:
    """Without a header a new run is unknown; a header of another run or root is refused, and leaves nothing."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        token = await store.acquire("aaaa")
        first = ((1.0, started()),)
        with pytest.raises(RunNotFoundError):
            await store.append(Batch("aaaa", 0, first, token=token))
        with pytest.raises(ValueError, match="root"):
            await store.append(Batch("bbbb", 0, first, RunHeader("bbbb", "aaaa", 1.0), token))
        assert one(path, "SELECT count(*) FROM runs") == 0


async def test_a_value_that_cannot_be_stored_fails_its_own_call(tmp_path: Path) -> None:
    """Text with a lone surrogate raises before anything is queued; the store goes on."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        bad = found("x").model_copy(update={"result": (TextBlock.model_construct(text="\ud800"),)})
        with pytest.raises(Exception, match="surrogate"):
            await store.append(Batch("aaaa", 1, ((1.0, bad),), token=hand.tokens["aaaa"]))
        await hand.add("aaaa", said("good"))
        assert texts(await store.read("aaaa")) == ["good"]


async def test_a_read_sees_what_was_committed_before_it_was_asked(tmp_path: Path) -> None:
    """Reads go beside the writer, and still never miss what an append acknowledged."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        for number in range(1, 50):
            await hand.add("aaaa", said(str(number)))
            assert await store.last_seq("aaaa") == number


async def test_cancelled_appends_leave_no_open_transaction(tmp_path: Path) -> None:
    """500 appends cancelled at random awaits: each is there whole or not at all, and others can write."""
    path = tmp_path / "x.db"
    chance = random.Random(7)
    async with await Store.open(path, clock=ManualClock()) as store:
        hand = Hand(store)
        runs = [f"{number:04x}" for number in range(500)]
        for run in runs:
            await hand.run(run)
        for start in range(0, 500, 20):
            tasks = [asyncio.create_task(hand.add(run, said("a"), said("b"))) for run in runs[start : start + 20]]
            for task in tasks:
                for _ in range(chance.randrange(6)):
                    await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await hand.run("ffff", said("still here"))
        beside(path, lambda other: other.execute("PRAGMA busy_timeout=0").execute("BEGIN IMMEDIATE"))
        assert {len(await store.read(run)) for run in runs} <= {1, 3}
        assert texts(await store.read("ffff")) == ["still here"]


async def test_a_cancelled_waiter_does_not_undo_its_append(tmp_path: Path) -> None:
    """What was handed over is written, whoever waits for it; events never get lost between two of a driver's."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        waiting = asyncio.create_task(hand.add("aaaa", said("1")))
        await asyncio.sleep(0)
        waiting.cancel()
        await hand.add("aaaa", said("2"))
        assert waiting.cancelled()
        assert texts(await store.read("aaaa")) == ["1", "2"]


async def test_a_write_waits_for_another_processs_write(tmp_path: Path) -> None:
    """While somebody else holds the right to write, an append waits; it goes through when the other is done."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        other = WriteLock(path)
        with other.held():
            waiting = asyncio.create_task(hand.add("aaaa", said("one")))
            assert await store.last_seq("aaaa") == 0
            assert not waiting.done()
        await waiting
        other.close()
        assert await store.last_seq("aaaa") == 1


async def test_a_write_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the other process does not let go, the append fails in words and the store goes on."""
    monkeypatch.setattr("workbench.store.oslock.PATIENCE", 0.01)
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa")
        other = WriteLock(path)
        with other.held(), pytest.raises(StoreError, match="another process has been writing"):
            await store.append(Batch("aaaa", 1, ((1.0, said("lost")),), token=hand.tokens["aaaa"]))
        other.close()
        await hand.add("aaaa", said("kept"))
        assert texts(await store.read("aaaa")) == ["kept"]


async def test_closing_waits_for_what_was_asked_for(tmp_path: Path) -> None:
    """Appends that are queued when the store closes are committed; later ones are refused in words."""
    path = tmp_path / "x.db"
    store = await Store.open(path, clock=ManualClock())
    hand = Hand(store)
    await hand.run("aaaa")
    waiting = [asyncio.create_task(hand.add("aaaa", said(str(n)))) for n in range(10)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*waiting)
    assert one(path, "SELECT count(*) FROM events") == 11
    for late in (hand.add("aaaa", said("late")), store.read("aaaa")):
        with pytest.raises(StoreError, match="was closed"):
            await late
    await store.close()
    assert not path.with_name("x.db-wal").exists()


async def test_quiet_time_moves_the_log_into_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing was written for a while, the database file holds everything without its write-ahead log."""
    monkeypatch.setattr("workbench.store.writer.IDLE_SECONDS", 0.0)
    moved, move = asyncio.Event(), Writer.checkpoint

    async def checkpoint(writer: Writer) -> None:
        await move(writer)
        moved.set()

    monkeypatch.setattr(Writer, "checkpoint", checkpoint)
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", said("x" * 5000))
        async with asyncio.timeout(10):
            await moved.wait()
        assert one(copied(path), "SELECT count(*) FROM events") == 2


async def test_a_long_log_is_moved_without_waiting_for_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above its limit the write-ahead log is moved at the end of the commit."""
    monkeypatch.setattr("workbench.store.writer.WAL_LIMIT", 1)
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", said("one"))
        assert one(copied(path), "SELECT count(*) FROM events") == 2
