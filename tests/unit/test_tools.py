"""Tools: schemas out of signatures, errors that name the field, results of any kind, and the built-in ones."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from tests.loop_kit import Lab, answer, asks
from workbench.agent.definition import AgentDefinition
from workbench.agent.spec import researcher
from workbench.errors import AgentError, ToolError
from workbench.events.content import DocumentBlock, ImageBlock, JsonBlock, TextBlock, plain_text
from workbench.tools.base import Tool, ToolContext, ToolResult, to_content
from workbench.tools.control import SPAWN_SUBAGENT, SUBMIT_ANSWER, spawn_subagent, submit_answer
from workbench.tools.declaring import declared_anew, tool
from workbench.tools.documents import document_tools
from workbench.tools.library import Note, NotesInMemory, Passage, Readable
from workbench.tools.notes import note_tools
from workbench.tools.toolkit import Toolkit


class Unit(enum.Enum):
    """A closed set."""

    METRE = "m"
    FOOT = "ft"


class Place(BaseModel):
    """A nested model."""

    name: str
    height: float = 0.0


@tool
def measure(
    place: Place,
    context: ToolContext,
    unit: Unit = Unit.METRE,
    how: Literal["quick", "exact"] = "quick",
    tags: Annotated[list[str], Field(description="Words to file it under", max_length=2)] = [],  # noqa: B006
    limit: int | None = None,
) -> str:
    """Measure a place."""
    return f"{place.name} in {unit.value}, {how}, {tags}, {limit}, call {context.call}"


def test_the_schema_is_what_the_signature_says() -> None:
    """Required and defaulted parameters, descriptions, closed sets and nested models; the context is hidden."""
    schema: dict[str, Any] = measure.spec.input_schema
    properties = schema["properties"]
    assert measure.spec.description == "Measure a place."
    assert list(properties) == ["place", "unit", "how", "tags", "limit"]
    assert schema["required"] == ["place"]
    assert schema["additionalProperties"] is False
    assert properties["how"] == {"default": "quick", "enum": ["quick", "exact"], "type": "string"}
    assert properties["tags"]["description"] == "Words to file it under"
    assert properties["tags"]["maxItems"] == 2
    assert properties["limit"]["default"] is None
    assert schema["$defs"]["Unit"]["enum"] == ["m", "ft"]
    assert schema["$defs"]["Place"]["required"] == ["name"]
    assert "title" not in schema


async def test_arguments_arrive_as_the_function_declares_them() -> None:
    """Models and enums are made out of JSON, defaults are filled in, the context is given."""
    lab = Lab([asks(("measure", {"place": {"name": "Fuji"}, "unit": "ft", "tags": ["high"]})), answer()], [measure])
    await lab.run()
    assert lab.text("0.0") == "Fuji in ft, quick, ['high'], None, call 0.0"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "place: Field required"),
        ({"place": {"name": 1}}, "place.name: Input should be a valid string"),
        ({"place": {"name": "x"}, "unit": "mile"}, "unit: Input should be 'm' or 'ft'"),
        ({"place": {"name": "x"}, "tags": ["a", 2, "c"]}, "tags"),
        ({"place": {"name": "x"}, "hwo": "quick"}, "hwo: Extra inputs are not permitted"),
    ],
)
def test_wrong_input_is_named_by_its_field(given: dict[str, Any], said: str) -> None:
    """So the model can mend it; misspelt parameters are never silently ignored."""
    with pytest.raises(ToolError, match="invalid input for measure") as caught:
        measure.validate(given)
    assert said in str(caught.value)


@tool
def awkward(schema: str, copy: int = 1, model_config: str = "m", _hidden: str = "h") -> str:
    """Take parameters whose names mean something elsewhere."""
    return f"{schema} {copy} {model_config} {_hidden}"


def test_any_parameter_name_will_do() -> None:
    """Also those that the machinery underneath uses for itself."""
    assert list(awkward.spec.input_schema["properties"]) == ["schema", "copy", "model_config", "_hidden"]  # type: ignore[arg-type]
    assert awkward.validate({"schema": "s", "_hidden": "x"}) == {
        "schema": "s", "copy": 1, "model_config": "m", "_hidden": "x",
    }  # fmt: skip


def test_what_makes_no_tool_is_refused_with_the_reason() -> None:
    """Types without a schema, missing names, unreadable annotations."""

    def odd(what: object, how: type) -> None: ...
    def unreadable(what: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    for function, said in (
        (odd, "make no schema"),
        (unreadable, "annotations cannot be read"),
        (lambda: None, "cannot be named '<lambda>'"),
    ):
        with pytest.raises(AgentError, match=said):
            tool(function)
    with pytest.raises(AgentError, match="cannot be named 'two words'"):
        tool(name="two words")(odd)


def test_declarations_reach_the_spec() -> None:
    """Class, lock, limits, permission and name; effectful unless the author says otherwise."""

    @tool(name="n", description="d", idempotent=True, exclusive=True, timeout=1.5, retries=7, max_concurrency=2,
          permission="ask")  # fmt: skip
    async def one() -> None: ...

    spec = one.spec
    assert (spec.name, spec.description, spec.effect, spec.exclusive) == ("n", "d", "idempotent", "n")
    assert (spec.timeout, spec.retries, spec.max_concurrency, spec.permission) == (1.5, 7, 2, "ask")
    assert one.is_async
    assert measure.spec.effect == "effectful"
    assert not measure.is_async
    assert tool(read_only=True, exclusive="books")(lambda_like).spec.exclusive == "books"


def lambda_like() -> None:
    """Do nothing."""


def test_two_tools_of_one_name_are_refused() -> None:
    """By name, with what to do; the order of tools is that in which they were given."""
    kit = Toolkit([measure, awkward])
    assert kit.names == ("measure", "awkward")
    assert [spec.name for spec in kit.specs] == ["measure", "awkward"]
    with pytest.raises(AgentError, match="two tools are named 'measure'; give one another name"):
        kit.add(measure)
    assert kit.get("nothing") is None


IMAGE = ImageBlock(data=b"png", media_type="image/png")


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (None, (TextBlock(text="done"),)),
        ("x\ud800", (TextBlock(text="x\ufffd"),)),
        (b"x\xff", (TextBlock(text="x\ufffd"),)),
        (TextBlock(text="\ud800"), (TextBlock(text="\ufffd"),)),
        (IMAGE, (IMAGE,)),
        ([IMAGE, TextBlock(text="x")], (IMAGE, TextBlock(text="x"))),
        ([IMAGE, "x"], (JsonBlock(value=[IMAGE.model_dump(mode="json"), "x"]),)),
        (
            DocumentBlock(data=b"", media_type="a/b", name="\ud800"),
            (DocumentBlock(data=b"", media_type="a/b", name="\ufffd"),),
        ),
        (Place(name="x"), (JsonBlock(value={"name": "x", "height": 0.0}),)),
        ([], (JsonBlock(value=[]),)),
        (3, (JsonBlock(value=3),)),
        (ToolResult, (JsonBlock(value=repr(ToolResult)),)),
    ],
)
def test_whatever_a_function_returns_becomes_blocks(value: Any, content: Any) -> None:
    """Text, JSON, models, images, lists of blocks, and anything else by its `repr`."""
    assert to_content(value) == content


# The built-in tools.


@dataclass
class FakeLibrary:
    """Two passages."""

    fingerprint: str = "f"
    title: str = "fake"
    passages: tuple[Passage, ...] = (
        Passage("with::0", "with", "The with statement wraps a block. " * 20),
        Passage("yield::0", "yield", "Yield gives a value."),
    )

    def search(self, query: str, limit: int = 5) -> Sequence[Passage]:
        """Return passages with a word of the query."""
        return [item for item in self.passages if query in item.text.lower()][:limit]

    def fetch(self, name: str) -> Passage | None:
        """Return the passage of that name."""
        return next((item for item in self.passages if item.name == name), None)

    def nearest(self, name: str, limit: int = 3) -> Sequence[str]:
        """Return names that begin alike."""
        return [item.name for item in self.passages if item.name[:1] == name[:1]]


@dataclass
class FakeNotebook:
    """Keeps what is saved."""

    saved: list[tuple[str, str, str, str]] = field(default_factory=list)

    def save(self, run: str, key: str, text: str, call: str = "") -> None:
        """Keep a note."""
        self.saved.append((run, key, text, call))

    def search(self, query: str, readable: Readable, limit: int = 5) -> Sequence[Note]:
        """Return nothing."""
        return []


async def results(tools: Sequence[Tool], *calls: tuple[str, dict[str, Any]]) -> list[tuple[str, bool]]:
    """Return text and is_error of each call."""
    lab = Lab([asks(*calls), answer()], tools)
    await lab.run()
    return [(text, is_error) for _, text, is_error in lab.sent_results()]


async def test_documents_are_searched_and_read() -> None:
    """Searches show names and excerpts, reads the whole; what is not there is an error with the nearest names."""
    found = await results(
        document_tools(FakeLibrary()),
        ("search_docs", {"query": "with"}),
        ("search_docs", {"query": "zzz"}),
        ("search_docs", {"query": ""}),
        ("search_docs", {"query": "x", "limit": 99}),
        ("fetch_doc", {"name": "yield::0"}),
        ("fetch_doc", {"name": "with::9"}),
        ("fetch_doc", {"name": "zzz::0"}),
    )
    assert found[0][0].startswith("with::0  with\n  The with statement")
    assert found[0][0].endswith("…")
    assert len(found[0][0]) < 300
    assert found[1] == ("No passage fits 'zzz'. Try other words.", False)
    assert found[2][1]
    assert "query: String should have at least 1 character" in found[2][0]
    assert "limit: Input should be less than or equal to 20" in found[3][0]
    assert found[4] == ("yield::0  yield\n\nYield gives a value.", False)
    assert found[5] == ("there is no passage 'with::9'; nearest: with::0", True)
    assert found[6] == ("there is no passage 'zzz::0'; search first", True)
    assert {item.spec.effect for item in document_tools(FakeLibrary())} == {"read_only"}


def test_documents_of_a_folder_are_private_and_the_words_of_strangers() -> None:
    """The library that ships is neither, in the embedded agent and in one of one's own."""
    for make in (researcher, AgentDefinition(tools=["documents"])):
        for folder, exposure in ((None, ()), ("/docs", ("private", "untrusted"))):
            toolkit = make(FakeLibrary(), NotesInMemory(), folder).toolkit
            for name in ("search_docs", "fetch_doc"):
                item = toolkit.get(name)
                assert item is not None
                assert item.spec.exposure == exposure


async def test_notes_are_kept_under_the_run_that_wrote_them() -> None:
    """Idempotent, and one at a time on the notebook."""
    notebook = FakeNotebook()
    [save_note] = note_tools(notebook)
    assert (save_note.spec.effect, save_note.spec.exclusive) == ("idempotent", "notebook")
    found = await results([save_note], ("save_note", {"key": "k", "text": "some text"}), ("save_note", {"key": ""}))
    assert found[0] == ("noted 'k', 9 characters", False)
    assert found[1][1]
    assert notebook.saved == [("r1", "k", "some text", "0.0")]


def test_the_models_own_controls_are_declared_here_and_handled_elsewhere() -> None:
    """Their schemas are those of any tool, and calling them as functions is a mistake."""
    assert (submit_answer.name, spawn_subagent.name) == (SUBMIT_ANSWER, SPAWN_SUBAGENT)
    assert submit_answer.validate({"answer": "x"})["citations"] == []
    with pytest.raises(ToolError, match=r"citations.0.source: Field required"):
        submit_answer.validate({"answer": "x", "citations": [{}]})
    assert spawn_subagent.spec.effect == "idempotent"
    assert spawn_subagent.validate({"task": "t"}) == {"task": "t", "focus": "", "role": ""}


async def test_the_controls_cannot_be_called_as_functions() -> None:
    """Whoever awaits them learns that the engine handles them."""
    for item in (submit_answer, spawn_subagent):
        with pytest.raises(ToolError, match="handled by the engine"):
            await item.function(answer="x") if item is submit_answer else await item.function(task="x")


def test_content_reads_as_text() -> None:
    """What people and models see of a result of several blocks."""
    assert plain_text((TextBlock(text="a"), JsonBlock(value={"b": [1, None]}), IMAGE)) == (
        'a\n{"b":[1,null]}\n[image/png, 3 bytes]'
    )


@tool(permission="ask")
async def erase(path: str) -> str:
    """Erase it."""
    return f"erased {path}"


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"path": "a"}, "- a\ufffd"),
        ({"path": "fails"}, "what it would do cannot be shown: ouch"),
    ],
)
async def test_a_person_who_is_asked_sees_what_a_call_would_do(given: dict[str, Any], seen: str) -> None:
    """The question's first line says why, the rest what; a preview that fails is no reason not to ask."""

    def preview(arguments: Mapping[str, Any]) -> str:
        if arguments["path"] == "fails":
            raise ValueError("ouch")
        return f"- {arguments['path']}\ud800"

    lab = Lab([asks(("erase", given)), answer()], [declared_anew(erase, {"preview": preview})])
    state = await lab.run()
    assert state.status_and_reason == ("awaiting_approval", "permission")
    assert (lab.call("0.0").question, lab.call("0.0").preview) == (
        "erase is declared to run only when a person allows it",
        seen,
    )
