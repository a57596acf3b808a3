"""A race in numbers: what each fork of one moment did of its own, and what all forks of one variant have in common.

A model asked twice answers twice, so one run says nothing of a variant: figures come with their spread, rates with an
interval. Pure: histories in, numbers out.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workbench.debugger.checks import Verdict
from workbench.events.call import CallStarted, ResultEvent, SubagentFinished
from workbench.events.request import Usage
from workbench.events.turn import TurnFinished, TurnStarted
from workbench.state.history import History
from workbench.state.run_state import RunState

Fate = Literal["waits", "runs", "asks", "stopped", "limit", "failed", "completed"]
"""How a run of a race stands: not begun, on its way, asking a person, stopped by one, or over in one of three ways."""
OVER: Final[frozenset[Fate]] = frozenset({"limit", "failed", "completed"})
"""Fates that a run came to by itself: these alone enter the figures. A run that was stopped was cut short."""
SPREAD_FROM: Final = 3
"""Runs from which on the middle half of a figure is told."""
_LIMITS: Final = frozenset({"step_limit", "token_limit", "cost_limit", "time_limit"})
_Z: Final = 1.959963984540054
"""Of the normal distribution, for 95 %."""


@dataclass(frozen=True, slots=True)
class Racer:
    """One run of a race. Its figures are its own: what it inherited is the same for all, and is not counted."""

    run: str
    variant: str
    number: int
    """Which of the runs of its variant it is, from 1."""
    fate: Fate
    steps: int = 0
    calls: int = 0
    errors: int = 0
    tokens: int = 0
    """With those of its subagents, as all figures but steps and calls are."""
    cost: float | None = 0.0
    """US dollars; None where it is unknown."""
    seconds: float = 0.0
    """Driven time."""
    answer: str | None = None
    verdict: Verdict | None = None
    """None where nothing was checked, or not yet."""
    doing: str = ""
    """What it is at, of one that runs: its calls in flight, or its status."""

    @property
    def is_over(self) -> bool:
        """Whether it came to its end by itself."""
        return self.fate in OVER


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of several runs."""

    count: int
    median: float
    low: float
    high: float
    middle: tuple[float, float] | None
    """The first and the third quartile; None for fewer than `SPREAD_FROM` runs."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of some were so, and between what the true share lies in 95 of 100 cases (Wilson's interval)."""

    hits: int
    count: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How a variant stands."""

    variant: str
    runs: int
    fates: Mapping[Fate, int]
    steps: Spread | None
    """This and what follows is of the runs that are over; None where none is."""
    calls: Spread | None
    errors: Spread | None
    tokens: Spread | None
    cost: Spread | None
    """None also where the price of one is unknown."""
    seconds: Spread | None
    passed: Rate | None
    """None where no answer was judged."""
    answers: int
    """How many different answers there are, but for white space."""
    answered: int


def racer_of(
    history: History, variant: str, number: int, *, is_live: bool = True, verdict: Verdict | None = None
) -> Racer:
    """Return a run of a race with the figures of what it did since the fork."""
    now = history.live
    own = [record.event for record in history.records[0 if now.cut is None else now.cut + 1 :]]
    has_begun = any(isinstance(event, TurnStarted | CallStarted) for event in own)
    used = sum((event.usage for event in own if isinstance(event, TurnFinished | SubagentFinished)), Usage())
    fate = fate_of(now, has_begun=has_begun, is_live=is_live)
    return Racer(
        run=now.run,
        variant=variant,
        number=number,
        fate=fate,
        steps=sum(isinstance(event, TurnFinished) and event.purpose == "step" for event in own),
        calls=sum(isinstance(event, CallStarted) for event in own),
        errors=sum(isinstance(event, ResultEvent) and event.is_error for event in own),
        tokens=used.total_tokens,
        cost=used.cost,
        seconds=now.driven_seconds,
        doing=_doing(now) if fate == "runs" else "",
        answer=now.answer,
        verdict=verdict,
    )


def _doing(state: RunState) -> str:
    calls = state.open_step.asked_calls if state.open_step is not None else []
    running = Counter(call.tool for call in calls if call.status == "running")
    named = [f"{tool} x{count}" if count > 1 else tool for tool, count in running.items()]
    return ", ".join(named) or state.status.replace("_", " ")


def fate_of(state: RunState, *, has_begun: bool = True, is_live: bool = True) -> Fate:
    """Return how a run of a race stands; one that nobody drives any more was stopped, or has yet to begin."""
    status, reason = state.status_and_reason
    match status:
        case "completed" | "failed":
            return status
        case "interrupted":
            return "limit" if reason in _LIMITS else "stopped"
        case "awaiting_approval":
            return "asks"
        case _:
            return "waits" if not has_begun else "runs" if is_live else "stopped"


def standings(racers: Iterable[Racer]) -> list[Standing]:
    """Return how each variant stands, in the order in which they appear."""
    groups: dict[str, list[Racer]] = {}
    for racer in racers:
        groups.setdefault(racer.variant, []).append(racer)
    return [_standing(variant, group) for variant, group in groups.items()]


def _standing(variant: str, group: Sequence[Racer]) -> Standing:
    over = [racer for racer in group if racer.is_over]
    costs = [racer.cost for racer in over if racer.cost is not None]
    verdicts = [racer.verdict.passed for racer in group if racer.verdict and racer.verdict.passed is not None]
    answers = [" ".join(racer.answer.split()) for racer in over if racer.answer is not None]
    return Standing(
        variant=variant,
        runs=len(group),
        fates=Counter(racer.fate for racer in group),
        steps=spread(racer.steps for racer in over),
        calls=spread(racer.calls for racer in over),
        errors=spread(racer.errors for racer in over),
        tokens=spread(racer.tokens for racer in over),
        cost=spread(costs) if len(costs) == len(over) else None,
        seconds=spread(racer.seconds for racer in over),
        passed=rate(sum(verdicts), len(verdicts)) if verdicts else None,
        answers=len(set(answers)),
        answered=len(answers),
    )


def spread(values: Iterable[float]) -> Spread | None:
    """Return a figure of several runs; None for none."""
    known = sorted(values)
    if not known:
        return None
    middle = None
    if len(known) >= SPREAD_FROM:
        first, _, third = statistics.quantiles(known, n=4, method="inclusive")
        middle = first, third
    return Spread(len(known), statistics.median(known), known[0], known[-1], middle)


def rate(hits: int, count: int) -> Rate:
    """Return a share with its interval; of none nothing is known, and the interval is everything.

    Wilson's score interval (E. B. Wilson, 1927) stays within 0 and 1 and is honest for few runs: 3 of 3 is not certain.
    """
    if count == 0:
        return Rate(0, 0, 0.0, 1.0)
    share = hits / count
    scale = 1 + _Z**2 / count
    centre = (share + _Z**2 / (2 * count)) / scale
    half = _Z / scale * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return Rate(hits, count, max(0.0, centre - half), min(1.0, centre + half))
