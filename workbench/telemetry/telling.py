"""Who tells facts to the world, and how they are told: what fails in it is written to the log and stops nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from workbench.driver.feed import Trouble
from workbench.telemetry.facts import Fact

logger = logging.getLogger("workbench.telemetry")


class Teller(Protocol):
    """Tells facts to the world."""

    def take(self, fact: Fact | Trouble) -> None:
        """Tell one; of one run or program it is always called on the same thread."""
        ...

    def close(self) -> None:
        """Tell what is left, and let go of everything."""
        ...


class Telling:
    """Hands facts to tellers, which may fail: that is said once for each kind of error."""

    def __init__(self, tellers: Sequence[Teller]) -> None:
        self._tellers = tellers
        self._failed: set[str] = set()

    def tell(self, facts: Iterable[Fact | Trouble]) -> None:
        """Give each fact to each of them."""
        try:
            for fact in facts:
                for teller in self._tellers:
                    self._try(teller, partial(teller.take, fact))
        except Exception as error:  # noqa: BLE001 - a fact that cannot be made is no more than one that is not told
            self._note(self, error)

    def close(self) -> None:
        """Let each tell what is left."""
        for teller in self._tellers:
            self._try(teller, teller.close)

    def _try(self, teller: Teller, deed: Callable[[], None]) -> None:
        try:
            deed()
        except Exception as error:  # noqa: BLE001 - see the module
            self._note(teller, error)

    def _note(self, failed: object, error: Exception) -> None:
        what = f"{type(failed).__name__}: {type(error).__name__}"
        if what not in self._failed:
            self._failed.add(what)
            logger.warning("telemetry failed", exc_info=error)
