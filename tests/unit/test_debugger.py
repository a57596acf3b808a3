"""Places, cuts, forks and alignment, as pure rules on logs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Call, RunLog, agent_record, forked_run, live_run, researched_run, troubled_run
from workbench.debugger.address import Place, find_cut, parse_address
from workbench.debugger.align import align
from workbench.debugger.fork import Edits, place_of, plan_fork, preview
from workbench.errors import AddressError, EditRefusedError, UserError
from workbench.events.content import text_content
from workbench.events.edit import AgentEdited, InputEdited, MessageAdded, ResultEdited, TextEdited
from workbench.events.plan import PlanApproved, PlanEdited, PlanSkipped, PlanStep
from workbench.events.request import ProviderParts
from workbench.events.turn import TurnFinished
from workbench.state.fold import fold
from workbench.state.history import History


def history_of(log: RunLog) -> History:
    """Return a log's history."""
    history = History()
    for record in log.records:
        history.append(record)
    return history


def two_steps(effect: Any = "read_only", *, model: str = "offline") -> RunLog:
    """Return a finished run: three calls, one call, an answer."""
    agent = agent_record(plan="off").model_copy(update={"model": model})
    log = RunLog(agent=agent)
    log.step([Call("search_docs", {"query": word}, f"found {word}") for word in "abc"], text="First.")
    log.step([Call("shell", {"command": "x"}, "done", effect=effect)], text="Second.")
    log.answer("42")
    return log


# Addresses.


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("plan", Place("plan")),
        (" end ", Place("end")),
        ("0", Place("before", 0)),
        ("12", Place("before", 12)),
        ("3.turn", Place("turn", 3)),
        ("3.1", Place("call", 3, "3.1")),
        ("03.01", Place("call", 3, "3.1")),
        ("seq:17", Place("seq", seq=17)),
    ],
)
def test_places_are_read_as_people_write_them(text: str, place: Place) -> None:
    """And written back the same way."""
    assert parse_address(text) == place
    assert parse_address(str(place)) == place


@pytest.mark.parametrize(
    "text", ["", "-1", "1.", ".1", "1.2.3", "1.end", "planet", "1e3", "9" * 10, "seq:", "1 .2", "\n"]
)
def test_what_is_no_place_is_refused_with_the_forms(text: str) -> None:
    """The sentence repeats what was written and says how it is written."""
    with pytest.raises(AddressError, match=r"is no place in a run; write `plan`, `S` \(before turn S\)") as caught:
        parse_address(text)
    assert repr(text) in str(caught.value)
    assert "`seq:N` (as of event N)" in str(caught.value)


def test_an_edit_implies_its_place() -> None:
    """A call implies its step, a plan the plan, anything else the end; a given place wins."""
    assert place_of(None, Edits(results={"1.2": text_content("x")})) == Place("call", 1, "1.2")
    assert place_of(None, Edits(skip_plan=True)) == Place("plan")
    assert place_of(None, Edits(say="x")) == Place("end")
    assert place_of("2", Edits(results={"1.2": text_content("x")})) == Place("before", 2)
    with pytest.raises(AddressError, match=r"'2' is no call; write STEP.CALL"):
        place_of(None, Edits(inputs={"2": {}}))


# Cuts.


def test_each_place_cuts_where_it_says() -> None:
    """After the proposal, before a turn, right after it, at the end of a step, at the end of all."""
    log = researched_run()
    history = history_of(log)
    kinds = [record.event.kind for record in log.records]
    step = log.state.steps[0]
    assert find_cut(history, Place("plan")).seq == kinds.index("plan_proposed")
    assert find_cut(history, Place("before", 0)).seq == step.before_seq
    assert kinds[step.before_seq + 1] == "turn_started"
    turn = find_cut(history, Place("turn", 0))
    assert kinds[turn.seq] == "turn_finished"
    assert find_cut(history, Place("call", 0, "0.1")).seq == step.finished_seq
    assert find_cut(history, Place("end")).seq == len(kinds) - 1
    assert find_cut(history, Place("before", 2)).seq == len(kinds) - 1
    for place in (Place("plan"), Place("before", 0), Place("call", 0, "0.1")):
        cut = find_cut(history, place)
        assert cut.state == fold(log.records[: cut.seq + 1])


def test_a_cut_never_lies_inside_a_turn() -> None:
    """With the playhead on a streamed piece the fork begins before that turn."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.stream("half")
    cut = find_cut(history_of(log), Place("seq", seq=log.state.seq))
    assert log.records[cut.seq].event.kind == "run_started"
    assert find_cut(history_of(log), Place("end")).seq == cut.seq


def test_calls_in_flight_at_the_cut_are_open_in_the_fork() -> None:
    """Those that had started and not finished are named; finished siblings are kept."""
    log = live_run(6)
    cut = find_cut(history_of(log), Place("end"))
    running = [call.id for call in log.state.steps[-1].asked_calls if call.status == "running"]
    assert cut.reset == dict.fromkeys(running, "open")
    assert len(running) == 4


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place("plan"), "this run has no plan; fork at `0`"),
        (Place("before", 7), "the run has no step 7; it has steps 0 to 2"),
        (Place("turn", 7), "no step 7"),
        (Place("call", 0, "0.9"), "step 0 has no call 0.9; it has 0.0, 0.1, 0.2"),
        (Place("seq", seq=10_000), "there is none at 10000"),
    ],
)
def test_a_place_that_is_not_there_is_refused_with_what_is(place: Place, said: str) -> None:
    """So that the next try is right."""
    with pytest.raises(AddressError, match=said):
        find_cut(history_of(two_steps()), place)


def test_the_place_after_the_last_step_is_there_when_that_step_is_closed() -> None:
    """`S` of a turn that has not begun means the end; while the step before is open there is no such place."""
    log = two_steps()
    assert find_cut(history_of(log), Place("before", 3)).seq == log.state.seq
    with pytest.raises(AddressError, match="no step 1; it has steps 0 to 0"):
        find_cut(history_of(open_step_run()), Place("before", 1))


def open_step_run() -> RunLog:
    """Return a run whose only step has a call in flight."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("search_docs", {"query": "a"}, seconds=None)])
    return log


def test_places_in_a_turn_that_is_not_finished_are_refused() -> None:
    """The place before that turn is named."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    for place in (Place("turn", 0), Place("call", 0, "0.0")):
        with pytest.raises(AddressError, match=r"turn 0 is not finished; fork at `0` \(before it\) instead"):
            find_cut(history_of(log), place)


# Forks.


def test_an_edited_result_keeps_its_siblings_and_is_the_only_reset() -> None:
    """The fork's first events are its origin and the edit; folded, the step is whole again."""
    log = two_steps()
    plan = plan_fork(history_of(log), Place("call", 0, "0.1"), Edits(results={"0.1": text_content("other")}))
    assert plan.forked.reset == {"0.1": "answered"}
    assert (plan.owner, plan.forked.address) == (log.run, "0.1")
    [edit] = plan.edits
    assert isinstance(edit, ResultEdited)
    assert len(edit.replaces) == 64
    fork = log.fork("fork", plan.cut.seq, reset=dict(plan.forked.reset))
    fork.add(edit)
    assert fork.state.steps[0].is_closed
    assert [call.edited for call in fork.state.steps[0].asked_calls] == [False, True, False]


def test_a_call_without_an_edit_is_run_again() -> None:
    """Naming a call as the place is a wish to run it again; right after the turn nothing has run yet."""
    history = history_of(two_steps())
    assert plan_fork(history, Place("call", 0, "0.1"), Edits()).forked.reset == {"0.1": "rerun"}
    after_turn = plan_fork(history, Place("turn", 0), Edits(text="Other words."))
    assert [event.kind for event in after_turn.edits] == ["text_edited"]
    assert after_turn.forked.reset == {}


def test_every_edit_becomes_its_event() -> None:
    """Agent first, then text, results, inputs, and last what the person says."""
    log = two_steps()
    agent = log.state.agent
    assert agent is not None
    edits = Edits(
        results={"0.0": text_content("r")},
        inputs={"0.1": {"query": "other"}},
        text="Otherwise.",
        agent=agent.model_copy(update={"model": "x:y", "instructions": "Be brief."}),
        say="And?",
    )
    plan = plan_fork(history_of(log), Place("call", 0, "0.0"), edits)
    kinds = [AgentEdited, TextEdited, ResultEdited, InputEdited, MessageAdded]
    assert [type(event) for event in plan.edits] == kinds
    assert isinstance(plan.edits[0], AgentEdited)
    assert plan.edits[0].changed == ("instructions", "model")
    assert plan.forked.reset == {"0.0": "answered", "0.1": "rerun"}


def test_plans_are_edited_where_they_wait_or_are_followed() -> None:
    """A waiting plan is approved by its edit; a followed one is changed; skipping is for the waiting one."""
    history, steps = history_of(researched_run()), (PlanStep(action="SEARCH", text="x"),)
    waiting = plan_fork(history, Place("plan"), Edits(plan=steps)).edits
    assert [type(event) for event in waiting] == [PlanEdited, PlanApproved]
    assert [type(event) for event in plan_fork(history, Place("plan"), Edits(skip_plan=True)).edits] == [PlanSkipped]
    followed = plan_fork(history, Place("before", 1), Edits(plan=steps)).edits
    assert [type(event) for event in followed] == [PlanEdited]


@pytest.mark.parametrize(
    ("log", "address", "edits", "said"),
    [
        (two_steps(), "1.0", Edits(results={"0.1": text_content("x")}), "fork at `0.1` to change it"),
        (two_steps(), "end", Edits(inputs={"0.1": {}}), "fork at `0.1` to change it"),
        (two_steps(), "0", Edits(reruns=("0.1",)), "fork at `0.1` to change it"),
        (two_steps(), "0.1", Edits(reruns=("0.9",)), "step 0 has no call 0.9; it has 0.0, 0.1, 0.2"),
        (two_steps(), "0.1", Edits(reruns=("0",)), "'0' is no call; write STEP.CALL"),
        (two_steps(), "0", Edits(text="x"), "a turn's text is changed after that turn; fork at `0.turn`"),
        (two_steps(), "end", Edits(text="x"), "fork at `2.turn`, not at `end`"),
        (two_steps(), "0", Edits(skip_plan=True), "there is no plan to change at `0`"),
        (researched_run(), "1", Edits(skip_plan=True), "already followed at `1`; fork at `plan`"),
        (researched_run(), "plan", Edits(plan=()), "a plan needs at least one step"),
    ],
)
def test_an_edit_that_is_not_possible_there_is_refused_with_the_place_where_it_is(
    log: RunLog, address: str, edits: Edits, said: str
) -> None:
    """One sentence that names the right place; nothing is decided."""
    with pytest.raises(UserError, match=said) as caught:
        plan_fork(history_of(log), parse_address(address), edits)
    assert isinstance(caught.value, EditRefusedError | AddressError)


def test_another_provider_drops_what_only_the_first_understood_and_says_so() -> None:
    """The same provider's other model keeps it."""
    log = two_steps(model="one:a")
    records = [
        type(record)(record.run, record.seq, record.at, record.event.model_copy(update={
            "provider_parts": ProviderParts(provider="one", parts=[1])
        }) if isinstance(record.event, TurnFinished) else record.event)
        for record in log.records
    ]  # fmt: skip
    history = History()
    for record in records:
        history.append(record)
    agent = history.live.agent
    assert agent is not None
    other = plan_fork(history, Place("end"), Edits(agent=agent.model_copy(update={"model": "two:b"})))
    assert other.forked.dropped == ("thinking and other provider-only parts of 3 turns",)
    same = plan_fork(history, Place("end"), Edits(agent=agent.model_copy(update={"model": "one:b"})))
    assert same.forked.dropped == ()


# Previews.


def later(log: RunLog, cut: int) -> list[Any]:
    """Return the events after a cut."""
    return log.records[cut + 1 :]


@pytest.mark.parametrize(
    ("effect", "address", "simulated"),
    [
        ("effectful", "0.1", True),
        ("effectful", "1.turn", True),
        ("effectful", "1.0", True),
        ("effectful", "2", False),
        ("idempotent", "0.1", False),
        ("read_only", "1.0", False),
    ],
)
def test_a_fork_is_simulated_where_the_world_remembers_otherwise(effect: Any, address: str, simulated: bool) -> None:
    """An effect after the cut, or of a call that is reset; all else is sound."""
    log = two_steps(effect)
    plan = plan_fork(history_of(log), parse_address(address), Edits())
    seen = preview(plan, later(log, plan.cut.seq))
    assert seen.simulated is simulated
    assert bool(seen.effects) is simulated


def test_a_preview_says_what_is_kept() -> None:
    """Steps and results kept, and calls that run again."""
    log = two_steps(model="some:model")
    plan = plan_fork(history_of(log), Place("call", 1, "1.0"), Edits())
    seen = preview(plan, later(log, plan.cut.seq))
    assert (seen.kept_steps, seen.kept_calls, seen.reruns) == (1, 3, ("1.0",))
    assert seen.kept == "1 step and 3 results are kept from the record"


# Alignment.


def test_a_fork_and_its_parent_share_what_they_share() -> None:
    """The divergence is named by step or call in the first run's numbers."""
    parent, fork = researched_run(), forked_run()
    found = align(parent.state, fork.state)
    assert (found.shared_steps, found.diverged_at) == (0, "0.1")
    assert [[call.same for call in row.calls] for row in found.rows[:1]] == [[True, False, True]]
    assert align(parent.state, parent.state).diverged_at is None
    assert all(row.same for row in align(parent.state, parent.state).rows)


def test_steps_are_aligned_by_what_they_do() -> None:
    """A step that only one run has stands alone, and those after it find their counterparts again."""
    words = [["a"], ["b"], ["c"]]
    runs = []
    for chosen in (words, [["a"], ["x", "y"], ["b"], ["c"]]):
        log = RunLog(agent=agent_record(plan="off"))
        for queries in chosen:
            log.step([Call("search_docs", {"query": word}, f"found {word}") for word in queries])
        runs.append(log.state)
    found = align(*runs)
    assert [(row.a_index, row.b_index, row.same) for row in found.rows] == [
        (0, 0, True), (None, 1, False), (1, 2, True), (2, 3, True),
    ]  # fmt: skip
    assert (found.shared_steps, found.diverged_at) == (1, "1")
    back = align(runs[1], runs[0])
    assert [(row.a_index, row.b_index) for row in back.rows] == [(0, 0), (1, None), (2, 1), (3, 2)]


def test_calls_pair_by_input_then_by_tool_and_what_is_left_stands_alone() -> None:
    """However their order changed."""
    runs = []
    for queries in (("a", "b", "c"), ("c", "z", "a", "b")):
        log = RunLog(agent=agent_record(plan="off"))
        log.step([Call("search_docs", {"query": word}, f"found {word}") for word in queries])
        runs.append(log.state)
    found = align(*runs)
    pairs = [(call.a_id, call.b_id, call.same) for row in found.rows for call in row.calls]
    assert sorted(pairs, key=str) == sorted(
        [("0.0", "0.2", True), ("0.1", "0.3", True), ("0.2", "0.0", True), (None, "0.1", False)], key=str
    )


def test_runs_that_planned_differently_diverge_at_the_plan() -> None:
    """And runs of any length and state can be aligned."""
    one, other = RunLog(), RunLog()
    one.plan(["SEARCH: a"])
    other.plan(["SEARCH: b"])
    assert align(one.state, other.state).diverged_at == "plan"
    align(RunLog().state, troubled_run().state)
    assert align(live_run().state, live_run().state).rows
