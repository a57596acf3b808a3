"""What is done about a call that failed: once more where it may pass, mended, or another tool in its place.

A refusal by a person or by a rule stands, and what may have taken effect is not done a second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from workbench.events.agent import ToolSpec
from workbench.providers.offline.arguments import inputs_for
from workbench.providers.offline.choosing import is_spare_tool, likeness, looks_harmless, own_tools, takes_the_same
from workbench.providers.offline.mending import amended
from workbench.providers.offline.menus import properties_of, telling
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import OWN, Call
from workbench.providers.offline.schemas import bounded_number, bounded_text, matching

MOST_TRIES = 2
"""How often the same call is asked for."""
RELATED = 0.15
"""Share of words in common from which another tool may know the same."""

_PASSING = re.compile(
    r"try (?:it )?again|retry|timed? ?out|temporar|transient|unavailable|overloaded|rate.?limit|too many requests|busy|"
    r"\b(?:429|502|503|504)\b|connection (?:was )?(?:reset|refused|closed|lost|error)|"
    r"for now|at the moment|稍后|重试|超时",
    re.IGNORECASE,
)
_LASTING = re.compile(r"\b(?:do not|don['’]t|never|no use to) (?:try|retry)|permanent|for good\b", re.IGNORECASE)
_MAY_HAVE_RUN = re.compile(r"may have (?:taken effect|run)|look before you try", re.IGNORECASE)
_REFUSED = re.compile(r"\s*(?:denied\b|not allowed\b|not run\b|cancelled by the operator)", re.IGNORECASE)
_INVALID = re.compile(r"\s*invalid input for \S+?: ", re.IGNORECASE)
_NOTHING = re.compile(
    r"\s*(?:\[\]|\{\}|null|none|nothing\b.{0,80}|no (?:results?|entr(?:y|ies)|matches|match|data|record)\b.{0,80}|"
    r"not found\b.{0,80})\s*",
    re.IGNORECASE,
)

Way = Literal["again", "mended", "instead"]


@dataclass(frozen=True, slots=True)
class SecondTry:
    """A call that is made because another one failed."""

    failed: Call
    way: Way
    tool: str
    input: dict[str, JsonValue]


def second_tries(conversation: Conversation) -> list[SecondTry]:
    """Return what can be done about calls that failed, one try for each."""
    found: list[SecondTry] = []
    for at, call in enumerate(conversation.calls):
        if call.tool in OWN or not came_to_nothing(call) or is_refused(call):
            continue
        if is_made_up_for(call, conversation.calls[at + 1 :]):
            continue
        for one in _ways(call, conversation):
            if not _is_asked(one.tool, one.input, conversation.calls, tries=MOST_TRIES if one.way == "again" else 1):
                found.append(one)
                break
    return [one for at, one in enumerate(found) if (one.tool, one.input) not in [(a.tool, a.input) for a in found[:at]]]


def came_to_nothing(call: Call) -> bool:
    """Whether a call ran and gave nothing: it failed, or says itself that it found nothing."""
    if not call.has_run or call.result is None:
        return False
    return call.is_error or _NOTHING.fullmatch(call.result[:200]) is not None


def is_refused(call: Call) -> bool:
    """Whether a person or a rule did not let the call run, or gave it up."""
    return _REFUSED.match(call.result or "") is not None


def is_made_up_for(call: Call, later: Sequence[Call]) -> bool:
    """Whether the same call came to something later, or the same tool did with a mended input."""
    is_invalid = _INVALID.match(call.result or "") is not None
    return any(
        other.tool == call.tool
        and not came_to_nothing(other)
        and other.has_run
        and (is_invalid or _same(other, call.input))
        for other in later
    )


def stand_in(call: Call, later: Sequence[Call]) -> Call | None:
    """Return the call of another tool that answered what this one could not."""
    given = [value for value in call.input.values() if isinstance(value, str)]
    for other in later:
        asked = [value for value in other.input.values() if isinstance(value, str)]
        is_other = other.tool not in OWN and other.tool != call.tool and other.has_run
        if is_other and not came_to_nothing(other) and (call.input == other.input or set(given) & set(asked)):
            return other
    return None


def _ways(call: Call, conversation: Conversation) -> Iterator[SecondTry]:
    tool, said = conversation.tool(call.tool), call.result or ""
    if tool is not None and call.is_error:
        may_repeat = (tool.effect != "effectful" or looks_harmless(tool)) and not _MAY_HAVE_RUN.search(said)
        if _INVALID.match(said):
            if (input_ := _mended(tool, call, said)) is not None:
                yield SecondTry(call, "mended", tool.name, input_)
        elif may_repeat and _PASSING.search(said) and not _LASTING.search(said):
            yield SecondTry(call, "again", tool.name, call.input)
    if tool is not None and looks_harmless(tool):
        for other in _others(tool, conversation):
            handed = _handed_over(call, other)
            for input_ in inputs_for(other, conversation) if handed is None else [handed]:
                yield SecondTry(call, "instead", other.name, input_)


def _others(tool: ToolSpec, conversation: Conversation) -> list[ToolSpec]:
    """Return the tools that may know the same, the likeliest first."""
    called = {call.tool for call in conversation.calls if call.has_run}
    fitting = []
    for other in own_tools(conversation):
        if other.name == tool.name or not looks_harmless(other) or not takes_the_same(tool, other):
            continue
        near = likeness(tool, other)
        shared = telling(f"{tool.name} {tool.description}") & telling(f"{other.name} {other.description}")
        if near >= RELATED or (shared and is_spare_tool(other)):
            fitting.append((other.name in called, not is_spare_tool(other), -near, other))
    return [other for *_, other in sorted(fitting, key=lambda item: item[:3])]


def _handed_over(call: Call, other: ToolSpec) -> dict[str, JsonValue] | None:
    """Return the input of a call under the names of another tool; None where it cannot be told what goes where."""
    properties = properties_of(other.input_schema)
    required = other.input_schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    if all(name in call.input for name in names):
        return {name: value for name, value in call.input.items() if name in properties}
    if len(names) == 1 and len(call.input) == 1:
        return {names[0]: next(iter(call.input.values()))}
    return None


def _mended(tool: ToolSpec, call: Call, said: str) -> dict[str, JsonValue] | None:
    """Return the input with the fields mended that the reason names; None where that changes nothing."""
    schema = amended(tool.input_schema, [_INVALID.sub("", said)])
    changed = dict(call.input)
    for name, inner in properties_of(schema).items():
        if inner == properties_of(tool.input_schema).get(name):
            continue
        value, choices = changed.get(name), inner.get("enum")
        if isinstance(choices, list) and choices:
            changed[name] = choices[0]
        elif isinstance(value, bool):
            continue
        elif isinstance(value, int | float):
            changed[name] = bounded_number(value, inner)
        elif isinstance(value, str):
            text = bounded_text(value, inner)
            changed[name] = matching(inner, [text, *text.split(), text.upper(), text.lower()]) or text
    for name in set(changed) - set(properties_of(schema)):
        del changed[name]
    return changed if changed != call.input else None


def _same(call: Call, input_: dict[str, JsonValue]) -> bool:
    return input_ in (call.input, call.asked)


def _is_asked(tool: str, input_: dict[str, JsonValue], calls: Sequence[Call], tries: int) -> bool:
    return sum(1 for call in calls if call.tool == tool and _same(call, input_)) >= tries
