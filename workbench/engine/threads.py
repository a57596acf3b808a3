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
from contextlib import suppress
from typing import Any, Literal

TOOL_THREADS = 8
"""Calls of sync tools at once."""


class ToolExitError(Exception):
    """A tool raised what no future can carry: `SystemExit`, `StopIteration` and the like."""


class _Job:
    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.function, self.loop = function, loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.context = contextvars.copy_context()
        self.on_late: Callable[[Any], None] | None = None
        self.stage: Literal["queued", "working", "done"] = "queued"
        """Changed under the pool's lock alone, so that giving a job up and finishing it cannot cross."""
        self.abandoned = False

    def work(self) -> tuple[bool, Any]:
        """Run the function; return whether it succeeded, and what it returned or raised, `SystemExit` included."""
        try:
            return True, self.context.run(self.function)
        except BaseException as error:  # noqa: BLE001 - the edge of a tool: everything becomes its outcome
            return False, error

    def hand_over(self, succeeded: bool, value: Any) -> None:
        """Settle the future, or report what came too late; on the event loop."""
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
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    try:
        return ToolExitError(f"{type(error).__name__}: {error}")
    except BaseException:  # noqa: BLE001 - an error of a stranger may fail at saying what it is
        return ToolExitError(type(error).__name__)


class ToolThreads:
    """A pool of daemon threads, made as they are needed, at most `size` working at once."""

    def __init__(self, size: int = TOOL_THREADS) -> None:
        self._size, self._jobs = size, queue.SimpleQueue[_Job | None]()
        self._lock = threading.Lock()
        self._threads = self._idle = self._queued = 0
        self.abandoned = 0
        """Threads that were left behind and have not returned."""

    def run(self, function: Callable[[], Any]) -> ThreadCall:
        """Start `function` on a thread; call from the event loop."""
        job = _Job(function, asyncio.get_running_loop())
        with self._lock:
            self._queued += 1
            self._jobs.put(job)
            self._staff()
        return ThreadCall(self, job)

    def _staff(self) -> None:
        """Add a thread where jobs are queued for which none is idle; under the lock."""
        if self._queued > self._idle and self._threads < self._size:
            self._threads += 1
            self._idle += 1
            threading.Thread(target=self._serve, name="workbench-tool", daemon=True).start()

    def _serve(self) -> None:
        while self._do_next():
            pass

    def _do_next(self) -> bool:
        """Do the next job; return whether its thread waits for another, which holds nothing of this one."""
        job = self._jobs.get()
        if job is None:
            return False
        if not self._take(job):
            return True
        succeeded, value = job.work()
        keeps_place = self._finish(job)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            job.loop.call_soon_threadsafe(job.hand_over, succeeded, value)
        return keeps_place

    def _take(self, job: _Job) -> bool:
        """Note that a thread works on a job; return False where it was given up while it was queued."""
        with self._lock:
            self._queued -= 1
            if job.abandoned:
                return False
            self._idle -= 1
            job.stage = "working"
            return True

    def _finish(self, job: _Job) -> bool:
        """Note that a job is done; return False where its thread's place was given away meanwhile."""
        with self._lock:
            job.stage = "done"
            if job.abandoned:
                self.abandoned -= 1
                return False
            self._idle += 1
            return True

    def give_up(self, job: _Job, on_late: Callable[[Any], None]) -> None:
        """Leave a job behind: its thread, if it works on it, no longer counts, and another may take its place."""
        with self._lock:
            job.abandoned, job.on_late = job.stage != "done", on_late
            if job.stage == "working":
                self.abandoned += 1
                self._threads -= 1
                self._staff()
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

    @property
    def is_queued(self) -> bool:
        """Whether it still waits for a free thread: nothing of it has run."""
        return self._job.stage == "queued"

    def abandon(self, on_late: Callable[[Any], None]) -> None:
        """Stop waiting. A thread cannot be stopped: if it returns after all, `on_late` gets what it returned."""
        self._pool.give_up(self._job, on_late)
