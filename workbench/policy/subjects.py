"""What a call is about, and whether a pattern means it: read strictly to allow, in every way to restrict.

A tool names the field (`ToolSpec.subject`), and the field's name says how it is read: `command`, `code`, `url`, `path`
or `below` in the ways of its kind, anything else as text. A tool that names none has its whole input read as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import JsonValue

from workbench.events.agent import ToolSpec
from workbench.policy import addresses, commands, paths
from workbench.policy.wildcards import fits, loosely

Kind = Literal["command", "code", "url", "path", "below", "text"]
KINDS: Final[Mapping[str, Kind]] = {
    "command": "command", "cmd": "command", "argv": "command",
    "code": "code",
    "url": "url", "uri": "url",
    "path": "path", "file": "path", "folder": "path", "directory": "path",
    "below": "below",
}  # fmt: skip
"""How the subject of a tool is read, by the name of its field."""


def kind_of(spec: ToolSpec) -> Kind:
    """Return how the subject of a tool is read."""
    return KINDS.get(spec.subject or "", "text")


def subject_text(spec: ToolSpec, input_: Mapping[str, JsonValue]) -> str | None:
    """Return what patterns look at; None where the input does not say it."""
    if spec.subject is None:
        return canonical(input_)
    value = input_.get(spec.subject)
    match value:
        case str():
            return value
        case None:
            return None
        case list() if kind_of(spec) == "command":
            return commands.joined(value)
        case _:
            return canonical(value)


def leave_for(spec: ToolSpec, input_: Mapping[str, JsonValue]) -> str:
    """Return what a person allows who allows a call for the rest of the run, written like a rule.

    The tool, or for one that takes addresses the tool at that host: leave for one place is none for another.
    """
    if kind_of(spec) != "url":
        return spec.name
    address = addresses.read_address(subject_text(spec, input_) or "")
    return f"{spec.name}({address.host if address is not None else subject_text(spec, input_)})"


def canonical(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """Return a value as the one JSON text that equal values have."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def is_compound(spec: ToolSpec, input_: Mapping[str, JsonValue]) -> bool:
    """Whether a call runs a command that is more than one plain command."""
    if kind_of(spec) != "command":
        return False
    text = subject_text(spec, input_)
    return text is None or commands.is_compound(text)


def allows(pattern: str, spec: ToolSpec, input_: Mapping[str, JsonValue]) -> bool:
    """Whether the pattern of an *allow* rule surely means what the call is about."""
    text = subject_text(spec, input_)
    if text is None:
        return False
    match kind_of(spec):
        case "command":
            return commands.allows(pattern, text)
        case "url":
            return addresses.allows(pattern, text)
        case "path":
            return paths.allows(pattern, text)
        case "below":
            return paths.allows_below(pattern, text)
        case "code":  # what begins and ends as a pattern says may do anything in between
            return pattern in ("*", text)
        case "text":
            return fits(pattern, text)


def restricts(pattern: str, spec: ToolSpec, input_: Mapping[str, JsonValue]) -> bool:
    """Whether the pattern of an *ask* or *deny* rule could mean it; what the input does not say could be anything."""
    text = subject_text(spec, input_)
    if text is None or fits(loosely(pattern), loosely(text)):
        return True
    match kind_of(spec):
        case "command":
            return commands.restricts(pattern, text)
        case "url":
            return addresses.restricts(pattern, text)
        case "path":
            return paths.restricts(pattern, text)
        case "below":
            return paths.restricts_below(pattern, text)
        case "text" | "code":
            return False
