"""`Observer`: follows a driver's feed on a thread of its own, and hands facts to whoever tells them.

It looks a few times a second instead of being woken: so publishing costs the driver one append to a queue, whatever is
watched.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from workbench.clock import Clock, SessionTime
from workbench.driver.driver import Driver
from workbench.driver.feed import Trouble
from workbench.errors import WorkbenchError
from workbench.events.base import Recorded
from workbench.events.run import RunStarted
from workbench.store import Store
from workbench.telemetry.deriving import Deriver
from workbench.telemetry.facts import Kin
from workbench.telemetry.telling import Teller, Telling

LOOK_SECONDS: Final = 0.25
LEAVE_SECONDS: Final = 5.0
"""How long closing waits for a look that does not end."""


class Observer:
    """From `start` to `close`; `close` comes after the driver was closed, so that nothing is missed."""

    def __init__(self, driver: Driver, tellers: Sequence[Teller], clock: Clock | None = None) -> None:
        self._driver, self._telling = driver, Telling(tellers)
        self._time = SessionTime(clock or driver.settings.clock)
        self._subscription = driver.feed.subscribe(facts_of_here=True)
        self._deriver = Deriver(self._find_kin)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._looking = threading.Lock()

    def start(self) -> None:
        """Begin to follow."""
        self._thread = threading.Thread(target=self._follow, name="workbench-telemetry", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Take in all that was published so far."""
        with self._looking:
            for change in self._subscription.drain():
                if isinstance(change, Recorded):
                    self._telling.tell(self._deriver.take(change))
                elif isinstance(change, Trouble):
                    self._telling.tell([change])

    def close(self) -> None:
        """Take in what is left, and end everything."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LEAVE_SECONDS)
        self._subscription.close()
        if self._thread is None or not self._thread.is_alive():
            self.look()
        self._telling.tell(self._deriver.leave(self._time.now()))
        self._telling.close()

    def _follow(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()

    def _find_kin(self, run: str) -> Kin | None:
        """Read where a run belongs, from the driver's store or, once that is closed, from its file."""
        with suppress(WorkbenchError):
            kin: Kin = self._driver.run_blocking(_kin(self._driver.store, run))
            return kin
        with suppress(WorkbenchError):
            return asyncio.run(self._read_kin(run))
        return None

    async def _read_kin(self, run: str) -> Kin:
        settings = self._driver.settings
        async with await Store.open(settings.database, clock=settings.clock, read_only=True) as store:
            return await _kin(store, run)


async def _kin(store: Store, run: str) -> Kin:
    header = await store.header(run)
    first = await store.read(run, upto=0)
    agent = first[0].event.agent.name if first and isinstance(first[0].event, RunStarted) else ""
    return Kin(header.root, header.caller_run, header.caller_call, agent)
