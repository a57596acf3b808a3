"""An event loop on which a test goes on exactly when nothing moves any more: no clock is asked, so nothing races.

What is done on other threads, by SQLite or by a tool, is counted. A loop is quiet when nothing is ready to run and
nothing is done elsewhere; what then still waits, waits for the test. `counting` lets a loop know of SQLite's work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from workbench.store.connection import Database

T = TypeVar("T")
CALM = 3
"""Turns of the loop without anything to do, after which it is quiet."""


class QuietLoop(asyncio.SelectorEventLoop):
    """A loop that knows whether anything goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._elsewhere = 0
        self._returned: asyncio.Future[None] | None = None

    def leave(self) -> None:
        """Count something that is begun on another thread."""
        self._elsewhere += 1

    def come_back(self, _: object = None) -> None:
        """Count its end."""
        self._elsewhere -= 1
        if self._returned is not None and not self._returned.done():
            self._returned.set_result(None)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Run a function on a thread, counted."""
        self.leave()
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self.come_back)
        return future

    async def settle(self) -> None:
        """Wait until nothing moves."""
        calm = 0
        while calm < CALM:
            await asyncio.sleep(0)
            calm = 0 if self._ready or self._elsewhere else calm + 1  # type: ignore[attr-defined]
            if self._elsewhere and not self._ready:  # type: ignore[attr-defined]
                self._returned = self.create_future()
                await self._returned

    async def turns(self, number: int) -> None:
        """Go on by so many turns, whatever is going on."""
        for _ in range(number):
            await asyncio.sleep(0)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.run_until_complete(work)


@contextmanager
def counting() -> Iterator[None]:
    """Count what SQLite does for quiet loops."""
    run = Database.run

    async def counted(database: Database, work: Callable[..., T]) -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, QuietLoop)
        loop.leave()
        try:
            return await run(database, work)
        finally:
            loop.come_back()

    Database.run = counted  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Database.run = run  # type: ignore[method-assign]
