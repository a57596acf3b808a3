"""The pool of tool threads: at once up to its size, never held up by one that does not return."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from functools import partial
from typing import Any

import pytest

from tests.loop_kit import Lab, answer, asks, patiently
from workbench.engine.threads import ToolExitError, ToolThreads
from workbench.tools.declaring import tool


async def test_functions_run_at_once_even_when_a_thread_is_idle() -> None:
    """After one job has left a thread idle, three that wait for one another still all get a thread."""
    pool = ToolThreads(3)
    assert await pool.run(lambda: "first").future == "first"
    barrier = threading.Barrier(3)
    calls = [pool.run(lambda: barrier.wait(5)) for _ in range(3)]
    assert sorted([await patiently(call.future) for call in calls]) == [0, 1, 2]
    pool.close()


async def test_a_thread_that_waits_keeps_nothing_of_what_it_did() -> None:
    """Neither the function nor what it returned: both may hold a whole run, and threads are kept as long as agents."""
    pool, gone = ToolThreads(1), threading.Event()

    class Large:
        """Something that a function knows and returns."""

    known = Large()
    weakref.finalize(known, gone.set)
    assert await patiently(pool.run(partial(lambda one: one, known)).future) is known
    del known
    assert await asyncio.to_thread(gone.wait, 5)
    pool.close()


async def test_no_more_run_at_once_than_the_pool_has_threads() -> None:
    """The rest is queued, and runs in order as threads become free."""
    pool, lock, running, seen = ToolThreads(2), threading.Lock(), [0], [0]
    pair = threading.Barrier(2)

    def work(number: int) -> int:
        with lock:
            running[0] += 1
            seen[0] = max(seen[0], running[0])
        pair.wait(5)
        with lock:
            running[0] -= 1
        return number

    calls = [pool.run(lambda number=number: work(number)) for number in range(6)]  # type: ignore[misc]
    assert await patiently(asyncio.gather(*(call.future for call in calls))) == list(range(6))
    assert seen == [2]
    pool.close()


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(2), KeyboardInterrupt(), StopIteration("x")])
async def test_whatever_a_function_raises_comes_back_as_an_error(error: BaseException) -> None:
    """Ordinary errors come back as they are; those that would end the event loop, or hang it, as `ToolExitError`."""
    pool = ToolThreads(1)

    def work() -> None:
        raise error

    expected = ValueError if isinstance(error, ValueError) else ToolExitError
    with pytest.raises(expected):
        await patiently(pool.run(work).future)
    assert await patiently(pool.run(lambda: "next").future) == "next"
    pool.close()


async def test_an_abandoned_thread_gives_its_place_to_what_is_queued() -> None:
    """With the only thread stuck, the queued job starts as soon as the stuck one is given up."""
    pool, release, late = ToolThreads(1), threading.Event(), asyncio.Event()
    results: list[Any] = []

    def on_late(value: Any) -> None:
        results.append(value)
        late.set()

    begun = threading.Event()

    def stuck() -> str:
        begun.set()
        release.wait(5)
        return "late"

    first = pool.run(stuck)
    second = pool.run(lambda: "second")
    assert begun.wait(5)
    assert second.is_queued
    first.abandon(on_late)
    assert await patiently(second.future) == "second"
    assert first.future.cancelled()
    assert pool.abandoned == 1
    release.set()
    await patiently(late.wait())
    assert (results, pool.abandoned) == (["late"], 0)
    pool.close()


async def test_a_queued_job_that_is_given_up_never_runs() -> None:
    """What waits for a thread and is given up has had no effect, and the pool goes on."""
    pool, release, ran = ToolThreads(1), threading.Event(), []
    first = pool.run(lambda: release.wait(5))
    second = pool.run(lambda: ran.append("second"))
    second.abandon(lambda _: None)
    third = pool.run(lambda: "third")
    release.set()
    assert await patiently(first.future)
    assert await patiently(third.future) == "third"
    assert (ran, pool.abandoned) == ([], 0)
    pool.close()


async def test_giving_up_what_has_just_finished_leaves_no_thread_uncounted() -> None:
    """A job that is done when it is given up counts as no abandoned thread, and the pool keeps its size."""
    pool, done = ToolThreads(1), threading.Event()
    late: list[Any] = []

    call = pool.run(lambda: "done")
    follow = pool.run(done.set)  # the one thread begins this when it has finished the first
    assert done.wait(5)
    call.abandon(late.append)
    await patiently(follow.future)
    assert await patiently(pool.run(lambda: "next").future) == "next"
    assert pool.abandoned == 0
    assert late == ["done"]
    pool.close()


async def test_context_variables_reach_the_thread() -> None:
    """A tool on a thread sees the context of whoever started it."""
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("seen")
    pool = ToolThreads(1)
    assert await patiently(pool.run(variable.get).future) == "seen"
    pool.close()


def test_a_pool_outlives_an_event_loop() -> None:
    """A thread whose loop was closed under it serves the next loop."""
    pool, release = ToolThreads(1), threading.Event()

    async def leave_one() -> None:
        pool.run(lambda: release.wait(5))

    async def run_one() -> str:
        return str(await patiently(pool.run(lambda: "served").future))

    asyncio.run(leave_one())
    release.set()
    assert asyncio.run(run_one()) == "served"
    pool.close()


async def test_a_sync_effect_that_found_no_thread_says_that_nothing_happened() -> None:
    """A timeout in the queue is no "may have taken effect", and may be tried again."""
    pool, release = ToolThreads(1), threading.Event()
    blocker = pool.run(lambda: release.wait(5))

    @tool(timeout=0.01, retries=0)
    def act() -> str:
        raise AssertionError("it ran")

    lab = Lab([asks(("act", {})), answer()], [act], threads=pool)
    await lab.run()
    assert lab.text("0.0") == "act found no free thread within 0.01 s."
    release.set()
    await patiently(blocker.future)
    pool.close()
