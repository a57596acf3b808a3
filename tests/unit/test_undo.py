"""Undo: back from a fork, or a fork just before a decision, in which the question is open again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.fork_kit import scene
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.debugger.undo import ForkBefore, GoBack, what_undo_does
from workbench.driver.commands import (
    AnswerCall,
    ApprovePlan,
    CancelCall,
    Command,
    DecidePermission,
    EditPlan,
    ForkEdits,
    ForkRun,
    PauseRun,
    ResolveUnknown,
    Say,
    SkipPlan,
)
from workbench.errors import EditRefusedError
from workbench.events.plan import PlanStep
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.declaring import tool

PLAN = Turn("SEARCH: alpha\nSYNTHESIZE: all of it")


def undo(rig: Rig, run: str) -> ForkBefore:
    """Return what undoing in a run means, where that is a fork."""
    undone = what_undo_does(rig.history(run))
    assert isinstance(undone, ForkBefore)
    return undone


def undone(rig: Rig, run: str) -> RunState:
    """Undo the last decision in a run; return the fork as it was made."""
    return rig.state(rig.ask(ForkRun(run, undo(rig, run).address, drive=False)))


def test_a_fork_is_undone_by_going_back(tmp_path: Path) -> None:
    """Whatever its edits, and however far it went on by itself."""
    with scene(tmp_path, "end") as at:
        fork = at.fork("0.1", ForkEdits(results={"0.1": "CHANGED"}, say="And y?", model=None))
        assert what_undo_does(at.rig.history(fork)) == GoBack(at.run, "0.1")
        at.rig.finish(fork)
        assert what_undo_does(at.rig.history(fork)) == GoBack(at.run, "0.1")
        again = at.fork("end", ForkEdits(say="More?"))
        assert what_undo_does(at.rig.history(again)) == GoBack(at.run, "end")


def test_a_further_question_is_undone_by_going_back(tmp_path: Path) -> None:
    """It was a fork of the completed run, though nobody called it so."""
    with Rig(tmp_path, lambda _: answer("done")) as rig:
        run = rig.start()
        rig.finish(run)
        fork = rig.ask(Say(run, "And now?"))
        rig.finish(fork)
        assert what_undo_does(rig.history(fork)) == GoBack(run, "end")


def test_where_nothing_was_decided_there_is_nothing_to_undo(tmp_path: Path) -> None:
    """A plan that was approved by itself, results of tools, pauses: none of it is a decision."""
    with Rig(tmp_path, lambda _: answer("done"), plan=PLAN, spec=AgentSpec(plan="auto")) as rig:
        run = rig.start()
        rig.finish(run)
        with pytest.raises(EditRefusedError, match="Nothing to undo: you decided nothing in this run"):
            what_undo_does(rig.history(run))


STEPS = (PlanStep(action="SEARCH", text="beta"),)


@pytest.mark.parametrize(
    ("decide", "what"),
    [
        (ApprovePlan, "the plan's approval"),
        (lambda run: ApprovePlan(run, STEPS), "the plan's approval"),
        (SkipPlan, "going on without the plan"),
    ],
)
def test_a_decided_plan_waits_again(tmp_path: Path, decide: Any, what: str) -> None:
    """Approved, edited and approved, or skipped: in the fork the plan is as it was proposed, and waits."""
    with Rig(tmp_path, lambda _: answer("done"), plan=PLAN, spec=AgentSpec(plan="ask")) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.is_resting)
        before = rig.state(run)
        rig.ask(decide(run))
        rig.finish(run)
        assert undo(rig, run).what == what
        fork = undone(rig, run)
        assert fork.status_and_reason == ("awaiting_approval", "plan")
        assert fork.plan == before.plan
        assert what_undo_does(rig.history(fork.run)) == GoBack(run, undo(rig, run).address)


def test_a_decision_right_after_a_fork_is_told_from_its_beginning(tmp_path: Path) -> None:
    """A fork in which the plan waits, approved: undone, the plan waits again; the fork itself is not undone yet."""
    with Rig(tmp_path, lambda _: answer("done"), plan=PLAN, spec=AgentSpec(plan="ask")) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.is_resting)
        fork = rig.ask(ForkRun(run, "plan"))
        rig.wait(fork, lambda state: state.is_resting)
        rig.ask(ApprovePlan(fork))
        rig.finish(fork)
        again = undone(rig, fork)
        assert again.status_and_reason == ("awaiting_approval", "plan")
        assert again.made_from == fork


def test_a_plan_that_was_changed_on_the_way_is_as_before(tmp_path: Path) -> None:
    """Changing an approved plan is a decision of its own."""
    gates: list[asyncio.Event] = []

    def model(_: Any) -> Turn:
        gates.append(asyncio.Event())
        return Turn("Thinking.", gate=gates[-1]) if len(gates) == 1 else answer("done")

    with Rig(tmp_path, model, plan=PLAN, spec=AgentSpec(plan="auto")) as rig:
        run = rig.start()
        rig.wait(run, lambda state: bool(state.active_turn and state.active_turn.purpose == "step" and gates))
        rig.ask(EditPlan(run, STEPS))
        rig.open_gate(gates[0])
        rig.finish(run)
        assert undo(rig, run).what == "the change of the plan"
        plan = undone(rig, run).plan
        assert plan is not None
        assert str(plan.steps[0]) == "SEARCH: alpha"


def calls_of(*words: str, name: str = "act") -> list[Turn]:
    """Return a script that calls a tool, and answers."""
    return [Turn("Acting.", [(name, {"word": word}) for word in words]), answer("done")]


@pytest.mark.parametrize("verdict", ["allow", "deny"])
def test_a_permission_is_asked_again(tmp_path: Path, verdict: Any) -> None:
    """Allowed or denied, the fork stands before the question."""

    @tool(permission="ask")
    async def act(word: str) -> str:
        return f"did {word}"

    with Rig(tmp_path, calls_of("a"), [act]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.is_resting)
        rig.ask(DecidePermission(run, "0.0", verdict))
        rig.finish(run)
        assert undo(rig, run).what == ("the permission of call 0.0" if verdict == "allow" else "the no to call 0.0")
        assert undone(rig, run).status_and_reason == ("awaiting_approval", "permission")


def test_what_was_allowed_for_the_run_at_once_is_asked_again_at_once(tmp_path: Path) -> None:
    """One key allowed three calls, so one undo asks for all three."""

    @tool(permission="ask")
    async def act(word: str) -> str:
        return f"did {word}"

    with Rig(tmp_path, calls_of("a", "b", "c"), [act]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.is_resting)
        rig.ask(DecidePermission(run, "0.1", "allow", "run"))
        rig.finish(run)
        fork = undone(rig, run)
        assert [call.status for call in fork.steps[0].asked_calls] == ["waiting"] * 3
        assert fork.allowed == set()


@pytest.mark.parametrize(
    ("decide", "what"),
    [
        (lambda run: CancelCall(run, "0.0"), "the cancelling of call 0.0"),
        (lambda run: AnswerCall(run, "0.0", "by hand"), "the result by hand of call 0.0"),
    ],
)
def test_a_call_that_was_settled_by_hand_is_open_again(tmp_path: Path, decide: Any, what: str) -> None:
    """Cancelled or answered, it runs again in the fork."""
    began: list[asyncio.Event] = []

    @tool(read_only=True)
    async def act(word: str) -> str:
        began.append(asyncio.Event())
        if len(began) == 1:
            await began[0].wait()
        return f"found {word}"

    with Rig(tmp_path, calls_of("a"), [act], spec=AgentSpec(plan="off", eager=False)) as rig:
        run = rig.start()
        rig.wait(run, lambda state: bool(began) and state.open_step is not None)
        rig.ask(decide(run))
        rig.finish(run)
        assert undo(rig, run).what == what
        assert undone(rig, run).steps[0].calls["0.0"].status == "interrupted"


@pytest.mark.parametrize("given", ["result", "rerun"])
def test_an_unknown_outcome_is_unknown_again(tmp_path: Path, given: Any) -> None:
    """The answer, and the result that came with it, are undone together."""
    began: list[asyncio.Event] = []

    @tool
    async def act(word: str) -> str:
        began.append(asyncio.Event())
        if len(began) == 1:
            await began[0].wait()
        return f"did {word}"

    with Rig(tmp_path, calls_of("a"), [act]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: bool(began) and bool(state.steps) and state.open_step is not None)
        rig.ask(PauseRun(run))
        rig.ask(PauseRun(run))
        rig.wait(run, lambda state: state.is_resting)
        rig.ask(ResolveUnknown(run, "0.0", given, "it is there"))
        rig.finish(run)
        assert undo(rig, run).what == "the answer for call 0.0 of unknown outcome"
        assert undone(rig, run).status_and_reason == ("awaiting_approval", "outcome_unknown")


def test_a_message_is_taken_back(tmp_path: Path) -> None:
    """The last of two decisions is undone, and then the one before."""
    began: list[asyncio.Event] = []

    @tool(read_only=True)
    async def act(word: str) -> str:
        began.append(asyncio.Event())
        if len(began) == 1:
            await began[0].wait()
        return f"found {word}"

    with Rig(tmp_path, calls_of("a"), [act], spec=AgentSpec(plan="off", eager=False)) as rig:
        run = rig.start()
        rig.wait(run, lambda state: bool(began) and state.open_step is not None)
        said: Command = Say(run, "Hurry.")
        rig.ask(said)
        rig.open_gate(began[0])
        rig.finish(run)
        assert undo(rig, run).what == "the message"
        fork = undone(rig, run)
        assert fork.queued == []
        assert len(fork.entries) == 2
