"""What telemetry tells of runs: each thing once, of runs that this process drives, and nothing of it slows them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.harness import Rig, answer
from tests.telemetry_kit import SPEC, Kept, look, observed, story_rig, told
from workbench.debugger.metrics import Meter
from workbench.driver.commands import AgentOptions, ForkEdits, ForkRun, ResumeRun
from workbench.driver.feed import Draft, Feed, Progress, RunsChanged, Trouble
from workbench.events.base import Recorded
from workbench.events.call import CallFinished, CallReused, CallStarted
from workbench.events.run import RunPaused, RunResumed
from workbench.providers.scripted import Turn
from workbench.telemetry.deriving import Deriver
from workbench.telemetry.facts import (
    CallEnded,
    Fact,
    FellBack,
    ModelAgain,
    RunBegan,
    RunRested,
    StepMeasured,
    ToolAgain,
    TurnEnded,
)


def test_everything_is_told_once(tmp_path: Path) -> None:
    """Turns, calls, retries, the fallback and the subagent of a run: each is one fact."""
    kept = Kept()
    run, (child,) = told(tmp_path, kept)
    turns = [fact for fact in kept.facts if isinstance(fact, TurnEnded)]
    assert [(fact.stretch.run == run, fact.status) for fact in turns] == [
        (True, "broken"), (True, "ok"), (True, "ok"), (True, "ok"), (False, "ok"), (False, "ok"), (True, "ok"),
    ]  # fmt: skip
    assert (turns[0].error, turns[0].error_kind) == ("overloaded", "overloaded")
    assert [(fact.tool, fact.status) for fact in kept.facts if isinstance(fact, CallEnded)] == [
        ("look", "ok"), ("flaky", "ok"), *[("breaks", "exception")] * 3, ("look", "ok"), ("submit_answer", "ok"),
        ("spawn_subagent", "ok"), ("submit_answer", "ok"),
    ]  # fmt: skip
    assert [(fact.error_kind, fact.model) for fact in kept.facts if isinstance(fact, ModelAgain)] == [
        ("overloaded", "scripted")
    ]
    assert [fact.tool for fact in kept.facts if isinstance(fact, ToolAgain)] == ["flaky"]
    assert len(kept.of(FellBack)) == 1
    rests = [fact for fact in kept.facts if isinstance(fact, RunRested)]
    assert [(fact.stretch.run, fact.status) for fact in rests] == [(child, "completed"), (run, "completed")]
    assert len(kept.of(RunBegan)) == 2
    assert kept.is_closed


def test_a_subagent_belongs_to_the_call_of_its_caller(tmp_path: Path) -> None:
    """Who looks at a subagent's facts finds the run and the call above it."""
    kept = Kept()
    run, (child,) = told(tmp_path, kept)
    stretch = next(fact.stretch for fact in kept.facts if isinstance(fact, RunBegan) and fact.stretch.run == child)
    assert (stretch.kin.root, stretch.kin.caller, stretch.kin.call) == (run, run, "2.0")
    assert stretch.spawned_by is not None
    assert stretch.spawned_by.event.kind == "call_started"


def test_steps_are_measured_as_the_screen_measures_them(tmp_path: Path) -> None:
    """The figures of the metrics that others scrape are those of the screen."""
    kept = Kept()
    with observed(rig := story_rig(tmp_path), kept):
        run = rig.start()
        rig.finish(run)
        meter = Meter()
        for record in rig.history(run).records:
            meter.take(record)
    measured = [fact for fact in kept.facts if isinstance(fact, StepMeasured) and fact.stretch.run == run]
    assert [fact.aggregation for fact in measured] == meter.figures.aggregations
    assert [fact.whole for fact in measured] == meter.figures.wholes
    assert len(measured) == 3


def test_a_run_that_goes_on_elsewhere_is_known_by_its_log(tmp_path: Path) -> None:
    """Another process that resumes a run knows where it belongs, and what its agent is called."""
    gate_script = [Turn(calls=[("look", {"word": "a"})]), answer("done")]
    with Rig(tmp_path, gate_script, [look], spec=SPEC) as rig:
        run = rig.start(max_steps=1)
        rig.wait(run, lambda state: state.end is not None)
    kept = Kept()
    with observed(again := Rig(tmp_path, [answer("done")], [look], spec=SPEC), kept) as observer:
        again.ask(ResumeRun(run, AgentOptions(max_steps=5)))
        again.wait(run, lambda state: state.status_and_reason == ("completed", "answered"))
        observer.look()
    stretch = next(fact.stretch for fact in kept.facts if isinstance(fact, RunBegan))
    assert (stretch.run, stretch.kin.root, stretch.kin.agent) == (run, run, "researcher")
    assert stretch.began.event.kind == "run_resumed"


def test_a_fork_says_of_what_it_was_made(tmp_path: Path) -> None:
    """A fork is a run of its own that names the root of its parent."""
    kept = Kept()
    script = [Turn(calls=[("look", {"word": "a"})]), answer("done"), answer("other")]
    with observed(rig := Rig(tmp_path, script, [look], spec=SPEC), kept) as observer:
        run = rig.start()
        rig.finish(run)
        fork = rig.ask(ForkRun(run, "0.0", ForkEdits(results={"0.0": "another"})))
        rig.finish(fork)
        observer.look()
    stretch = next(fact.stretch for fact in kept.facts if isinstance(fact, RunBegan) and fact.stretch.run == fork)
    assert (stretch.kin.root, stretch.fork_root) == (fork, run)


def test_closing_tells_the_end_of_what_moves(tmp_path: Path) -> None:
    """Closing the program leaves no run without an end: a pause that closing makes is told like any other."""
    kept, gate = Kept(), asyncio.Event()
    with observed(rig := Rig(tmp_path, [Turn(gate=gate)], spec=SPEC), kept):
        run = rig.start()
        rig.wait(run, lambda state: state.active_turn is not None)
    rests = [fact for fact in kept.facts if isinstance(fact, RunRested)]
    assert [(fact.status, fact.reason) for fact in rests] == [("interrupted", "paused")]
    assert [fact.status for fact in kept.facts if isinstance(fact, TurnEnded)] == ["stopped"]


def test_what_fails_in_telemetry_stops_nothing(tmp_path: Path) -> None:
    """A teller that breaks takes nothing from the run or from the other tellers."""

    class Breaks(Kept):
        def take(self, fact: Fact | Trouble) -> None:
            raise ValueError("broken")

        def close(self) -> None:
            raise ValueError("broken")

    kept = Kept()
    told(tmp_path, Breaks(), kept)
    assert len(kept.of(RunRested)) == 2


def test_runs_of_other_processes_are_not_counted_here(tmp_path: Path) -> None:
    """A screen that watches a run which another process drives does not count it a second time."""
    kept = Kept()
    script = [Turn(calls=[("look", {"word": "a"})]), answer("done")]
    with (
        observed(watcher := Rig(tmp_path, spec=SPEC), kept) as observer,
        Rig(tmp_path, script, [look], spec=SPEC) as rig,
    ):
        run = rig.start()
        rig.finish(run)
        watcher.wait_for(lambda: any(record.event.kind == "run_finished" for record in watcher.seen()))
        observer.look()
    assert kept.facts == []


def test_only_facts_are_queued() -> None:
    """Text that streams, and progress, cost an observer nothing."""
    feed = Feed()
    subscription = feed.subscribe(facts_of_here=True)
    record = Recorded("r1", 0, 0.0, RunPaused())
    for change in (Draft("r1", 0, "step", "a", ""), RunsChanged(), Progress("a", 1, 2), record, Trouble("b")):
        feed.publish(change)
    feed.publish(record, is_of_here=False)
    assert subscription.drain() == [record, Trouble("b")]


def test_a_beginning_that_is_read_before_it_is_announced_is_of_here(tmp_path: Path) -> None:
    """The look at what other processes wrote may see a new run of one's own first; it is still one's own."""
    kept = Kept()
    with observed(rig := Rig(tmp_path, spec=SPEC), kept) as observer:
        session = rig.driver._session
        assert session is not None

        async def both() -> None:
            run = session.new_id()
            begun = Recorded(run, 0, 0.0, RunResumed())
            session.announce([begun], is_of_here=False)
            session.announce([begun])
            session.announce([Recorded(run, 1, 0.0, RunPaused())], is_of_here=False)

        rig.driver.run_blocking(both())
        observer.look()
        assert [type(fact) for fact in kept.facts] == [RunBegan]


def test_a_call_that_takes_over_another_keeps_its_tool() -> None:
    """An eager call of a broken turn that is asked for again is told once, by the name that it has then."""
    started = CallStarted(call="0.0", tool="look", input={}, effect="read_only", permission="allow", eager=True)
    finished = CallFinished(call="0.1", outcome="ok", elapsed=1.0, size=0, first_line="", is_error=False)
    deriver, events = Deriver(lambda _: None), (started, CallReused(call="0.1", old="0.0"), finished)
    facts = [fact for seq, event in enumerate(events) for fact in deriver.take(Recorded("r1", seq, 0.0, event))]
    assert [(fact.tool, fact.seconds) for fact in facts if isinstance(fact, CallEnded)] == [("look", 1.0)]


def test_a_run_without_an_end_is_left_at_the_end_of_the_program() -> None:
    """A driver that was left behind, or lost its log, tells no end: the program's end is the run's, once."""
    deriver = Deriver(lambda _: None)
    (began,) = deriver.take(Recorded("r1", 4, 5.0, RunResumed()))
    assert isinstance(began, RunBegan)
    (rest,) = deriver.leave(9.0)
    assert isinstance(rest, RunRested)
    assert (rest.stretch, rest.at, rest.status) == (began.stretch, 9.0, "left")
    assert list(deriver.leave(9.0)) == []
