"""What a server says of its tools and results, made fit; and what was accepted of it, kept."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import mcp_types
import pytest

from tests.mcp_kit import plain
from workbench.errors import McpServerError
from workbench.events.content import Block, DocumentBlock, ImageBlock, JsonBlock, TextBlock, plain_text
from workbench.tools.base import NAME
from workbench.tools.mcp.pins import PinBook
from workbench.tools.mcp.results import result_of
from workbench.tools.mcp.server import McpServer, merged
from workbench.tools.mcp.specs import ListedTool, check_tool, clean, make_check, names_of, spec_of

OBJECT: dict[str, Any] = {"type": "object"}


@pytest.mark.parametrize(
    ("tools", "taken", "prefix", "names"),
    [
        (["search"], set(), None, ["search"]),
        (["search"], {"search"}, None, ["docs_search"]),
        (["search"], {"search", "docs_search"}, None, ["docs_search_2"]),
        (["a b", "a.b", "a/b"], set(), None, ["a_b", "docs_a_b", "docs_a_b_2"]),
        (["search"], set(), "my_", ["my_search"]),
        (["submit_answer", "spawn_subagent", "shell"], set(), None,
         ["docs_submit_answer", "docs_spawn_subagent", "docs_shell"]),
        (["", "日本", "x" * 80], set(), None, ["tool", "__", "x" * 64]),
    ],
)  # fmt: skip
def test_names_are_fit_and_clash_with_nobody(
    tools: list[str], taken: set[str], prefix: str | None, names: list[str]
) -> None:
    """A stranger's tool never has the name of another, nor one that the engine or a person's rules know."""
    found = names_of(McpServer("docs", command="x", prefix=prefix), tools, taken)
    assert list(found.values()) == names
    assert all(NAME.fullmatch(name) for name in found.values())


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("a\x1b[31mb\x1b]0;title\x07c\x00", "abc"),
        ("a\u202eb\u2066c\u200bd", "abcd"),
        ("a\U000e0068\U000e0069b", "ab"),
        ("中文 \N{PILE OF POO}", "中文 \N{PILE OF POO}"),
        ("x" * 5_000, "x" * 3_999 + "…"),
    ],
)
def test_descriptions_hide_nothing(said: str, shown: str) -> None:
    """What a person cannot see, a model is not told."""
    assert clean(said) == shown


def test_descriptions_within_a_schema_are_cleaned_and_its_names_kept() -> None:
    """A property may be called what it likes."""
    schema = {"properties": {"title": {"type": "string", "description": "a\u202eb"}, "pattern": {"enum": ["\u202e"]}}}
    spec = spec_of(plain(), ListedTool.of("find", None, schema), "find")
    assert spec.input_schema == {
        "type": "object",
        "properties": {"title": {"type": "string", "description": "ab"}, "pattern": {"enum": ["\u202e"]}},
    }


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "array"}, "describes no object"),
        ({"type": "object", "properties": {"a": {"type": "txt"}}}, "is no JSON Schema: 'txt' is not valid"),
        ({"type": "object", "properties": 3}, "is no JSON Schema"),
        ({"type": "object", "properties": {}, "required": ["a"]}, "requires 'a', which is none of its properties"),
        ({"type": "object", "description": "x" * 200_000}, "has more than 100,000 characters"),
    ],
)
def test_a_schema_that_no_model_could_be_given_is_refused(schema: dict[str, Any], problem: str) -> None:
    """The sentence names the tool, and the way round it."""
    with pytest.raises(McpServerError) as refused:
        check_tool(plain(), ListedTool.of("find", "", schema))
    assert "the tool 'find' of the MCP server 'plain' cannot be used" in str(refused.value)
    assert problem in str(refused.value)
    assert str(refused.value).endswith('leave the tool out with exclude = ["find"]')


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"properties": {"pattern": {"type": "string"}}, "additionalProperties": False}, {"pattern": "a"}, {"b": 1}),
        ({"properties": {"a": {"oneOf": [{"type": "string"}, {"type": "null"}]}}}, {"a": None}, {"a": 1}),
        ({"properties": {"a": {"enum": [{"not": 1}]}}}, {"a": {"not": 1}}, {"a": {}}),
        ({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, {"a": 1}, {"a": "x"}),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"xy": 1}, None),
        ({"properties": {"a": {"not": {"pattern": "b"}}}}, {"a": "b"}, None),
    ],
)
def test_inputs_are_checked_as_far_as_is_safe(schema: dict[str, Any], good: Any, bad: Any) -> None:
    """Nothing right is refused here; what is not checked here, the server checks."""
    check = make_check(schema)
    assert check(good) == []
    if bad is not None:
        assert check(bad)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"properties": {"a": {"$ref": "#"}}},
        {"properties": {"b": {"$ref": "http://127.0.0.1:9/x"}}},
        {"$ref": "#"},
        {"$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}, "$ref": "#/$defs/d0"},
        {"properties": {"a": {"$ref": "#/nowhere"}}},
    ],
)
def test_a_hostile_schema_takes_no_time_and_fetches_nothing(
    schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver's loop is not held up by what a stranger wrote."""
    fetched: list[Any] = []
    monkeypatch.setattr("urllib.request.urlopen", fetched.append)
    assert make_check(schema)({"a": "a" * 40 + "!", "b": 1}) == []
    assert fetched == []


@pytest.mark.parametrize(
    "schema",
    [
        {"required": [["a"]]},
        {"properties": [1]},
        {"properties": {"a": {"multipleOf": 1e-300}}},
        {"properties": {"a": {"multipleOf": 0}}},
        {"$ref": 3},
    ],
)
def test_a_schema_that_breaks_its_checker_is_left_to_the_server(schema: dict[str, Any]) -> None:
    """One of a record was never looked at; whatever is in it, the run goes on."""
    assert make_check(schema)({"a": 10**400}) == []


def text(*parts: str) -> list[Any]:
    """Return text as a server gives it."""
    return [mcp_types.TextContent(text=part) for part in parts]


def encoded(data: bytes) -> str:
    """Return data as a server gives it."""
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("content", "structured", "blocks"),
    [
        (text("3"), {"result": 3}, [TextBlock(text="3")]),
        (text('{"a": 1}'), {"a": 1}, [JsonBlock(value={"a": 1})]),
        (text("1", "2"), {"result": [1, 2]}, [JsonBlock(value={"result": [1, 2]})]),
        (text("see"), {"a": 1}, [TextBlock(text="see"), JsonBlock(value={"a": 1})]),
        ([], None, [TextBlock(text="done")]),
        ([mcp_types.ImageContent(data=encoded(b"png"), mime_type="image/png")], None,
         [ImageBlock(data=b"png", media_type="image/png")]),
        ([mcp_types.ImageContent(data="%", mime_type="image/png")], None,
         [TextBlock(text="[image/png: left out, it is no base64]")]),
        ([mcp_types.AudioContent(data=encoded(b"wav"), mime_type="audio/wav")], None,
         [TextBlock(text="[audio/wav, 3 bytes: left out]")]),
        ([mcp_types.ResourceLink(name="n", uri="file:///x", description="d")], None, [TextBlock(text="n: file:///x\nd")]),
        ([mcp_types.EmbeddedResource(resource=mcp_types.TextResourceContents(uri="file:///x", text="t"))], None,
         [TextBlock(text="file:///x\nt")]),
        ([mcp_types.EmbeddedResource(resource=mcp_types.BlobResourceContents(
            uri="file:///x", blob=encoded(b"pdf"), mime_type="application/pdf"))], None,
         [DocumentBlock(data=b"pdf", media_type="application/pdf", name="file:///x")]),
        ([mcp_types.ImageContent(data=encoded(b"x" * 1_100_000), mime_type="image/png")], None,
         [TextBlock(text="[image/png, 1,100,000 bytes: left out, a result has at most 1 MB]")]),
    ],
)  # fmt: skip
def test_results_become_blocks(content: list[Any], structured: Any, blocks: list[Block]) -> None:
    """Everything that can be kept is kept, once; the rest is named."""
    result = result_of(mcp_types.CallToolResult(content=content, structured_content=structured))
    assert list(result.content) == blocks
    assert not result.is_error


def test_what_follows_a_full_result_is_cut_too() -> None:
    """The bound holds for a result, not for each of its parts."""
    given = mcp_types.CallToolResult(content=text("ä" * 400_000, "b" * 400_000, "c"), is_error=True)
    result = result_of(given)
    assert len(plain_text(result.content).encode()) < 1_000_300
    assert result.is_error
    assert "[cut here: it has 400,000 bytes" in plain_text(result.content)


def listed(*names: str, about: str = "", schema: dict[str, Any] = OBJECT) -> list[ListedTool]:
    """Return tools as a server lists them."""
    return [ListedTool.of(name, about, schema) for name in names]


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_first_look_is_accepted_and_a_change_is_not(tmp_path: Path, *, is_kept: bool) -> None:
    """What changed is named, with the commands that show and accept it; then it is as it was."""
    book = PinBook(tmp_path / "state" / "pins.json" if is_kept else None)
    server = McpServer("docs", command="serve", args=("--fast",))
    assert not book.compare(server, listed("a", "b"))
    assert not book.compare(server, listed("a"))
    assert not book.compare(server, listed("b", "a"))
    changed = book.compare(server, [*listed("a", about="new"), *listed("b", "c", schema={"properties": {"x": {}}})])
    assert changed.sentence("docs") == (
        "the MCP server 'docs' is not as you accepted it: its tool 'a' has another description, its tool 'b' has "
        "another schema, its tool 'c' is new. Look: workbench mcp docs. Accept: workbench mcp --accept docs"
    )
    moved = book.compare(McpServer("docs", command="serve", args=("--slow",)), listed("a", "b"))
    assert "it is serve --slow now, and was serve --fast" in moved.sentence("docs")
    assert not book.compare(server, listed("a", "b"))
    with pytest.raises(McpServerError, match="nothing to accept"):
        book.accept("docs")
    assert book.compare(server, listed("a", "b", "c"))
    assert book.accept("docs").tools == {"c": "is new"}
    assert not book.compare(server, listed("a", "b", "c"))


def test_accepting_is_for_what_was_refused_and_nothing_newer() -> None:
    """A server that changes once more after it was refused is refused once more."""
    book, server = PinBook(), plain()
    book.compare(server, listed("a"))
    book.compare(server, listed("a", about="once"))
    book.accept("plain")
    assert book.compare(server, listed("a", about="twice")).tools == {"a": "has another description"}


def test_what_is_left_out_may_change() -> None:
    """Tools that the agent does not have stop no run, and were looked at when they are taken later."""
    book = PinBook()
    book.compare(McpServer("x", command="x", only=("a",)), listed("a", "b"))
    assert not book.compare(McpServer("x", command="x", only=("a",)), listed("a", "b", about=""))
    assert not book.compare(McpServer("x", command="x", only=("a",)), [*listed("a"), *listed("b", about="new")])
    assert not book.compare(McpServer("x", command="x"), listed("a", "b"))
    assert book.compare(McpServer("x", command="x"), [*listed("a"), *listed("b", about="new")])


def test_pins_are_for_their_owner(tmp_path: Path) -> None:
    """Nobody else reads them, and an address's secrets are not in them."""
    file = tmp_path / "state" / "pins.json"
    PinBook(file).compare(McpServer("x", url="http://me:secret@h/p?key=secret"), listed("a"))
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "secret" not in file.read_text()
    assert not PinBook(file).compare(McpServer("x", url="http://me:secret@h/p?key=secret"), listed("a"))
    other = PinBook(file).compare(McpServer("x", url="http://me:secret@h/p?key=another"), listed("a"))
    assert "it is http://h/p?… now in another form" in other.sentence("x")


@pytest.mark.parametrize("content", ["", "{", '{"format": 2, "servers": {}}', '{"format": 1, "servers": {"x": 1}}'])
def test_a_damaged_file_of_pins_accepts_nothing(tmp_path: Path, content: str) -> None:
    """A file that cannot be read is an error, and not the first look."""
    file = tmp_path / "pins.json"
    file.write_text(content)
    with pytest.raises(McpServerError, match="cannot be read"):
        PinBook(file).compare(plain(), listed("a"))
    assert file.read_text() == content


def test_an_agents_own_server_wins_over_the_persons() -> None:
    """As everything that an agent says itself."""
    own, others = (
        McpServer("docs", command="own"),
        [McpServer("docs", command="other"), McpServer("web", url="http://x/")],
    )
    assert merged([own], others) == (own, others[1])
