"""Forks beyond single cells: several edits, forks of forks, the playhead, subagents, soundness, strangers' runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fork_kit import everything_said, scene, statuses
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.conversation.messages import problems
from workbench.debugger.fork import ForkPreview
from workbench.driver.commands import (
    ForkEdits,
    ForkRun,
    ListRuns,
    PauseRun,
    PreviewFork,
    ResolveUnknown,
    ResumeRun,
    StartRace,
    Variant,
)
from workbench.driver.feed import Trouble
from workbench.errors import AddressError, EditRefusedError, ModelNotFoundError
from workbench.events.agent import ModelParameters
from workbench.events.plan import PlanStep
from workbench.events.request import Request
from workbench.events.run import RunForked
from workbench.providers.base import Provider
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.tools.base import Tool
from workbench.tools.declaring import tool

PLAN_TEXT = "Follow this plan:\n1. SEARCH: alpha\n2. SYNTHESIZE: all of it"


def first_event(rig: Rig, fork: str) -> RunForked:
    """Return the event with which a fork begins."""
    event = next(record.event for record in rig.history(fork).records if record.run == fork)
    assert isinstance(event, RunForked)
    return event


def test_several_edits_at_once_all_hold(tmp_path: Path) -> None:
    """One fork may change a result, an input, the text, the plan, the model, the instructions, and add a message."""
    with scene(tmp_path, "end") as at:
        at.world.did.clear()
        edits = ForkEdits(
            results={"0.1": "CHANGED"},
            inputs={"0.0": {"word": "z"}},
            reruns=("0.2",),
            text="Otherwise.",
            plan=[PlanStep(action="SEARCH", text="omega")],
            model="second",
            instructions="Be brief.",
            say="And y?",
        )
        before = at.rig.state(at.run).steps[0].calls["0.1"].result
        state, _ = at.finish(at.fork(None, edits))
        assert state.address == "0.1"
        assert state.steps[0].calls["0.1"].original == before
        assert sorted(at.world.did) == ["look d", "look z", "write c"]
        assert state.own_edits == ["instructions", "model", "text 0", "result 0.1", "input 0.0", "plan", "message"]
        changed = "The plan has changed. Follow this plan:\n1. SEARCH: omega"
        ran_with = 'ran with {"word": "z"} instead, by the operator'
        assert state.answer == (
            f"What? | {PLAN_TEXT} | {ran_with} | found z | CHANGED | wrote c | {changed} | And y? | found d"
        )
        assert [found for request in at.second.requests for found in problems(request.messages)] == []


def test_a_fork_of_a_fork_of_a_fork_reads_right(tmp_path: Path) -> None:
    """Each fork sees its ancestors' edits and no later ones; no ancestor changes by a byte."""
    with scene(tmp_path, "end") as at:
        rig = at.rig
        first = at.fork(None, ForkEdits(results={"0.0": "ONE"}))
        rig.finish(first)
        second = rig.ask(ForkRun(first, None, ForkEdits(results={"1.0": "TWO"})))
        rig.finish(second)
        kept = {run: rig.raw(run) for run in (at.run, first, second)}
        third = rig.ask(ForkRun(second, "end", ForkEdits(say="Three?")))
        answers = [rig.finish(run).answer for run in (at.run, first, second, third)]
        begin = f"What? | {PLAN_TEXT}"
        assert answers == [
            f"{begin} | found a | found b | wrote c | found d",
            f"{begin} | ONE | found b | wrote c | found d",
            f"{begin} | ONE | found b | wrote c | TWO",
            f"{begin} | ONE | found b | wrote c | TWO | accepted | Three?",
        ]
        assert {run: rig.raw(run) for run in kept} == kept
        assert [first_event(rig, run).parent for run in (first, second, third)] == [at.run, first, second]
        assert all(rig.state(run) == rig.live_state(run) for run in (at.run, first, second, third))


def test_a_place_in_an_ancestors_part_belongs_to_the_ancestor(tmp_path: Path) -> None:
    """A fork made from a fork at a place before that fork's cut hangs from the ancestor, and names both."""
    with scene(tmp_path, "end") as at:
        later = at.fork("2", ForkEdits(say="Wait."))
        at.rig.finish(later)
        fork = at.rig.ask(ForkRun(later, None, ForkEdits(results={"0.1": "CHANGED"})))
        state = at.rig.finish(fork)
        assert (first_event(at.rig, fork).parent, first_event(at.rig, fork).made_from) == (at.run, later)
        assert "Wait." not in (state.answer or "")
        row = next(row for row in at.rig.ask(ListRuns()) if row.id == fork)
        assert (row.parent, row.made_from, row.address, row.edited) == (at.run, later, "0.1", "result 0.1")


def test_going_back_to_the_parent_undoes_a_fork(tmp_path: Path) -> None:
    """A paused run that was forked stays paused, and goes on as if there had been no fork."""
    with scene(tmp_path, "call in flight") as at:
        at.rig.ask(PauseRun(at.run))
        paused = at.rig.finish(at.run)
        at.world.is_held = False
        fork = at.fork(None, ForkEdits(results={"0.1": "CHANGED"}))
        assert "CHANGED" in (at.rig.finish(fork).answer or "")
        assert at.rig.state(at.run) == paused
        at.rig.ask(ResumeRun(at.run))
        state = at.rig.wait(at.run, lambda state: state.status == "completed")
        assert state.answer == f"What? | {PLAN_TEXT} | found a | found b | wrote c | found d"


def test_a_fork_at_any_event_is_sound_and_repeats_no_effect(tmp_path: Path) -> None:
    """Wherever the playhead stands, the fork goes on; an effectful call that had started waits for a person."""
    with scene(tmp_path, "end") as at:
        rig, before = at.rig, at.rig.raw(at.run)
        asked = len(rig.model.requests)
        write = rig.state(at.run).steps[0].calls["0.2"]
        assert write.started_seq is not None
        assert write.result is not None
        for seq in range(len(before)):
            at.world.did.clear()
            fork = rig.ask(ForkRun(at.run, f"seq:{seq}"))
            state = rig.wait(fork, lambda state: state.is_resting)
            if state.status == "awaiting_approval":
                assert write.started_seq <= seq < write.result.seq
                rig.ask(ResolveUnknown(fork, "0.2", "result", "wrote c"))
                state = rig.finish(fork)
            assert state.answer == f"What? | {PLAN_TEXT} | found a | found b | wrote c | found d", seq
            assert ("write c" in at.world.did) == (seq < write.started_seq)
            assert rig.state(fork) == rig.live_state(fork)
        assert [found for request in rig.model.requests[asked:] for found in problems(request.messages)] == []
        assert rig.raw(at.run) == before


def test_a_fork_and_its_edits_are_one_act(tmp_path: Path) -> None:
    """With the playhead among the first events of a fork, a fork of it takes all its edits along."""
    with scene(tmp_path, "end") as at:
        fork = at.fork("0.1", ForkEdits(results={"0.1": "CHANGED"}, inputs={"0.2": {"word": "z"}}, say="And y?"))
        own = [record.seq for record in at.rig.history(fork).records if record.run == fork]
        at.rig.finish(fork)
        for seq in own[:4]:
            again = at.rig.ask(ForkRun(fork, f"seq:{seq}"))
            assert first_event(at.rig, again).cut == own[3]
            assert at.rig.finish(again).answer == at.rig.state(fork).answer


def test_what_cannot_be_forked_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    """Places, calls and models that are not there, and empty texts, get a sentence of their own."""
    with scene(tmp_path, "end") as at:
        for place, edits, error, sentence in (
            ("9", ForkEdits(), AddressError, "no step 9; it has steps 0 to 2"),
            ("0.7", ForkEdits(), AddressError, "step 0 has no call 0.7; it has 0.0, 0.1, 0.2"),
            ("0.1", ForkEdits(results={"0.9": "x"}), AddressError, "step 0 has no call 0.9"),
            ("0.1", ForkEdits(results={"1.0": "x"}), EditRefusedError, "fork at `1.0` to change it"),
            ("0.1", ForkEdits(results={"zero": "x"}), AddressError, "is no place in a run"),
            ("soon", ForkEdits(), AddressError, "'soon' is no place in a run"),
            ("seq:999", ForkEdits(), AddressError, "there is none at 999"),
            ("end", ForkEdits(say=" "), EditRefusedError, "the new message is empty"),
            ("end", ForkEdits(plan=[]), EditRefusedError, "a plan needs at least one step"),
            ("1", ForkEdits(skip_plan=True), EditRefusedError, "fork at `plan` to go on without it"),
            ("end", ForkEdits(model="nowhere"), ModelNotFoundError, "there is no model 'nowhere'"),
        ):
            with pytest.raises(error, match=sentence):
                at.fork(place, edits)
        assert len(at.rig.ask(ListRuns())) == 1


def test_a_skipped_plan_is_followed_after_all(tmp_path: Path) -> None:
    """A fork at the plan may skip it, and a fork of that fork may follow it again; later places say so."""
    with scene(tmp_path, "end") as at:
        skipped = at.fork("plan", ForkEdits(skip_plan=True))
        assert "Follow" not in (at.rig.finish(skipped).answer or "")
        plan = [PlanStep(action="SEARCH", text="omega")]
        with pytest.raises(EditRefusedError, match="fork at `plan` to change it"):
            at.rig.ask(ForkRun(skipped, "1", ForkEdits(plan=plan)))
        followed = at.rig.ask(ForkRun(skipped, "plan", ForkEdits(plan=plan)))
        assert "1. SEARCH: omega" in (at.rig.finish(followed).answer or "")


NOTHING = ForkEdits()


def look_ahead(rig: Rig, run: str, at: str | None, edits: ForkEdits = NOTHING) -> ForkPreview:
    """Return the preview of a fork."""
    preview: ForkPreview = rig.ask(PreviewFork(run, at, edits))
    return preview


def test_a_fork_is_simulated_exactly_where_the_world_remembers_otherwise(tmp_path: Path) -> None:
    """Effectful calls after the cut, run again, or with an edited result make a fork simulated, and are named."""
    with scene(tmp_path, "end") as at:
        rig, run = at.rig, at.run
        effect, changed = "write ran as call 0.2", "write ran as call 0.2, whose result changes here"
        for place, edits, effects in (
            ("plan", ForkEdits(), (effect,)),
            ("0.turn", ForkEdits(), (effect,)),
            ("0.1", ForkEdits(), ()),
            (None, ForkEdits(results={"0.1": "x"}), ()),
            (None, ForkEdits(results={"0.2": "x"}), (changed,)),
            (None, ForkEdits(inputs={"0.2": {"word": "x"}}), (changed,)),
            (None, ForkEdits(reruns=("0.2",)), (changed,)),
            ("1", ForkEdits(), ()),
            ("end", ForkEdits(say="And?"), ()),
        ):
            found = look_ahead(rig, run, place, edits)
            assert (found.simulated, found.effects) == (bool(effects), effects), (place, edits)
        found = look_ahead(rig, run, "0.1")
        assert (found.kept, found.reruns) == ("0 steps and 2 results are kept from the record", ("0.1",))
        assert look_ahead(rig, run, "1").kept == "1 step and 3 results are kept from the record"
        assert len(rig.ask(ListRuns())) == 1


def test_effects_of_subagents_count_and_are_named_with_their_run(tmp_path: Path) -> None:
    """A fork that runs a subagent again, or drops what its caller did later, is simulated because of their effects."""
    with scene(tmp_path, "inside a child") as at:
        effect = f"write ran as call 0.2 of run {at.run[:8]}"
        assert look_ahead(at.rig, at.parent, "0.0").effects == (effect,)
        assert look_ahead(at.rig, at.parent, "0").effects == (effect,)
        assert look_ahead(at.rig, at.parent, "1").effects == ()
        assert look_ahead(at.rig, at.run, "1").effects == ()
        assert look_ahead(at.rig, at.run, "0.turn").effects == ("write ran as call 0.2",)


class Pen:
    """An effectful tool that is held, and the model that calls it once."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.gates: list[asyncio.Event] = []

    def model(self, request: Request) -> Turn:
        """Write, and answer with what was seen."""
        return answer(everything_said(request)) if len(request.messages) > 1 else Turn(calls=[("write", {"word": "c"})])

    def tool(self) -> Tool:
        """Return the tool."""

        @tool
        async def write(word: str) -> str:
            self.did.append(word)
            self.gates.append(asyncio.Event())
            await self.gates[-1].wait()
            return f"wrote {word}"

        return write


def test_an_effectful_call_in_flight_is_unknown_in_the_fork_and_goes_on_in_the_parent(tmp_path: Path) -> None:
    """A fork never runs again by itself what may have taken effect; the parent's own call is not touched."""
    pen = Pen()
    with Rig(tmp_path, pen.model, [pen.tool()]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        fork = rig.ask(ForkRun(run, "end"))
        state = rig.wait(fork, lambda state: state.is_resting)
        assert state.status_and_reason == ("awaiting_approval", "outcome_unknown")
        assert look_ahead(rig, run, "end").effects == ("write ran as call 0.0, whose result changes here",)
        rig.ask(ResolveUnknown(fork, "0.0", "result", "it wrote"))
        assert rig.finish(fork).answer == "What? | it wrote"
        assert pen.did == ["c"]
        rig.open_gate(pen.gates[0])
        assert rig.finish(run).answer == "What? | wrote c"


def test_a_call_in_doubt_runs_by_itself_at_none_of_its_events(tmp_path: Path) -> None:
    """From its start to the result that a person gave, a fork at any event asks again, or has that result."""
    pen = Pen()
    with Rig(tmp_path, pen.model, [pen.tool()]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        rig.ask(PauseRun(run))
        rig.ask(PauseRun(run))
        rig.wait(run, lambda state: statuses(state) == ["unknown"])
        rig.ask(ResolveUnknown(run, "0.0", "result", "it wrote"))
        call = rig.finish(run).steps[0].calls["0.0"]
        assert call.started_seq is not None
        assert call.result is not None
        kinds = rig.kinds(run)[call.started_seq : call.result.seq + 1]
        expected = ["call_started", "call_interrupted", "outcome_unknown", "outcome_resolved", "call_finished"]
        assert kinds == expected
        for seq in range(call.started_seq, call.result.seq):
            fork = rig.ask(ForkRun(run, f"seq:{seq}"))
            assert rig.wait(fork, lambda state: state.is_resting).reason == "outcome_unknown", seq
        assert rig.finish(rig.ask(ForkRun(run, f"seq:{call.result.seq}"))).answer == "What? | it wrote"
        assert pen.did == ["c"]


def test_parameters_of_the_model_change_one_by_one(tmp_path: Path) -> None:
    """A fork may change one parameter and keep the others; one that is none, or of the wrong kind, is refused."""
    with scene(tmp_path, "end") as at:
        state = at.rig.state(at.fork("0", ForkEdits(parameters={"temperature": 0.5})))
        assert state.agent is not None
        assert (state.agent.parameters.temperature, state.agent.parameters.max_tokens) == (0.5, 4096)
        assert state.own_edits == ["parameters"]
        with pytest.raises(EditRefusedError, match="'warmth' is no parameter of a model; there are max_tokens"):
            at.fork("0", ForkEdits(parameters={"warmth": 1}))
        with pytest.raises(EditRefusedError, match="max_tokens = 'many' cannot be used"):
            at.fork("0", ForkEdits(parameters={"max_tokens": "many"}))


def test_what_a_model_cannot_do_is_told_when_a_fork_is_made(tmp_path: Path) -> None:
    """A preview has it as a problem and tells nobody, however often it is asked for."""
    said = "openai-chat:x runs no web_search at its provider, so it is left out"
    spec = AgentSpec(plan="off", parameters=ModelParameters(hosted_tools=("web_search",)))
    models: dict[str, Provider] = {
        name: ScriptedProvider([answer()]) for name in ("anthropic:claude-x", "openai-chat:x")
    }
    edits = ForkEdits(model="openai-chat:x")
    with Rig(tmp_path, models=models, spec=spec) as rig:

        def told() -> list[str]:
            rig.seen()
            return [change.message for change in rig.changes if isinstance(change, Trouble)]

        run = rig.start(model="anthropic:claude-x")
        rig.finish(run)
        for _ in range(3):
            assert said in rig.ask(PreviewFork(run, "0", edits)).problems
        assert told() == []
        forked = rig.finish(rig.ask(ForkRun(run, "0", edits)))
        assert told().count(said) == 1
        rig.ask(StartRace(run, "0", (Variant("x", edits), Variant("y", edits)), repeat=2, drive=False))
        assert told().count(said) == 2
    assert forked.agent is not None
    assert forked.agent.parameters.hosted_tools == ()
