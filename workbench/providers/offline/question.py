"""Takes a question apart: what it is about, what it compares, and whether one look-up is enough.

Pure functions of text, by rules of English; Chinese ones are in `chinese`. Nothing here knows requests or tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from workbench.providers.offline import chinese
from workbench.providers.offline.vocabulary import GENERIC, KEYWORD_NOUNS, KEYWORDS, STOP_WORDS, VERBS
from workbench.providers.offline.words import CONTRACTION, OTHER_CJK, WORD, flat, is_cjk, terms

MOST_PARTS = 4
"""Topics that one question is taken apart into, at most."""
MOST_THINGS = 3
"""Things that are compared at once, at most."""
MOST_CHARACTERS = 2_000
"""Of a question; what comes after is not looked at."""

_SIMPLE_START = re.compile(
    r"\s*(?:and |so )?(?:which|what|when|where|who|whose|how (?:many|much|long|old|big|large|far|often)|is|are|does|do|"
    r"can|define|name)\b",
    re.IGNORECASE,
)
_TIES = re.compile(
    r"\b(?:and|or|versus|vs|between|interact\w*|relat\w+|together|both|affects?|influences?|changes?|differ\w*|"
    r"compar\w+|happens?|each)\b",
    re.IGNORECASE,
)
_FOCUS = re.compile(
    r"[,;:]?\s*(?:focus(?:s?ed|s?ing)?\s+(?:mainly\s+|especially\s+|only\s+)?on|with\s+(?:a\s+|special\s+)?focus\s+on|"
    r"especially|particularly|in\s+particular|above\s+all)\s+(.+)$",
    re.IGNORECASE,
)
_SINCE = re.compile(r"[,;]?\s+(changes?\s+)?since\s+((?:version\s+)?[\w.]+)\s*$", re.IGNORECASE)
_COMPARISONS = (
    re.compile(r"\b(?:compare|contrast|comparison\s+(?:of|between))\s+(.+)", re.IGNORECASE),
    re.compile(r"\bdifferences?\s+(?:between|of|in|among)\s+(.+)", re.IGNORECASE),
    re.compile(
        r"\bhow\s+(?:do|does|did)\s+(.+?)\s+(?:differ|compare)\s*(?:from|with|to|against)?\b(.*)", re.IGNORECASE
    ),
    re.compile(r"(.+?)\s+(?:vs\.?|versus|compared\s+(?:with|to))\s+(.+)", re.IGNORECASE),
    re.compile(r"\b(?:which|what)\b[^,:]*[,:]\s*(.+\s+or\s+.+)", re.IGNORECASE),
)
_FOR = re.compile(
    r"\s+(?:for\s+use\s+(?:with|in)|when\s+used\s+(?:with|in)|in\s+terms\s+of|with\s+(?:respect|regard)\s+to|"
    r"regarding|concerning|for|when|while|under)\s+",
    re.IGNORECASE,
)
_ITEMS = re.compile(
    r"\s*[,;]\s*(?:and\s+|or\s+|with\s+)?|\s+(?:and|or|with|to|versus|vs\.?|against|from|as\s+well\s+as)\s+",
    re.IGNORECASE,
)
_LEAN = re.compile(
    r"^\s*(?:and|but|so|also|what about|how about|or)\b|\b(?:it|its|they|them|their|this|these|those)\b",
    re.IGNORECASE,
)
_STEERING = re.compile(
    r"\b(?:focus(?:ing)?(?: more| only)? on|also|look(?:ing)? (?:at|for|into|up)|concentrate on|search(?: for)?|"
    r"check(?: out)?|consider|include|cover|mention|add|instead|only|please|don['’]t forget|forget|stop|now|answer|"
    r"more|less|skip|ignore|find)\b",
    re.IGNORECASE,
)
_WHICH_IS_USED = re.compile(r"\s*(?:which|what)\s+.*\b(?:uses?|used|listens?|have|has)\b", re.IGNORECASE)
_BRIEF = re.compile(
    r"\b(?:briefly|(?:please )?be brief|keep it short|short answer|(?:in )?one (?:sentence|line)|in short)\b[:,]?"
    r"|简短(?:地)?|一句话",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"\b(?:remember|note(?:\s+down)?|write\s+down|take\s+a\s+note(?:\s+of)?|make\s+a\s+note(?:\s+of)?)\b"
    r"(?:\s+that|\s*:)?\s*(.*)|(?:记住|记下|记录|请记)[：:，,]?\s*(.*)",
    re.IGNORECASE,
)
_BASE_VERB = re.compile(rf"\b({'|'.join(sorted(verb for verb in VERBS if f'{verb}s' in VERBS))})\b")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart."""

    text: str
    parts: tuple[str, ...] = ()
    """What it is about, as searchable phrases in the order asked."""
    things: tuple[str, ...] = ()
    """What it wants compared: two or more, or nothing."""
    subject: str = ""
    """What the compared things are compared for, or what they have in common."""
    aspect: str = ""
    """What to look at above all: `changes since version 14`."""
    context: str = ""
    """A topic of the question before, where this one leans on it."""
    is_chinese: bool = False
    is_simple: bool = False
    """One look-up is enough."""
    is_brief: bool = False
    """The person wants few words."""
    note: str | None = None
    """What is to be written down; empty where that is the answer itself, None where nothing is."""

    @property
    def queries(self) -> tuple[str, ...]:
        """What to search for where no plan says it: each part, and what connects them."""
        if self.context:
            return tuple(f"{part} {self.context}" for part in self.parts)
        if self.is_simple:
            default = "default " if _WHICH_IS_USED.match(self.text) else ""
            return (default + " ".join(self.parts),) if self.parts else ()
        if self.aspect:
            return (*self.parts, " ".join([self.aspect, *self.parts[:1]]))
        if not self.things and 1 < len(self.parts) < MOST_PARTS:
            return (*self.parts, " ".join(self.parts))
        return self.parts


def analyse(text: str, context: Question | None = None) -> Question:
    """Take a question apart; one that leans on an earlier one ("and what about it?") borrows its topics."""
    text = flat(text[:MOST_CHARACTERS])
    asked, note = _without_note(text)
    asked = _BRIEF.sub(" ", asked)
    question = _analyse_chinese(asked) if is_cjk(asked) else _analyse_english(asked)
    parts, borrowed, is_simple = question.parts, "", question.is_simple
    if context is not None and not parts:
        parts = context.parts
    elif context is not None and _leans(asked):
        borrowed = _borrowed(parts, context)
        is_simple = is_simple and not borrowed
    is_short = is_brief(text)
    return replace(
        question, text=text, parts=parts, context=borrowed, is_simple=is_simple, is_brief=is_short, note=note
    )


def topic_terms(topic: str) -> dict[str, int]:
    """Return the meaningful words of a topic; of a Chinese one without what connects its parts."""
    return terms(" ".join(chinese.parts(topic)) or topic) if is_cjk(topic) else terms(topic)


def steering_topics(text: str) -> tuple[str, ...]:
    """Return what a message in the middle of a run asks to look at; nothing where it names no topic."""
    text = flat(text[:MOST_CHARACTERS])
    if is_cjk(text):
        return tuple(chinese.parts(text)[:MOST_PARTS])
    return tuple(_parts(_BRIEF.sub(" ", _STEERING.sub(" , ", text))))


def is_brief(text: str) -> bool:
    """Whether a message asks for few words."""
    return _BRIEF.search(text) is not None


def items(text: str) -> tuple[str, ...]:
    """Split what a comparison names into things: `A with B`, `A, B and C`."""
    if is_cjk(text):
        return tuple(chinese.parts(text)[:MOST_THINGS])
    found = [trimmed for item in _ITEMS.split(text) if (trimmed := trim(item))]
    if len(found) == 2 and _shares_head(found[0], found[1]):
        found[0] = f"{found[0]} {found[1].split()[-1]}"
    return tuple(dict.fromkeys(found))[:MOST_THINGS]


def trim(text: str) -> str:
    """Return a phrase without the stop words at its ends."""
    words = list(WORD.finditer(text))
    while words and words[0][0].casefold() in STOP_WORDS:
        words.pop(0)
    while words and words[-1][0].casefold() in STOP_WORDS:
        words.pop()
    return text[words[0].start() : words[-1].end()] if words else ""


def as_statement(text: str) -> str:
    """Return a question as the name of its answer: `how A interact with B`."""
    text = flat(text).rstrip("?？.。! ")
    if asked := re.match(r"(how|why|when|where)\s+(do|does|did)\s+(.+)", text, re.IGNORECASE):
        rest = re.sub(_BASE_VERB, r"\1s", asked[3], count=1) if asked[2].lower() == "does" else asked[3]
        return f"{asked[1].lower()} {rest}"
    head, _, rest = text.partition(" ")
    return f"{head.lower()} {rest}".strip() if head.istitle() and head.casefold() in STOP_WORDS | VERBS else text


def _without_note(text: str) -> tuple[str, str | None]:
    """Return what is asked, and what is to be noted."""
    found = _NOTE.search(text)
    if found is None:
        return text, None
    sentences = _SENTENCE.split(text)
    kept = [sentence for sentence in sentences if not _NOTE.search(sentence)]
    to_note = next(match for sentence in sentences if (match := _NOTE.search(sentence)))
    fact = (to_note[1] or to_note[2] or "").strip()
    is_fact = len(terms(fact)) >= 2
    asked = " ".join(kept) or (fact if is_fact else _NOTE.sub(lambda match: match[1] or match[2] or "", text))
    return asked or text, fact if is_fact and kept else ("" if not is_fact else fact)


def _leans(text: str) -> bool:
    return bool(chinese.LEANS.search(text) if is_cjk(text) else _LEAN.search(text))


def _borrowed(parts: tuple[str, ...], context: Question) -> str:
    """Return the first topic of the question before that this one does not name itself."""
    known = {term for part in parts for term in terms(part)}
    topics = (*context.parts, *([context.context] if context.context else []))
    return next((topic for topic in topics if not known & terms(topic).keys()), "")


def _analyse_english(text: str) -> Question:
    body, aspect = _without_focus(text.rstrip("?.! "))
    things, subject = _compared(body)
    if things:
        parts = [f"{thing} {subject}".strip() if subject else thing for thing in things]
        return Question(text, tuple(parts), things, subject, aspect)
    parts = _parts(body) or _keywords(body)
    if _is_comparison(body) and len(parts) == 1:
        parts = [parts[0], f"differences between {parts[0]}"]
    return Question(text, tuple(parts), aspect=aspect, is_simple=not aspect and _is_simple(text, parts))


def _without_focus(text: str) -> tuple[str, str]:
    if (found := _FOCUS.search(text)) and found.start() > 0:
        return text[: found.start()], trim(found[1])
    if (found := _SINCE.search(text)) and found.start() > 0:
        return text[: found.start()], f"changes since {found[2]}"
    return text, ""


def _is_comparison(text: str) -> bool:
    return any(pattern.search(text) for pattern in _COMPARISONS)


def _compared(text: str) -> tuple[tuple[str, ...], str]:
    """Return the things a question compares and what they are compared for; nothing where there are not two."""
    for pattern in _COMPARISONS:
        if not (found := pattern.search(text)):
            continue
        body = " and ".join(group for group in found.groups() if group and group.strip())
        named, *rest = _FOR.split(body, maxsplit=1)
        things, subjects = items(named), items(rest[0]) if rest else ()
        if len(things) > 1:
            return things, trim(rest[0]) if rest else ""
        if len(subjects) > 1:
            return subjects, things[0] if things else ""
    return (), ""


def _shares_head(one: str, other: str) -> bool:
    """Whether `session` in `session and transaction pooling` stands for `session pooling`."""
    return len(one.split()) == 1 and len(other.split()) > 1 and one.islower() and not one.endswith("s")


def _is_simple(text: str, parts: list[str]) -> bool:
    if len(parts) <= 1 and not _is_comparison(text):
        return True
    words = sum(len(part.split()) for part in parts)
    return bool(_SIMPLE_START.match(text)) and words <= 5 and not _TIES.search(text)


def _parts(text: str) -> list[str]:
    """Return the noun phrases of a sentence, roughly: what stands between its stop words and its verbs."""
    spoken = (" ".join(words) for words in _phrases(text))
    found = [phrase for phrase in spoken if terms(phrase)]
    unique = list({tuple(terms(phrase)): phrase for phrase in reversed(found)}.values())[::-1]
    meant = [phrase for phrase in unique if phrase.casefold() not in GENERIC]
    return (meant or unique)[:MOST_PARTS]


def _keywords(text: str) -> list[str]:
    """Return the words of programming languages that a question without other topics names."""
    named = [match[0] for match in list(WORD.finditer(text))[1:] if match[0].casefold() in KEYWORDS]
    return [f"{word} statement" for word in dict.fromkeys(named)][:MOST_PARTS]


def _phrases(text: str) -> Iterator[list[str]]:
    words = list(WORD.finditer(text))
    phrase: list[str] = []
    for at, match in enumerate(words):
        before = text[words[at - 1].end() : match.start()] if at else ""
        if phrase and before.strip(" \t") not in ("", "/", "`"):
            yield phrase
            phrase = []
        after = words[at + 1][0] if at + 1 < len(words) else ""
        if _is_topic(match[0], words[at - 1][0] if at else "", after, before):
            phrase.append(match[0])
        elif not (phrase and match[0].casefold() in ("of", "in") and _is_topic(after, match[0], "", "")):
            if phrase:
                yield phrase
            phrase = []
        else:
            phrase.append(match[0])
    if phrase:
        yield phrase


def _is_topic(word: str, previous: str, following: str, before: str) -> bool:
    lower = CONTRACTION.sub("", word.casefold())
    if not lower:
        return False
    if before.endswith(("`", '"', "“", "'")):
        return True
    if lower in KEYWORDS and following.casefold() in KEYWORD_NOUNS and previous.casefold() not in VERBS:
        return True
    return lower not in STOP_WORDS and lower not in VERBS


def _analyse_chinese(text: str) -> Question:
    parts, things = chinese.parts(text), tuple(chinese.compared(text)[:MOST_THINGS])
    is_chinese = not OTHER_CJK.search(text)
    if things:
        return Question(text, things, things, is_chinese=is_chinese)
    simple = chinese.is_simple(text, parts)
    return Question(text, tuple(parts[:MOST_PARTS]), is_chinese=is_chinese, is_simple=simple)
