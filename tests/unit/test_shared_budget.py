"""Tokens, cost and time are limits of a run and all of its subagents together, live ones included."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.fork_kit import everything_said
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import AgentOptions, PauseRun, ResumeRun
from workbench.driver.live import LiveRun
from workbench.engine.limits import family_budget, limit_reached, seconds_left
from workbench.events.agent import AgentRecord, Limits
from workbench.events.call import SubagentStarted
from workbench.events.request import AssistantMessage, Request, Usage
from workbench.providers.scripted import Turn
from workbench.state.parts import CallState, MemberState, StepState, TurnState
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.declaring import tool


class Pair:
    """A caller with two subagents, which look once at the same time and then answer."""

    def __init__(self, *, is_held: bool = False) -> None:
        self.is_held, self.is_open = is_held, False
        self.here: list[asyncio.Event] = []
        self.child_requests = 0

    def model(self, request: Request) -> Turn:
        """Play the caller or a subagent."""
        said = everything_said(request)
        turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if said.startswith("task"):
            self.child_requests += 1
            return Turn(calls=[("look", {})]) if turns == 0 else answer("found")
        spawn = [("spawn_subagent", {"task": f"task {word}"}) for word in "ab"]
        return Turn(calls=spawn) if turns == 0 else answer(said)

    def looker(self) -> Tool:
        """Return the tool: nobody comes through before both are there, or ever where they are held."""

        @tool(read_only=True)
        async def look() -> str:
            if self.is_open:
                return "x"
            self.here.append(asyncio.Event())
            if len(self.here) == 2 and not self.is_held:
                for gate in self.here:
                    gate.set()
            await self.here[-1].wait()
            return "x"

        return look

    def open(self, folder: Path, **limits: Any) -> Rig:
        """Return a rig on the folder, new or again."""
        return Rig(
            folder, self.model, [self.looker()], spec=AgentSpec(plan="off", subagent="", limits=Limits(**limits))
        )


def ends(rig: Rig, run: str) -> list[object]:
    """Return how the subagents of a run ended."""
    calls = rig.state(run).steps[0].asked_calls
    return [rig.state(child).end for call in calls for child in call.children]


def test_what_siblings_use_counts_while_they_go_on(tmp_path: Path) -> None:
    """Each alone is far below the limit; together they reach it, their calls say so, and the caller rests there."""
    pair = Pair()
    with pair.open(tmp_path, tokens=45) as rig:
        run = rig.start()
        state = rig.finish(run)
        assert state.status_and_reason == ("interrupted", "token_limit")
        assert state.total_usage.total_tokens == 45
        assert ends(rig, run) == [("interrupted", "token_limit")] * 2
        calls = state.steps[0].asked_calls
        said = "The subagent gave no answer; it stopped: token limit, which it shares with its caller and all of its"
        assert [call.result and call.result.first_line.startswith(said) for call in calls] == [True, True]
        assert pair.child_requests == 2


def test_a_limit_above_what_all_use_stops_nobody(tmp_path: Path) -> None:
    """Fifteen for each of five turns, and the sixth is not begun: the limit is looked at before a turn."""
    pair = Pair()
    with pair.open(tmp_path, tokens=76) as rig:
        assert rig.finish(rig.start()).status == "completed"


def test_the_budget_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """Before any subagent goes on, it is known what the others used: no turn is begun that would not have been."""
    pair = Pair(is_held=True)
    with pair.open(tmp_path, tokens=45) as rig:
        run = rig.start()
        rig.wait_for(lambda: len(pair.here) == 2)
        rig.ask(PauseRun(run))
        assert rig.finish(run).reason == "paused"
    pair.is_open = True
    with pair.open(tmp_path, tokens=45) as rig:
        first, second = (child for call in rig.state(run).steps[0].asked_calls for child in call.children)
        session = rig.driver._session
        assert session is not None
        revive, move, is_over = session.revive, session.mover.move, asyncio.Event()

        async def one_after_the_other(name: str) -> LiveRun:
            if name == second:
                await is_over.wait()
            return await revive(name)

        async def told(live: LiveRun) -> None:
            await move(live)
            if live.run == first:
                is_over.set()

        session.revive = one_after_the_other  # type: ignore[assignment, method-assign]
        session.mover.move = told  # type: ignore[method-assign]
        rig.ask(ResumeRun(run))
        state = rig.wait(run, lambda state: state.end is not None and state.steps[0].is_closed)
        assert state.reason == "token_limit"
        assert ends(rig, run) == [("interrupted", "token_limit")] * 2
        assert pair.child_requests == 2


def test_the_limit_that_holds_is_the_callers_as_it_is_now(tmp_path: Path) -> None:
    """Raised where the run goes on, it is raised for its subagents too."""
    pair = Pair(is_held=True)
    with pair.open(tmp_path, tokens=45) as rig:
        run = rig.start()
        rig.wait_for(lambda: len(pair.here) == 2)
        rig.ask(PauseRun(run))
        rig.finish(run)
        pair.is_held, pair.here = False, []
        rig.ask(ResumeRun(run, AgentOptions(limits={"tokens": 500})))
        assert rig.wait(run, lambda state: state.status == "completed").answer == "What? | found | found"
        started = [r.event for r in rig.history(run).records if isinstance(r.event, SubagentStarted)]
        assert len(started) == 2


def family(limits: Limits) -> tuple[RunState, RunState]:
    """Return a caller that waits for a subagent since a minute, and this subagent."""
    agent = AgentRecord(instructions="", model="m", limits=limits)
    turn = TurnState("step", "m", status="finished")
    call = CallState("0.0", "spawn_subagent", {}, status="running", members={0: MemberState("c", "r")})
    step = StepState(0, turn, {"0.0": call}, [call])
    root = RunState(run="r", at=100.0, agent=agent, steps=[step], usage=Usage(input_tokens=7, cost=0.5))
    root.driven_seconds = 30.0
    child = RunState(run="c", at=160.0, agent=agent, depth=1, usage=Usage(input_tokens=5, cost=0.25), driven_seconds=59)
    return root, child


def test_time_goes_on_for_a_caller_that_waits() -> None:
    """The caller's log says nothing meanwhile: what its subagent's log says is time of both."""
    root, child = family(Limits(seconds=100))
    budget = family_budget(root, {"c": child}, child)
    assert budget.seconds == 90
    assert seconds_left(child, lambda _: budget) == 10
    root, child = family(Limits(seconds=90))
    reached = limit_reached(child, lambda state: family_budget(root, {"c": child}, state))
    assert reached is not None
    assert (reached.limit, reached.value, reached.maximum) == ("time_limit", 90, 90)


def test_cost_is_shared_and_unknown_cost_stops_nobody() -> None:
    """What is unknown cannot be held against a limit."""
    root, child = family(Limits(cost=0.75))
    reached = limit_reached(child, lambda state: family_budget(root, {"c": child}, state))
    assert reached is not None
    assert (reached.limit, reached.value) == ("cost_limit", 0.75)
    child.usage = Usage(cost=None)
    assert limit_reached(child, lambda state: family_budget(root, {"c": child}, state)) is None


def test_steps_are_each_ones_own() -> None:
    """The limit of steps is not shared."""
    root, child = family(Limits(steps=1))
    assert limit_reached(child, lambda state: family_budget(root, {"c": child}, state)) is None
    assert limit_reached(root) is not None
