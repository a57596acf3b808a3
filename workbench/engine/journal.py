"""The log as the engine sees it: one writer, and the fold of what was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from workbench.clock import Clock, SessionTime
from workbench.events.base import Event, Recorded
from workbench.events.call import CallCancelled, CallFinished, LateResultDropped, ResultEvent, SubagentStarted
from workbench.events.content import Content
from workbench.events.edit import InputEdited
from workbench.events.request import Purpose
from workbench.state.fold import apply
from workbench.state.parts import ResultRef
from workbench.state.run_state import RunState


class Journal(Protocol):
    """One run's log. Events are stored, then folded, then published, in that order."""

    @property
    def state(self) -> RunState:
        """The fold of everything appended so far."""
        ...

    async def append(self, *events: Event, durable: bool = False) -> None:
        """Store events together; returns when they are stored and folded. `durable`: safe against power loss too.

        Raises `StaleDriverError` when another process took the run over.
        """
        ...

    async def contents(self, refs: Sequence[ResultRef]) -> Mapping[tuple[str, int], Content]:
        """Return the blocks of results, by run and seq."""
        ...

    def draft(self, step: int, purpose: Purpose, text: str, thinking: str) -> None:
        """Show the text so far of the turn that is streaming; nothing is stored."""
        ...


ENDS = (CallFinished, CallCancelled)
"""The events that give a call its one result."""


def one_result_each(state: RunState, events: Sequence[Event]) -> Sequence[Event]:
    """Return what may be appended: instead of a second result of a call, that it came too late and was dropped.

    Whoever ends a call looks first whether it has a result. What is stored between that look and the append, such as a
    person's answer to a run that is just coming to rest, is seen here alone.
    """
    if not any(type(event) in ENDS for event in events):
        return events
    done: set[str] = set()
    reopened: set[str] = set()
    kept: list[Event] = []
    for event in events:
        if isinstance(event, ENDS):
            known = state.call(event.call)
            has_result = known is not None and known.has_result and event.call not in reopened
            if has_result or event.call in done:
                kept.append(LateResultDropped(call=event.call, size=event.size))
                continue
            done.add(event.call)
        elif isinstance(event, InputEdited | SubagentStarted):
            reopened.add(event.call)
        kept.append(event)
    return kept


class MemoryJournal:
    """A log in memory: for runs that nobody wants to keep, for tests, and for measuring the loop alone.

    `inherited` is what a fork or a resumed run begins with.
    """

    def __init__(self, run: str, clock: Clock, inherited: Iterable[Recorded] = ()) -> None:
        self.records: list[Recorded] = []
        self._run, self._time, self._state = run, SessionTime(clock), RunState()
        self._contents: dict[tuple[str, int], Content] = {}
        for record in inherited:
            self._take(record)

    @property
    def state(self) -> RunState:
        """The fold of everything appended so far."""
        return self._state

    async def append(self, *events: Event, durable: bool = False) -> None:  # noqa: ARG002 - memory is never durable
        """Fold events and keep them."""
        for event in one_result_each(self._state, events):
            self._take(Recorded(self._run, self._state.seq + 1, self._time.now(), event))

    def _take(self, record: Recorded) -> None:
        apply(self._state, record)
        self.records.append(record)
        if isinstance(record.event, ResultEvent):
            self._contents[record.run, record.seq] = record.event.result

    async def contents(self, refs: Sequence[ResultRef]) -> Mapping[tuple[str, int], Content]:
        """Return the blocks of results, by run and seq."""
        return {(ref.run, ref.seq): self._contents[ref.run, ref.seq] for ref in refs}

    def draft(self, step: int, purpose: Purpose, text: str, thinking: str) -> None:
        """Show nothing."""
