"""Fills one field of an answer: a text, a number, yes or no, a choice; None where nothing is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from workbench.providers.offline.facts import NUMBER, Facts, number_in, yes_or_no
from workbench.providers.offline.mending import CASE, END, START
from workbench.providers.offline.menus import Schema, name_words
from workbench.providers.offline.schemas import bounded_number, bounded_text, matching, number_of
from workbench.providers.offline.words import WORD, flat, stems, terms

SHORT = 120
"""Characters of a text that names are made of."""

PROSE = stems(
    "answer summary text conclusion result report overview explanation description findings content body message "
    "analysis details response verdict reasoning reason rationale assessment note comment output abstract"
)
_TITLE = stems("title headline heading subject topic name label caption check item kind")
_QUESTION = stems("question query task request prompt")
SOURCE = stems("source citation url link reference file path document passage evidence")
QUOTE = stems("quote quotation excerpt words snippet")
_SURE = stems("confidence probability certainty likelihood score completeness coverage")
_FOUND = stems("found answered known sufficient complete success successful ok passed pass")
_COUNT = stems("count number total amount quantity many num")
TOPICS = stems("topic tag keyword theme thing category subject entity")
OPEN = ("unknown", "unclear", "undecided", "none", "other", "n/a", "mixed", "neutral", "inconclusive", "not found")
"""Choices that say that nothing is known."""
_FAILED = stems("fail failed failure error bad broken critical no red")
FORMATS = {
    "date": (re.compile(r"\b\d{4}-\d{2}-\d{2}\b"), "1970-01-01"),
    "date-time": (
        re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})"),
        "1970-01-01T00:00:00Z",
    ),
    "time": (re.compile(r"\b\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2})"), "00:00:00Z"),
    "email": (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "nobody@example.invalid"),
    "uri": (re.compile(r"\bhttps?://[^\s\"'<>)\]]+[^\s\"'<>)\].,;:!?]"), "about:blank"),
    "uuid": (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "00000000-0000-0000-0000-000000000000"),
    "ipv4": (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), "0.0.0.0"),  # noqa: S104 - no address that is listened on
}


def text_for(name: str, schema: Schema, facts: Facts) -> str | None:
    """Return what a text field says."""
    words = stems(name_words(name))
    if (form := FORMATS.get(str(schema.get("format", "")))) is not None:
        said = (flat(str(value)) for value in (facts.value(name), facts.question, *(s.text for s in facts.said)))
        return next((found[0] for text in said if (found := form[0].search(text))), None)
    candidates = [*_texts(name, words, schema, facts)]
    if "pattern" in schema:
        every = [*candidates, *tokens([facts.question, *candidates, *(item.text for item in facts.said)])]
        return matching(schema, every)
    return worded(candidates[0], schema) if candidates else None


def _texts(name: str, words: frozenset[str], schema: Schema, facts: Facts) -> Iterator[str]:
    """Yield what a text may say, the likeliest first."""
    value = facts.value(name)
    if isinstance(value, str | int | float) and not isinstance(value, bool) and f"{value}".strip():
        yield f"{value}"
    if words & _QUESTION:
        yield facts.question
    if words & QUOTE:
        yield from (quote for _, quote in facts.citations if quote)
    if words & SOURCE:
        yield from (source for source, _ in facts.citations if source)
    if words & _TITLE:
        yield facts.label[:1].upper() + facts.label[1:]
    if words & PROSE and facts.text:
        yield _prose(words, schema, facts)
    about = frozenset(terms(name_words(name)))
    yield from (item.text for item in facts.about(about))
    described = frozenset(terms(str(schema.get("description", "")))) - terms("answer question text").keys()
    yield from (item.text for item in facts.about(described))


def _prose(words: frozenset[str], schema: Schema, facts: Facts) -> str:
    """Return the answer in words; of a summary that has to be short, its first paragraph."""
    most = number_of(schema, "maxLength")
    is_long = most is not None and len(facts.text) > most
    return facts.text.partition("\n\n")[0] if is_long and words & stems("summary abstract overview") else facts.text


def number_for(name: str, schema: Schema, facts: Facts) -> JsonValue:
    """Return what a field that takes a number says: the number that stands under its name, or beside its words."""
    words = stems(name_words(name))
    value = facts.value(name)
    if isinstance(value, list):
        value = len(value)
    if isinstance(value, str):
        value = number_in(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        value = _number_said(words, schema, facts)
    if value is None and words & _COUNT and words & SOURCE:
        value = len({source for source, _ in facts.citations})
    if value is None and words & _SURE:
        value = facts.share * (number_of(schema, "maximum") or 1)
    return bounded_number(value, schema) if value is not None else None


def _number_said(words: frozenset[str], schema: Schema, facts: Facts) -> float | None:
    """Return the number that stands nearest to the field's own words."""
    about = frozenset(terms(" ".join(words))) - _COUNT
    described = frozenset(terms(str(schema.get("description", ""))))
    for wanted in (about, described):
        for item in facts.about(wanted):
            if (number := number_in(item.text, wanted)) is not None:
                is_share = number > 1 and number_of(schema, "maximum") == 1 and "%" in item.text
                return number / 100 if is_share else number
    return None


def yes_or_no_for(name: str, schema: Schema, facts: Facts) -> JsonValue:
    """Return what a field that takes yes or no says: by its name, or whether a sentence with its words affirms it."""
    value = facts.value(name)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return yes_or_no(value)
    words = stems(name_words(name))
    if words & _FOUND and (facts.is_error or facts.citations):
        return not facts.is_error and yes_or_no(facts.said[0].text if facts.said else "")
    for wanted in (name_words(name), str(schema.get("description", ""))):
        if found := facts.about(frozenset(terms(wanted))):
            return yes_or_no(found[0].text)
    return None


def choice_for(name: str, choices: list[JsonValue], schema: Schema, facts: Facts) -> JsonValue:
    """Return the choice whose words the results speak of, or the question does; None where neither does."""
    value = facts.value(name)
    if value in choices:
        return value
    texts = [choice for choice in choices if isinstance(choice, str)]
    if facts.is_error and (bad := [text for text in texts if stems(name_words(text)) & _FAILED]):
        return bad[0]
    about = facts.about(frozenset(terms(f"{name_words(name)} {schema.get('description', '')}")))
    for said in ([value], [item.text for item in about], [item.text for item in facts.said], [facts.question]):
        for text in said:
            found = [(at, choice) for choice in texts if isinstance(text, str) and (at := _place(choice, text)) >= 0]
            if found:
                return min(found)[1]
    if {text.casefold() for text in texts} >= {"yes", "no"} and facts.said:
        wanted = "yes" if yes_or_no((about or facts.said)[0].text) else "no"
        return next(text for text in texts if text.casefold() == wanted)
    return None


def _place(choice: str, text: str) -> int:
    """Return where a text names a choice, -1 where it does not."""
    whole = re.search(rf"(?<!\w){re.escape(choice)}(?!\w)", text, re.IGNORECASE)
    if whole:
        return whole.start()
    wanted = terms(name_words(choice)).keys()
    if not wanted or not wanted <= terms(text).keys():
        return -1
    return next((match.start() for match in WORD.finditer(text) if terms(match[0]).keys() & wanted), -1)


def worded(text: str, schema: Schema) -> str:
    """Return a text as a schema, and what was said of it, want it."""
    start, end = schema.get(START), schema.get(END)
    if isinstance(start, str) and not text.startswith(start):
        text = f"{start}{text}"
    text = bounded_text(text, schema)
    if isinstance(end, str) and not text.endswith(end):
        most = number_of(schema, "maxLength")
        text = f"{text if most is None else text[: max(0, int(most) - len(end))]}{end}"
    match schema.get(CASE):
        case "upper":
            return text.upper()
        case "lower":
            return text.lower()
    return text


def tokens(texts: Sequence[str]) -> Iterator[str]:
    """Yield the words of texts, as they stand and in other forms that patterns ask for."""
    for text in texts:
        slug = "-".join(WORD.findall(text))[:SHORT]
        for token in [*text.split(), *(match[0] for match in NUMBER.finditer(text)), slug]:
            bare = token.strip(".,;:!?()[]{}\"'`")
            yield from (bare, bare.lower(), bare.upper(), bare.capitalize(), bare.replace("-", "_").lower())
