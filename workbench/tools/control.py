"""The tools by which a model steers its own run; their schemas live here, their handling in the engine."""

# ruff: noqa: ARG001 - the functions are signatures for the schema alone
from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Annotated, Any, Never

from pydantic import BaseModel, Field, JsonValue

from workbench.errors import ToolError
from workbench.events.agent import Role, ToolGroup, ToolSpec, switch
from workbench.tools.base import Tool
from workbench.tools.declaring import tool

SUBMIT_ANSWER = "submit_answer"
SPAWN_SUBAGENT = "spawn_subagent"
SWITCH_TOOLS = "switch_tools"


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
