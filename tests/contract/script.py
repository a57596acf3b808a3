"""What a test lets a provider's server say, in words that are the same for every API.

An adapter says it in its API's own words: see `adapters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from workbench.events.request import Usage
from workbench.providers.base import Provider
from workbench.providers.remote import Endpoint

KEY = "sk-canary-0123456789abcdef"
"""What adapters use as the key; no message may show it."""
SECRET = "sealed-by-the-provider"
"""What adapters put where their API seals thinking; it must come back verbatim."""


class AtProvider(NamedTuple):
    """A call that the provider runs itself, and what it finds: pages, or what a program printed."""

    tool: Literal["web_search", "code_execution"]
    given: str
    found: str


@dataclass(frozen=True)
class Answer:
    """One turn of the model, in the order thinking, what ran at the provider, text, calls.

    Calls are `(tool, arguments as text)`, so that arguments may be cut or malformed.
    """

    text: str = ""
    thinking: str = ""
    calls: Sequence[tuple[str, str]] = ()
    hosted: Sequence[AtProvider] = ()
    """Only APIs that have such tools can say these."""
    stop: Literal["end_turn", "tool_calls", "max_tokens", "refusal"] | None = None
    """None for what fits the calls. With `max_tokens` the last call's arguments may be cut."""
    usage: Usage = field(
        default_factory=lambda: Usage(input_tokens=120, output_tokens=30, cache_read_tokens=100, cost=None)
    )
    """Cached tokens are part of `input_tokens`, as everywhere here."""
    ids: Sequence[str] | None = None
    """The provider's ids of the calls; None for ids of the adapter's own, all different."""
    pieces: int = 3
    """In how many parts texts and arguments are streamed."""


@dataclass(frozen=True)
class Broken:
    """An answer whose stream goes wrong after some whole frames, and some bytes of the next.

    `end` ends the stream as if all were well, `drop` ends the connection, `hold` says nothing more until the client
    goes, `garbage` goes on with bytes that are no part of the API.
    """

    answer: Answer
    frames: int
    more: int = 0
    how: Literal["end", "drop", "hold", "garbage"] = "end"


@dataclass(frozen=True)
class Failing:
    """An answer that is an error, as a status or, with `in_stream`, as an event after some frames of an answer."""

    status: int
    kind: str
    """Our word for it; see `workbench.providers.failures.KINDS`."""
    message: str = "no"
    retry_after: float | None = None
    in_stream: Answer | None = None
    frames: int = 0


@dataclass(frozen=True)
class Page:
    """Something that is no API: status 200, and an HTML page."""

    text: str = "<!doctype html><html><body>Please log in.</body></html>"


Step = Answer | Broken | Failing | Page


class Frames(NamedTuple):
    """An answer on the wire."""

    frames: list[bytes]
    whole: int
    """How many frames make the turn whole; what comes after may get lost."""


class Adapter(Protocol):
    """One API, for the contract. A module in `adapters` has one as `ADAPTER`."""

    name: str
    model: str
    """A model name, `provider:model`, that no price list knows."""
    content_type: str

    def frames(self, answer: Answer) -> Frames:
        """Return an answer as the API streams it."""
        ...

    def error(self, failing: Failing) -> tuple[dict[str, str], bytes]:
        """Return the headers and the body of an error with a status; `retry-after` is added by the server."""
        ...

    def error_frame(self, failing: Failing) -> bytes | None:
        """Return an error as an event of a stream; None where the API has none."""
        ...

    def provider(self, endpoint: Endpoint) -> Provider:
        """Return the provider, asking at `endpoint.base_url` with `KEY`."""
        ...

    def calls(self, body: Any) -> tuple[list[str], list[str]]:
        """Return the ids of the calls in the body of a request, and those that its results answer to."""
        ...


def cut(text: str, pieces: int) -> list[str]:
    """Return `text` in at most so many pieces, none of them empty."""
    size = max(1, -(-len(text) // max(1, pieces)))
    return [text[start : start + size] for start in range(0, len(text), size)]


def id_of(answer: Answer, number: int, prefix: str) -> str:
    """Return the provider's id of a call."""
    return f"{prefix}{number}" if answer.ids is None else answer.ids[number]
