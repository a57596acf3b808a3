"""The vocabulary: every kind goes to JSON and back, strange values are made harmless, nothing known is ever lost."""

from __future__ import annotations

import enum
import json
import types
import typing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from tests.golden.make_golden import beginning, ending, middle
from workbench.errors import NewerDatabaseError, SessionFileError
from workbench.events.base import Event
from workbench.events.call import CallFinished, CallStarted, MemberAnswer, ResultEvent, SubagentsSettled
from workbench.events.codec import (
    KINDS,
    UnknownEvent,
    body_json,
    head_json,
    parse_body,
    parse_event,
    parse_heads,
    result_fields,
    whole_json,
)
from workbench.events.content import (
    FIRST_LINE_LENGTH,
    Content,
    DocumentBlock,
    ImageBlock,
    JsonBlock,
    TextBlock,
    content_size,
    first_line,
    normalise_content,
    normalise_json,
    plain_text,
    text_content,
)
from workbench.events.library import (
    RunHidden,
    RunImported,
    RunJudged,
    RunMarked,
    RunNamed,
    RunNoted,
    RunRaced,
    RunTagged,
)
from workbench.events.request import Usage
from workbench.events.run import AnswerRefused, RunForked, ToolsSwitched
from workbench.tools.base import to_content

VOCABULARY = Path(__file__).parents[1] / "golden" / "vocabulary.txt"
SAMPLES: list[Event] = [
    *beginning(),
    *middle(),
    *ending(),
    RunForked(parent="a", cut=3, made_from="b", address="0.1", reset={"0.1": "rerun"}, dropped=("thinking",)),
    ToolsSwitched(groups={"files": True}, by="model"),
    AnswerRefused(step=2, content=text_content("Use submit_answer.")),
    SubagentsSettled(call="1.1", by="vote", answers=(MemberAnswer(member=0, run="b", said="x", stand="agrees"),)),
    RunNamed(run="a", name="n"),
    RunNoted(run="a", note="n"),
    RunTagged(run="a", tags=("x", "y")),
    RunMarked(run="a", marked=True),
    RunHidden(run="a", hidden=False),
    RunImported(run="a", source="file.jsonl"),
    RunRaced(run="a", race="12ab", variant="as it is", checks=("pattern:x",)),
    RunJudged(run="a", passed=None, why="no answer", judges=("b",)),
]


def round_trip(event: Event) -> Event:
    """Return the event as it comes back from its stored parts."""
    return parse_event(whole_json(head_json(event), body_json(event)))


def test_there_is_a_sample_of_every_kind() -> None:
    """So the tests below leave no kind out."""
    assert {event.kind for event in SAMPLES} == set(KINDS)


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.kind)
def test_every_kind_comes_back_from_json_as_it_was(event: Event) -> None:
    """Head and body apart, and the whole that readers outside see, hold everything; the head holds no body."""
    assert round_trip(event) == event
    assert "result" not in json.loads(head_json(event))
    body = body_json(event)
    if isinstance(event, ResultEvent):
        assert body is not None
        assert parse_body(body) == event.result
        assert parse_event(head_json(event)) == event.model_copy(update={"result": ()})
    else:
        assert body is None


def test_many_heads_are_read_like_one_by_one() -> None:
    """The quick way over a whole log gives the same events, unknown ones among them."""
    heads = [head_json(event) for event in SAMPLES if not hasattr(event, "run") or event.kind.startswith("subagent")]
    heads.append('{"kind":"dreamt_of","v":3}')
    assert parse_heads(heads) == [parse_event(head) for head in heads]
    assert parse_heads(heads[:-1]) == [parse_event(head) for head in heads[:-1]]


def test_a_newer_version_of_a_known_kind_is_refused_by_name_and_number() -> None:
    """Reading it wrongly would be worse than not reading it."""
    with pytest.raises(NewerDatabaseError, match="'run_paused' has version 2; this workbench reads up to 1"):
        parse_event('{"kind":"run_paused","v":2,"reason":"dreams"}')


def test_an_unknown_kind_is_kept_whole() -> None:
    """Whatever its version and fields, it comes back with all of them; its result is stored apart like any other."""
    text = '{"kind":"dreamt_of","v":7,"sheep":[1.5,{"a":null}],"result":[{"any":"thing"}]}'
    event = parse_event(text)
    assert isinstance(event, UnknownEvent)
    assert (event.kind, event.v, event.raw) == ("dreamt_of", 7, json.loads(text))
    assert json.loads(head_json(event)) == {"kind": "dreamt_of", "v": 7, "sheep": [1.5, {"a": None}]}
    assert round_trip(event) == event


def test_an_unknown_kind_holds_only_what_every_reader_holds() -> None:
    """Surrogates, endless numbers and not-a-numbers of a stranger's event can be stored again."""
    event = parse_event('{"kind":"dreamt_of","a":"\\ud800","b":NaN,"c":1e999,"d":123456789012345678901234567890}')
    assert isinstance(event, UnknownEvent)
    assert event.raw == {
        "kind": "dreamt_of",
        "a": "\ufffd",
        "b": None,
        "c": None,
        "d": "123456789012345678901234567890",
    }
    assert json.loads(head_json(event).encode()) == event.raw


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no kind"),
        ("{}", "no kind"),
        ('{"kind":7}', "no kind"),
        ('{"kind":"call_finished"}', "'call_finished' is malformed at call_finished.call: Field required"),
        ('{"kind":"run_paused","v":"x"}', "'run_paused' is malformed at run_paused.v"),
        ('{"kind":"run_paused","v":0}', "'run_paused' is malformed at run_paused.v"),
    ],
)
def test_what_is_no_event_is_refused_with_the_place(text: str, said: str) -> None:
    """One sentence that names what is wrong, never a traceback."""
    with pytest.raises(SessionFileError, match=said):
        parse_event(text)


def test_events_do_not_change() -> None:
    """A fact is a fact."""
    with pytest.raises(ValueError, match="frozen"):
        setattr(SAMPLES[0], "kind", "other")  # noqa: B010 - mypy refuses the plain way, as it should


# Normalisation.


class Number(enum.IntEnum):
    """An integer that is more than one."""

    ONE = 1


class Point(BaseModel):
    """A model of a tool's own."""

    x: float


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ("a\ud800b", "a\ufffdb"),
        (float("nan"), None),
        (float("-inf"), None),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (-(2**63), -(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        (True, True),
        (Number.ONE, 1),
        ((1, [2], {3}), [1, [2], [3]]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({1: {"\udfff": 2}}, {"1": {"\ufffd": 2}}),
        (Point(x=1.5), {"x": 1.5}),
        ([Point(x=float("inf"))], [{"x": None}]),
        (b"ab", "b'ab'"),
        (complex(1, 2), "(1+2j)"),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
    ],
)
def test_odd_values_become_json_that_every_reader_holds(value: Any, normal: Any) -> None:
    """What JSON, SQLite or UTF-8 cannot hold is replaced, the rest is kept."""
    assert normalise_json(value) == normal
    assert type(normalise_json(value)) is type(normal)


def test_an_integer_of_thousands_of_digits_becomes_text() -> None:
    """Python itself refuses to write it in decimal."""
    assert normalise_json([16**5000]) == [hex(16**5000)]


def test_endless_nesting_ends_in_a_mark() -> None:
    """A value that holds itself, or lies thousands of levels deep, is cut where readers of JSON would give up."""
    circle: dict[str, Any] = {}
    circle["self"] = [circle]
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    for value in (circle, deep):
        block = JsonBlock(value=normalise_json(value))
        text = block.model_dump_json()
        assert "[nested too deeply]" in text
        assert JsonBlock.model_validate_json(text) == block


JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSONISH)
@settings(max_examples=150, deadline=None)
def test_whatever_a_tool_returns_can_be_stored_and_read_again(value: Any) -> None:
    """Normalising is idempotent, and an event with the result survives the store byte for byte."""
    content = to_content(value)
    assert normalise_content(content) == content
    event = CallFinished(call="0.0", outcome="ok", elapsed=0.0, **result_fields(content, is_error=False))
    assert round_trip(event) == event
    head_json(event).encode()
    started = CallStarted(
        call="0.0", tool="t", input={"value": normalise_json(value)}, effect="read_only", permission="allow"
    )
    assert round_trip(started) == started


# Content.


def test_size_and_first_line_say_what_lists_show() -> None:
    """Bytes of the whole, and the first line that says something, bounded however long the text is."""
    content: Content = (
        TextBlock(text="\n \n"),
        JsonBlock(value={"ä": 1}),
        ImageBlock(data=b"1234", media_type="image/png"),
        DocumentBlock(data=b"12", media_type="application/pdf", name="a.pdf"),
    )
    assert content_size(content) == 3 + len('{"ä":1}'.encode()) + 4 + 2
    assert first_line(content) == '{"ä":1}'
    assert first_line(text_content("\n\n  hello \nworld")) == "hello"
    assert len(first_line(text_content("x" * 5_000_000))) == FIRST_LINE_LENGTH
    assert first_line(()) == ""
    assert plain_text(content[1:3]) == '{"ä":1}\n[image/png, 4 bytes]'


def test_usage_adds_up_and_an_unknown_price_stays_unknown() -> None:
    """Never 0 for a guess."""
    one, two = Usage(input_tokens=1, output_tokens=2, cost=0.5), Usage(input_tokens=10, cost=None)
    assert (one + one).cost == 1.0
    assert (one + two).cost is None
    assert (one + two).total_tokens == 13


# The frozen vocabulary.


def lines_of(model: type[BaseModel], name: str, found: dict[str, None]) -> None:
    """Add a line for every field of a model, and for every value of its closed sets; `?` marks what has a default."""
    for field_name, field in model.model_fields.items():
        place = f"{name}.{field_name}"
        words = _type_of(field, place, found)
        found.setdefault(f"{place}: {words}{'' if field.is_required() else ' ?'}")


def _type_of(field: FieldInfo, place: str, found: dict[str, None]) -> str:
    return _words(field.annotation, place, found)


def _words(kind: Any, place: str, found: dict[str, None]) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if f"[{kind.__name__}]" not in found:
            found[f"[{kind.__name__}]"] = None
            lines_of(kind, kind.__name__, found)
        return kind.__name__
    if origin is Literal:
        found.update(dict.fromkeys(f"{place} = {value}" for value in inner))
        return "one of"
    if origin is typing.Annotated:
        return _words(inner[0], place, found)
    if origin in (types.UnionType, typing.Union):
        return " | ".join(_words(part, place, found) for part in inner)
    if origin is not None:
        return f"{origin.__name__}[{', '.join(_words(part, place, found) for part in inner)}]"
    return "..." if kind is Ellipsis else "None" if kind is type(None) else getattr(kind, "__name__", str(kind))


def vocabulary() -> list[str]:
    """Return the whole vocabulary as lines."""
    found: dict[str, None] = {}
    for kind, model in KINDS.items():
        found[f"[{kind}]"] = None
        lines_of(model, kind, found)
    return list(found)


def test_no_kind_field_or_value_ever_disappears_or_changes_its_type() -> None:
    """Logs are for ever: what was written once must be read by every later version.

    What is new may be added: kinds, fields with a default, values of closed sets. Then it is written into the list.
    """
    golden, now = VOCABULARY.read_text("utf-8").splitlines(), vocabulary()
    assert [line for line in golden if line not in set(now)] == []
    new = [line for line in now if line not in set(golden)]
    known = {line.partition(".")[0] for line in golden}
    forced = [line for line in new if line.partition(".")[0] in known and " = " not in line and not line.endswith(" ?")]
    assert forced == []
    assert new == [], f"write what is new into {VOCABULARY.name}"


def test_every_kind_has_a_version_and_a_schema() -> None:
    """`v` is 1 in this version, and each kind's model can be shown as a schema."""
    for kind, model in KINDS.items():
        assert model.model_fields["v"].default == 1
        assert TypeAdapter(model).json_schema()["properties"]["kind"]["const"] == kind
