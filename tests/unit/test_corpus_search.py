"""What a search finds, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.corpus import DocumentIndex, open_folder

Indexed = Callable[..., DocumentIndex]

FILLER = "Nothing of interest stands here, only words that fill a page. "


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Indexed]:
    """Give a way to index Markdown documents, beside twenty that are about something else."""
    indexes: list[DocumentIndex] = []

    def index(**documents: str) -> DocumentIndex:
        folder = tmp_path / "docs"
        folder.mkdir()
        for name, text in {**{f"filler{n}": FILLER for n in range(20)}, **documents}.items():
            (folder / f"{name}.md").write_text(text)
        indexes.append(open_folder(folder, tmp_path / "cache"))
        return indexes[-1]

    yield index
    for opened in indexes:
        opened.close()


def names(index: DocumentIndex, query: str, limit: int = 5) -> list[str]:
    """Return the documents of the passages found, best first."""
    return [passage.name.rpartition("::")[0] for passage in index.search(query, limit)]


def test_more_of_the_query_beats_more_of_one_word(indexed: Indexed) -> None:
    """A passage that has all that was asked for comes before one that repeats a part of it."""
    index = indexed(repeats="pooler " * 60, both="The pooler and the statement. " + FILLER * 3, half="A statement.")
    assert names(index, "pooler statement")[0] == "both"


def test_a_title_counts_more_than_a_mention(indexed: Indexed) -> None:
    """The document about something comes before those that mention it."""
    index = indexed(about="# Vacuum\n\n" + FILLER, mentions="A vacuum, then another vacuum. " + FILLER)
    assert names(index, "vacuum") == ["about", "mentions"]


def test_words_side_by_side_count_more(indexed: Indexed) -> None:
    """The words of the question next to each other fit better than scattered ones."""
    index = indexed(
        apart="A port is open. Some value is a default. " + FILLER,
        beside="The default port is open. Some value. " + FILLER,
    )
    assert names(index, "default port")[0] == "beside"


def test_small_words_help_where_they_belong_to_a_name(indexed: Indexed) -> None:
    """`for statement` finds what is about it, though `for` alone is no word to search."""
    index = indexed(a_while="The while statement loops.", b_for="The for statement loops.", c_if="The if statement.")
    assert names(index, "What does the for statement do?")[0] == "b_for"


def test_one_document_does_not_crowd_out_the_others(indexed: Indexed) -> None:
    """Two passages of one document, then others that are about as good, then the rest."""
    chapter = "\n\n".join(
        f"Checkpoint {n}, the checkpoint of {'xyz'[n % 3] * n}. " + "word " * 180 for n in range(1, 6)
    )
    index = indexed(
        long=chapter, one="The checkpoint, once. " + "word " * 180, two="A checkpoint, too. " + "word " * 180
    )
    assert names(index, "checkpoint", 2) == ["long", "long"]
    assert sorted(names(index, "checkpoint", 4)) == ["long", "long", "one", "two"]
    assert len(index.search("checkpoint", 7)) == 7


def test_variety_does_not_bring_in_what_hardly_fits(indexed: Indexed) -> None:
    """A document that alone has the answer may fill the results."""
    chapter = "\n\n".join(f"The checkpoint writes buffers, {'xyz'[n % 3] * n}. " + "word " * 180 for n in range(1, 4))
    index = indexed(long=chapter, other="One writes letters. " + FILLER, another="One writes books. " + FILLER)
    assert names(index, "checkpoint writes buffers", 3) == ["long", "long", "long"]


def test_the_same_text_is_not_found_twice_before_others(indexed: Indexed) -> None:
    """A passage that stands in two documents is shown once, while there is something else to show."""
    text = "\n".join(f"The replica follows, line {n}." for n in range(8))
    index = indexed(copy=text, original=text, other="Another replica, " + FILLER, third="A replica. " + FILLER)
    found = names(index, "replica follows line", 1) + names(index, "replica", 3)
    assert len(found) == 4
    assert ("copy" in found[1:]) != ("original" in found[1:])


def test_scores_fall(indexed: Indexed) -> None:
    """The first result has the highest score."""
    index = indexed(**{f"d{n}": "lock " * n + FILLER for n in range(1, 8)})
    scores = [passage.score for passage in index.search("lock table", 7)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0


def test_a_name_written_otherwise_is_found(indexed: Indexed) -> None:
    """`max_connections` finds itself as written, and in a text that spells it with a space."""
    index = indexed(exact="Set max_connections to 100. " + FILLER, apart="Connections max out. " + FILLER)
    assert names(index, "max_connections") == ["exact"]
    assert set(names(index, "connections.max_x")) == {"exact", "apart"}


@pytest.mark.parametrize("query", ["连接池", "事务", "池", "库", "数据库连接", "什么是事务？", "PgBouncer的连接池"])
def test_chinese_is_found_by_words_and_characters(indexed: Indexed, query: str) -> None:
    """A Chinese query finds Chinese text: words, single characters, at the end of a sentence too, whole questions."""
    index = indexed(
        zh="# 连接池\n\nPgBouncer在事务结束后把连接放回数据库连接池。它不保存会话，也不修改数据库",
        en="A pool. " + FILLER,
    )
    assert names(index, query)[0] == "zh"


def test_chinese_characters_in_another_order_are_another_word(indexed: Indexed) -> None:
    """`会社` is not found in `社会`."""
    index = indexed(zh="社会主义")
    assert names(index, "会社") == []
    assert names(index, "社会") == ["zh"]


def test_japanese_and_korean_are_found(indexed: Indexed) -> None:
    """Kana, wide or narrow, and Hangul are found inside longer runs."""
    index = indexed(ja="データベースのトランザクションについて", ko="트랜잭션은 데이터베이스에서")
    assert names(index, "トランザクション") == ["ja"]
    assert names(index, "ﾄﾗﾝｻﾞｸｼｮﾝ") == ["ja"]
    assert names(index, "데이터베이스") == ["ko"]


@pytest.mark.parametrize("query", ["", "zzyzx", "???", "\x00", '"', "*"])
def test_what_fits_nothing_finds_nothing(indexed: Indexed, query: str) -> None:
    """No result is better than a wrong one."""
    assert indexed(a="words").search(query) == []


@pytest.mark.parametrize(
    "query", ['"port', "port AND", "NEAR(port)", "title:port", "-port", "^port*", "port\x00", "(port"]
)
def test_operators_are_only_words(indexed: Indexed, query: str) -> None:
    """A query full of FTS5's own signs is searched by its words."""
    assert "settings" in names(indexed(settings="The port. " + FILLER), query)


@pytest.mark.parametrize(("limit", "count"), [(-1, 0), (0, 0), (1, 1), (3, 3), (1000, 21)])
def test_no_more_than_was_asked_for(indexed: Indexed, limit: int, count: int) -> None:
    """The limit is kept, whatever it is."""
    assert len(indexed(a=FILLER).search("interest words page", limit)) == count
