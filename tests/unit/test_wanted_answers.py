"""Answers of a form: what fits ends the run as an object, what does not goes back to the model, so often."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from tests.harness import Rig
from tests.loop_kit import UNLIMITED, Lab, asks, with_limits
from workbench.agent.spec import AgentSpec, child_record
from workbench.cli.narrator import Narrator
from workbench.debugger.requests import rebuild, sent_turns
from workbench.driver.commands import ForkEdits, ForkRun
from workbench.engine.decide import wrong_answers
from workbench.errors import AgentError, ToolError
from workbench.events.base import Recorded
from workbench.events.content import plain_text, text_content
from workbench.events.edit import AgentEdited, InputEdited, MessageAdded
from workbench.events.request import UserMessage
from workbench.events.run import AnswerRefused, RunFinished, RunForked
from workbench.providers.scripted import Turn
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.tools.control import SUBMIT_ANSWER, answer_tool, submit_answer
from workbench.tools.declaring import tool
from workbench.views.segments import line_text
from workbench.views.show import run_document, show_lines


class Part(BaseModel):
    """A part of a verdict."""

    name: str
    weight: float = 1.0


class Verdict(BaseModel):
    """What is thought of a thing."""

    title: str
    rating: int = Field(ge=1, le=5, description="From 1 to 5")
    mood: Literal["good", "bad"] = "good"
    parts: list[Part] = []

    @field_validator("title")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("a title has words")
        return value


GOOD: dict[str, Any] = {"title": "Überblick", "rating": 4, "parts": [{"name": "a"}]}
BAD: dict[str, Any] = {"title": "x", "rating": 9}


def submits(value: dict[str, Any] | str) -> Turn:
    """Return a turn that submits an object."""
    return asks((SUBMIT_ANSWER, value))


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"{word}!"


async def test_an_object_that_fits_is_the_answer() -> None:
    """It stands in the last event as an object and as readable text, and the model was offered its form."""
    lab = Lab([submits(GOOD)], output=Verdict)
    state = await lab.run()
    finished = lab.all(RunFinished)[0]
    assert state.status_and_reason == ("completed", "answered")
    assert finished.output == state.output == GOOD
    assert finished.answer == json.dumps(GOOD, indent=2, ensure_ascii=False)
    (offered,) = [spec for spec in lab.requests[0].tools if spec.name == SUBMIT_ANSWER]
    assert offered.input_schema == lab.agent.output
    assert offered.input_schema["properties"]["rating"]["description"] == "From 1 to 5"  # type: ignore[index,call-overload]


@pytest.mark.parametrize("has_class", [True, False])
@pytest.mark.parametrize(
    ("given", "named"),
    [
        (BAD, ["rating:"]),
        ({"rating": "many", "mood": "so so"}, ["title", "rating", "mood"]),
        ({**GOOD, "parts": [{"name": "a"}, {"weight": 2}]}, ["parts.1", "name"]),
        ({**GOOD, "rating": "4"}, ["rating: "]),
    ],
)
async def test_a_wrong_answer_goes_back_with_each_field_named(
    given: dict[str, Any], named: list[str], has_class: bool
) -> None:
    """The model reads what is wrong where, with the class of the answer and with its schema alone."""
    lab = Lab([submits(given), submits(GOOD)], output=Verdict, has_class=has_class)
    state = await lab.run()
    ((_, text, is_error),) = lab.sent_results()
    assert is_error
    assert "does not fit" in text
    assert all(name in text for name in named)
    assert state.output == GOOD


async def test_what_only_the_class_knows_holds_too() -> None:
    """A validator of the author's own refuses; where only the schema is there, it cannot."""
    empty = {"title": " ", "rating": 1}
    lab = Lab([submits(empty), submits(GOOD)], output=Verdict)
    assert (await lab.run()).output == GOOD
    assert "title: Value error, a title has words" in lab.text("0.0")
    assert (await Lab([submits(empty)], output=Verdict, has_class=False).run()).output == empty


async def test_another_class_than_the_recorded_one_does_not_judge() -> None:
    """Where the code has changed since, the schema in the log decides."""

    class Other(BaseModel):
        nothing: str

    lab = Lab([submits(GOOD)], output=Verdict, answer_class=Other)
    assert (await lab.run()).output == GOOD


@pytest.mark.parametrize("most", [0, 1, 3])
async def test_wrong_answers_come_back_so_often_and_then_the_run_fails(most: int) -> None:
    """The last sentence says how many there were, what was wrong and what to do."""
    limits = UNLIMITED.model_copy(update={"wrong_answers": most})
    lab = Lab([submits(BAD)] * 9, output=Verdict, limits=limits)
    state = await lab.run()
    assert state.status_and_reason == ("failed", "error")
    assert len(lab.requests) == most + 1 == wrong_answers(state)
    assert state.error is not None
    assert ("1 answer " if most == 0 else f"{most + 1} answers ") in state.error
    assert "rating: Input should be less than or equal to 5: fork at" in state.error


async def test_a_run_that_failed_so_goes_on_when_somebody_speaks_or_allows_more() -> None:
    """A message begins the count anew; a fork with a larger limit goes on with the old one."""
    limits = UNLIMITED.model_copy(update={"wrong_answers": 1})
    lab = Lab([submits(BAD)] * 2 + [submits(BAD), submits(GOOD)], output=Verdict, limits=limits)
    await lab.run()
    records = list(lab.journal.records)
    await lab.journal.append(MessageAdded(content=text_content("Five is the most.")))
    assert (await lab.run()).output == GOOD

    forked = Lab([submits(GOOD)], output=Verdict, records=records, limits=limits)
    more = with_limits(lab.agent, wrong_answers=2)
    last = forked.state.seq
    await forked.journal.append(
        RunForked(parent="r1", cut=last, made_from="r1", address="end"), AgentEdited(agent=more, changed=("limits",))
    )
    assert (await forked.run()).output == GOOD


async def test_words_alone_are_no_answer_where_an_object_is_wanted() -> None:
    """The model is told so, out of the log; it counts as a wrong answer, and what it says is never the answer."""
    lab = Lab([Turn("It is good."), Turn("Really."), submits(GOOD)], output=Verdict)
    state = await lab.run()
    assert state.output == GOOD
    assert len(lab.all(AnswerRefused)) == 2
    said = lab.requests[-1].messages[-1]
    assert isinstance(said, UserMessage)
    assert "submit_answer" in plain_text(said.content)
    assert said.role == "user"
    failing = Lab([Turn("It is good.")] * 9, output=Verdict)
    assert (await failing.run()).status == "failed"
    assert len(failing.requests) == 4
    assert len(failing.all(AnswerRefused)) == 3
    assert "without submit_answer" in (failing.state.error or "")


async def test_the_count_is_in_the_log() -> None:
    """Killed anywhere, the run comes to the same end with the same number of answers."""
    whole = Lab([submits(BAD), Turn("No."), submits("{"), submits(BAD)], output=Verdict)
    end = await whole.run()
    assert end.status == "failed"
    assert wrong_answers(end) == 4
    for cut in range(1, len(whole.journal.records)):
        records = whole.journal.records[:cut]
        torn = fold(records)
        if torn.active_turn is not None or torn.open_step is not None:
            continue
        done = torn.finished_steps
        script = [submits(BAD), Turn("No."), submits("{"), submits(BAD)][done:]
        again = Lab(script, output=Verdict, records=records)
        assert (await again.run()).error == end.error


async def test_calls_beside_the_answer_do_not_run() -> None:
    """As beside an answer in words; beside a wrong one they do."""
    lab = Lab([asks(("look", {"word": "a"}), (SUBMIT_ANSWER, GOOD))], [look], output=Verdict, eager=False)
    await lab.run()
    assert lab.call("0.0").outcome == "not_run"
    wrong = Lab([asks(("look", {"word": "a"}), (SUBMIT_ANSWER, BAD)), submits(GOOD)], [look], output=Verdict)
    await wrong.run()
    assert wrong.text("0.0") == "a!"


async def test_a_wrong_answer_beside_a_right_one_does_not_count() -> None:
    """One by one, too, the answer that fits ends the run."""
    lab = Lab([asks((SUBMIT_ANSWER, BAD), (SUBMIT_ANSWER, GOOD))], output=Verdict, parallel_tool_calls=False)
    assert (await lab.run()).output == GOOD


async def test_a_persons_input_is_the_answer() -> None:
    """A fork with another input of submit_answer ends with that, and what is wrong in it is told as ever."""
    lab = Lab([submits(GOOD)], output=Verdict)
    await lab.run()
    cut = next(record.seq for record in lab.journal.records if record.event.kind == "turn_finished")
    mine: dict[str, Any] = {"title": "Mine", "rating": 1}
    for given, ends_well in ((mine, True), (BAD, False)):
        forked = Lab([submits(GOOD)], output=Verdict, records=lab.journal.records[: cut + 1])
        await forked.journal.append(
            RunForked(parent="r1", cut=cut, made_from="r1", address="0.0", reset={"0.0": "rerun"}),
            InputEdited(call="0.0", input=given, replaces=""),
        )
        state = await forked.run()
        assert state.output == (given if ends_well else GOOD)
        assert len(forked.requests) == (0 if ends_well else 1)


def test_subagents_answer_in_words() -> None:
    """Whatever their caller's answer has to be."""
    record = AgentSpec(toolkit=Lab([], output=Verdict).toolkit, output=Verdict).record()
    child = child_record(record, None)
    assert child.output is None
    assert next(spec for spec in child.tools if spec.name == SUBMIT_ANSWER) == submit_answer.spec


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"type": "array"}, "of type 'array'"),
        ({"type": "object", "properties": {"a": {"type": "thing"}}}, "properties.a.type"),
        ({"type": "object", "required": "a"}, "required"),
    ],
)
def test_a_form_that_is_none_is_a_sentence(output: dict[str, Any], said: str) -> None:
    """It is said before any model is asked."""
    with pytest.raises(AgentError, match="output: ") as told:
        AgentSpec(output=output).record()
    assert said in str(told.value)


def test_a_schema_fetches_nothing() -> None:
    """What it names elsewhere is not read; the model is told, and nobody waits."""
    odd = answer_tool({"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/x.json"}}})
    with pytest.raises(ToolError, match="cannot be used"):
        odd.validate({"a": 1})


async def test_requests_come_out_of_the_log_again() -> None:
    """Notices are sent as they are kept."""
    lab = Lab([submits(BAD), Turn("No."), submits(GOOD)], output=Verdict)
    await lab.run()
    history = History()
    for record in lab.journal.records:
        history.append(record)
    sent = [await rebuild(history, turn.seq, lab.journal.contents) for turn in sent_turns(history.records)]
    assert all(one.is_exact for one in sent)
    assert [one.request for one in sent] == lab.requests


async def test_views_show_the_object() -> None:
    """`show`, its JSON and the narrator have the answer readable, indents and all, and what the model was told."""
    lab = Lab([Turn("No."), submits(GOOD)], output=Verdict)
    state = await lab.run()
    shown = "\n".join(line_text(line) for line in show_lines(state, {}, 80))
    assert '  "title": "Überblick",' in shown
    assert "Words alone are no answer" in shown
    assert run_document(state, {})["output"] == GOOD
    narrator, told = Narrator(80), []
    seen = fold([])
    for record in lab.journal.records:
        seen = fold([record], seen)
        told += [line_text(line) for line in narrator.lines(record, seen)]
    assert any("Words alone are no answer" in line for line in told)
    assert isinstance(lab.journal.records[0], Recorded)


def test_a_driver_has_the_class_and_forks_the_answer(tmp_path: Any) -> None:
    """Through the whole program: the class judges, and a fork with another input answers with it."""
    spec = AgentSpec(plan="off", output=Verdict)
    with Rig(tmp_path, [submits({"title": " ", "rating": 1}), submits(GOOD)], spec=spec) as rig:
        run = rig.start()
        state = rig.finish(run)
        assert state.output == GOOD
        assert len(rig.model.requests) == 2
        fork = rig.ask(ForkRun(run, None, ForkEdits(inputs={"1.0": {"title": "Mine", "rating": 2}})))
        state = rig.finish(fork)
        assert state.output == {"title": "Mine", "rating": 2}
