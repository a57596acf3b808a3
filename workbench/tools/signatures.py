"""How a function takes its arguments: read once, when a tool is made of it."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError

from workbench.errors import AgentError
from workbench.tools.base import Taking, ToolContext, ToolFunction


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function, as far as they concern a tool."""

    parameters: Mapping[str, inspect.Parameter]
    """Those that the model may give, without the context, what is preset, and `*args` and `**kwargs`."""
    hints: Mapping[str, Any]
    taking: Taking
    context: str | None
    star: inspect.Parameter | None
    """`*args`, where the model may give it."""
    stars: inspect.Parameter | None
    """`**kwargs`, where the model may give it."""
    takes: AbstractSet[str] | None
    """The names that it takes; None where it takes any."""

    @property
    def required(self) -> set[str]:
        """Names without which it cannot be called."""
        return {name for name, parameter in self.parameters.items() if parameter.default is parameter.empty}


def innermost(function: ToolFunction) -> Any:
    """Return the function under partial ones, methods and callable objects: what has the code."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return type(function).__call__ if callable(function) else function


def read_signature(
    function: ToolFunction,
    name: str,
    preset: Collection[str] = (),
    *,
    var_args: bool = False,
    var_kwargs: bool = False,
) -> Signature:
    """Return the parameters of a function; raises `AgentError` where they make no tool."""
    if not callable(function):
        raise AgentError(f"tool {name!r}: {type(function).__name__} is no function and cannot be called")
    inner = innermost(function)
    try:
        parameters = list(inspect.signature(function).parameters.values())
        hints = typing.get_type_hints(inner, include_extras=True)
    except (NameError, TypeError, ValueError) as error:
        raise AgentError(f"tool {name!r}: its annotations cannot be read: {error}") from None
    if parameters and _is_loose_method(inner, parameters[0]) and inner is function:
        raise AgentError(f"tool {name!r}: it is a method of a class; make the tool of an object's: tool(object.{name})")
    bound = set(function.keywords) if isinstance(function, functools.partial) else set()
    context = next((one.name for one in parameters if hints.get(one.name) is ToolContext), None)
    by_kind = {one.kind: one for one in parameters}
    star, stars = by_kind.get(inspect.Parameter.VAR_POSITIONAL), by_kind.get(inspect.Parameter.VAR_KEYWORD)
    named = [one for one in parameters if one not in (star, stars)]
    if stars is None and (unknown := set(preset) - {one.name for one in named}):
        raise AgentError(f"tool {name!r}: it has no parameter {min(unknown)!r} that could be preset")
    star, stars = star if var_args else None, stars if var_kwargs else None
    by_position = tuple(
        (one.name, one.default)
        for one in named
        if one.kind is one.POSITIONAL_ONLY or (star is not None and one.kind is one.POSITIONAL_OR_KEYWORD)
    )
    given = {one.name: one for one in named if one.name not in {*preset, *bound, context}}
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return Signature(
        parameters=given,
        hints=hints,
        taking=Taking(by_position, star.name if star is not None else None),
        context=context,
        star=star,
        stars=stars,
        takes=None if takes_any else {*given, *([star.name] if star is not None else [])},
    )


def _is_loose_method(function: Any, first: inspect.Parameter) -> bool:
    """Whether a function stands in a class and waits for an object."""
    path = str(getattr(function, "__qualname__", "")).split(".")
    in_class = len(path) > 1 and path[-2] != "<locals>"
    return in_class and first.name in ("self", "cls") and inspect.isfunction(function)


def arguments_model(signature: Signature, name: str, described: Mapping[str, str]) -> type[BaseModel]:
    """Return a model of what a function takes from a tool's user; raises `AgentError` where it makes no schema."""
    fields: dict[str, Any] = {}
    takes = [
        (one.name, signature.hints.get(one.name, Any), ... if one.default is one.empty else one.default)
        for one in signature.parameters.values()
    ]
    if signature.star is not None:
        takes.append((signature.star.name, list[signature.hints.get(signature.star.name, Any)], []))  # type: ignore[misc]
    for parameter, annotation, default in takes:
        told = None if _is_described(annotation) else described.get(parameter)
        # The field is named by its number: pydantic has no room for parameters such as `schema`, `copy` or `_x`.
        field = Field(alias=parameter, description=told) if told else Field(alias=parameter)
        fields[f"argument_{len(fields)}"] = (Annotated[annotation, field], default)
    extra: Literal["allow", "forbid"] = "forbid"
    if signature.stars is not None:
        extra = "allow"
        annotation = signature.hints.get(signature.stars.name, Any)
        fields["__pydantic_extra__"] = (dict[str, annotation], Field(default_factory=dict))  # type: ignore[valid-type]
    try:
        model = create_model(f"{name}_arguments", __config__=ConfigDict(extra=extra), **fields)
        model.model_json_schema()
    except PydanticUserError as error:
        raise AgentError(f"tool {name!r}: its parameters make no schema: {error.message}") from None
    return model


def _is_described(annotation: Any) -> bool:
    """Whether an annotation has a description of its own."""
    return any(getattr(item, "description", None) for item in getattr(annotation, "__metadata__", ()))
