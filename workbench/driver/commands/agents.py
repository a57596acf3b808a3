"""What a person chooses about the agent of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import JsonValue

from workbench.events.agent import PermissionRules, PlanMode


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """What a person may choose about the agent of a run; None keeps the agent's own value."""

    model: str | None = None
    parameters: Mapping[str, JsonValue] | None = None
    """How the model is asked; what is not named stays as it is."""
    docs: str | None = None
    """Folder of documents; None for the embedded library."""
    plan: PlanMode | None = None
    sequential: bool = False
    pace: float | None = None
    max_steps: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None
    limits: Mapping[str, JsonValue] | None = None
    """Further limits by their names in `Limits`; what is not named stays as it is."""
    retries: Mapping[str, JsonValue] | None = None
    """By the names in `ModelRetries`."""
    prompts: Mapping[str, str] | None = None
    """What the model is told: `instructions`, `planner`, `subagent` or `summary`."""
    live_tools: bool = False
    """With a recorded model: run the tools that only read."""
    permissions: PermissionRules | None = None
    """Rules that hold beside those of the agent and of the settings."""
    deny_asks: bool = False
    """Deny calls that would ask a person, instead of waiting."""
    fallback: AgentOptions | None = None
    """What holds in a new run where neither these nor the agent itself say anything: the person's settings."""


class LimitNames(NamedTuple):
    """What one limit is called, and how it is counted."""

    limit: str
    """In `Limits`."""
    option: str
    """In `AgentOptions`; on the command line with dashes."""
    unit: str
    """What it counts."""
    is_whole: bool


LIMITS: Final[Mapping[str, LimitNames]] = {
    "step_limit": LimitNames("steps", "max_steps", "steps", is_whole=True),
    "token_limit": LimitNames("tokens", "max_tokens", "tokens", is_whole=True),
    "cost_limit": LimitNames("cost", "max_cost", "dollars", is_whole=False),
    "time_limit": LimitNames("seconds", "max_seconds", "seconds", is_whole=False),
}
"""The limits that a person may raise, by the reason with which a run rests at one."""
