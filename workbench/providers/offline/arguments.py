"""Fills the input of a tool from the question: by the names, the descriptions and the types of its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic import JsonValue

from workbench.events.agent import ToolSpec
from workbench.providers.offline.menus import Schema, name_words, properties_of
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.schemas import alternatives, bounded_number, bounded_text, kind, matching, resolved
from workbench.providers.offline.words import WORD, is_cjk, stem, stems

LONGEST_TOPIC = 200
MOST_CHARACTERS = 4_000
"""Of a question; what comes after is not looked at."""
MOST_ENTITIES = 5
"""Things named side by side that a tool is asked about, one call each."""
DEEPEST = 3
"""Objects within objects that are filled."""

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\d)")
_QUOTED = re.compile(r"[\"“]([^\"”]{1,500})[\"”]|(?<!\w)'([^']{1,500})'(?!\w)|`([^`]{1,500})`")
_PATH = re.compile(
    r"(?<![\w/:@.])(?:~|\.{0,2})/[\w./~-]*[\w/~-]|(?<![\w/:@])[\w-]+(?:/[\w.-]+)+|(?<![\w@.])[\w-]+\.[a-z]\w{0,4}\b"
)
_URL = re.compile(r"\bhttps?://[^\s\"'<>)]+[^\s\"'<>).,;:!?]")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?\b")
_FROM = re.compile(r"\bfrom\s+([^\s,;?.!]+(?:\s+[A-Z][\w-]*)*)", re.UNICODE)
_TO = re.compile(r"\b(?:to|into)\s+([^\s,;?.!]+(?:\s+[A-Z][\w-]*)*)", re.UNICODE)

_FORMS = (
    (stems("path folder directory file filename repository repo root location"), _PATH),
    (stems("url link address uri website page"), _URL),
    (stems("email mail recipient address to"), _EMAIL),
    (stems("date day from until since"), _DATE),
)
"""Words in the name of a parameter, and how a value for it looks in a question."""
_QUERY = stems("query question q text topic search words keywords task prompt input")
_WORDING = stems("body text message content note comment subject title caption")
_ORIGIN, _GOAL = stems("from origin source start base"), stems("to destination target goal")

Compose = Callable[[], str]


def inputs_for(
    tool: ToolSpec, conversation: Conversation, compose: Compose | None = None
) -> list[dict[str, JsonValue]]:
    """Return the inputs to call a tool with: mostly one, one each for things named side by side, none if it cannot be.

    `compose` gives a text for what is to be written, where a tool writes something.
    """
    whole = _Filling(tool, conversation, compose).fill()
    if whole is None:
        return []
    plain = [name for name in _required(tool.input_schema) if whole.get(name) == thing_for(tool, conversation)]
    named = _side_by_side(tool, conversation)
    if len(plain) == 1 and len(named) > 1:
        return [{**whole, plain[0]: entity} for entity in named]
    return [whole]


def topic_for(tool: ToolSpec, conversation: Conversation) -> str:
    """Return what the question asks the tool about: its topics, without the words that only name the tool."""
    words = [word for part in conversation.question.parts for word in _without_name(part, tool)]
    topic = _trimmed(words) or " ".join(conversation.question.parts) or conversation.question.text
    return topic[:LONGEST_TOPIC] or "help"


def thing_for(tool: ToolSpec, conversation: Conversation) -> str:
    """Return the one thing that the question asks the tool about: a proper name, or what the tool says nothing of."""
    words = [word for part in conversation.question.parts for word in _unsaid(part, tool)]
    names = [word for word in words if word[:1].isupper()]
    return (_trimmed(names or words) or topic_for(tool, conversation))[:LONGEST_TOPIC]


def _unsaid(part: str, tool: ToolSpec) -> list[str]:
    """Return the words of a topic that a tool does not say of itself; proper names may stand there as examples."""
    said = stems(f"{name_words(tool.name)} {tool.description}")
    return [word for word in _without_name(part, tool) if word[:1].isupper() or stem(word) not in said]


def _without_name(part: str, tool: ToolSpec) -> list[str]:
    own = {stem(word) for word in WORD.findall(tool.name.replace("_", " ").replace("-", " "))}
    return [word for word in part.split() if stem(word) not in own]


def _trimmed(words: list[str]) -> str:
    edges = {"of", "in"}
    while words and words[0] in edges:
        words = words[1:]
    return " ".join(words)


def _side_by_side(tool: ToolSpec, conversation: Conversation) -> list[str]:
    """Return the proper names that a question lists; nothing where it speaks of anything else."""
    parts = conversation.question.things or conversation.question.parts
    found = [_trimmed(_unsaid(part, tool)) for part in parts]
    names = [part for part in found if part]
    are_names = all(word[:1].isupper() or word in ("of", "and") for name in names for word in name.split())
    return list(dict.fromkeys(names))[:MOST_ENTITIES] if are_names and not is_cjk(" ".join(names)) else []


def _required(schema: Schema) -> list[str]:
    required = schema.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


class _Filling:
    def __init__(self, tool: ToolSpec, conversation: Conversation, compose: Compose | None) -> None:
        self._tool, self._conversation, self._compose = tool, conversation, compose
        self._text = conversation.question.text[:MOST_CHARACTERS]
        found = _NUMBER.findall(self._text)
        self._numbers: list[float | int] = [float(text) if "." in text else int(text[:18]) for text in found]

    def fill(self) -> dict[str, JsonValue] | None:
        return self._object(self._tool.input_schema, 0)

    def _object(self, schema: Schema, depth: int) -> dict[str, JsonValue] | None:
        """Fill what is required, and of the rest what the question names; None where something cannot be filled."""
        required = _required(schema)
        properties = properties_of(schema)
        filled: dict[str, JsonValue] = {}
        for name in required:
            value = self._value(name, properties[name], depth) if name in properties else None
            if value is None:
                return None
            filled[name] = value
        for name, inner in properties.items():
            if (
                name not in required
                and (value := self._said(name, resolved(inner, self._tool.input_schema))) is not None
            ):
                filled[name] = value
        if depth == 0 and not filled and (query := next((name for name in properties if stems(name) & _QUERY), None)):
            value = self._value(query, properties[query], depth)
            return {} if value is None else {query: value}
        return filled

    def _value(self, name: str, schema: Schema, depth: int) -> JsonValue:
        root = self._tool.input_schema
        for one in alternatives(resolved(schema, root), root):
            if (value := self._of_kind(name, one, depth)) is not None:
                return value
        return None

    def _of_kind(self, name: str, schema: Schema, depth: int) -> JsonValue:
        if "const" in schema:
            return schema["const"]
        choices = schema.get("enum")
        if isinstance(choices, list) and choices:
            return self._chosen(choices) or choices[0]
        match schema.get("type"):
            case "string":
                said = self._said(name, schema) or self._worded(name)
                text = bounded_text(str(said) if said is not None else self._topic(name), schema)
                return matching(schema, [text, *self._text.split()]) if "pattern" in schema else text
            case "integer" | "number":
                first = self._numbers.pop(0) if self._numbers else schema.get("default", schema.get("minimum", 1))
                return bounded_number(first if isinstance(first, int | float) else 1, schema)
            case "boolean":
                return False
            case "array":
                inner = schema.get("items")
                return [self._topic(name)] if isinstance(inner, dict) and inner.get("type") == "string" else None
            case "object" if properties_of(schema) and depth < DEEPEST:
                return self._object(schema, depth + 1)
            case _:
                return None

    def _chosen(self, choices: list[JsonValue]) -> JsonValue:
        asked = self._text.casefold()
        return next((choice for choice in choices if isinstance(choice, str) and choice.casefold() in asked), None)

    def _said(self, name: str, schema: Schema) -> JsonValue:
        """Return what the question itself says for a parameter; None where it says nothing."""
        choices = schema.get("enum")
        if isinstance(choices, list):
            return self._chosen(choices)
        if kind(schema) in ("integer", "number") and "anyOf" not in schema:
            found = re.search(
                rf"\b{re.escape(name_words(name))}\s*(?:of|=|:)?\s*(-?\d+(?:\.\d+)?)\b", self._text, re.IGNORECASE
            )
            return bounded_number(float(found[1]) if "." in found[1] else int(found[1][:18]), schema) if found else None
        if kind(schema) != "string":
            return None
        words = stems(name_words(name))
        for named, form in _FORMS:
            if words & named and (found := form.search(self._text)):
                return found[0]
        for named, form in ((_ORIGIN, _FROM), (_GOAL, _TO)):
            if words & named and (found := form.search(self._text)):
                return found[1]
        return None

    def _worded(self, name: str) -> str | None:
        """Return what stands in quotes, or what is to be written, for a parameter that takes words."""
        words = stems(name_words(name))
        if not words & _WORDING and not self._compose:
            return None
        if self._compose and words & _WORDING and (note := self._conversation.question.note):
            return note
        if found := _QUOTED.search(self._text):
            return next(group for group in found.groups() if group)
        return self._compose() if self._compose and words & _WORDING else None

    def _topic(self, name: str) -> str:
        """Return what a parameter is asked about: all of it where it takes a query, or else the one thing."""
        is_query = bool(stems(name_words(name)) & _QUERY)
        return (topic_for if is_query else thing_for)(self._tool, self._conversation)
