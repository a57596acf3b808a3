"""Facts as OpenTelemetry spans: `invoke_agent` for runs, `chat` for turns, `execute_tool` for calls.

A span is made when it is over, with its own times; where it stands, and with which ids, is said by `spans` for the
command line and by `nested_spans` for programs. What was asked and answered is told only where that was asked for, and
without keys.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from workbench.driver.feed import Trouble
from workbench.events.call import CallFinished, CallRetried, CallStarted, ResultEvent
from workbench.events.content import plain_text
from workbench.events.request import ToolCallBlock, TurnBlock, Usage
from workbench.events.run import RunFinished, RunForked, RunStarted
from workbench.events.turn import TurnFinished, TurnStarted
from workbench.providers.keys import redacted
from workbench.providers.wire.common import split_model
from workbench.telemetry import genai
from workbench.telemetry.facts import CallEnded, Fact, RunRested, Stretch, TurnEnded
from workbench.telemetry.span_ids import event_span, run_span

LONGEST: Final = 64_000
"""Characters of one value with content."""
_FAILED_CALLS: Final = frozenset({"error", "timeout", "exception", "invalid_input", "failed"})

Attributes = dict[str, Any]


class FactSpans(ABC):
    """Makes spans of what is over; a span is named by a digest of the run and of the event that it begins with."""

    def __init__(self, tracer: Tracer, *, content: bool) -> None:
        self._tracer, self._content = tracer, content

    def take(self, fact: Fact | Trouble) -> None:
        """Make the span of what is over."""
        if isinstance(fact, RunRested):
            self._run(fact)
        elif isinstance(fact, TurnEnded):
            self._turn(fact)
        elif isinstance(fact, CallEnded):
            self._call(fact)

    @abstractmethod
    def close(self) -> None:
        """Tell what is left."""

    @abstractmethod
    def _begun(
        self, name: str, stretch: Stretch, span: int, attributes: Attributes, at: float, kind: SpanKind
    ) -> Span | None:
        """Return a span that has begun; None where nobody keeps its trace."""

    def _run(self, fact: RunRested) -> None:
        stretch = fact.stretch
        began = stretch.began.event
        said = {
            genai.OPERATION: genai.INVOKE_AGENT,
            genai.AGENT_NAME: stretch.kin.agent or None,
            genai.ERROR_TYPE: fact.reason if fact.status == "failed" else None,
            "workbench.run.id": stretch.run,
            "workbench.run.status": fact.status,
            "workbench.run.reason": fact.reason,
            **_used(stretch.usage),
            **_asked(stretch),
        }
        if self._content and isinstance(began, RunStarted):
            said[genai.INPUT_MESSAGES] = _messages("user", [_text(plain_text(began.task))])
        if self._content and fact.ended is not None and isinstance(fact.ended.event, RunFinished):
            answer = fact.ended.event.answer
            said[genai.OUTPUT_MESSAGES] = None if answer is None else _messages("assistant", [_text(answer)])
        error = fact.error if fact.status == "failed" else None
        times = stretch.began.at, fact.at
        self._make(run_name(stretch), stretch, stretch_span(stretch), said, times, SpanKind.INTERNAL, error)

    def _turn(self, fact: TurnEnded) -> None:
        stretch, event = fact.stretch, fact.ended.event
        said = {
            genai.OPERATION: genai.CHAT,
            genai.REQUEST_STREAM: True,
            genai.ERROR_TYPE: fact.error_kind or None,
            "workbench.turn.status": fact.status,
            **_used(fact.usage),
            **_asked(stretch),
        }
        if isinstance(fact.started.event, TurnStarted):
            started = fact.started.event
            said |= {"workbench.step": started.step, "workbench.attempt": started.attempt}
            said["workbench.purpose"] = started.purpose
        if isinstance(event, TurnFinished):
            said |= {genai.FINISH_REASONS: [event.stop_reason], genai.FIRST_CHUNK: event.first_token}
            if self._content:
                said[genai.OUTPUT_MESSAGES] = _messages("assistant", [_part(block) for block in event.content])
        model = split_model(fact.model)
        name = f"{genai.CHAT} {model.model or model.provider}"
        span, times = event_span(stretch.run, fact.started.seq), (fact.started.at, fact.ended.at)
        error = fact.error if fact.error_kind else None
        self._make(name, stretch, span, said, times, SpanKind.CLIENT, error)

    def _call(self, fact: CallEnded) -> None:
        stretch, started, event = fact.stretch, fact.started.event, fact.ended.event
        failed = fact.status in _FAILED_CALLS
        said: Attributes = {
            genai.OPERATION: genai.EXECUTE_TOOL,
            genai.TOOL_NAME: fact.tool,
            genai.ERROR_TYPE: fact.status if failed else None,
            genai.CONVERSATION: stretch.kin.root,
            "workbench.call.status": fact.status,
        }
        if isinstance(started, CallStarted):
            said[genai.TOOL_CALL] = started.call
            said[genai.TOOL_TYPE] = "extension" if started.hosted else "function"
            if self._content:
                said[genai.TOOL_ARGUMENTS] = json.dumps(started.input, ensure_ascii=False)
        if self._content and isinstance(event, ResultEvent):
            said[genai.TOOL_RESULT] = plain_text(event.result)
        error = event.first_line if failed and self._content and isinstance(event, CallFinished) else ""
        events = [
            (record.at, "workbench.retry", {"workbench.attempt": retry.attempt, "workbench.wait": retry.wait})
            for record in fact.retries
            if isinstance(retry := record.event, CallRetried)
        ]
        span, times = event_span(stretch.run, fact.started.seq), (fact.started.at, fact.ended.at)
        given = error if failed else None
        self._make(call_name(fact.tool), stretch, span, said, times, SpanKind.INTERNAL, given, events)

    def _make(
        self,
        name: str,
        stretch: Stretch,
        span: int,
        attributes: Attributes,
        times: tuple[float, float],
        kind: SpanKind,
        error: str | None,
        events: list[tuple[float, str, Attributes]] = [],  # noqa: B006 - never changed
    ) -> None:
        """Make a span that is over; `error` is why it failed, None where it did not."""
        said = {key: _clean(value) for key, value in attributes.items() if value is not None}
        made = self._begun(name, stretch, span, said, times[0], kind)
        if made is None:
            return
        for at, what, more in events:
            made.add_event(what, more, nanoseconds(at))
        if error is not None:
            made.set_status(Status(StatusCode.ERROR, _clean(error) or None))
        made.end(nanoseconds(max(times)))


def run_name(stretch: Stretch) -> str:
    """Return what the span of a run is called."""
    return f"{genai.INVOKE_AGENT} {stretch.kin.agent}".strip()


def call_name(tool: str) -> str:
    """Return what the span of a call is called."""
    return f"{genai.EXECUTE_TOOL} {tool}"


def stretch_span(stretch: Stretch) -> int:
    """Return the span of a run, or of the part of it that goes on."""
    if isinstance(stretch.began.event, RunStarted | RunForked):
        return run_span(stretch.run)
    return event_span(stretch.run, stretch.began.seq)


def _asked(stretch: Stretch) -> Attributes:
    model = split_model(stretch.model)
    named = {genai.PROVIDER: genai.provider_name(model.provider), genai.REQUEST_MODEL: model.model or model.provider}
    return {genai.CONVERSATION: stretch.kin.root, **(named if stretch.model else {})}


def _used(usage: Usage) -> Attributes:
    return {
        genai.INPUT_TOKENS: usage.input_tokens,
        genai.OUTPUT_TOKENS: usage.output_tokens,
        genai.CACHE_READ: usage.cache_read_tokens or None,
        genai.CACHE_WRITE: usage.cache_write_tokens or None,
        "workbench.cost": usage.cost,
    }


def _messages(role: str, parts: list[Mapping[str, Any]]) -> str:
    return json.dumps([{"role": role, "parts": parts}], ensure_ascii=False)


def _text(text: str) -> Mapping[str, Any]:
    return {"type": "text", "content": text}


def _part(block: TurnBlock) -> Mapping[str, Any]:
    if isinstance(block, ToolCallBlock):
        return {"type": "tool_call", "id": block.id, "name": block.tool, "arguments": block.input}
    return {"type": "reasoning" if block.type == "thinking" else "text", "content": block.text}


def _clean(value: Any) -> Any:
    """Return a value without keys, and not too long."""
    return redacted(value)[:LONGEST] if isinstance(value, str) else value


def nanoseconds(at: float) -> int:
    """Return a time as spans have it."""
    return round(at * 1_000_000_000)
