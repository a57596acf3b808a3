"""Menus: names among which a tool's input chooses, each with the words that say what it is good for.

Roles of subagents, skills and groups of tools are all offered in this way: an enumeration in the schema, or a list in
the description. It is read as a model reads it, by its shape, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from pydantic import JsonValue

from workbench.events.agent import ToolSpec
from workbench.providers.offline.vocabulary import GENERIC, VERBS
from workbench.providers.offline.words import WORD, stems, terms

_LISTED = re.compile(r"^\s*[-*•]\s*[`\"']?([A-Za-z0-9_-]{1,64})[`\"']?\s*(?:[:(–—]|\s-\s)\s*", re.MULTILINE)
_UNTELLING = stems(" ".join(GENERIC | VERBS)) | stems("task use useful good skill role tool group work")
"""Stems that say nothing of what a thing is good for."""

Schema = Mapping[str, JsonValue]


def properties_of(schema: Schema) -> dict[str, dict[str, JsonValue]]:
    """Return the properties of an object's schema that are schemas themselves."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: value for name, value in properties.items() if isinstance(value, dict)}


def name_words(name: str) -> str:
    """Return the words that a name is made of: `checkCode_quality` is `check Code quality`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"[_\-./]", " ", name))


@lru_cache(maxsize=2048)
def telling(text: str) -> frozenset[str]:
    """Return the stems of a text that say what it is about."""
    return frozenset(terms(name_words(text))) - _UNTELLING


def menu(tool: ToolSpec, parameter: str) -> dict[str, str]:
    """Return what `parameter` may be, each with its words; empty where nothing is offered."""
    schema = properties_of(tool.input_schema).get(parameter, {})
    text = f"{schema.get('description', '')}\n{tool.description}"
    names = _enumerated(schema) or [match[1] for match in _LISTED.finditer(text)]
    return described(dict.fromkeys(names), text) if names else {}


def fitting(words: Mapping[str, str], asked: Collection[str]) -> list[str]:
    """Return the names of a menu whose words fit what is asked, the best first."""
    scores: dict[str, float] = {}
    for name, said in words.items():
        own = 2 * len(telling(name) & frozenset(asked)) + len(telling(said) & frozenset(asked))
        if own:
            scores[name] = own
    return sorted(scores, key=lambda name: -scores[name])


def _enumerated(schema: Schema) -> list[str]:
    """Return the choices of a schema, also where it is a list of them or may be null."""
    inner = [schema, schema.get("items"), *_either(schema)]
    for one in inner:
        choices = one.get("enum") if isinstance(one, dict) else None
        if isinstance(choices, list):
            return [choice for choice in choices if isinstance(choice, str) and choice]
    return []


def _either(schema: Schema) -> Sequence[JsonValue]:
    either = schema.get("anyOf")
    return either if isinstance(either, list) else ()


def described(names: Collection[str], text: str) -> dict[str, str]:
    """Return each name with what a text says behind it, up to the next one."""
    places = sorted((place, name) for name in names if (place := _place(name, text)) is not None)
    ends = [*(place[0] for place, _ in places), len(text)][1:]
    found = dict.fromkeys(names, "")
    for (place, name), end in zip(places, ends, strict=True):
        found[name] = " ".join(WORD.findall(text[place[1] : end].partition("\n\n")[0]))
    return found


def _place(name: str, text: str) -> tuple[int, int] | None:
    """Return where a name is explained: at the head of a line, or before a colon, or else anywhere."""
    whole = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
    for pattern in (rf"^[\s\-*•`\"']*{whole}", rf"{whole}[`\"']?\s*[:(–—]", whole):
        if found := re.search(pattern, text, re.MULTILINE):
            return found.start(), found.end()
    return None
