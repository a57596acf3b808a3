"""Every edit at every place: it works as the rules say, or it is refused with the place where it is possible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fork_kit import everything_said, scene
from tests.harness import Rig
from workbench.conversation.messages import problems
from workbench.driver.commands import ForkEdits
from workbench.errors import EditRefusedError
from workbench.events.plan import PlanStep
from workbench.events.request import Request
from workbench.events.run import RunForked
from workbench.state.run_state import RunState

PLACES = {
    "plan": "plan",
    "before a turn": "1",
    "after a turn": "0.turn",
    "call finished": "0.1",
    "call in flight": "0.1",
    "inside a child": "0.1",
    "end": "end",
}
EDITS = {
    "result": ForkEdits(results={"0.1": "CHANGED"}),
    "input": ForkEdits(inputs={"0.1": {"word": "z"}}),
    "text": ForkEdits(text="Otherwise."),
    "plan": ForkEdits(plan=[PlanStep(action="SEARCH", text="omega")]),
    "model": ForkEdits(model="second"),
    "instructions": ForkEdits(instructions="Be brief."),
    "further message": ForkEdits(say="And z?"),
}


@dataclass(frozen=True)
class Works:
    """What a fork does: the calls that run in it, what its last request holds, and results kept from the record."""

    runs: Sequence[str]
    says: Sequence[str] = ()
    not_says: Sequence[str] = ()
    keeps: Sequence[str] = ()
    edited: str = ""


@dataclass(frozen=True)
class Refused:
    """The sentence that names the place where the edit is possible."""

    sentence: str


ALL, REST = ["look a", "look b", "write c", "look d"], ["look d"]
AGAIN = ["look b", "look d"]
SIBLINGS = ["0.0", "0.2"]
AT_CALL = Refused("fork at `0.1` to change it")
AT_TURN = Refused("fork at `0.turn`")
OTHER_PLAN = "The plan has changed. Follow this plan:\n1. SEARCH: omega"
RAN_WITH = 'ran with {"word": "z"} instead, by the operator | found z'

UNCHANGED = (
    "What? | Follow this plan:\n1. SEARCH: alpha\n2. SYNTHESIZE: all of it | found a | found b | wrote c | found d"
)


def row_of_call() -> dict[str, Works | Refused]:
    """Return the row of a call: its siblings are kept, it runs again unless it is given a result."""
    return {
        "result": Works(REST, ["found a | CHANGED | wrote c"], ["found b"], SIBLINGS, "result 0.1"),
        "input": Works(["look z", "look d"], [RAN_WITH], ["found b"], SIBLINGS, "input 0.1"),
        "text": Works(AGAIN, ["found b"], keeps=SIBLINGS, edited="text 0"),
        "plan": Works(AGAIN, [OTHER_PLAN], keeps=SIBLINGS, edited="plan"),
        "model": Works(AGAIN, ["found b"], keeps=SIBLINGS, edited="model"),
        "instructions": Works(AGAIN, ["found b"], keeps=SIBLINGS, edited="instructions"),
        "further message": Works(AGAIN, ["wrote c | And z?"], keeps=SIBLINGS, edited="message"),
    }


MATRIX: dict[str, dict[str, Works | Refused]] = {
    "plan": {
        "result": AT_CALL,
        "input": AT_CALL,
        "text": AT_TURN,
        "plan": Works(ALL, ["Follow this plan:\n1. SEARCH: omega"], ["alpha"], edited="plan"),
        "model": Works(ALL, ["alpha"], edited="model"),
        "instructions": Works(ALL, ["alpha"], edited="instructions"),
        "further message": Works(ALL, ["What? | And z? | Follow this plan"], edited="message"),
    },
    "before a turn": {
        "result": AT_CALL,
        "input": AT_CALL,
        "text": AT_TURN,
        "plan": Works(REST, [f"wrote c | {OTHER_PLAN}"], keeps=["0.1", *SIBLINGS], edited="plan"),
        "model": Works(REST, keeps=["0.1", *SIBLINGS], edited="model"),
        "instructions": Works(REST, keeps=["0.1", *SIBLINGS], edited="instructions"),
        "further message": Works(REST, ["wrote c | And z?"], keeps=["0.1", *SIBLINGS], edited="message"),
    },
    "after a turn": {
        "result": Works(["look a", "write c", "look d"], ["found a | CHANGED | wrote c"], edited="result 0.1"),
        "input": Works(["look a", "look z", "write c", "look d"], [RAN_WITH], edited="input 0.1"),
        "text": Works(ALL, edited="text 0"),
        "plan": Works(ALL, [f"wrote c | {OTHER_PLAN}"], edited="plan"),
        "model": Works(ALL, edited="model"),
        "instructions": Works(ALL, edited="instructions"),
        "further message": Works(ALL, ["wrote c | And z?"], edited="message"),
    },
    "call finished": row_of_call(),
    "call in flight": row_of_call(),
    "inside a child": row_of_call() | {"plan": Refused("fork with a message instead")},
    "end": {
        "result": AT_CALL,
        "input": AT_CALL,
        "text": Refused("fork at `2.turn`"),
        "plan": Works([], [f"accepted | {OTHER_PLAN}"], keeps=["0.1", *SIBLINGS], edited="plan"),
        "model": Works([], keeps=["0.1", *SIBLINGS], edited="model"),
        "instructions": Works([], keeps=["0.1", *SIBLINGS], edited="instructions"),
        "further message": Works([], ["accepted | And z?"], keeps=["0.1", *SIBLINGS], edited="message"),
    },
}
CELLS = [(place, edit) for place in PLACES for edit in EDITS]


def is_kept(before: RunState, after: RunState, call: str) -> bool:
    """Whether a call's result is the one of the record, and not one like it."""
    one, other = before.call(call), after.call(call)
    return one is not None and other is not None and one.result is not None and one.result == other.result


@pytest.mark.parametrize(("place", "edit"), CELLS, ids=[f"{place} x {edit}" for place, edit in CELLS])
def test_every_edit_at_every_place(tmp_path: Path, place: str, edit: str) -> None:
    """The fork does what the table says, or the edit is refused; the parent stays as it is, byte for byte."""
    with scene(tmp_path, place) as at:
        rig, wanted = at.rig, MATRIX[place][edit]
        before = {run: rig.raw(run) for run in {at.run, at.parent}}
        parent, asked = rig.state(at.run), len(at.requests())
        at.world.did.clear()
        if isinstance(wanted, Refused):
            with pytest.raises(EditRefusedError, match=re.escape(wanted.sentence)):
                at.fork(PLACES[place], EDITS[edit])
            assert {run: rig.raw(run) for run in before} == before
            return
        at.world.is_held = False
        fork = at.fork(PLACES[place], EDITS[edit])
        state, root = at.finish(fork)
        new = at.requests()[asked:]

        assert (state.status, root.status) == ("completed", "completed")
        assert sorted(at.world.did) == sorted(wanted.runs)
        assert [call for call in wanted.keeps if not is_kept(parent, state, call)] == []
        assert [problem for request in new for problem in problems(request.messages)] == []
        assert root.answer is not None
        assert [said for said in wanted.says if said not in (state.answer or "") or said not in root.answer] == []
        assert [said for said in wanted.not_says if said in (state.answer or "")] == []
        assert state.own_edits == [wanted.edited]
        _check_agent(edit, state, [request for request in new if request.purpose == "step"])
        _check_first_event(rig, fork, at.run)
        assert rig.state(fork) == rig.live_state(fork)
        for run, raw in before.items():
            assert rig.raw(run)[: len(raw)] == raw
        if at.world.gate is not None:
            rig.open_gate(at.world.gate)
            assert rig.finish(at.run).answer == UNCHANGED


def _check_agent(edit: str, state: RunState, asked: Sequence[Request]) -> None:
    """The fork is asked of the new model, or with the new instructions, from its first request on."""
    assert state.agent is not None
    own = [request for request in asked if request.messages[0] and "Spawn" not in everything_said(request)]
    if edit == "model":
        assert state.agent.model == "second"
        assert {request.model for request in own} <= {"second"}
    if edit == "instructions":
        assert state.agent.instructions == "Be brief."
        assert all(request.instructions.startswith("Be brief.") for request in own)
    if edit == "text":
        assert all("Otherwise." in str(request.messages) and "Looking." not in str(request.messages) for request in own)


def _check_first_event(rig: Rig, fork: str, made_from: str) -> None:
    """The fork's first own event says which run owns the event at its cut, and which one the person looked at."""
    history = rig.history(fork)
    first = next(record for record in history.records if record.run == fork)
    assert isinstance(first.event, RunForked)
    assert first.event.cut == first.seq - 1
    assert first.event.parent == history.records[first.event.cut].run
    assert first.event.made_from == made_from
