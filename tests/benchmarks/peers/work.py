"""The work that every framework is given, and the proof that it was done."""

from __future__ import annotations

import asyncio
import string
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.benchmarks.measure import now

TASK, ANSWER, INSTRUCTIONS = "Do the task.", "done", "You are helpful."
TOOL = "work"
_FILLER = "".join(Random(7).choices(string.ascii_lowercase, k=1 << 18))


class WrongWorkError(Exception):
    """What was done is not what was asked; the sentence says how it differs."""


@dataclass(frozen=True)
class Job:
    """So many turns of a model that each ask for so many calls at once, and one more that answers."""

    steps: int = 20
    calls: int = 4
    model_seconds: float = 0.0
    tool_seconds: float = 0.0
    result_bytes: int = 8

    def wanted(self, turn: int) -> range:
        """Return the numbers of the calls that a turn asks for; none in the last one."""
        return range(turn * self.calls, (turn + 1) * self.calls) if turn < self.steps else range(0)

    def result(self, number: int) -> str:
        """Return the result of a call: its number, and letters that no encoding makes longer."""
        start = number * 7919 % (len(_FILLER) - self.result_bytes)
        return f"{number:07d}:{_FILLER[start : start + self.result_bytes - 8]}"

    def found(self, texts: Iterable[str]) -> int:
        """Return how many of the results stand in these texts."""
        text, at, found = "\n".join(texts), 0, 0
        for number in range(self.steps * self.calls):
            result = self.result(number)
            place = text.find(result, at)
            place = text.find(result) if place < 0 else place
            if place >= 0:
                found, at = found + 1, place + len(result)
        return found


Adapter = Callable[[Job, "Watch", "Path | None"], Awaitable[str]]
"""Runs a job in one framework, durably where a path is given, and returns the answer."""
Once = Callable[[], Awaitable[None]]
"""Makes one run of two turns and one call over the wire, and raises where it did anything else."""
Seen = Callable[[], Iterable[str]]
"""Gives the texts of the results in what the model was sent; only asked for in the last turn."""


def expect(what: str, found: object, asked: object) -> None:
    """Raise `WrongWorkError` where something is not as it was asked for."""
    if found != asked:
        raise WrongWorkError(f"{what}: {found!r}, not {asked!r}")


class Watch:
    """The model and the tool behind every adapter: they wait, count, and see what they are given."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.turns: list[float] = []
        """When the model was asked, each time."""
        self.used: list[float] = []
        """Seconds of the processor by then."""
        self.called: list[int] = []
        self.most_at_once = 0
        self.results_seen = 0
        self._at_once = 0
        self._lock = threading.Lock()

    async def turn(self, seen: Seen) -> range:
        """Be asked as the model; return the numbers of the calls that it wants, none for the answer."""
        turn = self._asked()
        if self.job.model_seconds:
            await asyncio.sleep(self.job.model_seconds)
        return self._said(turn, seen)

    def turn_in_thread(self, seen: Seen) -> range:
        """Be asked as the model of a framework without an event loop."""
        turn = self._asked()
        time.sleep(self.job.model_seconds)
        return self._said(turn, seen)

    async def call(self, number: int) -> str:
        """Be called as the tool."""
        self._begun(number)
        await asyncio.sleep(self.job.tool_seconds)
        return self._ended(number)

    def call_in_thread(self, number: int) -> str:
        """Be called as the tool of a framework without an event loop."""
        self._begun(number)
        time.sleep(self.job.tool_seconds)
        return self._ended(number)

    def check(self, answer: str) -> None:
        """Raise `WrongWorkError` where other work was done than was asked for."""
        job, asked = self.job, self.job.steps * self.job.calls
        expect("turns of the model", len(self.turns), job.steps + 1)
        expect("calls of the tool", len(self.called), asked)
        expect("different calls", len(set(self.called)), asked)
        expect("results that the model saw in its last turn", self.results_seen, asked)
        if job.tool_seconds:
            expect("calls at once, at most", self.most_at_once, job.calls)
        expect("the answer", answer, ANSWER)

    def reached(self) -> str:
        """Return how far a job came that is not done."""
        steps = max(0, len(self.turns) - 1)
        return "" if steps == self.job.steps else f" at step {steps} of {self.job.steps}"

    @property
    def seconds(self) -> float:
        """From the first turn to the last: the steps alone, without what is made before and put away after."""
        return self.turns[-1] - self.turns[0]

    @property
    def processor(self) -> float:
        """Seconds of the processor that the same took, on all threads: what else the machine does is not in it."""
        return self.used[-1] - self.used[0]

    def _asked(self) -> int:
        self.turns.append(now())
        self.used.append(time.process_time())
        if len(self.turns) > self.job.steps + 1:
            raise WrongWorkError(f"it asked the model more than {self.job.steps + 1} times")
        return len(self.turns) - 1

    def _said(self, turn: int, seen: Seen) -> range:
        if turn == self.job.steps:
            self.results_seen = self.job.found(seen())
        return self.job.wanted(turn)

    def _begun(self, number: int) -> None:
        with self._lock:
            self.called.append(number)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)

    def _ended(self, number: int) -> str:
        with self._lock:
            self._at_once -= 1
        return self.job.result(number)


@dataclass
class Revisited:
    """What a kept run takes to be looked at again, in seconds; None where a framework has no such thing."""

    open: float
    list: float | None
    fork: float
