"""`Tool`, what it is given, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel, JsonValue, ValidationError

from workbench.errors import ToolError
from workbench.events.agent import ToolSpec
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
from workbench.tools.library import Readable


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
        """The run and those that it was forked from."""
        ...

    @property
    def pace(self) -> float:
        """Seconds that an embedded tool takes at least, so that a person can watch; 0 for full speed."""
        ...

    def progress(self, text: str) -> None:
        """Say how far the call is; safe from any thread."""
        ...

    async def readable(self) -> Readable:
        """Return whose notes this call may read."""
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
    preview: Callable[[Mapping[str, Any]], str] | None = None
    """Says, for a person who is asked, what a call with these arguments would do: a diff, a command. Quick."""

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

    def previewed(self, input_: Mapping[str, JsonValue]) -> str:
        """Return what a person who is asked should see of a call, below the question; empty where that is nothing."""
        if self.preview is None:
            return ""
        try:
            return self.preview(self.validate(input_))
        except Exception as error:  # noqa: BLE001 - the edge of a tool: a person is asked all the same
            return f"what it would do cannot be shown: {error}"

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Awaitable[Any] | Any:
        """Call the function: an awaitable where it is async, its value where it is not."""
        extra = {self.context_name: context} if self.wants_context else {}
        return self.function(**arguments, **self.preset, **extra)


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
