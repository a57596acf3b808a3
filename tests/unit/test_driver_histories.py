"""A log is read once: forking and opening what is here already reads no more than what came since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fork_kit import scene
from tests.harness import Rig, answer
from tests.session_kit import look
from tests.store_kit import Hand, found, said
from workbench.clock import ManualClock
from workbench.debugger.address import beginning_with, find_cut, parse_address
from workbench.driver import histories
from workbench.driver.commands import ForkEdits, ForkRun, OpenRun, PreviewFork, ResumeRun
from workbench.driver.histories import Histories
from workbench.errors import AddressError
from workbench.events.base import Recorded
from workbench.providers.scripted import Turn
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.store import Store


class Reads:
    """Counts what is read of a store."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[Recorded] = []
        self.results = 0
        read, bodies = store.read, store.bodies

        async def counted(run: str, **options: Any) -> list[Recorded]:
            records = await read(run, **options)
            self.events += records
            self.results += len(records) if options.get("bodies") else 0
            return records

        async def loaded(refs: Sequence[tuple[str, int]]) -> Any:
            self.results += len(refs)
            return await bodies(refs)

        monkeypatch.setattr(store, "read", counted)
        monkeypatch.setattr(store, "bodies", loaded)

    def again(self) -> None:
        """Count from nothing."""
        self.events.clear()
        self.results = 0


def looks(steps: int) -> list[Turn]:
    """Return the turns of a run of so many steps before its answer."""
    return [*(Turn("Looking.", [("look", {"word": str(step)})]) for step in range(steps)), answer("done")]


def test_a_fork_of_a_run_that_is_open_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither events nor results, whether the run was opened or a fork of it was looked at before."""
    with Rig(tmp_path, looks(4), [look]) as rig:
        run = rig.start()
        rig.finish(run)
        reads = Reads(rig.driver.store, monkeypatch)
        rig.ask(OpenRun(run))
        reads.again()
        for at in ("0", "1.turn", "2.0", "end"):
            edits = ForkEdits(results={"2.0": "otherwise"} if at == "2.0" else {})
            rig.ask(PreviewFork(run, at, edits))
            rig.ask(ForkRun(run, at, edits, drive=False))
        assert (reads.events, reads.results) == ([], 0)


def test_a_fork_of_a_live_run_that_was_opened_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happened since it was opened was told here, and is not read again."""
    first, gate = asyncio.Event(), asyncio.Event()
    turns = [replace(looks(1)[0], gate=first), *looks(2)[:2], Turn("Thinking.", gate=gate), *looks(1)]
    with Rig(tmp_path, turns, [look]) as rig:
        run = rig.start()
        live = rig.live_state(run)
        rig.wait_for(lambda: live.active_turn is not None)
        rig.ask(OpenRun(run))
        rig.open_gate(first)
        rig.wait_for(lambda: live.active_turn is not None and live.finished_steps == 3)
        reads = Reads(rig.driver.store, monkeypatch)
        fork = rig.ask(ForkRun(run, edits=ForkEdits(results={"1.0": "otherwise"}), drive=False))
        assert (reads.events, reads.results) == ([], 0)
        assert rig.state(fork).parent == run
        rig.open_gate(gate)
        rig.finish(run)


def test_a_fork_of_a_run_that_is_not_open_reads_the_part_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event far behind the place is read, and the fork is the one that the whole history gives."""
    monkeypatch.setattr(histories, "PART", 4)
    with Rig(tmp_path, looks(8), [look]) as rig:
        run = rig.start()
        rig.finish(run)
    with Rig(tmp_path, [], [look]) as rig:
        reads = Reads(rig.driver.store, monkeypatch)
        edits = ForkEdits(results={"2.0": "otherwise"})
        fork = rig.ask(ForkRun(run, "2.0", edits, drive=False))
        read = list(reads.events)
        assert len(read) == len({record.seq for record in read})
        last = rig.history(run).live.steps[4].turn_seq
        assert last is not None
        assert read[-1].seq <= last
        assert reads.results == 0
        rig.ask(OpenRun(run))
        other = rig.ask(ForkRun(run, "2.0", edits, drive=False))
        assert [text for _, _, text in rig.raw(fork)] == [text for _, _, text in rig.raw(other)]
        with pytest.raises(AddressError, match="it has steps 0 to 8"):
            rig.ask(ForkRun(run, "2", ForkEdits(results={"20.0": "x"}), drive=False))


def test_a_fork_of_a_fork_knows_what_it_was_made_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at a place that it has from its parent, where nothing of either is open."""
    monkeypatch.setattr(histories, "PART", 2)
    with Rig(tmp_path, [*looks(4), answer("forked")], [look]) as rig:
        run = rig.start()
        rig.finish(run)
        fork = rig.ask(ForkRun(run, edits=ForkEdits(results={"3.0": "otherwise"})))
        rig.finish(fork)
    with Rig(tmp_path, [], [look]) as rig:
        state = rig.state(rig.ask(ForkRun(fork, "1.0", drive=False)))
        assert (state.parent, state.made_from) == (run, fork)


def test_opening_a_fork_reads_its_own_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has of its parent is here; so it is when the fork goes on at once."""
    with Rig(tmp_path, [*looks(4), answer("forked")], [look]) as rig:
        run = rig.start()
        rig.finish(run)
        rig.ask(OpenRun(run))
        reads = Reads(rig.driver.store, monkeypatch)
        fork = rig.ask(ForkRun(run, edits=ForkEdits(results={"1.0": "otherwise"})))
        opened = rig.ask(OpenRun(fork))
        assert {record.run for record in reads.events} == {fork}
        assert opened.records[0].run == run
        rig.finish(fork)
        assert list(rig.ask(OpenRun(fork)).records) == rig.history(fork).records


@pytest.mark.parametrize("place", ["completed", "inside a child"])
def test_what_was_told_is_what_is_stored(tmp_path: Path, place: str) -> None:
    """A run that was opened early and grew here has the events that the log has, without results."""
    with scene(tmp_path, place) as played:
        for fork_at in ("0", "0.turn", "end"):
            run = played.fork(fork_at, ForkEdits(say="more" if fork_at == "end" else None))
            played.rig.ask(OpenRun(run))
            played.finish(run)
            assert list(played.rig.ask(OpenRun(run)).records) == played.rig.history(run).records


def test_what_another_process_writes_is_there(tmp_path: Path) -> None:
    """An open run that is driven elsewhere is read on each time that it is asked for."""
    gate = asyncio.Event()
    script = [*looks(1)[:1], Turn("Looking.", [("look", {"word": "b"})], gate=gate), answer("done")]
    with Rig(tmp_path, script, [look]) as driving, Rig(tmp_path, follow_every=60.0) as watching:
        run = driving.start()
        driving.wait(run, lambda state: state.finished_steps == 1)
        before = watching.ask(OpenRun(run)).records
        driving.open_gate(gate)
        driving.finish(run)
        after = watching.ask(OpenRun(run)).records
        assert after[: len(before)] == before
        assert list(after) == driving.history(run).records


def test_resuming_reads_the_log_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a decision is judged by and what the run goes on from are one reading."""
    with Rig(tmp_path, looks(3), [look]) as rig:
        run = rig.start(max_steps=2)
        rig.wait(run, lambda state: state.end is not None)
    with Rig(tmp_path, [answer("done")], [look]) as rig:
        reads = Reads(rig.driver.store, monkeypatch)
        stored = rig.driver.run_blocking(rig.driver.store.last_seq(run)) + 1
        rig.ask(ResumeRun(run))
        assert len(reads.events) == stored
        rig.finish(run)


def test_a_beginning_has_the_same_places_as_the_whole(tmp_path: Path) -> None:
    """Every place that is looked for in a beginning of a run is the cut that the whole run has there."""
    with scene(tmp_path, "completed") as played:
        fork = played.fork("1.0", ForkEdits(results={"1.0": "otherwise"}))
        played.finish(fork)
        for run in (played.run, fork):
            whole = played.rig.history(run)
            first = 0 if whole.live.cut is None else whole.live.cut + 1
            checked = 0
            for address in [f"{step}{part}" for step in range(3) for part in ("", ".turn", ".0", ".1", ".2")]:
                place = parse_address(address)
                enough = beginning_with(place)
                assert enough is not None
                ends = (seq for seq in range(first, len(whole.records)) if enough(whole.at(seq)))
                end = next(ends, None)
                if end is None:
                    continue
                checked += 1
                assert _cut(whole.upto(end), address) == _cut(whole, address)
            assert checked > 4


def _cut(history: History, address: str) -> object:
    try:
        return find_cut(history, parse_address(address))
    except AddressError as error:
        return str(error)


# The readings themselves.


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open, empty store."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        yield store


async def test_a_history_that_was_given_does_not_grow(store: Store) -> None:
    """Whoever works with one sees no event that comes meanwhile, and changes nothing for others."""
    hand, read = Hand(store), Histories(store)
    await hand.run("aaaa", said("1"))
    given = await read.history("aaaa")
    read.take(Recorded("aaaa", 2, 102.0, said("2")))
    assert (len(given.records), given.live.seq) == (2, 1)
    await hand.add("aaaa", said("2"))
    given.append(Recorded("aaaa", 2, 102.0, said("other")))
    assert (await read.history("aaaa")).records == await store.read("aaaa")
    assert (await read.state("aaaa")) == fold(await store.read("aaaa"))


async def test_readers_at_the_same_time_get_each_event_once(store: Store) -> None:
    """Two that read on together do not both add what they read."""
    hand, read = Hand(store), Histories(store)
    await hand.run("aaaa", said("1"))
    await read.records("aaaa")
    await hand.add("aaaa", said("2"), found("x"))
    await asyncio.gather(*(read.records("aaaa") for _ in range(3)), read.history("aaaa"))
    assert list(await read.records("aaaa")) == await store.read("aaaa")


async def test_a_stranger_s_word_for_what_a_fork_was_made_from_is_not_believed(store: Store) -> None:
    """An imported fork may name any run there; only the run that owns the event at the cut is its beginning."""
    hand, read = Hand(store), Histories(store)
    await hand.run("aaaa", said("1"), said("2"))
    await hand.run("bbbb", said("x"), said("y"))
    await hand.fork("cccc", "aaaa", 1, said("3"), made_from="bbbb")
    await read.records("bbbb")
    assert list(await read.records("cccc")) == await store.read("cccc")


async def test_what_was_not_used_for_long_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """But never what is looked at and the one before, however long they are."""
    monkeypatch.setattr(histories, "MOST", 200)
    hand, read = Hand(store), Histories(store)
    for run in ("aaaa", "bbbb", "cccc", "dddd"):
        await hand.run(run, *(said(str(number)) for number in range(90)))
        await read.records(run)
    assert list(read._kept) == ["bbbb", "cccc", "dddd"]
    await read.state("aaaa")
    assert list(read._kept) == ["cccc", "dddd", "aaaa"]
    for seq in range(91, histories.PART + 1):
        read.take(Recorded("aaaa", seq, 200.0, said("more")))
    assert list(read._kept) == ["cccc", "dddd"]
