"""Tools as a server lists them, made into declarations that models and screens can be given.

Descriptions are cleaned of what hides text or moves a cursor. Schemas are checked, and bounded: what a hostile schema
could make expensive (patterns, references that unfold without end) is left to the server, which checks its input too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import JsonValue

from workbench.errors import McpServerError, ToolError
from workbench.events.agent import McpOrigin, ToolSpec
from workbench.events.content import normalise_json, normalise_text
from workbench.tools.mcp.server import McpServer

LONGEST_DESCRIPTION = 4_000
"""Characters."""
LARGEST_SCHEMA = 100_000
"""Characters of JSON."""
MOST_NODES = 5_000
"""How far a schema may unfold, references followed, to be checked on our side."""
RESERVED = frozenset(
    {"submit_answer", "spawn_subagent", "switch_tools", "search_docs", "fetch_doc", "save_note", "remember", "recall"}
    | {"read_skill", "list_files", "read_file", "search_files", "write_file", "edit_file", "http_get"}
    | {"shell", "python", "web_search", "code_execution"}
)
"""Names that the engine, tools that ship and providers have: a rule for one of these is not for a stranger's tool."""

_SEQUENCES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e01ef]"
)
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_UNCHECKED = frozenset(
    {"pattern", "patternProperties", "propertyNames", "format", "uniqueItems", "$dynamicRef", "$recursiveRef"}
    | {"not", "if", "then", "else", "contains", "minContains", "maxContains"}
    | {"unevaluatedProperties", "unevaluatedItems"}
)
"""Words of a schema that are not checked here: a stranger's patterns may take forever, and what rests on them goes."""
_BY_NAME = ("properties", "$defs", "definitions", "dependentSchemas")
"""Where the keys are names, and no words of a schema."""


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as its server says it is."""

    name: str
    description: str
    input_schema: Mapping[str, JsonValue]

    @classmethod
    def of(cls, name: str, description: str | None, input_schema: Mapping[str, Any]) -> ListedTool:
        """Return it with what every reader of JSON holds exactly."""
        schema = normalise_json(input_schema)
        return cls(normalise_text(name), normalise_text(description or ""), schema if isinstance(schema, dict) else {})


Check = Callable[[Mapping[str, JsonValue]], list[str]]
"""Says what is wrong with an input."""


def clean(text: str, longest: int = LONGEST_DESCRIPTION) -> str:
    """Return a stranger's text without what hides in it, and not longer than it may be."""
    text = _HIDDEN.sub("", _SEQUENCES.sub("", text)).strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def fit_name(name: str) -> str:
    """Return a name that every provider takes."""
    return _UNFIT.sub("_", name)[:64] or "tool"


def names_of(server: McpServer, tools: Iterable[str], taken: set[str]) -> dict[str, str]:
    """Return what each tool of a server is called here, by the server's own names; adds them to `taken`."""
    found: dict[str, str] = {}
    for tool in tools:
        wanted = fit_name(f"{server.prefix or ''}{tool}")
        if wanted in taken or wanted in RESERVED:
            wanted = fit_name(f"{server.name}_{server.prefix or ''}{tool}")
        number = 2
        while wanted in taken or wanted in RESERVED:
            wanted = f"{fit_name(f'{server.name}_{tool}')[:60]}_{number}"
            number += 1
        taken.add(wanted)
        found[tool] = wanted
    return found


def spec_of(server: McpServer, tool: ListedTool, name: str) -> ToolSpec:
    """Return the declaration of a tool; its class and permission are the person's word, and never the server's."""
    return ToolSpec(
        name=name,
        description=clean(tool.description),
        input_schema=fit_schema(tool.input_schema),
        effect="read_only" if tool.name in server.read_only else "effectful",
        permission=server.permission,
        timeout=server.timeout,
        retries=0,
        exposure=("untrusted", "outward"),
        mcp=McpOrigin(server=server.name, tool=tool.name),
    )


def fit_schema(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return a schema whose descriptions are clean."""
    fitted = _cleaned(dict(schema))
    return {"type": "object", **fitted} if isinstance(fitted, dict) else {"type": "object"}


def _cleaned(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {
                key: clean(item) if key in ("description", "title", "$comment") and isinstance(item, str)
                else _cleaned(item)
                for key, item in value.items()
            }  # fmt: skip
        case list():
            return [_cleaned(item) for item in value]
        case _:
            return value


def check_tool(server: McpServer, tool: ListedTool) -> None:
    """Raise `McpServerError` where no model could be given the tool."""
    problem = _problem(dict(tool.input_schema))
    if problem:
        raise McpServerError(
            f"the tool {tool.name[:100]!r} of the MCP server {server.name!r} cannot be used: its schema {problem}; "
            f"leave the tool out with exclude = [{json.dumps(tool.name[:100])}]"
        )


def _problem(schema: dict[str, JsonValue]) -> str:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for

    if len(json.dumps(schema)) > LARGEST_SCHEMA:
        return f"has more than {LARGEST_SCHEMA:,} characters"
    if schema.get("type", "object") != "object":
        return "describes no object"
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return f"is no JSON Schema: {clean(error.message, 200)}"
    except RecursionError:
        return "is nested too deeply"
    properties, required = schema.get("properties", {}), schema.get("required", [])
    missing = [str(name) for name in required if name not in properties] if isinstance(properties, dict) else []  # type: ignore[union-attr]
    return f"requires {clean(missing[0], 100)!r}, which is none of its properties" if missing else ""


def make_check(schema: Mapping[str, JsonValue]) -> Check:
    """Return what checks an input before the server sees it; nothing is fetched for it, and nothing takes long."""
    bounded = _without(dict(schema))
    if not isinstance(bounded, dict) or _nodes(bounded) > MOST_NODES:
        return lambda _input: []
    return partial(_problems, bounded)


def _without(value: JsonValue) -> JsonValue:
    """Return a schema that takes at least what the whole one takes, and is quick to check."""
    if isinstance(value, list):
        return [_without(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, JsonValue] = {}
    for key, item in value.items():
        if key in _BY_NAME and isinstance(item, dict):
            kept[key] = {name: _without(inner) for name, inner in item.items()}
        elif key in ("enum", "const"):
            kept[key] = item
        elif key == "oneOf" and "anyOf" not in value:
            kept["anyOf"] = _without(item)
        elif key not in _UNCHECKED and key != "oneOf":
            kept[key] = _without(item)
    if "patternProperties" in value:
        kept.pop("additionalProperties", None)
    return kept


def _nodes(schema: dict[str, JsonValue]) -> int:
    """Count what a schema unfolds to, with references followed; more than `MOST_NODES` where it never ends."""
    count = 0
    queue: list[JsonValue] = [schema]
    while queue and count <= MOST_NODES:
        item = queue.pop()
        count += 1
        if isinstance(item, list):
            queue.extend(item)
        elif isinstance(item, dict):
            queue.extend(item.values())
            reference = item.get("$ref")
            if isinstance(reference, str):
                queue.append(_referred(schema, reference))
    return count


def _referred(schema: dict[str, JsonValue], reference: str) -> JsonValue:
    if not reference.startswith("#"):
        return None
    found: JsonValue = schema
    for part in reference[1:].split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _problems(schema: dict[str, JsonValue], input_: Mapping[str, JsonValue]) -> list[str]:
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    found: list[str] = []
    try:
        validator = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())
        for error in validator.iter_errors(dict(input_)):
            where = ".".join(str(part) for part in error.absolute_path) or "input"
            found.append(f"{where}: {clean(error.message, 200)}")
            if len(found) == 5:
                break
    except Exception:  # noqa: BLE001 - a stranger's schema: it may be none, or refer to what is not there
        return []
    return found


def refuse_input(name: str, problems: list[str]) -> None:
    """Raise `ToolError` naming each wrong field, for the model to mend."""
    if problems:
        raise ToolError(f"invalid input for {name}: {'; '.join(problems)}")
