"""The main context with and without subagents, for the same research."""

from __future__ import annotations

import asyncio

from tests.benchmarks.claims.timed import Ran, results_in, scripted, steps_before, watched
from tests.benchmarks.measure import Table
from workbench import Agent, Limits, tool
from workbench.events.content import plain_text
from workbench.events.request import Request, UserMessage
from workbench.providers.scripted import Turn
from workbench.tools.control import SPAWN_SUBAGENT

TOPICS = ("pools", "statements", "locks")
PASSAGES, PASSAGE = 6, 4_000
"""Passages that are read of each topic, two at a time, and the bytes of each."""
SUMMARY = 1_200
"""Bytes of what a subagent gives back."""
MODEL_SECONDS, TOOL_SECONDS = 0.3, 0.1


def _read(topic: str, number: int) -> tuple[str, dict[str, str]]:
    return "read", {"name": f"{topic}::{number}"}


def alone(request: Request) -> Turn:
    """Be the agent that reads everything itself, two passages of each topic a turn."""
    at = 2 * steps_before(request)
    if at >= PASSAGES:
        return Turn(text="done")
    return Turn(calls=[_read(topic, number) for topic in TOPICS for number in (at, at + 1)])


def delegating(request: Request) -> Turn:
    """Be the agent that hands each topic to a subagent, or one of these."""
    if any(spec.name == SPAWN_SUBAGENT for spec in request.tools):
        if results_in(request):
            return Turn(text="done")
        return Turn(calls=[(SPAWN_SUBAGENT, {"task": topic, "focus": topic}) for topic in TOPICS])
    first = request.messages[0]
    assert isinstance(first, UserMessage)
    topic = next(topic for topic in TOPICS if topic in plain_text(first.content))
    at = 2 * steps_before(request)
    return (
        Turn(calls=[_read(topic, at), _read(topic, at + 1)]) if at < PASSAGES else Turn(text="word " * (SUMMARY // 5))
    )


def run(*, subagents: bool, model_seconds: float = MODEL_SECONDS, tool_seconds: float = TOOL_SECONDS) -> Ran:
    """Do the research."""

    @tool(read_only=True)
    async def read(name: str) -> str:
        """Read a passage."""
        await asyncio.sleep(tool_seconds)
        return f"{name} ".ljust(PASSAGE, "x")

    agent = Agent(
        model=scripted(delegating if subagents else alone, model_seconds),
        tools=[read],
        subagents=subagents,
        plan="off",
        limits=Limits(calls_at_once=2 * len(TOPICS)),
    )
    return asyncio.run(watched(agent, f"How do {', '.join(TOPICS)} go together?"))


def table() -> Table:
    """Measure and return the table."""
    lines: list[tuple[str, ...]] = []
    for name, subagents in (("the agent reads all itself", False), ("a subagent for each topic", True)):
        ran = run(subagents=subagents)
        lines.append(
            (name, f"{max(ran.main):,}", f"{sum(ran.main):,}", f"{sum(ran.main) + sum(ran.others):,}",
             str(ran.calls.get("read", 0)), str(ran.turns), f"{ran.seconds:.2f} s")
        )  # fmt: skip
    return Table(
        "The main context, with and without subagents",
        ("who reads", "largest main request, tokens", "all main requests, tokens", "all requests, tokens", "passages",
         "turns of the model", "wall time"),
        lines,
        "The claim: subagents keep the main context small. Here a scripted model does one piece of research both ways, "
        f"{PASSAGES} passages of {PASSAGE:,} bytes of each of {len(TOPICS)} topics, and a subagent gives back "
        f"{SUMMARY:,} bytes; a turn takes {MODEL_SECONDS * 1e3:.0f} ms, a read {TOOL_SECONDS * 1e3:.0f} ms, and tokens "
        "are the engine's estimate. What is lost in a summary is the model's affair, and is not measured.",
    )  # fmt: skip
