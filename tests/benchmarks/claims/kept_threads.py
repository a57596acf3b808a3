"""Threads of sync tools, kept by the engine or made anew for each call."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable

from tests.benchmarks.measure import Table, now, repeated, spread
from workbench.engine.threads import ToolThreads

AT_ONCE = 4
ROUNDS, SLOW_ROUNDS, TIMES = 250, 3, 5

Tool = Callable[[], str]
Start = Callable[[Tool], Awaitable[str]]
_OWN = threading.local()


def nothing() -> str:
    """Be a tool that does nothing."""
    return "ok"


def with_a_client() -> str:
    """Be a tool whose thread keeps what a client of HTTPS has to make first."""
    if getattr(_OWN, "client", None) is None:
        _OWN.client = ssl.create_default_context()
    return "ok"


def kept(threads: ToolThreads) -> Start:
    """Return what runs a tool as the engine does."""
    return lambda function: threads.run(function).future


async def anew(function: Tool) -> str:
    """Run a tool on a thread that is made for it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    work = lambda: loop.call_soon_threadsafe(future.set_result, function())  # noqa: E731
    threading.Thread(target=work, daemon=True).start()
    return await future


async def seconds_of_a_call(start: Start, function: Tool, rounds: int) -> float:
    """Return what a call takes, `AT_ONCE` at a time."""
    begin = now()
    for _ in range(rounds):
        await asyncio.gather(*(start(function) for _ in range(AT_ONCE)))
    return (now() - begin) / rounds / AT_ONCE


def measured(function: Tool, rounds: int) -> tuple[list[float], list[float]]:
    """Return what calls take on kept threads, and on threads made anew."""
    threads = ToolThreads()
    both = [
        repeated(TIMES, lambda start=start: asyncio.run(seconds_of_a_call(start, function, rounds)))  # type: ignore[misc]
        for start in (kept(threads), anew)
    ]
    threads.close()
    return both[0], both[1]


def table() -> Table:
    """Measure and return the table."""
    lines: list[tuple[str, ...]] = []
    for name, function, rounds in (
        ("a tool that does nothing", nothing, ROUNDS),
        ("one that needs an SSL context, kept by its thread", with_a_client, SLOW_ROUNDS),
    ):
        old, new = measured(function, rounds)
        lines.append((name, spread(old), spread(new)))
    return Table(
        "Tool threads, kept and made anew",
        ("a call", "on kept threads", "on a thread of its own"),
        lines,
        "The claim: a pool of threads that is kept is quicker than one that is made for each turn or call. Here plain "
        f"functions are called without an agent around them, {AT_ONCE} at once, on the engine's threads and on threads "
        "made for each call. The first line is what a thread itself costs, the second what keeping one saves where a "
        "client lives as long as its thread.",
    )
