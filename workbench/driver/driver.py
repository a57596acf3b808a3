"""`Driver`: a thread with an event loop that owns the store and moves runs forward.

The screen and the command line are watchers with a command channel: commands go in as values, what happened comes out
of the feed. A tool that blocks this loop does not freeze whoever watches.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from workbench.driver.commanding import obey
from workbench.driver.commands import Command
from workbench.driver.feed import Feed, Trouble
from workbench.driver.leaving import leave
from workbench.driver.opening import opened_session
from workbench.driver.session import Session
from workbench.driver.settings import DriverSettings
from workbench.errors import WorkbenchError
from workbench.store import Store

LEAVE_SECONDS = 15.0
"""How long closing waits for a tool that blocks the driver's loop, before the thread is left behind."""


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
        self._asked: set[Future[Any]] = set()

    def start(self) -> None:
        """Open the store on the driver's thread; raises `StoreError` where it cannot be used."""
        if self._thread is not None:
            return
        self._ready = Future()
        self._thread = threading.Thread(target=self._run, name="workbench-driver", daemon=True)
        self._thread.start()
        try:
            self._ready.result()
        except Exception:
            self._thread.join()
            self._thread = None
            raise

    def close(self) -> None:
        """Pause what runs, give the leases back, end the thread. Closing twice is closing once.

        Calls that do not stop are left behind, and so is the thread where one of them blocks it.
        """
        thread, loop, closing = self._thread, self._loop, self._closing
        if thread is None or loop is None or closing is None:
            return
        self._session = None
        with suppress(RuntimeError):  # the loop ended by itself
            loop.call_soon_threadsafe(closing.set)
        thread.join(LEAVE_SECONDS)
        self._thread = None

    def submit(self, command: Command) -> Future[Any]:
        """Ask for something; the future has the answer or the error, or is cancelled when the driver is closed."""
        return self._submit(obey(self._open_session(), command))

    def _submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        if self._loop is None:
            raise WorkbenchError("the driver is not started")
        try:
            asked = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise WorkbenchError("the driver is closed") from None
        self._asked.add(asked)
        asked.add_done_callback(self._asked.discard)
        return asked

    async def ask(self, command: Command) -> Any:
        """Ask from any event loop; raises the command's `UserError`."""
        asked = self.submit(command)
        try:
            return await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            if asked.cancelled() and self._session is None:
                raise WorkbenchError("the driver was closed before it answered") from None
            raise

    def ask_blocking(self, command: Command) -> Any:
        """Ask from code without an event loop."""
        return self.run_blocking(obey(self._open_session(), command))

    def run_blocking(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the driver's loop and wait for it: for transfers that need the open store."""
        try:
            return self._submit(work).result()
        except CancelledError:
            raise WorkbenchError("the driver was closed before it answered") from None

    @property
    def store(self) -> Store:
        """The open store; only for coroutines on the driver's loop."""
        return self._open_session().store

    def _open_session(self) -> Session:
        if self._session is None:
            raise WorkbenchError("the driver is not open; it was not started, or it was closed")
        return self._session

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
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(self._report)
        try:
            loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - the thread's top: to whoever waits for the start, or to all
            if self._ready.done():
                what = f"the driver stopped: {type(error).__name__}: {error}; leave and start again, the log is whole"
                self.feed.publish(Trouble(what, detail="".join(traceback.format_exception(error))))
            else:
                self._ready.set_exception(error)
        finally:
            self._session = None
            leave(loop)
            for asked in list(self._asked):
                asked.cancel()

    def _report(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell what nobody awaited, instead of writing it over the screen."""
        error = context.get("exception")
        what = f"{context['message']}: {type(error).__name__}: {error}" if error else context["message"]
        detail = "".join(traceback.format_exception(error)) if error else ""
        self.feed.publish(Trouble(what, level="warning", detail=detail))

    async def _serve(self) -> None:
        async with opened_session(self.settings, self.feed) as session:
            self._loop, self._closing, self._session = asyncio.get_running_loop(), asyncio.Event(), session
            self._ready.set_result(None)
            await self._closing.wait()
