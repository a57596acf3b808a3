"""Which tools of somebody's own agent a question wants: those that read something and fit, and what it orders done.

A tool is understood by its name, its description and its schema. What looks as if it changed something is called only
where the question orders that very thing, or the instructions name the tool for such a question.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from workbench.events.agent import ToolSpec
from workbench.providers.offline.menus import name_words, properties_of, telling
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import OWN, SEARCH
from workbench.providers.offline.words import WORD, stems, terms

MOST_CALLS = 3
"""Tools that are asked at once because they fit somehow."""
MOST_TOGETHER = 8
"""Tools that are asked at once because each is about what is asked."""
LIKE_THE_BEST = 0.5
"""Share of the best tool's score from which another one is as good."""
NAMED = 4.0
"""What counts for a tool that the instructions name for such a question."""
ALIKE = 0.6
"""Share of words in common from which two tools that take the same input do the same."""

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
_SPARE = re.compile(
    r"\b(?:fall ?backs?|back-?ups?|mirrors?|spare|second(?:ary)? (?:choice|source)|last resort|alternative(?:ly)?|"
    r"(?:if|when|where|in case) [^.]*(?:fails?|failed|is down|unavailable|cannot|does not answer|gives? nothing))\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:never|not|don['’]t|unless|only|avoid|without|except|if|before|after|until|instead|fall ?back|when|"
    r"asks? for)\b",
    re.IGNORECASE,
)
_ORDER = (
    r"(?:^|[.;:!?,]\s*|\b(?:and|then|please|also|now|can you|could you|will you|would you)\s+)(?:please\s+)?{verb}\b"
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*[-*•]\s+")
_EVERYDAY = stems("get run do check call use make fetch find read show list look give tell return")
"""Stems of verbs with which the names of tools begin and that say little."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A tool that fits."""

    tool: ToolSpec
    score: float


def own_tools(conversation: Conversation) -> list[ToolSpec]:
    """Return the tools that are not known by name and that may be called."""
    return [tool for tool in conversation.tools if tool.name not in OWN and tool.permission != "deny"]


def asked_terms(conversation: Conversation) -> frozenset[str]:
    """Return the stems of what is asked, with what was added on the way."""
    return frozenset(terms(" ".join([conversation.question.text, *conversation.steers])))


def reading_tools(conversation: Conversation) -> list[ToolSpec]:
    """Return the tools that are asked about the question, the best first; spare ones wait until another fails."""
    asked = asked_terms(conversation)
    scored = []
    for order, tool in enumerate(own_tools(conversation)):
        named = is_named(tool, conversation)
        is_beside = conversation.tool(SEARCH) is not None and not asked & telling(f"{tool.name} {tool.description}")
        if named or (looks_harmless(tool) and not is_beside):
            scored.append((fit(tool, asked) + (NAMED if named else 0.0), -order, tool))
    ranked = [
        Choice(tool, score) for score, _, tool in sorted(scored, key=lambda item: item[:2], reverse=True) if score
    ]
    if not ranked:
        return _by_instructions(conversation)
    kept: list[Choice] = []
    for choice in ranked:
        better = [other.tool for other in ranked if other is not choice]
        is_spare = is_spare_tool(choice.tool) and any(takes_the_same(choice.tool, other) for other in better)
        if not is_spare and not any(do_the_same(choice.tool, other.tool) for other in kept):
            kept.append(choice)
    enough = LIKE_THE_BEST * kept[0].score if kept else 0.0
    chosen = [choice for at, choice in enumerate(kept) if at < MOST_CALLS or choice.score >= enough]
    return [choice.tool for choice in chosen[:MOST_TOGETHER]]


def _by_instructions(conversation: Conversation) -> list[ToolSpec]:
    """Return the one tool that does what the agent is for, where none has a word in common with the question."""
    purpose = telling(conversation.instructions)
    scores = {
        tool.name: len(purpose & telling(f"{tool.name} {tool.description}"))
        for tool in own_tools(conversation)
        if looks_harmless(tool) and not is_spare_tool(tool)
    }
    best = max(scores, key=lambda name: scores[name], default="")
    is_fitting = scores.get(best, 0) > 0 and conversation.tool(SEARCH) is None
    return [tool for tool in own_tools(conversation) if tool.name == best] if is_fitting else []


def ordered_tools(conversation: Conversation) -> list[ToolSpec]:
    """Return the tools that change something and that the question orders to be used, by their own verb and noun."""
    text = " ".join([conversation.question.text, *conversation.steers])
    return [
        tool
        for tool in own_tools(conversation)
        if not looks_harmless(tool) and not is_named(tool, conversation) and _is_ordered(tool, text)
    ]


def looks_harmless(tool: ToolSpec) -> bool:
    """Whether a tool is declared to read only, or says nothing but that it reads something."""
    if tool.effect == "read_only":
        return True
    name = " ".join(WORD.findall(tool.name.replace("_", " ").replace("-", " ")))
    first = tool.description.strip().split(".")[0]
    reads = _READS.match(name) or _READS.match(first)
    return bool(reads) and not _WRITES.search(name) and not _WRITES.search(first)


def fit(tool: ToolSpec, asked: Collection[str]) -> float:
    """Return how much a tool's words have in common with the question; a search for anything fits a little always."""
    name = terms(tool.name.replace("_", " ").replace("-", " "))
    described = terms(tool.description)
    score = sum(2.0 for term in name if term in asked) + sum(1.0 for term in described if term in asked)
    return score + (0.5 if takes_query(tool) else 0.0)


def takes_query(tool: ToolSpec) -> bool:
    """Whether a tool looks for anything at all."""
    properties = properties_of(tool.input_schema)
    return any(word in properties for word in ("query", "question", "q", "text", "topic", "search"))


def is_named(tool: ToolSpec, conversation: Conversation) -> bool:
    """Whether the instructions name a tool, without a condition, where they speak of what is asked.

    A tool that may change something has to be named literally; of others the words of the name are enough.
    """
    asked = telling(conversation.question.text)
    own = telling(tool.name) - _EVERYDAY - asked
    literal = re.compile(rf"(?<![\w-]){re.escape(tool.name)}(?![\w-])")
    for paragraph in re.split(r"\n\s*\n", conversation.guidance):
        if not asked & telling(paragraph):
            continue
        for sentence in _SENTENCE.split(paragraph):
            if _CONDITION.search(sentence):
                continue
            if literal.search(sentence) or (own and looks_harmless(tool) and own <= telling(sentence)):
                return True
    return False


def _is_ordered(tool: ToolSpec, text: str) -> bool:
    verb, *rest = name_words(tool.name).split()
    starts = re.search(_ORDER.format(verb=re.escape(verb)), text.strip(), re.IGNORECASE)
    return starts is not None and (not rest or bool(telling(" ".join(rest)) & telling(text)))


def is_spare_tool(tool: ToolSpec) -> bool:
    """Whether a tool says of itself that it is for when another one fails."""
    return _SPARE.search(f"{name_words(tool.name)}. {tool.description}") is not None


def takes_the_same(one: ToolSpec, other: ToolSpec) -> bool:
    """Whether two tools take the same kind of input: the same required parameters, by name or at least by type."""
    first, second = _kinds(one), _kinds(other)
    return first == second or sorted(first.values()) == sorted(second.values())


def do_the_same(one: ToolSpec, other: ToolSpec) -> bool:
    """Whether two tools take the same input and are described in much the same words."""
    return takes_the_same(one, other) and likeness(one, other) >= ALIKE


def likeness(one: ToolSpec, other: ToolSpec) -> float:
    """Return the share of words that two tools have in common."""
    first, second = (telling(f"{tool.name} {tool.description}") for tool in (one, other))
    return len(first & second) / (len(first | second) or 1)


def _kinds(tool: ToolSpec) -> dict[str, str]:
    properties = properties_of(tool.input_schema)
    required = tool.input_schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {name: str(properties.get(name, {}).get("type", "any")) for name in names}
