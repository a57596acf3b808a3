"""About what a fork will cost: the prefix that is sent again, how much of it a provider's cache holds, and the rest.

Estimates, from the usage that the parent recorded and from the sizes of results. Prices are given from outside, as a
function, so that nothing here looks anything up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from workbench.events.agent import AgentRecord
from workbench.events.base import Event, Recorded
from workbench.events.content import context_size
from workbench.events.edit import AgentEdited, MessageAdded, ResultEdited, TextEdited
from workbench.events.request import Usage
from workbench.events.turn import TurnFinished, TurnStarted
from workbench.state.parts import Said, StepState
from workbench.state.run_state import RunState

Price = Callable[[str, Usage], float | None]
"""US dollars of a usage, by the model's name; None where no price is known."""
BYTES_PER_TOKEN = 4
"""Of UTF-8: the usual estimate."""
FRONT = frozenset({"model", "instructions", "tools"})
"""What stands before everything else in a request: changed, nothing of a cache fits any more."""


def unknown_price(model: str, usage: Usage) -> None:
    """Know no price."""


@dataclass(frozen=True, slots=True)
class ForkCost:
    """About what a fork will cost; US dollars, None where no price is known."""

    model: str
    prefix_tokens: int
    """Of the fork's first request."""
    cached_tokens: int
    """How many of them the provider's cache should still hold."""
    lost: tuple[str, ...] = ()
    """What changed at the front, so that the cache holds none."""
    with_cache: float | None = 0.0
    """Of sending the prefix, where the cache holds what it should."""
    without_cache: float | None = 0.0
    """Of sending it to a provider that has forgotten it."""
    rest_steps: int = 0
    """Steps that the parent took after the cut."""
    rest: float | None = 0.0
    """Of the turns that the parent and its subagents took after the cut, if the fork takes the same."""


def fork_cost(
    state: RunState,
    edits: Sequence[Event],
    reset: Collection[str],
    later: Sequence[Recorded],
    beside: Iterable[Recorded],
    price: Price,
) -> ForkCost:
    """Return about what a fork of `state` costs.

    `reset` are the calls of the open step that change or run again; `later` are the parent's events after the cut,
    `beside` those of its subagents.
    """
    agent = next((event.agent for event in edits if isinstance(event, AgentEdited)), state.agent)
    changed = {name for event in edits if isinstance(event, AgentEdited) for name in event.changed}
    lost = tuple(sorted(FRONT & changed))
    model = agent.model if agent is not None else ""
    last = next((step for step in reversed(state.steps) if step.turn.status == "finished"), None)
    prefix = _prefix(state, agent, last, reset) + _added(edits)
    cached = 0 if lost else min(prefix, _cached(state, last, edits, reset, later))
    turns = [record.event for record in (*later, *beside) if isinstance(record.event, TurnFinished)]
    prices = [price(model, turn.usage) for turn in turns]
    return ForkCost(
        model=model,
        prefix_tokens=prefix,
        cached_tokens=cached,
        lost=lost,
        with_cache=price(model, Usage(input_tokens=prefix, cache_read_tokens=cached)),
        without_cache=price(model, Usage(input_tokens=prefix)),
        rest_steps=sum(
            1 for record in later if isinstance(record.event, TurnFinished) and record.event.purpose == "step"
        ),
        rest=_sum(prices),
    )


def _sum(prices: Iterable[float | None]) -> float | None:
    total = 0.0
    for one in prices:
        if one is None:
            return None
        total += one
    return total


def _prefix(state: RunState, agent: AgentRecord | None, last: StepState | None, reset: Collection[str] = ()) -> int:
    """Return the tokens of what is kept: the last request as its provider counted it, its turn and the results."""
    if last is not None:
        kept = [call.result for call in last.asked_calls if call.id not in reset and call.result is not None]
        return last.turn.usage.total_tokens + sum(result.size // BYTES_PER_TOKEN for result in kept)
    said = [entry.content for entry in (*state.entries, *state.queued) if isinstance(entry, Said)]
    size = sum(context_size(content) for content in said)
    if agent is not None:
        tools = [[tool.name, tool.description, tool.input_schema] for tool in agent.tools]
        size += len(agent.instructions.encode("utf-8", "replace")) + len(json.dumps(tools))
    return size // BYTES_PER_TOKEN


def _added(edits: Iterable[Event]) -> int:
    """Return the tokens that edits add at the end."""
    said = sum(context_size(event.content) for event in edits if isinstance(event, MessageAdded))
    results = sum(event.size for event in edits if isinstance(event, ResultEdited))
    return (said + results) // BYTES_PER_TOKEN


def _cached(
    state: RunState, last: StepState | None, edits: Sequence[Event], reset: Collection[str], later: Iterable[Recorded]
) -> int:
    """Return the tokens at the front that the parent sent and the fork sends again as they were."""
    next_step = len(state.steps) if last is None or last.is_closed else last.index + 1
    was_sent = any(isinstance(record.event, TurnStarted) and record.event.step == next_step
                   and record.event.purpose == "step" for record in later)  # fmt: skip
    if last is None:
        return _prefix(state, state.agent, None) if was_sent else 0
    if not was_sent or any(isinstance(event, TextEdited) for event in edits):
        return last.turn.usage.input_tokens
    tokens = last.turn.usage.total_tokens
    for call in last.asked_calls:
        if call.id in reset or call.result is None:
            break
        tokens += call.result.size // BYTES_PER_TOKEN
    return tokens
