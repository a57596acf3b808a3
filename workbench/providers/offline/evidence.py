"""Chooses what to quote: which sentences of which sources bear on the question.

Rarity decides: a word of the question that stands in few of the sentences at hand says more than one that stands in
all. Every source that was read, and every text that a person wrote, is heard at least once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.providers.offline.question import topic_terms
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import SEARCH, Call, Source, SourceKind
from workbench.providers.offline.sentences import Sentence
from workbench.providers.offline.words import WORD, flat, is_cjk, terms

KIND_WEIGHT: dict[SourceKind, float] = {"passage": 1.0, "report": 1.0, "free": 1.2, "excerpt": 0.3}
HEARD: dict[SourceKind, int] = {"passage": 1, "report": 4, "free": 1, "excerpt": 0}
"""How many sentences of a source are chosen at least."""
LIKE_THE_BEST = 0.42
"""Share of the best score on its topic from which a sentence is chosen beyond that."""
BESIDE_THE_POINT = 0.8
"""The same for a sentence that is about no topic, where there are others."""
LEAST = 0.2
"""Share of the best score of all below which no sentence is chosen for its topic."""
ASKED_WEIGHT = 1.6
"""How much a word counts that says what one fact is asked for: `port` in "Which port does it use?"."""
CONTEXT_WEIGHT = 0.3
"""How much a word counts that is borrowed from the question before."""
QUESTION_WEIGHT = 0.7
"""How much a word of the question counts that belongs to no topic."""
DEFINITION = 140
"""Characters in which a sentence says what something is."""
CURT = 65
"""Characters below which a sentence seldom says enough to stand in an answer."""
OF_TOPIC = 6
"""Sentences of one topic that are looked at."""
BESIDE_WEIGHT = 0.4
"""How much the rarest word of the question that belongs to no topic counts beside a whole topic."""
UNKNOWN_WEIGHT = 0.3
"""How much a topic counts of which nothing says more than half."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Something the answer should speak of."""

    heading: str
    weight: float = 1.0
    is_common: bool = False
    """It is what compared things have in common, and sets none of them apart."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A source, and whether it came up for the question that is asked now."""

    source: Source
    is_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence that was weighed."""

    sentence: Sentence
    source: Source
    order: int
    """Number of its source."""
    score: float
    topic: int
    """The topic that it is most about; -1 where it is about none."""
    covers: frozenset[int]
    """All topics that its own words are about."""
    is_about: bool = True
    """It is about a topic, by its own words or by the line above it."""
    defines: bool = False
    """It says what a topic is."""
    least: int = 0
    """How many sentences of its source are to be chosen."""

    @property
    def name(self) -> str:
        """What a citation names."""
        return self.sentence.mark or self.source.name


def gather(conversation: Conversation) -> list[Evidence]:
    """Return everything there is to quote from, each text once: what was read, then what searches showed."""
    found = [Evidence(source) for call in conversation.calls for source in call.sources]
    found += [Evidence(source) for source in conversation.kept]
    found += [Evidence(source, is_earlier=True) for call in conversation.earlier_calls for source in call.sources]
    found.sort(key=lambda item: item.source.kind == "excerpt")
    bodies: dict[str, str] = {}
    for item in found:
        if item.source.kind == "passage":
            bodies[item.source.name] = f"{bodies.get(item.source.name, '')}\n{item.source.body}"
    kept: dict[tuple[str, tuple[str, ...]], Evidence] = {}
    for item in found:
        if (source := _beside(item.source, bodies)).sentences:
            key = source.name, tuple(sentence.text for sentence in source.sentences)
            kept.setdefault(key, replace(item, source=source))
    return list(kept.values())


def _beside(source: Source, bodies: dict[str, str]) -> Source:
    """Return an excerpt of a passage that was read as free text of what the passage itself does not say."""
    if source.kind != "excerpt" or source.name not in bodies:
        return source
    new = tuple(item for item in source.sentences if flat(item.quote) not in bodies[source.name])
    return replace(source, kind="free", sentences=new)


class Weighing:
    """Scores sentences against the topics of one question."""

    def __init__(self, conversation: Conversation, topics: Sequence[Topic], found: Sequence[Evidence]) -> None:
        question = conversation.question
        self._topics = [topic_terms(topic.heading) for topic in topics]
        self._common = frozenset(at for at, topic in enumerate(topics) if topic.is_common)
        self._wanted = dict.fromkeys(terms(question.context), CONTEXT_WEIGHT)
        self._wanted.update(dict.fromkeys(terms(" ".join([question.text, *question.queries])), QUESTION_WEIGHT))
        for topic, own in zip(topics, self._topics, strict=True):
            for term in own:
                self._wanted[term] = max(self._wanted.get(term, 0.0), topic.weight)
        self._asks_for_fact = question.is_simple
        for term in terms(question.parts[0]) if question.is_simple and question.parts else ():
            self._wanted[term] = ASKED_WEIGHT
        self._shown = _excerpts(conversation.calls)
        self._around = [terms(f"{item.source.title}\n{item.source.body}") for item in found]
        said = [terms(sentence.text) for item in found for sentence in item.source.sentences]
        self._rarity = {
            term: math.log(1 + len(said) / (1 + sum(1 for words in said if term in words))) for term in self._wanted
        }
        labels = {sentence.label: None for item in found for sentence in item.source.sentences}
        texts = [*said, *(terms(text) for text in (*labels, *(item.source.title for item in found)))]
        self.known = frozenset(at for words in texts for at in self._covered(words))
        """The topics that anything at all is said about."""
        in_topics = {term for topic in self._topics for term in topic}
        most = max(self._rarity.values(), default=1.0) or 1.0
        self._beside = {
            term: BESIDE_WEIGHT * weight * self._rarity[term] / most
            for term, weight in self._wanted.items()
            if term not in in_topics
        }
        self._weights = [
            topic.weight if at in self.known or not self.known else UNKNOWN_WEIGHT for at, topic in enumerate(topics)
        ]

    def weigh(self, found: Sequence[Evidence]) -> list[Quote]:
        """Return all sentences with their scores, in order."""
        return [
            self._weigh(sentence, item, order) for order, item in enumerate(found) for sentence in item.source.sentences
        ]

    def _weigh(self, sentence: Sentence, item: Evidence, order: int) -> Quote:
        source = item.source
        said, labelled = terms(sentence.text), terms(sentence.label)
        around = self._around[order]
        nearness = {
            term: 1.0 if term in said else 0.6 if term in labelled else 0.2 for term in {*said, *labelled, *around}
        }
        score = sum(self._share(at, nearness) for at in range(len(self._topics)))
        score += sum(weight * nearness.get(term, 0.0) for term, weight in self._beside.items())
        covers = self._covered(said)
        about = covers or self._covered(said.keys() | labelled.keys())
        score *= KIND_WEIGHT[source.kind] * _bearing(sentence) * (1.0 + 0.3 * max(0, len(covers) - 1))
        if defines := self._defines(sentence):
            score *= 1.4
        if self._asks_for_fact and any(character.isdigit() for character in sentence.text):
            score *= 1.3
        if not said.keys() & self._wanted.keys():
            score *= 0.3
        if is_surprising := self._is_surprising(sentence, source):
            score *= 1.5
        least = 0 if item.is_earlier else HEARD[source.kind]
        return Quote(
            sentence=sentence,
            source=source,
            order=order,
            score=score,
            topic=self._main_topic(about, said.keys() | labelled.keys(), source),
            covers=covers,
            is_about=bool(about),
            defines=defines,
            least=max(least, 2) if is_surprising else least,
        )

    def _share(self, at: int, nearness: Mapping[str, float]) -> float:
        """Return how much of a topic is said, each word by its rarity, times what the topic counts."""
        topic = self._topics[at]
        whole = sum(self._rarity[term] * self._wanted[term] for term in topic) or 1.0
        said = sum(self._rarity[term] * self._wanted[term] * nearness.get(term, 0.0) for term in topic)
        return self._weights[at] * said / whole

    def _covered(self, said: Collection[str]) -> frozenset[int]:
        """Return the topics of which more than half is said, by the weight of the words."""
        covered = set()
        for at, topic in enumerate(self._topics):
            whole = sum(self._rarity[term] * self._wanted[term] for term in topic)
            if sum(self._rarity[term] * self._wanted[term] for term in topic if term in said) > whole / 2:
                covered.add(at)
        return frozenset(covered)

    def _main_topic(self, about: frozenset[int], said: Collection[str], source: Source) -> int:
        """Return the topic that a sentence says most about; one about none belongs where its source was looked for."""
        asked = terms(f"{source.about} {source.title}").keys()
        if source.kind == "report":
            own = about - self._common
            if len(own) != 1:
                own = (self._covered(asked) - self._common) & self.known or self._common
            return self._strongest(own, {*said, *asked})
        if about:
            return self._strongest(about, said)
        nearest = self._strongest(self.known, said)
        return nearest if nearest >= 0 else self._strongest(self.known, asked)

    def _strongest(self, among: Collection[int], words: Collection[str]) -> int:
        """Return the topic whose words have most weight among `words`; -1 where none of them is there."""
        strength = {at: sum(self._rarity[term] for term in self._topics[at] if term in words) for at in sorted(among)}
        best = max(strength, key=lambda at: strength[at], default=-1)
        return best if strength.get(best) else -1

    def _defines(self, sentence: Sentence) -> bool:
        """Whether a sentence says what one of the topics is."""
        head = sentence.text[:DEFINITION].casefold()
        subject = re.split(r" is | are ", head, maxsplit=1)[0]
        name = head.partition(" is called ")[2]
        return any(
            topic and (terms(subject).keys() == topic.keys() or (name and topic.keys() <= terms(name).keys()))
            for topic in self._topics
        )

    def _is_surprising(self, sentence: Sentence, source: Source) -> bool:
        """Whether a passage begins to read otherwise here than a search had shown: somebody changed one of the two."""
        shown = self._shown.get(source.name, "") if source.kind == "passage" else ""
        if not shown or source.body.startswith(shown):
            return False
        quote = flat(sentence.quote)
        start = source.body.find(quote)
        return source.body[:start] == shown[:start] and not shown.startswith(quote, start)


def _bearing(sentence: Sentence) -> float:
    """Return how well a sentence stands in an answer, whatever it is about."""
    length = len(sentence.text)
    share = (0.75 if length < CURT and not is_cjk(sentence.text) else 1.0) / (1 + length / 900)
    if sentence.is_dependent or sentence.text.endswith(("?", "？")):
        share *= 0.6
    if sentence.is_pointer:
        share *= 0.35
    return share * 0.5 if sentence.is_loose else share


def _excerpts(calls: Iterable[Call]) -> dict[str, str]:
    """Return what searches showed of each passage."""
    shown: dict[str, str] = {}
    for call in calls:
        if call.tool == SEARCH:
            for hit in call.hits:
                if hit.excerpt:
                    shown.setdefault(hit.name, flat(hit.excerpt).rstrip("…"))
    return shown


def choose(weighed: Sequence[Quote], *, most: int, like: float = LIKE_THE_BEST) -> list[Quote]:
    """Return the sentences to quote, best first, no two alike: some of each source, then the best of each topic."""
    ranked = sorted(weighed, key=lambda quote: (-quote.score, quote.order, quote.sentence.position))
    chosen: list[Quote] = []
    heard: dict[int, int] = {}
    for quote in ranked:
        count = heard.get(quote.order, 0)
        is_heard = count < quote.least and (quote.score > 0 or (count == 0 and quote.source.kind != "passage"))
        if is_heard and is_new(quote, chosen):
            chosen.append(quote)
            heard[quote.order] = count + 1
    for quote in _in_turns(ranked, like):
        if len(chosen) >= most:
            break
        if is_new(quote, chosen):
            chosen.append(quote)
    return sorted(chosen, key=lambda quote: (-quote.score, quote.order, quote.sentence.position))


def par(ranked: Sequence[Quote]) -> float:
    """Return the score that others are measured by: the best of what is about one topic at most.

    A sentence about all topics at once is far above the rest, and the rest is worth no less for that.
    """
    scores = [quote.score for quote in ranked if len(quote.covers) < 2]
    return max(scores or [quote.score for quote in ranked], default=0.0)


def _in_turns(ranked: Sequence[Quote], like: float) -> list[Quote]:
    """Return the good sentences of each topic, the best of all topics before the second best of any."""
    topics: dict[int, list[Quote]] = {}
    best_of_all = par(ranked)
    for quote in ranked:
        own = topics.setdefault(quote.topic, [])
        best = (own or [quote])[0]
        share = max(like, BESIDE_THE_POINT) if best.is_about and not quote.is_about else like
        if quote.score > 0 and quote.score >= max(share * min(best.score, best_of_all), LEAST * best_of_all):
            own.append(quote)
    return [quote for rank in range(OF_TOPIC) for own in topics.values() for quote in own[rank : rank + 1]]


def is_new(quote: Quote, chosen: Sequence[Quote]) -> bool:
    """Whether a sentence says something that the chosen ones do not."""
    text = quote.sentence.text
    return not any(_overlap(quote, other) or alike(text, other.sentence.text) for other in chosen)


def _overlap(one: Quote, other: Quote) -> bool:
    if one.order != other.order:
        return False
    first, second = sorted((one.sentence, other.sentence), key=lambda sentence: sentence.position)
    return second.position < first.position + len(first.quote)


def alike(one: str, other: str) -> bool:
    """Whether two sentences say the same: in the same words, or one with more around it.

    A word more or less, a number or a "not", may be what a person changed.
    """
    left, right = ([word.casefold() for word in WORD.findall(text)] for text in (one, other))
    return left == right or one in other or other in one
