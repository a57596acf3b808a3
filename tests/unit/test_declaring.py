"""What is declared of tools: descriptions, schemas of one's own, presets, results that are worked on, any callable."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from tests.loop_kit import Lab, answer, asks
from workbench.errors import AgentError, ToolError
from workbench.tools.base import Tool, ToolContext, ToolResult
from workbench.tools.declaring import tool
from workbench.tools.toolkit import Toolkit


async def said(item: Tool, input_: dict[str, Any]) -> tuple[str, bool]:
    """Return the text of a call's result, and whether it is an error."""
    lab = Lab([asks((item.name, input_)), answer()], [item])
    await lab.run()
    [(_, text, is_error)] = lab.sent_results()
    return text, is_error


def properties(item: Tool) -> dict[str, Any]:
    """Return the properties of a tool's schema."""
    found: dict[str, Any] = item.spec.input_schema["properties"]  # type: ignore[assignment]
    return found


def google(query: str, limit: Annotated[int, Field(description="its own")] = 3, *words: str) -> None:
    """Search the books.

    Only those that
    are here.

    Args:
        query: What to look
            for.
        limit: Not this.
        *words: More words.

    Returns:
        Nothing.
    """


def numpy(query: str, limit: int = 3) -> None:
    """Search the books.

    Only those that
    are here.

    Parameters
    ----------
    query : str
        What to look
        for.
    """


def rest(query: str, limit: int = 3) -> None:
    """Search the books.

    Only those that
    are here.

    :param query: What to look
        for.
    :returns: Nothing.
    """


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_docstrings_describe_the_tool_and_its_parameters(function: Any) -> None:
    """In three ways of writing; the parts on parameters and results are no description of the tool."""
    made = tool(function)
    assert made.spec.description == "Search the books.\n\nOnly those that\nare here."
    assert properties(made)["query"]["description"] == "What to look for."
    short = tool(function, long_description=False)
    assert short.spec.description == "Search the books."
    assert tool(function, description="").spec.description == ""


def test_a_default_that_json_cannot_hold_is_the_functions_own() -> None:
    """It is not in the schema, and the parameter need not be given."""
    here = object()

    @tool
    def go(where: Any = here) -> None: ...

    assert "default" not in properties(go)["where"]
    assert go.validate({})["where"] is here


def test_words_that_stand_with_the_annotation_win() -> None:
    """A description of a Field is not replaced by the docstring's."""
    assert properties(tool(google))["limit"]["description"] == "its own"


async def test_variable_arguments_are_in_the_schema_where_that_is_wanted() -> None:
    """Otherwise they are left empty. What has no name is given by position."""

    @tool(include_var_args=True, include_var_kwargs=True)
    def both(first: int, second: int = 2, *words: str, third: int = 3, **more: int) -> str:
        """Take all.

        Args:
            words: Some words.
        """
        return f"{first} {second} {words} {third} {more}"

    assert properties(both)["words"]["items"] == {"type": "string"}
    assert properties(both)["words"]["description"] == "Some words."
    assert both.spec.input_schema["additionalProperties"] == {"type": "integer"}
    assert await said(both, {"first": 1, "words": ["a", "b"], "x": 7}) == ("1 2 ('a', 'b') 3 {'x': 7}", False)
    assert await said(both, {"first": 1, "x": "no"}) == (
        "invalid input for both: x: Input should be a valid integer, unable to parse string as an integer",
        True,
    )

    @tool
    def neither(first: int, *words: str, **more: int) -> str:
        return f"{first} {words} {more}"

    assert list(properties(neither)) == ["first"]
    assert await said(neither, {"first": 1}) == ("1 () {}", False)

    @tool
    def placed(first: int, context: ToolContext, second: int = 2, /, third: int = 3) -> str:
        return f"{first} {context.call} {second} {third}"

    assert await said(placed, {"first": 1, "third": 4}) == ("1 0.0 2 4", False)


class Point(BaseModel):
    """A nested model."""

    x: int


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"at": {"y": 1}}, "at.x: Field required"),
        ({"at": "no"}, "at: Input should be a valid dictionary"),
        ({"at": [{"x": "no"}]}, "at.0.x: Input should be a valid integer"),
    ],
)
def test_a_wrong_field_in_a_union_is_named_by_its_place_in_the_input(given: dict[str, Any], text: str) -> None:
    """Not by the branches that the checker tried."""

    @tool
    def go(at: Point | list[Point]) -> None: ...

    with pytest.raises(ToolError) as caught:
        go.validate(given)
    assert text in str(caught.value)
    assert "Point" not in str(caught.value).replace("instance of Point", "")


def test_not_more_is_said_than_can_be_read() -> None:
    """Of a thousand wrong fields the first ones are named, and values are not repeated whole."""

    @tool
    def go(numbers: list[int]) -> None: ...

    with pytest.raises(ToolError) as caught:
        go.validate({"numbers": ["x"] * 1000})
    assert "numbers.19: " in str(caught.value)
    assert str(caught.value).endswith("; and more")
    own = tool(go.function, name="own", schema={"type": "object", "properties": {"numbers": {"type": "array"}}})
    with pytest.raises(ToolError) as caught:
        own.validate({"numbers": "x" * 10_000})
    assert len(str(caught.value)) < 300


OWN = {
    "type": "object",
    "properties": {
        "place": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        "how": {"enum": ["quick", "exact"]},
        "key": {"type": "string"},
    },
    "required": ["place", "key"],
    "additionalProperties": False,
}


async def test_a_schema_of_ones_own_checks_the_input() -> None:
    """Errors name the field; what is preset is not in it, and cannot be given."""

    @tool(schema=OWN, preset={"key": "secret"})
    async def go(place: dict[str, str], key: str, how: str = "quick") -> str:
        return f"{place['name']} {key} {how}"

    assert list(properties(go)) == ["place", "how"]
    assert go.spec.input_schema["required"] == ["place"]
    assert OWN["required"] == ["place", "key"]
    assert await said(go, {"place": {"name": "Fuji"}}) == ("Fuji secret quick", False)
    for given, text in (
        ({}, "place: Field required"),
        ({"place": {}}, "place.name: Field required"),
        ({"place": {"name": 1}}, "place.name: 1 is not of type 'string'"),
        ({"place": {"name": "x"}, "how": "slow"}, 'how: it must be one of ["quick", "exact"]'),
        ({"place": {"name": "x"}, "key": "mine"}, "key: Extra inputs are not permitted"),
    ):
        assert await said(go, given) == (f"invalid input for go: {text}", True)


async def test_a_model_can_be_the_schema() -> None:
    """Its fields are the function's arguments, made by it."""

    class Asked(BaseModel):
        at: Point
        words: list[str] = []

    @tool(schema=Asked)
    def go(at: Point, words: list[str]) -> str:
        return f"{at.x + 1} {words}"

    assert await said(go, {"at": {"x": 1}}) == ("2 []", False)
    assert "at.x: Input should be a valid integer" in (await said(go, {"at": {"x": "no"}}))[0]


async def test_what_the_schema_refers_to_is_never_fetched() -> None:
    """An address in a schema is no reason to go there."""

    @tool(schema={"type": "object", "properties": {"x": {"$ref": "http://127.0.0.1:9/schema.json"}}})
    def go(x: int) -> str:
        return "never"

    text, is_error = await said(go, {"x": 1})
    assert is_error
    assert "127.0.0.1" in text


def test_a_schema_has_to_fit_the_function() -> None:
    """What it does not take, and what it needs, is found when the tool is made; `**more` takes anything."""

    def go(x: int) -> None: ...
    def any_(**more: int) -> None: ...

    with pytest.raises(AgentError, match="tool 'go': its schema has 'y', which the function does not take"):
        tool(go, schema={"type": "object", "properties": {"x": {}, "y": {}}})
    with pytest.raises(AgentError, match="tool 'go': its schema lacks 'x', which the function needs"):
        tool(go, schema={"type": "object", "properties": {}})
    loose = tool(go, schema={"type": "object", "properties": {"x": {}}})
    with pytest.raises(ToolError, match="y: there is no such parameter"):
        loose.validate({"x": 1, "y": 2})
    assert tool(any_, schema={"type": "object", "properties": {"x": {}}}).validate({"x": 1, "y": 2}) == {"x": 1, "y": 2}


async def test_presets_are_given_and_never_seen() -> None:
    """Not in the schema, not to be overwritten, also where the function takes anything."""

    @tool(preset={"key": "secret"}, include_var_kwargs=True)
    def go(word: str, key: str, **more: str) -> str:
        return f"{word} {key} {more}"

    assert list(properties(go)) == ["word"]
    assert await said(go, {"word": "w"}) == ("w secret {}", False)
    text, is_error = await said(go, {"word": "w", "key": "mine"})
    assert (text, is_error) == ("invalid input for go: key: Extra inputs are not permitted", True)
    with pytest.raises(AgentError, match="tool 'one': it has no parameter 'x' that could be preset"):
        tool(lambda_like, name="one", preset={"x": 1})


def lambda_like() -> None:
    """Do nothing."""


async def test_a_result_is_worked_on_inside_of_the_call() -> None:
    """By a function, sync or async, for tools of either kind; its error is the call's."""

    def louder(result: ToolResult) -> str:
        [block] = result.content
        return getattr(block, "text", "").upper()

    async def gently(result: ToolResult) -> ToolResult:
        return ToolResult(result.content, is_error=True)

    def broken(result: ToolResult) -> None:
        raise ValueError("no good")

    async def leaves(result: ToolResult) -> None:
        raise SystemExit(3)

    async def work() -> str:
        return "fine"

    def sync_work() -> str:
        return "fine"

    for function in (work, sync_work):
        assert await said(tool(function, postprocess=louder), {}) == ("FINE", False)
        assert await said(tool(function, postprocess=gently), {}) == ("fine", True)
        text, is_error = await said(tool(function, postprocess=broken), {})
        assert (text, is_error) == (f"{function.__name__} failed: ValueError: no good", True)
        text, is_error = await said(tool(function, postprocess=leaves), {})
        assert (text, is_error) == (f"{function.__name__} failed: SystemExit: 3", True)


class Shop:
    """Has methods."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def buy(self, what: str) -> str:
        """Buy something."""
        return f"{what} at {self.name}"

    def __call__(self, what: str) -> str:
        """Visit the shop."""
        return f"{what}? {self.name}!"


async def test_whatever_can_be_called_is_a_tool() -> None:
    """Methods of objects, partial functions, objects; what is bound in them is not asked for."""
    shop = Shop("Tanaka")
    buy = tool(shop.buy)
    assert (buy.spec.description, list(properties(buy)), buy.is_async) == ("Buy something.", ["what"], True)
    assert await said(buy, {"what": "rice"}) == ("rice at Tanaka", False)
    visit = tool(shop, name="visit")
    assert (visit.spec.description, list(properties(visit))) == ("Visit the shop.", ["what"])
    assert await said(visit, {"what": "rice"}) == ("rice? Tanaka!", False)

    def add(a: int, b: int, c: int = 0) -> int:
        """Add."""
        return a + b + c

    some = tool(functools.partial(add, 1, c=5))
    assert (some.name, some.spec.description, list(properties(some))) == ("add", "Add.", ["b"])
    assert await said(some, {"b": 2}) == ("8", False)
    with pytest.raises(AgentError, match=r"tool 'buy': it is a method of a class; make the tool of an object's"):
        tool(Shop.buy)
    with pytest.raises(AgentError, match="tool 'x': int is no function"):
        tool(3, name="x")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="a tool has no 'timeuot'"):
        tool(add, timeuot=3)  # type: ignore[call-overload]


# Toolkits.


def test_a_clash_of_names_is_answered_as_wanted() -> None:
    """An error, another name, the newer one in the older one's place, or the older one."""

    def search() -> None:
        """Search here."""

    kit = Toolkit([search, lambda_like])
    with pytest.raises(AgentError, match="two tools are named 'search'; give one another name"):
        kit.add(search)
    assert kit.add(search, on_clash="rename").name == "search_2"
    assert kit.add(search, on_clash="rename").name == "search_3"
    assert kit.add(search, on_clash="replace", description="newer").spec.description == "newer"
    assert kit.add(search, on_clash="skip", description="newest").spec.description == "newer"
    assert kit.names == ("search", "lambda_like", "search_2", "search_3")
    long = kit.add(search, name="x" * 64)
    assert len(kit.add(long, on_clash="rename").name) == 64


async def test_a_tool_is_declared_anew_where_it_is_registered() -> None:
    """Another name and description, presets: what was declared before stays where nothing else is said."""

    @tool(read_only=True, timeout=5.0, exclusive=True)
    def search(query: str, key: str = "none") -> str:
        """Search.

        At length.
        """
        return f"{query} {key}"

    kit = Toolkit()
    made = kit.add(search, name="find", preset={"key": "k"}, long_description=False, group="g")
    spec = made.spec
    assert (spec.name, spec.description, spec.effect, spec.timeout, spec.group) == (
        "find", "Search.", "read_only", 5.0, "g",
    )  # fmt: skip
    assert spec.exclusive == "find"
    assert list(properties(made)) == ["query"]
    assert await said(made, {"query": "q"}) == ("q k", False)
    assert search.name == "search"


def test_a_tool_of_a_kind_of_its_own_stays_one() -> None:
    """What it does beyond others, such as checking input by a server's schema, is not lost with its name."""

    @dataclass(frozen=True, slots=True)
    class Strict(Tool):
        def validate(self, input_: Mapping[str, Any]) -> dict[str, Any]:
            raise ToolError("never")

    made = tool(lambda_like)
    strict = Strict(made.spec, made.function, made.arguments, is_async=made.is_async, wants_context=False)
    renamed = Toolkit().add(strict, name="other", exposure="outward", exclusive=True)
    assert (renamed.name, renamed.spec.exposure, renamed.spec.exclusive) == ("other", ("outward",), "other")
    with pytest.raises(ToolError, match="never"):
        renamed.validate({})


def test_a_toolkit_takes_in_another() -> None:
    """With its groups; what both have has to be the same, and clashes are answered as ever."""
    first, second = Toolkit([lambda_like]), Toolkit()
    for kit in (first, second):
        kit.add_group("web", "Look on the web.", model_may_switch=True)
    second.add(lambda_like, name="browse", group="web")
    second.add_group("shop", active=True, notes="Buy nothing.")
    first.include(second)
    assert list(first.names) == ["lambda_like", "browse", "switch_tools"]
    assert first.groups == second.groups
    with pytest.raises(AgentError, match="two tools are named 'browse'"):
        first.include(second)
    first.include(second, on_clash="skip")
    other = Toolkit()
    other.add_group("web", "Something else.")
    with pytest.raises(AgentError, match="two groups are named 'web'"):
        first.include(other)


async def test_a_schema_is_extended_while_the_program_runs() -> None:
    """The function gets what it takes; the rest is checked and stays in the log. None takes it back."""

    class More(BaseModel):
        why: str
        limit: int = 7

    @tool
    def search(query: str, limit: int | None = None) -> str:
        return f"{query} {limit}"

    @tool(preset={"limit": 0})
    def free(query: str, **more: Any) -> str:
        return f"{query} {more}"

    kit = Toolkit([search, free])
    with pytest.raises(AgentError, match="tool 'search': 'limit' is in its schema already"):
        kit.extend_schema("search", More)

    class Why(BaseModel):
        why: str

    plain = kit.get("search")
    made = kit.extend_schema("search", Why)
    assert list(properties(made)) == ["query", "limit", "why"]
    assert made.spec.input_schema["required"] == ["query", "why"]
    assert await said(made, {"query": "q", "why": "because"}) == ("q None", False)
    text, _ = await said(made, {"why": 3})
    assert text == "invalid input for search: query: Field required; why: Input should be a valid string"
    assert kit.extend_schema("search", Why).spec == made.spec
    assert kit.extend_schema("search", None) == plain
    assert await said(kit.extend_schema("free", Why), {"query": "q", "why": "w"}) == (
        "q {'why': 'w', 'limit': 0}", False,
    )  # fmt: skip
    with pytest.raises(AgentError, match="there is no tool 'none'"):
        kit.extend_schema("none", Why)


def test_tools_and_groups_are_taken_out_again() -> None:
    """A group goes with its tools; what is not there is said."""
    kit = Toolkit()
    kit.add_group("web", "Look on the web.", model_may_switch=True)
    kit.add_group("shop")
    kit.add(lambda_like, group="web")
    kit.add(lambda_like, name="other")
    assert list(kit.names) == ["lambda_like", "other", "switch_tools"]
    assert [(group.name, group.active) for group in kit.groups] == [("web", False), ("shop", False)]
    kit.remove_group("web")
    assert list(kit.names) == ["other"]
    kit.remove("other")
    assert list(kit.names) == []
    for call in (kit.remove, kit.remove_group):
        with pytest.raises(AgentError, match="there is no"):
            call("nothing")
    with pytest.raises(AgentError, match="two groups are named 'shop'"):
        kit.add_group("shop")
    with pytest.raises(AgentError, match="a group cannot be named 'two words'"):
        kit.add_group("two words")
    kit.add(lambda_like, name="switch_tools")
    with pytest.raises(AgentError, match="a tool is named 'switch_tools'"):
        kit.add_group("web", model_may_switch=True)


async def test_an_awaitable_of_a_plain_function_is_awaited() -> None:
    """A function that returns a coroutine works on results as an async one does; a callable that yields gives parts."""

    async def loud(result: ToolResult) -> str:
        return result.content[0].text.upper()  # type: ignore[union-attr]

    def later(result: ToolResult) -> Any:
        return loud(result)

    async def work() -> str:
        return "fine"

    async def parts() -> Any:
        return (part for part in ("a", "b"))

    assert await said(tool(work, postprocess=later), {}) == ("FINE", False)
    assert await said(tool(parts), {}) == ("ab", False)


async def test_a_call_that_is_stopped_while_its_result_is_worked_on_leaves_nothing() -> None:
    """A thread that works on a result is left behind, and what it says later is dropped."""
    began, gate = threading.Event(), threading.Event()

    def slow(result: ToolResult) -> str:
        began.set()
        gate.wait()
        return "late"

    async def work() -> str:
        return "fine"

    lab = Lab([asks(("work", {})), answer()], [tool(work, postprocess=slow, read_only=True)], eager=False)
    task = await lab.started()
    await asyncio.to_thread(began.wait)
    lab.loop.pause()
    await lab.finish(task)
    assert lab.call("0.0").status == "interrupted"
    gate.set()
