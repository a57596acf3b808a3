"""`Tool`, what it is given, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, JsonValue

from workbench.errors import ToolError
from workbench.events.agent import ToolSpec
from workbench.events.content import (
    Block,
    Content,
    DocumentBlock,
    ImageBlock,
    JsonBlock,
    TextBlock,
    normalise_content,
    normalise_json,
    text_content,
)
from workbench.tools.arguments import Arguments, InputError, ModelArguments
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


@dataclass(frozen=True, slots=True, init=False)
class ToolResult:
    """A result of more than text, or an error that the model should see as such, or a part of a result.

    A tool that yields gives parts: what it yields is put together. A part that is a `ToolResult` says with
    `is_last=False` that it is one; else it is the whole, in place of all that came before, and nothing more is asked
    of the tool. A text, or one block, is content of one block.
    """

    content: Content
    is_error: bool = False
    is_last: bool = True
    """False for a part, to which more is added."""
    interrupted: bool = False
    """It is not whole: the tool had to stop before its end."""

    def __init__(
        self, content: Content | Block | str, is_error: bool = False, is_last: bool = True, interrupted: bool = False
    ) -> None:
        is_one = isinstance(content, str) or (not isinstance(content, tuple) and _is_block(content))
        given = to_content(content) if is_one else content
        set_field = object.__setattr__
        set_field(self, "content", given)
        set_field(self, "is_error", is_error)
        set_field(self, "is_last", is_last)
        set_field(self, "interrupted", interrupted)


ToolFunction = Callable[..., Any]
Postprocess = Callable[[ToolResult], Any]
"""Gets the result of a tool, and returns what is the result instead; sync or async."""
Preview = Callable[[Mapping[str, Any]], str]
"""Says what a call with these arguments would do: a diff, a command. Quick."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every model API takes as a tool's name."""


@dataclass(frozen=True, slots=True)
class Taking:
    """How a function takes what has no name, or may have none."""

    by_position: tuple[tuple[str, Any], ...] = ()
    """Parameters that are given by position, with their defaults: those without a name, and those before `*args`."""
    star: str | None = None
    """The name of `*args`, where they are given."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function with its declaration."""

    spec: ToolSpec
    function: ToolFunction
    arguments: type[BaseModel] | Arguments
    """Validates the model's input."""
    is_async: bool
    wants_context: bool
    """The function has a parameter annotated `ToolContext`; the model never sees it."""
    context_name: str = "context"
    preset: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that are always the same; the model never sees them."""
    postprocess: Postprocess | None = None
    """Runs inside of the call; its error is the call's."""
    taking: Taking = Taking()
    declared: Mapping[str, Any] | None = None
    """What was said of it when it was made of its function; None where it was made in another way."""
    preview: Preview | None = None
    """What a person who is asked sees below the question."""
    is_told: bool = False
    """It gives what a recording says of the call; nothing runs, so no rule is asked and no person."""

    @property
    def name(self) -> str:
        """The name that the model uses."""
        return self.spec.name

    def validate(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the function's arguments; raises `ToolError` naming each wrong field, for the model to mend."""
        try:
            return self._read(input_)
        except ToolError as error:
            raise ToolError(f"invalid input for {self.name}: {error}") from None
        except RecursionError:
            raise ToolError(f"invalid input for {self.name}: it is nested too deeply") from None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge of a tool: validators are its author's code
            raise ToolError(f"invalid input for {self.name}: {type(error).__name__}: {error}") from None

    def _read(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        arguments = ModelArguments(self.arguments) if isinstance(self.arguments, type) else self.arguments
        read = arguments.read(input_)
        if self.preset or self.wants_context:
            hidden = {*self.preset, *((self.context_name,) if self.wants_context else ())}
            if taken := hidden & read.keys():
                raise InputError((name, "Extra inputs are not permitted") for name in sorted(taken))
        return read

    def previewed(self, input_: Mapping[str, JsonValue]) -> str:
        """Return what a person who is asked should see of a call, below the question; empty where that is nothing."""
        if self.preview is None:
            return ""
        try:
            return self.preview(self.validate(input_))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge of a tool: a person is asked all the same
            return f"what it would do cannot be shown: {error}"

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Awaitable[Any] | Any:
        """Call the function: an awaitable where it is async, its value where it is not; a generator where it yields."""
        extra = {self.context_name: context} if self.wants_context else {}
        given = {**arguments, **self.preset, **extra}
        placed = [given.pop(name, default) for name, default in self.taking.by_position]
        rest = given.pop(self.taking.star, ()) if self.taking.star is not None else ()
        return self.function(*placed, *rest, **given)


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
