"""`Tool`, what it is given, and what it gives back."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Protocol, overload

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PydanticUserError, ValidationError, create_model

from workbench.errors import AgentError, ToolError
from workbench.events.agent import Effect, Permission, ToolSpec
from workbench.events.content import (
    Content,
    DocumentBlock,
    ImageBlock,
    JsonBlock,
    TextBlock,
    normalise_content,
    normalise_json,
    text_content,
)


class ToolContext(Protocol):
    """What a tool may ask of its surroundings."""

    @property
    def run(self) -> str:
        """The run's id."""
        ...

    @property
    def call(self) -> str:
        """The call's id, `STEP.CALL`."""
        ...

    @property
    def attempt(self) -> int:
        """0 for the first attempt."""
        ...

    @property
    def idempotency_key(self) -> str:
        """Constant over attempts and resumes of this call, new in a fork."""
        ...

    @property
    def lineage(self) -> tuple[str, ...]:
        """The runs whose notes this run may read: itself and its ancestors."""
        ...

    @property
    def pace(self) -> float:
        """Seconds that an embedded tool takes at least, so that a person can watch; 0 for full speed."""
        ...

    def progress(self, text: str) -> None:
        """Say how far the call is; safe from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A result of more than text, or an error that the model should see as such."""

    content: Content
    is_error: bool = False


ToolFunction = Callable[..., Any]
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every model API takes as a tool's name."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function with its declaration."""

    spec: ToolSpec
    function: ToolFunction
    arguments: type[BaseModel]
    """Validates the model's input."""
    is_async: bool
    wants_context: bool
    """The function has a parameter annotated `ToolContext`; the model never sees it."""
    context_name: str = "context"
    preset: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that the model uses."""
        return self.spec.name

    def validate(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the function's arguments; raises `ToolError` naming each wrong field, for the model to mend."""
        try:
            model = self.arguments.model_validate(dict(input_))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in item['loc']) or 'input'}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)
            )
            raise ToolError(f"invalid input for {self.name}: {problems}") from None
        return {name: getattr(model, field) for field, name in _parameters_of(self.arguments).items()}

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Awaitable[Any] | Any:
        """Call the function: an awaitable where it is async, its value where it is not."""
        extra = {self.context_name: context} if self.wants_context else {}
        return self.function(**arguments, **self.preset, **extra)


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


@cache
def _parameters_of(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the function's parameter for each field of its arguments' model."""
    return {name: field.alias or name for name, field in model.model_fields.items()}


def to_content(value: Any) -> Content:
    """Return what a tool's function returned as content blocks, whatever it is."""
    match value:
        case None:
            return text_content("done")
        case str():
            return text_content(value)
        case bytes():
            return text_content(value.decode(errors="replace"))
        case TextBlock() | JsonBlock() | ImageBlock() | DocumentBlock():
            return normalise_content((value,))
        case [TextBlock() | JsonBlock() | ImageBlock() | DocumentBlock(), *_] if all(map(_is_block, value)):
            return normalise_content(value)
        case _:
            return (JsonBlock(value=normalise_json(value)),)


def _is_block(value: Any) -> bool:
    return isinstance(value, TextBlock | JsonBlock | ImageBlock | DocumentBlock)


class Toolkit:
    """The tools of an agent, by name, in a fixed order."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for item in tools:
            self.add(item)

    def add(self, item: Tool) -> None:
        """Add a tool; raises `AgentError` where its name is taken."""
        if item.name in self._tools:
            raise AgentError(f"two tools are named {item.name!r}; give one another name with @tool(name=…)")
        self._tools[item.name] = item

    def get(self, name: str) -> Tool | None:
        """Return the tool of that name, or None."""
        return self._tools.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(self._tools)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """Declarations in order; the order never changes in a run, so that prompt caches hold."""
        return tuple(item.spec for item in self._tools.values())
