"""What a person decides while a run is open: unknown outcomes, permissions, messages, plans, limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fork_kit import everything_said, statuses
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import (
    AgentOptions,
    ApprovePlan,
    DecidePermission,
    EditPlan,
    ForkEdits,
    ForkRun,
    PauseRun,
    ResolveUnknown,
    ResumeRun,
    Say,
    SkipPlan,
)
from workbench.driver.decisions import FAILED_TEXT, UNKNOWN_TEXT
from workbench.errors import EditRefusedError
from workbench.events.agent import Limits, Permission
from workbench.events.base import Event
from workbench.events.content import text_content
from workbench.events.edit import MessageAdded
from workbench.events.plan import PlanStep
from workbench.events.request import AssistantMessage, Request
from workbench.events.run import RunFinished
from workbench.providers.scripted import Turn
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool


class Desk:
    """A writing tool that can be held at its first call, and what it did."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.keys: list[str] = []
        self.gate: asyncio.Event | None = None
        self.is_held = False

    def writer(self, permission: Permission = "allow", *, idempotent: bool = False) -> Tool:
        """Return the tool."""

        @tool(permission=permission, idempotent=idempotent)
        async def write(context: ToolContext, word: str) -> str:
            """Write a word down."""
            self.did.append(word)
            self.keys.append(context.idempotency_key)
            if self.is_held:
                self.is_held = False
                self.gate = asyncio.Event()
                await self.gate.wait()
            return f"wrote {word}"

        return write


def writing(*words: str) -> Any:
    """Return a model that writes words down at once, and then answers with all that it saw."""

    def model(request: Request) -> Turn:
        if any(isinstance(message, AssistantMessage) for message in request.messages):
            return answer(everything_said(request))
        return Turn("Writing.", [("write", {"word": word}) for word in words])

    return model


def stopped_at_once(rig: Rig) -> str:
    """Return a run whose first call was stopped while it ran, so that nobody knows what it did."""
    run = rig.start()
    rig.wait(run, lambda state: statuses(state)[:1] == ["running"])
    rig.ask(PauseRun(run))
    rig.ask(PauseRun(run))
    rig.wait(run, lambda state: state.is_resting)
    return run


@pytest.mark.parametrize(
    ("given", "text", "said", "did"),
    [
        ("rerun", "", "wrote a", ["a", "a"]),
        ("result", "it is there", "it is there", ["a"]),
        ("fail", "", FAILED_TEXT, ["a"]),
        ("unknown", "", UNKNOWN_TEXT, ["a"]),
    ],
)
def test_an_unknown_outcome_has_four_answers(tmp_path: Path, given: Any, text: str, said: str, did: list[str]) -> None:
    """It runs again, or has the result, or has failed, or the model is told; and only running again runs anything."""
    desk = Desk()
    desk.is_held = True
    with Rig(tmp_path, writing("a"), [desk.writer()]) as rig:
        run = stopped_at_once(rig)
        assert rig.state(run).status_and_reason == ("awaiting_approval", "outcome_unknown")
        rig.ask(ResolveUnknown(run, "0.0", given, text))
        state = rig.finish(run)
        assert state.answer == f"What? | {said}"
        assert desk.did == did
        assert state.steps[0].calls["0.0"].has_error == (given in ("fail", "unknown"))
        assert state == rig.live_state(run)
        with pytest.raises(EditRefusedError, match=r"call 0\.0 has no unknown outcome; it is finished"):
            rig.ask(ResolveUnknown(run, "0.0", given))


def test_the_first_press_lets_an_effectful_call_finish_and_the_second_stops_it(tmp_path: Path) -> None:
    """After one press the run waits for what may take effect; nothing is in doubt then."""
    desk = Desk()
    desk.is_held = True
    with Rig(tmp_path, writing("a"), [desk.writer()]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        rig.ask(PauseRun(run))
        assert rig.state(run).end is None
        rig.open_gate(desk.gate)
        state = rig.finish(run)
        assert (state.status_and_reason, statuses(state)) == (("interrupted", "paused"), ["finished"])


def test_an_idempotency_key_holds_for_a_call_and_is_new_in_a_fork(tmp_path: Path) -> None:
    """The same key over attempts, pauses and a new process; another one in a fork that runs the call again."""
    desk = Desk()
    desk.is_held = True
    tools = [desk.writer(idempotent=True)]
    with Rig(tmp_path, writing("a"), tools) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        rig.ask(PauseRun(run))
        rig.finish(run)
    with Rig(tmp_path, writing("a"), tools) as rig:
        rig.ask(ResumeRun(run))
        rig.wait(run, lambda state: state.status == "completed")
        assert desk.did == ["a", "a"]
        assert len(set(desk.keys)) == 1
        rig.finish(rig.ask(ForkRun(run, "0.0")))
        assert len(set(desk.keys)) == 2


def asks(count: int) -> Any:
    """Return a condition: so many calls wait for permission, and nothing else goes on."""
    return lambda state: state.is_resting and statuses(state).count("waiting") == count


def test_a_permission_is_asked_and_holds_for_one_call(tmp_path: Path) -> None:
    """Allowed once, a call runs; denied, the model gets the reason as its result."""
    desk = Desk()
    with Rig(tmp_path, writing("a", "b"), [desk.writer("ask")]) as rig:
        run = rig.start()
        state = rig.wait(run, asks(2))
        assert state.status_and_reason == ("awaiting_approval", "permission")
        assert "a person allows it" in state.steps[0].calls["0.0"].question
        rig.ask(DecidePermission(run, "0.0", "allow"))
        rig.wait(run, asks(1))
        assert desk.did == ["a"]
        rig.ask(DecidePermission(run, "0.1", "deny", reason="not today"))
        assert rig.finish(run).answer == "What? | wrote a | denied by the operator: not today."
        assert desk.did == ["a"]
        with pytest.raises(EditRefusedError, match=r"call 0\.0 does not wait for permission; it is finished"):
            rig.ask(DecidePermission(run, "0.0", "allow"))


def test_a_permission_for_the_run_lifts_all_questions_of_the_tool_here_but_not_in_a_fork(tmp_path: Path) -> None:
    """Allowed for the run, calls that wait and later ones run; a fork is another run and asks again."""
    desk = Desk()
    with Rig(tmp_path, writing("a", "b"), [desk.writer("ask")]) as rig:
        run = rig.start()
        rig.wait(run, asks(2))
        rig.ask(DecidePermission(run, "0.1", "allow", scope="run"))
        assert rig.finish(run).answer == "What? | wrote a | wrote b"
        fork = rig.ask(ForkRun(run, "0.0"))
        assert rig.wait(fork, lambda state: state.is_resting).status_and_reason == ("awaiting_approval", "permission")


def test_with_nobody_to_ask_what_would_ask_is_denied(tmp_path: Path) -> None:
    """A run, a resumed run and a fork with `deny_asks` never wait for permission."""
    desk = Desk()
    with Rig(tmp_path, writing("a"), [desk.writer("ask")]) as rig:
        why = "write is declared to run only when a person allows it; this run denies what would ask"
        denied = f"What? | not allowed: {why}."
        assert rig.finish(rig.start(deny_asks=True)).answer == denied
        waiting = rig.start()
        rig.wait(waiting, asks(1))
        fork = rig.ask(ForkRun(waiting, "0", ForkEdits(options=AgentOptions(deny_asks=True))))
        assert rig.finish(fork).answer == denied
        rig.ask(ResumeRun(waiting, AgentOptions(deny_asks=True)))
        assert rig.finish(waiting).answer == "What? | denied by the operator: nobody is there to ask."
        assert desk.did == []


def test_a_message_enters_after_the_current_results(tmp_path: Path) -> None:
    """Typed during a step it waits for the results; at a waiting plan it comes before it; a paused run goes on."""
    desk = Desk()
    desk.is_held = True
    plan = Turn("WRITE: a")
    with Rig(tmp_path, writing("a"), [desk.writer()], plan=plan, spec=AgentSpec(plan="ask")) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.status_and_reason == ("awaiting_approval", "plan"))
        assert rig.ask(Say(run, "First this.")) == run
        assert rig.state(run).status_and_reason == ("awaiting_approval", "plan")
        rig.ask(ApprovePlan(run))
        rig.wait(run, lambda state: statuses(state) == ["running"])
        assert rig.ask(Say(run, "Then that.")) == run
        rig.ask(PauseRun(run))
        rig.open_gate(desk.gate)
        assert rig.finish(run).status_and_reason == ("interrupted", "paused")
        assert rig.ask(Say(run, "And this.")) == run
        state = rig.finish(run)
        assert state.status == "completed"
        plan_text = "Follow this plan:\n1. WRITE: a"
        assert state.answer == f"What? | First this. | {plan_text} | wrote a | Then that. | And this."


def test_a_message_during_the_last_turn_is_answered_too(tmp_path: Path) -> None:
    """What is said while the model writes its answer makes it answer once more, in the same run."""
    gate = asyncio.Event()

    def model(request: Request) -> Turn:
        said = everything_said(request)
        return answer(said) if "Wait" in said else Turn("Done.", gate=gate)

    with Rig(tmp_path, model) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.active_turn is not None)
        rig.ask(Say(run, "Wait."))
        rig.open_gate(gate)
        assert rig.finish(run).answer == "What? | Wait."


def test_a_message_that_crosses_the_end_is_answered(tmp_path: Path) -> None:
    """What is stored just before the end of the run is not lost: the run goes on and answers it."""

    def model(request: Request) -> Turn:
        return answer(everything_said(request))

    gate = asyncio.Event()
    with Rig(tmp_path, lambda request: replace(model(request), gate=gate)) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.active_turn is not None)
        journal = rig.lives.all[run].journal
        append = journal.append

        async def crossed(*events: Event, durable: bool = False) -> None:
            if isinstance(events[-1], RunFinished):
                journal.append = append  # type: ignore[method-assign]
                await append(MessageAdded(content=text_content("One more.")))
            await append(*events, durable=durable)

        journal.append = crossed  # type: ignore[method-assign]
        rig.open_gate(gate)
        state = rig.wait(run, lambda state: "One more." in (state.answer or ""))
        assert state.answer == "What? | accepted | One more."
        assert rig.kinds(run).count("run_finished") == 2


def test_further_questions_have_the_steps_of_the_first(tmp_path: Path) -> None:
    """A conversation goes on beyond the limit of steps: each further question may take as many as the first."""
    desk = Desk()

    def model(request: Request) -> Turn:
        asked_last = isinstance(request.messages[-1].content, tuple) and bool(request.messages[-1].content)
        return Turn(calls=[("write", {"word": "a"})]) if asked_last else answer("so")

    with Rig(tmp_path, model, [desk.writer()]) as rig:
        run = rig.start(max_steps=2)
        assert rig.finish(run).status == "completed"
        for _ in range(2):
            run = rig.ask(Say(run, "And then?"))
            state = rig.finish(run)
            assert state.status_and_reason == ("completed", "answered")
        assert (state.finished_steps, state.own_edits) == (6, ["message"])


def test_a_plan_is_edited_while_it_is_followed(tmp_path: Path) -> None:
    """Steps that stay keep their progress, new ones are still to do, and the model hears of it after the results."""
    desk = Desk()
    desk.is_held = True
    plan = Turn("WRITE: apples\nSYNTHESIZE: all")
    with Rig(tmp_path, writing("apples"), [desk.writer()], plan=plan, spec=AgentSpec(plan="auto")) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        first = PlanStep(action="WRITE", text="apples")
        rig.ask(EditPlan(run, [first, PlanStep(action="WRITE", text="pears"), PlanStep(action="VERIFY", text="all")]))
        state = rig.state(run)
        assert state.plan is not None
        assert state.plan.progress == ["doing", "waiting", "waiting"]
        with pytest.raises(EditRefusedError, match="a plan needs at least one step"):
            rig.ask(EditPlan(run, []))
        rig.open_gate(desk.gate)
        changed = "The plan has changed. Follow this plan:\n1. WRITE: apples\n2. WRITE: pears\n3. VERIFY: all"
        assert (rig.finish(run).answer or "").endswith(f"wrote apples | {changed}")
        with pytest.raises(EditRefusedError, match="completed; fork it at `plan`"):
            rig.ask(EditPlan(run, [first]))


def test_a_waiting_plan_is_skipped_once(tmp_path: Path) -> None:
    """Skipping goes on without a plan; whoever decides later is told that nothing waits."""
    plan = Turn("WRITE: a")
    with Rig(tmp_path, [answer()], plan=plan, spec=AgentSpec(plan="ask")) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.is_resting)
        rig.ask(SkipPlan(run))
        assert rig.finish(run).status == "completed"
        for command in (SkipPlan(run), ApprovePlan(run)):
            with pytest.raises(EditRefusedError, match="no plan that waits"):
                rig.ask(command)
        with pytest.raises(EditRefusedError, match="follows no plan"):
            rig.ask(EditPlan(run, [PlanStep(action="A", text="b")]))


def test_decisions_that_cross_each_other_count_once(tmp_path: Path) -> None:
    """Of two approvals given at the same moment one holds and the other is told so."""
    plan = Turn("WRITE: a")
    with Rig(tmp_path, [answer()], plan=plan, spec=AgentSpec(plan="ask")) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.is_resting)
        outcomes = [asked.exception() for asked in [rig.driver.submit(ApprovePlan(run)) for _ in range(5)]]
        assert [type(outcome) for outcome in outcomes] == [type(None), *([EditRefusedError] * 4)]
        rig.finish(run)
        assert rig.kinds(run).count("plan_approved") == 1


@pytest.mark.parametrize(
    ("limits", "larger", "reason"),
    [
        (Limits(steps=1), AgentOptions(max_steps=5), "step_limit"),
        (Limits(tokens=10), AgentOptions(max_tokens=1000), "token_limit"),
        (Limits(cost=0.0), AgentOptions(max_cost=1.0), "cost_limit"),
        (Limits(seconds=0.0), AgentOptions(max_seconds=60.0), "time_limit"),
    ],
)
def test_a_limit_stops_a_run_and_a_larger_one_lets_it_go_on(
    tmp_path: Path, limits: Limits, larger: AgentOptions, reason: str
) -> None:
    """The run says which limit it reached; resumed as it is it stops again, with a larger limit it ends."""
    desk = Desk()
    with Rig(tmp_path, writing("a"), [desk.writer()], spec=AgentSpec(plan="off", limits=limits)) as rig:
        run = rig.start()
        assert rig.finish(run).status_and_reason == ("interrupted", reason)
        rig.ask(ResumeRun(run))
        again = rig.wait(run, lambda state: state.end is not None and rig.kinds(run).count("limit_reached") == 2)
        assert again.status_and_reason == ("interrupted", reason)
        rig.ask(ResumeRun(run, larger))
        state = rig.wait(run, lambda state: state.status == "completed")
        assert (state.answer, desk.did) == ("What? | wrote a", ["a"])
        assert state == rig.live_state(run)


def test_resuming_what_runs_is_refused(tmp_path: Path) -> None:
    """A run that moves is not resumed twice, one that rests is not paused."""
    desk = Desk()
    desk.is_held = True
    with Rig(tmp_path, writing("a"), [desk.writer()]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        with pytest.raises(EditRefusedError, match="is running already"):
            rig.ask(ResumeRun(run))
        rig.open_gate(desk.gate)
        rig.finish(run)
        with pytest.raises(EditRefusedError, match="cannot be paused from here: it is not running"):
            rig.ask(PauseRun(run))
