"""How much Claude thinks, said as each of its models takes it: the same in its own API and in Bedrock's."""

from __future__ import annotations

from typing import Final

from workbench.events.request import AssistantMessage, Request
from workbench.providers.wire.common import Body, verbatim

LEAST: Final = 1024
"""The API refuses fewer tokens for thinking."""
_BY_TOKENS: Final = ("-4-5", "-4-1", "-4-0", "-4-2025", "-3-7-")
"""In the names of models that take a number of tokens for thinking, and no word for how much."""
_SHARES: Final = {"low": 0.25, "medium": 0.5, "high": 0.75, "xhigh": 0.85, "max": 0.9}
"""Of the tokens of an answer, how many such a model may think with."""


def takes_word(model: str) -> bool:
    """Whether a model of Claude's is told by a word how much to think; older ones are given tokens for it."""
    return not any(old in model for old in _BY_TOKENS)


def thinking(request: Request, model: str, provider: str) -> Body | None:
    """Return how a model of Claude's is asked to think, or None where it must not.

    The API refuses thinking beside a forced call or a temperature; and inside a loop of tools it may only go on where
    all of the loop's turns are sent back as `provider` wrote them.
    """
    effort, wanted = request.parameters.effort, request.parameters
    may_think = wanted.tool_choice in ("auto", "none") and wanted.temperature is None
    if effort is None or not may_think or any(verbatim(turn, provider) is None for turn in _turns_of_loop(request)):
        return None
    if takes_word(model):
        return {"type": "adaptive", "display": "summarized"}
    budget = int(wanted.max_tokens * _SHARES.get(effort, 0.5))
    return {"type": "enabled", "budget_tokens": budget} if LEAST <= budget < wanted.max_tokens else None


def _turns_of_loop(request: Request) -> list[AssistantMessage]:
    """Return the turns since a person spoke last."""
    turns: list[AssistantMessage] = []
    for message in reversed(request.messages):
        if isinstance(message, AssistantMessage):
            turns.append(message)
        elif not message.results:
            break
    return turns
