"""How an agent is asked and how far it goes, as a person wants it: which values there are, and what each may be.

The models of the log take anything, so that whatever was logged once can be read. Here they are narrowed, and only
what a person wants now is judged: nothing is written that a provider or the engine could make no sense of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field, JsonValue, ValidationError

from workbench.errors import EditRefusedError
from workbench.events.agent import AgentRecord, HostedTool, Limits, ModelParameters, ModelRetries, ToolSpec

TOOL_CHOICES: Final = ("auto", "any", "none")
MOST_MEMBERS: Final = 9
"""So many subagents at most work on one task."""
_Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""All words that any API knows; which of them a model takes, its provider says."""
_Count = Annotated[int, Field(ge=1, lt=1 << 53, description="a whole number above 0")]
_CountOrNot = Annotated[_Count | None, Field(description="a whole number above 0, or null for no limit")]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Parameters(ModelParameters):
    """Parameters that can be asked with."""

    max_tokens: _Count = 4096
    temperature: Annotated[
        Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None,
        Field(description="a number from 0 to 2, or null for the provider's own"),
    ] = None
    tool_choice: Annotated[str, Field(min_length=1, description="auto, any, none, or the name of a tool")] = "auto"
    effort: Annotated[
        _Effort | None,
        Field(description="one of none, minimal, low, medium, high, xhigh, max, or null for the provider's own"),
    ] = None
    hosted_tools: Annotated[tuple[HostedTool, ...], Field(description="web_search, code_execution, or both")] = ()


class _Limits(Limits):
    """Limits that a run can be held to."""

    steps: _CountOrNot = 10
    tokens: _CountOrNot = None
    cost: Annotated[_Amount | None, Field(description="a number of dollars, or null for no limit")] = None
    seconds: Annotated[_Amount | None, Field(description="a number of seconds, or null for no limit")] = None
    calls_at_once: _Count = 5
    subagents: Annotated[
        Annotated[int, Field(ge=0, lt=1 << 53)] | None,
        Field(description="a whole number, 0 or more, or null for no limit"),
    ] = 8
    subagent_steps: _Count = 15
    request_tokens: _Count = 120_000
    planner_tokens: _Count = 512
    summary_tokens: _Count = 1500
    wrong_answers: Annotated[int, Field(ge=0, lt=1 << 53, description="a whole number, 0 or more")] = 3


class _Retries(ModelRetries):
    """Retries that can be made."""

    attempts: Annotated[_Count | None, Field(description="a whole number above 0, or null for the provider's own")] = (
        None
    )
    first_wait: Annotated[_Amount, Field(description="a number of seconds, 0 or more")] = 1.0
    longest_wait: Annotated[_Amount, Field(description="a number of seconds, 0 or more")] = 60.0


_Any = TypeVar("_Any", ModelParameters, Limits, ModelRetries)


def read_parameters(
    before: ModelParameters, wanted: Mapping[str, JsonValue] | None, tools: Iterable[ToolSpec] | None = None
) -> ModelParameters | None:
    """Return the parameters with those that a person chose, or None where nothing is chosen; refuses what is none.

    `tools` are those that may be chosen; None where they are not known yet.
    """
    if wanted is None:
        return None
    read = _read(_Parameters, before, wanted, "parameter of a model")
    names = None if tools is None else [tool.name for tool in tools]
    if names is not None and "tool_choice" in wanted and read.tool_choice not in (*TOOL_CHOICES, *names):
        raise EditRefusedError(
            _refusal("tool_choice", read.tool_choice, f"one of {', '.join((*TOOL_CHOICES, *names))}")
        )
    return read


def read_limits(before: Limits, wanted: Mapping[str, JsonValue]) -> Limits:
    """Return the limits with those that a person chose; refuses what is none."""
    return _read(_Limits, before, wanted, "limit")


def read_retries(before: ModelRetries, wanted: Mapping[str, JsonValue]) -> ModelRetries:
    """Return the retries as a person chose them; refuses what is none."""
    return _read(_Retries, before, wanted, "value of retries")


def check_agent(agent: AgentRecord) -> None:
    """Raise `EditRefusedError` for an agent that cannot be run as it is."""
    read_parameters(agent.parameters, dict(agent.parameters), agent.tools)
    read_limits(agent.limits, dict(agent.limits))
    read_retries(agent.retries, dict(agent.retries))
    _check_roles(agent)


def _check_roles(agent: AgentRecord) -> None:
    names, tools = [role.name for role in agent.roles], {tool.name for tool in agent.tools}
    for role in agent.roles:
        if not role.name.strip() or names.count(role.name) > 1:
            raise EditRefusedError(f"two roles are named {role.name!r}, or it is no name; give each one of its own")
        if not 1 <= role.ensemble <= MOST_MEMBERS:
            expected = f"a whole number from 1 to {MOST_MEMBERS}"
            raise EditRefusedError(f"role {role.name!r}: {_refusal('ensemble', role.ensemble, expected)}")
        if missing := [name for name in role.tools or () if name not in tools]:
            there = ", ".join(sorted(tools)) or "none"
            raise EditRefusedError(
                f"role {role.name!r} has a tool {missing[0]!r} that the agent has not; it has {there}"
            )


def _read(narrow: type[_Any], before: _Any, wanted: Mapping[str, JsonValue], what: str) -> _Any:
    known = tuple(narrow.model_fields)
    if unknown := [name for name in wanted if name not in known]:
        raise EditRefusedError(f"{unknown[0]!r} is no {what}; there are {', '.join(known)}")
    try:
        read = narrow.model_validate(dict(wanted), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        expected = narrow.model_fields[name].description or first["msg"].lower()
        raise EditRefusedError(_refusal(name, wanted.get(name), expected)) from None
    return before.model_copy(update={name: getattr(read, name) for name in wanted})


def _refusal(name: str, value: object, expected: str) -> str:
    return f"{name} = {value!r} cannot be used; expected {expected}"
