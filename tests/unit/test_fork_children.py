"""Forks of runs with subagents: what is kept, what is forked with them, and where a forked subagent stands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.fork_kit import everything_said
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.conversation.messages import problems
from workbench.driver.commands import ForkEdits, ForkRun, ListRuns, PreviewFork
from workbench.events.request import AssistantMessage, Request
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.declaring import tool


class Family:
    """A caller that spawns a subagent beside a call of its own, and then writes; the subagent looks up x, then y."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.held: set[str] = set()
        self.gates: dict[str, asyncio.Event] = {}

    def model(self, request: Request) -> Turn:
        """Play the caller or the subagent."""
        turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
        said = everything_said(request)
        if said.startswith("task"):
            words = ("x", "y")
            return Turn(calls=[("look", {"word": words[turns]})]) if turns < len(words) else answer(said)
        if turns == 0:
            return Turn(calls=[("spawn_subagent", {"task": "task"}), ("look", {"word": "a"})])
        return Turn(calls=[("write", {"word": "w"})]) if turns == 1 else answer(said)

    def tools(self) -> list[Tool]:
        """Return the tools; a look at a held word waits for its gate."""

        @tool(read_only=True)
        async def look(word: str) -> str:
            self.did.append(word)
            if word in self.held:
                self.gates[word] = asyncio.Event()
                await self.gates[word].wait()
            return f"found {word}"

        @tool
        async def write(word: str) -> str:
            self.did.append(word)
            return f"wrote {word}"

        return [look, write]

    def at(self, folder: Path) -> Rig:
        """Return the rig in which they live."""
        return Rig(folder, self.model, self.tools(), spec=AgentSpec(plan="off", subagent=""))

    def open(self, rig: Rig, word: str) -> None:
        """Let a held look return."""
        self.held.discard(word)
        rig.open_gate(self.gates[word])


def has_child(state: RunState) -> bool:
    """Whether the first call has its subagent."""
    call = state.call("0.0")
    return call is not None and call.child is not None


def child_of(state: RunState) -> str:
    """Return the run of the first call's subagent."""
    child = state.steps[0].calls["0.0"].child
    assert child is not None
    return child


def is_looking(step: int) -> Any:
    """Return a condition: the run's call of that step is running."""
    return lambda state: len(state.steps) > step and [c.status for c in state.steps[step].calls.values()] == ["running"]


SUMMARY = "task | found x | found y"


def test_a_subagent_is_forked_where_it_stood_at_the_cut(tmp_path: Path) -> None:
    """A fork of the caller, at a moment when the subagent was half way, does not read what it did later."""
    family = Family()
    with family.at(tmp_path) as rig:
        family.held = {"a", "y"}
        run = rig.start()
        child = child_of(rig.wait(run, has_child))
        rig.wait(child, is_looking(1))
        family.open(rig, "a")
        half_way = rig.wait(run, lambda state: state.steps[0].calls["0.1"].has_result).seq
        family.open(rig, "y")
        assert rig.finish(run).answer == f"What? | {SUMMARY} | found a | wrote w"
        family.did.clear()
        fork = rig.ask(ForkRun(run, f"seq:{half_way}"))
        state = rig.finish(fork)
        assert state.answer == f"What? | {SUMMARY} | found a | wrote w"
        assert family.did == ["y", "w"]
        forked = child_of(state)
        row = next(row for row in rig.ask(ListRuns()) if row.id == forked)
        assert (row.parent, row.made_from, row.caller_run) == (child, child, fork)
        assert rig.state(forked) == rig.live_state(forked)


def test_a_live_caller_is_forked_with_its_subagent_and_both_go_on(tmp_path: Path) -> None:
    """A fork while the subagent runs gets a fork of it at its last checkpoint; the parent's own goes on."""
    family = Family()
    with family.at(tmp_path) as rig:
        family.held = {"y"}
        run = rig.start()
        child = child_of(rig.wait(run, lambda state: has_child(state) and state.steps[0].calls["0.1"].has_result))
        rig.wait(child, is_looking(1))
        gate = family.gates["y"]
        family.held = set()
        fork = rig.ask(ForkRun(run, "end"))
        assert rig.finish(fork).answer == f"What? | {SUMMARY} | found a | wrote w"
        assert rig.state(run).end is None
        rig.open_gate(gate)
        assert rig.finish(run).answer == f"What? | {SUMMARY} | found a | wrote w"
        assert child_of(rig.state(fork)) != child_of(rig.state(run)) == child
        assert sorted(family.did) == ["a", "w", "w", "x", "y", "y"]


def test_a_fork_of_a_fork_inside_a_subagent_brings_its_answer_too(tmp_path: Path) -> None:
    """Forking inside a forked subagent forks the forked caller; every generation keeps its own answer."""
    family = Family()
    with family.at(tmp_path) as rig:
        run = rig.start()
        child = child_of(rig.finish(run))
        raw = {name: rig.raw(name) for name in (run, child)}
        once = rig.ask(ForkRun(child, edits=ForkEdits(results={"0.0": "ONE"})))
        caller = rig.state(once).caller
        assert caller is not None
        assert rig.finish(caller.run).answer == "What? | task | ONE | found y | found a | wrote w"
        twice = rig.ask(ForkRun(once, edits=ForkEdits(results={"1.0": "TWO"})))
        above = rig.state(twice).caller
        assert above is not None
        assert len({run, caller.run, above.run}) == 3
        assert rig.finish(above.run).answer == "What? | task | ONE | TWO | found a | wrote w"
        assert {name: rig.raw(name) for name in raw} == raw
        assert [found for request in rig.model.requests for found in problems(request.messages)] == []


def test_a_fork_inside_a_subagent_tells_what_its_caller_did_later(tmp_path: Path) -> None:
    """The effects that the caller had after the subagent's summary are named: the fork does them again."""
    family = Family()
    with family.at(tmp_path) as rig:
        run = rig.start()
        child = child_of(rig.finish(run))
        preview = rig.ask(PreviewFork(child, "1.0", ForkEdits()))
        assert preview.effects == (f"write ran as call 1.0 of run {run[:8]}",)


def test_usage_of_a_subagent_that_runs_again_is_counted_once(tmp_path: Path) -> None:
    """A fork counts the subagent that it has, not also the one that it replaced."""
    family = Family()
    with family.at(tmp_path) as rig:
        run = rig.start()
        state = rig.finish(run)
        child = rig.state(child_of(state))
        assert (state.child_steps, state.child_usage) == (3, child.usage)
        assert state.total_usage.total_tokens == state.usage.total_tokens + child.usage.total_tokens
        fresh = rig.state(rig.ask(ForkRun(run, "0.0", drive=False)))
        assert (fresh.child_steps, fresh.total_usage) == (0, fresh.usage)
        again = rig.finish(rig.ask(ForkRun(run, "0.0")))
        assert (again.child_steps, again.child_usage) == (3, child.usage)
        inside = rig.ask(ForkRun(child_of(state), edits=ForkEdits(results={"0.0": "ONE"})))
        caller = rig.state(inside).caller
        assert caller is not None
        above = rig.finish(caller.run)
        assert (above.child_steps, above.child_usage) == (3, rig.state(inside).usage)
