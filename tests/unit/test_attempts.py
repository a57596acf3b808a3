"""Attempts of a call: timeouts, retries of what may be repeated, and what the model is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.loop_kit import Lab, answer, asks
from workbench.engine import attempts
from workbench.errors import Retry, ToolError
from workbench.events.call import CallFinished, CallRetried, CallStarted, LateResultDropped
from workbench.events.content import text_content
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool

RUN_ONCE = asks(("work", {}))


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries follow at once."""
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.0)


def failing(errors: list[Exception], **options: Any) -> tuple[Tool, list[int]]:
    """Return a tool that raises each of `errors` in turn and then succeeds, and the attempts it saw."""
    seen: list[int] = []

    @tool(name="work", **options)
    async def work(context: ToolContext) -> str:
        seen.append(context.attempt)
        if len(seen) <= len(errors):
            raise errors[len(seen) - 1]
        return "fine"

    return work, seen


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionResetError("gone"), Retry("not yet")])
@pytest.mark.parametrize("options", [{"read_only": True}, {"idempotent": True}])
async def test_transient_failures_of_what_may_be_repeated_are_tried_again(
    error: Exception, options: dict[str, Any]
) -> None:
    """Each attempt that failed is an event; the model sees only the success, as one result."""
    work, seen = failing([error, error], **options)
    lab = Lab([RUN_ONCE, answer()], [work], eager=False)
    await lab.run()
    assert seen == [0, 1, 2]
    assert lab.sent_results() == [("0.0", "fine", False)]
    retried = lab.all(CallRetried)
    assert [(event.call, event.attempt) for event in retried] == [("0.0", 0), ("0.0", 1)]
    assert all(str(error) in event.error for event in retried)
    assert [attempt.error for attempt in lab.call("0.0").attempts] == [event.error for event in retried]


async def test_retries_end() -> None:
    """After the first attempt and three more the last error is the result, and it counts as a failure."""
    work, seen = failing([ConnectionError(f"try {number}") for number in range(9)], read_only=True)
    lab = Lab([RUN_ONCE, answer()], [work])
    await lab.run()
    assert seen == [0, 1, 2, 3]
    assert lab.sent_results() == [("0.0", "work failed: ConnectionError: try 3", True)]
    assert lab.call("0.0").outcome == "exception"


async def test_waits_double_up_to_a_cap_with_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """50, 100, 200, 400, 400 ms before jitter; the waits are in the events."""
    waits: list[float] = []
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.05)
    loop = asyncio.get_running_loop()
    later = loop.call_later

    def at_once(delay: float, callback: Callable[..., Any], *arguments: Any) -> asyncio.TimerHandle:
        is_retry = getattr(callback, "__name__", "") == "begin_attempt"
        waits.extend([delay] if is_retry else [])
        return later(0 if is_retry else delay, callback, *arguments)

    monkeypatch.setattr(loop, "call_later", at_once)
    work, _ = failing([ConnectionError()] * 5, read_only=True, retries=5)
    lab = Lab([RUN_ONCE, answer()], [work])
    await lab.run()
    assert waits == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.4])  # the jitter of a test's clock is the middle
    assert [event.wait for event in lab.all(CallRetried)] == waits


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionResetError("gone"), ValueError("bad")])
async def test_effectful_calls_are_never_repeated_on_their_own(error: Exception) -> None:
    """An effectful tool runs once, whatever it raised."""
    work, seen = failing([error])
    lab = Lab([RUN_ONCE, answer()], [work])
    await lab.run()
    assert seen == [0]
    [(_, text, is_error)] = lab.sent_results()
    assert is_error
    assert str(error) in text


async def test_retry_is_allowed_to_any_class() -> None:
    """`raise Retry` says that nothing happened, so even an effectful call is tried again."""
    work, seen = failing([Retry("busy")])
    lab = Lab([RUN_ONCE, answer()], [work])
    await lab.run()
    assert seen == [0, 1]
    assert lab.text("0.0") == "fine"


@pytest.mark.parametrize(("error", "outcome"), [(ToolError("no page 7"), "error"), (ValueError("x"), "exception")])
async def test_what_would_fail_again_is_not_tried_again(error: Exception, outcome: str) -> None:
    """A tool's own word to the model, or an ordinary exception, is final."""
    work, seen = failing([error], read_only=True)
    lab = Lab([RUN_ONCE, answer()], [work])
    await lab.run()
    assert seen == [0]
    assert lab.call("0.0").outcome == outcome
    assert lab.all(CallRetried) == []


@pytest.mark.parametrize(
    ("options", "attempts_made", "caution"),
    [({"read_only": True, "retries": 2}, 3, False), ({"idempotent": True, "retries": 1}, 2, False), ({}, 1, True)],
)
async def test_a_call_without_a_result_times_out(options: dict[str, Any], attempts_made: int, caution: bool) -> None:
    """A read-only call is tried again; an effectful one is an error that says it may have taken effect."""
    never = asyncio.Event()
    seen: list[int] = []

    @tool(timeout=0.01, **options)
    async def work(context: ToolContext) -> str:
        seen.append(context.attempt)
        await never.wait()
        return "never"

    lab = Lab([RUN_ONCE, answer()], [work])
    assert (await lab.run()).status == "completed"
    assert seen == list(range(attempts_made))
    [(_, text, is_error)] = lab.sent_results()
    assert is_error
    assert text.startswith("work gave no result within 0.01 s.")
    assert ("may have taken effect" in text) is caution
    assert lab.call("0.0").outcome == "timeout"


async def test_an_effectful_tools_own_timeout_is_an_unsure_one_too() -> None:
    """A TimeoutError out of an effectful tool says that it may have taken effect."""
    work, _ = failing([TimeoutError("no answer")])
    lab = Lab([RUN_ONCE, answer()], [work])
    await lab.run()
    assert "may have taken effect" in lab.text("0.0")
    assert lab.call("0.0").outcome == "timeout"


async def test_a_call_that_settled_in_time_does_not_time_out_while_the_log_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The timer of an attempt ends with the attempt, not when its result is collected."""
    timers: list[asyncio.TimerHandle] = []
    loop = asyncio.get_running_loop()
    later = loop.call_later

    def noted(delay: float, callback: Callable[..., Any], *arguments: Any) -> asyncio.TimerHandle:
        handle = later(delay, callback, *arguments)
        if getattr(callback, "__name__", "") == "_time_out":
            timers.append(handle)
        return handle

    monkeypatch.setattr(loop, "call_later", noted)
    gate = asyncio.Event()

    @tool()
    async def work(held: bool) -> str:
        if held:
            await gate.wait()
        return "fine"

    lab = Lab([asks(("work", {"held": False}), ("work", {"held": True})), answer()], [work])
    append, looked = lab.journal.append, []

    async def slow_append(*events: Any, durable: bool = False) -> None:
        if not gate.is_set() and any(isinstance(event, CallFinished) for event in events):
            gate.set()
            for _ in range(5):
                await asyncio.sleep(0)
            looked.append([timer.cancelled() for timer in timers])
        await append(*events, durable=durable)

    lab.journal.append = slow_append  # type: ignore[method-assign]
    await lab.run()
    assert looked == [[True, True]]
    assert [text for _, text, _ in lab.sent_results()] == ["fine", "fine"]


async def test_a_thread_that_does_not_return_is_abandoned_and_its_late_result_dropped() -> None:
    """A sync tool that times out frees its place; what it returns later is logged by size and used for nothing."""
    release = threading.Event()

    @tool(timeout=0.01)
    def work() -> str:
        assert release.wait(5)
        return "much too late"

    @tool()
    async def hold() -> str:
        release.set()
        await arrived.wait()
        return "held"

    arrived = asyncio.Event()
    lab = Lab([RUN_ONCE, asks(("hold", {})), answer()], [work, hold])
    task = await lab.started()
    await lab.until(lambda: lab.state.late_results == 1)
    arrived.set()
    await lab.finish(task)
    assert "may have taken effect" in lab.text("0.0")
    assert lab.all(LateResultDropped) == [LateResultDropped(call="0.0", size=len("much too late"))]
    assert lab.threads.abandoned == 0


async def test_the_idempotency_key_is_constant_over_attempts_and_new_for_each_call() -> None:
    """A tool sees the same key on every attempt of a call, and another one for another call and another run."""
    keys: list[tuple[str, str]] = []

    @tool(idempotent=True)
    async def work(context: ToolContext) -> str:
        keys.append((context.call, context.idempotency_key))
        if context.attempt == 0:
            raise ConnectionError
        return context.run

    for run in ("r1", "r2"):
        await Lab([asks(("work", {}), ("work", {})), answer()], [work], run=run).run()
    assert len(keys) == 8
    assert len(set(keys)) == 4


async def test_a_sync_function_that_gives_a_coroutine_is_named_as_the_mistake() -> None:
    """The model hears that the tool is at fault; nothing is left un-awaited. Async generators are no better."""

    async def inner() -> str:
        return "never"

    async def parts() -> AsyncIterator[str]:
        yield "never"

    for made in (inner, parts):

        @tool()
        def work(made: Any = made) -> Any:
            return made()

        lab = Lab([RUN_ONCE, answer()], [work])
        await lab.run()
        assert "must be `async def`" in lab.text("0.0")


async def test_cancelling_between_attempts_ends_the_call() -> None:
    """A call that is given up while it waits for its next attempt does not start it."""
    seen: list[int] = []

    @tool(read_only=True)
    async def work(context: ToolContext) -> str:
        seen.append(context.attempt)
        raise ConnectionError("gone")

    lab = Lab([RUN_ONCE, answer()], [work], eager=False)
    lab_wait = asyncio.Event()
    append = lab.journal.append

    async def cancel_on_retry(*events: Any, durable: bool = False) -> None:
        if any(isinstance(event, CallRetried) for event in events):
            lab.loop.answer_call("0.0", text_content("by hand"), is_error=False)
            lab_wait.set()
        await append(*events, durable=durable)

    lab.journal.append = cancel_on_retry  # type: ignore[method-assign]
    await lab.run()
    assert lab_wait.is_set()
    assert seen == [0]
    assert lab.sent_results() == [("0.0", "by hand", False)]
    assert [event.call for event in lab.all(CallStarted)] == ["0.0", "1.0"]
