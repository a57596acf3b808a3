"""Words, and which of them carry meaning: the only linguistics that the rules of `offline` have.

Pure functions of text. English words are cut to a crude stem, so that `raised` finds `raises`; Chinese, Japanese and
Korean runs become overlapping pairs of characters, because they have no spaces to cut at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.providers.offline.vocabulary import SHORT_FORMS, STOP_WORDS

CJK = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"

OTHER_CJK = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
"""Japanese and Korean letters."""

_CJK_RUN = re.compile(f"[{CJK}]+")
WORD = re.compile(f"[{CJK}]+|[^\\W{CJK}]+(?:[.'’-][^\\W{CJK}]+)*")
CONTRACTION = re.compile(r"['’](?:s|re|ve|ll|d|m|t)$")
_VOWEL = re.compile("[aeiouy]")


def flat(text: str) -> str:
    """Return the text on one line, with single spaces."""
    return " ".join(text.split())


def is_cjk(text: str) -> bool:
    """Whether the text is mainly written in Chinese, Japanese or Korean characters."""
    ideographs = sum(len(run) for run in _CJK_RUN.findall(text))
    return ideographs * 3 > sum(1 for character in text if character.isalpha())


def is_cjk_word(word: str) -> bool:
    """Whether a word found by `WORD` is a run of Chinese, Japanese or Korean characters."""
    return _CJK_RUN.match(word) is not None


def stem(word: str) -> str:
    """Return a word without its commonest endings, in lower case."""
    word = CONTRACTION.sub("", word.casefold())
    word = SHORT_FORMS.get(word, word).casefold()
    if not word.isalpha() or not word.isascii():
        return word
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) > 2 and _VOWEL.search(rest):
            word = rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "ls" else rest
            break
    return word.removesuffix("e") if len(word) > 3 else word


def stems(text: str) -> frozenset[str]:
    """Return the stems of all words of a text, of those too that carry no meaning."""
    return frozenset(stem(match[0]) for match in WORD.finditer(text))


def terms(text: str) -> dict[str, int]:
    """Return the stems of the words that carry meaning, in order of appearance, with how often each occurs."""
    found: dict[str, int] = {}
    for term in _all_terms(text):
        found[term] = found.get(term, 0) + 1
    return found


def _all_terms(text: str) -> Iterator[str]:
    for match in WORD.finditer(text):
        word = match[0]
        if not is_cjk_word(word):
            if word.casefold() not in STOP_WORDS:
                yield stem(word)
        elif len(word) == 1:
            yield word
        else:
            yield from (word[at : at + 2] for at in range(len(word) - 1))


def spelled_out(text: str) -> str:
    """Return the text with short forms in full: `auth` becomes `authentication`."""
    return WORD.sub(lambda match: SHORT_FORMS.get(match[0].casefold(), match[0]), text)


def same_words(one: str, other: str) -> bool:
    """Whether two texts have the same meaningful words."""
    return terms(one).keys() == terms(other).keys()
