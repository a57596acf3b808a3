"""What a large database costs: nothing is read of it that is not shown, and no more is checked than is needed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.store_kit import Hand, beside, found, said
from workbench.clock import ManualClock
from workbench.errors import DamagedDatabaseError
from workbench.events.base import Event
from workbench.events.codec import parse_event
from workbench.events.library import RunHidden, RunImported, RunNamed, RunNoted
from workbench.store import SearchFile, Store, library, projection, reader, search, soundness
from workbench.store.opening import PAGE_SIZE
from workbench.store.schema import SMALL_TABLES


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open store in which a fork of the oldest run is the newest."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        for number in range(20):
            await hand.run(f"aaa{number:02}", said("hello"))
        await hand.child("sub01", "aaa19", "0.0")
        await hand.fork("fork1", "aaa00", 1)
        for root in hand.tokens:
            await store.release(root)
        yield store


async def plan(store: Store, statement: str, **values: Any) -> str:
    """Return how SQLite would do a statement."""

    def explained(connection: sqlite3.Connection) -> str:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        return "\n".join(row[3] for row in rows)

    return await store._read(explained)


# Lists


async def test_a_page_is_the_newest_runs_and_what_they_come_from(store: Store) -> None:
    """A fork is listed under its origin however old that is, and a run that is named is there too, whole."""
    assert [row.id for row in await store.runs(limit=3)] == ["fork1", "sub01", "aaa19", "aaa00"]
    assert [row.id for row in await store.runs(limit=1, also=["aaa07"])] == ["fork1", "aaa07", "aaa00"]
    assert [row.id for row in await store.runs(limit=1, also=["aaa19"])] == ["fork1", "sub01", "aaa19", "aaa00"]
    assert [row.id for row in await store.runs(limit=0, also=["aaa19"])] == ["aaa19"]
    everything = await store.runs()
    assert len(everything) == 22
    assert await store.runs(limit=100) == everything


async def test_a_run_that_is_driven_is_on_the_page(store: Store) -> None:
    """However old it is: somebody waits for it."""
    assert await store.runs(limit=0) == []
    await store.acquire("aaa04")
    assert [(row.id, row.live) for row in await store.runs(limit=0)] == [("aaa04", True)]


async def test_hidden_runs_take_no_place_on_a_page(store: Store) -> None:
    """A page is of what is shown; where hidden runs are wanted, all of them are on it."""
    for number in range(15, 20):
        await store.append_library(RunHidden(run=f"aaa{number}", hidden=True), 1.0)
    assert [row.id for row in await store.runs(limit=2)] == ["fork1", "aaa14", "aaa00"]
    assert {row.id for row in await store.runs(limit=1, hidden=True) if row.hidden} == {
        *(f"aaa{number}" for number in range(15, 20)),
        "sub01",
    }


async def test_a_page_reads_its_own_rows_alone(store: Store) -> None:
    """Headers, summaries and what people said are looked up by run; neither they nor events are walked through."""
    for statement in (projection._HEADERS, projection._SUMMARIES, library._HEADS):
        steps = await plan(store, statement, runs='["aaa03"]')
        assert "SEARCH" in steps
        assert not [step for step in steps.splitlines() if step.startswith("SCAN") and "json" not in step.lower()
                    and "wanted" not in step], steps  # fmt: skip
    newest = await plan(store, projection._PAGE, unseen="[]", also="[]", limit=3)
    assert "SEARCH r USING INDEX runs_by_caller" in newest
    assert "ORDER BY" not in newest  # the newest are found from the end, not by sorting all


async def test_what_is_said_of_other_runs_is_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library of many remarks costs a page no more than its own."""
    for number in range(20):
        await store.append_library(RunNamed(run=f"aaa{number:02}", name=f"name {number}"), 1.0)
    parsed: list[str] = []

    def parse(text: str) -> Event:
        parsed.append(text)
        return parse_event(text)

    monkeypatch.setattr(library, "parse_event", parse)
    assert [row.name for row in await store.runs(limit=3)] == ["", "", "name 19", "name 0"]
    assert len(parsed) == 2


async def test_the_shortest_name_is_told_by_all_runs(store: Store) -> None:
    """How much of an id is enough depends on the runs that are not on the page too."""
    assert {row.id: row.unique for row in await store.runs(limit=3)} == {
        "fork1": 1, "sub01": 1, "aaa19": 5, "aaa00": 5,
    }  # fmt: skip
    for row in await store.runs():
        assert await store.resolve(row.id[: max(row.unique, 4)]) == row.id


async def test_what_is_visible_and_labelled(store: Store) -> None:
    """Ids alone, for whoever needs no more: not of hidden runs, not of such as were only imported."""
    await store.append_library(RunHidden(run="aaa19", hidden=True), 1.0)
    assert set(await store.visible()) == {row.id for row in await store.runs()}
    await store.append_library(RunImported(run="aaa01", source="x.jsonl"), 1.0)
    await store.append_library(RunNoted(run="aaa03", note="look again"), 1.0)
    await store.append_library(RunNamed(run="aaa02", name="good"), 1.0)
    assert await store.labelled() == ["aaa03", "aaa02"]


async def test_searching_lists_no_rows(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks which runs are visible, and for nothing else of them."""
    monkeypatch.delattr(Store, "runs")
    async with SearchFile(tmp_path / "x.search", store) as index:
        await index.update()
        assert len(await index.find("lock")) == 20


async def test_of_a_word_that_is_everywhere_the_newest_are_weighed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not all matches are compared, however many there are: of the newest the best are told."""
    hand = Hand(store)
    await hand.run("zzz01", found("marmalade"), *(found("marmalade and many other words") for _ in range(5)))
    monkeypatch.setattr(search, "WEIGHED", 6)
    async with SearchFile(tmp_path / "x.search", store) as index:
        await index.update()
        assert [hit.seq for hit in await index.find("marmalade", 1)] == [1]
        await hand.add("zzz01", found("marmalade and many other words"))
        await index.update()
        assert sorted(hit.seq for hit in await index.find("marmalade")) == [2, 3, 4, 5, 6, 7]


async def test_a_large_index_that_is_damaged_is_made_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read through when it is opened; whoever meets the damage makes it again, and finds what there is."""
    path = tmp_path / "x.search"
    for use in ("update", "find"):
        async with SearchFile(path, store) as index:
            await index.update()
        monkeypatch.setattr(soundness, "WHOLE", 0)
        content = path.read_bytes()
        damaged = content[:8192] + b"\xff" * (len(content) - 8192)
        path.write_bytes(damaged)
        async with SearchFile(path, store) as index:
            if use == "update":
                await Hand(store).run("zzz01", said("marmalade"))
                await index.update()
            assert len(await index.find("lock")) > 19
        assert path.read_bytes() != damaged


async def test_an_index_is_not_made_again_while_it_grows(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who meets damage while another adds to the index waits for that, and both come to their end."""
    matches, asked = search._matches, []

    def damaged_once(connection: sqlite3.Connection, **given: Any) -> list[tuple[str, int, str | None]]:
        asked.append(given)
        if len(asked) == 1:
            raise DamagedDatabaseError("torn")
        return matches(connection, **given)

    monkeypatch.setattr(search, "_matches", damaged_once)
    monkeypatch.setattr(search, "CHUNK", 1)
    growing = asyncio.Event()
    async with SearchFile(tmp_path / "x.search", store) as index:
        adding = asyncio.create_task(index.update(lambda _done, _total: growing.set()))
        await growing.wait()
        assert len(await index.find("lock")) == 20
        assert await adding > 20


async def test_an_index_that_was_left_while_it_was_made_again_is_made_whole(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who types on while a damaged index is made again leaves that search; the next one finds what there is."""
    monkeypatch.setattr(soundness, "WHOLE", 0)
    monkeypatch.setattr(search, "CHUNK", 1)
    path = tmp_path / "x.search"
    async with SearchFile(path, store) as index:
        await index.update()
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    growing = asyncio.Event()

    def told(done: int, _total: int) -> None:
        if done > 3:
            growing.set()

    async with SearchFile(path, store) as index:
        left = asyncio.create_task(index.find("lock", told=told))
        await growing.wait()
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        assert left.cancelled()
        assert len(await index.find("lock")) == 20


# The log


async def test_one_run_is_followed_without_the_others(store: Store) -> None:
    """What one run got since a moment is found by its own index, and is the same as among all."""
    everything, end = await store.follow(5)
    alone, last = await store.follow(5, run="aaa04")
    assert alone == [record for record in everything if record.run == "aaa04"] != []
    assert last <= end
    assert await store.follow(end, run="aaa04") == ([], end)
    steps = await plan(store, reader._FOLLOW_ONE, start=5, run="aaa04", limit=-1)
    assert "SEARCH events USING INDEX events_by_run (run=?)" in steps
    assert "B-TREE" not in steps


# Opening


def root_page(path: Path, table: str) -> int:
    """Return the page at which a table begins."""
    query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
    found: int = beside(path, lambda other: other.execute(query, (table,)).fetchone()[0])
    return found


def rubbish(path: Path, page: int) -> None:
    """Overwrite the head of a page."""
    content = bytearray(path.read_bytes())
    content[(page - 1) * PAGE_SIZE : (page - 1) * PAGE_SIZE + 64] = b"\xff" * 64
    path.write_bytes(content)


@pytest.fixture
async def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a closed database that counts as a large one."""
    path = tmp_path / "large.db"
    async with await Store.open(path, clock=ManualClock()) as store:
        await Hand(store).run("aaaa", *(found(f"result {number} " * 100) for number in range(100)))
    monkeypatch.setattr(soundness, "WHOLE", PAGE_SIZE)
    return path


async def test_a_large_database_is_not_read_through_to_open_it(large: Path) -> None:
    """Damage in results is not looked for at the opening: reading them says it, and so does `doctor`."""
    rubbish(large, root_page(large, "bodies"))
    async with await Store.open(large, clock=ManualClock(), read_only=True) as store:
        assert len(await store.read("aaaa")) == 101
        with pytest.raises(DamagedDatabaseError, match="recover"):
            await store.read("aaaa", bodies=True)
        with pytest.raises(DamagedDatabaseError, match="recover"):
            await store.check()


@pytest.mark.parametrize("table", SMALL_TABLES)
async def test_what_every_command_reads_is_looked_at_in_a_large_database_too(large: Path, table: str) -> None:
    """Damage in a list of runs or in a lease is found before anything is written."""
    rubbish(large, root_page(large, table))
    for read_only in (False, True):
        with pytest.raises(DamagedDatabaseError, match="recover"):
            await Store.open(large, clock=ManualClock(), read_only=read_only)


async def test_a_large_database_that_lost_its_end_is_refused(large: Path) -> None:
    """A copy that was broken off is noticed at once, whatever is missing."""
    content = large.read_bytes()  # noqa: ASYNC240 - small, and nothing else happens
    large.write_bytes(content[:-PAGE_SIZE])  # noqa: ASYNC240
    with pytest.raises(DamagedDatabaseError, match="recover"):
        await Store.open(large, clock=ManualClock())
