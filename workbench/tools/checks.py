"""What is wrong with the tools of an agent: found when it loads, before any token, or told in a list of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from workbench.errors import AgentError
from workbench.events.agent import ToolGroup, ToolSpec
from workbench.tools.arguments import checker
from workbench.tools.base import NAME
from workbench.tools.toolkit import Toolkit

BYTES_PER_TOKEN = 4
"""As requests are estimated."""
MANY_TOKENS = 200
"""A schema that takes more is flagged: it is sent with every request."""
PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What Anthropic takes as the name of a parameter; the others take any."""
COMBINED = ("allOf", "anyOf", "oneOf")
"""What Anthropic and OpenAI refuse at the top of a schema."""

_NAMED = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    "items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "contains", "propertyNames", "not",
    "if", "then", "else",
)  # fmt: skip


def check_toolkit(toolkit: Toolkit) -> None:
    """Raise `AgentError` for the first tool of an agent that cannot be used."""
    check_tools(toolkit.specs, toolkit.groups)


def check_tools(specs: Sequence[ToolSpec], groups: Sequence[ToolGroup] = ()) -> None:
    """Raise `AgentError` for the first tool that no provider takes, that makes no sense, or whose name is taken."""
    seen: set[str] = set()
    known = {group.name for group in groups}
    for spec in specs:
        for problem in _problems(spec):
            raise AgentError(f"tool {spec.name!r}: {problem}")
        if spec.name in seen:
            raise AgentError(f"two tools are named {spec.name!r}; give one another name")
        if spec.group and spec.group not in known:
            there = f"; there are: {', '.join(sorted(known))}" if known else ""
            raise AgentError(f"tool {spec.name!r}: there is no group {spec.group!r}; add it with add_group{there}")
        seen.add(spec.name)


def _problems(spec: ToolSpec) -> Iterator[str]:
    if not NAME.fullmatch(spec.name):
        yield "no provider takes that name; it needs 1 to 64 letters, digits, _ and -"
    for field, least in (("timeout", 0.0), ("retries", -1), ("max_concurrency", 0), ("max_output", 0)):
        value = getattr(spec, field)
        if value is not None and not value > least:
            yield f"its {field} cannot be {value:g}"
    yield from _schema_problems(spec.input_schema)
    if spec.subject is not None and spec.subject not in _properties(spec.input_schema):
        yield f"its subject is {spec.subject!r}, which is no parameter of it"


def _schema_problems(schema: Mapping[str, Any]) -> Iterator[str]:
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = "".join(f".{part}" for part in error.absolute_path)
        where = f"at {where[1:]}: " if where else ""
        yield f"its schema is not valid JSON Schema (draft 2020-12): {where}{error.message}"
        return
    except RecursionError:
        yield "its schema is nested too deeply"
        return
    if schema.get("type") != "object":
        yield 'its schema has to describe an object: "type": "object"'
    yield from _missing(schema)
    yield from _lost_references(schema)


def _missing(schema: Mapping[str, Any]) -> Iterator[str]:
    for part in subschemas(schema):
        if part is not schema and "properties" not in part:
            continue  # it says more of an object whose properties stand elsewhere
        for name in part.get("required", ()):
            if name not in _properties(part):
                yield f"its schema requires {name!r}, which is not among its properties"


def _lost_references(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the schema refers to and does not hold; nothing is ever fetched."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for part in subschemas(schema):
        reference = part.get("$ref", part.get("$dynamicRef"))
        if isinstance(reference, str):
            try:
                resolver.lookup(reference)
            except Unresolvable:
                yield f"its schema refers to {reference!r}, which is not in it; what lies elsewhere is never fetched"
                return
    try:
        list(islice(checker(schema).iter_errors({}), 1))
    except RecursionError:
        yield "its schema refers to itself without end"


def subschemas(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a valid schema and all schemas in it."""
    yield schema
    inner = [
        *(item for key in _NAMED for item in (schema.get(key) or {}).values()),
        *(item for key in _LISTED for item in schema.get(key) or ()),
        *(schema[key] for key in _SINGLE if key in schema),
    ]
    for item in inner:
        if isinstance(item, Mapping):
            yield from subschemas(item)


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Findings:
    """A tool, and what is to be said of it; none of that keeps an agent from running."""

    spec: ToolSpec
    tokens: int
    """About what it takes in every request."""
    said: tuple[str, ...]


def tool_findings(specs: Iterable[ToolSpec]) -> tuple[Findings, ...]:
    """Return each tool with what a person should know of it: its weight, what is not described, what is refused."""
    return tuple(Findings(spec, tokens := tokens_of(spec), tuple(_said(spec, tokens))) for spec in specs)


def tokens_of(spec: ToolSpec) -> int:
    """Return about how many tokens a tool takes in a request."""
    shown = {"name": spec.name, "description": spec.description, "schema": spec.input_schema}
    return len(json.dumps(shown, sort_keys=True, ensure_ascii=False).encode()) // BYTES_PER_TOKEN


def _said(spec: ToolSpec, tokens: int) -> Iterator[str]:
    if tokens > MANY_TOKENS:
        yield f"takes {tokens} tokens of every request; over {MANY_TOKENS} is much"
    if not spec.description.strip():
        yield "has no description"
    properties = _properties(spec.input_schema)
    bare = [
        name for name, schema in properties.items() if not (isinstance(schema, Mapping) and schema.get("description"))
    ]
    if bare:
        yield f"has parameters without a description: {', '.join(bare)}"
    if not NAME.fullmatch(spec.name):
        yield "every provider refuses its name: 1 to 64 letters, digits, _ and - are taken"
    if refused := [name for name in properties if not PROPERTY.fullmatch(name)]:
        yield f"anthropic refuses the names of parameters: {', '.join(map(repr, refused))}"
    if combined := [key for key in COMBINED if key in spec.input_schema]:
        yield f"anthropic and openai refuse {combined[0]} at the top of a schema"
