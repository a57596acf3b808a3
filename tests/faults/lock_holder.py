"""A process that writes, or holds the database's locks; `test_two_writers.py` starts it.

`python -m tests.faults.lock_holder DATABASE RUN COUNT` appends to a run, one event at a time;
`python -m tests.faults.lock_holder DATABASE hold SECONDS` holds the lock, in a transaction, for so long.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.store_kit import Hand, said
from workbench.clock import SystemClock
from workbench.store import Store
from workbench.store.oslock import WriteLock


async def write(path: Path, run: str, count: int) -> None:
    """Append, and say how many were acknowledged."""
    async with await Store.open(path, clock=SystemClock()) as store:
        hand = Hand(store)
        await hand.run(run)
        print("ready", flush=True)
        for number in range(count):
            await hand.add(run, said(str(number)))
        print(count, flush=True)


def hold(path: Path, seconds: float) -> None:
    """Hold what keeps writers apart, as a process does that is slow to commit."""
    with WriteLock(path).held(), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        print("ready", flush=True)
        time.sleep(seconds)
        connection.execute("ROLLBACK")


if __name__ == "__main__":
    database, what, amount = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if what == "hold":
        hold(database, float(amount))
    else:
        asyncio.run(write(database, what, int(amount)))
