"""The request of a turn, made again out of the log alone, is what was sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fork_kit import PLAN, scene
from tests.harness import Rig, answer
from tests.run_log import Call, RunLog, agent_record
from workbench.agent.spec import AgentSpec
from workbench.config.resources import shipped
from workbench.conversation.builder import Contents
from workbench.debugger.requests import SentRequest, SentTurn, prompt_of, rebuild, sent_turns
from workbench.driver.commands import ForkEdits, ListRuns, ReadRequest, Say
from workbench.driver.transfer import import_session
from workbench.errors import AddressError, TransientModelError
from workbench.events.agent import Limits
from workbench.events.content import text_content
from workbench.events.edit import MessageAdded
from workbench.events.request import Request
from workbench.events.turn import TurnStarted
from workbench.interchange.session_file import read_session
from workbench.providers.scripted import Turn
from workbench.state.history import History
from workbench.state.parts import ResultRef
from workbench.tools.declaring import tool


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"{word} " * 400


def rebuilt(rig: Rig, run: str) -> list[tuple[SentTurn, SentRequest]]:
    """Return every turn of a run with its request, made again."""
    return [(turn, rig.ask(ReadRequest(run, turn.seq))) for turn in sent_turns(rig.history(run).records)]


def check_all(rig: Rig, sent: Sequence[Request]) -> int:
    """Check that every turn of every run here is rebuilt exactly; return how many."""
    found: list[tuple[SentTurn, SentRequest]] = []
    for row in rig.ask(ListRuns(hidden=True)):
        found += [(turn, request) for turn, request in rebuilt(rig, row.id) if turn.run == row.id]
    for turn, request in found:
        assert request.is_exact, f"{turn.place} of {turn.run}"
        assert request.request in sent
    assert len(found) == len(sent)
    return len(found)


@pytest.mark.parametrize("place", ["completed", "inside a child"])
def test_plans_steps_children_and_forks_are_rebuilt(tmp_path: Path, place: str) -> None:
    """Whatever a fork changed and wherever it was made, each of its requests comes out of the log as it was sent."""
    with scene(tmp_path, place) as stage:
        at = "0.0" if place == "completed" else "0.1"
        for edits in (
            ForkEdits(results={at: "another word"}),
            ForkEdits(inputs={at: {"word": "z"}}),
            ForkEdits(reruns=(at,)),
        ):
            stage.finish(stage.fork(None, edits))
        for edits in (ForkEdits(text="My own words."), ForkEdits(model="second"), ForkEdits(say="And then?")):
            stage.finish(stage.fork("0.turn" if edits.text else "1", edits))
        stage.finish(stage.fork("0", ForkEdits(instructions="Be brief.", parameters={"max_tokens": 99})))
        assert check_all(stage.rig, stage.requests()) > 10


def test_elided_and_summarised_contexts_are_rebuilt(tmp_path: Path) -> None:
    """A request from which old results were left out, and the one that asked for the summary, are rebuilt so."""
    steps = iter(range(40))

    def model(request: Request) -> Turn:
        if request.purpose == "summary":
            return Turn("It was all words.")
        number = next(steps)
        return answer("done") if number == 9 else Turn("x" * 3_000, [("look", {"word": f"w{number}"})])

    spec = AgentSpec(plan="off", limits=Limits(steps=None, request_tokens=5_000))
    with Rig(tmp_path, model, [look], spec=spec) as rig:
        run = rig.start()
        state = rig.finish(run)
        assert state.elided
        assert state.summary is not None
        purposes = {turn.started.purpose for turn, _ in rebuilt(rig, run)}
        assert purposes == {"step", "summary"}
        check_all(rig, rig.model.requests)


def test_every_attempt_of_a_turn_is_rebuilt(tmp_path: Path) -> None:
    """A turn that broke and was asked for again has as many requests as attempts, each with its place and its end."""
    broken = Turn("I be", error=TransientModelError("overloaded", kind="overloaded", retry_after=0.0))
    with Rig(tmp_path, [broken, Turn("Looking.", [("look", {"word": "a"})]), answer()], [look]) as rig:
        run = rig.start()
        rig.finish(run)
        turns = [turn for turn, _ in rebuilt(rig, run)]
        assert [turn.place for turn in turns] == ["step 0", "step 0, attempt 1", "step 1"]
        assert turns[0].discarded is not None
        assert turns[0].discarded.reason.startswith("broken")
        assert turns[1].finished is not None
        check_all(rig, rig.model.requests)


def test_a_message_between_turns_is_in_the_later_requests(tmp_path: Path) -> None:
    """What a person said goes in where it went in."""
    with Rig(tmp_path, [answer("one"), answer("two")], [look], plan=PLAN, spec=AgentSpec(plan="auto")) as rig:
        run = rig.start()
        rig.finish(run)
        other = str(rig.ask(Say(run, "And what else?")))
        rig.finish(other)
        assert [turn.place for turn in sent_turns(rig.history(other).records)] == ["plan", "step 0", "step 1"]
        check_all(rig, rig.model.requests)


@pytest.mark.parametrize("name", ["simple", "comparison", "context-managers"])
def test_recorded_sessions_are_rebuilt(tmp_path: Path, name: str) -> None:
    """Every request of the recordings that ship is rebuilt with the key that was recorded then."""
    session = read_session(shipped("sessions") / f"{name}.jsonl")
    with Rig(tmp_path) as rig:
        rig.driver.run_blocking(import_session(rig.driver.store, session, name))
        found = [pair for run in session.runs for pair in rebuilt(rig, run.id)]
        assert found
        assert all(request.is_exact for _, request in found)


async def nothing(refs: Sequence[ResultRef]) -> Contents:
    """Give empty results."""
    return {}


async def test_another_version_is_told() -> None:
    """A request whose key is another than the recorded one is given all the same, and says that it differs."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a")], text="x")
    history = History()
    for record in log.records:
        history.append(record)
    (turn,) = sent_turns(log.records)
    found = await rebuild(history, turn.seq, nothing)
    assert not found.is_exact
    assert found.recorded_key == "k"
    assert len(found.key) == 64


async def test_what_was_said_while_a_request_was_made_is_not_in_it() -> None:
    """A message that came between the making and the sending of a request is left out of it, and counted."""
    log = RunLog(agent=agent_record(plan="off"))
    history = History()
    for record in log.records:
        history.append(record)
    log.begin_turn()
    history.append(log.records[-1])
    key = (await rebuild(history, 1, nothing)).key

    late = RunLog(agent=agent_record(plan="off"))
    late.add(MessageAdded(content=text_content("Wait!")))
    late.add(TurnStarted(step=0, attempt=0, purpose="step", model="offline", request_key=key))
    history = History()
    for record in late.records:
        history.append(record)
    found = await rebuild(history, 2, nothing)
    assert found.is_exact
    assert found.said_meanwhile == 1
    assert "Wait!" not in json.dumps(str(found.request))


async def test_only_a_turn_has_a_request() -> None:
    """Another event is refused with a sentence."""
    log = RunLog()
    history = History()
    for record in log.records:
        history.append(record)
    for seq in (0, 7, -1):
        with pytest.raises(AddressError, match="sent no request"):
            await rebuild(history, seq, nothing)
    assert prompt_of(log.state, "plan") == ""
