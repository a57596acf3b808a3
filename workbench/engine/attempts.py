"""One call in flight: its attempts one after the other, their timers, and what became of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from workbench.clock import Clock
from workbench.engine.breakpoints import SubagentRestsError
from workbench.engine.results import (
    TAIL,
    Gathered,
    UnreadableResultError,
    described,
    fit,
    with_words,
    words,
)
from workbench.engine.running import guarded, run_async, run_on_thread
from workbench.engine.threads import ThreadCall, ToolExitError, ToolThreads
from workbench.errors import Retry, StaleDriverError, StoreError, ToolError
from workbench.events.agent import ToolSpec
from workbench.events.call import CallFinished, CallRetried, Outcome
from workbench.events.codec import result_fields
from workbench.events.content import Content, content_size, first_line, normalise_text, text_content
from workbench.tools.base import Tool, ToolContext, ToolResult, to_content
from workbench.tools.library import Readable

FIRST_WAIT, LONGEST_WAIT = 0.05, 0.4
"""Seconds before the second attempt, doubling, and at most."""
RETRIED_BY_HAND = "retried by the operator"
MAY_HAVE_RUN = "It may have taken effect: look before you try again."


@dataclass(slots=True)
class CallContext:
    """What a tool is told about its call (see `ToolContext`)."""

    run: str
    call: str
    attempt: int
    lineage: tuple[str, ...]
    pace: float
    on_progress: Callable[[str], None]
    on_readable: Callable[[], Awaitable[Readable]]

    @property
    def idempotency_key(self) -> str:
        """Constant over attempts and resumes of this call; a fork is another run and gets another key."""
        return hashlib.sha256(f"{self.run}/{self.call}".encode()).hexdigest()[:32]

    def progress(self, text: str) -> None:
        """Say how far the call is; safe from any thread."""
        self.on_progress(normalise_text(str(text)[-TAIL:]))

    async def readable(self) -> Readable:
        """Return whose notes this call may read."""
        return await self.on_readable()


def _over(attempt: int) -> ToolContext:
    raise AssertionError(f"attempt {attempt} of a call that is over")


StartSpecial = Callable[[], Coroutine[Any, Any, ToolResult]]


@dataclass(slots=True)
class _Ended:
    """How an attempt ended."""

    outcome: Outcome
    sentence: str = ""
    """Why there is no result."""
    whole: ToolResult | None = None
    may_retry: bool = False

    @classmethod
    def returned(cls, result: ToolResult) -> _Ended:
        """Return the end of an attempt that gave a result."""
        return cls("error" if result.is_error else "ok", whole=result)


class CallInFlight:
    """A started call. `on_settled` is called on the event loop whenever there is something to collect."""

    def __init__(
        self,
        *,
        call: str,
        tool: Tool,
        arguments: dict[str, Any],
        context: Callable[[int], ToolContext],
        threads: ToolThreads,
        clock: Clock,
        on_settled: Callable[[CallInFlight], None],
        on_late: Callable[[str, Any], None],
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        special: StartSpecial | None = None,
    ) -> None:
        self.call = call
        """Its id; another one when a later attempt of the turn takes it over."""
        self._tool, self._arguments, self._context = tool, arguments, context
        self._threads, self._clock, self._special = threads, clock, special
        self._on_settled, self._on_late, self._around = on_settled, on_late, around
        self._attempt, self._retries = 0, 0
        """The attempt that runs or is next, and how many of those before failed by themselves."""
        self._time = tool.spec.timeout
        """Seconds for an attempt."""
        self._future: asyncio.Future[Any] | None = None
        self._thread: ThreadCall | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started: float | None = None
        self._attempt_started = 0.0
        self._timed_out = self._left = False
        self._gathered: Gathered | None = None
        """What the attempt that runs, or was the last to run, has given."""

    @property
    def spec(self) -> ToolSpec:
        """What the tool declares."""
        return self._tool.spec

    @property
    def is_special(self) -> bool:
        """Whether it is a subagent, which has limits of its own."""
        return self._special is not None

    @property
    def has_begun(self) -> bool:
        """Whether the tool was asked to do anything."""
        return self._started is not None

    @property
    def elapsed(self) -> float:
        """Seconds since the first attempt began."""
        return self._clock.monotonic() - self._started if self._started is not None else 0.0

    @property
    def rest(self) -> SubagentRestsError | None:
        """Why the call comes to no result though it settled: its subagent rests, or None."""
        future = self._future
        error = future.exception() if future is not None and future.done() and not future.cancelled() else None
        return error if isinstance(error, SubagentRestsError) else None

    def begin(self) -> None:
        """Start the first attempt, after `call_started` is stored."""
        self._started = self._clock.monotonic()
        self.begin_attempt()

    def begin_attempt(self) -> None:
        """Start the next attempt, after the end of the one before is stored."""
        self._attempt_started, self._timed_out, self._thread = self._clock.monotonic(), False, None
        loop = asyncio.get_running_loop()
        with self._around():  # a task and a thread get a copy of the context in which they are made
            self._future = self._start(loop)
        self._future.add_done_callback(self._settle)
        if self._special is None:  # a subagent has limits of its own, and may wait for a person as long as it takes
            self._timer = loop.call_later(self._time, self._time_out)

    def _start(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
        if self._special is not None:
            return loop.create_task(guarded(self._special))
        context, tool, arguments = self._context(self._attempt), self._tool, self._arguments
        gathered = self._gathered = Gathered(self.spec.max_output, context.progress)
        if tool.is_async:
            return loop.create_task(run_async(tool, arguments, context, gathered, self._threads))
        self._thread = self._threads.run(lambda: run_on_thread(tool, arguments, context, gathered, loop))
        return self._thread.future

    def _settle(self, future: asyncio.Future[Any]) -> None:
        if future is self._future and not self._left and not self._timed_out:
            self._stop_timer()  # so that what settled in time cannot time out before it is collected
            self._on_settled(self)
        elif not future.cancelled():
            self._report_late(future.exception() or future.result())

    def _time_out(self) -> None:
        self._timed_out = True
        self._stop_attempt()
        self._on_settled(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _stop_attempt(self) -> None:
        self._stop_timer()
        if self._gathered is not None:
            self._gathered.close()
        if self._thread is not None:
            self._thread.abandon(self._report_late)
        elif self._future is not None:
            self._future.cancel()

    def _report_late(self, value: Any) -> None:
        self._on_late(self.call, value)

    def leave(self) -> asyncio.Future[Any] | None:
        """Give the call up: nothing of it will be collected. Returns what still winds down and can be awaited."""
        self._left = True
        self._stop_attempt()
        self._forget()
        return self._future if self._special is not None else None

    def _forget(self) -> None:
        """Drop what the call was told, which holds the call and the run: else both stay until garbage is looked for.

        What came stays: hooks may look at the result for a while, and a person may give the call up meanwhile.
        """
        self._context, self._thread = _over, None
        if self._gathered is not None:
            self._gathered.close()

    def leave_attempt(self) -> CallRetried | None:
        """Leave the attempt that runs, for a person who wants another; `begin_attempt` starts that.

        Returns its event, or None where no attempt runs: then the next one is about to begin anyway.
        """
        if self._future is None or self._future.done() or self._timed_out:
            return None
        self._stop_attempt()
        self._future = self._thread = None
        caution = f". {MAY_HAVE_RUN}" if self.spec.effect == "effectful" else ""
        return self._next_attempt(f"{RETRIED_BY_HAND}{caution}", 0.0)

    def give_time(self, seconds: float) -> None:
        """Let this attempt, and those after it, take so much longer."""
        self._time += seconds
        if self._timer is not None and self._future is not None and not self._future.done():
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(self._timer.when() + seconds, self._time_out)

    @property
    def so_far(self) -> Content:
        """What a tool that yields has given, while its result is not whole."""
        return self._gathered.content() if self._gathered is not None else ()

    def collect(self) -> CallFinished | CallRetried:
        """Return the event of the attempt that settled; after a retry the next attempt starts by itself."""
        ended = self._ended()
        if ended.may_retry and self._retries < self.spec.retries:
            return self._retry(ended.sentence)
        if ended.whole is not None:
            content, partial = ended.whole.content, ended.whole.interrupted
        else:
            came, why = self.so_far, fit(text_content(ended.sentence), self.spec.max_output)
            content, partial = (with_words(came, why), True) if came else (why, False)
        self._forget()
        return CallFinished(
            call=self.call,
            outcome=ended.outcome,
            elapsed=self.elapsed,
            partial=partial,
            **result_fields(content, is_error=ended.outcome != "ok"),
        )

    def _retry(self, sentence: str) -> CallRetried:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2**self._retries) * (0.75 + 0.5 * self._clock.random())
        self._retries += 1
        self._future = None
        event = self._next_attempt(first_line(text_content(sentence)), wait)
        self._timer = asyncio.get_running_loop().call_later(wait, self.begin_attempt)
        return event

    def _next_attempt(self, error: str, wait: float) -> CallRetried:
        elapsed = self._clock.monotonic() - self._attempt_started
        event = CallRetried(call=self.call, attempt=self._attempt, error=error, elapsed=elapsed, wait=wait)
        self._attempt += 1
        return event

    def _ended(self) -> _Ended:
        """Return how the attempt ended."""
        name, repeatable = self.spec.name, self.spec.effect != "effectful"
        caution = "" if repeatable else f" {MAY_HAVE_RUN}"
        if self._timed_out and self._thread is not None and self._thread.is_queued:
            return _Ended("timeout", f"{name} found no free thread within {self._time:g} s.", may_retry=True)
        if self._timed_out:
            return _Ended("timeout", f"{name} gave no result within {self._time:g} s.{caution}", may_retry=repeatable)
        if self._future is None or self._future.cancelled():
            return _Ended("exception", f"{name} was cancelled from inside.")
        error = self._future.exception()
        match error:
            case None:
                return _Ended.returned(self._future.result())
            case StoreError() | StaleDriverError() if self._special is not None:
                raise error  # the log of a subagent cannot be written: that is no result, it stops the caller too
            case Retry():
                return _Ended("exception", words(error) or "nothing happened, try again", may_retry=True)
            case ToolError():
                return _Ended("error", words(error))
            case UnreadableResultError():
                return _Ended("exception", words(error))
            case ToolExitError():
                return _Ended("exception", f"{name} failed: {words(error)}")
            case TimeoutError():
                return _Ended("timeout", f"{name} failed: {described(error)}.{caution}", may_retry=repeatable)
            case _:
                transient = isinstance(error, ConnectionError) and repeatable
                return _Ended("exception", f"{name} failed: {described(error)}", may_retry=transient)


def late_size(value: Any) -> int:
    """Return the size in bytes of a result that came too late; 0 for an error."""
    if isinstance(value, BaseException):
        return 0
    try:
        return content_size(value.content if isinstance(value, ToolResult) else to_content(value))
    except BaseException:  # noqa: BLE001 - the edge of a tool: what it returned may do anything when read
        return 0
