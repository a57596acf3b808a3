"""Decides the next turn of a researcher who has `search_docs`: delegate, search, read, note, answer.

It keeps no state. What is still to be done follows from the conversation each time, so the same rules carry on after
a fork, an edit, a new plan or a pause.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from pydantic import JsonValue

from workbench.providers.offline.agenda import Errand, Phase, errands, first_phase, later_phases, steer_phases
from workbench.providers.offline.answer import best_fact
from workbench.providers.offline.follow_up import other_words
from workbench.providers.offline.passages import reading_list
from workbench.providers.offline.reading import Conversation, same_query
from workbench.providers.offline.results import FETCH, NOTE, SEARCH, SPAWN
from workbench.providers.offline.submitting import MOST_TRIES, submission
from workbench.providers.offline.turn import Turn, Wish
from workbench.providers.offline.voice import Voice, voice_for
from workbench.providers.offline.words import WORD, flat

HITS = 8
"""Passages that a search is asked for."""


def next_turn(conversation: Conversation, tools: Collection[str], *, parallel: bool, max_tokens: int) -> Turn:
    """Return the next turn: all calls that can be made now, one of them where `parallel` is off, or the answer."""
    voice = voice_for(chinese=conversation.question.is_chinese)
    wishes = _wishes(conversation, tools, voice)
    if wishes:
        return _asking(wishes if parallel else wishes[:1], wishes, conversation, voice)
    if NOTE in tools and (note := _note(conversation)):
        return Turn(voice.noting_because, voice.noting, (note,))
    return submission(conversation, tools, voice, max_tokens)


def _wishes(conversation: Conversation, tools: Collection[str], voice: Voice) -> list[Wish]:
    """Return all calls that can be made now: what does not depend on a result that is still missing."""
    errand_list = errands(conversation, voice) if SPAWN in tools else []
    wishes = delegations(conversation, errand_list)
    searched = [*_tried(conversation, SEARCH, "query"), *conversation.searched_before]
    read = _tried(conversation, FETCH, "name") if FETCH in tools else None
    taken = [name for call in conversation.earlier_calls if call.tool == FETCH for name in call.values_of("name")]
    phases = [first_phase(conversation, errand_list), *steer_phases(conversation)]
    for phase in phases:
        wishes.extend(_of_phase(phase, conversation, searched, read, taken))
    if wishes:
        return _each_once(wishes)
    for phase in later_phases(conversation, phases, searched):
        if wishes := _of_phase(phase, conversation, searched, read, taken):
            return _each_once(wishes)
    return []


def delegations(conversation: Conversation, errand_list: Sequence[Errand]) -> list[Wish]:
    """Return the errands that no subagent has been given yet."""
    wishes: list[Wish] = []
    for errand in errand_list:
        given = [*_tried(conversation, SPAWN, "task", errand.role), *conversation.delegated_before]
        if not same_query(errand.task, given):
            role: dict[str, JsonValue] = {"role": errand.role} if errand.role else {}
            wishes.append((SPAWN, {"task": errand.task, "focus": errand.focus, **role}))
    return wishes


def _of_phase(
    phase: Phase, conversation: Conversation, searched: Sequence[str], read: Sequence[str] | None, taken: list[str]
) -> list[Wish]:
    """Return a phase's searches not yet made; when all are, those in other words and the passages not yet read."""
    queries = [query for query in phase.queries if not same_query(query, searched)]
    if queries:
        return [_search(query) for query in queries]
    again = [query for query in _again(phase, conversation) if not same_query(query, searched)]
    wishes = [_search(query) for query in again]
    if read is not None:
        names = reading_list(phase, conversation, taken)
        taken.extend(names)
        wishes.extend((FETCH, {"name": name}) for name in names if name not in read)
    return wishes


def _search(query: str) -> Wish:
    return SEARCH, {"query": query, "limit": HITS}


def _again(phase: Phase, conversation: Conversation) -> Iterator[str]:
    """Yield another wording for each search that ran and found nothing; a person's or tool's refusal stands."""
    in_vain = [value for call in conversation.of(SEARCH) if call.is_empty for value in call.values_of("query")]
    for query in phase.queries:
        if same_query(query, in_vain) and (other := other_words(query, conversation)):
            yield other


def _tried(conversation: Conversation, tool: str, parameter: str, role: str = "") -> list[str]:
    """Return the inputs of the calls that ran, and of those that were asked for often enough in vain.

    With a `role` only those of that role count.
    """
    tried: list[str] = []
    vain: dict[str, int] = {}
    for call in conversation.calls:
        if call.tool == tool and (not role or role in call.values_of("role")):
            for value in call.values_of(parameter):
                vain[value] = vain.get(value, 0) + 1
                if call.has_run or vain[value] >= MOST_TRIES:
                    tried.append(value)
    return tried


def _each_once(wishes: Sequence[Wish]) -> list[Wish]:
    kept: list[Wish] = []
    for wish in wishes:
        if wish not in kept:
            kept.append(wish)
    return kept


def _note(conversation: Conversation) -> Wish | None:
    """Return the note to be saved, where the question asks for one and none was saved yet."""
    note = conversation.question.note
    if note is None or any(call.tool == NOTE for call in conversation.calls):
        return None
    text = note or best_fact(conversation)
    if not text:
        return None
    key = flat(" ".join((conversation.question.parts or tuple(WORD.findall(text)))[:3]))[:60]
    return NOTE, {"key": key or "note", "text": text}


def _asking(wishes: Sequence[Wish], wanted: Sequence[Wish], conversation: Conversation, voice: Voice) -> Turn:
    """Say what the calls are for; `wanted` are all that could be made now."""

    def about(tool: str, parameter: str) -> list[str]:
        return [str(given[parameter]) for name, given in wishes if name == tool]

    queries, names, things = about(SEARCH, "query"), about(FETCH, "name"), about(SPAWN, "focus")
    thinking: list[str] = []
    text: list[str] = []
    if things:
        heads = voice.join([re.split("[;；]", thing)[0] for thing in things])
        thinking.append(voice.delegating_because.format(topics=heads))
        text.append(voice.delegating.format(topics=heads))
    if names:
        count = len({hit.name for call in conversation.of(SEARCH) for hit in call.hits})
        thinking.append(voice.passages_found.format(count=count, names=voice.join(names)))
        text.append(voice.reading.format(names=voice.join(names)))
    if queries:
        all_queries = [str(given["query"]) for name, given in wanted if name == SEARCH]
        thinking.append(_why_search(all_queries, conversation, voice))
        text.append(voice.searching.format(topics=voice.join(queries)))
    return Turn(voice.gap.join(thinking), voice.gap.join(text), tuple(wishes))


def _why_search(queries: Sequence[str], conversation: Conversation, voice: Voice) -> str:
    topics = voice.join(queries)
    in_vain = [query for call in conversation.of(SEARCH) if call.is_empty and (query := call.text_of("query"))]
    if instead := [query for query in in_vain if same_query(other_words(query, conversation), queries)]:
        return voice.other_words_because.format(topics=voice.join(instead))
    if conversation.of(SEARCH):
        return voice.following_up_because.format(topics=topics)
    if len(queries) == 1:
        return voice.one_topic.format(topics=topics)
    return voice.many_topics.format(count=len(queries), topics=topics)
