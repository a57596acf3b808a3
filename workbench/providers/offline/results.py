"""Reads the results of tools: passages that a search names, and texts to quote from.

It knows the formats of `search_docs` and `fetch_doc`, and takes everything else as plain text, because a person may
have put any text in the place of any result.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import JsonValue

from workbench.providers.offline.sentences import LONGEST, MOST_CHARACTERS, Sentence, clean, is_inert, lines, sentences
from workbench.providers.offline.voice import is_about_nothing
from workbench.providers.offline.words import flat

SEARCH = "search_docs"
FETCH = "fetch_doc"
NOTE = "save_note"
SUBMIT = "submit_answer"
SPAWN = "spawn_subagent"
READ_SKILL = "read_skill"
SWITCH = "switch_tools"
OWN = frozenset({SEARCH, FETCH, NOTE, SUBMIT, SPAWN, READ_SKILL, SWITCH})
"""The tools that are known by name; all others are known by what they say of themselves."""

MOST_HITS = 20
MOST_VALUES = 60
"""Values of a JSON result that are looked at."""
LONGEST_NAME = 200
LONGEST_ABOUT = 80
"""Characters of a call's input that name it in a citation."""

_HIT = re.compile(rf"(\S(?:[^\n]{{0,{LONGEST_NAME}}}?\S)?::\d{{1,6}})[ \t]{{2,}}(.*)$")
_NAME = re.compile(rf"(?<![\w:])[\w./\-]{{1,{LONGEST_NAME}}}::\d{{1,6}}\b")
_RAN_INSTEAD = re.compile(r"ran with (\{.*\}) instead, by the operator\s*\n?")
_EMPTY = re.compile(r"\s*No passage fits .*Try other words\.\s*$", re.DOTALL)
_LEFT_OUT = re.compile(r"\s*\[left out to save room: .*\]\s*$", re.DOTALL)
_NOT_RUN = re.compile(r"\s*not run\b")

SourceKind = Literal["passage", "excerpt", "report", "free"]


@dataclass(frozen=True)
class Call:
    """A tool call of the conversation with its result, which is read once, when it is first looked at."""

    tool: str
    input: dict[str, JsonValue]
    """What it ran with: the operator's input where a person changed it."""
    result: str | None = None
    """Its text; None where it is not there, was left out to save room, or the call did not run."""
    is_error: bool = False
    has_run: bool = True
    """False where the result says that the call was not run at all."""
    asked: dict[str, JsonValue] | None = None
    """What the model asked for, where a person let it run with something else."""

    def text_of(self, parameter: str) -> str:
        """Return an input as one line of text; empty where it is missing or no text."""
        value = self.input.get(parameter)
        return flat(value) if isinstance(value, str) else ""

    def values_of(self, parameter: str) -> list[str]:
        """Return a text input as it ran and as it was asked for."""
        inputs = [self.input, *([self.asked] if self.asked is not None else [])]
        return [flat(value) for given in inputs if isinstance(value := given.get(parameter), str)]

    @property
    def about(self) -> str:
        """The call's first text input: a query, a name, a task."""
        return next((flat(value) for value in self.input.values() if isinstance(value, str) and value.strip()), "")

    @property
    def is_empty(self) -> bool:
        """Whether a search ran and says itself that it found nothing."""
        return self.result is not None and not self.is_error and _EMPTY.match(self.result) is not None

    @cached_property
    def hits(self) -> tuple[Hit, ...]:
        """The passages that a search's result names, best first, each once."""
        if self.tool != SEARCH or self.result is None or self.is_error or self.is_empty:
            return ()
        found: dict[str, Hit] = {}
        rows = self.result.splitlines()
        for row, below in zip(rows, [*rows, ""][1:], strict=True):
            if match := _HIT.match(row):
                excerpt = below.strip() if below.startswith("  ") else ""
                found.setdefault(match[1], Hit(match[1], match[2], excerpt))
            elif not row.startswith("  "):
                for name in _NAME.findall(row):
                    found.setdefault(name, Hit(name))
        return tuple(found.values())[:MOST_HITS]

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """What can be quoted from the result; nothing from an error."""
        if self.result is None or self.is_error or self.tool in (NOTE, SUBMIT, SWITCH):
            return ()
        if self.tool == SEARCH:
            return tuple(_of_search(self))
        if self.tool == FETCH:
            return (_of_fetch(self),)
        if self.tool == READ_SKILL:
            # How something is done is seldom what was asked: it is quoted where it is, and need not be heard.
            return (Source(f"skill: {self.about}", "excerpt", tuple(sentences(self.result)), about=self.about),)
        return (_of_subagent(self) if self.tool == SPAWN else _free(self, self.result),)


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search names."""

    name: str
    title: str = ""
    excerpt: str = ""
    """The line below, as it stands there."""


@dataclass(frozen=True, slots=True)
class Source:
    """Text to quote from."""

    name: str
    """What a citation names."""
    kind: SourceKind
    """`free` text follows no format: a person wrote it, or a tool of somebody's own."""
    sentences: tuple[Sentence, ...]
    title: str = ""
    about: str = ""
    """The query or task that brought it up."""
    body: str = ""
    """The whole text on one line, to tell whether it has what an excerpt shows."""


def read_call(tool: str, given: dict[str, JsonValue], result: str | None, *, is_error: bool) -> Call:
    """Return a call as it really ran."""
    if result is None:
        return Call(tool, given)
    asked = None
    ran_with = _RAN_INSTEAD.match(result[:MOST_CHARACTERS])
    if ran_with:
        try:
            changed = json.loads(ran_with[1])
        except (ValueError, RecursionError):
            changed = None
        if isinstance(changed, dict):
            asked, given, result = given, changed, result[ran_with.end() :]
    if is_error and _NOT_RUN.match(result):
        return Call(tool, given, is_error=True, has_run=False, asked=asked)
    if len(result) < 1000 and _LEFT_OUT.match(result):
        return Call(tool, given, is_error=is_error, asked=asked)
    return Call(tool, given, result[:MOST_CHARACTERS], is_error=is_error, asked=asked)


def _of_search(call: Call) -> list[Source]:
    result = call.result or ""
    if call.is_empty:
        return []
    found: list[Source] = []
    named, rest = False, []
    for hit in call.hits:
        if hit.excerpt:
            shown = [item for item in sentences(hit.excerpt) if not item.quote.endswith("…")]
            found.append(Source(hit.name, "excerpt", tuple(shown), hit.title, call.text_of("query")))
    for row in result.splitlines():
        is_hit = _HIT.match(row) is not None
        if row.strip() and not is_hit and not (named and row.startswith("  ")):
            rest.append(row)
        named = is_hit
    if rest:
        found.append(_free(call, "\n".join(rest)))
    return found


def _of_fetch(call: Call) -> Source:
    result = call.result or ""
    head, _, body = result.partition("\n")
    match = _HIT.match(head)
    if match and body.strip():
        return Source(match[1], "passage", tuple(sentences(body)), clean(match[2]), call.about, flat(body))
    return _free(call, result)


def _of_subagent(call: Call) -> Source:
    before, _, after = (call.result or "").rpartition("\n\nSources: ")
    report = before or after
    said = [item for item in sentences(report) or lines(report) if not is_about_nothing(item.text)]
    return Source(_own_name(call), "report", tuple(said), about=call.about)


def _free(call: Call, text: str) -> Source:
    """Take a text as it is: its sentences, and the lines that are none."""
    name = call.text_of("name") if call.tool == FETCH else ""
    return Source(name or _own_name(call), "free", tuple(_values(text) or _everything(text)), about=call.about)


def _everything(text: str) -> list[Sentence]:
    whole = sentences(text)
    quoted = [range(item.position, item.position + len(item.quote)) for item in whole]
    rest = [item for item in lines(text) if not any(item.position in span for span in quoted)]
    return sorted([*whole, *rest], key=lambda item: item.position)


def _values(text: str) -> list[Sentence]:
    """Return what a JSON object or list says, name by name; nothing where the text is none."""
    if text[:1] not in ("{", "["):
        return []
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found: list[Sentence] = []
    open_values: list[tuple[str, JsonValue]] = [("", value)]
    while open_values and len(found) < MOST_VALUES:
        key, value = open_values.pop(0)
        if isinstance(value, dict):
            open_values[:0] = list(value.items())
        elif isinstance(value, list):
            open_values[:0] = [(key, item) for item in value]
        elif value is not None:
            raw = json.dumps(value, ensure_ascii=False)
            shown = clean(f"{key}: {value}" if key else str(value))
            if raw in text and is_inert(shown) and len(shown) <= LONGEST:
                found.append(Sentence(shown, raw, text.index(raw)))
    if len(text) > LONGEST or len(found) < 2:
        return found
    return [Sentence(", ".join(item.text for item in found), text, 0)]


def _own_name(call: Call) -> str:
    """Return how a result is cited that names no passage: by its tool and what that was asked."""
    if call.tool == SPAWN:
        return f"subagent: {re.split('[;；]', call.text_of('focus') or call.about)[0][:LONGEST_ABOUT]}"
    if not (about := call.about):
        return call.tool
    return f"{call.tool}: {about if len(about) <= LONGEST_ABOUT else about[: LONGEST_ABOUT - 1] + '…'}"
