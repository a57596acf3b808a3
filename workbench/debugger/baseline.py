"""A run to compare another with while that one goes on: what it was asked, what it said, what its calls gave.

Calls are known by their place in the step, not by their id: a turn that took several attempts numbers them higher.
Only marks of results are kept, so a long baseline takes little room. Knows no wiring.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from workbench.events.base import Recorded
from workbench.events.content import Content
from workbench.events.request import ToolCallBlock, TurnBlock
from workbench.events.turn import TurnStarted
from workbench.state.run_state import RunState

_CONTENT: TypeAdapter[Content] = TypeAdapter(Content)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a run did, as of when it was read."""

    run: str
    keys: Mapping[int, frozenset[str]]
    """Keys of the requests of each step; several where the step was asked for more than once."""
    turns: Mapping[int, tuple[TurnBlock, ...]]
    results: Mapping[tuple[int, int], str]
    """Mark of each result, by step and place in the step."""

    def differs_in_request(self, step: int, key: str) -> str:
        """Return how a request is not one of this run's; empty where it is."""
        if step not in self.keys:
            return f"run {self.run[:8]} has no step {step}"
        return "" if key in self.keys[step] else f"the request of step {step} is none that run {self.run[:8]} sent"

    def differs_in_turn(self, step: int, content: Sequence[TurnBlock]) -> str:
        """Return how a turn is not the one of this run; empty where it is."""
        before = self.turns.get(step)
        if before is None:
            return f"run {self.run[:8]} has no step {step}"
        if _asked(before) != _asked(content):
            return f"turn {step} asks for {_named(content)}, then it was {_named(before)}"
        return "" if _said(before) == _said(content) else f"turn {step} says something else"

    def differs_in_result(self, step: int, place: int, content: Content, *, is_error: bool) -> bool:
        """Whether a result is not the one that this run got for the same call; False where it got none."""
        before = self.results.get((step, place))
        return before is not None and before != mark(content, is_error=is_error)


@dataclass(slots=True)
class BaselineReader:
    """Makes a baseline of a run's records and, piece by piece, of its results."""

    records: Iterable[Recorded]
    state: RunState
    _results: dict[tuple[int, int], str] = field(default_factory=dict)

    def places(self) -> dict[tuple[str, int], tuple[int, int, bool]]:
        """Return where each result belongs, and whether it is an error, by the run that owns it and its seq."""
        return {
            (call.result.run, call.result.seq): (step.index, place, call.result.is_error)
            for step in self.state.steps
            for place, call in enumerate(step.asked_calls)
            if call.result is not None and call.has_result
        }

    def take(self, place: tuple[int, int, bool], content: Content) -> None:
        """Note one result."""
        step, number, is_error = place
        self._results[step, number] = mark(content, is_error=is_error)

    def baseline(self) -> Baseline:
        """Return what was read."""
        keys: dict[int, set[str]] = {}
        for record in self.records:
            event = record.event
            if isinstance(event, TurnStarted) and event.purpose == "step":
                keys.setdefault(event.step, set()).add(event.request_key)
        return Baseline(
            run=self.state.run,
            keys={step: frozenset(of_step) for step, of_step in keys.items()},
            turns={step.index: step.turn.content for step in self.state.steps if step.turn.status == "finished"},
            results=self._results,
        )


def mark(content: Content, *, is_error: bool) -> str:
    """Return a short text that is equal for equal results."""
    return hashlib.sha256(b"!" * is_error + _CONTENT.dump_json(content)).hexdigest()


def _asked(content: Sequence[TurnBlock]) -> list[tuple[str, object]]:
    return [(block.tool, block.input) for block in content if isinstance(block, ToolCallBlock)]


def _said(content: Sequence[TurnBlock]) -> list[str]:
    texts = [block.text.strip() for block in content if not isinstance(block, ToolCallBlock)]
    return [text for text in texts if text]


def _named(content: Sequence[TurnBlock]) -> str:
    """Return what a turn asks for, in few words."""
    calls = _asked(content)
    named = ", ".join(f"{tool} {_brief(given)}" for tool, given in calls[:2])
    return (f"{named} and {len(calls) - 2} more" if len(calls) > 2 else named) or "no call"


def _brief(given: object) -> str:
    values = list(given.values()) if isinstance(given, dict) else []
    text = str(values[0]) if values else ""
    return repr(text[:40])
