"""Writes the answer: quoted sentences in readable paragraphs, each with the passage it stands in, and what is missing.

It decides wording and order only; what deserves to be quoted is decided in `evidence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from workbench.providers.offline.agenda import CONCLUDING
from workbench.providers.offline.evidence import LIKE_THE_BEST, Quote, Topic, Weighing, choose, gather, is_new, par
from workbench.providers.offline.failures import is_made_up_for, stand_in
from workbench.providers.offline.question import is_brief, steering_topics, topic_terms
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import OWN, SEARCH, SUBMIT, Call
from workbench.providers.offline.sentences import clean, is_inert
from workbench.providers.offline.voice import Voice
from workbench.providers.offline.words import terms

CHARACTERS_PER_TOKEN = 4
STEER_WEIGHT = 1.6
"""How much more a word counts that a person added on the way."""
MOST = 11
MOST_OF_SUMMARY = 14
"""Sentences of an answer, and of a subagent's summary."""
LIKE_THE_BEST_FACT = 0.6
"""Share of the best score from which a sentence is chosen where one fact is asked for."""
BRIEF = 2
"""Sentences of a short answer."""
MOST_BRIDGES = 3
"""Sentences that connect topics, at the head of an answer."""
STRONG = 0.7
"""Share of the best score from which such a sentence leads."""
SUBJECT = 60
"""Characters in which a sentence names what it is about."""
MOST_FAILURES = 3
WORTH_SAYING = 0.35
"""Share of the best score from which a quote is said, not only cited."""
SHORT_SENTENCES, SHORT_RESULT = 6, 600
"""Sentences and characters up to which all is repeated that a tool of somebody's own said."""
LONGEST_REASON = 120
"""Characters that are repeated of an error."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with what it rests on."""

    text: str
    citations: list[JsonValue] = field(default_factory=list)
    sources: int = 0
    """How many sources it quotes."""


def topics_of(conversation: Conversation) -> list[Topic]:
    """Return what the answer should speak of, in order: the plan's topics, or the question's, and what was added."""
    question = conversation.question
    named = [" ".join(question.parts)] if question.is_simple else list(question.things or question.parts)
    planned = [line.text for line in conversation.plan if line.action not in CONCLUDING]
    if question.things:
        own = [*named, *(line.text for line in conversation.plan if line.action == "SEARCH")]
    else:
        own = planned or [*named, question.aspect]
    weights = dict.fromkeys(own, 1.0)
    for steer in conversation.steers:
        weights.update(dict.fromkeys(steering_topics(steer), STEER_WEIGHT))
    topics = [Topic(heading, weight) for heading, weight in weights.items() if _is_of_its_own(heading, list(weights))]
    is_common = bool(question.things and terms(question.subject))
    return [Topic(question.subject, is_common=True), *topics] if is_common else topics


def _is_of_its_own(heading: str, headings: Sequence[str]) -> bool:
    """Whether a topic is more than others taken together."""
    own = topic_terms(heading)
    smaller = [topic_terms(other).keys() for other in headings if other != heading]
    others = [other for other in smaller if len(other) < len(own)]
    return bool(own) and not (others and own.keys() <= set().union(*others))


@dataclass(frozen=True, slots=True)
class Findings:
    """What there is to say."""

    quotes: list[Quote]
    """The sentences that bear on the question, best first."""
    known: frozenset[int]
    """The topics that anything is said about."""


def findings(conversation: Conversation, topics: Sequence[Topic], *, most: int) -> Findings:
    """Look through everything that came back."""
    found = gather(conversation)
    weighing = Weighing(conversation, topics, found)
    like = LIKE_THE_BEST_FACT if conversation.question.is_simple else LIKE_THE_BEST
    weighed = weighing.weigh(found)
    quotes = choose(weighed, most=most, like=like)
    if _is_without_documents(conversation):
        quotes += [quote for quote in weighed if _is_short(quote) and is_new(quote, quotes)]
    return Findings(quotes, weighing.known)


def _is_without_documents(conversation: Conversation) -> bool:
    """Whether what came back was not searched for, but asked of tools of somebody's own."""
    return conversation.tool(SEARCH) is None and not conversation.of(SEARCH)


def _is_short(quote: Quote) -> bool:
    """Whether a tool of somebody's own said so little, and just now, that all of it can be repeated."""
    of_source = quote.source.sentences
    is_little = len(of_source) <= SHORT_SENTENCES and sum(len(one.quote) for one in of_source) <= SHORT_RESULT
    return quote.source.kind == "free" and quote.least > 0 and is_little


def write(conversation: Conversation, voice: Voice, *, max_tokens: int) -> Answer:
    """Write the answer to the latest question out of everything that came back."""
    topics = topics_of(conversation)
    most = MOST_OF_SUMMARY if conversation.is_subagent else min(MOST, 1 + 3 * len(topics))
    there = findings(conversation, topics, most=most)
    chosen = _within(there.quotes, max_tokens)
    shown = [quote for quote in chosen if _is_worth_saying(quote, chosen)]
    if conversation.question.is_brief or any(is_brief(steer) for steer in conversation.steers):
        shown = shown[:BRIEF]
    silent = [topic.heading for at, topic in enumerate(topics) if at not in there.known and not topic.is_common]
    paragraphs = _by_source(shown, voice) if _is_without_documents(conversation) else _paragraphs(shown, topics, voice)
    text = "\n\n".join([*paragraphs, *_notes(conversation, silent, shown, voice)])
    citations: list[JsonValue] = [{"source": quote.name, "quote": quote.sentence.quote} for quote in _in_order(chosen)]
    return Answer(text, citations, len({quote.name for quote in shown}))


def _is_worth_saying(quote: Quote, chosen: Sequence[Quote]) -> bool:
    """Whether a quote is said and not only cited: it is near the best, or a person wrote it."""
    enough = WORTH_SAYING if quote.is_about or not any(other.is_about for other in chosen) else 2 * WORTH_SAYING
    return quote.source.kind in ("free", "report") or quote.score >= enough * par(chosen)


def _within(chosen: list[Quote], max_tokens: int) -> list[Quote]:
    """Keep as many quotes as fit: each stands in the answer and in a citation."""
    room = max_tokens * CHARACTERS_PER_TOKEN - 400
    kept: list[Quote] = []
    for quote in chosen:
        room -= 2 * len(quote.sentence.quote) + 2 * len(quote.name) + 40
        if room < 0 and kept:
            break
        kept.append(quote)
    return kept


def _in_order(quotes: Sequence[Quote]) -> list[Quote]:
    """Return quotes source by source, as they stand there; first the source that defines something, then the best."""
    best: dict[int, int] = {}
    for rank, quote in enumerate(sorted(quotes, key=lambda quote: not quote.defines)):
        best.setdefault(quote.order, rank)
    return sorted(quotes, key=lambda quote: (best[quote.order], quote.sentence.position))


def _paragraphs(shown: Sequence[Quote], topics: Sequence[Topic], voice: Voice) -> list[str]:
    """Group quotes: what connects the topics first, then each topic under its name, then the rest."""
    if len(topics) < 2:
        return [_prose(_in_order(shown), voice)] if shown else []
    bridges = [quote for quote in shown if _is_bridge(quote, shown)][:MOST_BRIDGES]
    rest = [quote for quote in shown if quote not in bridges]
    groups = [("", bridges)]
    groups += [(topic.heading, [quote for quote in rest if quote.topic == at]) for at, topic in enumerate(topics)]
    groups += [("", [quote for quote in rest if quote.topic < 0])]
    return [
        f"{_heading(heading)}\n{_prose(_in_order(own), voice)}" if heading else _prose(_in_order(own), voice)
        for heading, own in groups
        if own
    ]


def _by_source(shown: Sequence[Quote], voice: Voice) -> list[str]:
    """Group quotes by the result that they stand in, in the order in which the tools were asked."""
    orders = sorted({quote.order for quote in shown})
    own = [
        sorted((q for q in shown if q.order == order), key=lambda quote: quote.sentence.position) for order in orders
    ]
    return [_prose(quotes, voice) for quotes in own]


def _is_bridge(quote: Quote, shown: Sequence[Quote]) -> bool:
    is_strong = quote.score >= STRONG * par(shown)
    return len(quote.covers) > 1 and is_strong and quote.source.kind != "report"


def _heading(text: str) -> str:
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text


def _prose(quotes: Sequence[Quote], voice: Voice) -> str:
    """Join sentences; a mark stands after the last of those that come from one passage."""
    said = ""
    for at, quote in enumerate(quotes):
        is_elsewhere = at > 0 and quotes[at - 1].sentence.label != quote.sentence.label
        said += (" " if said.endswith("]") else voice.gap if said else "") + _labelled(quote, voice, is_elsewhere)
        if at + 1 == len(quotes) or quotes[at + 1].name != quote.name:
            said += f" [{quote.name}]"
    return said


def _labelled(quote: Quote, voice: Voice, is_elsewhere: bool) -> str:
    """Put the name of a setting before what is said of it, where the sentence does not name it.

    `is_elsewhere` says that the sentence before stands under another name.
    """
    sentence = quote.sentence
    needs_name = is_elsewhere or sentence.is_labelled or sentence.is_dependent or sentence.is_loose
    if not sentence.label or not needs_name or quote.source.kind not in ("passage", "excerpt"):
        return sentence.text
    is_named = sentence.label.casefold() in sentence.text[:SUBJECT].casefold()
    return sentence.text if is_named else f"{sentence.label}{voice.colon}{sentence.text}"


def _notes(conversation: Conversation, silent: Sequence[str], shown: Sequence[Quote], voice: Voice) -> list[str]:
    """Say what is missing: nothing found at all, a topic without a word, calls that failed."""
    notes: list[str] = []
    if not shown:
        notes.append(voice.nothing_found)
        if queries := [query for call in conversation.of(SEARCH) if (query := call.text_of("query"))]:
            notes.append(voice.searched_for.format(topics=voice.comma.join(dict.fromkeys(queries))))
    elif silent and not _is_without_documents(conversation):
        notes.append(voice.missing.format(topics=voice.join(silent)))
    if conversation.given:
        notes.append(voice.not_looked_at.format(names=voice.join(conversation.given)))
    return [*notes, *_failures(conversation, voice)]


def _failures(conversation: Conversation, voice: Voice) -> list[str]:
    """Say which calls failed, and where another tool answered in the place of one; what worked later is no failure."""
    said = []
    for at, call in enumerate(conversation.calls):
        later = conversation.calls[at + 1 :] if call.tool not in OWN else []
        if not call.is_error or call.result is None or call.tool == SUBMIT or is_made_up_for(call, later):
            continue
        name = f"{call.tool} {call.about}".strip()[:LONGEST_REASON]
        if (other := stand_in(call, later)) is not None:
            said.append(voice.replaced.format(call=name, reason=reason(call), other=other.tool))
        else:
            said.append(voice.failed.format(call=name, reason=reason(call)))
    return list(dict.fromkeys(said))[:MOST_FAILURES]


def reason(call: Call) -> str:
    """Return why a call failed, in its own first words."""
    line = next((line for line in (call.result or "").splitlines() if line.strip()), "")[:LONGEST_REASON]
    return clean(line).rstrip(" .") if is_inert(line) and line else "error"


def best_fact(conversation: Conversation) -> str:
    """Return the one sentence that answers best, for a note; empty where there is none."""
    quotes = findings(conversation, topics_of(conversation), most=1).quotes
    return f"{quotes[0].sentence.text} [{quotes[0].name}]" if quotes else ""
