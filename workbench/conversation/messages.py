"""Histories that every provider accepts: one assistant turn, then one user message with all its results first.

The rule is common to the Messages, Responses, Chat Completions and Converse APIs: each call has exactly one result, in
the message that follows it, and roles alternate.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.events.content import text_content
from workbench.events.request import AssistantMessage, Message, ToolCallBlock, ToolResultBlock, UserMessage

NOT_RUN = "not run: the run was stopped before this call had a result"


def calls_of(message: AssistantMessage) -> list[ToolCallBlock]:
    """Return the calls that a turn asks for."""
    return [block for block in message.content if isinstance(block, ToolCallBlock)]


def problems(messages: Sequence[Message]) -> list[str]:
    """Return what a provider would refuse in `messages`, as sentences; an empty list for a sound history."""
    found: list[str] = []
    if not messages or not isinstance(messages[0], UserMessage):
        found.append("the history does not begin with a user message")
    for index, message in enumerate(messages):
        before = messages[index - 1] if index else None
        if before is not None and before.role == message.role:
            found.append(f"messages {index - 1} and {index} are both of the {message.role}")
        asked = {call.id for call in calls_of(before)} if isinstance(before, AssistantMessage) else set()
        if isinstance(message, UserMessage):
            given = [result.call for result in message.results]
            if len(given) != len(set(given)):
                found.append(f"message {index} answers a call twice")
            if set(given) != asked:
                found.append(f"message {index} answers {sorted(given)}; asked were {sorted(asked)}")
            if not message.results and not message.content:
                found.append(f"message {index} is empty")
        elif not message.content:
            found.append(f"message {index} is an empty turn")
    if messages and isinstance(messages[-1], AssistantMessage):
        found.append("the history ends with a turn of the model")
    return found


def answered(turn: AssistantMessage, message: UserMessage) -> UserMessage:
    """Return `message` with exactly one result for each call of `turn`, in the model's order.

    A call without a result gets one that says it was not run; of two results the first counts; results of calls
    that the turn did not ask for go.
    """
    given: dict[str, ToolResultBlock] = {}
    for result in message.results:
        given.setdefault(result.call, result)
    results = tuple(
        given.get(call.id) or ToolResultBlock(call=call.id, content=text_content(NOT_RUN), is_error=True)
        for call in calls_of(turn)
    )
    return message if results == message.results else message.model_copy(update={"results": results})
