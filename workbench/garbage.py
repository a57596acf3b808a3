"""When Python looks for garbage while very many values are made that all stay.

A run of 10,000 steps is a million objects. Python's collector walks new objects again and again to find those that
only refer to each other, which takes longer than to make them, and finds none: events refer to nothing that refers to
them.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

BULK = 1_000
"""Events from which on it is worth it."""
WHOLE_EVERY = 50
"""After how many times the collector walks over all that there is, as by itself it would now come to it later."""

_times = count(1)
_pausing: list[None] = []
"""One for each thread that turned the collector off here and did not turn it on yet."""


@contextmanager
def uncollected(events: int) -> Iterator[None]:
    """Make what `events` events need without a look for garbage meanwhile, or soon after among what was made.

    It holds for the whole process. Where the collector is off already, it is left so: another thread is at it, or the
    program wants it so.
    """
    if events < BULK or not gc.isenabled():
        yield
        return
    if next(_times) % WHOLE_EVERY == 0:
        gc.collect()
    gc.disable()
    _pausing.append(None)
    try:
        yield
    finally:
        del _pausing[-1:]
        if not gc.get_freeze_count():  # else the program keeps values of its own out of the collector's sight
            _make_old()
        gc.enable()


def _on_in_child() -> None:
    """Turn the collector on in a process that was forked meanwhile: the thread that would do it is not in there."""
    if _pausing:
        _pausing.clear()
        gc.enable()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
    os.register_at_fork(after_in_child=_on_in_child)


def _make_old() -> None:
    """Put all objects among the oldest, where the collector seldom looks, without walking them."""
    gc.freeze()
    gc.unfreeze()
