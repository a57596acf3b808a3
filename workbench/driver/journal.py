"""A run's journal on the store: persist, fold, publish, in that order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from workbench.clock import SessionTime
from workbench.driver.feed import Draft, Feed
from workbench.engine.journal import one_result_each
from workbench.events.base import Event, Recorded
from workbench.events.call import ResultEvent
from workbench.events.content import Content
from workbench.events.request import Purpose
from workbench.state.fold import apply
from workbench.state.parts import ResultRef
from workbench.state.run_state import RunState
from workbench.store import Batch, Durability, RunHeader, Store

T = TypeVar("T")


class StoreJournal:
    """The one writer of one run. It belongs to the driver's event loop."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        time: SessionTime,
        *,
        run: str,
        token: int,
        state: RunState | None = None,
        on_append: Callable[[Recorded], None] = lambda _: None,
    ) -> None:
        self._store, self._feed, self._time = store, feed, time
        self._run, self._token = run, token
        self._state = state or RunState()
        self._on_append = on_append
        self._lock = asyncio.Lock()
        self._recent: dict[tuple[str, int], Content] = {}

    @property
    def state(self) -> RunState:
        """The fold of everything appended so far."""
        return self._state

    async def append(self, *events: Event, durable: bool = False) -> None:
        """Store, fold and publish events together; whoever waits may be cancelled, the write goes through."""
        await _whole(self._write(events, durable=durable))

    async def append_beside(self, event: Event, other: Callable[[float], Batch]) -> tuple[Recorded, ...]:
        """Store one event together with the first batch of another run, in one transaction; return that batch."""
        return await _whole(self._write((event,), durable=False, other=other))

    async def _write(
        self, events: Sequence[Event], *, durable: bool, other: Callable[[float], Batch] | None = None
    ) -> tuple[Recorded, ...]:
        async with self._lock:
            at, seq, events = self._time.now(), self._state.seq + 1, one_result_each(self._state, events)
            own = Batch(self._run, seq, tuple((at, event) for event in events), token=self._token)
            beside = [other(at)] if other is not None else []
            await self._store.append(*beside, own, durability=Durability.FULL if durable else Durability.NORMAL)
            for offset, event in enumerate(events):
                self._take(Recorded(self._run, seq + offset, at, event))
        return tuple(record for batch in beside for record in recorded(batch))

    def _take(self, record: Recorded) -> None:
        apply(self._state, record)
        if isinstance(record.event, ResultEvent):
            self._recent[record.run, record.seq] = record.event.result
        self._on_append(record)
        self._feed.publish(record)

    async def contents(self, refs: Sequence[ResultRef]) -> Mapping[tuple[str, int], Content]:
        """Return the blocks of results: fresh ones from memory, once, all others from the store."""
        keys = [(ref.run, ref.seq) for ref in refs]
        found = {key: self._recent.pop(key) for key in keys if key in self._recent}
        missing = [key for key in keys if key not in found]
        if missing:
            found.update(await self._store.bodies(missing))
        return found

    def draft(self, step: int, purpose: Purpose, text: str, thinking: str) -> None:
        """Show the text so far of the turn that is streaming."""
        self._feed.publish(Draft(self._run, step, purpose, text, thinking))


async def _whole(write: Coroutine[Any, Any, T]) -> T:
    """Wait for a write, which is done also when nobody waits any more; then nobody is told that it failed, either."""
    task = asyncio.ensure_future(write)
    task.add_done_callback(lambda done: None if done.cancelled() else done.exception())
    return await asyncio.shield(task)


def first_batch(header: RunHeader, events: Sequence[Event], *, at: float, token: int) -> Batch:
    """Return the batch that makes a new run."""
    first = 0 if header.cut is None else header.cut + 1
    return Batch(header.id, first, tuple((at, event) for event in events), header=header, token=token)


def recorded(batch: Batch) -> tuple[Recorded, ...]:
    """Return the events of a batch as the log has them once it is stored."""
    return tuple(
        Recorded(batch.run, batch.first_seq + offset, at, event) for offset, (at, event) in enumerate(batch.events)
    )
