"""`Driver`: a thread with an event loop that owns the store and moves runs forward.

The screen and the command line are watchers with a command channel: commands go in as values, what happened comes out
of the feed. A tool that blocks this loop does not freeze whoever watches.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from workbench.driver.commanding import obey
from workbench.driver.commands import Command
from workbench.driver.feed import Feed, RunsChanged, Trouble
from workbench.driver.session import LISTED_KINDS, Session
from workbench.driver.settings import DriverSettings
from workbench.errors import StoreError, WorkbenchError
from workbench.store import Store

HEARTBEAT_SECONDS = 3.0
"""How often other processes are shown that this one lives."""


class Driver:
    """Starts with `start` or `with`, ends with `close`. Safe to use from any thread."""

    def __init__(self, settings: DriverSettings) -> None:
        self.settings = settings
        self.feed = Feed()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closing: asyncio.Event | None = None
        self._session: Session | None = None
        self._ready: Future[None] = Future()

    def start(self) -> None:
        """Open the store on the driver's thread; raises `StoreError` where it cannot be used."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="workbench-driver", daemon=True)
        self._thread.start()
        self._ready.result()

    def close(self) -> None:
        """Pause what runs, give the leases back, end the thread. Closing twice is closing once."""
        thread, loop, closing = self._thread, self._loop, self._closing
        if thread is None or loop is None or closing is None:
            return
        if thread.is_alive() and not loop.is_closed():
            loop.call_soon_threadsafe(closing.set)
        thread.join()
        self._thread = None

    def submit(self, command: Command) -> Future[Any]:
        """Ask for something; the future has the answer or the error."""
        if self._loop is None or self._session is None:
            raise WorkbenchError("the driver is not started")
        return asyncio.run_coroutine_threadsafe(obey(self._session, command), self._loop)

    async def ask(self, command: Command) -> Any:
        """Ask from any event loop; raises the command's `UserError`."""
        return await asyncio.wrap_future(self.submit(command))

    def ask_blocking(self, command: Command) -> Any:
        """Ask from code without an event loop."""
        return self.submit(command).result()

    def run_blocking(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the driver's loop and wait for it: for transfers that need the open store."""
        if self._loop is None:
            raise WorkbenchError("the driver is not started")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def store(self) -> Store:
        """The open store; only for coroutines on the driver's loop."""
        if self._session is None:
            raise WorkbenchError("the driver is not started")
        return self._session.store

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        try:
            store = await Store.open(self.settings.database, clock=self.settings.clock)
        except BaseException as error:  # noqa: BLE001 - handed to whoever called start
            self._ready.set_exception(error)
            return
        async with store:
            session = Session(store, self.settings, self.feed)
            self._loop, self._closing, self._session = asyncio.get_running_loop(), asyncio.Event(), session
            position = await store.position()
            beside = [
                asyncio.create_task(self._beat(store)),
                asyncio.create_task(self._follow(session, position)),
            ]
            self._ready.set_result(None)
            await self._closing.wait()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await session.close()

    async def _beat(self, store: Store) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await store.heartbeat()
            except StoreError as error:
                self.feed.publish(Trouble(str(error)))

    async def _follow(self, session: Session, position: int) -> None:
        """Publish what other processes write, from the log itself."""
        while True:
            await asyncio.sleep(self.settings.follow_every)
            try:
                records, position = await session.store.follow(position)
            except StoreError as error:
                self.feed.publish(Trouble(str(error)))
                continue
            for record in records:
                if record.run not in session.live and record.seq > session.published.get(record.run, -1):
                    session.published[record.run] = record.seq
                    self.feed.publish(record)
                    if record.event.kind in LISTED_KINDS:
                        self.feed.publish(RunsChanged())
