"""What is to be looked for, and by whom: the plan, or else the question, laid out in phases.

Searches of one phase do not depend on each other and are made at once. Everything follows from the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.providers.offline.follow_up import next_query, other_words
from workbench.providers.offline.menus import fitting, menu, telling
from workbench.providers.offline.question import items, steering_topics
from workbench.providers.offline.reading import Conversation, same_query
from workbench.providers.offline.results import SPAWN, SUBMIT
from workbench.providers.offline.voice import Voice
from workbench.providers.offline.words import flat, spelled_out, terms

MOST_SEARCHES = 5
"""Of one phase."""
MOST_READS = 4
"""Passages that are read for the searches of one phase."""
MOST_CALLS = 9
"""Searches and reads of a plan, as far as possible, so that a run with one call a step still comes to an answer."""
MOST_STEERS = 3
MOST_SUBAGENTS = 3
MOST_ROLES = 5
"""Subagents of different roles that work on one question."""
READS_OF_ROUND = (2, 1, 1)
"""Passages that a subagent reads after each of its further searches."""

CONCLUDING = frozenset({"SYNTHESIZE", "SYNTHESISE", "SUMMARIZE", "SUMMARISE", "ANSWER", "CONCLUDE", "WRITE", "SUBMIT"})
_CLAUSE = re.compile(r"(?<=[.;:?!,])\s+|\s+(?:and|as well as)\s+")
_JOIN = re.compile(r"^(?:and|or|but|then|also)\s+", re.IGNORECASE)
_CHECKING = frozenset({"VERIFY", "CHECK", "CONFIRM"})


@dataclass(frozen=True, slots=True)
class Phase:
    """Searches that belong together, and how many passages are read of what they find."""

    queries: tuple[str, ...]
    reads: int


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that a subagent is to find out."""

    about: str
    task: str
    focus: str
    role: str = ""
    """Which kind of subagent; empty where there are no kinds."""


def first_phase(conversation: Conversation, given: Sequence[Errand]) -> Phase:
    """Return the searches to begin with: the plan's in its own words, or else the parts of the question.

    What is `given` to subagents is not searched here as well, unless they could not answer.
    """
    lines = [line for line in conversation.plan if line.action not in CONCLUDING]
    if not lines:
        queries = [] if given else [spelled_out(query) for query in conversation.question.queries]
    else:
        later = _CHECKING | ({"COMPARE"} if given else set())
        queries = [line.text for line in lines if line.action not in later]
        if not queries and not given:
            queries = [line.text for line in lines]
    queries.extend(_unanswered(conversation, given))
    if terms(conversation.focus).keys() - terms(" ".join([conversation.question.text, *queries])).keys():
        queries.append(spelled_out(conversation.focus))
    unique = tuple(dict.fromkeys(query for query in map(flat, queries) if query))[:MOST_SEARCHES]
    checks = sum(1 for line in lines if line.action in _CHECKING)
    room = MOST_CALLS - len(unique) - (2 * checks + 1 if checks else 0)
    return Phase(unique, max(2, min(MOST_READS, room, max(3, len(unique) + 1))))


def steer_phases(conversation: Conversation) -> Iterator[Phase]:
    """Yield a phase for each message that a person added on the way and that names a topic."""
    subject = next(iter(conversation.question.parts), "")
    for steer in conversation.steers:
        queries = []
        for topic in steering_topics(steer)[:MOST_STEERS]:
            is_apart = not terms(topic).keys() & terms(subject).keys()
            queries.append(f"{topic} {subject}" if subject and is_apart else topic)
        if queries:
            yield Phase(tuple(queries), len(queries) + 1)


def later_phases(conversation: Conversation, first: Sequence[Phase], searched: Sequence[str]) -> Iterator[Phase]:
    """Yield what is looked for after the first phases are read: claims to verify, and what the reading brought up.

    Each is to be taken only when the one before is done, because it may depend on what was read.
    """
    before = [query for phase in first for query in phase.queries]
    checks = [line.text for line in conversation.plan if line.action in _CHECKING]
    if checks := [check for check in checks if not same_query(check, before)]:
        yield Phase(tuple(checks), len(checks) + 1)
    if not conversation.is_subagent:
        return
    planned = [*before, *checks]
    planned.extend([other_words(query, conversation) for query in planned])
    further = [query for query in searched if not same_query(query, planned)]
    for number, reads in enumerate(READS_OF_ROUND):
        query = further[number] if number < len(further) else next_query(conversation, searched, number)
        if not query:
            return
        yield Phase((query,), reads)


def errands(conversation: Conversation, voice: Voice) -> list[Errand]:
    """Return what to give to subagents: each of the things that are to be compared, and what a role is good at."""
    pairs = _compared(conversation)[:MOST_SUBAGENTS]
    if not pairs:
        return role_errands(conversation)
    roles = roles_of(conversation)
    found = []
    for about, thing in pairs:
        others = [other for _, other in pairs if other != thing]
        focus = voice.compare_focus.format(thing=thing, others=voice.join(others)) if others else thing
        role = next(iter(fitting(roles, telling(conversation.question.text))), "")
        found.append(Errand(about, voice.compare_task.format(thing=about), focus, role or _any_role(conversation)))
    return found


def roles_of(conversation: Conversation) -> dict[str, str]:
    """Return the kinds of subagents that may be chosen, each with what it is good at."""
    tool = conversation.tool(SPAWN)
    return menu(tool, "role") if tool is not None else {}


def role_errands(conversation: Conversation) -> list[Errand]:
    """Return what to give to subagents because it is what their role is good at: to each its part of the question.

    Where spawning is all that can be done, every role gets the question.
    """
    roles, text = roles_of(conversation), flat(conversation.question.text)
    asked = telling(" ".join([text, *conversation.steers]))
    chosen = fitting(roles, asked)
    if not chosen and all(tool.name in (SPAWN, SUBMIT) for tool in conversation.tools):
        chosen = list(roles)
    chosen = chosen[:MOST_ROLES]
    words = {role: telling(f"{role} {roles[role]}") for role in chosen}
    clauses = [clause for part in _CLAUSE.split(text) if (clause := _JOIN.sub("", part).strip())]
    common = [clause for clause in clauses if not any(telling(clause) & of for of in words.values())]
    found = []
    for role in chosen:
        own = [clause for clause in clauses if telling(clause) & words[role]]
        is_part = own and 0 < len(own) + len(common) < len(clauses)
        task = " ".join(clause for clause in clauses if clause in own or clause in common) if is_part else text
        found.append(Errand(task, task, " ".join(own) if is_part else text, role))
    return found


def _any_role(conversation: Conversation) -> str:
    """Return a role where one has to be given."""
    tool = conversation.tool(SPAWN)
    required = tool.input_schema.get("required") if tool is not None else None
    is_required = isinstance(required, list) and "role" in required
    return next(iter(roles_of(conversation)), "") if is_required else ""


def _compared(conversation: Conversation) -> list[tuple[str, str]]:
    """Return what is compared, with the thing that sets each apart from the others."""
    question = conversation.question
    if not conversation.plan:
        return [(f"{question.subject} with {thing}" if question.subject else thing, thing) for thing in question.things]
    compared = [line.text for line in conversation.plan if line.action == "COMPARE"]
    if len(compared) > 1:
        return [(text, _thing_in(text, question.things)) for text in compared]
    searched = terms(" ".join(line.text for line in conversation.plan if line.action == "SEARCH")).keys()
    things = [thing for text in compared for thing in items(text) if not terms(thing).keys() <= searched]
    return [(thing, thing) for thing in things] if len(things) > 1 else []


def _thing_in(text: str, things: Sequence[str]) -> str:
    said = terms(text).keys()
    named = [thing for thing in things if terms(thing).keys() <= said]
    return named[0] if named else (items(text) or (text,))[-1]


def _unanswered(conversation: Conversation, given: Sequence[Errand]) -> list[str]:
    """Return what subagents were asked and could not answer; it is looked up without them."""
    failed = [call.text_of("task") for call in conversation.of(SPAWN) if call.is_error]
    return [errand.about for errand in given if same_query(errand.task, failed)]
