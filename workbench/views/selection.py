"""What a person can point at in a timeline. Names things, knows nothing of where they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SelectionKind = Literal["plan", "plan_step", "step", "call", "message", "answer", "none"]


@dataclass(frozen=True, slots=True)
class Selection:
    """One thing of a run's timeline; equal selections name the same thing."""

    kind: SelectionKind = "none"
    step: int | None = None
    """Of a step or a call."""
    call: str | None = None
    """`STEP.CALL`."""
    index: int | None = None
    """Of a plan's step, of a message among the messages of the conversation, or of one of a call's subagents."""


NOTHING = Selection()
