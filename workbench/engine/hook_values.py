"""What hooks are shown and what they return, as values: read with care, because a stranger's code made them.

Pure. What cannot be used is a `HookFailedError`, in words for the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from workbench.agent.hooks import Call, Hooks, Turn
from workbench.engine.results import described
from workbench.events.content import (
    Content,
    JsonBlock,
    TextBlock,
    binary_blocks,
    normalise_content,
    normalise_json,
    normalise_text,
    plain_text,
    text_content,
)
from workbench.events.request import ThinkingBlock, ToolCallBlock
from workbench.events.run import HookChanged
from workbench.events.turn import TurnFinished
from workbench.tools.base import ToolResult, to_content

LONGEST_TEXT = 64 * 1024
"""Characters that an event keeps of what a hook changed, before and after."""

T = TypeVar("T")


class HookFailedError(Exception):
    """A hook raised, took too long, or returned what cannot be used; the words say which."""


# What it is shown.


def words_of(content: Content) -> str:
    """Return the words of a task or a message, without the files that were given with it."""
    return plain_text(tuple(block for block in content if isinstance(block, TextBlock | JsonBlock)))


def copied(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of an object, as JSON may hold it."""
    normal = normalise_json(dict(value))
    return json.loads(json.dumps(normal)) if isinstance(normal, dict) else {}


def call_of(call: str, tool: str, input_: Mapping[str, Any]) -> Call:
    """Return a call as hooks see it."""
    return Call(tool, copied(input_), call)


def turn_of(finished: TurnFinished) -> Turn:
    """Return a turn as hooks see it."""
    return Turn(
        finished.step,
        "\n".join(block.text for block in finished.content if isinstance(block, TextBlock)),
        tuple(call_of(block.id, block.tool, block.input) for block in finished.calls),
        "\n".join(block.text for block in finished.content if isinstance(block, ThinkingBlock)),
    )


# What becomes of what it returns.


def made(make: Callable[[T, Any], T], value: T, given: Any) -> T:
    """Return what a hook makes of a value; what cannot be read is a failure of the hook."""
    try:
        return make(value, given)
    except HookFailedError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge of a hook: what it returned may do anything when read
        raise HookFailedError(f"what it returned cannot be read: {described(error)}") from None


def new_shown(_: str, given: Any) -> str:
    """Return a text, which may be empty."""
    if not isinstance(given, str):
        raise HookFailedError(f"it returned {type(given).__name__}; expected a text, or None for no change")
    return normalise_text(given)


def new_words(_: str, given: Any) -> str:
    """Return a text that says something."""
    text = new_shown("", given)
    if not text.strip():
        raise HookFailedError("it returned an empty text")
    return text


def new_content(old: Content, given: Any) -> Content:
    """Return a text, or content blocks, that stand instead of `old`; files stay where only the text is another."""
    if isinstance(given, str):
        return (*text_content(new_words("", given)), *binary_blocks(old))
    if not isinstance(given, tuple | list) or not given or to_content(given) != normalise_content(given):
        raise HookFailedError(f"it returned {type(given).__name__}; expected a text, or content blocks")
    return normalise_content(given)


def new_result(old: ToolResult, given: Any) -> ToolResult:
    """Return another result, of whatever a tool may return."""
    if isinstance(given, ToolResult):
        return replace(given, content=normalise_content(given.content))
    return replace(old, content=to_content(given))


def new_call(old: Call, given: Any) -> Call:
    """Return a call of the same tool with another input."""
    if isinstance(given, Call) and given.tool != old.tool:
        raise HookFailedError(f"it returned a call of {given.tool!r}; the tool of a call stays what it is")
    input_ = given.input if isinstance(given, Call) else given
    if not isinstance(input_, Mapping):
        raise HookFailedError(f"it returned {type(given).__name__}; expected another input, or None for no change")
    return replace(old, input=copied(input_))


def new_turn(old: Turn, given: Any) -> Turn:
    """Return a turn that says or wants something else."""
    if isinstance(given, str):
        given = replace(old, text=given)
    if not isinstance(given, Turn):
        raise HookFailedError(f"it returned {type(given).__name__}; expected a Turn, a text, or None for no change")
    calls = tuple(call_of(str(call.id), normalise_text(call.tool), call.input) for call in given.calls)
    named = [call.id for call in calls if call.id]
    if len(named) != len(set(named)) or not set(named) <= {call.id for call in old.calls}:
        raise HookFailedError("it returned calls with ids that are not the turn's; leave the id of a new call empty")
    if not given.text.strip() and not calls:
        raise HookFailedError("it left nothing of the turn")
    return Turn(old.step, normalise_text(given.text), calls, old.thinking)


def changed_turn(finished: TurnFinished, new: Turn, known: Iterable[str]) -> TurnFinished:
    """Return the turn as a hook wants it; what only its provider understands does not fit it any more and goes.

    `known` are the ids that the step has beside those of the turn.
    """
    before = {block.id: block for block in finished.calls}
    free = max((int(name.partition(".")[2]) for name in (*before, *known)), default=-1) + 1
    calls: list[ToolCallBlock] = []
    for call in new.calls:
        was = before.get(call.id)
        if was is not None and (was.tool, was.input) == (call.tool, call.input):
            calls.append(was)
            continue
        if not call.id:
            free += 1
        name = call.id or f"{finished.step}.{free - 1}"
        calls.append(ToolCallBlock(id=name, tool=call.tool, input=copied(call.input)))
    thoughts = (block for block in finished.content if isinstance(block, ThinkingBlock))
    text = (TextBlock(text=new.text),) if new.text.strip() else ()
    return finished.model_copy(update={"content": (*thoughts, *text, *calls), "provider_parts": None})


# What the log keeps of it.


def changed(hook: str, what: str, before: str, after: str, **more: Any) -> HookChanged:
    """Return that a hook changed something."""
    return HookChanged(hook=hook, what=what, before=bounded(before), after=bounded(after), **more)


def failed(hook: Hooks, method: str, error: HookFailedError, **more: Any) -> HookChanged:
    """Return that a hook came to nothing."""
    return changed(hook.name, "failed", method, str(error), **more)


def turn_text(turn: Turn) -> str:
    """Return a turn as text: what it says, and what it wants."""
    return "\n".join([*([turn.text] if turn.text else []), *(f"{call.tool} {input_text(call)}" for call in turn.calls)])


def input_text(call: Call) -> str:
    """Return the input of a call as text."""
    return json.dumps(dict(call.input), ensure_ascii=False)


def step_of(call: str) -> int:
    """Return the step of a call."""
    step = call.partition(".")[0]
    return int(step) if step.isdecimal() else 0


def bounded(text: str) -> str:
    """Return a text as events keep it."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}\n[cut here; {len(text):,} characters in all]"
