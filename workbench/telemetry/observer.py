"""`Observer`: follows a driver's feed on a thread of its own, and hands facts to whoever tells them.

It looks a few times a second instead of being woken: so publishing costs the driver one append to a queue, whatever is
watched. Whoever tells facts may fail: that is written to the log, once for each kind of error.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from workbench.clock import Clock, SessionTime
from workbench.driver.driver import Driver
from workbench.driver.feed import Trouble
from workbench.errors import WorkbenchError
from workbench.events.base import Recorded
from workbench.events.run import RunStarted
from workbench.store import Store
from workbench.telemetry.deriving import Deriver
from workbench.telemetry.facts import Fact, Kin

LOOK_SECONDS: Final = 0.25
LEAVE_SECONDS: Final = 5.0
"""How long closing waits for a look that does not end."""

logger = logging.getLogger("workbench.telemetry")


class Teller(Protocol):
    """Tells facts to the world."""

    def take(self, fact: Fact | Trouble) -> None:
        """Tell one; it is called on the observer's thread alone."""
        ...

    def close(self) -> None:
        """Tell what is left, and let go of everything."""
        ...


class Observer:
    """From `start` to `close`; `close` comes after the driver was closed, so that nothing is missed."""

    def __init__(self, driver: Driver, tellers: Sequence[Teller], clock: Clock | None = None) -> None:
        self._driver, self._tellers = driver, tellers
        self._time = SessionTime(clock or driver.settings.clock)
        self._subscription = driver.feed.subscribe(facts_of_here=True)
        self._deriver = Deriver(self._find_kin)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._looking = threading.Lock()
        self._failed: set[str] = set()

    def start(self) -> None:
        """Begin to follow."""
        self._thread = threading.Thread(target=self._follow, name="workbench-telemetry", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Take in all that was published so far."""
        with self._looking:
            for change in self._subscription.drain():
                if isinstance(change, Recorded):
                    self._tell(self._deriver.take(change))
                elif isinstance(change, Trouble):
                    self._tell([change])

    def close(self) -> None:
        """Take in what is left, and end everything."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LEAVE_SECONDS)
        self._subscription.close()
        if self._thread is None or not self._thread.is_alive():
            self.look()
        self._tell(self._deriver.leave(self._time.now()))
        for teller in self._tellers:
            try:
                teller.close()
            except Exception as error:  # noqa: BLE001 - see the module
                self._note(teller, error)

    def _follow(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()

    def _tell(self, facts: Iterable[Fact | Trouble]) -> None:
        for fact in facts:
            for teller in self._tellers:
                try:
                    teller.take(fact)
                except Exception as error:  # noqa: BLE001 - see the module
                    self._note(teller, error)

    def _note(self, teller: Teller, error: Exception) -> None:
        what = f"{type(teller).__name__}: {type(error).__name__}"
        if what not in self._failed:
            self._failed.add(what)
            logger.warning("telemetry failed", exc_info=error)

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
