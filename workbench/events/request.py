"""The conversation format of our own, and the request that a provider gets.

Nothing in a request names a run, a path or a duration, so that equal situations make equal requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from workbench.events.agent import ModelParameters, ToolSpec
from workbench.events.base import Frozen
from workbench.events.content import Content, TextBlock

Purpose = Literal["plan", "step", "summary", "judge"]


class ThinkingBlock(Frozen):
    """What a model thought before it spoke, as far as its provider shows it."""

    type: Literal["thinking"] = "thinking"
    text: str


class ToolCallBlock(Frozen):
    """A model's wish to call a tool."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    """Our own id, `STEP.CALL`, unique in the lineage."""
    tool: str
    input: dict[str, JsonValue]
    invalid: str | None = None
    """Why the arguments could not be read (malformed or cut JSON); then `input` is empty and nothing runs."""


TurnBlock = Annotated[TextBlock | ThinkingBlock | ToolCallBlock, Field(discriminator="type")]


class ProviderParts(Frozen):
    """What only one provider understands (signatures, encrypted reasoning, ids); sent verbatim or not at all."""

    provider: str
    parts: JsonValue


class ToolResultBlock(Frozen):
    """The one result of a call."""

    type: Literal["tool_result"] = "tool_result"
    call: str
    content: Content
    is_error: bool = False


class UserMessage(Frozen):
    """Results first, then text, in one message."""

    role: Literal["user"] = "user"
    results: tuple[ToolResultBlock, ...] = ()
    content: Content = ()


class AssistantMessage(Frozen):
    """One turn of the model."""

    role: Literal["assistant"] = "assistant"
    content: tuple[TurnBlock, ...]
    provider_parts: ProviderParts | None = None


Message = Annotated[UserMessage | AssistantMessage, Field(discriminator="role")]


@dataclass(frozen=True, slots=True)
class Request:
    """Everything a provider needs for one turn. Made anew for each, never stored: the log can rebuild it."""

    purpose: Purpose
    instructions: str
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...]
    model: str
    """`provider:model[@base_url]`."""
    parameters: ModelParameters
    parallel_tool_calls: bool = True
    """Off, the model is asked for one call at a time."""


class Usage(Frozen):
    """What one or more turns used."""

    input_tokens: int = 0
    """Tokens of the request, cached ones included."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: float | None = 0.0
    """US dollars; None where the price is unknown, never 0 for a guess."""

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; an unknown cost stays unknown."""
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            cost=cost,
        )

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


NO_USAGE: Final = Usage()
"""What nothing used; one for all, as it never changes."""
