"""About what a fork costs, in words: shared by the command line and the fork dialog."""

from __future__ import annotations

from typing import NamedTuple

from workbench.debugger.cost import ForkCost
from workbench.views.text import counted, human_cost, human_tokens, one_line


class CostWords(NamedTuple):
    """Three short sentences."""

    sends: str
    """What is sent again, and how much of it a cache holds."""
    cost: str
    """What sending it costs."""
    rest: str
    """What the steps to come cost, judging by the parent's."""


def cost_words(cost: ForkCost) -> CostWords:
    """Return the sentences about a cost."""
    return CostWords(_sends(cost), _cost(cost), _rest(cost))


def _sends(cost: ForkCost) -> str:
    sent = f"{human_tokens(cost.prefix_tokens)} tokens"
    if cost.lost:
        return f"{sent}; cache lost from the start ({', '.join(cost.lost)} changed)"
    if not cost.cached_tokens:
        return f"{sent}, none of which a cache can hold yet"
    share = round(100 * cost.cached_tokens / max(cost.prefix_tokens, 1))
    return f"{sent}; the cache should hold {human_tokens(cost.cached_tokens)} ({share} %)"


def _cost(cost: ForkCost) -> str:
    if cost.without_cache is None or cost.with_cache is None:
        return f"unknown: no price is known for {one_line(cost.model, 80)}"
    if cost.with_cache == cost.without_cache == 0:
        return "nothing: this model costs nothing"
    if cost.with_cache == cost.without_cache:
        return f"about {human_cost(cost.without_cache)} to send them"
    return f"about {human_cost(cost.with_cache)}; {human_cost(cost.without_cache)} if the cache forgot them"


def _rest(cost: ForkCost) -> str:
    if not cost.rest_steps:
        return "the parent took no step after here to judge by"
    steps = counted(cost.rest_steps, "step")
    if cost.rest is None:
        return f"cost unknown; the parent took {steps} more"
    return f"about {human_cost(cost.rest)}, if like the parent's {steps} after here"
