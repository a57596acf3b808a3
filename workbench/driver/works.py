"""Long work: how far it is, and a way for a person to give it up.

Whatever may take its time (indexing, importing, exporting, searching) is done inside `Works.begin` or on a thread by
`Works.on_thread`. It tells its progress through its `Work`, which refuses to go on once the person gave it up; so the
work itself needs no idea of who watches, or of how it is stopped.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar

from workbench.driver.feed import Feed, Progress
from workbench.errors import OperationCancelledError

T = TypeVar("T")


class Work:
    """One piece of long work. Safe to use from any thread."""

    def __init__(self, feed: Feed, name: str, label: str, given_up: str) -> None:
        self._feed, self.id, self.label, self._given_up = feed, name, label, given_up
        self._is_given_up = threading.Event()
        self._when_given_up: Callable[[], object] = lambda: None

    def tell(self, done: int, total: int) -> None:
        """Say how far it is; `total` is 0 where it is not known. Raises `OperationCancelledError` once it is given up.

        To be called often: it is here that the work ends when a person does not want it any more.
        """
        if self._is_given_up.is_set():
            raise OperationCancelledError(self._given_up)
        if not total or done < total:  # the end is told when it is over, and not before
            self._feed.publish(Progress(self.label, done, total, self.id))

    def give_up(self) -> None:
        """Let it end at the next thing it tells."""
        self._is_given_up.set()
        self._when_given_up()

    def when_given_up(self, act: Callable[[], object]) -> None:
        """Do this too when it is given up, on the thread of whoever does."""
        self._when_given_up = act

    def end(self) -> None:
        """Say that it is over, however it ended."""
        self._feed.publish(Progress(self.label, 1, 1, self.id))


class Works:
    """The long work of a session; it belongs to the driver's event loop."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._numbers = count(1)
        self._under_way: dict[str, Work] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_closed = False

    @contextmanager
    def begin(self, label: str, *, given_up: str) -> Iterator[Work]:
        """Do long work in the block. `given_up` is the sentence with which it ends when a person wants it no more."""
        work = Work(self._feed, str(next(self._numbers)), label, given_up)
        if self._is_closed:
            raise OperationCancelledError(given_up)
        self._under_way[work.id] = work
        self._idle.clear()
        try:
            yield work
        finally:
            del self._under_way[work.id]
            work.end()
            if not self._under_way:
                self._idle.set()

    async def on_thread(self, label: str, job: Callable[[Work], T], *, given_up: str) -> T:
        """Do long work on a thread of its own, and be back only when the thread is done with it."""
        with self.begin(label, given_up=given_up) as work:
            return await watched_thread(work, lambda: job(work))

    async def waited_for(self, label: str, waiting: Coroutine[Any, Any, T], *, given_up: str) -> T:
        """Wait for what tells nothing of how far it is; it is cancelled where a person gives it up."""
        task, loop = asyncio.ensure_future(waiting), asyncio.get_running_loop()
        try:
            with self.begin(label, given_up=given_up) as work:
                work.when_given_up(lambda: loop.call_soon_threadsafe(task.cancel))
                work.tell(0, 0)
                await asyncio.wait({task})
        finally:
            task.cancel()
        if task.cancelled():
            raise OperationCancelledError(given_up)
        return task.result()

    def give_up(self, name: str) -> None:
        """Let a piece of work end; one that is over already is over."""
        if work := self._under_way.get(name):
            work.give_up()

    async def close(self, patience: float) -> None:
        """Give up all of it, begin no more, and wait for the end, at most `patience` seconds."""
        self._is_closed = True
        for work in self._under_way.values():
            work.give_up()
        try:
            await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            return  # a thread that stands still is left behind


async def watched_thread(work: Work, job: Callable[[], T]) -> T:
    """Do `job` on a thread; where its caller is cancelled, `work` is given up and the thread is waited for."""
    task = asyncio.ensure_future(asyncio.to_thread(job))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        work.give_up()
        await asyncio.gather(task, return_exceptions=True)
        raise
