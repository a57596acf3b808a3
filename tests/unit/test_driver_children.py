"""Subagents that wait, are paused, cancelled, limited, or left behind by a process that ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.fork_kit import everything_said, statuses
from tests.harness import WAIT, Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.agents import Code
from workbench.driver.commands import (
    AgentOptions,
    AnswerCall,
    CancelCall,
    DecidePermission,
    ListRuns,
    PauseRun,
    ResolveUnknown,
    ResumeRun,
)
from workbench.errors import EditRefusedError, ModelNotFoundError
from workbench.events.agent import AgentRecord, Limits, Permission, Role
from workbench.events.request import AssistantMessage, Request
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.declaring import tool


class House:
    """A caller with one subagent, which writes a word down; writing can be held, and asks where it is told to."""

    def __init__(self, permission: Permission = "allow", *, is_held: bool = False) -> None:
        self.permission, self.is_held = permission, is_held
        self.did: list[str] = []
        self.gates: list[asyncio.Event] = []
        self.is_waiting = threading.Event()
        """Set when the tool stands before its gate: its start is in the log a little earlier."""

    def model(self, request: Request) -> Turn:
        """Play the caller or the subagent."""
        said = everything_said(request)
        if any(isinstance(message, AssistantMessage) for message in request.messages):
            return answer(said)
        word = "write" if said.startswith("task") else "spawn_subagent"
        return Turn(calls=[(word, {"word": "w"} if word == "write" else {"task": "task"})])

    def writer(self) -> Tool:
        """Return the tool."""

        @tool(permission=self.permission)
        async def write(word: str) -> str:
            self.did.append(word)
            if self.is_held:
                self.gates.append(asyncio.Event())
                self.is_waiting.set()
                await self.gates[-1].wait()
            return f"wrote {word}"

        return write

    def let_go(self, rig: Rig) -> None:
        """Let the tool that is held go on, and hold none any more."""
        assert self.is_waiting.wait(WAIT)
        self.is_held = False
        rig.open_gate(self.gates[0])

    def open(self, folder: Path, limits: Limits | None = None) -> Rig:
        """Return a rig on the folder, new or again."""
        spec = AgentSpec(plan="off", subagent="", limits=limits or Limits())
        return Rig(folder, self.model, [self.writer()], spec=spec)


def begin(rig: Rig, until: Callable[[RunState], bool]) -> tuple[str, str]:
    """Start a run; return it and its subagent, as soon as `until` holds for the subagent."""
    run = rig.start()

    def spawned(state: RunState) -> bool:
        call = state.call("0.0")
        return call is not None and call.child is not None

    child = rig.wait(run, spawned).steps[0].calls["0.0"].child
    assert child is not None
    rig.wait(child, until)
    return run, child


def is_writing(state: RunState) -> bool:
    """Whether the subagent's call runs."""
    return statuses(state) == ["running"]


def waits(state: RunState) -> bool:
    """Whether the subagent waits for a person."""
    return state.status == "awaiting_approval"


DONE = "What? | task | wrote w"


def test_a_person_answers_in_the_subagent_and_the_caller_goes_on(tmp_path: Path) -> None:
    """While a subagent waits for permission its caller runs on, and has its answer as soon as it was allowed."""
    house = House("ask")
    with house.open(tmp_path) as rig:
        run, child = begin(rig, waits)
        assert rig.state(run).status == "executing_tools"
        rig.ask(DecidePermission(child, "0.0", "allow"))
        assert rig.finish(run).answer == DONE
        assert rig.state(child) == rig.live_state(child)
        assert rig.state(run) == rig.live_state(run)


def test_a_person_answers_in_the_subagent_after_a_restart(tmp_path: Path) -> None:
    """Decisions given to the subagent of a run that nobody drives let the caller go on."""
    house = House("ask")
    with house.open(tmp_path) as rig:
        run, child = begin(rig, waits)
    with house.open(tmp_path) as rig:
        assert rig.state(run).status_and_reason == ("interrupted", "paused")
        assert rig.state(child).status_and_reason == ("awaiting_approval", "permission")
        rig.ask(DecidePermission(child, "0.0", "allow"))
        assert rig.wait(run, lambda state: state.status == "completed").answer == DONE
        assert house.did == ["w"]


def test_a_decision_may_come_while_the_subagent_is_being_reopened(tmp_path: Path) -> None:
    """Resuming the caller and answering in the subagent at the same moment reopen the subagent once."""
    house = House("ask")
    with house.open(tmp_path) as rig:
        run, child = begin(rig, waits)
    with house.open(tmp_path) as rig:
        assert rig.driver._session is not None
        agents = rig.driver._session.agents
        code = agents.code

        async def slowly(record: AgentRecord, name: str, lineage: Sequence[str] = (), *, is_root: bool = True) -> Code:
            await asyncio.sleep(0.05)
            return await code(record, name, lineage, is_root=is_root)

        agents.code = slowly  # type: ignore[assignment, method-assign]
        commands = (ResumeRun(run), DecidePermission(child, "0.0", "allow"))
        for asked in [rig.driver.submit(command) for command in commands]:
            asked.result()
        assert rig.wait(run, lambda state: state.status == "completed").answer == DONE
        assert (rig.state(child), house.did) == (rig.live_state(child), ["w"])


def test_nothing_goes_on_without_the_model_of_a_subagent(tmp_path: Path) -> None:
    """A model that cannot be asked refuses the whole tree before anything is written: also one of a role's own."""
    spec = AgentSpec(plan="off", subagent="", roles=(Role(name="writer", good_at="writing", model="other"),))
    spawn = Turn(calls=[("spawn_subagent", {"task": "task", "role": "writer"})])
    other = ScriptedProvider([Turn(calls=[("write", {"word": "w"})]), answer("done")])
    writer = House("ask").writer()
    with Rig(tmp_path, [spawn, answer()], [writer], spec=spec, models={"other": other}) as rig:
        run, child = begin(rig, waits)
    with Rig(tmp_path, [answer()], [writer], spec=spec) as rig:
        before = rig.raw(run), rig.raw(child)
        for asked in (run, child):
            with pytest.raises(ModelNotFoundError, match="no model 'other'"):
                rig.ask(ResumeRun(asked))
        assert (rig.raw(run), rig.raw(child)) == before
    with Rig(tmp_path, [answer()], [writer], spec=spec, models={"other": other}) as rig:
        rig.ask(ResumeRun(run))
        rig.ask(DecidePermission(child, "0.0", "allow"))
        assert rig.finish(run).status == "completed"


def test_a_role_with_a_model_that_is_refused_starts_no_run(tmp_path: Path) -> None:
    """The log would keep the agent, with whatever secret stands in the name of the model."""
    roles = (Role(name="reader", good_at="reading"), Role(name="writer", good_at="writing", model="other"))
    with Rig(tmp_path, [answer()], spec=AgentSpec(plan="off", roles=roles)) as rig:
        with pytest.raises(ModelNotFoundError, match="no model 'other'"):
            rig.start()
        assert rig.ask(ListRuns()) == []


def test_an_unknown_outcome_in_a_subagent_is_resolved_there(tmp_path: Path) -> None:
    """Stopped twice, the subagent's effectful call is in doubt; resolved in the new process, the caller ends."""
    house = House(is_held=True)
    with house.open(tmp_path) as rig:
        run, child = begin(rig, is_writing)
        assert house.is_waiting.wait(WAIT)
    house.is_held = False
    with house.open(tmp_path) as rig:
        assert statuses(rig.state(child)) == ["unknown"]
        rig.ask(ResumeRun(run))
        rig.wait(child, waits)
        rig.ask(ResolveUnknown(child, "0.0", "result", "wrote w"))
        assert rig.wait(run, lambda state: state.status == "completed").answer == DONE
        assert house.did == ["w"]


def test_subagents_are_paused_with_their_caller_and_as_gently(tmp_path: Path) -> None:
    """The first press lets the subagent's effectful call finish; both rest as paused and go on where they were."""
    house = House(is_held=True)
    with house.open(tmp_path) as rig:
        run, child = begin(rig, is_writing)
        rig.ask(PauseRun(run))
        assert statuses(rig.state(child)) == ["running"]
        house.let_go(rig)
        assert rig.finish(run).status_and_reason == ("interrupted", "paused")
        state = rig.state(child)
        assert (state.status_and_reason, statuses(state)) == (("interrupted", "paused"), ["finished"])
        rig.ask(ResumeRun(run))
        assert rig.wait(run, lambda state: state.status == "completed").answer == DONE
        assert house.did == ["w"]


def test_a_second_press_stops_effectful_calls_of_subagents_too(tmp_path: Path) -> None:
    """Pressed twice, nothing is waited for: the subagent's call is in doubt, and the caller is paused."""
    house = House(is_held=True)
    with house.open(tmp_path) as rig:
        run, child = begin(rig, is_writing)
        assert house.is_waiting.wait(WAIT)
        rig.ask(PauseRun(run))
        rig.ask(PauseRun(run))
        assert rig.finish(run).status_and_reason == ("interrupted", "paused")
        assert statuses(rig.state(child)) == ["unknown"]


def test_a_subagent_is_paused_and_resumed_alone(tmp_path: Path) -> None:
    """Its caller waits meanwhile, and resuming what runs is still refused."""
    house = House(is_held=True)
    with house.open(tmp_path) as rig:
        run, child = begin(rig, is_writing)
        rig.ask(PauseRun(child))
        house.let_go(rig)
        assert rig.finish(child).status_and_reason == ("interrupted", "paused")
        assert rig.state(run).status == "executing_tools"
        with pytest.raises(EditRefusedError, match="is running already"):
            rig.ask(ResumeRun(run))
        rig.ask(ResumeRun(child))
        assert rig.finish(run).answer == DONE


def test_a_cancelled_subagent_rests_and_its_usage_counts(tmp_path: Path) -> None:
    """Cancelling the spawning call stops the subagent at once; the caller goes on with the cancelled result."""
    house = House(is_held=True)
    with house.open(tmp_path) as rig:
        run, child = begin(rig, is_writing)
        rig.ask(CancelCall(run, "0.0"))
        state = rig.finish(run)
        assert statuses(state) == ["cancelled"]
        assert "cancelled by the operator" in (state.answer or "")
        assert (state.child_steps, state.child_usage) == (1, rig.state(child).usage)
        with pytest.raises(EditRefusedError, match=r"has gone on without its subagent .* fork the subagent instead"):
            rig.ask(AnswerCall(child, "0.0", "late"))
        with pytest.raises(EditRefusedError, match="has gone on without its subagent"):
            rig.ask(ResumeRun(child))


def test_a_spawning_call_is_answered_by_hand(tmp_path: Path) -> None:
    """A person may give the summary; the subagent is stopped."""
    house = House(is_held=True)
    with house.open(tmp_path) as rig:
        run, child = begin(rig, is_writing)
        rig.ask(AnswerCall(run, "0.0", "by hand"))
        assert rig.finish(run).answer == "What? | by hand"
        assert rig.state(child).end is not None or statuses(rig.state(child)) == ["unknown"]


def test_subagents_count_towards_the_limits_of_their_caller(tmp_path: Path) -> None:
    """Own usage and usage in all are told apart; the limit of the caller is reached by both together."""
    with House().open(tmp_path, Limits(tokens=40)) as rig:
        state = rig.finish(rig.start())
        assert state.status_and_reason == ("interrupted", "token_limit")
        assert (state.usage.total_tokens, state.child_usage.total_tokens, state.total_usage.total_tokens) == (
            15,
            30,
            45,
        )


def test_subagents_have_nobody_to_ask_where_their_caller_has_nobody(tmp_path: Path) -> None:
    """With `deny_asks` a subagent's call is denied too, also when the run is resumed so."""
    house = House("ask")
    with house.open(tmp_path) as rig:
        assert "not allowed" in (rig.finish(rig.start(deny_asks=True)).answer or "")
        run, _ = begin(rig, waits)
    with house.open(tmp_path) as rig:
        rig.ask(ResumeRun(run, AgentOptions(deny_asks=True)))
        state = rig.wait(run, lambda state: state.status == "completed")
        assert state.answer == "What? | task | denied by the operator: nobody is there to ask."
        assert house.did == []


def test_a_subagent_that_fails_is_a_result_for_its_caller(tmp_path: Path) -> None:
    """A limit or an error of the subagent ends it with a reason; the caller reads that and goes on."""
    house = House()

    def model(request: Request) -> Turn:
        if everything_said(request).startswith("task"):
            raise RuntimeError("broken")
        return house.model(request)

    with Rig(tmp_path, model, [house.writer()], spec=AgentSpec(plan="off", subagent="")) as rig:
        state = rig.finish(rig.start())
        assert state.status == "completed"
        assert "The subagent gave no answer; the provider failed: RuntimeError: broken" in (state.answer or "")
