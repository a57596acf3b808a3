"""Limits: where a run stops, with a reason, resumable with a higher one."""

from __future__ import annotations

from typing import Literal

from workbench.events.run import LimitReached
from workbench.state.run_state import RunState

FAILURE_SHARE, FEWEST_FAILURES = 0.10, 3
"""More than this share of the last outcomes, and at least so many, make calls run one by one."""
CLEAN_TO_RETURN = 10
"""Clean calls in a row until they run at once again."""


def limit_reached(state: RunState) -> LimitReached | None:
    """Return the limit that forbids another turn, or None."""
    if state.agent is None:
        return None
    limits, usage = state.agent.limits, state.total_usage
    if limits.steps is not None and state.finished_steps >= limits.steps:
        return LimitReached(limit="step_limit", value=state.finished_steps, maximum=limits.steps)
    if limits.tokens is not None and usage.total_tokens >= limits.tokens:
        return LimitReached(limit="token_limit", value=usage.total_tokens, maximum=limits.tokens)
    if limits.cost is not None and usage.cost is not None and usage.cost >= limits.cost:
        return LimitReached(limit="cost_limit", value=usage.cost, maximum=limits.cost)
    if limits.seconds is not None and state.driven_seconds >= limits.seconds:
        return LimitReached(limit="time_limit", value=state.driven_seconds, maximum=limits.seconds)
    return None


def wanted_mode(state: RunState) -> tuple[Literal["parallel", "sequential"], str] | None:
    """Return the mode that the last outcomes ask for and why, or None where nothing changes."""
    if state.mode == "parallel":
        failures = sum(state.outcomes)
        if failures >= FEWEST_FAILURES and failures > FAILURE_SHARE * len(state.outcomes):
            return "sequential", f"{failures} of the last {len(state.outcomes)} calls failed"
    elif state.clean_in_a_row >= CLEAN_TO_RETURN:
        return "parallel", f"{CLEAN_TO_RETURN} calls in a row were clean"
    return None
