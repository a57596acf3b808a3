"""Two small arts beside research: a summary of a conversation that grew too long, and the choice among answers."""

from __future__ import annotations

import re

from workbench.providers.offline.answer import findings, topics_of
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import SEARCH, SPAWN
from workbench.providers.offline.voice import Voice
from workbench.providers.offline.words import terms

SENTENCES_OF_SUMMARY = 24
CHARACTERS_PER_TOKEN = 4

_CANDIDATE = re.compile(
    r"^\s*(?:#+\s*)?((?:answer|candidate|option|答案)\s*)?([A-Z]|\d{1,2})\s*[.):：]\s*", re.IGNORECASE | re.MULTILINE
)
_SOURCE = re.compile(r"\[[^\]\s]+::\d+\]")


def summarise(conversation: Conversation, voice: Voice, *, max_tokens: int) -> str:
    """Return what was asked, what was done, and the sentences that matter, each with its passage.

    It is written so that `reading` finds sources and searches in it again.
    """
    lines = [f"{voice.asked}{conversation.question.text}"]
    calls = [*conversation.earlier_calls, *conversation.calls]
    queries = [call.text_of("query") for call in calls if call.tool == SEARCH and call.has_run]
    tasks = [call.text_of("task") for call in calls if call.tool == SPAWN and call.has_run]
    queries, tasks = [*conversation.searched_before, *queries], [*conversation.delegated_before, *tasks]
    if queries := [query for query in dict.fromkeys(queries) if query]:
        lines.append(f"Searched for: {'; '.join(queries)}")
    if tasks := [task for task in dict.fromkeys(tasks) if task]:
        lines.append(f"Delegated: {'; '.join(tasks)}")
    quotes = findings(conversation, topics_of(conversation), most=SENTENCES_OF_SUMMARY).quotes
    room = max_tokens * CHARACTERS_PER_TOKEN - sum(map(len, lines))
    for quote in quotes:
        line = f"[{quote.name}] {quote.sentence.text}"
        room -= len(line)
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines)


def judge(text: str, voice: Voice) -> str:
    """Choose among the answers that a text lists: the one that most others agree with, then the best supported."""
    candidates = _candidates(text)
    if not candidates:
        return voice.nothing_found

    def agreement(label: str) -> tuple[float, int]:
        own = terms(candidates[label]).keys()
        others = [terms(other).keys() for name, other in candidates.items() if name != label]
        shared = sum(len(own & other) / (len(own | other) or 1) for other in others)
        return shared, len(_SOURCE.findall(candidates[label]))

    best = max(candidates, key=agreement)
    return f"{best}: {voice.best_supported}"


def _candidates(text: str) -> dict[str, str]:
    """Return the listed answers by their numbers or letters."""
    found = list(_CANDIDATE.finditer(text))
    ends = [*(match.start() for match in found), len(text)][1:]
    return {match[2].upper(): text[match.end() : end].strip() for match, end in zip(found, ends, strict=True)}
