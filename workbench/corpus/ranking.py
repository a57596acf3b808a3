"""Which rows of an FTS5 table fit a query, best first.

Both indexes have a table `words(title, text)` with the tokens of `words.indexed`; this is the only place that asks it.
BM25 alone lets a passage that repeats one rare word win over one that has them all, so each score is scaled by how
much of the query the passage covers.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Container, Sequence
from typing import NamedTuple

from workbench.corpus.words import TOKENIZER, Query, Term

CREATE_WORDS = f"CREATE VIRTUAL TABLE words USING fts5(title, text, tokenize = '{TOKENIZER}')"
"""The table, with its content."""
CREATE_WORDS_ONLY = f"CREATE VIRTUAL TABLE words USING fts5(title, text, content = '', tokenize = '{TOKENIZER}')"
"""The table for rows that stand elsewhere and never change."""

POOL = 200
"""Rows that are looked at closely: the best by BM25."""

# A word in the title counts as much as ten in the text. Only a damaged table has no score.
_BEST = (
    "SELECT rowid, ifnull(-bm25(words, 10.0, 1.0), 0.0) AS score FROM words WHERE words MATCH ?"
    " ORDER BY score DESC, rowid"
)


class Match(NamedTuple):
    """A row that fits."""

    row: int
    score: float


def rank(
    connection: sqlite3.Connection, query: Query, total: int, among: Container[int] | None = None, pool: int = POOL
) -> list[Match]:
    """Return the rows that have any term of the query, best first; `total` rows are in the table.

    `among` restricts the rows that may be returned.
    """
    found = _where(connection, query.terms)
    if not found:
        return []
    weights = {term: _rarity(len(rows), total) for term, rows in found.items()}
    whole = sum(weights.values())
    any_of = " OR ".join((*found, *query.phrases))
    matches: list[Match] = []
    for row, score in connection.execute(_BEST, (any_of,)):
        if among is None or row in among:
            covered = sum(weight for term, weight in weights.items() if row in found[term])
            matches.append(Match(row, score * covered / whole))
            if len(matches) == pool:
                break
    return sorted(matches, key=lambda match: -match.score)


def _rarity(rows: int, total: int) -> float:
    """Return how much a term says that is in so many rows; a little even where it is in all."""
    return math.log((max(rows, total) + 1) / (rows + 0.5))


def _where(connection: sqlite3.Connection, terms: Sequence[Term]) -> dict[str, set[int]]:
    """Return the rows of each term that occurs at all; a compound that occurs nowhere is looked for in parts."""
    found: dict[str, set[int]] = {}
    for term in terms:
        for match in (term.match, *term.parts):
            rows = connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (match,))
            if hits := {row for (row,) in rows}:
                found[match] = hits
                if match == term.match:
                    break
    return found
