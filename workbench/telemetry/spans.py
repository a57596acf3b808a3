"""Facts as OpenTelemetry spans: `invoke_agent` for runs, `chat` for turns, `execute_tool` for calls.

A subagent's run is below the call that spawned it, a run that goes on is below the span in which it began, and a fork
is a trace of its own with a link to the run that it was made of. A span is made when it is over, with its own times
and with ids that follow from the log, so nothing is kept open here. What was asked and answered is told only where
that was asked for, and without keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

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
from workbench.telemetry.span_ids import event_span, run_span, trace_id
from workbench.version import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context

LONGEST: Final = 64_000
"""Characters of one value with content."""
_FAILED_CALLS: Final = frozenset({"error", "timeout", "exception", "invalid_input", "failed"})

Attributes = dict[str, Any]


class GivenIds(IdGenerator):
    """Gives the ids that the next span is to have; spans that are not ours get some of their own."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.next: tuple[int, int] | None = None
        """Trace and span."""

    def generate_trace_id(self) -> int:
        """Return the trace of the next span; asked only where it has nothing above it."""
        return self.next[0] if self.next is not None else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the next span."""
        return self.next[1] if self.next is not None else self._random.generate_span_id()


class Spans:
    """Makes spans with a provider whose ids are `ids`; the provider is nobody else's."""

    def __init__(self, provider: TracerProvider, ids: GivenIds, *, content: bool) -> None:
        self._provider, self._ids, self._content = provider, ids, content
        self._tracer = provider.get_tracer("workbench", __version__)

    def take(self, fact: Fact | Trouble) -> None:
        """Make the span of what is over."""
        if isinstance(fact, RunRested):
            self._run(fact)
        elif isinstance(fact, TurnEnded):
            self._turn(fact)
        elif isinstance(fact, CallEnded):
            self._call(fact)

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()

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
        self._make(
            f"{genai.INVOKE_AGENT} {stretch.kin.agent}".strip(), stretch, _stretch_span(stretch), _above(stretch), said,
            (stretch.began.at, fact.at), SpanKind.INTERNAL, fact.error if fact.status == "failed" else None,
            links=_links(stretch),
        )  # fmt: skip

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
        self._make(name, stretch, span, _stretch_span(stretch), said, times, SpanKind.CLIENT, error)

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
        name = f"{genai.EXECUTE_TOOL} {fact.tool}"
        given = error if failed else None
        self._make(name, stretch, span, _stretch_span(stretch), said, times, SpanKind.INTERNAL, given, events=events)

    def _make(
        self,
        name: str,
        stretch: Stretch,
        span: int,
        above: int | None,
        attributes: Attributes,
        times: tuple[float, float],
        kind: SpanKind,
        error: str | None,
        *,
        links: tuple[Link, ...] = (),
        events: list[tuple[float, str, Attributes]] = [],  # noqa: B006 - never changed
    ) -> None:
        """Make a span that is over; `error` is why it failed, None where it did not."""
        of_trace = trace_id(stretch.kin.root)
        if self._provider.sampler.should_sample(None, of_trace, name).decision is Decision.DROP:
            return  # all of a trace or nothing, in every process
        self._ids.next = of_trace, span
        try:
            made = self._tracer.start_span(
                name,
                _context(of_trace, above),
                kind,
                {key: _clean(value) for key, value in attributes.items() if value is not None},
                links,
                _nanoseconds(times[0]),
                record_exception=False,
            )
        finally:
            self._ids.next = None
        for at, what, said in events:
            made.add_event(what, said, _nanoseconds(at))
        if error is not None:
            made.set_status(Status(StatusCode.ERROR, _clean(error) or None))
        made.end(_nanoseconds(max(times)))


def _stretch_span(stretch: Stretch) -> int:
    if isinstance(stretch.began.event, RunStarted | RunForked):
        return run_span(stretch.run)
    return event_span(stretch.run, stretch.began.seq)


def _above(stretch: Stretch) -> int | None:
    """Return the span above that of a stretch; None for the beginning of a run that a person started."""
    if not isinstance(stretch.began.event, RunStarted | RunForked):
        return run_span(stretch.run)
    if stretch.spawned_by is not None:
        return event_span(stretch.spawned_by.run, stretch.spawned_by.seq)
    return run_span(stretch.kin.caller) if stretch.kin.caller is not None else None


def _links(stretch: Stretch) -> tuple[Link, ...]:
    event = stretch.began.event
    if not isinstance(event, RunForked) or stretch.fork_root is None:
        return ()
    said = {"workbench.fork.address": event.address, "workbench.fork.made_from": event.made_from}
    return (Link(_span_context(trace_id(stretch.fork_root), run_span(event.made_from)), said),)


def _context(of_trace: int, above: int | None) -> Context:
    """Return what a span stands in: below another one of its trace, or at its top, whatever the program itself does."""
    if above is None:
        return trace.set_span_in_context(trace.INVALID_SPAN)
    return trace.set_span_in_context(NonRecordingSpan(_span_context(of_trace, above)))


def _span_context(of_trace: int, span: int) -> SpanContext:
    return SpanContext(of_trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


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


def _nanoseconds(at: float) -> int:
    return round(at * 1_000_000_000)
