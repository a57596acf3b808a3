"""The log: what is appended is read back, whole and in order, through any number of forks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store_kit import Hand, beside, called, found, one, said, texts
from workbench.clock import ManualClock
from workbench.errors import AddressError, DamagedDatabaseError, RunNotFoundError
from workbench.events.call import CallFinished
from workbench.events.content import plain_text, text_content
from workbench.store import Segment, Store


async def test_events_come_back_in_order(tmp_path: Path) -> None:
    """A run reads as what was appended, with seqs from 0 and the times given."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", said("one"))
        await hand.add("aaaa", said("two"), said("three"))
        records = await store.read("aaaa")
        assert [(each.run, each.seq, each.at) for each in records] == [("aaaa", n, 100.0 + n) for n in range(4)]
        assert texts(records) == ["one", "two", "three"]


async def test_events_that_are_read_do_not_remember_which_fields_were_given(tmp_path: Path) -> None:
    """A long run would take half as much memory again; what is made of such an event changes no other."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", said("one"), said("two"))
        first, second = [record.event for record in await store.read("aaaa")][1:]
        assert [first, second] == [said("one"), said("two")]
        assert first.model_fields_set is second.model_fields_set
        assert first.model_copy(update={"text": "three"}) == said("three")
        assert second == said("two")
        assert first.model_fields_set == set()


async def test_a_part_of_a_run_can_be_read(tmp_path: Path) -> None:
    """`after` and `upto` choose the seqs in (after, upto]."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", *(said(str(n)) for n in range(1, 9)))
        assert texts(await store.read("aaaa", after=2, upto=5)) == ["3", "4", "5"]
        assert await store.read("aaaa", after=5, upto=5) == []
        assert len(await store.read("aaaa", upto=10**30)) == 9


async def test_a_fork_of_a_fork_of_a_fork_reads_right(tmp_path: Path) -> None:
    """Each fork reads its ancestors up to the cuts and then its own events; parents stay as they were."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", said("a1"), said("a2"), said("a3"))
        await hand.fork("bbbb", "aaaa", 2, said("b4"), said("b5"))
        await hand.fork("cccc", "bbbb", 4, said("c6"))
        await hand.fork("dddd", "cccc", 6, said("d8"))
        assert texts(await store.read("dddd")) == ["a1", "a2", "b4", "c6", "d8"]
        assert [each.seq for each in await store.read("dddd")] == list(range(9))
        assert [each.run for each in await store.read("dddd", after=1, upto=7)] == [
            "aaaa", "bbbb", "bbbb", "cccc", "cccc", "dddd",
        ]  # fmt: skip
        assert await store.lineage("dddd") == (
            Segment("aaaa", 0, 2),
            Segment("bbbb", 3, 4),
            Segment("cccc", 5, 6),
            Segment("dddd", 7, None),
        )
        assert texts(await store.read("aaaa")) == ["a1", "a2", "a3"]


async def test_a_fork_inside_an_ancestors_part_leaves_out_what_is_between(tmp_path: Path) -> None:
    """A fork made in the part that a fork inherited has the ancestor as parent and reads nothing of the fork."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", said("a1"), said("a2"))
        await hand.fork("bbbb", "aaaa", 2, said("b4"))
        assert await store.owner_of("bbbb", 1) == "aaaa"
        assert await store.owner_of("bbbb", 3) == "bbbb"
        await hand.fork("cccc", "aaaa", 1, said("c3"), made_from="bbbb")
        assert texts(await store.read("cccc")) == ["a1", "c3"]
        header = await store.header("cccc")
        assert (header.parent, header.cut, header.made_from) == ("aaaa", 1, "bbbb")


async def test_an_event_that_is_not_there_is_an_address_error(tmp_path: Path) -> None:
    """Asking who owns a seq beyond the end says which seqs there are."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        await Hand(store).run("aaaa")
        with pytest.raises(AddressError, match="its events are 0 to 0"):
            await store.owner_of("aaaa", 1)
        with pytest.raises(AddressError, match="no event 7 of its own"):
            await store.body("aaaa", 7)


async def test_an_unknown_run_is_said_to_be_unknown(tmp_path: Path) -> None:
    """Every question about a run that does not exist gets the same clear error."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        for question in (store.read, store.raw, store.lineage, store.header, store.last_seq, store.children):
            with pytest.raises(RunNotFoundError, match="'nope'"):
                await question("nope")


async def test_results_are_read_only_when_asked_for(tmp_path: Path) -> None:
    """A result is left out of a plain read, and there in a read with bodies, by ref, and in the raw JSON."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", called(), found("the long result"))
        plain = (await store.read("aaaa"))[2].event
        assert isinstance(plain, CallFinished)
        assert (plain.result, plain.size, plain.first_line) == ((), 15, "the long result")
        full = (await store.read("aaaa", bodies=True))[2].event
        assert isinstance(full, CallFinished)
        assert full.result == text_content("the long result")
        assert await store.body("aaaa", 2) == full.result
        assert await store.bodies([("aaaa", 2), ("aaaa", 1), ("aaaa", 9)]) == {
            ("aaaa", 2): full.result,
            ("aaaa", 1): (),
        }
        assert (await store.raw("aaaa"))[2] == (2, 102.0, full.model_dump_json(exclude={"result"})[:-1]
            + ',"result":[{"type":"text","text":"the long result","media_type":"text/plain"}]}')  # fmt: skip


async def test_a_large_result_is_stored_once(tmp_path: Path) -> None:
    """Equal results over 32 KiB share one blob; each event still reads whole."""
    path = tmp_path / "x.db"
    large = "x" * 40_000
    async with await Store.open(path, clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", found(large), found("small"), found(large))
        await hand.run("bbbb", found(large))
        assert plain_text(await store.body("aaaa", 3)) == plain_text(await store.body("bbbb", 1)) == large
        assert one(path, "SELECT count(*) FROM blobs") == 1
        assert one(path, "SELECT count(*) FROM bodies WHERE inline IS NULL") == 3


async def test_a_large_result_that_was_changed_is_damage(tmp_path: Path) -> None:
    """A blob that does not match its hash is refused by name, never handed out."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", found("x" * 40_000))
    beside(path, lambda other: other.execute("DROP TRIGGER blobs_never_update"))
    beside(path, lambda other: other.execute("UPDATE blobs SET content = replace(content, 'xx', 'yy')"))
    async with await Store.open(path, clock=ManualClock()) as store:
        with pytest.raises(DamagedDatabaseError, match="was changed"):
            await store.body("aaaa", 1)


async def test_an_event_that_was_garbled_is_damage(tmp_path: Path) -> None:
    """A stored event that no longer parses is reported as a damaged database, not as a bad session file."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", said("one"))
    beside(path, lambda other: other.execute("DROP TRIGGER events_never_update"))
    beside(path, lambda other: other.execute("UPDATE events SET head = substr(head, 5) WHERE seq = 1"))
    async with await Store.open(path, clock=ManualClock()) as store:
        with pytest.raises(DamagedDatabaseError, match="recover"):
            await store.read("aaaa")


async def test_a_watcher_gets_every_runs_own_events_in_order_of_commit(tmp_path: Path) -> None:
    """A second store follows from a position: each committed event once, whatever run it is of."""
    path = tmp_path / "x.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", said("before"))
        async with await Store.open(path, clock=ManualClock(), read_only=True) as watcher:
            position = await watcher.position()
            assert await watcher.follow(position) == ([], position)
            await hand.add("aaaa", said("one"), found("result"))
            await hand.fork("bbbb", "aaaa", 1, said("two"))
            await hand.add("aaaa", said("three"))
            first, position = await watcher.follow(position, limit=2)
            rest, position = await watcher.follow(position)
            assert texts(first + rest) == ["one", "two", "three"]
            assert [each.run for each in first + rest] == ["aaaa", "aaaa", "bbbb", "bbbb", "aaaa"]
            assert await watcher.follow(position) == ([], position)


async def test_the_last_seq_counts_what_is_inherited(tmp_path: Path) -> None:
    """A fork's last seq goes on from its cut; a subagent's starts at 0."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("aaaa", said("a1"), said("a2"))
        await hand.fork("bbbb", "aaaa", 1)
        await hand.child("cccc", "bbbb", "0.0")
        assert [await store.last_seq(run) for run in ("aaaa", "bbbb", "cccc")] == [2, 2, 0]
        assert [child.id for child in await store.children("bbbb")] == ["cccc"]
        assert await store.children("aaaa") == []
