"""What is known when an answer with fields of its own has to be filled: named values, sentences, sources, the question.

Everything comes from the results of tools, from what they were asked, and from the question; nothing is made up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from workbench.providers.offline.answer import Answer, write
from workbench.providers.offline.choosing import asked_terms
from workbench.providers.offline.failures import is_made_up_for
from workbench.providers.offline.menus import name_words
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import NOTE, READ_SKILL, SUBMIT, SWITCH, Call
from workbench.providers.offline.sentences import MOST_CHARACTERS, is_inert
from workbench.providers.offline.voice import Voice
from workbench.providers.offline.words import flat, stems, terms

MOST_PAIRS = 400
"""Named values that are looked at."""
LONGEST_VALUE = 2_000
LONGEST_LABEL = 60

_LINE = re.compile(
    r"^[ \t]*(?:[-*•]\s+)?[\"'`]?([A-Za-z][\w /()-]{0,50}?)[\"'`]?[ \t]*[:=][ \t]+(\S.{0,2000})$", re.MULTILINE
)
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|nobody|neither|nor|cannot|without|false|fail(?:s|ed|ing|ure)?|den(?:y|ies|ied)|"
    r"unable|missing|\w+n['’]t)\b|[不没未无否]",
    re.IGNORECASE,
)
_YES = re.compile(r"\s*(?:yes|true|on|ok|okay|passed|success\w*|是|对)\b\W*", re.IGNORECASE)
_NO = re.compile(r"\s*(?:no|false|off|none|0|failed|failure|error|否)\b\W*", re.IGNORECASE)
_PIECE = re.compile(r"(?<=[.!?。！？])\s+|\n+")
NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w*[.\d]\d)")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of a result, and what it is cited as."""

    text: str
    source: str
    quote: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to fill fields with; `of_each` narrows it to one result."""

    text: str
    """The answer in words."""
    question: str
    topics: tuple[str, ...]
    label: str
    """What it is about, in few words."""
    pairs: tuple[tuple[str, JsonValue], ...]
    """Named values: those of results first, then those of inputs."""
    said: tuple[Said, ...]
    """Sentences, the best first."""
    citations: tuple[tuple[str, str], ...]
    """Sources with the words relied on."""
    calls: tuple[Call, ...] = ()
    is_error: bool = False
    """It is about one call, and that failed."""
    share: float = 0.0
    """How much of what was asked for gave something, from 0 to 1."""
    unknown: list[str] = field(default_factory=list)
    """Names of the fields that nothing is known of, as they are filled."""

    def of_each(self) -> list[Facts]:
        """Return what is known from each call, call by call."""
        return [self._of_call(call) for call in self.calls]

    def of_value(self, value: dict[str, JsonValue]) -> Facts:
        """Return what one object of a result says."""
        pairs = tuple(_pairs(value))
        said = flat(", ".join(f"{name}: {json.dumps(item, ensure_ascii=False)}" for name, item in pairs))[
            :LONGEST_VALUE
        ]
        return replace(self, text=said, pairs=pairs, said=(Said(said, self.label, said),), calls=())

    def about(self, words: frozenset[str]) -> list[Said]:
        """Return the sentences that have words in common with `words`, the best first."""
        scored = [(len(words & terms(item.text).keys()), -at, item) for at, item in enumerate(self.said)]
        return [item for score, _, item in sorted(scored, key=lambda one: one[:2], reverse=True) if score]

    def value(self, name: str) -> JsonValue:
        """Return the value that stands under this name, or nearly under it; None where there is none."""
        words = stems(name_words(name))
        near: JsonValue = None
        for key, value in self.pairs:
            own = stems(name_words(key))
            if own == words:
                return value
            if (
                near is None
                and own
                and words
                and (own < words or words < own)
                and terms(key).keys() & terms(name).keys()
            ):
                near = value
        return near

    def _of_call(self, call: Call) -> Facts:
        text = flat(call.result or "")[:LONGEST_VALUE]
        said = tuple(_said(call))
        sources = [source.name for source in call.sources] or [call.tool]
        first = " ".join(item.text for item in said) or text
        return replace(
            self,
            text=first,
            label=name_words(call.tool)[:LONGEST_LABEL],
            pairs=(("tool", call.tool), *_of_result(call), *_pairs(dict(call.input))),
            said=said,
            citations=tuple(
                (source, next((item.quote for item in said if item.source == source), "")) for source in sources
            ),
            calls=(),
            is_error=call.is_error,
            share=0.0 if call.is_error else 1.0,
        )


def facts_of(conversation: Conversation, voice: Voice, *, max_tokens: int) -> Facts:
    """Return what is known from a whole conversation."""
    answer = write(conversation, voice, max_tokens=max_tokens)
    calls = [
        call
        for at, call in enumerate(conversation.calls)
        if call.tool not in (SUBMIT, NOTE, READ_SKILL, SWITCH)
        and call.has_run
        and call.result is not None
        and not (call.is_error and is_made_up_for(call, conversation.calls[at + 1 :]))
    ]
    good = [call for call in calls if not call.is_error]
    question = conversation.question
    return Facts(
        text=answer.text,
        question=question.text,
        topics=question.things or question.parts,
        label=(voice.join(question.parts) or flat(question.text))[:LONGEST_LABEL],
        pairs=tuple(_every_pair(good))[:MOST_PAIRS],
        said=tuple(_sentences(good, answer, asked_terms(conversation))),
        citations=tuple(_cited(answer)),
        calls=tuple(calls),
        share=round(len(good) / len(calls), 2) if calls and answer.citations else 0.0,
    )


def yes_or_no(text: str) -> bool:
    """Whether a text affirms what it speaks of."""
    if _YES.match(text):
        return True
    return not _NO.match(text) and not _NEGATION.search(text)


def number_in(text: str, words: frozenset[str] = frozenset()) -> float | None:
    """Return the number in a text that stands nearest to one of `words`, or the first; None where there is none."""
    found = list(NUMBER.finditer(text))
    if not found:
        return None
    places = [match.start() for match in re.finditer(r"\w+", text) if stems(match[0]) & words]

    def away(match: re.Match[str]) -> int:
        return min((abs(match.start() - place) for place in places), default=match.start())

    said = min(found, key=away)[0].replace(",", "").replace("−", "-")
    return float(said) if "." in said or "e" in said.lower() else int(said[:18])


def _every_pair(calls: Sequence[Call]) -> Iterator[tuple[str, JsonValue]]:
    for call in calls:
        yield from _of_result(call)
    for call in calls:
        yield from _pairs(dict(call.input))


def _of_result(call: Call) -> Iterator[tuple[str, JsonValue]]:
    """Yield the named values of a result: of JSON, or of lines such as `name: value`."""
    text = call.result or ""
    if text[:1] in ("{", "["):
        try:
            yield from _pairs(json.loads(text))
        except (ValueError, RecursionError):
            pass
        else:
            return
    for match in _LINE.finditer(text):
        if is_inert(match[2]):
            yield match[1], match[2].strip()


def _pairs(value: JsonValue, depth: int = 0) -> Iterator[tuple[str, JsonValue]]:
    """Yield what an object says, the outer names first."""
    if isinstance(value, list):
        for item in value[:MOST_PAIRS]:
            yield from _pairs(item, depth + 1) if depth < 4 else ()
    elif isinstance(value, dict):
        yield from value.items()
        for inner in value.values():
            if isinstance(inner, dict | list) and depth < 4:
                yield from _pairs(inner, depth + 1)


def _sentences(calls: Sequence[Call], answer: Answer, asked: frozenset[str]) -> list[Said]:
    """Return all sentences of the results: those that are cited first, then those that fit the question best."""
    cited = {quote for _, quote in _cited(answer)}
    every = [item for call in calls for item in _said(call)]
    unique = list({item.text: item for item in every}.values())
    return sorted(unique, key=lambda item: (item.quote not in cited, -len(asked & terms(item.text).keys())))


def _said(call: Call) -> Iterator[Said]:
    """Yield the sentences of a result, and after them the pieces of it that are none."""
    text = call.result or ""
    whole = [Said(item.text, source.name, item.quote) for source in call.sources for item in source.sentences]
    yield from whole
    known = [item.quote for item in whole]
    name = next((source.name for source in call.sources), call.tool)
    for piece in _PIECE.split(text[:MOST_CHARACTERS])[:MOST_PAIRS]:
        bare = piece.strip()
        is_new = not any(bare in quote or quote in bare for quote in known)
        if bare and is_new and len(bare) <= LONGEST_VALUE and is_inert(bare):
            yield Said(flat(bare), name, bare)


def _cited(answer: Answer) -> Iterator[tuple[str, str]]:
    for citation in answer.citations:
        if isinstance(citation, dict):
            yield str(citation.get("source", "")), str(citation.get("quote", ""))
