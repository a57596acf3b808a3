"""Our side of a comparison: the public `Agent`, with a model and tools that take the given time."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

from tests.benchmarks.claims.side import ANSWER, Ask, Trace, one_by_one, serve
from workbench import Agent, Limits, Tool, tool
from workbench.events.content import plain_text
from workbench.events.request import Request, UserMessage
from workbench.providers.base import Delta
from workbench.providers.scripted import ScriptedProvider, Turn


class Planned:
    """A model that does the plan whose number it is asked for; told to, it asks for one call a turn."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Take the time of a turn, then say it all at once."""
        await self._trace.think()
        async for delta in ScriptedProvider([self._turn(request)]).stream(request):
            yield delta

    def _turn(self, request: Request) -> Turn:
        first = request.messages[0]
        assert isinstance(first, UserMessage)
        plan = self._trace.work.plans[int(plain_text(first.content))]
        if not request.parallel_tool_calls:
            plan = one_by_one(plan)
        done = sum(message.role == "assistant" for message in request.messages)
        return Turn(calls=[(name, {"place": "here"}) for name in plan[done]]) if done < len(plan) else Turn(text=ANSWER)


def tool_of(trace: Trace, name: str) -> Tool:
    """Return the tool of that name."""

    async def use(place: str) -> str:
        return await trace.use(name)

    def block(place: str) -> str:
        return trace.block(name)

    function = block if trace.work.on_threads else use
    return tool(function, name=name, description=f"Say the {name} of a place.", read_only=True)


def ready(trace: Trace) -> Ask:
    """Return what runs the agent."""
    agent = Agent(
        model=Planned(trace),
        instructions="You are helpful.",
        tools=[tool_of(trace, name) for name in trace.work.tool_seconds],
        plan="off",
        limits=Limits(steps=None),
        parallel_tool_calls=not trace.work.is_sequential,
    )

    async def ask(number: int) -> str:
        return (await agent.run(str(number))).answer or ""

    return ask


if __name__ == "__main__":
    serve(ready, sys.argv[1:])
