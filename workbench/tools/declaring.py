"""`tool`: a declared tool out of a plain function, its schema out of the signature and the docstring."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypedDict, Unpack, overload

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.json_schema import PydanticJsonSchemaWarning

from workbench.errors import AgentError
from workbench.events.agent import Effect, Exposure, Permission, ToolSpec
from workbench.tools.arguments import Arguments, ExtendedArguments, ModelArguments, SchemaArguments, first_problem
from workbench.tools.base import NAME, Postprocess, Preview, Tool, ToolFunction
from workbench.tools.docstrings import read_docstring
from workbench.tools.signatures import Signature, arguments_model, innermost, read_signature


class Declared(TypedDict, total=False):
    """What can be said of a tool; each has a default."""

    name: str | None
    """The name that the model uses; the function's own where None."""
    description: str | None
    """What the model is told; the docstring's where None."""
    long_description: bool
    """With the docstring's first paragraph, what follows it (default), or that paragraph alone."""
    schema: Mapping[str, Any] | type[BaseModel] | None
    """JSON Schema (draft 2020-12) of the input, or a pydantic model, instead of the signature."""
    read_only: bool
    """It changes nothing: calls may run early and again."""
    idempotent: bool
    """Running it again with the same key changes nothing more. All others are never repeated on their own."""
    exclusive: str | bool
    """Name of a lock that a call holds while it runs; True for the tool's own name."""
    timeout: float
    """Seconds for one attempt (60)."""
    retries: int
    """Attempts after the first, for failures that may pass (3)."""
    max_concurrency: int | None
    """Calls of it at once."""
    permission: Permission
    """`allow` (default), `ask` or `deny`."""
    every_time: bool
    """A person who is asked is asked at each call."""
    subject: str | None
    """The parameter that the patterns of permission rules look at."""
    exposure: Exposure | tuple[Exposure, ...]
    """What it brings into a run or lets out of it: `private`, `untrusted`, `outward`."""
    group: str
    """The group that it is switched on and off with."""
    preview: Preview | None
    """Says, for a person who is asked, what a call would do; gets the arguments."""
    max_output: int
    """Bytes of a result (1,000,000); what is more is cut, and the result says so."""
    preset: Mapping[str, Any]
    """Arguments that the function always gets and the model never sees."""
    postprocess: Postprocess | None
    """Gets each `ToolResult` and returns what is the result instead; sync or async."""
    include_var_args: bool
    """`*args` are in the schema, as an array; else they are left empty."""
    include_var_kwargs: bool
    """`**kwargs` are in the schema, as additional properties; else they are left empty."""


@overload
def tool(function: ToolFunction, /, **declared: Unpack[Declared]) -> Tool: ...


@overload
def tool(**declared: Unpack[Declared]) -> Callable[[ToolFunction], Tool]: ...


def tool(
    function: ToolFunction | None = None, /, **declared: Unpack[Declared]
) -> Tool | Callable[[ToolFunction], Tool]:
    """Make a tool out of a function; usable as a decorator, with and without arguments, and as a function.

    The schema comes from the signature; descriptions come from the docstring, those of parameters too. Functions may be
    sync or async, or yield parts of their result. Methods of objects, partial functions and objects that can be called
    will do as well. What can be declared stands in `Declared`.
    """
    if unknown := declared.keys() - Declared.__annotations__.keys():
        raise TypeError(f"a tool has no {min(unknown)!r}; there are: {', '.join(Declared.__annotations__)}")
    return _make(function, declared) if function is not None else lambda wrapped: _make(wrapped, declared)


def declared_anew(item: Tool, declared: Declared) -> Tool:
    """Return a tool of which something else is declared than before."""
    if item.declared is not None:
        return _make(item.function, Declared(**{**item.declared, **declared}))  # type: ignore[typeddict-item]
    if fixed := declared.keys() - ToolSpec.model_fields.keys():
        raise AgentError(f"tool {item.name!r}: its {min(fixed)} was settled where it was made")
    said = dict(declared)
    if "exposure" in said:
        said["exposure"] = _exposure(declared)
    if "exclusive" in said:
        said["exclusive"] = _exclusive(declared, declared.get("name") or item.name)
    return replace(item, spec=item.spec.model_copy(update=said))


def extended(item: Tool, model: type[BaseModel]) -> Tool:
    """Return a tool whose input has the fields of `model` too.

    The function gets those that it has parameters for, or all where it has `**kwargs`. What it does not take is checked
    and kept in the log: a reason that the model is to give, for example.
    """
    schema, more = dict(item.spec.input_schema), _schema_of(item.name, model)
    for part in ("properties", "$defs"):
        own, added = _object(schema.get(part)), _object(more.get(part))
        if clash := {name for name in own.keys() & added.keys() if part == "properties" or own[name] != added[name]}:
            raise AgentError(f"tool {item.name!r}: {min(clash)!r} is in its schema already; name it otherwise")
        if own or added:
            schema[part] = {**own, **added}
    required = [*_list(schema.get("required")), *_list(more.get("required"))]
    if required:
        schema["required"] = required
    takes = read_signature(item.function, item.name).takes
    base = ModelArguments(item.arguments) if isinstance(item.arguments, type) else item.arguments
    return Tool(
        **{
            **_fields(item),
            "spec": item.spec.model_copy(update={"input_schema": schema}),
            "arguments": ExtendedArguments(base, ModelArguments(model), takes),
        }
    )


def _fields(item: Tool) -> dict[str, Any]:
    return {name: getattr(item, name) for name in Tool.__dataclass_fields__}


def _object(value: JsonValue | None) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue | None) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _make(function: ToolFunction, declared: Declared) -> Tool:
    inner = innermost(function)
    name = declared.get("name") or str(getattr(function, "__name__", getattr(inner, "__name__", "")))
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise AgentError(f"a tool cannot be named {name!r}; give it a name of letters, digits, _ and -")
    preset = dict(declared.get("preset") or {})
    signature = read_signature(
        function,
        name,
        preset,
        var_args=declared.get("include_var_args", False),
        var_kwargs=declared.get("include_var_kwargs", False),
    )
    described = read_docstring(inspect.getdoc(inner) if inspect.isroutine(function) else _doc_of(function, inner))
    given = declared.get("schema")
    arguments: type[BaseModel] | Arguments
    if given is None:
        arguments = arguments_model(signature, name, described.parameters)
        schema = _schema_of(name, arguments)
    else:
        schema, arguments = _own_schema(name, given, signature, preset)
    description = declared.get("description")
    try:
        spec = ToolSpec(
            name=name,
            description=described.text(long=declared.get("long_description", True))
            if description is None
            else description,
            input_schema=schema,
            effect=_effect(declared),
            permission=declared.get("permission", "allow"),
            exclusive=_exclusive(declared, name),
            timeout=declared.get("timeout", 60.0),
            retries=declared.get("retries", 3),
            max_concurrency=declared.get("max_concurrency"),
            group=declared.get("group", ""),
            every_time=declared.get("every_time", False),
            subject=declared.get("subject"),
            exposure=_exposure(declared),
            max_output=declared.get("max_output", 1_000_000),
        )
    except ValidationError as error:
        raise AgentError(f"tool {name!r}: {first_problem(error)}") from None
    return Tool(
        spec=spec,
        function=function,
        arguments=arguments,
        is_async=inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner),
        wants_context=signature.context is not None,
        context_name=signature.context or "context",
        preset=preset,
        postprocess=declared.get("postprocess"),
        taking=signature.taking,
        declared=declared,
        preview=declared.get("preview"),
    )


def _effect(declared: Declared) -> Effect:
    return "read_only" if declared.get("read_only") else "idempotent" if declared.get("idempotent") else "effectful"


def _exclusive(declared: Declared, name: str) -> str | None:
    exclusive = declared.get("exclusive", False)
    return name if exclusive is True else exclusive or None


def _exposure(declared: Declared) -> tuple[Exposure, ...]:
    exposure = declared.get("exposure", ())
    return (exposure,) if isinstance(exposure, str) else tuple(exposure)


def _doc_of(function: ToolFunction, inner: Any) -> str | None:
    """Return the docstring of what is no plain function: that of a partial one's, of the call, or of the object."""
    if isinstance(function, functools.partial):
        return inspect.getdoc(inner)
    return inspect.getdoc(inner) if inner.__doc__ else inspect.getdoc(function)


def _schema_of(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a model, without the titles that say nothing new."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PydanticJsonSchemaWarning)  # a default that JSON cannot hold is left out
            schema = model.model_json_schema()
    except PydanticUserError as error:
        raise AgentError(f"tool {name!r}: its parameters make no schema: {error.message}") from None
    for key in ("title", "description"):
        schema.pop(key, None)
    for parameter in schema.get("properties", {}).values():
        parameter.pop("title", None)
    return schema


def _own_schema(
    name: str, given: Mapping[str, Any] | type[BaseModel], signature: Signature, preset: Mapping[str, Any]
) -> tuple[dict[str, Any], type[BaseModel] | Arguments]:
    """Return a schema of one's own without what is preset, and what reads input by it."""
    if isinstance(given, type):
        schema, arguments = _schema_of(name, given), given
    else:
        schema = {**given, "properties": dict(given.get("properties") or {})}
    for hidden in preset:
        schema.get("properties", {}).pop(hidden, None)
    if "required" in schema:
        schema["required"] = [key for key in schema["required"] if key not in preset]
    known = set(schema.get("properties", {}))
    if signature.takes is not None and (unknown := known - signature.takes):
        raise AgentError(f"tool {name!r}: its schema has {min(unknown)!r}, which the function does not take")
    if missing := signature.required - known:
        raise AgentError(f"tool {name!r}: its schema lacks {min(missing)!r}, which the function needs")
    if isinstance(given, type):
        return schema, arguments
    return schema, SchemaArguments(schema, signature.takes)
