"""The driver end to end on a scripted model: what is stored is what was shown, forks keep, children answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import (
    AgentOptions,
    AnswerCall,
    ApprovePlan,
    CancelCall,
    ForkEdits,
    ForkRun,
    ListRuns,
    PauseRun,
    ResumeRun,
    Say,
)
from workbench.errors import EditRefusedError, RunNotFoundError, UserError
from workbench.events.content import text_content
from workbench.events.plan import PlanStep
from workbench.events.request import Request
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


def three_looks() -> Turn:
    """Return a turn that looks up three words at once."""
    return Turn("Looking.", [("look", {"word": word}) for word in ("a", "b", "c")])


def test_a_run_is_stored_and_shown_alike(tmp_path: Path) -> None:
    """What came through the feed is what the store gives back, in order and without gaps."""
    with Rig(tmp_path, [three_looks(), answer("done", "x::1")], [look]) as rig:
        run = rig.start("What is a?")
        state = rig.finish(run)
        assert state.status_and_reason == ("completed", "answered")
        assert state.answer == "done"
        shown = [(record.seq, record.event.kind) for record in rig.shown(run)]
        stored = [(record.seq, record.event.kind) for record in rig.history(run).records]
        assert shown == stored
        assert [row.status for row in rig.ask(ListRuns())] == ["completed"]


def test_an_edited_result_forks_and_keeps_its_siblings(tmp_path: Path) -> None:
    """Editing one of three concurrent results keeps the two others; only the model is asked again."""
    calls: list[str] = []

    @tool(read_only=True)
    async def look(word: str) -> str:
        calls.append(word)
        return f"found {word}"

    def model(request: object) -> Turn:
        text = str(request)
        if "found" not in text:
            return three_looks()
        return answer("changed" if "something else" in text else "plain")

    with Rig(tmp_path, model, [look]) as rig:
        run = rig.start()
        assert rig.finish(run).answer == "plain"
        before = rig.history(run).records
        fork = rig.ask(ForkRun(run, edits=ForkEdits(results={"0.1": "something else"})))
        state = rig.finish(fork)
        assert state.answer == "changed"
        assert sorted(calls) == ["a", "b", "c"]
        assert state.steps[0].calls["0.1"].edited
        assert state.steps[0].calls["0.0"].result == rig.state(run).steps[0].calls["0.0"].result
        assert rig.history(run).records == before
        assert {row.id: row.edited for row in rig.ask(ListRuns())} == {run: "", fork: "result 0.1"}


def test_a_pause_stops_at_once_and_resume_goes_on(tmp_path: Path) -> None:
    """Read-only calls in flight are interrupted by a pause and run again on resume."""
    gates: list[asyncio.Event] = []
    runs: list[str] = []

    @tool(read_only=True)
    async def slow(word: str) -> str:
        runs.append(word)
        if len(runs) == 1:
            gates.append(asyncio.Event())
            await gates[0].wait()
        return f"found {word}"

    with Rig(tmp_path, [Turn(calls=[("slow", {"word": "a"})]), answer()], [slow]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: bool(state.steps) and bool(state.steps[0].calls) and state.open_step is not None)
        rig.ask(PauseRun(run))
        paused = rig.finish(run)
        assert paused.status_and_reason == ("interrupted", "paused")
        assert paused.steps[0].calls["0.0"].status == "interrupted"
        rig.ask(ResumeRun(run))
        assert rig.wait(run, lambda state: state.status == "completed").answer == "42"
        assert runs == ["a", "a"]


def test_a_plan_waits_is_edited_and_steers(tmp_path: Path) -> None:
    """With plan=ask the run rests until a person decides; the edited plan enters the conversation."""
    plan = Turn("SEARCH: a\nSYNTHESIZE: b")
    with Rig(tmp_path, [answer()], [look], plan=plan, spec=AgentSpec(plan="ask")) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.status_and_reason == ("awaiting_approval", "plan"))
        rig.ask(ApprovePlan(run, [PlanStep(action="SEARCH", text="other")]))
        assert rig.finish(run).status == "completed"
        assert "Follow this plan:\\n1. SEARCH: other" in str(rig.model.requests[-1].messages)


def test_one_call_is_answered_by_hand_and_one_cancelled_while_the_third_goes_on(tmp_path: Path) -> None:
    """A person settles single calls; siblings are untouched and the model sees all three results."""
    never = asyncio.Event()

    @tool()
    async def act(word: str) -> str:
        if word != "c":
            await never.wait()
        return f"did {word}"

    turn = Turn(calls=[("act", {"word": word}) for word in ("a", "b", "c")])
    with Rig(tmp_path, [turn, answer()], [act]) as rig:
        run = rig.start()
        rig.wait(
            run,
            lambda state: (
                bool(state.steps) and len(state.steps[0].calls) == 3 and state.steps[0].calls["0.2"].has_result
            ),
        )
        rig.ask(AnswerCall(run, "0.0", "by hand"))
        rig.ask(CancelCall(run, "0.1"))
        state = rig.finish(run)
        calls = state.steps[0].calls
        assert [calls[name].status for name in ("0.0", "0.1", "0.2")] == ["finished", "cancelled", "finished"]
        sent = str(rig.model.requests[-1].messages)
        assert "by hand" in sent
        assert "cancelled by the operator" in sent
        assert "did c" in sent


@pytest.mark.parametrize("first", ["done", "cancelled by the operator", "by hand"])
def test_a_call_has_one_result_however_many_come_at_once(tmp_path: Path, first: str) -> None:
    """Finished, cancelled and answered in the same moment, a call takes the first and the model sees that one."""
    gate = asyncio.Event()

    @tool()
    async def act() -> str:
        await gate.wait()
        return "done"

    with Rig(tmp_path, [Turn(calls=[("act", {})]), answer()], [act]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: bool(state.steps) and bool(state.steps[0].calls))
        loop = rig.lives.all[run].loop

        def by_hand() -> None:
            loop.answer_call("0.0", text_content("by hand"), is_error=False)

        def both(*_: object) -> None:
            orders = [lambda: loop.cancel_call("0.0"), by_hand]
            for order in orders if first != "by hand" else reversed(orders):
                order()

        async def at_once() -> None:
            if first == "done":
                future = loop.calls._flying["0.0"]._future
                assert future is not None
                future.add_done_callback(both)  # before anything of what settled is collected
                gate.set()
            else:
                both()

        rig.driver.run_blocking(at_once())
        rig.finish(run)
        kinds = rig.kinds(run)
        assert kinds.count("call_finished") + kinds.count("call_cancelled") == 2  # with that of submit_answer
        assert first in str(rig.model.requests[-1].messages)


def spawning(request: Request) -> Turn:
    """Spawn two children, which answer with their task; then answer with what they said."""
    messages: Any = request.messages
    text = messages[0].content[0].text
    if text.startswith("task"):
        if len(messages) == 1:
            return Turn(calls=[("look", {"word": text[:6]})])
        found = "edited" if "edited" in str(messages) else "plain"
        return answer(f"summary of {text[:6]} {found}", f"{text[:6]}::0")
    if len(messages) == 1:
        return Turn(calls=[("spawn_subagent", {"task": "task A"}), ("spawn_subagent", {"task": "task B"})])
    return answer(str(messages[-1].results[0].content[0].text) + str(messages[-1].results[1].content[0].text))


def test_children_run_and_only_their_summaries_come_back(tmp_path: Path) -> None:
    """Two subagents have logs of their own; the parent gets their answers and counts their steps."""
    with Rig(tmp_path, spawning, [look]) as rig:
        run = rig.start()
        state = rig.finish(run)
        assert state.answer is not None
        assert "summary of task A plain" in state.answer
        assert state.child_steps == 4
        rows = rig.ask(ListRuns())
        assert sorted(row.caller_call or "" for row in rows) == ["", "0.0", "0.1"]
        assert {row.status for row in rows} == {"completed"}


def test_a_fork_inside_a_child_forks_its_caller_so_that_the_answer_arrives(tmp_path: Path) -> None:
    """An edit in one child changes the parent's answer in a new parent; the other child's summary is kept."""
    with Rig(tmp_path, spawning, [look]) as rig:
        run = rig.start()
        first = rig.finish(run)
        child = first.steps[0].calls["0.1"].child
        assert child is not None
        asked = len(rig.model.requests)
        fork = rig.ask(ForkRun(child, edits=ForkEdits(results={"0.0": "edited"})))
        caller = rig.state(fork).caller
        assert caller is not None
        assert caller.run != run
        state = rig.finish(caller.run)
        assert state.answer is not None
        assert "summary of task B edited" in state.answer
        assert "summary of task A plain" in state.answer
        assert len(rig.model.requests) == asked + 2
        assert rig.state(run) == first


def test_a_completed_run_goes_on_with_a_further_question(tmp_path: Path) -> None:
    """Saying something to a completed run forks its end and the model is asked again."""
    with Rig(tmp_path, [answer("first"), answer("second")], [look]) as rig:
        run = rig.start()
        rig.finish(run)
        fork = rig.ask(Say(run, "And then?"))
        assert fork != run
        assert rig.finish(fork).answer == "second"
        sent = rig.model.requests[-1].messages
        assert "accepted" in str(sent[-1])
        assert "And then?" in str(sent[-1])


def test_what_cannot_be_done_says_so_and_writes_nothing(tmp_path: Path) -> None:
    """Empty questions, unknown runs and edits in the wrong place are refused with a sentence."""
    with Rig(tmp_path, [three_looks(), answer()], [look]) as rig:
        with pytest.raises(UserError, match="question is empty"):
            rig.start("  ")
        with pytest.raises(RunNotFoundError):
            rig.ask(ResumeRun("feed"))
        run = rig.start()
        rig.finish(run)
        with pytest.raises(EditRefusedError, match=r"fork at `0\.1`"):
            rig.ask(ForkRun(run, "1", ForkEdits(results={"0.1": "x"})))
        with pytest.raises(EditRefusedError, match="completed"):
            rig.ask(ResumeRun(run))
        assert len(rig.ask(ListRuns())) == 1


def test_one_step_is_one_step_however_quick_the_model_is(tmp_path: Path) -> None:
    """From rest the run does the next step, its calls included, and stops before the turn after it."""
    script = [*(Turn(calls=[("look", {"word": word})]) for word in ("a", "b", "c")), answer("done")]
    with Rig(tmp_path, script, [look]) as rig:
        run = rig.start(max_steps=1)
        assert rig.finish(run).reason == "step_limit"
        for steps in (2, 3):
            rig.ask(ResumeRun(run, AgentOptions(max_steps=9), only_step=True))
            assert rig.finish(run).status_and_reason == ("interrupted", "paused")
            assert [step.is_closed for step in rig.state(run).steps] == [True] * steps
        rig.ask(ResumeRun(run))
        assert rig.finish(run).answer == "done"
