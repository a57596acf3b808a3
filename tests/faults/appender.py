"""A process that appends to a run as fast as it can until it is killed; `test_kill.py` starts and kills it.

`python -m tests.faults.appender DATABASE ACKS EFFECTS [early]` forks a fresh appender for every line on stdin, prints
its pid, and prints its pid once more when it has ended. Forking saves the start of an interpreter for each kill.
An append is noted in ACKS after it was acknowledged; with `early`, the mistake that the test must catch, before.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.store_kit import called, found, said, started
from workbench.clock import SystemClock
from workbench.events.base import Event
from workbench.events.run import Caller, RunForked, RunRecovered
from workbench.store import Batch, Durability, RunHeader, Store

RUN = "aaaa"


class Appender:
    """Drives one run, over and over, with an effect in every step."""

    def __init__(self, store: Store, token: int, acks: Path, effects: Path, *, early: bool) -> None:
        self.store, self.token, self.early = store, token, early
        self.acks = os.open(acks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.effects = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.next = 0

    async def append(self, *events: Event, durability: Durability = Durability.NORMAL) -> None:
        """Append a batch and note the acknowledgement."""
        header = RunHeader(RUN, RUN, 1.0) if self.next == 0 else None
        dated = tuple((1.0, event) for event in events)
        batch = Batch(RUN, self.next, dated, header, self.token)
        self.next += len(events)
        note = f"{self.next - 1}\n".encode()
        if self.early:
            os.write(self.acks, note)
        await self.store.append(batch, durability=durability)
        if not self.early:
            os.write(self.acks, note)

    async def step(self, number: int) -> None:
        """Do what a step of an agent does: text, a call with an effect, its result, now and then a fork."""
        await self.append(*(said(f"{number} {part}/3") for part in (1, 2, 3)))
        call = f"{os.getpid()}.{number}"
        await self.append(called(call), durability=Durability.FULL)
        os.write(self.effects, f"{call}\n".encode())
        await asyncio.gather(
            self.append(found("x" * (40_000 if number % 5 == 0 else 200), call)),
            self.append(said(f"{number} 1/1")),
        )
        if number % 4 == 0:
            await self.fork(f"{os.getpid():08x}{number:04x}")

    async def fork(self, name: str) -> None:
        """Fork the run, and spawn a subagent of the fork, in one transaction."""
        above, below, cut = f"{name}a", f"{name}b", self.next - 1
        token = await self.store.acquire(above)
        forked = RunForked(parent=RUN, cut=cut, made_from=RUN, address="end")
        child = started("Find it.", Caller(run=above, call="0.0"))
        await self.store.append(
            Batch(above, cut + 1, ((1.0, forked),), RunHeader(above, above, 1.0, parent=RUN, cut=cut), token),
            Batch(below, 0, ((1.0, child),), RunHeader(below, above, 1.0, caller_run=above, depth=1), token),
            durability=Durability.FULL,
        )


async def drive(database: Path, acks: Path, effects: Path, *, early: bool) -> None:
    """Take the run over where the last process left it, and go on until killed."""
    store = await Store.open(database, clock=SystemClock())
    appender = Appender(store, await store.acquire(RUN), acks, effects, early=early)
    if await store.position():
        appender.next = await store.last_seq(RUN) + 1
    await appender.append(RunRecovered() if appender.next else started())
    number = 0
    while True:
        number += 1
        await appender.step(number)


def main() -> None:
    """Fork an appender for every line that comes in."""
    database, acks, effects = map(Path, sys.argv[1:4])
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            asyncio.run(drive(database, acks, effects, early=sys.argv[4:] == ["early"]))
            os._exit(1)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
