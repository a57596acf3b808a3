"""kill -9 at any moment: nothing acknowledged is lost, nothing is there by halves, nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.appender import RUN
from workbench.clock import SystemClock
from workbench.events.base import Recorded
from workbench.events.call import CallStarted
from workbench.events.turn import TurnText
from workbench.store import Store

ROOT = Path(__file__).parents[2]
KILLS = 160
LONGEST = 0.12
"""Seconds after which an appender is killed at the latest; opening takes about a tenth of that."""


@dataclass(frozen=True)
class Site:
    """The files of one campaign."""

    folder: Path

    @property
    def database(self) -> Path:
        """The database."""
        return self.folder / "x.db"

    @property
    def acks(self) -> Path:
        """Last seq of every append that was acknowledged, one a line."""
        return self.folder / "acks"

    @property
    def effects(self) -> Path:
        """Calls that had their effect on the world, one a line."""
        return self.folder / "effects"


class Killer:
    """Starts appenders and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asked, self._said = process.stdin, process.stdout

    async def kill_one(self, delay: float) -> None:
        """Let an appender run for `delay` seconds, and kill it with -9."""
        self._asked.write("go\n")
        self._asked.flush()
        pid = int(await asyncio.to_thread(self._said.readline))
        await asyncio.sleep(delay)
        os.kill(pid, signal.SIGKILL)
        assert int(await asyncio.to_thread(self._said.readline)) == pid


@contextmanager
def appenders(site: Site, *flags: str) -> Iterator[Killer]:
    """Yield what starts and kills appenders on `site`."""
    files = map(str, (site.database, site.acks, site.effects))
    command = [sys.executable, "-m", "tests.faults.appender", *files, *flags]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Killer(process)


def last_ack(site: Site) -> int:
    """Return the last seq that was acknowledged; -1 where none was."""
    lines = site.acks.read_text().split() if site.acks.exists() else []
    return max((int(line) for line in lines), default=-1)


def half_batches(records: list[Recorded]) -> list[str]:
    """Return the texts of batches of which only a part is there; `5 2/3` is the second of three of step 5."""
    texts = [record.event.text for record in records if isinstance(record.event, TurnText)]
    halves = []
    while texts:
        step, _, part = texts[0].partition(" ")
        size = int(part.partition("/")[2])
        whole = [f"{step} {each}/{size}" for each in range(1, size + 1)]
        if texts[:size] != whole:
            halves.append(texts[0])
        del texts[:size]
    return halves


class Inspector:
    """Looks at what is new in the files of a site, and says what is wrong with it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.seen = -1
        self.acted = 0

    async def faults(self) -> list[str]:
        """Return what is wrong after a kill, in what was written since the last look."""
        if not self.site.database.exists():
            return [] if last_ack(self.site) < 0 else ["the database is gone"]
        async with await Store.open(self.site.database, clock=SystemClock()) as store:
            if not await store.position():
                return [] if last_ack(self.site) < 0 else ["all events are lost"]
            records = await store.read(RUN, after=self.seen)
            start, end = self.seen + 1, await store.last_seq(RUN)
            begun = {record.event.call for record in records if isinstance(record.event, CallStarted)}
            acted = self.site.effects.read_text().split() if self.site.effects.exists() else []
            new, self.seen, self.acted = acted[self.acted :], end, len(acted)
            forks = {row.id[:-1] for row in await store.runs() if row.id.endswith("a") and row.id != RUN}
            children = {row.id[:-1] for row in await store.runs() if row.id.endswith("b")}
            return [
                *([f"acknowledged to {last_ack(self.site)}, kept to {end}"] if last_ack(self.site) > end else []),
                *(["there is a gap"] if [record.seq for record in records] != list(range(start, end + 1)) else []),
                *(f"{text} is there without the rest of its batch" for text in half_batches(records)),
                *(f"call {call} acted before it was logged" for call in set(new) - begun),
                *(f"call {call} acted twice" for call in new if acted.count(call) > 1),
                *(f"fork {name} and its subagent are not both there" for name in forks ^ children),
                *(["a dead process holds the run"] if await store.holder(RUN) else []),
            ]


async def test_kill_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """160 processes killed at random moments of appends, effects, forks and opening: every promise holds after each."""
    site, chance = Site(tmp_path), random.Random(11)
    inspector = Inspector(site)
    with appenders(site) as killer:
        for number in range(KILLS):
            await killer.kill_one(chance.uniform(0.0, LONGEST))
            assert await inspector.faults() == [], f"after kill {number}"
    async with await Store.open(site.database, clock=SystemClock()) as store:
        assert await store.last_seq(RUN) > 2 * KILLS
        assert [line for line in await store.check() if not line.startswith("SQLite ")] == []


async def test_the_test_catches_an_early_acknowledgement(tmp_path: Path) -> None:
    """An appender that acknowledges before the commit is found out, so the test above can fail."""
    site, chance = Site(tmp_path), random.Random(12)
    inspector = Inspector(site)
    with appenders(site, "early") as killer:
        for _ in range(2 * KILLS):
            await killer.kill_one(chance.uniform(0.03, LONGEST))
            found = await inspector.faults()
            if found:
                assert all("acknowledged to" in fault or "all events are lost" in fault for fault in found)
                return
    pytest.fail("no early acknowledgement was noticed")
