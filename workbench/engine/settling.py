"""Whether answers to one task agree, and which of them most of its subagents give. Rules only; no model is asked.

Two *short* answers (up to 12 words each) agree where they are the same words: case, punctuation, articles, an "it is"
before them and the way in which numbers are written do not count, so "The answer is 1,000." is "1000" and "Two" is "2".

Of two answers of which one is longer, the first sentences must take the same stand (yes or no, with a "not" or
without), and one must not contradict the figures of the other: where both have figures, at least half of those of the
one that has fewer are the other's too. Then they agree where they say much the same: at least half of the words that
carry meaning, of the one that has fewer, are the other's too; or they rest on the same sources to that extent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from workbench.events.call import SubagentsSettled

SHORT_WORDS = 12
ENOUGH = 0.5
"""The share of figures, words or sources that two long answers have in common where they agree."""

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_\u3040-\u9fff]+(?:['\u2019][^\W\d_]+)*|[\u3040-\u9fff]")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_SENTENCE = re.compile(r"[.!?\u3002](?:\s|$)|\n")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_ARTICLES = {"a", "an", "the"}
_LEADS = {"answer", "it", "it's", "this", "that", "is", "was"}
_YES, _NO = {"yes", "true", "correct"}, {"no", "false", "incorrect"}
_NOT = {"not", "never", "no", "none", "neither", "cannot", "without"}
_EMPTY = {
    *_ARTICLES, *_NOT, "of", "to", "in", "on", "at", "by", "for", "from", "with", "and", "or", "but", "as", "is", "are",
    "was", "were", "be", "been", "it", "its", "this", "that", "these", "those", "which", "who", "there", "has", "have",
    "had", "do", "does", "did", "can", "may", "will", "would", "should", "than", "then", "so", "also", "i", "we", "you",
}  # fmt: skip
"""Words that carry no meaning of their own."""


@dataclass(frozen=True, slots=True)
class Given:
    """One answer, and the sources that it names."""

    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vote:
    """The answer that most agree with."""

    chosen: int
    """Its place among the answers: of equals, the first."""
    agreeing: tuple[int, ...]
    """The places of all that agree with it, its own included."""
    is_tied: bool
    """Another answer has as many that agree with it and is none of them."""


def vote(answers: Sequence[Given]) -> Vote:
    """Return the answer with the most that agree with it; there must be one at least."""
    parties = [
        tuple(other for other, one in enumerate(answers) if other == number or agree(one, answer))
        for number, answer in enumerate(answers)
    ]
    chosen = max(range(len(answers)), key=lambda number: (len(parties[number]), -number))
    rivals = (number for number in range(len(answers)) if number not in parties[chosen])
    is_tied = any(len(parties[number]) == len(parties[chosen]) for number in rivals)
    return Vote(chosen, parties[chosen], is_tied)


def agree(one: Given, other: Given) -> bool:
    """Whether two answers say the same, by the rule of this module."""
    first, second = words_of(one.text), words_of(other.text)
    if _without_lead(first) == _without_lead(second):
        return True
    if max(len(first), len(second)) <= SHORT_WORDS:
        return False
    if _stand(one.text) != _stand(other.text):
        return False
    figures = [{word for word in words if word[0].isdigit()} for words in (first, second)]
    if all(figures) and _shared(*figures) < ENOUGH:
        return False
    meant = [{word for word in words if word not in _EMPTY} for words in (first, second)]
    return _shared(*meant) >= ENOUGH or _shared(set(one.sources), set(other.sources)) >= ENOUGH


def settled_words(settled: SubagentsSettled) -> str:
    """Return how the answers of an ensemble compare, in one sentence: members are told apart by number."""
    agreeing = sum(answer.stand == "agrees" for answer in settled.answers)
    head = f"{agreeing} of {len(settled.answers)} agree"
    words = [f"{head} with the judge" if settled.by == "judge" else head]
    for answer in settled.answers:
        if answer.stand != "agrees":
            said = f"said: {answer.said}" if answer.stand == "differs" else f"gave no answer: {answer.said}"
            words.append(f"{answer.member} {said}")
    return "; ".join([*words, settled.why] if settled.why else words)


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are compared: without case, punctuation and articles, numbers alike."""
    found = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return [word for word in map(_plain, found) if word not in _ARTICLES]


def _plain(word: str) -> str:
    """Return a word, or a number as figures without grouping and closing zeros."""
    if not word[0].isdigit():
        return _NUMBERS.get(word, word)
    number = word.replace(",", "") if _GROUPED.fullmatch(word) else word.replace(",", ".")
    if number.count(".") != 1:
        return number
    return number.rstrip("0").rstrip(".")


def _without_lead(words: Sequence[str]) -> Sequence[str]:
    """Return the words of an answer without what only leads up to it; all of them where there is nothing else."""
    return list(dropwhile(_LEADS.__contains__, words)) or words


def _stand(text: str) -> bool:
    """Whether the first sentence of a text says no, or that something is not so."""
    words = words_of(_SENTENCE.split(text.strip(), maxsplit=1)[0])
    if words and words[0] in _YES | _NO:
        return words[0] in _NO
    return any(word in _NOT or word.endswith(("n't", "n\u2019t")) for word in words)


def _shared(one: Collection[str], other: Collection[str]) -> float:
    """Return which share of the smaller of two sets is in the other; 0 where one of them is empty."""
    fewer = min(len(one), len(other))
    return len(set(one) & set(other)) / fewer if fewer else 0.0
