"""All kinds in one union, and events to and from JSON.

Unknown kinds are kept and shown raw, never dropped; a known kind of a newer version is refused, because reading it
wrongly would be worse than not reading it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from workbench.errors import NewerDatabaseError, SessionFileError
from workbench.events.base import Event
from workbench.events.call import (
    CallCancelled,
    CallDiscarded,
    CallFinished,
    CallInterrupted,
    CallProgressed,
    CallRetried,
    CallReused,
    CallStarted,
    LateResultDropped,
    OutcomeResolved,
    OutcomeUnknown,
    PermissionAsked,
    PermissionDecided,
    ResultEvent,
    SubagentFinished,
    SubagentsSettled,
    SubagentStarted,
)
from workbench.events.content import Content, content_size, first_line, normalise_json
from workbench.events.edit import AgentEdited, InputEdited, MessageAdded, ResultEdited, TextEdited
from workbench.events.library import (
    RunHidden,
    RunImported,
    RunJudged,
    RunMarked,
    RunNamed,
    RunNoted,
    RunRaced,
    RunTagged,
)
from workbench.events.plan import (
    PlanApproved,
    PlanEdited,
    PlanProposed,
    PlanSkipped,
    PlanStepFinished,
    PlanStepStarted,
)
from workbench.events.run import (
    AnswerRefused,
    BreakpointHit,
    ContextElided,
    ContextSummarised,
    HookChanged,
    LimitReached,
    ModeChanged,
    RunFinished,
    RunForked,
    RunPaused,
    RunRecovered,
    RunResumed,
    RunStarted,
    ToolsSwitched,
)
from workbench.events.turn import ModelRetried, TurnDiscarded, TurnFinished, TurnStarted, TurnText


class UnknownEvent(Event):
    """An event of a kind that this version does not know; `raw` is its whole JSON object."""

    kind: str
    raw: dict[str, Any] = Field(default_factory=dict)
    v: int = 1


RunEvent = (
    RunStarted | RunRecovered | RunForked | RunPaused | RunResumed | RunFinished
    | PlanProposed | PlanApproved | PlanEdited | PlanSkipped | PlanStepStarted | PlanStepFinished
    | TurnStarted | TurnText | TurnDiscarded | TurnFinished
    | CallStarted | CallProgressed | CallRetried | CallFinished | CallCancelled | CallInterrupted | CallDiscarded
    | CallReused | OutcomeUnknown | OutcomeResolved | LateResultDropped
    | PermissionAsked | PermissionDecided
    | ResultEdited | InputEdited | TextEdited | AgentEdited | MessageAdded
    | SubagentStarted | SubagentFinished | SubagentsSettled
    | ModeChanged | ToolsSwitched | AnswerRefused | LimitReached | BreakpointHit | HookChanged | ContextElided
    | ContextSummarised | ModelRetried
)  # fmt: skip
"""Everything that can stand in a run's log."""
LibraryLogEvent = RunNamed | RunNoted | RunTagged | RunMarked | RunHidden | RunImported | RunRaced | RunJudged

_UNION: TypeAdapter[RunEvent | LibraryLogEvent] = TypeAdapter(
    Annotated[RunEvent | LibraryLogEvent, Field(discriminator="kind")]
)
_MANY: TypeAdapter[list[RunEvent]] = TypeAdapter(list[Annotated[RunEvent, Field(discriminator="kind")]])
_CONTENT: TypeAdapter[Content] = TypeAdapter(Content)

KINDS: dict[str, type[Event]] = {
    str(model.model_fields["kind"].default): model for model in (*RunEvent.__args__, *LibraryLogEvent.__args__)
}
"""Every known kind with its model."""
BODY_FIELD: Final = "result"
"""The one field that is stored apart from the rest of an event."""


def head_json(event: Event) -> str:
    """Return the event as JSON without its body."""
    if isinstance(event, UnknownEvent):
        raw = {key: value for key, value in event.raw.items() if key != BODY_FIELD}
        return json.dumps(raw, ensure_ascii=False, separators=(",", ":"))
    if isinstance(event, ResultEvent):
        return event.model_dump_json(exclude={"result"})
    return event.model_dump_json()


def body_json(event: Event) -> str | None:
    """Return the result's blocks as JSON, or None where the event has no body."""
    if isinstance(event, ResultEvent):
        return _CONTENT.serializer.to_json(event.result).decode()
    if isinstance(event, UnknownEvent) and BODY_FIELD in event.raw:
        return json.dumps(event.raw[BODY_FIELD], ensure_ascii=False, separators=(",", ":"))
    return None


def whole_json(head: str, body: str | None) -> str:
    """Return head and body as the one JSON object that readers outside see."""
    return head if body is None else f'{head[:-1]},"{BODY_FIELD}":{body}}}'


def parse_body(body: str) -> Content:
    """Return stored blocks."""
    return _CONTENT.validate_json(body)


def parse_event(text: str) -> Event:
    """Return one event from JSON, body included if it is there.

    Raises `NewerDatabaseError` for a known kind of a newer version, `SessionFileError` for what is no event.
    """
    try:
        return _UNION.validate_json(text)
    except ValidationError as error:
        return _parse_unusual(text, error)


def parse_heads(heads: Iterable[str]) -> list[Event]:
    """Return many events from their JSON, quickly: one pass over all, and one by one only where that fails."""
    texts = list(heads)
    try:
        return list(_MANY.validate_json(f"[{','.join(texts)}]"))
    except ValidationError:
        return [parse_event(text) for text in texts]


def _parse_unusual(text: str, error: ValidationError) -> Event:
    try:
        raw = normalise_json(json.loads(text))
    except (ValueError, RecursionError):
        raise SessionFileError(f"an event is not JSON: {text[:80]!r}") from None
    if not isinstance(raw, dict) or not isinstance(kind := raw.get("kind"), str):
        raise SessionFileError(f"an event has no kind: {text[:80]!r}")
    version = raw.get("v", 1)
    if kind not in KINDS:
        return UnknownEvent(kind=kind, v=version if isinstance(version, int) else 1, raw=raw)
    known = int(KINDS[kind].model_fields["v"].default)
    if isinstance(version, int) and version > known:
        raise NewerDatabaseError(
            f"event {kind!r} has version {version}; this workbench reads up to {known}. Use a newer workbench."
        )
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    raise SessionFileError(f"event {kind!r} is malformed at {where or 'its top'}: {first['msg']}")


def result_fields(content: Content, *, is_error: bool) -> dict[str, Any]:
    """Return the fields that every `ResultEvent` has, computed from its content."""
    return {
        "result": content,
        "size": content_size(content),
        "first_line": first_line(content),
        "is_error": is_error,
    }
