"""A model that takes a given time for each turn, and says of each request what the engine estimates that it weighs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.benchmarks.measure import now
from workbench import Agent
from workbench.conversation.builder import BYTES_PER_TOKEN, message_json, tools_json
from workbench.events.base import Recorded
from workbench.events.call import CallFinished, CallStarted
from workbench.events.request import Request, ToolResultBlock, UserMessage
from workbench.events.turn import TurnFinished
from workbench.providers.base import Delta, Provider, TurnEnd
from workbench.providers.scripted import ScriptedProvider, Turn


def tokens_of(request: Request) -> int:
    """Return the tokens of a request, estimated as the engine estimates them."""
    size = len(f"{request.instructions}\n{tools_json(request.tools)}".encode())
    return (size + sum(len(message_json(message, {})) for message in request.messages)) // BYTES_PER_TOKEN


def steps_before(request: Request) -> int:
    """Return how many turns of the model a request has."""
    return sum(message.role == "assistant" for message in request.messages)


def results_in(request: Request) -> list[ToolResultBlock]:
    """Return the results that a request has."""
    users = (message for message in request.messages if isinstance(message, UserMessage))
    return [result for message in users for result in message.results]


class Timed:
    """Another model, slowed down and weighed."""

    def __init__(self, model: Provider, seconds: float) -> None:
        self._model, self._seconds = model, seconds

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Wait, then stream the turn of the other model."""
        await asyncio.sleep(self._seconds)
        async for delta in self._model.stream(request):
            if isinstance(delta, TurnEnd):
                usage = delta.usage.model_copy(update={"input_tokens": tokens_of(request)})
                yield replace(delta, usage=usage)
            else:
                yield delta


def scripted(turn: Callable[[Request], Turn], seconds: float) -> Timed:
    """Return a model whose turns follow from the request."""

    class Forgetful:
        async def stream(self, request: Request) -> AsyncIterator[Delta]:
            async for delta in ScriptedProvider(turn).stream(request):
                yield delta

    return Timed(Forgetful(), seconds)


@dataclass
class Ran:
    """What a run came to, subagents apart from the main context."""

    status: str = ""
    answer: str = ""
    steps: int = 0
    seconds: float = 0.0
    calls: dict[str, int] = field(default_factory=dict)
    """Calls that were finished, by tool, those of subagents included."""
    main: list[int] = field(default_factory=list)
    """Tokens of each request of the main context."""
    others: list[int] = field(default_factory=list)
    """Of each request of subagents."""

    @property
    def turns(self) -> int:
        """Turns of the model in all."""
        return len(self.main) + len(self.others)


async def watched(agent: Agent, question: str, **options: Any) -> Ran:
    """Run an agent, and return what was seen of it."""
    ran, tools = Ran(), dict[tuple[str, str], str]()
    start = now()
    running = agent.stream(question, **options)
    root = ""
    async for record in running:
        root = root or record.run
        _note(ran, record, tools, is_main=record.run == root)
    result = await running
    ran.seconds, ran.status, ran.steps = now() - start, result.status, result.steps
    ran.answer = result.answer or ""
    return ran


def _note(ran: Ran, record: Recorded, tools: dict[tuple[str, str], str], *, is_main: bool) -> None:
    event = record.event
    if isinstance(event, TurnFinished):
        (ran.main if is_main else ran.others).append(event.usage.input_tokens)
    elif isinstance(event, CallStarted):
        tools[record.run, event.call] = event.tool
    elif isinstance(event, CallFinished):
        name = tools.get((record.run, event.call), "")  # of those that are answered without being started, none
        ran.calls[name] = ran.calls.get(name, 0) + 1
