"""The tools by which a model steers its own run; their schemas live here, their handling in the engine."""

# ruff: noqa: ARG001 - the functions are signatures for the schema alone
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Annotated, Any, Never

from pydantic import BaseModel, Field, JsonValue, ValidationError

from workbench.errors import AgentError, ToolError
from workbench.events.agent import Role, ToolGroup, ToolSpec, switch
from workbench.events.content import normalise_json
from workbench.tools.base import Tool
from workbench.tools.declaring import tool

SUBMIT_ANSWER = "submit_answer"
SPAWN_SUBAGENT = "spawn_subagent"
SWITCH_TOOLS = "switch_tools"
ANSWER_OBJECT = (
    "Give the final answer, as an object of this form. It ends the task, so call it alone, when everything needed is "
    "known."
)


class AnswerCitation(BaseModel):
    """Where a statement comes from."""

    source: str = Field(description="Name of the passage, such as with::2")
    quote: str = Field(default="", description="The words relied on, copied exactly")


def _handled_by_the_engine(name: str) -> Never:
    raise ToolError(f"{name} is handled by the engine and cannot be called as a function")


@tool(name=SUBMIT_ANSWER, read_only=True, retries=0)
async def submit_answer(
    answer: Annotated[str, Field(description="The whole answer, for the person who asked")],
    citations: Annotated[list[AnswerCitation], Field(description="The passages that the answer rests on")] = [],  # noqa: B006
) -> str:
    """Give the final answer. It ends the task, so call it alone, when everything needed is known."""
    _handled_by_the_engine(SUBMIT_ANSWER)


Output = type[BaseModel] | Mapping[str, JsonValue]
"""The form of an answer: a pydantic model, or a JSON Schema of an object."""
MOST_PROBLEMS, LONGEST_PROBLEM = 20, 300
"""How many wrong fields the model is told of at once, and how many characters each may take."""


@dataclass(frozen=True, slots=True)
class AnswerTool(Tool):
    """`submit_answer` for an answer of a form: its input is the answer."""

    model: type[BaseModel] | None = None
    """None where the schema is all there is."""

    def validate(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the answer; raises `ToolError` that says what is wrong with each field."""
        found = _model_problems(self.model, input_) if self.model is not None else []
        found = found or _schema_problems(self.spec.input_schema, input_)
        if found:
            more = [f"{len(found) - MOST_PROBLEMS} more"] if len(found) > MOST_PROBLEMS else []
            told = "; ".join([*(_shortened(line) for line in found[:MOST_PROBLEMS]), *more])
            raise ToolError(f"the answer does not fit: {told}")
        return dict(input_)


def answer_tool(output: Output | None, model: type[BaseModel] | None = None) -> Tool:
    """Return `submit_answer` for answers of this form; None: for those in words.

    `model` is the class of which `output` is the schema; it is left out where it is not.
    """
    if output is None:
        return submit_answer
    schema = answer_schema(output)
    if isinstance(output, type):
        model = output
    elif model is not None and answer_schema(model) != schema:
        model = None
    spec = submit_answer.spec.model_copy(update={"description": ANSWER_OBJECT, "input_schema": schema})
    return AnswerTool(
        spec, submit_answer.function, submit_answer.arguments, is_async=True, wants_context=False, model=model
    )


def answer_schema(output: Output) -> dict[str, JsonValue]:
    """Return the JSON Schema of a wanted answer; raises `AgentError` where it is none of an object."""
    import jsonschema

    schema: Any
    if not isinstance(output, Mapping) and not (isinstance(output, type) and issubclass(output, BaseModel)):
        raise AgentError(f"output: {output!r} is no form of an answer; give a pydantic model, or a JSON Schema")
    if isinstance(output, type):
        schema = output.model_json_schema()
        schema.pop("title", None)
        for field in schema.get("properties", {}).values():
            field.pop("title", None)
    else:
        schema = normalise_json(dict(output))
    name = output.__name__ if isinstance(output, type) else "the schema"
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        where = ".".join(str(part) for part in error.absolute_path) or "its top"
        raise AgentError(f"output: {name} is no JSON Schema, at {where}: {_shortened(error.message)}") from None
    if schema.get("type") != "object":
        raise AgentError(f"output: {name} is of type {schema.get('type')!r}; an answer has to be an object with fields")
    return dict(schema)


def with_answer(tools: Sequence[ToolSpec], output: Output | None) -> tuple[ToolSpec, ...]:
    """Return the tools with a `submit_answer` that takes answers of this form; it is added where it is missing."""
    if output is None:
        return tuple(tools)
    spec = answer_tool(output).spec
    if not any(one.name == SUBMIT_ANSWER for one in tools):
        return (*tools, spec)
    return tuple(spec if one.name == SUBMIT_ANSWER else one for one in tools)


def answer_text(input_: Mapping[str, JsonValue], output: Mapping[str, JsonValue] | None) -> str:
    """Return what a call of `submit_answer` answers, as text; `output` is the schema of a wanted object."""
    return str(input_.get("answer", "")) if output is None else json.dumps(input_, indent=2, ensure_ascii=False)


def _model_problems(model: type[BaseModel], input_: Mapping[str, JsonValue]) -> list[str]:
    try:
        model.model_validate_json(json.dumps(dict(input_)))
    except ValidationError as error:
        return [
            f"{_named(item['loc'])}: {item['msg']}" for item in error.errors(include_url=False, include_input=False)
        ]
    except Exception as error:  # noqa: BLE001 - validators are the author's own code
        return [f"input: {type(error).__name__}: {error}"]
    return []


def _schema_problems(schema: Mapping[str, JsonValue], input_: Mapping[str, JsonValue]) -> list[str]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    nowhere: Registry[Any] = Registry()  # what the schema does not hold itself is not fetched
    validator = Draft202012Validator(schema, registry=nowhere)
    try:
        found = [best_match([error]) or error for error in validator.iter_errors(dict(input_))]
    except Unresolvable as error:
        return [f"the schema cannot be used: {error}"]
    return [f"{_named(error.absolute_path)}: {error.message}" for error in found]


def _named(path: Sequence[Any]) -> str:
    return ".".join(str(part) for part in path) or "input"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_PROBLEM else f"{text[:LONGEST_PROBLEM]}…"


@tool(name=SPAWN_SUBAGENT, idempotent=True, retries=0, timeout=3600.0)
async def spawn_subagent(
    task: Annotated[str, Field(description="What the subagent shall find out, complete in itself")],
    focus: Annotated[str, Field(description="What to look at above all, and what to leave out")] = "",
    role: Annotated[str, Field(description="Which kind of subagent, where several are offered")] = "",
) -> str:
    """Let a subagent with a context of its own work on one topic; only its summary comes back.

    Worth it for a topic that needs four or more calls. Several at once run at the same time. For a simple look-up
    search directly.
    """
    _handled_by_the_engine(SPAWN_SUBAGENT)


def spawn_tool(roles: Sequence[Role], tools: Sequence[ToolSpec] = ()) -> Tool:
    """Return `spawn_subagent` for an agent with `roles`: the model sees what each is good at, and chooses.

    `tools` are the agent's own, which a role without tools of its own has.
    """
    return replace(spawn_subagent, spec=spawn_spec(spawn_subagent.spec, roles, tools))


def spawn_spec(spec: ToolSpec, roles: Sequence[Role], tools: Sequence[ToolSpec] = ()) -> ToolSpec:
    """Return the declaration of `spawn_subagent` with `roles` in it; without any it stays as it is."""
    if not roles:
        return spec
    names = [one.name for one in tools if one.name not in (SPAWN_SUBAGENT, SUBMIT_ANSWER)]
    listed = "\n".join(_role_line(role, names) for role in roles)
    schema = deepcopy(spec.input_schema)
    schema["properties"] = {**_properties(schema), "role": _role_schema(roles)}
    return spec.model_copy(update={"description": f"{spec.description}\n\nRoles:\n{listed}", "input_schema": schema})


def _properties(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _role_schema(roles: Sequence[Role]) -> JsonValue:
    return {
        "type": "string",
        "enum": [role.name for role in roles],
        "description": "The role that suits the task; without one the subagent is like you",
    }


def _role_line(role: Role, names: Sequence[str]) -> str:
    own = [name for name in role.tools if name != SUBMIT_ANSWER] if role.tools is not None else list(names)
    has = f"; has {', '.join(own)}" if own else "; has no tools"
    several = f"; {role.ensemble} work on each task, and their answers are compared" if role.ensemble > 1 else ""
    return f"- {role.name}: good at {role.good_at}{has}{several}"


def switch_tool(groups: Sequence[ToolGroup]) -> Tool | None:
    """Return `switch_tools` for the groups that a model may switch, or None where there are none."""
    groups = [group for group in groups if group.model_may_switch]
    if not groups:
        return None
    told = "\n".join(f"- {group.name}: {group.description or 'no description'}" for group in groups)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            group.name: {"type": "boolean", "description": "true switches it on, false off; left out: as it is"}
            for group in groups
        },
        "additionalProperties": False,
        "minProperties": 1,
    }

    @tool(
        name=SWITCH_TOOLS,
        description=f"Switch groups of tools on or off, from your next turn on. The groups:\n{told}",
        schema=schema,
        read_only=True,
        retries=0,
    )
    async def switch_tools(**wanted: bool) -> str:
        _handled_by_the_engine(SWITCH_TOOLS)

    return switch_tools


def switched_text(groups: Sequence[ToolGroup], wanted: Mapping[str, bool]) -> str:
    """Return what the model is told once it has switched tools: what is on now, and what there is to know of it."""
    now = [group for group in switch(groups, wanted) if group.active]
    lines = [f"Groups of tools that are on now: {', '.join(group.name for group in now) or 'none'}."]
    lines += [f"{group.name}: {group.notes}" for group in now if group.notes and wanted.get(group.name)]
    return "\n".join(lines)
