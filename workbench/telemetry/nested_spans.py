"""Spans of a program's runs: below whatever span the program was in when a run began, with the program's own provider.

Ids are that provider's, so what others stand below is begun before them and kept open: runs and calls. What a tool
traces itself stands below its call. A run that goes on or is forked has a link to the span that it had in this program
before, where that is remembered.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, TracerProvider

from workbench.driver.feed import Trouble
from workbench.events.call import CallStarted
from workbench.events.run import RunForked
from workbench.telemetry import genai
from workbench.telemetry.facts import CallBegan, CallEnded, Fact, RunBegan, RunRested, Stretch
from workbench.telemetry.span_facts import Attributes, FactSpans, call_name, nanoseconds, run_name, stretch_span
from workbench.telemetry.span_ids import event_span
from workbench.version import __version__

MOST_REMEMBERED: Final = 1_000
"""Runs whose spans a later one may link to."""


class Remembered:
    """The last span of each of the last so many runs of a program."""

    def __init__(self) -> None:
        self._spans: dict[str, SpanContext] = {}
        self._lock = Lock()
        """Runs of several event loops, on threads of their own, may end at once."""

    def keep(self, run: str, span: SpanContext) -> None:
        """Remember a run's span, and forget the oldest."""
        with self._lock:
            self._spans.pop(run, None)
            self._spans[run] = span
            while len(self._spans) > MOST_REMEMBERED:
                del self._spans[next(iter(self._spans))]

    def link(self, stretch: Stretch) -> tuple[Link, ...]:
        """Return the link of a run to what it was, or was made of."""
        began = stretch.began.event
        if not isinstance(began, RunForked):
            found = self._spans.get(stretch.run)
            return () if found is None else (Link(found),)
        found = self._spans.get(began.made_from)
        said = {"workbench.fork.address": began.address, "workbench.fork.made_from": began.made_from}
        return () if found is None else (Link(found, said),)


class NestedSpans(FactSpans):
    """Makes the spans of one run and its subagents; it is made where that run begins."""

    def __init__(self, provider: TracerProvider, remembered: Remembered, *, content: bool) -> None:
        super().__init__(provider.get_tracer("workbench", __version__), content=content)
        self._around, self._remembered = context.get_current(), remembered
        self._open: dict[int, Span] = {}
        """Spans that others may stand below, by the ids that they have in the log."""
        self._runs: dict[str, int] = {}
        """Which of them is that of a run."""
        self._calls: dict[tuple[str, str], int] = {}
        """Which of them is that of a call, by the name with which it began."""

    def take(self, fact: Fact | Trouble) -> None:
        """Begin the span of a run or of a call; make that of what is over."""
        if isinstance(fact, RunBegan):
            self._begin_run(fact.stretch)
        elif isinstance(fact, CallBegan):
            self._begin_call(fact)
        super().take(fact)
        if isinstance(fact, RunRested):
            self._runs.pop(fact.stretch.run, None)
        elif isinstance(fact, CallEnded) and isinstance(fact.started.event, CallStarted):
            self._calls.pop((fact.stretch.run, fact.started.event.call), None)

    def around_call(self, run: str, call: str) -> AbstractContextManager[object]:
        """Return what makes the span of a call the current one, while its tool is started."""
        span = self._open.get(self._calls.get((run, call), 0))
        if span is None:
            return nullcontext()
        return trace.use_span(span, record_exception=False, set_status_on_exception=False)

    def close(self) -> None:
        """End what nothing ended: calls that were under way as the run was left. The provider is the program's."""
        for span in self._open.values():
            span.end()
        self._open.clear()

    def _begin_call(self, fact: CallBegan) -> None:
        if isinstance(fact.started.event, CallStarted) and fact.started.event.hosted:
            return  # the provider runs it: nothing here stands below it, and its end may go unsaid
        said = {genai.OPERATION: genai.EXECUTE_TOOL, genai.TOOL_NAME: fact.tool, genai.TOOL_CALL: fact.call}
        span = event_span(fact.stretch.run, fact.started.seq)
        self._open[span] = self._start(call_name(fact.tool), stretch_span(fact.stretch), said, fact.started.at)
        self._calls[fact.stretch.run, fact.call] = span

    def _begin_run(self, stretch: Stretch) -> None:
        call, kin = stretch.spawned_by, stretch.kin
        above = event_span(call.run, call.seq) if call is not None else self._runs.get(kin.caller or "")
        said = {genai.OPERATION: genai.INVOKE_AGENT, genai.AGENT_NAME: kin.agent, genai.CONVERSATION: kin.root}
        span = self._start(run_name(stretch), above, said, stretch.began.at, links=self._remembered.link(stretch))
        self._runs[stretch.run] = of_run = stretch_span(stretch)
        self._open[of_run] = span
        self._remembered.keep(stretch.run, span.get_span_context())

    def _begun(
        self, name: str, stretch: Stretch, span: int, attributes: Attributes, at: float, kind: SpanKind
    ) -> Span | None:
        opened = self._open.pop(span, None)
        if opened is None:
            return self._start(name, stretch_span(stretch), attributes, at, kind)
        opened.set_attributes(attributes)
        return opened

    def _start(
        self,
        name: str,
        above: int | None,
        attributes: Attributes,
        at: float,
        kind: SpanKind = SpanKind.INTERNAL,
        links: tuple[Link, ...] = (),
    ) -> Span:
        span = self._open.get(above) if above is not None else None
        around = self._around if span is None else trace.set_span_in_context(span, self._around)
        return self._tracer.start_span(name, around, kind, attributes, links, nanoseconds(at), record_exception=False)
