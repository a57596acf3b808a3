"""One response of the model: its start, its streamed pieces, its end."""

from __future__ import annotations

from typing import Literal

from workbench.events.base import Event
from workbench.events.request import ProviderParts, Purpose, ToolCallBlock, TurnBlock, Usage

SHORTEST = 0.001
"""Seconds from which on a speed says something."""


class TurnStarted(Event):
    """A request went to the model."""

    kind: Literal["turn_started"] = "turn_started"
    step: int
    """Index of the step that the turn opens; for a plan, a summary or a judge the step it stands before."""
    attempt: int
    """0 for the first try of this turn."""
    purpose: Purpose
    model: str
    request_key: str
    """Rolling hash of the request; equal situations have equal keys."""


class TurnText(Event):
    """A piece of streamed text, stored every 250 ms; `turn_finished` is the whole truth."""

    kind: Literal["turn_text"] = "turn_text"
    step: int
    attempt: int
    text: str
    thinking: bool = False


class TurnDiscarded(Event):
    """An attempt was given up; nothing of it enters the conversation."""

    kind: Literal["turn_discarded"] = "turn_discarded"
    step: int
    attempt: int
    reason: str
    """`paused`, `crashed`, `out of time`, `broken: …`, `refused: …`."""
    usage: Usage | None = None
    """What the provider said that it used all the same; None where it said nothing."""


class ModelRetried(Event):
    """A model request failed and is tried again after a wait."""

    kind: Literal["model_retried"] = "model_retried"
    step: int
    attempt: int
    """The attempt that failed."""
    error: str
    error_kind: str
    wait: float
    """Seconds until the next attempt."""
    most: int | None = None
    """How often the turn is tried at most."""


class TurnFinished(Event):
    """The model's whole turn."""

    kind: Literal["turn_finished"] = "turn_finished"
    step: int
    attempt: int
    purpose: Purpose
    content: tuple[TurnBlock, ...]
    stop_reason: str
    usage: Usage
    elapsed: float
    """Seconds from request to last byte."""
    first_token: float | None = None
    """Seconds from request to the first piece."""
    provider_parts: ProviderParts | None = None

    @property
    def calls(self) -> tuple[ToolCallBlock, ...]:
        """The calls that the turn asks for, in the model's order."""
        return tuple(block for block in self.content if isinstance(block, ToolCallBlock))


def tokens_per_second(usage: Usage, elapsed: float, first_token: float | None) -> float | None:
    """Return how fast a turn was written after its first piece; None where that took no time to speak of.

    `elapsed` and `first_token` are seconds from the request.
    """
    seconds = elapsed - (first_token or 0.0)
    return (
        None if first_token is None or seconds < SHORTEST or not usage.output_tokens else usage.output_tokens / seconds
    )
