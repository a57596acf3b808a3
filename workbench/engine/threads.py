"""Threads for sync tools: kept as long as the driver lives, abandoned where they cannot be stopped.

Daemon threads, so that one that never returns does not hold up the end of the program. An abandoned thread frees its
place at once (another thread takes over) and its late result is reported.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any

TOOL_THREADS = 8
"""Calls of sync tools at once."""


class _Job:
    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.function, self.loop = function, loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.context = contextvars.copy_context()
        self.on_late: Callable[[Any], None] | None = None
        self.started = False

    def work(self) -> None:
        """Run the function and hand over what it returned or raised, `SystemExit` included."""
        self.started = True
        try:
            outcome, value = True, self.context.run(self.function)
        except BaseException as error:  # noqa: BLE001 - the edge of a tool: everything becomes its outcome
            outcome, value = False, error
        try:
            self.loop.call_soon_threadsafe(self._settle, outcome, value)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    def _settle(self, succeeded: bool, value: Any) -> None:
        if self.on_late is not None:
            self.on_late(value)
        elif self.future.done():
            return
        elif succeeded:
            self.future.set_result(value)
        else:
            self.future.set_exception(_as_exception(value))


def _as_exception(error: BaseException) -> Exception:
    """Return an error that a future can carry: `SystemExit` and the like would end the event loop."""
    return error if isinstance(error, Exception) else ToolExitError(f"{type(error).__name__}: {error}")


class ToolExitError(Exception):
    """A tool raised `SystemExit` or another error that is no `Exception`."""


class ToolThreads:
    """A pool of daemon threads, made as they are needed, at most `size` working at once."""

    def __init__(self, size: int = TOOL_THREADS) -> None:
        self._size, self._jobs = size, queue.SimpleQueue[_Job | None]()
        self._lock = threading.Lock()
        self._threads, self._idle = 0, 0
        self.abandoned = 0
        """Threads that were left behind and have not returned."""

    def run(self, function: Callable[[], Any]) -> ThreadCall:
        """Start `function` on a thread; call from the event loop."""
        job = _Job(function, asyncio.get_running_loop())
        self._jobs.put(job)
        with self._lock:
            if self._idle == 0 and self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._work, name="workbench-tool", daemon=True).start()
        return ThreadCall(self, job)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            job = self._jobs.get()
            with self._lock:
                self._idle -= 1
            if job is None:
                return
            if job.future.cancelled():
                continue
            job.work()
            with self._lock:
                if job.on_late is not None:
                    self.abandoned -= 1
                    return  # its place was given away

    def give_up(self, job: _Job, on_late: Callable[[Any], None]) -> None:
        """Leave a job behind: its thread, if it has one, no longer counts."""
        with self._lock:
            if job.started and not job.future.done():
                job.on_late = on_late
                self.abandoned += 1
                self._threads -= 1
        job.future.cancel()

    def close(self) -> None:
        """Let idle threads end."""
        for _ in range(self._threads):
            self._jobs.put(None)


class ThreadCall:
    """A function on its way on a thread."""

    def __init__(self, pool: ToolThreads, job: _Job) -> None:
        self._pool, self._job = pool, job

    @property
    def future(self) -> asyncio.Future[Any]:
        """Done when the function returned or raised."""
        return self._job.future

    def abandon(self, on_late: Callable[[Any], None]) -> None:
        """Stop waiting. A thread cannot be stopped: if it returns after all, `on_late` gets what it returned."""
        self._pool.give_up(self._job, on_late)
