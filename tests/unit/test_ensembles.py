"""Several subagents on one task: their answers compared, voted on or judged, resumed, and forked one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fork_kit import everything_said
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec, prompt
from workbench.driver.commands import (
    BreakpointSetting,
    CancelCall,
    DecidePermission,
    ForkEdits,
    ForkRun,
    ListRuns,
    OpenRun,
    PauseRun,
    ResumeRun,
    SetBreakpoints,
)
from workbench.events.agent import Limits, Role
from workbench.events.call import SubagentsSettled, SubagentStarted
from workbench.events.request import AssistantMessage, Request
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.declaring import tool


def turns_of(request: Request) -> int:
    """Return how many turns the model had."""
    return sum(isinstance(message, AssistantMessage) for message in request.messages)


class Council:
    """A caller that asks an ensemble once; each member looks once and then says its own answer."""

    def __init__(
        self, answers: Iterable[str], *, settle: str = "vote", judge: Turn | None = None, limits: Limits | None = None
    ) -> None:
        self.answers = list(answers)
        self.judge = judge
        self.judged: list[str] = []
        self.looked: list[str] = []
        self.held: set[int] = set()
        self.gates: dict[int, asyncio.Event] = {}
        roles = (Role(name="guesser", good_at="guessing", ensemble=len(self.answers), settle=settle),)  # type: ignore[arg-type]
        self.spec = AgentSpec(plan="off", subagent="", roles=roles, limits=limits or Limits())

    def model(self, request: Request) -> Turn:
        """Play the caller, the judge, or a member: which one it is was told it by its look."""
        said = everything_said(request)
        if request.instructions.startswith(prompt("settle")[:40]):
            self.judged.append(said)
            return self.judge or answer("")
        if said.startswith("task"):
            if turns_of(request) == 0:
                return Turn(calls=[("look", {})])
            number = said.rpartition("member ")[2]
            if not number.isdecimal():
                return answer(said)
            given = self.answers[int(number)]
            if given == "fail":
                raise RuntimeError("broken")
            return answer(given, f"source::{number}")
        spawn = ("spawn_subagent", {"task": "task", "role": "guesser"})
        return Turn(calls=[spawn]) if turns_of(request) == 0 else answer(said)

    def tools(self) -> list[Tool]:
        """Return the tool that numbers the members, and holds some of them."""

        @tool(read_only=True)
        async def look() -> str:
            number = len(self.looked)
            self.looked.append("")
            if number in self.held:
                self.gates[number] = asyncio.Event()
                await self.gates[number].wait()
            return f"member {number}"

        return [look]

    def open(self, folder: Path) -> Rig:
        """Return a rig on the folder, new or again."""
        return Rig(folder, self.model, self.tools(), spec=self.spec)


def call_of(state: RunState) -> CallState:
    """Return the call of the ensemble."""
    call = state.call("0.0")
    assert call is not None
    return call


def result_of(rig: Rig, run: str) -> str:
    """Return what the caller reads of the ensemble."""
    return (rig.finish(run).answer or "").removeprefix("What? | ")


def settled_of(rig: Rig, run: str) -> SubagentsSettled:
    """Return the one event that says how the answers compare."""
    found = [record.event for record in rig.history(run).records if isinstance(record.event, SubagentsSettled)]
    assert len(found) == 1
    return found[0]


def test_most_votes_are_the_answer_and_the_others_are_told(tmp_path: Path) -> None:
    """Three subagents with logs of their own work at once; two agree but for spelling, and the third is named."""
    council = Council(["The answer is 1,000.", "900", "the answer is 1000"])
    with council.open(tmp_path) as rig:
        run = rig.start()
        said = result_of(rig, run)
        assert said == (
            "The answer is 1,000.\n\nSources: source::0, source::2\n\n"
            "[3 subagents worked on this: 2 of 3 agree; 1 said: 900]"
        )
        state = rig.state(run)
        call = call_of(state)
        assert len(set(call.children)) == 3
        assert [rig.state(child).status for child in call.children] == ["completed"] * 3
        assert (state.child_steps, state.child_usage.total_tokens) == (6, 90)
        settled = settled_of(rig, run)
        assert [(one.member, one.run, one.stand) for one in settled.answers] == [
            (0, call.children[0], "agrees"),
            (1, call.children[1], "differs"),
            (2, call.children[2], "agrees"),
        ]
        assert state == rig.live_state(run)
        listed = [row.id for row in rig.ask(ListRuns())]
        assert set(call.children) <= set(listed)


def test_nothing_of_ours_is_in_what_the_model_reads(tmp_path: Path) -> None:
    """Members are numbered for the caller's model: ids of runs would make every request another."""
    council = Council(["a", "b"])
    with council.open(tmp_path) as rig:
        run = rig.start()
        said = result_of(rig, run)
        assert said.endswith(
            "[2 subagents worked on this: 1 of 2 agree; 1 said: b; no two agree, so the first answer is given]"
        )
        assert not any(child[:4] in said for child in call_of(rig.state(run)).children)


def test_a_judge_settles_what_is_contradicted(tmp_path: Path) -> None:
    """One more subagent, with no tools but the answer, reads the task and all answers, and says why it chose."""
    judge = answer("It is 900.\n\nWhy: only answer 1 names its source.", "source::1")
    council = Council(["1000", "900", "800"], settle="judge", judge=judge)
    with council.open(tmp_path) as rig:
        run = rig.start()
        said = result_of(rig, run)
        assert said == (
            "It is 900.\n\nSources: source::1\n\n[3 subagents worked on this: 1 of 3 agree with the judge; "
            "0 said: 1000; 2 said: 800; only answer 1 names its source.]"
        )
        asked = council.judged[0]
        assert asked.startswith("The task:\n> task\n\nAnswer 0:\n> 1000\nIts sources: source::0\n\nAnswer 1:\n> 900")
        call = call_of(rig.state(run))
        assert [member.judges for member in call.members.values()] == [False, False, False, True]
        judging = rig.state(call.members[3].run)
        assert judging.role == "judge"
        assert judging.agent is not None
        assert [spec.name for spec in judging.agent.tools] == ["submit_answer"]
        assert settled_of(rig, run).by == "judge"
        assert rig.state(run).child_steps == 7


def test_where_all_agree_nobody_judges(tmp_path: Path) -> None:
    """A judge costs a turn, and there is nothing to settle."""
    council = Council(["yes", "Yes."], settle="judge")
    with council.open(tmp_path) as rig:
        run = rig.start()
        assert result_of(rig, run).endswith("[2 subagents worked on this: 2 of 2 agree]")
        assert not council.judged


def test_a_judge_without_an_answer_leaves_it_to_the_vote(tmp_path: Path) -> None:
    """It is said that and why."""
    council = Council(["a", "b", "a"], settle="judge", judge=Turn(error=RuntimeError("no judge today")))
    with council.open(tmp_path) as rig:
        said = result_of(rig, rig.start())
        assert said.startswith("a\n\n")
        assert "2 of 3 agree; 1 said: b; the judge gave no answer, so most votes count: " in said
        assert "no judge today" in said


def test_offline_is_no_judge(tmp_path: Path) -> None:
    """Rules cannot weigh answers: most votes count, and it is said so."""
    council = Council(["a", "b", "a"], settle="judge")
    scripted = ScriptedProvider(council.model)
    with Rig(tmp_path, council.model, council.tools(), spec=council.spec, models={"offline": scripted}) as rig:
        run = rig.start(model="offline")
        assert "2 of 3 agree; 1 said: b; offline cannot judge, so most votes count" in result_of(rig, run)


def test_some_may_fail(tmp_path: Path) -> None:
    """The rest is settled among those that answered, and the call says who did not and why."""
    council = Council(["a", "fail", "a"])
    with council.open(tmp_path) as rig:
        run = rig.start()
        said = result_of(rig, run)
        assert said.startswith(
            "a\n\nSources: source::0, source::2\n\n[3 subagents worked on this: 2 of 3 agree; 1 gave no"
        )
        assert "1 gave no answer: the provider failed: RuntimeError: broken" in said
        assert [one.stand for one in settled_of(rig, run).answers] == ["agrees", "failed", "agrees"]


def test_where_all_fail_the_call_does(tmp_path: Path) -> None:
    """An error result names each reason."""
    council = Council(["fail", "fail"])
    with council.open(tmp_path) as rig:
        run = rig.start()
        said = result_of(rig, run)
        assert said.startswith(
            "None of the 2 subagents gave an answer; 0: the provider failed: RuntimeError: broken; 1:"
        )
        assert call_of(rig.state(run)).has_error


def test_members_are_reopened_not_begun_again(tmp_path: Path) -> None:
    """A pause, or the end of the process, keeps what is there: who answered is read, who did not goes on."""
    council = Council(["a", "b", "a"])
    council.held = {1, 2}
    with council.open(tmp_path) as rig:
        run = rig.start()
        rig.wait_for(lambda: len(council.looked) == 3)
        rig.wait(run, lambda state: any(m.is_completed for m in call_of(state).members.values()))
        rig.ask(PauseRun(run))
        assert rig.finish(run).status_and_reason == ("interrupted", "paused")
        before = call_of(rig.state(run)).children
        first = rig.raw(before[0])
    council.held, council.looked = set(), [""]
    with council.open(tmp_path) as rig:
        rig.ask(ResumeRun(run))
        state = rig.wait(run, lambda state: state.status == "completed")
        assert call_of(state).children == before
        assert rig.raw(before[0]) == first
        kinds = rig.kinds(run)
        assert (kinds.count("subagent_started"), kinds.count("subagents_settled")) == (3, 1)
        assert [one.stand for one in settled_of(rig, run).answers] == ["agrees", "differs", "agrees"]


def test_a_member_that_was_not_begun_is_begun_on_resume(tmp_path: Path) -> None:
    """The process may end between two beginnings: the number of members follows from the role."""
    council = Council(["a", "a"])
    council.held = {0}
    with council.open(tmp_path) as rig:
        begin = rig.driver._session.new_id  # type: ignore[union-attr]
        made: list[str] = []

        def first_alone() -> str:
            if len(made) == 2:  # the run itself and one member
                raise RuntimeError("no second one")
            made.append(begin())
            return made[-1]

        rig.driver._session.new_id = first_alone  # type: ignore[union-attr, method-assign]
        run = rig.start()
        state = rig.finish(run)
        assert "no second one" in (state.answer or "")
        rig.driver._session.new_id = begin  # type: ignore[union-attr, method-assign]
        council.held = set()
        spawned = next(r.seq for r in rig.history(run).records if isinstance(r.event, SubagentStarted))
        fork = rig.ask(ForkRun(run, f"seq:{spawned}"))
        assert "2 of 2 agree" in (rig.finish(fork).answer or "")


def test_a_cancelled_ensemble_stops_all_of_it(tmp_path: Path) -> None:
    """What its members used counts all the same."""
    council = Council(["a", "b"])
    council.held = {0, 1}
    with council.open(tmp_path) as rig:
        run = rig.start()
        rig.wait_for(lambda: len(council.gates) == 2)
        rig.ask(CancelCall(run, "0.0"))
        state = rig.finish(run)
        assert call_of(state).status == "cancelled"
        assert state.child_usage.total_tokens == 30
        ends = [rig.state(child).end for child in call_of(state).children]
        assert ends == [("interrupted", "paused")] * 2


def test_a_breakpoint_in_one_member_rests_them_all(tmp_path: Path) -> None:
    """The caller stops there too, and all go on where they were: nobody is asked twice."""
    council = Council(["a", "b", "a"])
    with council.open(tmp_path) as rig:
        rig.ask(SetBreakpoints((BreakpointSetting("tool:look"),)))
        run = rig.start()
        state = rig.finish(run)
        assert state.status_and_reason == ("interrupted", "breakpoint")
        before = call_of(state).children
        assert {rig.state(child).reason for child in before} <= {"breakpoint", "paused"}
        assert not council.looked
        rig.ask(SetBreakpoints(()))
        rig.ask(ResumeRun(run))
        state = rig.wait(run, lambda state: state.status == "completed")
        assert call_of(state).children == before
        assert len(rig.model.requests) == 8


def test_a_member_waits_for_a_person_and_the_others_go_on(tmp_path: Path) -> None:
    """Each is answered by itself; the call has its result when the last one is over."""
    council = Council(["a", "a"])
    asked = [replace(one, spec=one.spec.model_copy(update={"permission": "ask"})) for one in council.tools()]
    with Rig(tmp_path, council.model, asked, spec=council.spec) as rig:
        run = rig.start()
        rig.wait(run, lambda state: (call := state.call("0.0")) is not None and len(call.children) == 2)
        first, second = call_of(rig.state(run)).children
        for child in (first, second):
            rig.wait(child, lambda state: state.status == "awaiting_approval")
        rig.ask(DecidePermission(first, "0.0", "allow"))
        assert rig.wait(first, lambda state: state.end is not None).status == "completed"
        assert rig.state(run).status == "executing_tools"
        rig.ask(DecidePermission(second, "0.0", "allow"))
        assert "2 of 2 agree" in (rig.finish(run).answer or "")


def test_a_fork_inside_a_member_keeps_its_siblings(tmp_path: Path) -> None:
    """Its caller is forked too: the siblings' answers are read, not asked for again, and all are compared anew."""
    council = Council(["a", "b", "c"])
    with council.open(tmp_path) as rig:
        run = rig.start()
        rig.finish(run)
        members = call_of(rig.state(run)).children
        raw = {name: rig.raw(name) for name in (run, *members)}
        asked = len(rig.model.requests)
        b = next(child for child in members if rig.state(child).answer == "b")
        fork = rig.ask(ForkRun(b, edits=ForkEdits(results={"0.0": "member 2"})))
        caller = rig.state(fork).caller
        assert caller is not None
        state = rig.finish(caller.run)
        assert "2 of 3 agree" in (state.answer or "")
        now = call_of(state).children
        assert [one for one in now if one not in members] == [fork]
        assert sum(one in members for one in now) == 2
        assert len(rig.model.requests) - asked == 2  # the member's last turn, and the caller's
        assert {name: rig.raw(name) for name in raw} == raw
        assert state.child_steps == 6
        again = rig.ask(ForkRun(fork, edits=ForkEdits(results={"0.0": "member 0"})))
        above = rig.state(again).caller
        assert above is not None
        assert "2 of 3 agree" in (rig.finish(above.run).answer or "")


def test_a_judge_is_asked_anew_where_an_answer_changed(tmp_path: Path) -> None:
    """What it said of other answers does not hold."""
    council = Council(["a", "b"], settle="judge", judge=answer("a\nWhy: first."))
    with council.open(tmp_path) as rig:
        run = rig.start()
        rig.finish(run)
        call = call_of(rig.state(run))
        b = next(child for child in call.children if rig.state(child).answer == "b")
        fork = rig.ask(ForkRun(b, edits=ForkEdits(results={"0.0": "nothing"})))
        caller = rig.state(fork).caller
        assert caller is not None
        state = rig.finish(caller.run)
        assert len(council.judged) == 2
        assert "task | nothing" in council.judged[1]
        assert call_of(state).members[2].run != call.members[2].run


def test_unfinished_members_are_forked_with_their_caller(tmp_path: Path) -> None:
    """A fork of a live caller has forks of the members that go on; those that are over it reads."""
    council = Council(["a", "b", "a"])
    council.held = {1, 2}
    with council.open(tmp_path) as rig:
        run = rig.start()
        rig.wait_for(lambda: len(council.gates) == 2)
        rig.wait(run, lambda state: any(m.is_completed for m in call_of(state).members.values()))
        council.held = set()
        council.looked = [""]
        fork = rig.ask(ForkRun(run, "end"))
        assert "2 of 3 agree; 1 said: b" in (rig.finish(fork).answer or "") or "2 of 3 agree; 2 said: b" in (
            rig.state(fork).answer or ""
        )
        mine, theirs = call_of(rig.state(run)).children, call_of(rig.state(fork)).children
        assert len(set(mine) & set(theirs)) == 1
        for gate in council.gates.values():
            rig.open_gate(gate)
        assert "2 of 3 agree" in (rig.finish(run).answer or "")


def test_a_role_that_is_not_there_is_told_to_the_model(tmp_path: Path) -> None:
    """The error names the roles that there are; nothing is begun."""
    council = Council(["a", "b"])

    def model(request: Request) -> Turn:
        spawn = ("spawn_subagent", {"task": "task", "role": "poet"})
        return Turn(calls=[spawn]) if turns_of(request) == 0 else answer(everything_said(request))

    with Rig(tmp_path, model, spec=council.spec) as rig:
        run = rig.start()
        state = rig.finish(run)
        assert state.answer == "What? | there is no role 'poet'; there are: guesser."
        assert not call_of(state).children


@pytest.mark.parametrize("name", ["run", "children"])
def test_a_program_that_watches_sees_the_same(tmp_path: Path, name: str) -> None:
    """Every log folds to what its driver folded, after an ensemble with a judge."""
    council = Council(["a", "b"], settle="judge", judge=answer("a\nWhy: so."))
    with council.open(tmp_path) as rig:
        run = rig.start()
        rig.finish(run)
        runs = [run] if name == "run" else call_of(rig.state(run)).children
        for one in runs:
            assert rig.state(one) == rig.live_state(one)
            assert rig.ask(OpenRun(one)).run == one
