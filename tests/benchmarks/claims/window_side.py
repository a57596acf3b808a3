"""One long run in a process of its own: how large its requests become, and how much memory it takes."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import tracemalloc
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tests.benchmarks.claims.side import memory
from tests.benchmarks.claims.timed import Ran, scripted, watched
from tests.benchmarks.measure import now
from workbench import Agent, Limits, tool
from workbench.events.request import Request
from workbench.providers.scripted import Turn
from workbench.providers.wire.anthropic import messages_body

RESULT = 2_000
NO_WINDOW = 10**9


def agent_of(steps: int, budget: int) -> tuple[Agent, list[int]]:
    """Return an agent that reads so many results and answers, and where it notes the bytes of what would be posted."""
    chance, posted = random.Random(7), []
    done = 0

    @tool(read_only=True)
    async def read(number: int) -> str:
        """Read."""
        return f"{number}: ".ljust(RESULT, chance.choice("abcdefgh"))

    def turn(request: Request) -> Turn:
        nonlocal done
        posted.append(len(json.dumps(messages_body(request, "some-model"))))
        if request.purpose == "summary":
            return Turn(text="So far so good. " * 30)
        done += 1
        return Turn(calls=[("read", {"number": done})]) if done <= steps else Turn(text="done")

    limits = Limits(steps=None, request_tokens=budget)
    return Agent(model=scripted(turn, 0.0), tools=[read], plan="off", limits=limits), posted


async def run(steps: int, budget: int, *, stored: bool) -> tuple[Ran, list[int]]:
    """Do the run."""
    agent, posted = agent_of(steps, budget)
    with tempfile.TemporaryDirectory() if stored else nullcontext() as folder:
        store = {} if folder is None else {"store": Path(folder) / "runs.db"}
        ran = await watched(agent, "Read it all.", **store)
    assert ran.status == "completed", ran
    return ran, posted


def main(job: dict[str, Any]) -> None:
    """Do what is asked, and print what came of it."""
    steps, budget, stored = int(job["steps"]), int(job["budget"]), bool(job["stored"])
    asyncio.run(run(3, budget, stored=stored))
    before = memory()
    if job["traced"]:
        tracemalloc.start()
    start = now()
    ran, posted = asyncio.run(run(steps, budget, stored=stored))
    seconds = now() - start
    peak = tracemalloc.get_traced_memory()[1] / 1e6 if job["traced"] else memory() - before
    print(json.dumps({"largest": max(ran.main), "all": sum(ran.main), "posted": max(posted), "memory": peak,
                      "seconds": seconds, "turns": ran.turns, "reads": ran.calls["read"]}))  # fmt: skip


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
