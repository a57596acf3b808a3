"""How fast a run goes and what it costs, measured from its log alone, event by event.

What is measured, in seconds:

- *turn*: from a request to the last byte of its answer (`turn_finished.elapsed`); attempts that broke do not count.
- *call*: from a call's start to its result, all attempts and waits within (`call_finished.elapsed`). Results that a
  person or the engine gave do not count, and subagents, which are runs, count by their tool only.
- *aggregation*: from the last result of a step to the start of the next turn.
- *whole*: from the end of a turn to the start of the next one: its calls, and all that is done around them.
- *own*: the part of the whole in which no call ran: dispatch, writing, aggregation. What is ours to make faster.
- *efficiency* of a step with several calls: its critical path divided by its wall time, from the first start to the
  last result. The critical path is the longest chain that no engine could shorten: one call, or all calls that hold
  the same lock, one after the other. 1 means that the calls could not have been done sooner.

A step in which a person was asked, or the run rested, has no aggregation and no whole: that time is nobody's fault.

The alarm is raised when the p95 of the whole passes its limit. Tools may be slow by nature, and the embedded model
slows them down on purpose; so the alarm also says whose time it is, and only what is the engine's own is shown
outside of the metrics: a bell that rings at every web search is soon not heard any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final, Literal, NamedTuple

from workbench.config.targets import DEFAULTS, Targets
from workbench.events import call as calls
from workbench.events import edit as edits
from workbench.events import run as runs
from workbench.events import turn as turns
from workbench.events.agent import AgentRecord
from workbench.events.base import Event, Recorded
from workbench.events.request import Usage
from workbench.tools.control import SPAWN_SUBAGENT

RECENT: Final = 200
"""Steps that the alarm looks at."""
LEAST: Final = 3
"""Steps that it takes to raise it: the first one is slow everywhere."""


_DISTURBANCES: Final[tuple[type[Event], ...]] = (
    runs.RunPaused, runs.RunResumed, runs.RunForked, runs.RunRecovered, runs.BreakpointHit,
    calls.PermissionAsked, calls.OutcomeUnknown, calls.CallInterrupted, calls.CallCancelled,
    edits.ResultEdited, edits.InputEdited,
)  # fmt: skip
"""After these a step's time is not the engine's alone."""


class Percentiles(NamedTuple):
    """Three of them, by nearest rank."""

    p50: float
    p95: float
    p99: float


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` (0 to 1) of `values` do not pass, or None without any."""
    return _ranked(sorted(values), share) if values else None


def percentiles(values: Sequence[float]) -> Percentiles | None:
    """Return p50, p95 and p99 of `values`, or None without any."""
    ordered = sorted(values)
    return Percentiles(*(_ranked(ordered, share) for share in (0.5, 0.95, 0.99))) if ordered else None


def _ranked(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


class Alarm(NamedTuple):
    """The whole takes longer than its limit."""

    p95: float
    """Of the whole."""
    own: float
    """p95 of the engine's own part."""
    whose: Literal["engine", "tools"]


@dataclass(slots=True)
class ToolFigures:
    """What is known of one tool."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0
    retries: int = 0


@dataclass(slots=True)
class _Step:
    """The step that is going on."""

    asked: int = 0
    finished_at: float | None = None
    """End of the turn."""
    last_result_at: float | None = None
    started: dict[str, float] = field(default_factory=dict)
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    """From start to result, by call."""
    tools: dict[str, str] = field(default_factory=dict)
    is_disturbed: bool = False
    has_hosted: bool = False
    """The provider ran something itself."""


@dataclass(slots=True)
class Figures:
    """All measurements, in the order in which they were made."""

    turns: list[float] = field(default_factory=list)
    first_words: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    """Tokens a second that turns were written with, after their first."""
    calls: list[float] = field(default_factory=list)
    aggregations: list[float] = field(default_factory=list)
    wholes: list[float] = field(default_factory=list)
    owns: list[float] = field(default_factory=list)
    tools: dict[str, ToolFigures] = field(default_factory=dict)
    critical: float = 0.0
    """Sum of the critical paths of all steps with several calls."""
    wall: float = 0.0
    """Sum of their wall times."""
    serial: float = 0.0
    """Sum of what their calls would take one by one."""
    usage: Usage = field(default_factory=Usage)
    model_retries: int = 0
    failures: int = 0
    """Calls that ended in an error."""

    @property
    def answered(self) -> int:
        """Calls that a tool gave a result, subagents included."""
        return sum(len(tool.seconds) for tool in self.tools.values())

    @property
    def call_retries(self) -> int:
        """Attempts of calls that failed and were followed by another."""
        return sum(tool.retries for tool in self.tools.values())

    @property
    def efficiency(self) -> float | None:
        """Critical path divided by wall time, over all steps with several calls; None without any."""
        return min(1.0, self.critical / self.wall) if self.wall > 0 else None

    @property
    def speedup(self) -> float | None:
        """How many times faster the calls went than one by one."""
        return self.serial / self.wall if self.wall > 0 else None

    def add(self, other: Figures) -> None:
        """Take in the measurements of another run."""
        for name in ("turns", "first_words", "rates", "calls", "aggregations", "wholes", "owns"):
            getattr(self, name).extend(getattr(other, name))
        for name in ("critical", "wall", "serial", "usage", "model_retries", "failures"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, tool in other.tools.items():
            own = self.tools.setdefault(name, ToolFigures())
            own.seconds.extend(tool.seconds)
            own.failures += tool.failures
            own.retries += tool.retries

    def alarm(self, targets: Targets = DEFAULTS) -> Alarm | None:
        """Return the alarm over the last steps, or None where all is well or too little is known."""
        wholes, owns = self.wholes[-RECENT:], self.owns[-RECENT:]
        p95, own = percentile(wholes, 0.95), percentile(owns, 0.95)
        if p95 is None or own is None or len(wholes) < LEAST or p95 <= targets.alarm:
            return None
        return Alarm(p95, own, "engine" if own > targets.aggregation else "tools")


def total(figures: Iterable[Figures]) -> Figures:
    """Return the measurements of several runs together."""
    together = Figures()
    for one in figures:
        together.add(one)
    return together


class Meter:
    """Measures a run as its events come in; with `own`, only what that run's own log holds, without its ancestors'."""

    def __init__(self, own: str | None = None) -> None:
        self.figures = Figures()
        self._own = own
        self._step = _Step()
        self._locks: dict[str, str] = {}
        """Lock by tool."""
        self._deeds: dict[type[Event], Callable[[float, Any], None]] = {
            turns.TurnStarted: self._start_turn,
            turns.TurnFinished: self._finish_turn,
            turns.TurnDiscarded: self._discard_turn,
            turns.ModelRetried: self._retry_model,
            calls.CallStarted: self._start_call,
            calls.CallRetried: self._retry_call,
            calls.CallFinished: self._finish_call,
            runs.RunFinished: self._finish_run,
            **dict.fromkeys(_DISTURBANCES, self._disturb),
        }
        """What each kind of event means here; a look-up, since every event of a run comes by."""

    def take(self, record: Recorded) -> None:
        """Take in the next event of the lineage."""
        event = record.event
        if isinstance(event, runs.RunStarted | edits.AgentEdited):
            self._know(event.agent)
        elif self._own is None or record.run == self._own:
            deed = self._deeds.get(type(event))
            if deed is not None:
                deed(record.at, event)

    def _know(self, agent: AgentRecord) -> None:
        self._locks = {tool.name: tool.exclusive for tool in agent.tools if tool.exclusive is not None}

    def _start_turn(self, at: float, _: turns.TurnStarted) -> None:
        self._close(at)

    def _finish_turn(self, at: float, event: turns.TurnFinished) -> None:
        self.figures.turns.append(event.elapsed)
        self.figures.usage = self.figures.usage + event.usage
        if event.first_token is not None:
            self.figures.first_words.append(event.first_token)
        rate = turns.tokens_per_second(event.usage, event.elapsed, event.first_token)
        if rate is not None and not self._step.has_hosted:  # else the time is not the model's alone
            self.figures.rates.append(rate)
        if event.purpose == "step":
            self._step.asked, self._step.finished_at = len(event.calls), at

    def _discard_turn(self, _: float, event: turns.TurnDiscarded) -> None:
        if event.usage is not None:
            self.figures.usage = self.figures.usage + event.usage

    def _retry_model(self, _: float, __: turns.ModelRetried) -> None:
        self.figures.model_retries += 1

    def _disturb(self, _: float, __: Event) -> None:
        self._step.is_disturbed = True

    def _finish_run(self, _: float, event: runs.RunFinished) -> None:
        self._step.is_disturbed = True
        if event.status == "completed":
            self._close(None)

    def _start_call(self, at: float, event: calls.CallStarted) -> None:
        self._step.has_hosted |= event.hosted
        if not event.hosted:  # its time is the turn's
            self._step.started[event.call], self._step.tools[event.call] = at, event.tool

    def _retry_call(self, _: float, event: calls.CallRetried) -> None:
        self._tool(event.call).retries += 1

    def _finish_call(self, at: float, event: calls.CallFinished) -> None:
        step = self._step
        if event.by == "provider":
            return
        step.last_result_at = at
        if event.call in step.started:
            step.spans[event.call] = (step.started[event.call], at)
        if event.by == "tool":
            self._measure(event)
        elif event.by == "operator":
            step.is_disturbed = True

    def _tool(self, call: str) -> ToolFigures:
        return self.figures.tools.setdefault(self._step.tools.get(call, "?"), ToolFigures())

    def _measure(self, event: calls.CallFinished) -> None:
        tool = self._tool(event.call)
        tool.seconds.append(event.elapsed)
        if event.is_error:
            tool.failures += 1
            self.figures.failures += 1
        if self._step.tools.get(event.call) != SPAWN_SUBAGENT:
            self.figures.calls.append(event.elapsed)

    def _close(self, next_turn_at: float | None) -> None:
        """Measure the step that is over now, and begin another."""
        step, self._step = self._step, _Step()
        if step.finished_at is None or step.last_result_at is None or not step.asked:
            return
        self._measure_parallel(step)
        if next_turn_at is None or step.is_disturbed:
            return
        results_at = max(step.last_result_at, step.finished_at)
        whole = max(0.0, next_turn_at - step.finished_at)
        self.figures.aggregations.append(max(0.0, next_turn_at - results_at))
        self.figures.wholes.append(whole)
        self.figures.owns.append(max(0.0, whole - busy(step.spans.values(), step.finished_at, next_turn_at)))

    def _measure_parallel(self, step: _Step) -> None:
        if len(step.spans) < 2:
            return
        chains: dict[str, float] = {}
        for call, (start, end) in step.spans.items():
            lock = self._locks.get(step.tools[call])
            chain = f"lock {lock}" if lock is not None else f"call {call}"
            chains[chain] = chains.get(chain, 0.0) + end - start
        figures = self.figures
        figures.critical += max(chains.values())
        figures.wall += max(end for _, end in step.spans.values()) - min(start for start, _ in step.spans.values())
        figures.serial += sum(end - start for start, end in step.spans.values())


def busy(spans: Iterable[tuple[float, float]], since: float, until: float) -> float:
    """Return for how long, between two moments, at least one of the spans lasted."""
    covered, reached = 0.0, since
    for start, end in sorted(spans):
        start, end = max(start, reached), min(end, until)  # noqa: PLW2901 - clipped to what is not counted yet
        if end > start:
            covered += end - start
            reached = end
    return covered
