"""What becomes of the input of a call: it is checked, and made into the arguments of a function.

What is wrong is said field by field, each with its path in the input (`place.name`, `tags.1`), for the model to mend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Protocol

from pydantic import BaseModel, JsonValue, ValidationError

from workbench.errors import ToolError

MOST_PROBLEMS = 20
"""Wrong fields that are named; a model mends them one after the other anyway."""
LONGEST_PROBLEM = 200
"""Characters of what is said of one: words of a checker may repeat the whole value."""


class Arguments(Protocol):
    """Reads the input of a call."""

    def read(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return arguments by name; raises `InputError` where some are wrong."""
        ...


class InputError(ToolError):
    """The input does not fit: what is wrong, field by field."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        found = list(islice(dict.fromkeys(problems), MOST_PROBLEMS + 1))
        said = [f"{path or 'input'}: {_cut(what)}" for path, what in found[:MOST_PROBLEMS]]
        super().__init__("; ".join([*said, "and more"] if len(found) > MOST_PROBLEMS else said))


def first_problem(error: ValidationError) -> str:
    """Return the first of what pydantic found, with its place."""
    first = error.errors(include_url=False)[0]
    return _cut(": ".join([*filter(None, [".".join(map(str, first["loc"]))]), first["msg"]]))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_PROBLEM else f"{text[:LONGEST_PROBLEM]}…"


@dataclass(frozen=True, slots=True)
class ModelArguments:
    """Arguments that a pydantic model describes; what it allows beyond its fields is given as it is."""

    model: type[BaseModel]

    def read(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the fields by the names that they have in the input."""
        given = dict(input_)
        try:
            made = self.model.model_validate(given)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            raise InputError((_path(given, item["loc"], item["type"]), item["msg"]) for item in found) from None
        fields = {name: getattr(made, attribute) for attribute, name in _names_of(self.model).items()}
        return {**(made.model_extra or {}), **fields}


@cache
def _names_of(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the name in the input of each field of a model."""
    return {name: field.alias or name for name, field in model.model_fields.items()}


def _path(given: JsonValue, location: Sequence[str | int], kind: str) -> str:
    """Return where in the input something is wrong: pydantic also names the branches of unions, which are not in it."""
    path: list[str] = []
    for number, part in enumerate(location, 1):
        if isinstance(given, dict) and part in given:
            given = given[str(part)]
        elif isinstance(given, list) and isinstance(part, int) and part < len(given):
            given = given[part]
        elif not (number == len(location) and kind == "missing"):
            continue
        path.append(str(part))
    return ".".join(path)


class SchemaArguments:
    """Arguments that a JSON Schema (draft 2020-12) describes. What it refers to elsewhere is never fetched."""

    def __init__(self, schema: Mapping[str, Any], takes: AbstractSet[str] | None) -> None:
        self._schema, self._takes = schema, takes
        """The names that the function has; None where it takes any."""
        self._checker: Any = None

    def read(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the input as it is."""
        given = dict(input_)
        try:
            if self._checker is None:
                self._checker = checker(self._schema)
            errors = islice(self._checker.iter_errors(given), MOST_PROBLEMS + 1)
            found = [problem for error in errors for problem in _problems(error)]
        except Exception as error:  # noqa: BLE001 - a stranger's schema: it may refer to what is not there, and more
            raise ToolError(f"the schema of the tool cannot be used: {error}") from None
        if found:
            raise InputError(found)
        if self._takes is not None and (unknown := given.keys() - self._takes):
            raise InputError((name, "there is no such parameter") for name in sorted(unknown))
        return given


def checker(schema: Mapping[str, Any]) -> Any:
    """Return what checks values by a JSON Schema; made when it is first needed, because its library loads slowly."""
    from jsonschema import Draft202012Validator
    from referencing import Registry

    return Draft202012Validator(schema, registry=Registry())


def _problems(error: Any) -> Iterable[tuple[str, str]]:
    """Yield path and words of what a checker found."""
    path = [str(part) for part in error.absolute_path]
    if error.validator == "required" and isinstance(error.instance, dict):
        for name in error.validator_value:
            if name not in error.instance:
                yield ".".join([*path, name]), "Field required"
    elif error.validator == "additionalProperties" and error.validator_value is False:
        known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
        for name in error.instance:
            if name not in known and not any(re.search(pattern, name) for pattern in patterns):
                yield ".".join([*path, name]), "Extra inputs are not permitted"
    elif error.validator == "enum":
        yield ".".join(path), f"it must be one of {json.dumps(error.validator_value, ensure_ascii=False)}"
    else:
        yield ".".join(path), error.message


@dataclass(frozen=True, slots=True)
class ExtendedArguments:
    """Arguments with more fields: those that the function does not take are checked, and stay in the log alone."""

    base: Arguments
    more: ModelArguments
    takes: AbstractSet[str] | None

    def read(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the arguments, and of the further fields those that the function takes."""
        names = set(_names_of(self.more.model).values())
        problems: list[ToolError] = []
        read: dict[str, Any] = {}
        own = {name: value for name, value in input_.items() if name not in names}
        further = {name: value for name, value in input_.items() if name in names}
        for arguments, given in ((self.base, own), (self.more, further)):
            try:
                read |= arguments.read(given)
            except InputError as error:
                problems.append(error)
        if problems:
            raise ToolError("; ".join(map(str, problems)))
        return {
            name: value for name, value in read.items() if name not in names or self.takes is None or name in self.takes
        }
