"""The feed: what happened, in order, for any number of watchers on any thread.

A change goes to those who watch everything, and to those who watch its run; the others are not even asked.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from workbench.events.base import Recorded
from workbench.providers.keys import redacted


@dataclass(frozen=True, slots=True)
class Draft:
    """The text so far of a turn that is still streaming; not stored yet, replaced by the next draft."""

    run: str
    step: int
    purpose: str
    text: str
    thinking: str


@dataclass(frozen=True, slots=True)
class RunsChanged:
    """The list of runs differs: one began, ended, or was labelled."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far some long work is. `total` is 0 where it is not known; `done == total` ends it."""

    label: str
    done: int
    total: int
    work: str = ""
    """Name by which `CancelWork` gives it up; empty where nobody can."""

    @property
    def key(self) -> str:
        """What tells it from other work."""
        return self.work or self.label


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong that no command can answer for; a sentence for a person."""

    message: str
    run: str | None = None
    level: Literal["warning", "error"] = "error"
    detail: str = ""
    """What helps whoever mends the program: a traceback; empty where the sentence says it all."""

    def __post_init__(self) -> None:
        """Hide keys: what went wrong is often said in a library's words."""
        object.__setattr__(self, "message", redacted(self.message))
        object.__setattr__(self, "detail", redacted(self.detail))


Change = Recorded | Draft | RunsChanged | Progress | Trouble
_OF_A_RUN = (Recorded, Draft, Trouble)
_FACTS = (Recorded, Trouble)
# As tuples: a union would be made anew for each change, of which there are very many.


class Subscription:
    """One watcher's queue. `drain` never waits; `on_change`, where given, is called from the publishing thread."""

    def __init__(self, feed: Feed, on_change: Callable[[], None] | None, *, facts_of_here: bool) -> None:
        self._feed, self._changes, self._on_change = feed, deque[Change](), on_change
        self._facts_of_here = facts_of_here
        self.runs: set[str] | None = None
        """The runs of which alone it is told; None: of everything."""

    def put(self, change: Change, *, is_of_here: bool = True) -> None:
        """Queue a change."""
        if self._facts_of_here and not (is_of_here and isinstance(change, _FACTS)):
            return
        self._changes.append(change)
        if self._on_change is not None:
            self._on_change()

    def drain(self) -> list[Change]:
        """Return what came since the last time, in order."""
        taken: list[Change] = []
        while self._changes:
            taken.append(self._changes.popleft())
        return taken

    def only(self, run: str) -> None:
        """Be told from now on of this run, of those that were named so before, and of nothing else.

        So that many runs at once, each with its own watcher, cost no more than one after the other.
        """
        self._feed.narrow(self, run)

    def close(self) -> None:
        """Take no more changes."""
        self._feed.remove(self)


class Feed:
    """Published changes go to every subscription that is open at that moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._of_run: dict[str, tuple[Subscription, ...]] = {}

    def subscribe(self, on_change: Callable[[], None] | None = None, *, facts_of_here: bool = False) -> Subscription:
        """Open a queue for one watcher; `facts_of_here` are events of runs that this process drives, and trouble."""
        subscription = Subscription(self, on_change, facts_of_here=facts_of_here)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        with self._lock:
            self._subscriptions = _without(self._subscriptions, subscription)
            for run in subscription.runs or ():
                self._of_run[run] = _without(self._of_run[run], subscription)
                if not self._of_run[run]:
                    del self._of_run[run]
            subscription.runs = None

    def narrow(self, subscription: Subscription, run: str) -> None:
        """Give a subscription no more than the changes of the runs that were named for it, `run` among them."""
        with self._lock:
            if subscription.runs is None:
                self._subscriptions = _without(self._subscriptions, subscription)
                subscription.runs = set()
            if run not in subscription.runs:
                subscription.runs.add(run)
                self._of_run[run] = (*self._of_run.get(run, ()), subscription)

    def publish(self, change: Change, *, is_of_here: bool = True) -> None:
        """Give `change` to its watchers; it is not `is_of_here` where another process drives the run."""
        run = change.run if isinstance(change, _OF_A_RUN) else None
        with self._lock:  # else one that is narrowed at this moment, on another thread, would get it twice or never
            watchers = (*self._subscriptions, *self._of_run.get(run or "", ()))
        for subscription in watchers:
            subscription.put(change, is_of_here=is_of_here)


def _without(subscriptions: tuple[Subscription, ...], one: Subscription) -> tuple[Subscription, ...]:
    return tuple(item for item in subscriptions if item is not one)
