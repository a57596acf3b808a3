"""Spans of the command line: in traces of their own, with ids that follow from the log.

A subagent's run is below the call that spawned it, a run that goes on is below the span in which it began, and a fork
is a trace of its own with a link to the run that it was made of. So nothing is kept open here, and every process adds
to the same traces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from workbench.events.run import RunForked, RunStarted
from workbench.telemetry.facts import Stretch
from workbench.telemetry.span_facts import Attributes, FactSpans, nanoseconds, stretch_span
from workbench.telemetry.span_ids import event_span, run_span, trace_id
from workbench.version import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context


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


class Spans(FactSpans):
    """Makes spans with a provider whose ids are `ids`; the provider is nobody else's."""

    def __init__(self, provider: TracerProvider, ids: GivenIds, *, content: bool) -> None:
        super().__init__(provider.get_tracer("workbench", __version__), content=content)
        self._provider, self._ids = provider, ids

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()

    def _begun(
        self, name: str, stretch: Stretch, span: int, attributes: Attributes, at: float, kind: SpanKind
    ) -> Span | None:
        of_trace, of_run = trace_id(stretch.kin.root), stretch_span(stretch)
        if self._provider.sampler.should_sample(None, of_trace, name).decision is Decision.DROP:
            return None  # all of a trace or nothing, in every process
        above, links = (_above(stretch), _links(stretch)) if span == of_run else (of_run, ())
        self._ids.next = of_trace, span
        try:
            return self._tracer.start_span(
                name, _context(of_trace, above), kind, attributes, links, nanoseconds(at), record_exception=False
            )
        finally:
            self._ids.next = None


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
