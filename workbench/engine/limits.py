"""Limits: where a run stops, with a reason, resumable with a higher one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal

from workbench.events.agent import Limits, ToolSpec
from workbench.events.request import NO_USAGE, Usage
from workbench.events.run import LimitReached
from workbench.state.run_state import RunState

FAILURE_SHARE, FEWEST_FAILURES = 0.10, 3
"""More than this share of the last outcomes, and at least so many, make calls run one by one."""
CLEAN_TO_RETURN = 10
"""Clean calls in a row until they run at once again."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What was used of tokens, cost and time, and the limits of these; a run shares them with its subagents."""

    limits: Limits
    usage: Usage
    seconds: float


ReadBudget = Callable[[RunState], Budget]
"""Gives the budget that holds for a run, as of now."""


def own_budget(state: RunState) -> Budget:
    """Return the budget of a run that has no live subagents: what it and those that are over used."""
    limits = state.agent.limits if state.agent is not None else Limits(steps=None)
    usage = state.total_usage if limits.tokens is not None or limits.cost is not None else NO_USAGE
    return Budget(limits, usage, state.driven_seconds)


def family_budget(root: RunState, known: Mapping[str, RunState], state: RunState) -> Budget:
    """Return the budget that a run and its subagents share, for `state`, one of them; `known` are the subagents by run.

    It follows from their logs alone, so it is the same after a restart.
    """
    limits = root.agent.limits if root.agent is not None else Limits(steps=None)
    usage = Usage()
    if limits.tokens is not None or limits.cost is not None:
        open_calls = root.open_step.calls if root.open_step is not None else {}
        members = [member for call in open_calls.values() for member in call.members.values()]
        closed = [used for call, (used, _) in root.children.items() if call not in open_calls]
        live = [known[member.run].usage if member.run in known else member.usage for member in members]
        usage = sum((*closed, *live), root.usage)
    since = max(0.0, state.at - root.at)  # the root waits for its subagents: its own log says nothing meanwhile
    return Budget(limits, usage, root.driven_seconds + since)


def limit_reached(state: RunState, read: ReadBudget = own_budget) -> LimitReached | None:
    """Return the limit that forbids another turn, or None."""
    if state.agent is None:
        return None
    steps = state.agent.limits.steps
    if steps is not None and state.finished_steps >= steps:
        return LimitReached(limit="step_limit", value=state.finished_steps, maximum=steps)
    budget = read(state)
    limits, usage = budget.limits, budget.usage
    if limits.tokens is not None and usage.total_tokens >= limits.tokens:
        return LimitReached(limit="token_limit", value=usage.total_tokens, maximum=limits.tokens)
    if limits.cost is not None and usage.cost is not None and usage.cost >= limits.cost:
        return LimitReached(limit="cost_limit", value=usage.cost, maximum=limits.cost)
    if limits.seconds is not None and budget.seconds >= limits.seconds:
        return LimitReached(limit="time_limit", value=budget.seconds, maximum=limits.seconds)
    return None


def seconds_left(state: RunState, read: ReadBudget = own_budget) -> float | None:
    """Return the seconds until the run's time limit, for the turn that begins; None without one."""
    budget = read(state)
    return None if budget.limits.seconds is None else max(0.0, budget.limits.seconds - budget.seconds)


def out_of_time(state: RunState, read: ReadBudget = own_budget) -> LimitReached:
    """Return that the time limit is reached: by a turn that was waited for, of which the log need not know yet."""
    budget = read(state)
    maximum = budget.limits.seconds or 0.0
    return LimitReached(limit="time_limit", value=max(budget.seconds, maximum), maximum=maximum)


def raised_limit(state: RunState, limit: str) -> float | None:
    """Return a limit with which a run that has reached one can go on for a while; None without one.

    It is twice the limit, or twice what is used where that is more: a last turn may go far beyond.
    """
    now = getattr(state.agent.limits, limit, None) if state.agent is not None else None
    if not now:
        return None
    usage = state.total_usage
    used = {"steps": state.finished_steps, "tokens": usage.total_tokens, "cost": usage.cost}
    most = max(now, used.get(limit, state.driven_seconds) or 0)
    return 2 * most if isinstance(most, int) else _rounded_up(2 * most)


def _rounded_up(value: float) -> float:
    """Return the next number of two digits that count."""
    step = 10.0 ** (floor(log10(value)) - 1)
    return float(f"{ceil(value / step - 1e-9) * step:.12g}")


def has_room(spec: ToolSpec, flying: Sequence[ToolSpec], at_once: int) -> bool:
    """Return whether a call of `spec` may start beside those that fly; where nothing flies, it always may."""
    if not flying:
        return True
    if len(flying) >= at_once or (spec.exclusive is not None and any(o.exclusive == spec.exclusive for o in flying)):
        return False
    most = spec.max_concurrency
    return most is None or sum(1 for other in flying if other.name == spec.name) < most


def wanted_mode(state: RunState) -> tuple[Literal["parallel", "sequential"], str] | None:
    """Return the mode that the last outcomes ask for and why, or None where nothing changes."""
    if state.mode == "parallel":
        failures = sum(state.outcomes)
        if failures >= FEWEST_FAILURES and failures > FAILURE_SHARE * len(state.outcomes):
            return "sequential", f"{failures} of the last {len(state.outcomes)} calls failed"
    elif state.clean_in_a_row >= CLEAN_TO_RETURN:
        return "parallel", f"{CLEAN_TO_RETURN} calls in a row were clean"
    return None
