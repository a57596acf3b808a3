"""Answers of `offline` in fields of one's own: filled from what tools returned, valid whatever the schema, mended."""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from tests.offline_kit import SUBMIT, request
from workbench.events.agent import ToolSpec
from workbench.events.content import JsonBlock, TextBlock, text_content
from workbench.events.request import AssistantMessage, Message, ToolCallBlock, ToolResultBlock, UserMessage
from workbench.providers.offline.provider import turn_for
from workbench.providers.offline.turn import Turn

WEATHER = ToolSpec(
    name="get_weather",
    description="Return the weather of a city.",
    input_schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    effect="read_only",
)


def submit(schema: dict[str, Any]) -> ToolSpec:
    """Return `submit_answer` with fields of one's own."""
    return ToolSpec(name=SUBMIT, description="Give the final answer.", input_schema=schema, effect="read_only")


def talk(
    schema: dict[str, Any] | type[BaseModel],
    *results: Any,
    question: str = "What is the weather in Oslo?",
    refused: tuple[tuple[dict[str, Any], str], ...] = (),
    is_error: bool = False,
    words: str = "",
) -> Turn:
    """Return the turn after the weather was asked for and gave `results`, and after answers that were refused."""
    wanted = schema if isinstance(schema, dict) else schema.model_json_schema()
    messages: list[Message] = [UserMessage(content=text_content(question))]
    calls = [ToolCallBlock(id=f"0.{at}", tool="get_weather", input={"city": "Oslo"}) for at in range(len(results))]
    contents = [(text_content(said) if isinstance(said, str) else (JsonBlock(value=said),)) for said in results]
    if calls:
        said = [
            ToolResultBlock(call=call.id, content=content, is_error=is_error)
            for call, content in zip(calls, contents, strict=True)
        ]
        messages += [AssistantMessage(content=tuple(calls)), UserMessage(results=tuple(said))]
    for at, (input_, why) in enumerate(refused, 1):
        call = ToolCallBlock(id=f"{at}.0", tool=SUBMIT, input=input_)
        result = ToolResultBlock(call=call.id, content=text_content(why), is_error=True)
        messages += [AssistantMessage(content=(call,)), UserMessage(results=(result,))]
    if words:
        said_so = AssistantMessage(content=(TextBlock(text="In words."),))
        messages += [said_so, UserMessage(content=text_content(words))]
    return turn_for(request(messages=messages, tools=(WEATHER, submit(wanted))))


def answered(schema: dict[str, Any] | type[BaseModel], *results: Any, **options: Any) -> dict[str, Any]:
    """Return what is submitted."""
    turn = talk(schema, *results, **options)
    assert [name for name, _ in turn.calls] == [SUBMIT], turn
    value = dict(turn.calls[0][1])
    jsonschema.validate(value, schema if isinstance(schema, dict) else schema.model_json_schema())
    return value


class Sky(StrEnum):
    """What is seen above."""

    CLEAR = "clear"
    CLOUDY = "cloudy"
    UNKNOWN = "unknown"


class Source(BaseModel):
    """Where it comes from."""

    source: str
    quote: str = ""


class Weather(BaseModel):
    """What a person's program may want."""

    title: str = Field(max_length=60)
    summary: str
    city: str
    degrees: float = Field(description="Temperature in degrees", ge=-90, le=60)
    is_raining: bool
    sky: Sky
    measured: date | None = None
    sources: list[Source]


SAID = "It rains in Oslo at 11.5 degrees. The sky is cloudy since 2026-03-04."


def test_each_field_is_filled_by_its_name_its_description_and_its_type() -> None:
    """Texts, numbers, yes and no, choices, dates and lists of sources come from the result and the input."""
    value = Weather.model_validate(answered(Weather, SAID))
    assert "It rains in Oslo" in value.summary
    assert (value.city, value.degrees, value.is_raining, value.sky) == ("Oslo", 11.5, True, Sky.CLOUDY)
    assert value.measured == date(2026, 3, 4)
    assert value.sources[0].source == "get_weather: Oslo"
    assert value.sources[0].quote in SAID
    assert "Oslo" in value.title


def test_named_values_win_over_sentences() -> None:
    """What a tool returns as JSON, or as lines with names, is taken by name, also from inner objects."""
    said = {"place": {"city": "Bergen"}, "temperature": {"degrees": 7}, "sky": "clear", "is_raining": False}
    value = answered(Weather, said)
    assert (value["city"], value["degrees"], value["sky"], value["is_raining"]) == ("Bergen", 7, "clear", False)
    lines = answered(Weather, "City: Bergen\nDegrees: 7,000.5 (broken)\nIs raining: no\n- sky: clear")
    assert (lines["city"], lines["degrees"], lines["sky"], lines["is_raining"]) == ("Bergen", 60, "clear", False)


def test_the_answer_follows_the_result() -> None:
    """An edited result makes another answer: nothing is canned."""
    assert answered(Weather, SAID) != answered(Weather, SAID.replace("11.5", "3").replace("cloudy", "clear"))
    assert answered(Weather, "It does not rain in Oslo.")["is_raining"] is False


def test_what_nothing_is_known_of_is_said() -> None:
    """Where a field has to be there, it gets the least that fits, and the words of the answer name it."""
    value = answered(Weather, "It rains in Oslo.")
    assert value["degrees"] == 0
    assert value["sky"] == "unknown"
    assert "degrees" in value["summary"].rpartition("\n\n")[2]
    assert "nothing" in value["summary"].rpartition("\n\n")[2]
    assert "measured" not in value or value["measured"] is None


def test_a_tool_that_failed_is_told_in_the_fields() -> None:
    """No failure is passed over: words say it, yes and no is no, and how sure it is, is nothing."""

    class Found(BaseModel):
        answer: str
        found: bool
        confidence: float = Field(ge=0, le=1)

    value = answered(Found, "the station burnt down", is_error=True)
    assert "the station burnt down" in value["answer"]
    assert (value["found"], value["confidence"]) == (False, 0)


def test_a_list_of_objects_has_one_for_each_call() -> None:
    """Each is filled from what that call gave, and a call that failed is among them."""

    class Check(BaseModel):
        name: str
        passed: bool
        detail: str

    class Report(BaseModel):
        checks: list[Check]
        summary: str

    value = Report.model_validate(answered(Report, "It rains.", "error: it does not rain"))
    assert [check.passed for check in value.checks] == [True, False]
    assert value.checks[0].name == "Get weather"
    assert "it does not rain" in value.checks[1].detail


def test_rows_of_a_result_become_rows_of_the_answer() -> None:
    """A list of objects with the wanted names is taken row by row."""

    class Day(BaseModel):
        day: str
        degrees: int

    class Week(BaseModel):
        days: list[Day] = Field(max_length=2)

    rows = [{"day": "Monday", "degrees": 4}, {"day": "Tuesday", "degrees": 5}, {"day": "Friday", "degrees": 6}]
    assert answered(Week, {"forecast": rows}) == {"days": rows[:2]}


def test_what_a_schema_bounds_is_bounded() -> None:
    """Lengths, ranges, patterns, steps, unique items and nested optional parts hold."""

    class Inner(BaseModel):
        code: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{4}$")]
        level: Literal[1, 2, 3]

    class Bounded(BaseModel):
        short: str = Field(max_length=12, min_length=5)
        half: float = Field(gt=0, lt=1)
        even: int = Field(multiple_of=4, ge=10)
        tags: set[str] = Field(min_length=2, max_length=3)
        inner: Inner
        maybe: Inner | None

    value = Bounded.model_validate(answered(Bounded, "Order NO-2024 came. The level is 3."))
    assert value.inner.code == "NO-2024"


def test_a_title_alone_or_a_bare_map_is_filled_too() -> None:
    """A schema of one field, and one without fixed names."""
    assert "rains" in answered({"type": "object", "properties": {"answer": {"type": "string"}}}, SAID)["answer"]
    schema = {"type": "object", "additionalProperties": {"type": "number"}}
    assert answered(schema, {"low": 3, "high": 9}) == {"low": 3, "high": 9}


class Judged(BaseModel):
    """An answer whose author is hard to please."""

    verdict: str
    score: int
    label: str


@pytest.mark.parametrize(
    ("why", "holds"),
    [
        ("score: Input should be less than or equal to 5", lambda value: value["score"] <= 5),
        ("score: Input should be greater than 40", lambda value: value["score"] > 40),
        ("score must be a multiple of 7", lambda value: value["score"] % 7 == 0),
        ("verdict: String should have at most 10 characters", lambda value: len(value["verdict"]) <= 10),
        ("verdict: Value error, it has to be in upper case", lambda value: value["verdict"].isupper()),
        ("verdict must start with 'Verdict:'", lambda value: value["verdict"].startswith("Verdict:")),
        ("verdict has to end with a full stop", lambda value: value["verdict"].endswith(".")),
        ("label: Input should be 'wet' or 'dry'", lambda value: value["label"] in ("wet", "dry")),
        ("label must be one of: wet, dry", lambda value: value["label"] in ("wet", "dry")),
        ("label: String should match pattern '^[a-z]+$'", lambda value: value["label"].islower()),
        ("label: should have at least 200 characters; score: must be under 3", lambda value: value["score"] < 3),
    ],
)
def test_a_refused_answer_is_mended_where_the_reason_names_it(why: str, holds: Any) -> None:
    """Only what the reason names changes, and it changes as the reason says."""
    said = "It is wet in Oslo and the score is 12"
    first = answered(Judged, said)
    turn = talk(Judged, said, refused=((first, f"the answer was refused: {why}"),))
    value: Any = dict(turn.calls[0][1])
    assert holds(value)
    assert value != first
    assert [name for name in first if first[name] != value[name] and name not in why] == []


def test_two_refusals_are_both_heard() -> None:
    """What the first one asked for still holds after the second."""
    first = answered(Judged, "The score is 12")
    second = {**first, "score": 5}
    reasons = ((first, "score must be at most 5"), (second, "label must be in upper case"))
    value = dict(talk(Judged, "The score is 12", refused=reasons).calls[0][1])
    assert value["score"] == 5
    assert str(value["label"]).isupper()


def test_a_refusal_that_cannot_be_met_is_said_in_words() -> None:
    """The same answer is never given twice; what was refused, and why, is told instead."""
    first = answered(Judged, SAID)
    turn = talk(Judged, SAID, refused=((first, "I do not like it"),))
    assert turn.calls == ()
    assert "I do not like it" in turn.text
    assert "It rains in Oslo" in turn.text


def test_words_that_are_refused_do_not_become_the_question() -> None:
    """What the engine says to an answer in words is no question; what is asked stays what it was."""
    first = answered(Judged, SAID)
    turn = talk(
        Judged, SAID, refused=((first, "I do not like it"),), words="Words alone are no answer here. Use the tool."
    )
    assert "It rains in Oslo" in turn.text


names = st.sampled_from(["answer", "title", "count", "passed", "city", "items", "zone", "wind_speed", "sources", "x"])
strings = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "minLength": st.integers(0, 5),
        "maxLength": st.integers(5, 40),
        "format": st.sampled_from(["date", "email", "uri", "something"]),
        "description": st.text(max_size=20),
    },
).filter(lambda schema: not ("format" in schema and "maxLength" in schema))
numbers = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={"minimum": st.integers(-9, 3), "maximum": st.integers(4, 90), "exclusiveMaximum": st.integers(20, 99)},
)
choices = st.lists(st.one_of(st.sampled_from(["wet", "dry", "unknown"]), st.integers(0, 3)), min_size=1, unique=True)
leaves = st.one_of(
    strings,
    numbers,
    st.just({"type": "boolean"}),
    choices.map(lambda found: {"enum": found}),
    st.just({"const": "this"}),
    st.just({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return schemas of objects, some of whose fields are required."""
    return st.dictionaries(names, inner, max_size=5).flatmap(
        lambda found: (
            st.lists(st.sampled_from(sorted(found)), unique=True).map(
                lambda required: {"type": "object", "properties": found, "required": required}
            )
            if found
            else st.just({"type": "object"})
        )
    )


def arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return schemas of lists."""
    return st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={"minItems": st.integers(0, 2), "maxItems": st.integers(2, 3)},
    )


schemas = objects(st.recursive(leaves, lambda inner: st.one_of(objects(inner), arrays(inner)), max_leaves=8))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schema=schemas, said=st.sampled_from([SAID, '{"city": "Rome", "count": 3}', "", "nothing", "wind speed: 12"]))
def test_every_answer_fits_its_schema(schema: dict[str, Any], said: str) -> None:
    """Whatever is wanted and whatever is known: the answer is valid, and the same every time."""
    assert answered(schema, said) == answered(json.loads(json.dumps(schema)), said)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schema=schemas, said=st.text(max_size=80), why=st.text(max_size=80), names_it=st.booleans())
def test_no_result_and_no_reason_breaks_it(schema: dict[str, Any], said: str, why: str, names_it: bool) -> None:
    """Whatever tools return and whatever is said about an answer, it goes on: with another answer, or in words."""
    first = answered(schema, said)
    reason = f"{next(iter(schema.get('properties', {})), '')}: {why}" if names_it else why
    turn = talk(schema, said, refused=((first, reason or "?"),))
    assert turn.calls or turn.text


@pytest.mark.parametrize("said", ['{"count": 1e999}', "count: 1e999", "count: " + "9" * 400, '{"count": NaN}'])
def test_numbers_beyond_all_bounds_are_bounded(said: str) -> None:
    """No infinity enters an answer."""
    schema = {"type": "object", "properties": {"count": {"type": "number"}}, "required": ["count"]}
    json.dumps(answered(schema, said), allow_nan=False)


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    """Trees are filled to a bounded depth."""

    class Tree(BaseModel):
        name: str
        branches: list[Tree]

    Tree.model_rebuild(_types_namespace={"Tree": Tree})
    assert answered(Tree, SAID)["name"]
