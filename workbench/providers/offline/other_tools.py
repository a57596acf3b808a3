"""What `offline` does with the tools of somebody's own agent: ask the harmless ones about the topic, once, and answer.

It understands a tool by its name, its description and its schema, as any model does. It calls only tools that look as
if they read something, because it cannot judge what the others would do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pydantic import JsonValue

from workbench.events.agent import ToolSpec
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.research import Turn, Wish, submission
from workbench.providers.offline.results import FETCH, NOTE, SEARCH, SPAWN, SUBMIT
from workbench.providers.offline.voice import voice_for
from workbench.providers.offline.words import WORD, stem, terms

MOST_CALLS = 3
LONGEST_TOPIC = 200

_OWN = frozenset({SEARCH, FETCH, NOTE, SUBMIT, SPAWN})
_READS = re.compile(
    r"(?:get|list|search|find|read|look ?up|fetch|query|show|describe|count|check|return|give|tell|retrieve|view|add|"
    r"compute|calculate|convert|explain|answer|查|搜索|获取|返回|读取)",
    re.IGNORECASE,
)
_WRITES = re.compile(
    r"\b(?:writ\w+|delet\w+|remov\w+|creat\w+|updat\w+|send\w*|post\w*|pay\w*|buy\w*|order\w*|book\w*|set\w*|execut\w+|"
    r"run\w*|stop\w*|start\w*|kill\w*|drop\w*|insert\w*|modif\w+|chang\w+|sav\w+|upload\w*|publish\w*|charg\w+|refund\w*)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\d)")


def next_turn(conversation: Conversation, tools: Sequence[ToolSpec], *, parallel: bool, max_tokens: int) -> Turn:
    """Return the next turn: the tools that fit the question, all at once, and then the answer."""
    voice = voice_for(chinese=conversation.question.is_chinese)
    wishes = _wishes(conversation, tools)
    if not wishes:
        return submission(conversation, [tool.name for tool in tools], voice, max_tokens)
    wishes = wishes if parallel else wishes[:1]
    names = voice.join([name for name, _ in wishes])
    topics = voice.join(conversation.question.parts) or conversation.question.text[:LONGEST_TOPIC]
    return Turn(
        voice.asking_because.format(names=names, topics=topics), voice.asking.format(names=names), tuple(wishes)
    )


def _wishes(conversation: Conversation, tools: Sequence[ToolSpec]) -> list[Wish]:
    called = [call.tool for call in conversation.calls if call.tool not in _OWN]
    asked = terms(" ".join([conversation.question.text, *conversation.steers]))
    scored: list[tuple[float, int, Wish]] = []
    for order, tool in enumerate(tools):
        if tool.name in _OWN or tool.permission == "deny" or not _looks_harmless(tool):
            continue
        score = _fit(tool, asked)
        arguments = _arguments(tool, conversation)
        if score > 0 and arguments is not None:
            scored.append((-score, order, (tool.name, arguments)))
    chosen = [wish for _, _, wish in sorted(scored, key=lambda item: item[:2])[:MOST_CALLS]]
    return [wish for wish in chosen if wish[0] not in called]


def _looks_harmless(tool: ToolSpec) -> bool:
    if tool.effect == "read_only":
        return True
    name = " ".join(WORD.findall(tool.name.replace("_", " ").replace("-", " ")))
    first = tool.description.strip().split(".")[0]
    reads = _READS.match(name) or _READS.match(first)
    return bool(reads) and not _WRITES.search(name) and not _WRITES.search(first)


def _fit(tool: ToolSpec, asked: Collection[str]) -> float:
    """Return how much a tool's words have in common with the question; a search for anything fits a little always."""
    name = terms(tool.name.replace("_", " ").replace("-", " "))
    described = terms(tool.description)
    score = sum(2.0 for term in name if term in asked) + sum(1.0 for term in described if term in asked)
    takes_query = any(word in _properties(tool) for word in ("query", "question", "q", "text", "topic", "search"))
    return score + (0.5 if takes_query else 0.0)


def _properties(tool: ToolSpec) -> dict[str, JsonValue]:
    properties = tool.input_schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _arguments(tool: ToolSpec, conversation: Conversation) -> dict[str, JsonValue] | None:
    """Fill a tool's required parameters; None where one of them cannot be filled from a question."""
    required = tool.input_schema.get("required")
    if not isinstance(required, list):
        return {}
    numbers = [float(text) if "." in text else int(text[:18]) for text in _NUMBER.findall(conversation.question.text)]
    filled: dict[str, JsonValue] = {}
    for name in required:
        schema = _properties(tool).get(name) if isinstance(name, str) else None
        if not isinstance(schema, dict) or not isinstance(name, str):
            return None
        value = _value(schema, conversation, tool, numbers)
        if value is None:
            return None
        filled[name] = value
    return filled


def _value(
    schema: dict[str, JsonValue], conversation: Conversation, tool: ToolSpec, numbers: list[float | int]
) -> JsonValue:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        asked = conversation.question.text.casefold()
        return next((choice for choice in choices if str(choice).casefold() in asked), choices[0])
    match schema.get("type"):
        case "string":
            return _topic(conversation, tool)
        case "integer":
            return int(numbers.pop(0)) if numbers else schema.get("default", schema.get("minimum", 1))
        case "number":
            return numbers.pop(0) if numbers else schema.get("default", schema.get("minimum", 1))
        case "boolean":
            return False
        case "array":
            inner = schema.get("items")
            return [_topic(conversation, tool)] if isinstance(inner, dict) and inner.get("type") == "string" else None
        case _:
            return None


def _topic(conversation: Conversation, tool: ToolSpec) -> str:
    """Return what the question asks the tool about: its topics, without the words that only name the tool."""
    own = {stem(word) for word in WORD.findall(tool.name.replace("_", " ").replace("-", " "))}
    words = [word for part in conversation.question.parts for word in part.split() if stem(word) not in own]
    edges = {"of", "in"}
    while words and words[0] in edges:
        words.pop(0)
    topic = " ".join(words) or " ".join(conversation.question.parts) or conversation.question.text
    return topic[:LONGEST_TOPIC] or "help"
