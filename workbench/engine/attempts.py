"""One call in flight: its attempts one after the other, their timers, and what became of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from workbench.clock import Clock
from workbench.engine.threads import ThreadCall, ToolExitError, ToolThreads
from workbench.errors import Retry, ToolError
from workbench.events.agent import ToolSpec
from workbench.events.call import CallFinished, CallRetried, Outcome
from workbench.events.codec import result_fields
from workbench.events.content import Content, content_size, text_content
from workbench.tools.base import Tool, ToolContext, ToolResult, to_content

FIRST_WAIT, LONGEST_WAIT = 0.05, 0.4
"""Seconds before the second attempt, doubling, and at most."""
MAY_HAVE_RUN = "It may have taken effect: look before you try again."


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a tool is told about its call (see `ToolContext`)."""

    run: str
    call: str
    attempt: int
    lineage: tuple[str, ...]
    pace: float
    on_progress: Callable[[str, str], None]

    @property
    def idempotency_key(self) -> str:
        """Constant over attempts and resumes of this call; a fork is another run and gets another key."""
        return hashlib.sha256(f"{self.run}/{self.call}".encode()).hexdigest()[:32]

    def progress(self, text: str) -> None:
        """Say how far the call is; safe from any thread."""
        self.on_progress(self.call, text)


StartSpecial = Callable[[], Coroutine[Any, Any, ToolResult]]


class CallInFlight:
    """A started call. `on_settled` is called on the event loop whenever there is something to collect."""

    def __init__(
        self,
        *,
        call: str,
        input_: dict[str, JsonValue],
        spec: ToolSpec,
        tool: Tool,
        arguments: dict[str, Any],
        context: Callable[[int], ToolContext],
        threads: ToolThreads,
        clock: Clock,
        on_settled: Callable[[CallInFlight], None],
        on_late: Callable[[str, Any], None],
        special: StartSpecial | None = None,
    ) -> None:
        self.call, self.input, self.spec = call, input_, spec
        self._tool, self._arguments, self._context = tool, arguments, context
        self._threads, self._clock, self._special = threads, clock, special
        self._on_settled, self._on_late = on_settled, on_late
        self._attempt = 0
        self._future: asyncio.Future[Any] | None = None
        self._thread: ThreadCall | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started = self._attempt_started = 0.0
        self._timed_out = self._left = False

    def begin(self) -> None:
        """Start the first attempt, after `call_started` is stored."""
        self._started = self._clock.monotonic()
        self._begin_attempt()

    @property
    def elapsed(self) -> float:
        """Seconds since the first attempt began."""
        return self._clock.monotonic() - self._started if self._started else 0.0

    def _begin_attempt(self) -> None:
        if self._left:
            return
        self._attempt_started, self._timed_out = self._clock.monotonic(), False
        loop = asyncio.get_running_loop()
        context = self._context(self._attempt)
        if self._special is not None:
            self._future = loop.create_task(_guarded(self._special()))
        elif self._tool.is_async:
            self._future = loop.create_task(_guarded(self._tool.call(self._arguments, context)))
        else:
            self._thread = self._threads.run(lambda: self._tool.call(self._arguments, context))
            self._future = self._thread.future
        self._future.add_done_callback(self._settled)
        self._timer = loop.call_later(self.spec.timeout, self._time_out)

    def _settled(self, future: asyncio.Future[Any]) -> None:
        if future is self._future and not self._left and not self._timed_out:
            self._on_settled(self)
        elif not future.cancelled():
            self._report_late(future.exception() or future.result())

    def _time_out(self) -> None:
        self._timed_out = True
        self._stop_attempt()
        self._on_settled(self)

    def _stop_attempt(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
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
        return self._future if self._special is not None else None

    def collect(self) -> CallFinished | CallRetried:
        """Return the event of the attempt that settled; after a retry the next attempt starts by itself."""
        if self._timer is not None:
            self._timer.cancel()
        outcome, content, may_retry = self._outcome()
        if may_retry and self._attempt < self.spec.retries:
            return self._retry(content)
        return CallFinished(
            call=self.call,
            outcome=outcome,
            elapsed=self.elapsed,
            **result_fields(content, is_error=outcome != "ok"),
        )

    def _retry(self, content: Content) -> CallRetried:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2**self._attempt) * (0.75 + 0.5 * self._clock.random())
        elapsed = self._clock.monotonic() - self._attempt_started
        event = CallRetried(
            call=self.call,
            attempt=self._attempt,
            error=result_fields(content, is_error=True)["first_line"],
            elapsed=elapsed,
            wait=wait,
        )
        self._attempt += 1
        self._timer = asyncio.get_running_loop().call_later(wait, self._begin_attempt)
        return event

    def _outcome(self) -> tuple[Outcome, Content, bool]:
        """Return the outcome, its content, and whether another attempt is allowed."""
        repeatable = self.spec.effect != "effectful"
        if self._timed_out:
            text = f"{self.spec.name} gave no result within {self.spec.timeout:g} s."
            return "timeout", text_content(text if repeatable else f"{text} {MAY_HAVE_RUN}"), repeatable
        future = self._future
        if future is None or future.cancelled():
            return "exception", text_content(f"{self.spec.name} was cancelled from inside."), False
        error = future.exception()
        if error is None:
            return _returned(future.result())
        if isinstance(error, Retry):
            return "exception", text_content(str(error) or "nothing happened, try again"), True
        if isinstance(error, ToolError):
            return "error", text_content(str(error)), False
        text = f"{self.spec.name} failed: {type(error).__name__}: {error}"
        if isinstance(error, ToolExitError):
            text = f"{self.spec.name} failed: {error}"
        transient = isinstance(error, TimeoutError | ConnectionError)
        kind: Outcome = "timeout" if isinstance(error, TimeoutError) else "exception"
        return kind, text_content(text), transient and repeatable


def _returned(value: Any) -> tuple[Outcome, Content, bool]:
    try:
        if isinstance(value, ToolResult):
            return ("error" if value.is_error else "ok"), value.content, False
        return "ok", to_content(value), False
    except Exception as error:  # noqa: BLE001 - the edge of a tool: what it returned may do anything when read
        return "exception", text_content(f"the result cannot be read: {type(error).__name__}: {error}"), False


async def _guarded(running: Any) -> Any:
    """Await a tool; what would end the event loop (`SystemExit`, `KeyboardInterrupt`) becomes an ordinary error."""
    try:
        return await running
    except (SystemExit, KeyboardInterrupt) as error:
        raise ToolExitError(f"{type(error).__name__}: {error}") from None


def late_size(value: Any) -> int:
    """Return the size in bytes of a result that came too late; 0 for an error."""
    if isinstance(value, BaseException):
        return 0
    try:
        return content_size(value.content if isinstance(value, ToolResult) else to_content(value))
    except Exception:  # noqa: BLE001 - the edge of a tool: what it returned may do anything when read
        return 0
