"""In what one request differs from another: the first part that is not the same, line by line, as text for people.

Purely out of the two requests. Calls are named as the builder of requests numbers them, so that a stream that broke
makes no difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from itertools import zip_longest
from typing import Final, NamedTuple

from workbench.events.content import TextBlock, plain_text
from workbench.events.request import AssistantMessage, Request, ThinkingBlock, ToolCallBlock, UserMessage

MOST_LINES: Final = 24
MOST_CHARACTERS: Final = 160
"""Of a line."""
MOST_COMPARED: Final = 200_000
"""Characters of a part that are compared."""


class Part(NamedTuple):
    """A piece of a request and what a person would call it."""

    name: str
    text: str


def difference(recorded: Request, asked: Request) -> tuple[str, list[str]]:
    """Return the name of the first part that differs, and its lines: `-` was recorded, `+` is asked now.

    The name is empty where nothing differs.
    """
    for old, new in zip_longest(parts_of(recorded), parts_of(asked)):
        if old == new:
            continue
        if old is not None and new is not None and old.name == new.name:
            return new.name, _lines(old.text, new.text)
        names = [f"{part.name}: {part.text}" if part is not None else "" for part in (old, new)]
        named = new or old
        return named.name if named is not None else "", _lines(*names)
    return "", []


def parts_of(request: Request) -> Iterator[Part]:
    """Yield what a request holds, in its order."""
    yield Part("the instructions", request.instructions)
    for tool in request.tools:
        shown = {"description": tool.description, "schema": tool.input_schema}
        yield Part(f"the tool {tool.name}", json.dumps(shown, indent=1, sort_keys=True, ensure_ascii=False))
    names: dict[str, str] = {}
    turns = 0
    for message in request.messages:
        if isinstance(message, AssistantMessage):
            names = _call_names(message)
            yield from _turn(message, names, turns)
            turns += 1
        else:
            yield from _said(message, names, turns)


def _call_names(message: AssistantMessage) -> dict[str, str]:
    calls = [block.id for block in message.content if isinstance(block, ToolCallBlock)]
    return {call: f"{call.partition('.')[0]}.{number}" for number, call in enumerate(calls)}


def _turn(message: AssistantMessage, names: Mapping[str, str], number: int) -> Iterator[Part]:
    for block in message.content:
        match block:
            case TextBlock():
                yield Part(f"the text of turn {number}", block.text)
            case ThinkingBlock():
                yield Part(f"the thinking of turn {number}", block.text)
            case ToolCallBlock():
                given = json.dumps(block.input, indent=1, sort_keys=True, ensure_ascii=False)
                yield Part(f"call {names[block.id]}", f"{block.tool} {given}{block.invalid or ''}")


def _said(message: UserMessage, names: Mapping[str, str], turns: int) -> Iterator[Part]:
    for result in message.results:
        error = "[error] " if result.is_error else ""
        yield Part(f"the result of call {names.get(result.call, result.call)}", f"{error}{plain_text(result.content)}")
    for block in message.content:
        yield Part(f"what is said before turn {turns}", plain_text((block,)))


def _lines(old: str, new: str) -> list[str]:
    before, after = old[:MOST_COMPARED].splitlines(), new[:MOST_COMPARED].splitlines()
    lines = [_cut(line) for line in unified_diff(before, after, n=1, lineterm="")][2:]
    if not lines:
        return ["(they look the same as text)"]
    more = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], f"… {more} more lines"] if more > 0 else lines


def _cut(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…"
