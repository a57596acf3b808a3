"""The fold: what each kind of event does to the state, at any moment, and what it never does."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from tests.builders import (
    RunLog,
    agent_record,
    forked_run,
    live_run,
    long_run,
    researched_run,
    subagents_run,
    troubled_run,
    waiting_plan,
)
from tests.golden.make_golden import AGENT, USAGE, beginning, ending, middle
from workbench.events.agent import Effect, Limits
from workbench.events.base import Event, Recorded
from workbench.events.call import (
    CallCancelled,
    CallDiscarded,
    CallFinished,
    CallInterrupted,
    CallProgressed,
    CallRetried,
    CallReused,
    CallStarted,
    LateResultDropped,
    OutcomeResolved,
    OutcomeUnknown,
    PermissionAsked,
    PermissionDecided,
    SubagentFinished,
    SubagentStarted,
)
from workbench.events.codec import UnknownEvent, result_fields
from workbench.events.content import TextBlock, text_content
from workbench.events.edit import AgentEdited, MessageAdded, TextEdited
from workbench.events.plan import (
    PlanApproved,
    PlanEdited,
    PlanProposed,
    PlanSkipped,
    PlanStep,
    PlanStepFinished,
    PlanStepStarted,
)
from workbench.events.request import ProviderParts, ToolCallBlock, Usage
from workbench.events.run import (
    BreakpointHit,
    ContextElided,
    ContextSummarised,
    HookChanged,
    LimitReached,
    ModeChanged,
    RunFinished,
    RunForked,
    RunPaused,
    RunRecovered,
    RunResumed,
)
from workbench.events.turn import TurnDiscarded, TurnFinished, TurnStarted, TurnText
from workbench.state import history as history_module
from workbench.state.fold import apply, fold
from workbench.state.history import History
from workbench.state.parts import Said, StepMark, driven_between, time_covered
from workbench.state.run_state import RunState


def golden_records() -> list[Recorded]:
    """Return a log with an event of every kind of a run."""
    events = [*beginning(), *middle(), *ending()]
    return [Recorded("golden", seq, 100.0 + seq, event) for seq, event in enumerate(events)]


def scenes() -> dict[str, list[Recorded]]:
    """Return rich logs."""
    return {
        "golden": golden_records(),
        "researched": researched_run().records,
        "waiting": waiting_plan().records,
        "live": live_run(6).records,
        "subagents": subagents_run(done=True)[0].records,
        "forked": forked_run().records,
        "troubled": troubled_run().records,
        "long": long_run(12, 3),
    }


SCENES = scenes()


def asked(*calls: str, step: int = 0, tool: str = "look") -> TurnFinished:
    """Return a turn that asks for calls."""
    blocks = tuple(ToolCallBlock(id=call, tool=tool, input={"q": call}) for call in calls)
    return TurnFinished(
        step=step, attempt=0, purpose="step", content=(TextBlock(text="Hm."), *blocks), stop_reason="x",
        usage=USAGE, elapsed=1.0,
    )  # fmt: skip


def turn(step: int = 0, attempt: int = 0, purpose: Any = "step") -> TurnStarted:
    """Return the start of a turn."""
    return TurnStarted(step=step, attempt=attempt, purpose=purpose, model="offline", request_key="k")


def start(call: str, effect: Effect = "read_only", *, eager: bool = False) -> CallStarted:
    """Return the start of a call."""
    return CallStarted(call=call, tool="look", input={"q": call}, effect=effect, permission="allow", eager=eager)


def done(call: str, text: str = "found", outcome: Any = "ok") -> CallFinished:
    """Return the result of a call."""
    fields = result_fields(text_content(text), is_error=outcome != "ok")
    return CallFinished(call=call, outcome=outcome, elapsed=0.5, **fields)


def log(*events: Event, **agent: Any) -> RunLog:
    """Return a run with these events, one second apart."""
    written = RunLog(agent=agent_record(plan="off", **agent))
    for event in events:
        written.add(event, 1.0)
    return written


# Any moment.


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("every", [1, 3, 512])
def test_any_moment_is_the_fold_of_the_events_up_to_it(name: str, every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scrubbing to any event gives what a fresh fold of that prefix gives, wherever the snapshots lie."""
    monkeypatch.setattr(history_module, "SNAPSHOT_EVERY", every)
    records = SCENES[name]
    history, states = History(), []
    for record in records:
        history.append(record)
        states.append(copy.deepcopy(history.live))
    assert history.at(-1) == RunState()
    for seq in range(len(records)):
        assert history.at(seq) == states[seq] == fold(records[: seq + 1]), f"event {seq}"
    assert history.at(10_000) is history.live


@pytest.mark.parametrize("name", SCENES)
def test_a_beginning_of_a_history_goes_on_by_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fork shares with its parent is the fold of that part, and neither changes the other."""
    monkeypatch.setattr(history_module, "SNAPSHOT_EVERY", 3)
    records = SCENES[name]
    whole = History(records)
    before = copy.deepcopy(whole.live)
    for seq in range(0, len(records), max(1, len(records) // 12)):
        part = whole.upto(seq)
        assert part.records == records[: seq + 1]
        assert part.live == fold(records[: seq + 1])
        part.extend(records[seq + 1 :])
        assert part.live == before
        assert [part.at(place) for place in range(0, len(records), 5)] == [
            whole.at(place) for place in range(0, len(records), 5)
        ]
    assert whole.live == before
    grown = whole.upto(len(records) - 1)
    apply(grown.live, Recorded(before.run, before.seq + 1, before.at, RunPaused(reason="paused")))
    assert whole.live == before


@pytest.mark.parametrize("name", SCENES)
def test_what_happens_later_never_changes_an_earlier_moment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that was handed out for the past stays as it was, whatever is folded into it or into the live one."""
    monkeypatch.setattr(history_module, "SNAPSHOT_EVERY", 2)
    records = SCENES[name]
    history = History()
    for record in records[: len(records) // 2]:
        history.append(record)
    middle_of_all = history.live.seq
    past = [history.at(seq) for seq in range(middle_of_all)]
    before = copy.deepcopy(past)
    branch = history.at(middle_of_all - 1)
    for record in records[middle_of_all:]:
        apply(branch, record)
    for record in records[len(records) // 2 :]:
        history.append(record)
    assert past == before
    assert [history.at(seq) for seq in range(middle_of_all)] == before
    assert branch == history.live == fold(records)


def test_a_gap_or_a_repetition_is_a_damaged_log() -> None:
    """Events come in order, one after the other, and nothing is folded that does not."""
    records = SCENES["researched"]
    for order in ((0, 2), (0, 0), (1,), (0, 1, 1)):
        with pytest.raises(ValueError, match="expected"):
            fold([records[index] for index in order])


def test_folding_never_reads_bodies() -> None:
    """A log read without its bodies gives the same state."""
    for name, records in SCENES.items():
        heads = [
            Recorded(record.run, record.seq, record.at, record.event.model_copy(update={"result": ()}))
            if hasattr(record.event, "result")
            else record
            for record in records
        ]
        assert fold(heads) == fold(records), name


def test_an_unknown_kind_is_counted_and_changes_nothing_else() -> None:
    """A newer version's facts do not stop an older reader."""
    run = log(turn(), asked("0.0"))
    before = copy.deepcopy(run.state)
    run.add(UnknownEvent(kind="dreamt_of", raw={"kind": "dreamt_of"}), 1.0)
    assert run.state.unknown_kinds == 1
    before.unknown_kinds, before.seq, before.at = 1, run.state.seq, run.state.at
    before.driven_seconds = run.state.driven_seconds
    assert run.state == before


# The life of a run.


def test_a_run_is_idle_until_it_thinks_and_its_end_has_a_reason() -> None:
    """Each status on the way, in order."""
    run = RunLog(agent=agent_record(plan="ask"))
    seen = [run.state.status_and_reason]
    for event in (
        turn(purpose="plan"),
        TurnFinished(step=0, attempt=0, purpose="plan", content=(), stop_reason="x", usage=Usage(), elapsed=0.1),
        PlanProposed(steps=(PlanStep(action="SEARCH", text="x"),)),
        PlanApproved(by="operator"),
        turn(),
        asked("0.0"),
        start("0.0"),
        done("0.0"),
        turn(1),
        asked("1.0", step=1, tool="submit_answer"),
        done("1.0"),
        RunFinished(status="completed", reason="answered", answer="42"),
        MessageAdded(content=text_content("More?")),
    ):
        run.add(event, 1.0)
        seen.append(run.state.status_and_reason)
    assert [status for status, _ in seen] == [
        "idle", "planning", "idle", "awaiting_approval", "idle", "thinking", "executing_tools", "executing_tools",
        "thinking", "thinking", "responding", "thinking", "completed", "thinking",
    ]  # fmt: skip
    assert [reason for _, reason in seen if reason] == ["plan", "answered"]
    assert [type(entry) for entry in run.state.entries] == [Said, Said, StepMark, StepMark, Said]


def test_rest_and_resumption() -> None:
    """Pause, breakpoint, limit and crash each leave the run at rest or torn, and each is undone by going on."""
    run = log(turn(), asked("0.0"), BreakpointHit(rule="step", why="each step"), RunPaused(reason="breakpoint"))
    assert run.state.status_and_reason == ("interrupted", "breakpoint")
    assert run.state.breakpoint == "step: each step"
    run.add(RunResumed(limits=Limits(steps=99)))
    assert run.state.end is None
    assert run.state.breakpoint == ""
    assert run.state.agent is not None
    assert run.state.agent.limits.steps == 99
    run.add(LimitReached(limit="step_limit", value=1, maximum=1))
    run.add(RunFinished(status="interrupted", reason="step_limit", error="e"))
    assert (run.state.status_and_reason, run.state.error) == (("interrupted", "step_limit"), "e")
    run.add(RunRecovered())
    assert run.state.end is None


def test_only_driven_time_counts() -> None:
    """Not the time at rest, nor before a recovery, nor before a fork."""
    run = log(turn(), asked("0.0"), start("0.0"))
    assert run.state.driven_seconds == pytest.approx(3.0)
    run.add(RunPaused(), 1.0)
    run.add(RunResumed(), 1000.0)
    run.add(HookChanged(hook="h", what="input", before="", after=""), 2.0)
    assert run.state.driven_seconds == pytest.approx(6.0)
    run.add(RunRecovered(), 86_400.0)
    assert run.state.driven_seconds == pytest.approx(6.0)
    fork = run.fork("fork", run.state.seq, address="end")
    assert fork.state.driven_seconds == 0.0
    fork.add(turn(1), 2.0)
    assert fork.state.driven_seconds == pytest.approx(2.0)


def test_a_step_knows_when_nobody_drove_it() -> None:
    """A pause in the middle of a step, and the time until it was forked, are no part of how long its calls took."""
    run = log(turn(), asked("0.0"), start("0.0"))
    run.add(RunPaused(), 1.0)
    run.add(RunResumed(), 1000.0)
    step = run.state.steps[0]
    assert [end - since for since, end in step.undriven] == [pytest.approx(1000.0)]
    began = step.turn.started_at
    assert driven_between(began, run.state.at, step.undriven) == pytest.approx(run.state.at - began - 1000.0)
    fork = run.fork("fork", run.state.seq - 1, address="0.0")
    assert len(fork.state.steps[0].undriven) >= 1
    assert len(step.undriven) == 1


def test_usage_is_summed_and_children_count_once_each() -> None:
    """Own turns and finished subagents; a subagent that ran again replaces the one before."""
    run = log(turn(), asked("0.0", tool="spawn_subagent"), start("0.0"))
    run.add(SubagentStarted(call="0.0", run="child", task="t"))
    call = run.state.call("0.0")
    assert call is not None
    assert call.child == "child"
    finished = SubagentFinished(call="0.0", run="child", status="completed", reason="answered", steps=3, usage=USAGE)
    run.add(finished)
    run.add(finished.model_copy(update={"steps": 4}))
    assert (run.state.usage, run.state.child_usage, run.state.child_steps) == (USAGE, USAGE, 4)
    assert run.state.total_usage == USAGE + USAGE


# Plans.

STEPS = tuple(PlanStep(action="SEARCH", text=text) for text in "abc")


def test_a_plan_edited_on_the_way_keeps_what_is_done() -> None:
    """Done steps stay done where they stay; new ones are to be done; the model is told the whole new plan."""
    run = log(PlanProposed(steps=STEPS), PlanApproved(by="auto"), PlanStepStarted(index=0), PlanStepFinished(index=0))
    run.add(PlanStepStarted(index=1))
    new = PlanStep(action="COMPARE", text="x")
    run.add(PlanEdited(steps=(STEPS[0], new)))
    plan = run.state.plan
    assert plan is not None
    assert (plan.progress, plan.edited) == (["done", "waiting"], True)
    said = [entry.content for entry in run.state.entries if isinstance(entry, Said) and entry.kind == "plan"]
    assert said[-1] == text_content("The plan has changed. Follow this plan:\n1. SEARCH: a\n2. COMPARE: x")
    run.add(PlanEdited(steps=()))
    assert plan.progress == []
    run.add(PlanStepFinished(index=7))
    assert plan.progress == []


def test_a_plan_that_was_skipped_or_simple_is_not_said() -> None:
    """And before a proposal nothing about plans means anything."""
    run = log(PlanApproved(by="auto"), PlanProposed(steps=STEPS), PlanEdited(steps=STEPS[:1]), PlanSkipped())
    assert run.state.plan is not None
    assert run.state.plan.status == "skipped"
    assert [entry.kind for entry in run.state.entries if isinstance(entry, Said)] == ["task"]
    assert log(PlanProposed(steps=())).state.status == "idle"


# Turns.


def test_a_discarded_turn_leaves_only_its_errors() -> None:
    """The next attempt takes its place; streamed pieces are gone when the turn is whole."""
    run = log(turn(), TurnText(step=0, attempt=0, text="half"), TurnText(step=0, attempt=0, text="hm", thinking=True))
    assert (run.state.steps[0].turn.text, run.state.steps[0].turn.thinking) == (["half"], ["hm"])
    run.add(TurnDiscarded(step=0, attempt=0, reason="broken: x"))
    assert (run.state.active_turn, run.state.steps[0].turn.status) == (None, "discarded")
    run.add(turn(attempt=1))
    run.add(TurnText(step=0, attempt=1, text="again"))
    run.add(asked())
    [step] = run.state.steps
    assert (step.turn.attempt, step.turn.status, step.turn.text) == (1, "finished", [])
    assert step.is_closed
    assert run.state.finished_steps == 1


def test_queued_messages_enter_after_the_results() -> None:
    """While a turn streams or calls are open they wait; the order in which they were said stays."""
    run = log(turn())
    run.say("one")
    run.add(asked("0.0", "0.1"))
    run.say("two")
    run.add(done("0.0"))
    assert [type(entry) for entry in run.state.entries] == [Said, StepMark]
    run.add(done("0.1"))
    assert [str(entry) for entry in run.state.entries[2:]] == [
        str(Said("message", text_content(text), seq)) for seq, text in ((2, "one"), (4, "two"))
    ]
    assert run.state.queued == []


def test_a_text_edit_strips_what_only_the_provider_understands() -> None:
    """The calls stay; parts that were signed for another text go whole."""
    signed = asked("0.0").model_copy(update={"provider_parts": ProviderParts(provider="p", parts=[1])})
    run = log(turn(), signed)
    run.add(TextEdited(step=0, text="Better.", replaces=""))
    [step] = run.state.steps
    assert [block.type for block in step.turn.content] == ["text", "tool_call"]
    assert (step.turn.provider_parts, step.turn.edited) == (None, True)
    assert run.state.own_edits == ["text 0"]


# Calls.


def test_every_call_has_one_result_however_it_came() -> None:
    """From the tool, from a person, from the engine; progress and attempts stand beside it."""
    run = log(turn(), asked("0.0", "0.1", "0.2", "0.3"), start("0.0"), start("0.1"), start("0.2", "effectful"))
    run.add(CallRetried(call="0.0", attempt=0, error="slow", elapsed=0.1, wait=0.05))
    run.add(CallProgressed(call="0.0", text="half"))
    call = run.state.call("0.0")
    assert call is not None
    assert ([attempt.error for attempt in call.attempts], call.progress) == (["slow"], "half")
    run.add(done("0.0"))
    run.add(CallCancelled(call="0.1", elapsed=1.0, **result_fields(text_content("given up"), is_error=True)))
    run.add(CallInterrupted(call="0.2", reason="crashed"))
    run.add(OutcomeUnknown(call="0.2"))
    assert run.state.status == "executing_tools"  # 0.3 can still start
    run.add(PermissionAsked(call="0.3", tool="look", input={}, reason="ask"))
    assert run.state.status_and_reason == ("awaiting_approval", "outcome_unknown")
    run.add(PermissionDecided(call="0.3", verdict="deny", scope="run", reason="no"))
    run.add(done("0.3", outcome="denied"))
    assert run.state.allowed == set()
    run.add(OutcomeResolved(call="0.2", answer="fail"))
    assert run.state.status_and_reason == ("awaiting_approval", "outcome_unknown")
    run.add(done("0.2", outcome="failed"))
    assert run.state.steps[0].is_closed
    assert [call.by for call in run.state.steps[0].calls.values()] == ["tool", "operator", "tool", "tool"]
    run.add(LateResultDropped(call="0.2", size=1))
    assert run.state.late_results == 1


def test_a_call_that_is_to_run_again_starts_afresh() -> None:
    """Rerun of an unknown outcome: the new start clears what the first one left."""
    run = log(turn(), asked("0.0"), start("0.0", "effectful"))
    run.add(CallRetried(call="0.0", attempt=0, error="slow", elapsed=0.1, wait=0.05))
    run.add(CallInterrupted(call="0.0", reason="paused"))
    run.add(OutcomeUnknown(call="0.0"))
    run.add(OutcomeResolved(call="0.0", answer="rerun"))
    call = run.state.call("0.0")
    assert call is not None
    assert (call.status, call.reruns) == ("requested", 1)
    run.add(start("0.0", "effectful"))
    assert (call.status, call.attempts, call.finished_at) == ("running", [], None)


@pytest.mark.parametrize("finished_first", [True, False])
def test_a_reused_call_stands_for_the_one_it_took_over(finished_first: bool) -> None:
    """Its start, attempts and result, or its run while it still runs; the old one counts no more."""
    run = log(turn(), start("0.0", eager=True), *([done("0.0")] if finished_first else []))
    run.add(TurnDiscarded(step=0, attempt=0, reason="broken"))
    run.add(turn(attempt=1))
    run.add(asked("0.1"))
    run.add(CallReused(call="0.1", old="0.0"))
    old, new = run.state.call("0.0"), run.state.call("0.1")
    assert old is not None
    assert new is not None
    assert (old.status, new.eager, new.started_seq) == ("discarded", True, old.started_seq)
    if not finished_first:
        assert new.status == "running"
        run.add(done("0.1"))
    assert (new.status, new.has_result) == ("finished", True)
    assert run.state.steps[0].is_closed
    assert run.state.outcomes.count(False) == 1
    run.add(CallReused(call="0.1", old="9.9"))


def test_events_of_calls_that_nobody_knows_are_ignored() -> None:
    """A damaged or foreign log does not stop the fold."""
    run = log(done("7.0"), done("nonsense"), turn(), asked("0.0"), done("0.9"), CallDiscarded(call="0.9", reason="x"))
    assert run.state.status == "executing_tools"
    assert run.state.call("7.0") is run.state.call("nonsense") is None


def test_the_fallback_counts_what_failed_by_itself_in_a_window_of_twenty() -> None:
    """Timeouts and exceptions count as failures; bad input, denials, cancels and a person's results not at all."""
    run = log(turn(), asked(*[f"0.{number}" for number in range(40)]))
    outcomes: Sequence[Any] = [
        "invalid_input",
        "denied",
        "not_run",
        "failed",
        "timeout",
        "ok",
        "exception",
        "error",
        "ok",
    ]
    for number, outcome in enumerate(outcomes):
        run.add(done(f"0.{number}", outcome=outcome))
    assert list(run.state.outcomes) == [True, False, True, False, False]
    assert run.state.clean_in_a_row == 2
    run.add(done("0.20").model_copy(update={"by": "operator"}))
    assert run.state.clean_in_a_row == 2
    for number in range(21, 40):
        run.add(done(f"0.{number}"))
    assert len(run.state.outcomes) == 20
    run.add(ModeChanged(mode="sequential", why="x"))
    assert (run.state.mode, run.state.is_sequential, list(run.state.outcomes)) == ("sequential", True, [])


def test_one_by_one_a_call_that_waits_holds_up_those_after_it() -> None:
    """In a sequential run the first open call decides whether a person is waited for; what runs, runs."""
    waits = PermissionAsked(call="0.0", tool="look", input={}, reason="ask")
    run = log(turn(), asked("0.0", "0.1"), waits, parallel=False)
    assert run.state.status_and_reason == ("awaiting_approval", "permission")
    run.add(start("0.1"))
    assert run.state.status == "executing_tools"
    assert log(turn(), asked("0.0", "0.1"), waits).state.status == "executing_tools"


# Forks.


@pytest.mark.parametrize(
    ("reset", "effect", "status", "keeps_result"),
    [
        ("rerun", "read_only", "requested", False),
        ("rerun", "effectful", "requested", False),
        ("open", "read_only", "interrupted", True),
        ("open", "idempotent", "interrupted", True),
        ("open", "effectful", "unknown", True),
        ("answered", "effectful", "requested", True),
    ],
)
def test_a_fork_opens_calls_again_as_it_says(reset: Any, effect: Effect, status: str, keeps_result: bool) -> None:
    """Asked to run again, or started and unfinished at the cut (effects then need an answer), or about to be edited."""
    run = log(turn(), asked("0.0", "0.1"), start("0.0", effect), done("0.0"), start("0.1"), done("0.1"))
    fork = run.fork("fork", run.state.seq, address="0.0", reset={"0.0": reset})
    first, second = fork.state.call("0.0"), fork.state.call("0.1")
    assert first is not None
    assert second is not None
    assert (first.status, first.result is not None) == (status, keeps_result)
    assert second.has_result
    assert fork.state.open_step is not None
    assert (fork.state.run, fork.state.parent, fork.state.made_from, fork.state.cut) == (
        "fork", run.run, run.run, run.state.seq,
    )  # fmt: skip
    fork.edit_result("0.0", "by hand")
    assert first.edited
    assert first.original is not None
    assert (first.original.run == run.run) is keeps_result
    assert fork.state.steps[0].is_closed
    assert fork.state.own_edits == ["result 0.0"]


def test_a_fork_forgets_the_end_and_the_edits_of_its_parent_but_not_its_record() -> None:
    """It goes on where the parent was, with the parent's usage, mode and results, and decides on its own."""
    run = researched_run()
    run.add(PermissionDecided(call="0.0", verdict="allow", scope="run"))
    fork = run.fork("fork", run.state.seq)
    assert fork.state.end is None
    assert (fork.state.answer, fork.state.citations, fork.state.own_edits) == (None, (), [])
    assert fork.state.allowed == set()
    assert fork.state.usage == run.state.usage
    assert fork.state.steps == run.state.steps
    assert run.state.status == "completed"


def test_a_fork_in_the_middle_of_a_turn_has_no_turn_that_streams() -> None:
    """What was being written at the cut is discarded."""
    run = log(turn(), TurnText(step=0, attempt=0, text="half"))
    fork = run.fork("fork", run.state.seq)
    assert fork.state.active_turn is None
    assert fork.state.steps[0].turn.status == "discarded"


def test_a_fork_names_calls_that_are_not_there() -> None:
    """A reset of an unknown call opens nothing."""
    run = log(turn(), asked("0.0"), done("0.0"))
    fork = run.fork("fork", run.state.seq, reset={"0.7": "rerun", "nonsense": "open"})
    assert fork.state.steps[0].is_closed


def test_edits_of_input_and_agent_hold_from_there() -> None:
    """An input edit runs that call alone again; an agent edit changes what the next request says."""
    run = log(turn(), asked("0.0", "0.1"), start("0.0"), done("0.0"), start("0.1"), done("0.1"))
    fork = run.fork("fork", run.state.seq, reset={"0.0": "rerun"})
    fork.edit_input("0.0", {"q": "other"})
    fork.edit_input("0.0", {"q": "another"})
    call = fork.state.call("0.0")
    assert call is not None
    assert (call.input, call.original_input, call.status) == ({"q": "another"}, {"q": "0.0"}, "requested")
    fork.add(AgentEdited(agent=AGENT, changed=("model", "tools")))
    assert fork.state.agent == AGENT
    assert fork.state.own_edits == ["input 0.0", "input 0.0", "model", "tools"]
    parent = run.state.call("0.0")
    assert parent is not None
    assert parent.input == {"q": "0.0"}


def test_the_window_of_the_context_is_in_the_log() -> None:
    """Left-out results and the last summary are inherited like everything else."""
    run = log(ContextElided(calls=("0.0", "0.1"), tokens_before=9, tokens_after=5))
    run.add(ContextElided(calls=("0.1", "0.2"), tokens_before=9, tokens_after=5))
    run.add(ContextSummarised(through=1, summary="s"))
    assert (run.state.elided, run.state.summary) == ({"0.0", "0.1", "0.2"}, (1, "s"))
    assert run.fork("fork", run.state.seq).state.elided == run.state.elided


def test_scrubbing_while_a_summary_streams_keeps_its_pieces_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that belongs to no step is as much of its own moment as any other."""
    monkeypatch.setattr(history_module, "SNAPSHOT_EVERY", 1)
    run = log(turn(), asked(), turn(1, purpose="summary"), TurnText(step=1, attempt=0, text="one"))
    history = History()
    for record in run.records:
        history.append(record)
    history.append(Recorded(run.run, 5, run.at, TurnText(step=1, attempt=0, text="two")))
    earlier = history.at(4)
    assert earlier.active_turn is not None
    assert earlier.active_turn.text == ["one"]


def test_a_fork_of_a_fork_of_a_fork_reads_right() -> None:
    """Each generation keeps its own cut and edits, and none changes the others."""
    run = log(turn(), asked("0.0"), start("0.0"), done("0.0"))
    generations = [run]
    for number in range(3):
        parent = generations[-1]
        fork = parent.fork(f"fork {number}", parent.state.seq, reset={"0.0": "answered"})
        fork.edit_result("0.0", f"edit {number}")
        generations.append(fork)
    lines = [generation.state.call("0.0").result.first_line for generation in generations]  # type: ignore[union-attr]
    assert lines == ["found", "edit 0", "edit 1", "edit 2"]
    assert [isinstance(record.event, RunForked) for record in generations[-1].records].count(True) == 3
    assert fold(generations[-1].records) == generations[-1].state


def test_scenes_hold_calls_of_every_fate() -> None:
    """So the tests over all scenes mean something."""
    statuses = {
        call.status for records in SCENES.values() for step in fold(records).steps for call in step.calls.values()
    }
    assert statuses >= {"waiting", "running", "finished", "cancelled", "interrupted", "unknown", "discarded"}


def test_time_that_calls_cover_is_counted_once() -> None:
    """Overlaps once, gaps not at all, nor the time in which nobody drove the run."""
    assert time_covered([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)], []) == 4.0
    assert time_covered([(0.0, 10.0), (2.0, 4.0)], [(3.0, 8.0)]) == 5.0
