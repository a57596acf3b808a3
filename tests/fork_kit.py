"""A run that is worth forking, and a stage for it.

It plans, looks two words up and writes one down at once, looks a fourth up, and answers with all that it saw; so
whatever an edit changes shows in the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import ForkEdits, ForkRun
from workbench.events.request import AssistantMessage, Request, UserMessage
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.declaring import tool

PLAN = Turn("SEARCH: alpha\nSYNTHESIZE: all of it")


def everything_said(request: Request) -> str:
    """Return all results and user texts of a request, in order."""
    parts: list[str] = []
    for message in request.messages:
        if isinstance(message, UserMessage):
            blocks: list[Any] = [block for result in message.results for block in result.content]
            parts += [block.text for block in (*blocks, *message.content)]
    return " | ".join(parts)


def traveller(request: Request) -> Turn:
    """Look two words up and write one down, look one more up, answer; or spawn a child, or be that child."""
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    said = everything_said(request)
    if "Spawn" in said and not said.startswith("task"):
        return Turn("Handing over.", [("spawn_subagent", {"task": "task"})]) if turns == 0 else answer(said)
    if turns == 0:
        return Turn("Looking.", [("look", {"word": "a"}), ("look", {"word": "b"}), ("write", {"word": "c"})])
    return Turn("Once more.", [("look", {"word": "d"})]) if turns == 1 else answer(said)


IN_FLIGHT = ["finished", "running", "finished"]
"""The calls of the first step while `look b` is held."""


class World:
    """The tools of the run, what they did, and a gate at which `look b` can be held."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.gate: asyncio.Event | None = None
        self.is_held = False

    def tools(self) -> list[Tool]:
        """Return the tools."""

        @tool(read_only=True)
        async def look(word: str) -> str:
            """Look a word up."""
            self.did.append(f"look {word}")
            if word == "b" and self.is_held:
                self.gate = self.gate or asyncio.Event()
                await self.gate.wait()
            return f"found {word}"

        @tool
        async def write(word: str) -> str:
            """Write a word down."""
            self.did.append(f"write {word}")
            return f"wrote {word}"

        return [look, write]


def statuses(state: RunState) -> list[str]:
    """Return what the calls of the first step are at."""
    return [call.status for call in state.steps[0].calls.values()] if state.steps else []


@dataclass
class Scene:
    """A run to be forked, in its rig."""

    rig: Rig
    world: World
    run: str
    parent: str
    """The root run: the run itself, or its caller."""
    second: ScriptedProvider

    def fork(self, at: str | None, edits: ForkEdits) -> str:
        """Fork the run."""
        return str(self.rig.ask(ForkRun(self.run, at, edits)))

    def requests(self) -> list[Request]:
        """Return everything that any model was asked."""
        return [*self.rig.model.requests, *self.second.requests]

    def finish(self, fork: str) -> tuple[RunState, RunState]:
        """Return the end of the fork, and of the root run that it is or belongs to."""
        caller = self.rig.state(fork).caller
        root = self.rig.finish(caller.run if caller else fork)
        return self.rig.finish(fork), root


@contextmanager
def scene(folder: Path, place: str) -> Iterator[Scene]:
    """Set the stage for a place: a completed run, one with a call in flight, or a subagent."""
    world, second = World(), ScriptedProvider(traveller)
    world.is_held = place == "call in flight"
    spec = AgentSpec(plan="off" if place == "inside a child" else "auto")
    with Rig(folder, traveller, world.tools(), plan=PLAN, models={"second": second}, spec=spec) as rig:
        root = rig.start("Spawn!" if place == "inside a child" else "What?")
        if place == "call in flight":
            rig.wait(root, lambda state: statuses(state) == IN_FLIGHT)
        else:
            rig.finish(root)
        child = rig.state(root).steps[0].calls["0.0"].child
        yield Scene(rig, world, child or root, root, second)
