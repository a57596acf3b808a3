"""What is a word, for the index and for queries alike.

FTS5's own tokeniser finds the words of spaced scripts. Chinese, Japanese and Korean are written here as overlapping
pairs of characters, because `unicode61` would take a whole sentence for one word. A query is any text from a stranger:
what comes out of here is always quoted, so that nothing in it is an operator.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

TOKENIZER = "porter unicode61 remove_diacritics 2"
"""For `CREATE VIRTUAL TABLE … USING fts5(…, tokenize = …)`."""

MOST_TERMS = 32
"""Distinct terms of a query that are looked at; a question has fewer, a pasted page must not cost more."""
MOST_PARTS = 8
"""Parts of a compound name that are looked for alone."""
MOST_CHARACTERS = 4_000
"""Characters of a query that are looked at."""

# Han, kana and Hangul; the rarer Han characters stand apart because one set of both compiles in ten times the time.
_CJK_RUN = re.compile(
    "(?:[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]|[\U00020000-\U0003ffff])+"
)
# A name such as pg_hba.conf is one term, found as its parts in a row.
_TERM = re.compile(r"\w+(?:[.'’]\w+)*")
_WIDE = re.compile("[\ufb00-\ufb06\uff00-\uffef]+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_GENITIVE = re.compile(r"['’](?:s|re|ve|ll|d|m|t)$", re.IGNORECASE)

_STOP_WORDS = frozenset(
    """
    a about after all also am an and any are aren as at be been before being between both but by can could
    couldn did didn do does doesn doing don for from had has hasn have haven having he her here him his how i if
    in into is isn it its just me more most my of on only or other our out over please she should shouldn since
    so some such tell than that the their them then there these they this those through to too under up us
    versus very vs was wasn we were weren what when where which while who whom why will with won would wouldn
    you your
    """.split()  # noqa: SIM905 - reads as the list it is
)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing a query asks for."""

    match: str
    """The FTS5 expression that finds it, quoted."""
    parts: tuple[str, ...] = ()
    """Of a compound name: its parts, for libraries that write it differently."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query, taken apart."""

    terms: tuple[Term, ...]
    """What should be found, in the order asked; empty where the text holds no word."""
    phrases: tuple[str, ...]
    """FTS5 expressions of neighbours in the query; a passage that has them side by side fits better."""


def normal(text: str) -> str:
    """Return the text in one spelling: composed, narrow, without invisible characters."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return _WIDE.sub(lambda wide: unicodedata.normalize("NFKC", wide[0]), text)


def indexed(text: str) -> str:
    """Return what is given to FTS5 for a text: pairs in the place of Chinese, Japanese and Korean.

    The last character of a run also stands alone, so that each one begins some token and a prefix finds it.
    """
    if text.isascii():
        return text
    return _CJK_RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} {run[0][-1]} ", normal(text))


def storable(text: str) -> str:
    """Return the text as SQLite can keep it: half characters, which no encoding knows, become question marks."""
    return text.encode("utf-8", "replace").decode()


def parse(text: str) -> Query:
    """Take a query apart. English stop words are left out unless there is nothing else."""
    words = list(_words(normal(text[:MOST_CHARACTERS])))
    meant = [word for word in words if word.lower() not in _STOP_WORDS] or words
    terms = [term for word in dict.fromkeys(word.lower() for word in meant) for term in _terms(word)]
    return Query(tuple(dict.fromkeys(terms))[:MOST_TERMS], tuple(dict.fromkeys(_phrases(words)))[:MOST_TERMS])


def _words(text: str) -> Iterator[str]:
    for found in _TERM.finditer(_CJK_RUN.sub(r" \g<0> ", text)):
        if word := _GENITIVE.sub("", found[0]).strip("_"):
            yield word


def _terms(word: str) -> Iterator[Term]:
    if not _CJK_RUN.match(word):
        parts = re.split(r"[\W_]+", word)[:MOST_PARTS]
        yield Term(_quoted(word), tuple(map(_quoted, parts)) if len(parts) > 1 else ())
    elif len(word) == 1:
        yield Term(f"{_quoted(word)} *")
    else:
        yield from (Term(_quoted(pair)) for pair in _pairs(word))


def _phrases(words: Sequence[str]) -> Iterator[str]:
    """Yield neighbours of which the second is no stop word: `prepared statements`, but also `for statement`."""
    for first, second in itertools.pairwise(words):
        is_cjk = _CJK_RUN.match(first) or _CJK_RUN.match(second)
        if not is_cjk and second.lower() not in _STOP_WORDS:
            yield _quoted(f"{first} {second}")
    for word in words:
        if _CJK_RUN.match(word) and len(word) > 2:
            yield from (_quoted(f"{word[at : at + 2]} {word[at + 1 : at + 3]}") for at in range(len(word) - 2))


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _quoted(words: str) -> str:
    """Quote for FTS5; a word holds neither quotes nor NUL."""
    return f'"{words}"'
