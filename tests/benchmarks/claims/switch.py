"""Parallel against one by one, where the switch reaches the model: 3 steps or 5 for the same work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.benchmarks.claims.timed import Ran, Timed, results_in, scripted, watched
from tests.benchmarks.measure import Table, median
from workbench import Agent, Limits, tool
from workbench.events.request import Request
from workbench.providers.scripted import Turn
from workbench.providers.wire.anthropic import messages_body
from workbench.providers.wire.openai_chat import chat_body

MODEL_SECONDS, TOOL_SECONDS, TIMES = 0.3, 0.15, 3
SEARCHES, READS = ("pools", "statements"), ("pools::1", "statements::4")

IsTold = Callable[[Request], bool]
"""Whether what is posted tells the model to ask for one call at a time."""


def by_anthropic(request: Request) -> bool:
    """Look at what the Messages API would get."""
    choice: Any = messages_body(request, "some-model").get("tool_choice", {})
    return bool(choice.get("disable_parallel_tool_use"))


def by_openai(request: Request) -> bool:
    """Look at what the Chat Completions API would get."""
    return chat_body(request, "some-model").get("parallel_tool_calls") is False


def deaf(request: Request) -> bool:
    """Be a model that is told nothing."""
    return False


def obeying(is_told: IsTold, seconds: float) -> Timed:
    """Return a model that searches twice, reads once for each search, and answers; at once unless it is told not to."""

    def turn(request: Request) -> Turn:
        done = len(results_in(request))
        wishes = [("search", {"query": query}) for query in SEARCHES]
        if done >= len(SEARCHES):
            wishes = [("read", {"name": name}) for name in READS]
            done -= len(SEARCHES)
        if done >= len(wishes):
            return Turn(text="done")
        return Turn(calls=wishes[done : done + 1] if is_told(request) else wishes[done:])

    return scripted(turn, seconds)


def run(
    is_told: IsTold, *, parallel: bool, model_seconds: float = MODEL_SECONDS, tool_seconds: float = TOOL_SECONDS
) -> Ran:
    """Do the work once."""

    @tool(read_only=True)
    async def search(query: str) -> str:
        """Search."""
        await asyncio.sleep(tool_seconds)
        return f"{query}::1"

    @tool(read_only=True)
    async def read(name: str) -> str:
        """Read."""
        await asyncio.sleep(tool_seconds)
        return f"what {name} says"

    agent = Agent(
        model=obeying(is_told, model_seconds),
        tools=[search, read],
        plan="off",
        limits=Limits(steps=None),
        parallel_tool_calls=parallel,
    )
    return asyncio.run(watched(agent, "How do pools and statements go together?"))


def table() -> Table:
    """Measure and return the table."""
    lines: list[tuple[str, ...]] = []
    for name, is_told, parallel in (
        ("parallel", by_anthropic, True),
        ("one by one, said to the model as Anthropic's API wants it", by_anthropic, False),
        ("one by one, said to the model as OpenAI's API wants it", by_openai, False),
        ("one by one, and the model is told nothing", deaf, False),
    ):
        all_ = [run(is_told, parallel=parallel) for _ in range(TIMES)]
        one = all_[0]
        lines.append(
            (name, str(one.steps), str(one.turns), str(sum(one.calls.values())),
             f"{median([each.seconds for each in all_]):.2f} s")
        )  # fmt: skip
    return Table(
        "Parallel and one by one, with the switch that reaches the model",
        ("`parallel_tool_calls`", "steps", "turns of the model", "calls", "wall time"),
        lines,
        "The claim: parallel calls bring 5 steps down to 3. Here a model that obeys does the same work both ways (two "
        "searches, two reads that need them, the answer), and reads in the body that would be posted whether it is to "
        f"ask for one call at a time; a turn takes {MODEL_SECONDS * 1e3:.0f} ms, a call {TOOL_SECONDS * 1e3:.0f} ms, "
        f"medians of {TIMES}. The last line is why the switch has to reach the model: calls that come together all the "
        "same run one after the other, and the steps do not tell. What a real model makes of the switch is its own.",
    )
