"""A run's journal on the store: persist, fold, publish, in that order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

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


@dataclass(frozen=True, slots=True, eq=False)
class _Write:
    events: Sequence[Event]
    durable: bool = False
    other: Callable[[float], Batch] | None = None
    """What makes the first batch of another run."""
    done: asyncio.Future[tuple[Recorded, ...]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def fail(self, error: BaseException) -> None:
        """Tell whoever waits for it."""
        if not self.done.done():
            self.done.set_exception(error)


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
        self._asked: deque[_Write] = deque()
        """Writes in the order in which they were asked for; the first is being stored."""
        self._recent: dict[tuple[str, int], Content] = {}

    @property
    def state(self) -> RunState:
        """The fold of everything appended so far."""
        return self._state

    async def append(self, *events: Event, durable: bool = False) -> None:
        """Store, fold and publish events together; whoever waits may be cancelled, the write goes through."""
        await self._ask(_Write(events, durable=durable))

    async def append_beside(self, event: Event, other: Callable[[float], Batch]) -> tuple[Recorded, ...]:
        """Store one event together with the first batch of another run, in one transaction; return that batch."""
        return await self._ask(_Write((event,), other=other))

    def _ask(self, write: _Write) -> asyncio.Future[tuple[Recorded, ...]]:
        """Queue a write, and return where whoever asked waits for it; if nobody does any more, nobody is told."""
        self._asked.append(write)
        if len(self._asked) == 1:
            self._go_on()
        return write.done

    def _go_on(self) -> None:
        """Hand the next write to the store; those after it depend on what is folded then.

        There is no task in this that somebody could cancel, and none to be paid for.
        """
        while self._asked:
            write = self._asked[0]
            try:
                batches = self._batches(write)
                durability = Durability.FULL if write.durable else Durability.NORMAL
                stored = asyncio.ensure_future(self._store.append(*batches, durability=durability))
            except Exception as error:  # noqa: BLE001 - whatever it was, it goes to whoever asked
                self._asked.popleft()
                write.fail(error)
            else:
                stored.add_done_callback(partial(self._stored, batches))
                return

    def _batches(self, write: _Write) -> tuple[Batch, ...]:
        """Return what the store is to append: the first batch of another run, where there is one, and then our own."""
        at, events = self._time.now(), one_result_each(self._state, write.events)
        own = Batch(self._run, self._state.seq + 1, tuple((at, event) for event in events), token=self._token)
        return (own,) if write.other is None else (write.other(at), own)

    def _stored(self, batches: Sequence[Batch], stored: asyncio.Future[None]) -> None:
        """Fold and publish what is stored, tell whoever asked, and go on."""
        write = self._asked.popleft()
        try:
            stored.result()
            for record in recorded(batches[-1]):
                self._take(record)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - as above
            write.fail(error)
        else:
            if not write.done.done():
                write.done.set_result(tuple(record for batch in batches[:-1] for record in recorded(batch)))
        self._go_on()

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


def first_batch(header: RunHeader, events: Sequence[Event], *, at: float, token: int) -> Batch:
    """Return the batch that makes a new run."""
    first = 0 if header.cut is None else header.cut + 1
    return Batch(header.id, first, tuple((at, event) for event in events), header=header, token=token)


def recorded(batch: Batch) -> tuple[Recorded, ...]:
    """Return the events of a batch as the log has them once it is stored."""
    return tuple(
        Recorded(batch.run, batch.first_seq + offset, at, event) for offset, (at, event) in enumerate(batch.events)
    )
