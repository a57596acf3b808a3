"""`tool`: a declared tool out of a plain function, its schema out of the signature and the docstring."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Annotated, Any, overload

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model

from workbench.errors import AgentError
from workbench.events.agent import Effect, Permission, ToolSpec
from workbench.tools.base import NAME, Tool, ToolContext, ToolFunction


@overload
def tool(function: ToolFunction) -> Tool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    idempotent: bool = False,
    exclusive: str | bool = False,
    timeout: float = 60.0,
    retries: int = 3,
    max_concurrency: int | None = None,
    permission: Permission = "allow",
) -> Callable[[ToolFunction], Tool]: ...


def tool(
    function: ToolFunction | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    idempotent: bool = False,
    exclusive: str | bool = False,
    timeout: float = 60.0,
    retries: int = 3,
    max_concurrency: int | None = None,
    permission: Permission = "allow",
) -> Tool | Callable[[ToolFunction], Tool]:
    """Make a tool out of a function; usable with and without arguments.

    The schema comes from the signature, descriptions from the docstring. `read_only` calls may run early and again;
    `idempotent` ones may run again with the same key; all others are never repeated on their own. `exclusive` names a
    lock (True: the tool's own name). `timeout` is in seconds for one attempt.
    """

    def wrap(wrapped: ToolFunction) -> Tool:
        tool_name = name or str(getattr(wrapped, "__name__", ""))
        if not NAME.fullmatch(tool_name):
            raise AgentError(f"a tool cannot be named {tool_name!r}; give it a name of letters, digits, _ and -")
        model, context_name = _arguments_model(wrapped, tool_name)
        effect: Effect = "read_only" if read_only else "idempotent" if idempotent else "effectful"
        schema = model.model_json_schema()
        schema.pop("title", None)
        for parameter in schema.get("properties", {}).values():
            parameter.pop("title", None)
        spec = ToolSpec(
            name=tool_name,
            description=description or inspect.getdoc(wrapped) or "",
            input_schema=schema,
            effect=effect,
            permission=permission,
            exclusive=tool_name if exclusive is True else exclusive or None,
            timeout=timeout,
            retries=retries,
            max_concurrency=max_concurrency,
        )
        is_async = inspect.iscoroutinefunction(wrapped)
        return Tool(spec, wrapped, model, is_async, context_name is not None, context_name or "context")

    return wrap(function) if function is not None else wrap


def _arguments_model(function: ToolFunction, name: str) -> tuple[type[BaseModel], str | None]:
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise AgentError(f"tool {name!r}: its annotations cannot be read: {error}") from None
    fields: dict[str, Any] = {}
    context_name: str | None = None
    for number, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise AgentError(f"tool {name!r}: parameter {parameter.name!r} must be nameable; write it out")
        annotation = hints.get(parameter.name, Any)
        if annotation is ToolContext:
            context_name = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        # The field is named by its number: pydantic has no room for parameters such as `schema`, `copy` or `_x`.
        fields[f"argument_{number}"] = (Annotated[annotation, Field(alias=parameter.name)], default)
    try:
        model = create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
        model.model_json_schema()
    except PydanticUserError as error:
        raise AgentError(f"tool {name!r}: its parameters make no schema: {error.message}") from None
    return model, context_name
