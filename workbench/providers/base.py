"""The seam: what a provider is, and the pieces in which it answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Never, Protocol

from pydantic import JsonValue

from workbench.events.content import DEEPEST, Content, normalise_json
from workbench.events.request import ProviderParts, Request, Usage


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of text."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """A piece of thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class CallOpened:
    """A tool call begins. `index` tells the calls of one turn apart and orders them."""

    index: int
    tool: str


@dataclass(frozen=True, slots=True)
class CallInput:
    """A piece of a call's arguments, as JSON text."""

    index: int
    json: str


@dataclass(frozen=True, slots=True)
class CallClosed:
    """A call's block is complete: its arguments can be read, and it may start."""

    index: int
    invalid: str | None = None
    """Why the provider itself says that they cannot; None: whoever reads them finds out."""


@dataclass(frozen=True, slots=True)
class HostedStarted:
    """A tool that runs at the provider began."""

    index: int
    """Tells such calls of one turn apart; it shares no numbers with the calls that are asked of us."""
    tool: str
    input: dict[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostedFinished:
    """It came to its end. The model has the result already; here it is to be shown."""

    index: int
    result: Content
    is_error: bool = False
    input: dict[str, JsonValue] | None = None
    """What it was given, where that is told only now."""


@dataclass(frozen=True, slots=True)
class PartsDelta:
    """What only this provider understands, to be sent back with the turn."""

    parts: ProviderParts


@dataclass(frozen=True, slots=True)
class Alive:
    """The provider is at work though it says nothing yet: it has connected, or it thinks in silence.

    No content; it only shows that there is no reason to give the request up.
    """


@dataclass(frozen=True, slots=True)
class UsageSoFar:
    """What the turn has used by now: it counts, should the turn break off."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """The provider's own word that the turn is whole. A stream without it is broken."""

    stop_reason: str
    """`end_turn`, `tool_calls`, `max_tokens`, `refusal`, or the provider's own word."""
    usage: Usage


Delta = (
    TextDelta
    | ThinkingDelta
    | CallOpened
    | CallInput
    | CallClosed
    | HostedStarted
    | HostedFinished
    | PartsDelta
    | Alive
    | UsageSoFar
    | TurnEnd
)


class Provider(Protocol):
    """Anything with this one method can be the model of an agent."""

    def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Answer `request` in pieces, ending with `TurnEnd`.

        Raises `TransientModelError` or `PermanentModelError`. Closing the iterator frees the connection at once.
        """
        ...


def parse_arguments(text: str) -> tuple[dict[str, JsonValue], str | None]:
    """Return a call's arguments, normalised, or an empty object and the reason why they cannot be read.

    Strict: SDKs accept cut JSON silently, and a half call must never run.
    """
    if not text.strip():
        return {}, None
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        return {}, _TOO_DEEP
    except ValueError as error:
        return {}, f"the arguments are not valid JSON ({error}); they may have been cut off"
    if not isinstance(value, dict):
        return {}, f"the arguments must be a JSON object, not {type(value).__name__}"
    if text.count("{") + text.count("[") > DEEPEST and _is_deeper(value, DEEPEST):
        return {}, _TOO_DEEP
    normal = normalise_json(value)
    return (normal if isinstance(normal, dict) else {}), None


_TOO_DEEP = "the arguments are nested too deeply"


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _is_deeper(value: Any, levels: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return items is not None and (levels <= 0 or any(_is_deeper(item, levels - 1) for item in items))
