"""`recorded:RUN`: a run told again, and where another parts from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.debugger.recording import RecordedTree
from workbench.driver.commands import AgentOptions, DecidePermission, ForkEdits, ForkRun, PauseRun, ResumeRun
from workbench.errors import PermanentModelError, RunNotFoundError, ToolError
from workbench.events.agent import AgentRecord, ModelParameters, PermissionRules, PlanMode
from workbench.events.base import Recorded
from workbench.events.call import CallFinished, CallStarted
from workbench.events.content import TextBlock, plain_text, text_content
from workbench.events.request import AssistantMessage, ProviderParts, Request, Usage, UserMessage
from workbench.events.run import RunStarted
from workbench.events.turn import TurnFinished, TurnStarted
from workbench.providers.recorded import RecordedProvider
from workbench.providers.scripted import Turn
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.declaring import tool


class World:
    """Tools that count how often they are really run, and give another result each time."""

    def __init__(self) -> None:
        self.looked: list[str] = []
        self.written: list[str] = []

    @property
    def tools(self) -> list[Tool]:
        """A tool that reads, one that writes, one that fails."""

        @tool(read_only=True)
        async def look(place: str) -> str:
            self.looked.append(place)
            return f"{place} is {len(self.looked)} wide"

        @tool
        def write(run: str) -> str:
            self.written.append(run)
            return f"written for the {len(self.written)}. time"

        @tool(read_only=True)
        def fail() -> str:
            raise ToolError("there is nothing")

        return [look, write, fail]


def steps(*turns: Turn) -> Callable[[Request], Turn]:
    """Return a script by how many turns the conversation has."""
    return lambda request: turns[sum(isinstance(message, AssistantMessage) for message in request.messages)]


STORY = (
    Turn(
        text="I look twice.",
        thinking="Where?",
        calls=[("look", {"place": "here"}), ("look", {"place": "here"}), ("look", {"place": "there"})],
        usage=Usage(input_tokens=100, output_tokens=20, cost=0.5),
    ),
    Turn(calls=[("write", {"run": "x"}), ("fail", {}), ("look", '{"place": "cu')]),
    answer("It is wide.", "a.md"),
)


@pytest.fixture
def world() -> World:
    return World()


def recorded(folder: Path, world: World, **more: Any) -> tuple[Rig, str]:
    """Return an open rig with a finished run in it."""
    rig = Rig(folder, steps(*STORY), world.tools, **more)
    rig.__enter__()
    run = rig.start()
    assert rig.finish(run).status == "completed"
    return rig, run


def whole(rig: Rig, run: str) -> list[tuple[Any, ...]]:
    """Return what a run's conversation is made of: keys, turns, results."""

    def told(state: RunState) -> list[tuple[Any, ...]]:
        return [
            (
                step.turn.request_key,
                step.turn.content,
                step.turn.stop_reason,
                [(call.tool, call.has_error, call.result and call.result.first_line) for call in step.asked_calls],
            )
            for step in state.steps
        ]

    return told(rig.state(run))


def test_recorded_run_is_told_again(tmp_path: Path, world: World) -> None:
    """A recorded run is told word for word, with the same requests, results and errors, and nothing is really run."""
    rig, run = recorded(tmp_path, world)
    with rig:
        asked, before = len(rig.model.requests), (world.looked.copy(), world.written.copy())
        again = rig.start(model=f"recorded:{run[:6]}")
        state = rig.finish(again)
        assert (state.status, state.answer) == ("completed", "It is wide.")
        assert whole(rig, again) == whole(rig, run)
        assert (world.looked, world.written) == before
        assert len(rig.model.requests) == asked
        assert state.usage.input_tokens == rig.state(run).usage.input_tokens
        assert state.usage.cost == 0.0
        assert state.agent is not None
        assert state.agent.model == f"recorded:{run}", "the name means the same run later on"


def test_last_is_not_the_run_itself(tmp_path: Path, world: World) -> None:
    """`recorded:@last` is the run that was the last one when the new one was asked for."""
    rig, run = recorded(tmp_path, world)
    with rig:
        state = rig.finish(rig.start(model="recorded:@last"))
        assert state.agent is not None
        assert state.agent.model == f"recorded:{run}"
        assert state.status == "completed"


def test_unknown_recording_is_refused(tmp_path: Path, world: World) -> None:
    """A recorded run that is not there is refused before anything is written."""
    rig, run = recorded(tmp_path, world)
    with rig:
        position = rig.driver.run_blocking(rig.driver.store.position())
        with pytest.raises(RunNotFoundError):
            rig.start(model="recorded:zzzzzz")
        with pytest.raises(RunNotFoundError):
            rig.ask(ForkRun(run, "1", ForkEdits(model="recorded:zzzzzz")))
        assert rig.driver.run_blocking(rig.driver.store.position()) == position


def test_question_of_the_recording(tmp_path: Path, world: World) -> None:
    """Without a question of its own, a run out of a recording is asked what was asked then."""
    rig, run = recorded(tmp_path, world)
    with rig:
        state = rig.finish(rig.start("", model=f"recorded:{run}"))
        assert (state.task, state.status) == ("What?", "completed")


def test_date_of_the_recording(tmp_path: Path, world: World) -> None:
    """A run told out of a recording has the date of that recording, so that another day is no difference."""
    rig, run = recorded(tmp_path, world)
    with rig:
        again = rig.start(model=f"recorded:{run}")
        dates = [
            record.event.date
            for name in (run, again)
            for record in rig.history(name).records
            if isinstance(record.event, RunStarted)
        ]
        assert dates[0] == dates[1] != ""


def test_divergence_is_shown(tmp_path: Path, world: World) -> None:
    """The first request that was never recorded ends the run, and is told with the lines that differ."""
    rig, run = recorded(tmp_path, world)
    with rig:
        fork = rig.ask(ForkRun(run, None, ForkEdits(results={"0.1": "here is no place"}, model=f"recorded:{run}")))
        state = rig.finish(fork)
        assert state.status == "failed"
        assert state.error is not None
        first, *lines = state.error.splitlines()
        assert "step 1" in first
        assert run[:8] in first
        assert "the result of call 0.1" in first
        was = rig.state(run).steps[0].asked_calls[1].result
        assert was is not None
        assert f"-{was.first_line}" in lines
        assert "+here is no place" in lines
        assert [record.event.kind for record in rig.history(fork).records][-2:] == ["turn_discarded", "run_finished"]


def test_divergence_at_the_start(tmp_path: Path, world: World) -> None:
    """Another question parts from the recording at once, and both questions are shown."""
    rig, run = recorded(tmp_path, world)
    with rig:
        state = rig.finish(rig.start("Why?", model=f"recorded:{run}"))
        assert state.error is not None
        assert "-What?" in state.error.splitlines()
        assert "+Why?" in state.error.splitlines()


def test_end_of_the_recording(tmp_path: Path, world: World) -> None:
    """A run that wants more than was recorded is told that the recording ends there."""
    rig, run = recorded(tmp_path, world)
    with rig:
        fork = rig.ask(ForkRun(run, "end", ForkEdits(say="And?", model=f"recorded:{run}")))
        state = rig.finish(fork)
        assert state.error is not None
        assert "the recording ends here" in state.error


def test_fork_goes_on_as_recorded(tmp_path: Path, world: World) -> None:
    """A fork in the middle of a recorded run, told out of it, comes to the same end without running anything."""
    rig, run = recorded(tmp_path, world)
    with rig:
        before = (world.looked.copy(), world.written.copy())
        for place in ("0.turn", "1", "1.turn", "0.2"):
            edits = ForkEdits(model=f"recorded:{run}", reruns=("0.2",) if place == "0.2" else ())
            state = rig.finish(rig.ask(ForkRun(run, place, edits)))
            assert (state.status, state.answer) == ("completed", "It is wide."), place
            assert whole(rig, state.run) == whole(rig, run), place
        assert (world.looked, world.written) == before


def test_live_tools_read_only(tmp_path: Path, world: World) -> None:
    """With live tools those that read are run, and those that write still are not."""
    rig, run = recorded(tmp_path, world)
    with rig:
        world.looked.clear()
        world.written.clear()
        state = rig.finish(rig.start(model=f"recorded:{run}", live_tools=True))
        assert (state.status, state.error) == ("completed", None)
        assert sorted(world.looked) == ["here", "here", "there"]
        assert world.written == []


def test_asking_tools_do_not_ask(tmp_path: Path) -> None:
    """A call that asked a person is not asked for again: nothing is going to happen."""

    @tool(permission="ask")
    def risky() -> str:
        raise AssertionError("it ran")

    with Rig(tmp_path, steps(Turn(calls=[("risky", {})]), answer("ok")), [risky]) as rig:
        run = rig.start(deny_asks=True)
        rig.finish(run)
        state = rig.finish(rig.start(model=f"recorded:{run}"))
        assert state.answer == "ok"
        assert whole(rig, state.run) == whole(rig, run)


def test_provider_parts_are_kept() -> None:
    """What only the recorded provider understands is told with the turn, so that a fork can go on with it."""
    parts = ProviderParts(provider="anthropic", parts=[{"type": "thinking", "signature": "s"}])
    agent = AgentRecord(instructions="", model="anthropic:m")
    finished = TurnFinished(
        step=0,
        attempt=0,
        purpose="step",
        content=(TextBlock(text="hm"),),
        stop_reason="end_turn",
        usage=Usage(),
        elapsed=0.0,
        provider_parts=parts,
    )
    started = TurnStarted(step=0, attempt=0, purpose="step", model="anthropic:m", request_key="k")
    history = History()
    for seq, event in enumerate((RunStarted(task=text_content("?"), agent=agent, date=""), started, finished)):
        history.append(Recorded("r", seq, float(seq), event))
    assert RecordedTree([history]).answers["k"][0].turn.provider_parts == parts


def subagents(request: Request) -> Turn:
    """Two subagents with the same task, each of which looks once; a third after them."""
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    is_child = not any(spec.name == "spawn_subagent" for spec in request.tools)
    if is_child:
        if not turns:
            return Turn(calls=[("look", {"place": "there"})])
        last = request.messages[-1]
        return answer(f"found: {plain_text(last.results[0].content) if isinstance(last, UserMessage) else ''}")
    spawn = ("spawn_subagent", {"task": "look", "focus": ""})
    return [Turn(calls=[spawn, spawn]), Turn(calls=[spawn]), answer("done")][turns]


def test_equal_requests_in_recorded_order(tmp_path: Path, world: World) -> None:
    """Subagents that ask the same get what was answered then, one after the other, also after a restart."""
    with Rig(tmp_path, subagents, world.tools) as rig:
        run = rig.start()
        assert rig.finish(run).status == "completed"
        again = rig.finish(rig.start(model=f"recorded:{run}"))
        assert again.answer == "done"
        assert whole(rig, again.run) == whole(rig, run)
        assert len(world.looked) == 3
        halfway = rig.finish(rig.start(model=f"recorded:{run}", max_steps=1))
        assert halfway.reason == "step_limit"
    with Rig(tmp_path, subagents, world.tools) as rig:
        rig.ask(ResumeRun(halfway.run, AgentOptions(max_steps=10)))
        ended = rig.wait(halfway.run, lambda state: state.status == "completed")
        assert whole(rig, ended.run) == whole(rig, run)
        assert len(world.looked) == 3


def test_subagent_that_parts_is_named(tmp_path: Path, world: World) -> None:
    """Where a subagent parts from the recording, its caller's own parting says that it follows from that."""
    with Rig(tmp_path, subagents, world.tools) as rig:
        run = rig.start()
        rig.finish(run)
        spec = AgentSpec(plan="off", subagent="Answer in one word.")
        other = Rig(tmp_path, subagents, world.tools, spec=spec)
    with other as rig:
        state = rig.finish(rig.start(model=f"recorded:{run}"))
        assert state.error is not None
        assert state.error.startswith("this follows from run ")
        assert "+Answer in one word." in state.error.splitlines()


def test_interrupted_turn_is_told_again(tmp_path: Path, world: World) -> None:
    """A turn that was stopped in the middle is told again from its beginning when the run goes on."""
    rig, run = recorded(tmp_path, world)
    with rig:
        slow = rig.start(model=f"recorded:{run}", pace=50.0)
        rig.wait(slow, lambda state: state.active_turn is not None)
        rig.ask(PauseRun(slow))
        rig.finish(slow)
        rig.ask(ForkRun(slow, "end", ForkEdits(options=AgentOptions(pace=0.0))))
        again = rig.driver.run_blocking(rig.driver.store.resolve("@last"))
        state = rig.wait(again, lambda state: state.status == "completed")
        assert whole(rig, again) == whole(rig, run)
        assert state.answer == "It is wide."


def test_started_calls_are_replayed_ones(tmp_path: Path, world: World) -> None:
    """A call that is told again is logged as one that changes nothing, so that a crash leaves no doubt."""
    rig, run = recorded(tmp_path, world)
    with rig:
        again = rig.start(model=f"recorded:{run}")
        rig.finish(again)
        events = [record.event for record in rig.history(again).records]
        assert {event.effect for event in events if isinstance(event, CallStarted)} == {"read_only"}
        assert all(
            event.outcome in ("ok", "error", "invalid_input") for event in events if isinstance(event, CallFinished)
        )


async def test_nothing_is_told_without_a_recording() -> None:
    """The name alone tells nothing, and says so."""
    request = Request("step", "", (), (), "recorded:x", ModelParameters())
    with pytest.raises(PermanentModelError, match="'x'"):
        await asyncio.wait_for(anext(aiter(RecordedProvider("x").stream(request))), 5)


@pytest.mark.parametrize(
    ("then", "of_agent", "settings", "typed", "plans"),
    [
        ("off", None, "auto", None, "off"),
        ("off", "ask", None, None, "off"),
        ("auto", None, "off", None, "auto"),
        ("auto", "off", None, None, "auto"),
        ("auto", None, "auto", None, "auto"),
        ("auto", None, "ask", None, "ask"),
        ("off", None, None, "auto", "auto"),
        ("auto", None, None, "off", "off"),
    ],
)
def test_a_recorded_run_is_told_with_a_plan_if_it_had_one(
    tmp_path: Path, then: PlanMode, of_agent: PlanMode, settings: PlanMode, typed: PlanMode, plans: PlanMode
) -> None:
    """Whoever starts it, and whatever agent and settings say of other runs; what was typed wins."""
    spec = AgentSpec(plan=of_agent)
    with Rig(tmp_path, lambda _: answer(), plan=Turn("SEARCH: it"), spec=spec) as rig:
        first = rig.start(plan=then)
        rig.finish(first)
        told = rig.state(rig.start(model=f"recorded:{first}", plan=typed, fallback=AgentOptions(plan=settings)))
    assert told.agent is not None
    assert told.agent.plan == plans


def _waits(state: RunState, call: str) -> bool:
    asked = state.call(call)
    return asked is not None and asked.status == "waiting"


def test_no_rule_is_about_what_is_told(tmp_path: Path) -> None:
    """Nothing runs, so nobody is asked again; subagents are told, too."""
    rules = PermissionRules(ask=("look", "spawn_subagent"))
    turns = [Turn(calls=[("look", {"place": "x"})]), Turn(calls=[("spawn_subagent", {"task": "t"})]), answer()]
    with Rig(tmp_path, [*turns, answer("done")], World().tools, spec=AgentSpec(plan="off", permissions=rules)) as rig:
        run = rig.start()
        for call in ("0.0", "1.0"):
            rig.wait(run, partial(_waits, call=call))
            rig.ask(DecidePermission(run, call, "allow"))
        assert rig.finish(run).answer == "done"
        assert rig.finish(rig.start(model=f"recorded:{run}")).answer == "done"


def test_what_a_person_denied_the_engine_is_denied_again(tmp_path: Path) -> None:
    """No subagent begins that was not begun."""
    rules = PermissionRules(ask=("spawn_subagent",))
    turns = [Turn(calls=[("spawn_subagent", {"task": "t"})]), answer("done")]
    with Rig(tmp_path, turns, spec=AgentSpec(plan="off", permissions=rules)) as rig:
        run = rig.start()
        rig.wait(run, partial(_waits, call="0.0"))
        rig.ask(DecidePermission(run, "0.0", "deny", reason="not today"))
        assert rig.finish(run).answer == "done"
        told = rig.finish(rig.start(model=f"recorded:{run}"))
    call = told.call("0.0")
    assert call is not None
    assert call.result is not None
    assert (told.answer, call.child, call.result.first_line) == ("done", None, "denied by the operator: not today.")


class Even(BaseModel):
    """An answer of which the schema does not say all."""

    number: int

    @field_validator("number")
    @classmethod
    def even(cls, number: int) -> int:
        """Refuse odd numbers."""
        if number % 2:
            raise ValueError("it is odd")
        return number


def test_an_answer_that_was_refused_is_refused_again(tmp_path: Path) -> None:
    """By the record: the class that refused it is not here."""
    turns = [Turn(calls=[("submit_answer", {"number": number})]) for number in (1, 2)]
    with Rig(tmp_path, turns, spec=AgentSpec(plan="off", output=Even)) as rig:
        run = rig.start()
        assert rig.finish(run).output == {"number": 2}
        told = rig.finish(rig.start(model=f"recorded:{run}"))
        forked = rig.finish(str(rig.ask(ForkRun(run, "0", edits=ForkEdits(model=f"recorded:{run}")))))
    assert told.output == forked.output == {"number": 2}
    assert told.call("0.0") is not None
    assert [call.outcome for step in told.steps for call in step.asked_calls] == ["invalid_input", "ok"]
