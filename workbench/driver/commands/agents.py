"""What a person chooses about the agent of a run."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.events.agent import PlanMode


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """What a person may choose about the agent of a run; None keeps the agent's own value."""

    model: str | None = None
    docs: str | None = None
    """Folder of documents; None for the embedded library."""
    plan: PlanMode | None = None
    sequential: bool = False
    pace: float | None = None
    max_steps: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None
    deny_asks: bool = False
    """Deny calls that would ask a person, instead of waiting."""
