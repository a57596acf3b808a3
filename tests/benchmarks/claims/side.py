"""What both sides of a comparison share, so that it is the same for both: the work, its given latencies, the clock.

Knows the standard library alone; each side runs in a process of its own, and says what it measured as JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Plan = list[list[str]]
"""The tools that each turn of a run asks for; a last turn answers."""
ANSWER = "done"
Ask = Callable[[int], Awaitable[str]]
"""Runs the agent on the plan of that number, and returns its answer."""


@dataclass(frozen=True)
class Work:
    """What is to be done."""

    plans: list[Plan]
    tool_seconds: dict[str, float]
    model_seconds: float
    times: int
    """How often each plan is done."""
    at_once: int = 1
    """Runs at a time."""
    on_threads: bool = False
    """The tools are plain functions that block, not async ones."""
    is_sequential: bool = False
    """The agent is to have one call at a time."""

    @classmethod
    def read(cls, text: str) -> Work:
        """Return what was said as JSON."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """Say it as JSON."""
        return json.dumps(asdict(self))


def now() -> float:
    """Return seconds from an arbitrary point."""
    return time.perf_counter()  # noqa: TID251 - a measurement needs the machine's own clock


@dataclass
class Trace:
    """What the model and the tools of a side saw."""

    work: Work
    began: list[float] = field(default_factory=list)
    """When turns of the model began and ended."""
    ended: list[float] = field(default_factory=list)
    calls: int = 0

    async def think(self) -> None:
        """Be a turn of the model, as long as it takes."""
        self.began.append(now())
        await asyncio.sleep(self.work.model_seconds)
        self.ended.append(now())

    async def use(self, tool: str) -> str:
        """Be an async tool."""
        self.calls += 1
        await asyncio.sleep(self.work.tool_seconds[tool])
        return f"what {tool} says"

    def block(self, tool: str) -> str:
        """Be a tool that blocks its thread."""
        self.calls += 1
        time.sleep(self.work.tool_seconds[tool])
        return f"what {tool} says"

    def clear(self) -> None:
        """Forget what was seen."""
        self.began, self.ended, self.calls = [], [], 0


def one_by_one(plan: Plan) -> Plan:
    """Return the plan of a model that asks for one call a turn."""
    return [[tool] for turn in plan for tool in turn]


def check(work: Work, measured: dict[str, Any]) -> dict[str, Any]:
    """Return what a side measured; raises where it did not make the calls that the plans have, so did other work."""
    wanted = [sum(map(len, plan)) for plan in work.plans]
    if work.at_once > 1:
        is_whole = measured["errors"] or measured["calls"] == work.times * sum(wanted)
    else:
        is_whole = all(
            sample["calls"] == calls
            for calls, samples in zip(wanted, measured["samples"], strict=True)
            for sample in samples
        )
    if not is_whole:
        raise RuntimeError("a side made other calls than were planned, so its times say nothing")
    return measured


def memory() -> float:
    """Return the most memory that the process had, in MB.

    Linux hands the peak of `getrusage` down to what a large process starts, so it is asked for this program's own.
    """
    with suppress(OSError):
        said = Path("/proc/self/status").read_text("ascii")
        return int(said.split("VmHWM:")[1].split()[0]) / 1e3
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


async def one_after_the_other(trace: Trace, ask: Ask) -> dict[str, Any]:
    """Do each plan several times; return the seconds of its tools, its model and the whole, and its calls."""
    found: list[list[dict[str, float]]] = []
    for number in range(len(trace.work.plans)):
        await ask(number)  # the first is slow everywhere
        samples = []
        for _ in range(trace.work.times):
            trace.clear()
            start = now()
            answer = await ask(number)
            whole = now() - start
            assert answer == ANSWER, answer
            model = sum(end - begin for begin, end in zip(trace.began, trace.ended, strict=True))
            tools = sum(begin - end for begin, end in zip(trace.began[1:], trace.ended, strict=False))
            samples.append({"tools": tools, "model": model, "whole": whole, "calls": trace.calls})
        found.append(samples)
    return {"samples": found}


async def many_at_once(trace: Trace, ask: Ask) -> dict[str, Any]:
    """Do all plans several times, so many runs at once; return what that took, and what went wrong."""
    work = trace.work
    await asyncio.gather(*(ask(0) for _ in range(5)))
    trace.clear()
    before, left = memory(), list(range(len(work.plans))) * work.times
    took: list[float] = []
    errors: list[str] = []

    async def take() -> None:
        while left:
            number, start = left.pop(), now()
            try:
                answer = await ask(number)
                if answer != ANSWER:
                    errors.append(f"answered {answer!r}")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                errors.append(repr(error))
            took.append(now() - start)

    start, processor = now(), time.process_time()
    await asyncio.gather(*(take() for _ in range(work.at_once)))
    return {
        "seconds": now() - start,
        "processor": time.process_time() - processor,
        "took": took,
        "requests": len(trace.began),
        "calls": trace.calls,
        "errors": errors,
        "memory_before": before,
        "memory": memory(),
    }


def serve(ready: Callable[[Trace], Ask], arguments: Sequence[str]) -> None:
    """Do the work that the command line says, and print what came of it."""
    work = Work.read(arguments[0])
    trace = Trace(work)
    do: Callable[[Trace, Ask], Coroutine[Any, Any, dict[str, Any]]]
    do = one_after_the_other if work.at_once == 1 else many_at_once
    print(json.dumps(asyncio.run(do(trace, ready(trace)))))
