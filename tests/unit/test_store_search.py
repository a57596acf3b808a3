"""Search over runs: finds words and CJK, never stumbles over a query, and can always be made again."""

from __future__ import annotations

import random
import stat
import string
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store_kit import Hand, beside, called, found, said
from workbench.clock import ManualClock
from workbench.errors import ForeignDatabaseError
from workbench.events.content import text_content
from workbench.events.edit import MessageAdded
from workbench.events.library import RunHidden
from workbench.events.run import RunFinished
from workbench.store import SearchFile, SearchHit, Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open, empty store."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        yield store


@pytest.fixture
async def search(store: Store, tmp_path: Path) -> AsyncIterator[SearchFile]:
    """Return the search file of `store`."""
    async with SearchFile(tmp_path / "x.search", store) as search:
        yield search


async def seqs(search: SearchFile, query: str) -> set[int]:
    """Return the seqs of what is found."""
    return {hit.seq for hit in await search.find(query)}


async def test_a_word_is_found_where_it_was_said(store: Store, search: SearchFile) -> None:
    """Tasks, inputs, results, messages and answers are found, with the line that holds the word."""
    hand = Hand(store)
    await hand.run(
        "aaaa",
        called(),
        found("first line\nPooling breaks prepared statements.\nlast"),
        MessageAdded(content=text_content("And what of prepared queries?")),
        RunFinished(status="completed", reason="answered", answer="They must be prepared anew."),
    )
    assert await search.update() == 5
    assert await search.find("pooling") == [
        SearchHit("aaaa", 2, "0.0", "Pooling breaks prepared statements.", "call_finished"),
    ]
    assert await seqs(search, "prepared") == {2, 3, 4}
    assert await seqs(search, "PREPARED stat") == {2}
    assert await seqs(search, "lock") == {0, 1}
    assert await seqs(search, "nowhere") == set()


async def test_chinese_is_found_by_any_part_of_it(store: Store, search: SearchFile) -> None:
    """Words of two characters and more, single characters, and text that mixes scripts."""
    hand = Hand(store)
    await hand.run("aaaa", found("事务连接池如何工作"), found("使用pgbouncer连接"), found("池"), found("ひらがな検索"))
    await search.update()
    assert await seqs(search, "连接池") == {1}
    assert await seqs(search, "连接") == {1, 2}
    assert await seqs(search, "池") == {1, 3}
    assert await seqs(search, "pgbouncer 连接") == {2}
    assert await seqs(search, "作连") == set()
    assert await seqs(search, "がな検") == {4}
    assert (await search.find("接池"))[0].line == "事务连接池如何工作"


async def test_no_query_is_a_syntax_error(store: Store, search: SearchFile) -> None:
    """Whatever is typed is looked for as words, never taken for the search language."""
    await Hand(store).run("aaaa", found("alpha NEAR beta AND gamma 'quoted' \"twice\""))
    await search.update()
    hostile = [
        '"',
        "'",
        '"alpha',
        "alpha AND",
        "NEAR(",
        "*",
        "-",
        "^alpha",
        "text:alpha",
        "a OR",
        "(((",
        "{alpha}",
        "%",
    ]
    hostile += ["\x00", "\ud800", "a\x00b", "alpha' OR 1=1 --", '"" *', "+", "NOT", "x" * 100_000, "a " * 5000, "\n"]
    chance = random.Random(5)
    hostile += ["".join(chance.choices(string.printable + "连接池ß", k=12)) for _ in range(200)]
    for query in hostile:
        await search.find(query)
    assert await search.find("") == await search.find(" %*^ ") == []
    assert await seqs(search, "(alpha) AND 'beta'") == {1}


async def test_only_what_is_new_is_indexed(store: Store, search: SearchFile) -> None:
    """Bringing the index up again looks at nothing twice and finds nothing twice."""
    hand = Hand(store)
    await hand.run("aaaa", *(said("x") for _ in range(250)))
    assert await search.update() == 251
    assert await search.update() == 0
    await hand.add("aaaa", found("marmalade"))
    assert await search.update() == 1
    assert await seqs(search, "marmalade") == {251}


async def test_hidden_runs_are_not_found(store: Store, search: SearchFile) -> None:
    """A hidden run leaves the results at once, without indexing anything again."""
    await Hand(store).run("aaaa", found("marmalade"))
    await search.update()
    await store.append_library(RunHidden(run="aaaa", hidden=True), 1.0)
    assert await search.find("marmalade") == []


async def test_the_file_follows_its_database(store: Store, search: SearchFile, tmp_path: Path) -> None:
    """After a purge, or beside another database, the index is emptied and made again."""
    hand = Hand(store)
    await hand.run("aaaa", found("marmalade"))
    await hand.run("bbbb", found("honey"))
    await search.update()
    await store.append_library(RunHidden(run="aaaa", hidden=True), 1.0)
    await store.release("aaaa")
    await store.purge()
    await search.update()
    assert await seqs(search, "honey") == {1}
    assert await search.find("marmalade") == []
    async with await Store.open(tmp_path / "y.db", clock=ManualClock(2.0)) as other:
        await Hand(other).run("cccc", found("jam"))
        async with SearchFile(tmp_path / "x.search", other) as again:
            await again.update()
            assert await seqs(again, "jam") == {1}
            assert await again.find("honey") == []


async def test_a_damaged_file_is_made_again(store: Store, tmp_path: Path) -> None:
    """The index holds nothing that the log does not, so damage only costs time."""
    path = tmp_path / "x.search"
    await Hand(store).run("aaaa", *(found(f"marmalade {number} " * 50) for number in range(50)))
    async with SearchFile(path, store) as search:
        await search.update()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(path.read_bytes()[:6000])
    async with SearchFile(path, store) as search:
        await search.update()
        assert len(await search.find("marmalade")) == 50


async def test_another_programs_file_is_left_alone(store: Store, tmp_path: Path) -> None:
    """A file that is no search file is refused by name and not touched."""
    path = tmp_path / "mine.db"
    beside(path, lambda other: other.execute("CREATE TABLE mine (x)"))
    before = path.read_bytes()
    async with SearchFile(path, store) as search:
        with pytest.raises(ForeignDatabaseError, match="not a search file"):
            await search.update()
    assert path.read_bytes() == before


async def test_a_long_line_is_cut_around_the_word(store: Store, search: SearchFile) -> None:
    """A 5 MB line is shown by the 200 characters around the match."""
    await Hand(store).run("aaaa", found("x " * 200_000 + "marmalade " + "y " * 2_000_000))
    await search.update()
    (hit,) = await search.find("marmalade")
    assert "marmalade" in hit.line
    assert len(hit.line) <= 200


async def test_a_search_in_an_empty_database_finds_nothing(search: SearchFile) -> None:
    """Nothing is indexed, nothing is found, nothing fails."""
    assert await search.find("anything") == []
    assert await search.update() == 0
