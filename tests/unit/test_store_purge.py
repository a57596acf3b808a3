"""Purge: what was hidden is gone from the file, and everything that stays still reads as before."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store_kit import Hand, beside, found, one, said, texts
from workbench.clock import ManualClock
from workbench.errors import StoreError
from workbench.events.library import RunHidden, RunNamed
from workbench.store import RunSummary, Store

SECRET = "correct horse battery staple"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open, empty store."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        yield store


async def hide(store: Store, run: str) -> None:
    """Hide a run whose driver has let go of it."""
    await store.release(run)
    await store.append_library(RunHidden(run=run, hidden=True), 1.0)


async def test_a_hidden_run_is_gone_from_the_file(store: Store) -> None:
    """Its events, results, remarks and subagents cannot be found in any byte that is left."""
    hand = Hand(store)
    await hand.run("aaaa", said(SECRET), found(f"{SECRET} " * 10), found(f"{SECRET} " * 2000))
    await hand.child("bbbb", "aaaa", "0.0", said(SECRET))
    await store.append_library(RunNamed(run="aaaa", name=SECRET), 1.0)
    await store.save_row(RunSummary("aaaa", task=SECRET))
    await hand.run("cccc", said("stays"), found("y" * 40_000))
    await store.append_library(RunNamed(run="cccc", name="mine"), 1.0)
    before = await store.raw("cccc"), await store.identity()
    await hide(store, "aaaa")
    report = await store.purge()
    assert report.removed == ("aaaa", "bbbb")
    assert report.kept == ()
    assert report.bytes_after < report.bytes_before
    assert [row.id for row in await store.runs(hidden=True)] == ["cccc"]
    assert (await store.runs())[0].name == "mine"
    assert await store.raw("cccc") == before[0]
    assert await store.identity() != before[1]
    await store.close()
    for each in store.path.parent.iterdir():
        assert SECRET.encode() not in each.read_bytes()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


async def test_a_hidden_run_stays_while_a_visible_fork_reads_from_it(store: Store) -> None:
    """Ancestors of what is visible stay, with their subagents, through hidden forks between; the rest goes."""
    hand = Hand(store)
    await hand.run("aaaa", said("a1"), said("a2"))
    await hand.child("kid0", "aaaa", "0.0", said("k1"))
    await hand.fork("bbbb", "aaaa", 1, said("b3"))
    await hand.fork("cccc", "bbbb", 3, said("c5"))
    await hand.fork("dddd", "aaaa", 2, said("d4"))
    for run in ("aaaa", "bbbb", "dddd"):
        await hide(store, run)
    report = await store.purge()
    assert report.removed == ("dddd",)
    assert set(report.kept) == {"aaaa", "kid0", "bbbb"}
    assert texts(await store.read("cccc")) == ["a1", "b3", "c5"]
    assert texts(await store.read("kid0")) == ["k1"]
    assert [row.id for row in await store.runs()] == ["cccc"]
    await hide(store, "cccc")
    assert set((await store.purge()).removed) == {"aaaa", "kid0", "bbbb", "cccc"}
    assert await store.runs(hidden=True) == []


async def test_a_fork_inside_a_subagent_keeps_the_whole_tree(store: Store) -> None:
    """When a visible run reads from a hidden run's subagent, that run stays too, so that nothing is an orphan."""
    hand = Hand(store)
    await hand.run("aaaa", said("a1"))
    await hand.child("kid0", "aaaa", "0.0", said("k1"))
    await hand.fork("bbbb", "kid0", 1, said("b3"))
    await hide(store, "aaaa")
    report = await store.purge()
    assert report.removed == ()
    assert set(report.kept) == {"aaaa", "kid0"}
    assert texts(await store.read("bbbb")) == ["k1", "b3"]


async def test_the_log_is_as_strict_after_a_purge(store: Store) -> None:
    """The triggers are back, positions go on, tokens only grow, and the file is sound."""
    hand = Hand(store)
    await hand.run("aaaa", said("a1"))
    await hand.run("bbbb", said("b1"))
    triggers = (
        "SELECT group_concat(name || sql) FROM (SELECT * FROM sqlite_master WHERE type = 'trigger' ORDER BY name)"
    )
    before = one(store.path, triggers), await store.position()
    await hide(store, "aaaa")
    await store.purge()
    assert one(store.path, triggers) == before[0]
    assert await store.position() == before[1]
    await hand.add("bbbb", said("b2"))
    assert (await store.follow(before[1]))[0] == (await store.read("bbbb"))[2:]
    await store.release("bbbb")
    assert await store.acquire("bbbb") == hand.tokens["bbbb"] + 1
    assert [line for line in await store.check() if not line.startswith("SQLite ")] == []


async def test_a_run_that_is_driven_is_not_purged(store: Store) -> None:
    """Hiding a run that this process still drives does not pull its log away under it."""
    hand = Hand(store)
    await hand.run("aaaa", said("a1"))
    await store.append_library(RunHidden(run="aaaa", hidden=True), 1.0)
    report = await store.purge()
    assert (report.removed, report.kept) == ((), ("aaaa",))
    await hand.add("aaaa", said("a2"))
    assert texts(await store.read("aaaa")) == ["a1", "a2"]


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_database_that_is_open_elsewhere_is_not_purged(store: Store, read_only: bool) -> None:
    """Another driver or a watcher refuses the purge; when it has gone, the purge goes through."""
    hand = Hand(store)
    await hand.run("aaaa")
    await hide(store, "aaaa")
    async with await Store.open(store.path, clock=ManualClock(), read_only=read_only):
        with pytest.raises(StoreError, match="open elsewhere"):
            await store.purge()
        assert [row.id for row in await store.runs(hidden=True)] == ["aaaa"]
    assert (await store.purge()).removed == ("aaaa",)


async def test_a_purge_that_is_cancelled_is_finished(store: Store) -> None:
    """Whoever stops waiting for a purge finds the store open, on the old file or the new, and whole."""
    hand = Hand(store)
    await hand.run("aaaa", said(SECRET))
    await hand.run("bbbb", said("b1"))
    await hide(store, "aaaa")
    purging = asyncio.create_task(store.purge())
    for _ in range(5):
        await asyncio.sleep(0)
    purging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await purging
    assert texts(await store.read("bbbb")) == ["b1"]
    await hand.add("bbbb", said("b2"))


async def test_a_purge_that_fails_leaves_the_database_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the copy turns out unsound, the old file stays in place and the store goes on with it."""
    hand = Hand(store)
    await hand.run("aaaa", said("a1"))
    await hide(store, "aaaa")
    monkeypatch.setattr("workbench.store.purge._DELETIONS", ("DELETE FROM runs WHERE id IN gone",))
    with pytest.raises(StoreError, match="not sound"):
        await store.purge()
    assert texts(await store.read("aaaa")) == ["a1"]
    assert not store.path.with_name("x.db.purge").exists()


async def test_a_sound_database_has_nothing_to_say(store: Store) -> None:
    """`check` returns nothing for a fresh database but what is to know about the SQLite in use."""
    hand = Hand(store)
    await hand.run("aaaa", said("a1"), found("x" * 40_000))
    await store.save_row(RunSummary("aaaa", as_of_seq=2))
    assert [line for line in await store.check() if not line.startswith("SQLite ")] == []


async def test_what_is_wrong_is_named(store: Store) -> None:
    """Gaps, lost cuts, changed results, unreadable events, stale summaries and open files are each found."""
    path = store.path
    hand = Hand(store)
    await hand.run("aaaa", said("a1"), said("a2"), said("a3"), found("x" * 40_000))
    await hand.fork("bbbb", "aaaa", 2)
    await store.save_row(RunSummary("aaaa", as_of_seq=1))
    statements = (
        *(f"DROP TRIGGER {name}" for name in ("events_never_delete", "events_never_update", "blobs_never_update")),
        "DELETE FROM events WHERE run = 'aaaa' AND seq = 2",
        "UPDATE events SET head = 'x' WHERE run = 'aaaa' AND seq = 3",
        "UPDATE blobs SET content = 'x'",
    )
    beside(path, lambda other: [other.execute(statement) for statement in statements])
    path.chmod(0o644)
    found_lines = "\n".join(await store.check())
    for sentence in (
        "run aaaa should have events from 0 on without a gap; it has 4, from 0 to 4",
        "run bbbb is a fork of run aaaa at event 2, which is not there",
        "event 3 of run aaaa cannot be read",
        "was changed",
        "the summary of run aaaa is behind its log (1 of 4)",
        "(mode 644)",
    ):
        assert sentence in found_lines
