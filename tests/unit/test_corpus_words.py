"""Words of texts and queries: nothing that a stranger types is an operator."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.corpus.ranking import CREATE_WORDS, rank
from workbench.corpus.words import MOST_TERMS, indexed, parse, storable


def matches(query: str) -> list[str]:
    """Return what a query looks for."""
    return [term.match for term in parse(query).terms]


def test_stop_words_are_left_out() -> None:
    """A question is searched by what it is about."""
    assert matches("How does the pooling interact with statements?") == ['"pooling"', '"interact"', '"statements"']


def test_stop_words_alone_are_searched() -> None:
    """When nothing else is asked for, small words count."""
    assert matches("what is this") == ['"what"', '"is"', '"this"']


def test_names_stay_whole_and_know_their_parts() -> None:
    """`pg_hba.conf` is one thing to look for; its parts are for documents that spell it otherwise."""
    (term,) = parse("pg_hba.conf").terms
    assert term.match == '"pg_hba.conf"'
    assert term.parts == ('"pg"', '"hba"', '"conf"')


def test_genitives_and_hyphens_do_not_hide_words() -> None:
    """`Python's` looks for Python, `session-pooling` for both of its words."""
    assert matches("Python's session-pooling") == ['"python"', '"session"', '"pooling"']


def test_neighbours_are_looked_for_side_by_side() -> None:
    """A pair of words of the query is worth more together, also where the first is a small word."""
    assert parse("what does the for statement do").phrases == ('"for statement"',)


def test_chinese_japanese_and_korean_become_pairs() -> None:
    """A run of characters is looked for as overlapping pairs, one character alone as a beginning."""
    assert matches("数据库") == ['"数据"', '"据库"']
    assert matches("库") == ['"库" *']
    assert matches("PgBouncer的事务") == ['"pgbouncer"', '"的事"', '"事务"']
    assert matches("数𠮷库") == ['"数𠮷"', '"𠮷库"']
    assert indexed("在数据库a").split() == ["在数", "数据", "据库", "库", "a"]
    assert indexed("カタ ひらがな 한국어").split() == ["カタ", "タ", "ひら", "らが", "がな", "な", "한국", "국어", "어"]


def test_wide_and_invisible_characters_do_not_hide_words() -> None:
    """Full-width letters, half-width katakana and soft hyphens are written many ways and found the same."""
    assert indexed("ＰＯＲＴ ｶﾀ").split() == ["PORT", "カタ", "タ"]
    assert indexed("trans\u00adaction\u200bal") == "transactional"
    assert matches("ｐｏｒｔ") == ['"port"']


@pytest.mark.parametrize("query", ["", "   ", '"', "***", "\x00", "-", "^()", "\ud800", "🙂", "…", "___", "' ' '"])
def test_a_query_without_words_asks_for_nothing(query: str) -> None:
    """Punctuation alone is no query."""
    assert parse(query).terms == ()


def test_a_pasted_page_costs_no_more_than_a_question() -> None:
    """However long a query is, only so many of its terms are looked at."""
    query = parse(" ".join(f"word{n}" for n in range(100_000)))
    assert len(query.terms) == MOST_TERMS
    assert len(query.phrases) == MOST_TERMS


def test_half_characters_can_be_stored() -> None:
    """A lone surrogate, which SQLite refuses, becomes a question mark."""
    assert storable("a\ud800b") == "a?b"


HOSTILE = [
    'say "x', "a AND", "NOT", "NEAR(a b, 2)", "a*", "*", "-a", "^a", "title:a", "{title text}:a", "a + b", "(a", "a)",
    "a\x00b", "'; DROP TABLE words; --", '""', '"a" NEAR "b"', "a OR", "\\", "a^", "text : a", ".".join("ab" * 1500),
    "a\ud800b", "𠀀", "ﷺ", "½ ² ①", "क्षि", "ก็", "a\u0301\u0301", "\u202ea", "_" * 4000, "a_" * 2000, "'s", "’",
]  # fmt: skip


@pytest.fixture
def words() -> Iterator[sqlite3.Connection]:
    """Give an index of a few rows."""
    connection = sqlite3.connect(":memory:")
    connection.execute(CREATE_WORDS)
    rows = ["a b title text near", "数据库 café ﷺ ½ ² ①", "क्षि ก็ 𠀀𠀁"]
    connection.executemany("INSERT INTO words (title, text) VALUES ('', ?)", [(indexed(row),) for row in rows])
    yield connection
    connection.close()


@pytest.mark.parametrize("query", HOSTILE)
def test_no_query_is_a_syntax_error(words: sqlite3.Connection, query: str) -> None:
    """FTS5's own language in a query is just words."""
    rank(words, parse(query), 3)


@given(st.text(max_size=60))
def test_no_text_whatever_is_a_syntax_error(query: str) -> None:
    """Any text at all can be stored and searched for."""
    connection = sqlite3.connect(":memory:")
    connection.execute(CREATE_WORDS)
    connection.execute("INSERT INTO words (title, text) VALUES ('', ?)", (storable(indexed(query)),))
    rank(connection, parse(query), 1)
    connection.close()


@pytest.mark.parametrize(("text", "query"), [("café", "cafe"), ("Statements", "statement"), ("naïve", "NAÏVE")])
def test_accents_case_and_endings_do_not_matter(text: str, query: str) -> None:
    """A word is found however it is inflected, capitalised or accented."""
    connection = sqlite3.connect(":memory:")
    connection.execute(CREATE_WORDS)
    connection.execute("INSERT INTO words (title, text) VALUES ('', ?)", (indexed(text),))
    assert [match.row for match in rank(connection, parse(query), 1)] == [1]
    connection.close()
