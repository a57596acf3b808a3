"""Facts out of events as they come by; whatever it needs of a run it keeps only while the run goes on.

Nothing is read from the log but where a run belongs, once for each run that this process did not see begin. What is
measured of a step is what the metrics of the screen measure: the same `Meter` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from workbench.debugger.metrics import Figures, Meter
from workbench.events import call as calls
from workbench.events import run as runs
from workbench.events import turn as turns
from workbench.events.base import Event, Recorded
from workbench.events.request import Usage
from workbench.telemetry.facts import (
    CallBegan,
    CallEnded,
    CallStatus,
    Fact,
    FellBack,
    Kin,
    ModelAgain,
    RunBegan,
    RunRested,
    StepMeasured,
    Stretch,
    ToolAgain,
    TurnEnded,
    TurnStatus,
)

FindKin = Callable[[str], Kin | None]
"""Returns where a run belongs, from the log; None where it cannot be read."""

_BEGINNINGS: Final = (
    runs.RunStarted, runs.RunForked, runs.RunResumed, runs.RunRecovered, turns.TurnStarted, calls.CallStarted,
)  # fmt: skip
"""Events of a run that moves; all others may also be said of one that rests."""
_STATUSES: Final[dict[type[Event], CallStatus]] = {
    calls.CallCancelled: "cancelled", calls.CallInterrupted: "interrupted", calls.CallDiscarded: "discarded",
}  # fmt: skip


@dataclass(slots=True)
class _Call:
    """A call that runs."""

    started: Recorded
    event: calls.CallStarted
    retries: list[Recorded] = field(default_factory=list)


@dataclass(slots=True)
class _Moving:
    """A run that moves."""

    stretch: Stretch
    meter: Meter
    turn: Recorded | None = None
    error_kind: str = ""
    """Of the attempt that is being given up."""
    calls: dict[str, _Call] = field(default_factory=dict)


class Deriver:
    """Takes events in the order in which they were published."""

    def __init__(self, find_kin: FindKin) -> None:
        self._find_kin = find_kin
        self._moving: dict[str, _Moving] = {}
        self._deeds: dict[type[Event], Callable[[_Moving, Recorded, Any], Iterator[Fact]]] = {
            turns.TurnStarted: self._start_turn,
            turns.ModelRetried: self._retry_model,
            turns.TurnDiscarded: self._discard_turn,
            turns.TurnFinished: self._finish_turn,
            calls.CallStarted: self._start_call,
            calls.CallRetried: self._retry_call,
            calls.CallReused: self._reuse_call,
            calls.CallFinished: self._end_call,
            **dict.fromkeys(_STATUSES, self._end_call),
            runs.ModeChanged: self._change_mode,
            runs.RunFinished: self._rest,
            runs.RunPaused: self._rest,
        }

    def take(self, record: Recorded) -> Iterator[Fact]:
        """Yield what follows from the next event."""
        moving = self._moving.get(record.run)
        if moving is None:
            if not isinstance(record.event, _BEGINNINGS):
                return
            moving = self._begin(record)
            yield RunBegan(moving.stretch)
        moving.meter.take(record)
        deed = self._deeds.get(type(record.event))
        if deed is not None:
            yield from deed(moving, record, record.event)

    def leave(self, at: float) -> Iterator[Fact]:
        """Yield the rest of all that still moves: the program ends."""
        for moving in [*self._moving.values()]:
            yield RunRested(moving.stretch, at, "left", "the program ended", None)
        self._moving.clear()

    # Runs.

    def _begin(self, record: Recorded) -> _Moving:
        event = record.event
        stretch = Stretch(record.run, self._kin(record), record)
        if isinstance(event, runs.RunForked):
            parent = self._moving.get(event.made_from)
            known = parent.stretch.kin if parent is not None else self._find_kin(event.made_from)
            stretch.fork_root = known.root if known is not None else event.made_from
        caller = self._moving.get(stretch.kin.caller or "")
        call = caller.calls.get(stretch.kin.call or "") if caller is not None else None
        stretch.spawned_by = call.started if call is not None else None
        moving = self._moving[record.run] = _Moving(stretch, Meter(record.run))
        return moving

    def _kin(self, record: Recorded) -> Kin:
        event = record.event
        if isinstance(event, runs.RunStarted):
            if event.caller is None:
                return Kin(record.run, agent=event.agent.name)
            above = self._moving.get(event.caller.run)
            known = above.stretch.kin if above is not None else self._find_kin(event.caller.run)
            root = known.root if known is not None else event.caller.run
            return Kin(root, event.caller.run, event.caller.call, event.agent.name)
        return self._find_kin(record.run) or Kin(record.run)

    def _rest(self, moving: _Moving, record: Recorded, event: runs.RunFinished | runs.RunPaused) -> Iterator[Fact]:
        yield from self._measured(moving)
        del self._moving[record.run]
        if isinstance(event, runs.RunFinished):
            yield RunRested(moving.stretch, record.at, event.status, event.reason, record, event.error)
        else:
            yield RunRested(moving.stretch, record.at, "interrupted", event.reason, record)

    def _change_mode(self, moving: _Moving, _: Recorded, event: runs.ModeChanged) -> Iterator[Fact]:
        if event.mode == "sequential":
            yield FellBack(moving.stretch, event.why)

    def _measured(self, moving: _Moving) -> Iterator[Fact]:
        """Yield what the meter measured since the last time; it begins anew, so that it never grows."""
        figures, moving.meter.figures = moving.meter.figures, Figures()
        for aggregation, whole in zip(figures.aggregations, figures.wholes, strict=True):
            yield StepMeasured(moving.stretch, aggregation, whole)

    # Turns.

    def _start_turn(self, moving: _Moving, record: Recorded, event: turns.TurnStarted) -> Iterator[Fact]:
        yield from self._measured(moving)
        moving.turn, moving.error_kind = record, ""
        moving.stretch.model = event.model

    def _retry_model(self, moving: _Moving, _: Recorded, event: turns.ModelRetried) -> Iterator[Fact]:
        moving.error_kind = event.error_kind
        yield ModelAgain(moving.stretch, moving.stretch.model, event.error, event.error_kind, event.wait)

    def _discard_turn(self, moving: _Moving, record: Recorded, event: turns.TurnDiscarded) -> Iterator[Fact]:
        how, _, words = event.reason.partition(": ")
        status: TurnStatus = "broken" if how == "broken" else "refused" if how == "refused" else "stopped"
        yield from self._end_turn(moving, record, status, event.usage or Usage(), None, words or event.reason)

    def _finish_turn(self, moving: _Moving, record: Recorded, event: turns.TurnFinished) -> Iterator[Fact]:
        yield from self._end_turn(moving, record, "ok", event.usage, event.elapsed, "")

    def _end_turn(
        self, moving: _Moving, record: Recorded, status: TurnStatus, usage: Usage, seconds: float | None, error: str
    ) -> Iterator[Fact]:
        started, moving.turn = moving.turn, None
        if started is None:  # it was begun by another process
            return
        stretch = moving.stretch
        stretch.usage = stretch.usage + usage
        kind = moving.error_kind or status if status in ("broken", "refused") else ""
        yield TurnEnded(stretch, started, record, stretch.model, status, usage, seconds, error, kind)

    # Calls.

    def _start_call(self, moving: _Moving, record: Recorded, event: calls.CallStarted) -> Iterator[Fact]:
        moving.calls[event.call] = _Call(record, event)
        yield CallBegan(moving.stretch, record, event.call, event.tool)

    def _retry_call(self, moving: _Moving, record: Recorded, event: calls.CallRetried) -> Iterator[Fact]:
        call = moving.calls.get(event.call)
        if call is not None:
            call.retries.append(record)
            yield ToolAgain(moving.stretch, call.event.tool, event.error, event.wait)

    def _reuse_call(self, moving: _Moving, _: Recorded, event: calls.CallReused) -> Iterator[Fact]:
        if event.old in moving.calls:
            moving.calls[event.call] = moving.calls.pop(event.old)
        yield from ()

    def _end_call(self, moving: _Moving, record: Recorded, event: calls.CallEvent) -> Iterator[Fact]:
        call = moving.calls.pop(event.call, None)
        if call is None:  # it never ran, or was begun by another process
            return
        seconds: float | None = None
        if isinstance(event, calls.CallFinished):
            status: CallStatus = event.outcome
            seconds = event.elapsed if event.by == "tool" else None
        else:
            status = _STATUSES[type(event)]
        tool, retries = call.event.tool, tuple(call.retries)
        yield CallEnded(moving.stretch, call.started, record, tool, status, seconds, retries)
