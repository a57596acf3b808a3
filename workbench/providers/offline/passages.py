"""Chooses which passages to read, from what the searches show of them."""

from __future__ import annotations

import re
from collections.abc import Collection

from workbench.providers.offline.agenda import Phase
from workbench.providers.offline.follow_up import other_words
from workbench.providers.offline.reading import Conversation, same_query
from workbench.providers.offline.results import SEARCH, Hit
from workbench.providers.offline.words import flat, terms

QUERY_WEIGHT = 1.6
TITLE_WEIGHT = 0.3
OPENING_WEIGHT = 0.4
QUESTION_WEIGHT = 0.5
RANK_WEIGHT = 1.2
"""What counts for a passage: the words of the query that it shows (less for a long query, because what is shown is
only the beginning), how near its title comes to them, those that it opens with, the words of the whole question, and
the place that the search gave it."""
RANK_FALL = 0.4
"""How fast the place in a search's result loses weight."""
POINTER_WEIGHT = 0.5
"""What a passage loses that begins with a list of references."""
OPENING = 70
"""Characters with which a passage says what it is about."""


_POINTS_ELSEWHERE = re.compile(r"\W*see also\b", re.IGNORECASE)


def found(query: str, conversation: Conversation) -> list[Hit]:
    """Return what the searches for a query named, with those in other words, each passage once."""
    wordings = [query, other_words(query, conversation)]
    named: dict[str, Hit] = {}
    for call in conversation.of(SEARCH):
        if any(same_query(value, wordings) for value in call.values_of("query")):
            for hit in call.hits:
                named.setdefault(hit.name, hit)
    return list(named.values())


def reading_list(phase: Phase, conversation: Conversation, taken: Collection[str]) -> list[str]:
    """Return the passages to read for a phase: the most promising of each search, then the most promising of all.

    What is `taken` by an earlier phase is passed over, and so are passages that begin word for word alike.
    """
    queues = [_by_promise(query, conversation) for query in phase.queries]
    together = [queue for query, queue in zip(phase.queries, queues, strict=True) if _combines(query, phase.queries)]
    rest = sorted((entry for queue in queues for entry in queue), key=lambda entry: entry[0], reverse=True)
    shown = {flat(hit.excerpt) for hit in _all_hits(conversation) if hit.name in taken and hit.excerpt}
    chosen: list[str] = []
    for queue in [*queues, *together, *([rest] * phase.reads)]:
        if len(chosen) >= phase.reads:
            break
        for _, hit in queue:
            opening = flat(hit.excerpt)
            if hit.name not in taken and hit.name not in chosen and (not opening or opening not in shown):
                chosen.append(hit.name)
                shown.add(opening)
                break
    return chosen


def _all_hits(conversation: Conversation) -> list[Hit]:
    return [hit for call in (*conversation.earlier_calls, *conversation.of(SEARCH)) for hit in call.hits]


def _combines(query: str, queries: Collection[str]) -> bool:
    """Whether a query asks for all that another one asks for, and more."""
    own = terms(query).keys()
    return any(terms(other).keys() < own for other in queries if terms(other))


def _by_promise(query: str, conversation: Conversation) -> list[tuple[float, Hit]]:
    """Return what a query found with how promising each passage looks, the most promising first."""
    asked, wanted = terms(conversation.question.text), terms(query)
    query_weight = min(1.0, QUERY_WEIGHT / (len(wanted) or 1))
    scored: list[tuple[float, Hit]] = []
    for rank, hit in enumerate(found(query, conversation)):
        shown = terms(f"{hit.title} {hit.excerpt}")
        named = terms(hit.title.rpartition("›")[2])
        promise = (
            query_weight * _share(wanted, shown)
            + TITLE_WEIGHT * _share(wanted.keys() | named.keys(), wanted.keys() & named.keys())
            + OPENING_WEIGHT * _share(wanted, terms(hit.excerpt[:OPENING]))
            + QUESTION_WEIGHT * _share(asked, shown)
            + RANK_WEIGHT / (1 + RANK_FALL * rank)
            - (POINTER_WEIGHT if _POINTS_ELSEWHERE.match(hit.excerpt) else 0.0)
        )
        scored.append((promise, hit))
    return sorted(scored, key=lambda entry: entry[0], reverse=True)


def _share(wanted: Collection[str], shown: Collection[str]) -> float:
    return sum(1 for term in wanted if term in shown) / (len(wanted) or 1)
