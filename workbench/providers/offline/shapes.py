"""Fills an answer with fields of its own: each by its name, its description and its type, out of what is known.

The result always fits the schema, as far as rules can see to it. Where nothing is known of a field that has to be
there, it gets the least that fits, and the answer says that nothing was found on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from workbench.providers.offline.facts import Facts, number_in
from workbench.providers.offline.fields import (
    FORMATS,
    OPEN,
    PROSE,
    QUOTE,
    SOURCE,
    TOPICS,
    choice_for,
    number_for,
    text_for,
    tokens,
    worded,
    yes_or_no_for,
)
from workbench.providers.offline.menus import Schema, name_words, properties_of
from workbench.providers.offline.schemas import (
    alternatives,
    bounded_number,
    kind,
    matching,
    number_of,
    resolved,
)
from workbench.providers.offline.voice import Voice
from workbench.providers.offline.words import stems, terms

DEEPEST = 5
"""Levels to which optional fields and lists are filled."""
MOST_ITEMS = 12


def filled(schema: Schema, facts: Facts, voice: Voice) -> dict[str, JsonValue]:
    """Return an object that fits `schema`, out of `facts`; it says in its own words what nothing was found on."""
    value = _Filling(schema, voice).object(schema, facts, 0)
    if not facts.unknown:
        return value
    missing = voice.missing.format(topics=voice.join(list(dict.fromkeys(facts.unknown))))
    for name, inner in properties_of(schema).items():
        said = value.get(name)
        if isinstance(said, str) and stems(name_words(name)) & PROSE and missing not in said:
            one = next((one for one in alternatives(resolved(inner, schema), schema) if kind(one) == "string"), {})
            if not {"enum", "const", "pattern", "format"} & one.keys():
                value[name] = worded(f"{said}\n\n{missing}", one)
                break
    return value


class _Filling:
    def __init__(self, root: Schema, voice: Voice) -> None:
        self._root, self._voice = root, voice

    def object(self, schema: Schema, facts: Facts, depth: int) -> dict[str, JsonValue]:
        """Fill all that has to be there, and of the rest what something is known of."""
        properties = properties_of(schema)
        wanted = schema.get("required")
        required = [name for name in wanted if isinstance(name, str)] if isinstance(wanted, list) else []
        value: dict[str, JsonValue] = {}
        for name in [*properties, *(name for name in required if name not in properties)]:
            inner = resolved(properties.get(name, {}), self._root)
            is_required = name in required
            if not is_required and depth >= DEEPEST:
                continue
            known = self._known(name, inner, facts, depth)
            if known is not None:
                value[name] = known
            elif is_required:
                value[name] = self._least(name, inner, facts, depth)
        if not properties and isinstance(schema.get("additionalProperties"), dict):
            value.update(self._mapping(schema, facts, depth))
        return value

    def _mapping(self, schema: Schema, facts: Facts, depth: int) -> dict[str, JsonValue]:
        inner = resolved(schema.get("additionalProperties"), self._root)
        found: dict[str, JsonValue] = {}
        for key, _ in facts.pairs[:MOST_ITEMS]:
            if depth < DEEPEST and (value := self._known(key, inner, facts, depth + 1)) is not None:
                found[key] = value
        return found

    def _known(self, name: str, schema: Schema, facts: Facts, depth: int) -> JsonValue:
        """Return what is known for a field, in the first of its types that something is known in."""
        for one in alternatives(schema, self._root):
            if kind(one) != "null" and (value := self._of_kind(name, one, facts, depth)) is not None:
                return value
        return None

    def _of_kind(self, name: str, schema: dict[str, JsonValue], facts: Facts, depth: int) -> JsonValue:
        if "const" in schema:
            return schema["const"]
        if isinstance(choices := schema.get("enum"), list) and choices:
            return choice_for(name, choices, schema, facts)
        match kind(schema):
            case "string":
                return text_for(name, schema, facts)
            case "integer" | "number":
                return number_for(name, schema, facts)
            case "boolean":
                return yes_or_no_for(name, schema, facts)
            case "array":
                return self._items(name, schema, facts, depth)
            case "object":
                inner = facts.value(name)
                narrowed = facts.of_value(inner) if isinstance(inner, dict) else facts
                return self.object(schema, narrowed, depth + 1) if depth < DEEPEST else None
            case _:
                return None

    def _items(self, name: str, schema: Schema, facts: Facts, depth: int) -> JsonValue:
        if depth >= DEEPEST:
            return None
        inner = resolved(schema.get("items"), self._root)
        one = next((one for one in alternatives(inner, self._root) if kind(one) != "null"), inner)
        found: list[JsonValue] = [item for item in self._each(name, one, facts, depth) if item is not None]
        if schema.get("uniqueItems"):
            found = [item for at, item in enumerate(found) if item not in found[:at]]
        most = number_of(schema, "maxItems")
        found = found[: MOST_ITEMS if most is None else int(most)]
        least = int(number_of(schema, "minItems") or 0)
        if not found and least == 0:
            return None
        while len(found) < least:
            if (more := _further(self._least(name, one, facts, depth + 1), found, schema)) is None:
                break
            found.append(more)
        return found

    def _each(self, name: str, inner: dict[str, JsonValue], facts: Facts, depth: int) -> Iterator[JsonValue]:
        words, value = stems(name_words(name)), facts.value(name)
        parts: list[JsonValue | Facts]
        if isinstance(value, list) and value:
            parts = [facts.of_value(item) if isinstance(item, dict) else item for item in value]
        elif "const" in inner:
            parts = [inner["const"]]
        elif kind(inner) == "object":
            yield from (self.object(inner, part, depth + 1) for part in self._parts(inner, facts))
            return
        else:
            parts = list(_listed(words, facts))
        for part in parts:
            if isinstance(part, Facts):
                yield self._of_kind(name, inner, part, depth + 1)
            elif "const" in inner or "enum" in inner:
                choices = inner.get("enum", [inner.get("const")])
                yield part if isinstance(choices, list) and part in choices else None
            elif kind(inner) == "string" and isinstance(part, str | int | float):
                text = worded(f"{part}", inner)
                yield text if "pattern" not in inner else matching(inner, [text, *tokens([text])])
            elif kind(inner) in ("integer", "number"):
                number = part if isinstance(part, int | float) else number_in(f"{part}")
                yield bounded_number(number, inner) if number is not None else None
            elif kind(inner) == "boolean" and isinstance(part, bool):
                yield part

    def _parts(self, inner: Schema, facts: Facts) -> list[Facts]:
        """Return what a list of objects is about: the sources cited, or what each call gave."""
        names = stems(" ".join(name_words(name) for name in properties_of(inner)))
        if (names & SOURCE and names & QUOTE) or not facts.calls:
            return [facts.of_value({"source": source, "quote": quote}) for source, quote in facts.citations]
        lists = [value for _, value in facts.pairs if isinstance(value, list) and value and isinstance(value[0], dict)]
        for rows in lists:
            row = rows[0]
            if isinstance(row, dict) and len(set(row) & set(properties_of(inner))) >= 2:
                return [facts.of_value(item) for item in rows if isinstance(item, dict)]
        return facts.of_each()

    def _least(self, name: str, schema: Schema, facts: Facts, depth: int) -> JsonValue:
        """Return the least that fits, and remember that nothing is known of it."""
        options = alternatives(schema, self._root)
        if any(kind(one) == "null" for one in options):
            return None
        one = options[0]
        if "const" in one:
            return one["const"]
        if isinstance(choices := one.get("enum"), list) and choices:
            facts.unknown.append(name_words(name))
            return next((choice for choice in choices if str(choice).casefold() in OPEN), choices[0])
        match kind(one):
            case "object":
                return self.object(one, facts, depth + 1) if depth < 2 * DEEPEST else {}
            case "array":
                least = int(number_of(one, "minItems") or 0)
                inner = resolved(one.get("items"), self._root)
                return [self._least(name, inner, facts, depth + 1) for _ in range(least)] if depth < 2 * DEEPEST else []
        facts.unknown.append(name_words(name))
        match kind(one):
            case "integer" | "number":
                return bounded_number(0, one)
            case "boolean":
                return False
            case "string":
                form = FORMATS.get(str(one.get("format", "")))
                said = form[1] if form else self._voice.missing.format(topics=name_words(name))
                if "pattern" in one:
                    return matching(one, [said, *tokens([said]), *_simple()]) or said
                return said if form else worded(said, one)
            case _:
                return None


def _listed(words: frozenset[str], facts: Facts) -> Iterator[JsonValue]:
    """Yield what a list of texts or numbers consists of."""
    if words & SOURCE:
        yield from dict.fromkeys(source for source, _ in facts.citations)
    elif words & QUOTE:
        yield from (quote for _, quote in facts.citations)
    elif words & TOPICS:
        yield from facts.topics
    elif about := facts.about(frozenset(terms(" ".join(words)))):
        yield from (item.text for item in about)
    else:
        quotes = [quote for _, quote in facts.citations]
        yield from (item.text for item in facts.said if item.quote in quotes)


def _simple() -> Iterator[str]:
    """Yield texts that many patterns take."""
    for length in range(1, 33):
        yield from ("0" * length, "a" * length, "A" * length)
    for head in ("A", "AB", "ABC", "ABCD", "a", "ab", "abc"):
        for gap in ("-", "_", ".", "/", ""):
            yield from (f"{head}{gap}{'0' * length}" for length in range(1, 9))
    yield from ("0.0", "0.0.0", "v0.0.0", "00:00", "#000000", "a-a", "a_a", "a/a")


def _further(item: JsonValue, found: Sequence[JsonValue], schema: Schema) -> JsonValue:
    """Return one more item where a list has to be longer; another one where all have to differ."""
    if not schema.get("uniqueItems") or item not in found:
        return item
    if isinstance(item, str):
        return f"{item} {len(found) + 1}"
    if isinstance(item, int | float) and not isinstance(item, bool):
        return next((item + step for step in range(1, len(found) + 2) if item + step not in found), None)
    return None
