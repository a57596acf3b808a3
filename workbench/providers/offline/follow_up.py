"""Further searches: other words for a query that found nothing, and what the passages read so far bring up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from workbench.providers.offline.evidence import Topic, Weighing, gather
from workbench.providers.offline.reading import Conversation, same_query
from workbench.providers.offline.vocabulary import STOP_WORDS, VAGUE, VERBS
from workbench.providers.offline.words import WORD, is_cjk, is_cjk_word, spelled_out, terms

SHORTEST_WORD = 4
"""Letters of a word that is worth a further search."""
NAMED = 3.0
"""How much the name of a setting counts beside a pair of words."""
SENTENCES = 12
"""The best sentences, whose words are looked at."""


def other_words(query: str, conversation: Conversation) -> str:
    """Return another wording of a query that found nothing; empty where there is none."""
    full = spelled_out(query)
    if not same_query(full, [query]):
        return full
    if is_cjk(query) and len(query) > 3:
        half = (len(query) + 1) // 2
        return f"{query[:half]} {query[half:]}"
    apart = " ".join(WORD.findall(query.replace("_", " ").replace(".", " ").replace("-", " ")))
    if not same_query(apart, [query]):
        return apart
    own = terms(query)
    return " ".join(part for part in conversation.question.parts if not terms(part).keys() <= own.keys())


def next_query(conversation: Conversation, searched: Sequence[str], number: int) -> str:
    """Return a search for what the best sentences speak of and no search has named; empty where there is nothing.

    It joins what is said of one topic, the name of a setting or a pair of neighbouring words, with another topic:
    there the topics may meet. `number` counts such searches, so that the topics take turns.
    """
    question = conversation.question
    topics = [Topic(heading) for heading in dict.fromkeys([*question.parts, conversation.focus]) if terms(heading)]
    found = [item for item in gather(conversation) if item.source.kind in ("passage", "free")]
    weighing = Weighing(conversation, topics, found)
    best = sorted(weighing.weigh(found), key=lambda quote: -quote.score)
    told = sorted(weighing.known) or [0]
    turn = told[number % len(told)]
    known = terms(" ".join([question.text, conversation.focus, *searched])).keys()
    support: dict[str, float] = {}
    for quote in [quote for quote in best if quote.topic == turn][:SENTENCES] or best[:SENTENCES]:
        for phrase in _phrases(quote.sentence.text):
            if not terms(f"{phrase} {phrase.replace('_', ' ')}").keys() & known:
                weight = NAMED if "_" in phrase else 1.0
                support[phrase] = support.get(phrase, 0.0) + weight * quote.score
    if not support:
        return ""
    other = topics[told[(number + 1) % len(told)]].heading if topics else ""
    return f"{max(support, key=lambda phrase: support[phrase])} {other}".strip()


def _phrases(text: str) -> list[str]:
    """Return names of settings and pairs of neighbouring words that carry meaning."""
    words = list(WORD.finditer(text))
    found = [match[0] for match in words if "_" in match[0].strip("_") and len(match[0]) > SHORTEST_WORD]
    for left, right in pairwise(words):
        if text[left.end() : right.start()] == " " and _is_telling(left[0]) and _is_telling(right[0]):
            found.append(f"{left[0]} {right[0]}".casefold())
    found.extend(match[0][:4] for match in words if is_cjk_word(match[0]) and len(match[0]) > 3)
    return found


def _is_telling(word: str) -> bool:
    lower = word.casefold()
    if len(word) < SHORTEST_WORD or not word.isalpha() or lower in STOP_WORDS or lower in VERBS:
        return False
    return not {lower, lower.removesuffix("s")} & VAGUE and not lower.endswith("ly")
