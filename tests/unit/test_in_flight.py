"""One call among many, while it runs: begun anew, given time, cancelled or answered before its turn is whole."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tests.builders import live_run
from tests.loop_kit import Lab, answer, asks, patiently
from workbench.engine.attempts import MAY_HAVE_RUN, RETRIED_BY_HAND
from workbench.engine.orders import Orders, Settle
from workbench.errors import TransientModelError
from workbench.events.call import (
    CallCancelled,
    CallDiscarded,
    CallFinished,
    CallProgressed,
    CallRetried,
    CallReused,
    CallStarted,
    LateResultDropped,
)
from workbench.events.content import text_content
from workbench.events.run import RunPaused, RunResumed
from workbench.events.turn import TurnFinished
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool

OVERLOADED = TransientModelError("overloaded", kind="overloaded")
TWO = (("look", {"word": "a"}), ("look", {"word": "b"}))


class Looks:
    """A tool that can be held, word by word, at its first attempt, and what it was asked."""

    def __init__(self, *held: str) -> None:
        self.asked: list[tuple[str, int]] = []
        self.gates = {word: asyncio.Event() for word in held}

    def tool(self, **options: Any) -> Tool:
        """Return the tool."""

        @tool(name="look", **{"read_only": True, **options})
        async def look(context: ToolContext, word: str) -> str:
            self.asked.append((word, context.attempt))
            if word in self.gates and context.attempt == 0:
                await self.gates[word].wait()
            return f"found {word}, attempt {context.attempt}"

        return look


async def test_a_running_call_is_begun_anew_and_its_siblings_go_on() -> None:
    """The attempt that hangs is left, the next one gives the result, and the sibling is asked once."""
    looks = Looks("a", "b")
    lab = Lab([asks(*TWO), answer()], [looks.tool()], eager=False)
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "running"])
    lab.loop.retry_call("0.0")
    await lab.until(lambda: lab.statuses() == ["finished", "running"])
    looks.gates["b"].set()
    await lab.finish(task)
    assert looks.asked == [("a", 0), ("b", 0), ("a", 1)]
    [retried] = lab.all(CallRetried)
    assert (retried.call, retried.attempt, retried.error, retried.wait) == ("0.0", 0, RETRIED_BY_HAND, 0.0)
    assert lab.sent_results() == [("0.0", "found a, attempt 1", False), ("0.1", "found b, attempt 0", False)]
    assert lab.all(LateResultDropped) == []


async def test_the_end_of_an_attempt_is_stored_before_the_next_begins() -> None:
    """What the log says of attempts is never behind what the tool saw."""
    seen: list[int] = []
    began, hold = asyncio.Event(), asyncio.Event()

    @tool(name="work", read_only=True)
    async def work(context: ToolContext) -> str:
        seen.append(len(lab.all(CallRetried)))
        began.set()
        if context.attempt < 2:
            await hold.wait()
        return "fine"

    lab = Lab([asks(("work", {})), answer()], [work], eager=False)
    task = await lab.started()
    for _ in range(2):
        await patiently(began.wait())
        began.clear()
        lab.loop.retry_call("0.0")
    await lab.finish(task)
    assert seen == [0, 1, 2]


async def test_attempts_that_a_person_wanted_leave_the_tools_own_retries_as_they_were() -> None:
    """Three transient failures are forgiven after a retry by hand as before it."""
    seen: list[int] = []
    began, hold = asyncio.Event(), asyncio.Event()

    @tool(name="work", read_only=True, retries=1)
    async def work(context: ToolContext) -> str:
        seen.append(context.attempt)
        began.set()
        if context.attempt == 0:
            await hold.wait()
        if context.attempt == 1:
            raise ConnectionError("gone")
        return "fine"

    lab = Lab([asks(("work", {})), answer()], [work], eager=False)
    task = await lab.started()
    await patiently(began.wait())
    lab.loop.retry_call("0.0")
    await lab.finish(task)
    assert seen == [0, 1, 2]
    assert lab.text("0.0") == "fine"


async def test_a_retry_of_an_effectful_call_says_what_may_have_happened() -> None:
    """The log tells that the attempt that was left may have taken effect."""
    looks = Looks("a")
    lab = Lab([asks(TWO[0]), answer()], [looks.tool(read_only=False)])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    lab.loop.retry_call("0.0")
    await lab.finish(task)
    assert [event.error for event in lab.all(CallRetried)] == [f"{RETRIED_BY_HAND}. {MAY_HAVE_RUN}"]


async def test_a_thread_that_is_left_behind_gives_no_second_result() -> None:
    """A sync tool cannot be stopped: what its first attempt returns late is dropped, and the log says so."""
    hold, began, loop = threading.Event(), asyncio.Event(), asyncio.get_running_loop()
    seen: list[int] = []

    @tool(name="work", read_only=True)
    def work(context: ToolContext) -> str:
        seen.append(context.attempt)
        loop.call_soon_threadsafe(began.set)
        if context.attempt == 0:
            hold.wait(20)
        return f"attempt {context.attempt}"

    holding, go_on = asyncio.Event(), asyncio.Event()
    lab = Lab([asks(("work", {})), asks(("wait", {})), answer()], [work, _waiting(holding, go_on)], eager=False)
    task = await lab.started()
    await patiently(began.wait())
    lab.loop.retry_call("0.0")
    await patiently(holding.wait())
    hold.set()
    await lab.until(lambda: lab.all(LateResultDropped))
    go_on.set()
    await lab.finish(task)
    assert sorted(seen) == [0, 1]
    assert lab.text("0.0") == "attempt 1"


def _waiting(reached: asyncio.Event, go_on: asyncio.Event) -> Tool:
    @tool(name="wait", read_only=True)
    async def wait() -> str:
        reached.set()
        await go_on.wait()
        return "waited"

    return wait


async def test_an_order_that_comes_too_late_changes_nothing() -> None:
    """A call that has its result by then keeps it, and the run ends as it would."""
    looks = Looks()
    lab = Lab([asks(TWO[0]), answer()], [looks.tool()])
    await lab.begin()
    lab.loop.retry_call("0.0")
    lab.loop.give_time("0.0", 60.0)
    await lab.run()
    assert not lab.all(CallRetried)
    assert not lab.all(CallProgressed)
    assert lab.state.status == "completed"


@pytest.mark.parametrize("is_sync", [False, True])
async def test_more_time_lets_a_call_outlive_its_timeout(monkeypatch: pytest.MonkeyPatch, *, is_sync: bool) -> None:
    """A call that would have timed out gives its result; the time it was given is a fact in the log."""
    timers = Timers(monkeypatch)
    hold, hold_thread = asyncio.Event(), threading.Event()

    if is_sync:

        @tool(name="work", read_only=True, timeout=7.0)
        def work() -> str:
            hold_thread.wait(20)
            return "slow and sure"

    else:

        @tool(name="work", read_only=True, timeout=7.0)
        async def work() -> str:
            await hold.wait()
            return "slow and sure"

    lab = Lab([asks(("work", {})), answer()], [work], eager=False)
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    lab.loop.give_time("0.0", 7.0)
    await lab.until(lambda: lab.call("0.0").granted)
    assert timers.left() == pytest.approx(14.0, abs=1.0)
    hold.set()
    hold_thread.set()
    await lab.finish(task)
    assert lab.text("0.0") == "slow and sure"
    assert lab.all(CallProgressed) == [CallProgressed(call="0.0", text="7 s more, given by the operator", granted=7.0)]
    assert (lab.call("0.0").granted, lab.call("0.0").progress) == (7.0, "")


class Timers:
    """The timeouts of calls that are set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._loop = asyncio.get_running_loop()
        self._set: list[asyncio.TimerHandle] = []
        call_at = self._loop.call_at

        def noted(when: float, callback: Any, *arguments: Any, **more: Any) -> asyncio.TimerHandle:
            handle = call_at(when, callback, *arguments, **more)
            if getattr(callback, "__name__", "") == "_time_out":
                self._set.append(handle)
            return handle

        monkeypatch.setattr(self._loop, "call_at", noted)

    def left(self) -> float:
        """Return the seconds until the only one that still counts."""
        [timer] = [handle for handle in self._set if not handle.cancelled()]
        return timer.when() - self._loop.time()


async def test_a_call_that_was_given_time_still_times_out() -> None:
    """And says how long it had, all told."""
    looks = Looks("a")
    lab = Lab([asks(TWO[0]), answer()], [looks.tool(timeout=0.01, retries=0)])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    lab.loop.give_time("0.0", 0.02)
    await lab.finish(task)
    assert lab.text("0.0") == "look gave no result within 0.03 s."


# Calls that run while the model still writes


async def streaming(lab: Lab, *statuses: str) -> asyncio.Task[None]:
    """Begin a run, and wait until its eager calls are so while the turn streams."""
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == list(statuses))
    assert lab.all(TurnFinished) == []
    return task


async def test_an_eager_call_that_is_cancelled_is_so_for_the_turn() -> None:
    """Its result says so to the model, though the turn was not finished when it was given up."""
    looks, hold = Looks("a"), asyncio.Event()
    lab = Lab([asks(*TWO, hold=hold), answer()], [looks.tool()])
    task = await streaming(lab, "running", "finished")
    lab.loop.cancel_call("0.0")
    await lab.until(lambda: lab.all(CallCancelled))
    hold.set()
    await lab.finish(task)
    assert lab.sent_results() == [("0.0", "cancelled by the operator", True), ("0.1", "found b, attempt 0", False)]
    assert looks.asked == [("a", 0), ("b", 0)]


async def test_an_eager_call_that_is_answered_by_hand_keeps_the_answer() -> None:
    """The model gets what the person wrote, once it has finished asking for it."""
    looks, hold = Looks("a"), asyncio.Event()
    lab = Lab([asks(TWO[0], hold=hold), answer()], [looks.tool()])
    task = await streaming(lab, "running")
    lab.loop.answer_call("0.0", text_content("by hand"), is_error=False)
    await lab.until(lambda: lab.statuses() == ["finished"])
    hold.set()
    await lab.finish(task)
    assert lab.sent_results() == [("0.0", "by hand", False)]
    assert lab.call("0.0").by == "operator"


async def test_an_eager_call_is_begun_anew_and_given_time() -> None:
    """Both before its turn is finished; the result of the second attempt counts."""
    looks, hold = Looks("a"), asyncio.Event()
    lab = Lab([asks(TWO[0], hold=hold), answer()], [looks.tool()])
    task = await streaming(lab, "running")
    lab.loop.give_time("0.0", 60.0)
    lab.loop.retry_call("0.0")
    await lab.until(lambda: lab.statuses() == ["finished"])
    hold.set()
    await lab.finish(task)
    assert lab.sent_results() == [("0.0", "found a, attempt 1", False)]
    assert lab.call("0.0").granted == 60.0


@pytest.mark.parametrize("how", ["cancelled", "by hand"])
async def test_what_a_person_decided_of_an_eager_call_outlives_a_broken_stream(how: str) -> None:
    """The next attempt of the turn asks for the same: it is not run again behind the person's back."""
    looks, hold = Looks("a"), asyncio.Event()
    broken = asks(TWO[0], hold=hold, error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken, asks(TWO[0]), answer()], [looks.tool()])
    task = await streaming(lab, "running")
    if how == "cancelled":
        lab.loop.cancel_call("0.0")
    else:
        lab.loop.answer_call("0.0", text_content("by hand"), is_error=False)
    await lab.until(lambda: lab.call("0.0").has_result)
    hold.set()
    await lab.finish(task)
    said = ("cancelled by the operator", True) if how == "cancelled" else ("by hand", False)
    assert lab.sent_results() == [("0.1", *said)]
    assert lab.all(CallReused) == [CallReused(call="0.1", old="0.0")]
    assert lab.call("0.1").by == "operator"
    assert looks.asked == [("a", 0)]


async def test_an_eager_call_that_is_cancelled_and_not_asked_for_is_dropped() -> None:
    """The finished turn has no call, and the model hears nothing of it."""
    looks, hold = Looks("a"), asyncio.Event()
    broken = asks(TWO[0], hold=hold, error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken, asks(TWO[1]), answer()], [looks.tool()])
    task = await streaming(lab, "running")
    lab.loop.cancel_call("0.0")
    await lab.until(lambda: lab.all(CallCancelled))
    hold.set()
    await lab.finish(task)
    assert [event.call for event in lab.all(CallDiscarded)] == ["0.0"]
    assert lab.sent_results() == [("0.1", "found b, attempt 0", False)]


def test_an_order_given_as_the_turn_takes_a_call_over_reaches_it_under_its_new_name() -> None:
    """The person meant the call that runs, whatever it is called a moment later."""
    log = live_run()
    running = next(call.id for call in log.state.steps[-1].calls.values() if call.status == "running")
    orders = Orders()
    orders.give(Settle("9.9"))
    orders.rename("9.9", running)
    [event] = orders.obey(log.state, {}, lambda _: None).events
    assert isinstance(event, CallCancelled)
    assert event.call == running
    assert not orders


# At the moment of a pause


@pytest.mark.parametrize("moment", ["before", "while it is stored"])
async def test_an_order_given_at_the_moment_of_a_pause_is_not_lost(moment: str) -> None:
    """A call that is cancelled as the run comes to rest is cancelled, not merely stopped."""
    looks = Looks("a")
    lab = Lab([asks(TWO[0]), answer()], [looks.tool()], eager=False)
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    append = lab.journal.append

    async def and_then(*events: Any, durable: bool = False) -> None:
        if any(isinstance(event, RunPaused) for event in events):
            lab.loop.cancel_call("0.0")
        await append(*events, durable=durable)

    if moment == "before":
        lab.loop.pause("now")
        lab.loop.cancel_call("0.0")
    else:
        lab.journal.append = and_then  # type: ignore[method-assign]
        lab.loop.pause("now")
    await lab.finish(task)
    assert lab.state.status_and_reason == ("interrupted", "paused")
    assert lab.statuses() == ["cancelled"]


async def test_an_eager_call_cancelled_at_the_moment_of_a_pause_stays_cancelled() -> None:
    """The stream is broken off; when the turn is asked for again, the call is not run again."""
    looks, hold = Looks("a"), asyncio.Event()
    lab = Lab([asks(TWO[0], hold=hold), asks(TWO[0]), answer()], [looks.tool()])
    task = await streaming(lab, "running")
    lab.loop.pause("now")
    lab.loop.cancel_call("0.0")
    await lab.finish(task)
    assert lab.statuses() == ["cancelled"]
    assert lab.all(CallFinished) == []
    await lab.journal.append(RunResumed())
    await lab.run()
    assert looks.asked == [("a", 0)]
    assert lab.sent_results() == [("0.1", "cancelled by the operator", True)]
    assert len(lab.all(CallStarted)) == 2  # the call, and the answer
