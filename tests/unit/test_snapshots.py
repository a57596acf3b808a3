"""Snapshots: a moment of a run that is kept shares nothing with the live state that can still change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from tests.unit.test_fold import SCENES
from workbench.state.fold import apply
from workbench.state.history import snapshot
from workbench.state.parts import CallState, PlanState, StepState, TurnState
from workbench.state.run_state import RunState

CHANGING = (RunState, PlanState, StepState, TurnState, CallState)
"""What the fold changes in place; all other parts are put in whole."""
WHOLE = ("input", "original_input", "asked_input", "output")
"""Values out of events, which are only ever replaced."""


def changing(value: Any, place: str) -> Iterator[tuple[int, str]]:
    """Yield the identity and the place of everything in a state that the fold may change in place."""
    if isinstance(value, CHANGING):
        yield id(value), place
        for field in fields(value):
            if field.name not in WHOLE:
                inner = getattr(value, field.name)
                last_alone = inner[-1:] if isinstance(value, RunState) and field.name == "steps" else inner
                yield from changing(last_alone, f"{place}.{field.name}")
    elif isinstance(value, list | set | deque | dict):
        yield id(value), place
        for inner in value.values() if isinstance(value, dict) else value:
            yield from changing(inner, f"{place}[]")


@pytest.mark.parametrize("name", SCENES)
def test_a_snapshot_shares_nothing_that_changes(name: str) -> None:
    """At every moment: lists, sets, turns and calls are copies, but for those of closed steps."""
    state = RunState()
    for record in SCENES[name]:
        apply(state, record)
        copied = snapshot(state)
        assert copied == state
        live = dict(changing(state, "state"))
        assert [live[one] for one, _ in changing(copied, "copy") if one in live] == []


@pytest.mark.parametrize("name", SCENES)
def test_the_parts_of_a_snapshot_belong_together(name: str) -> None:
    """The turn that streams is that of the last step, and the calls it asks for are those of the step."""
    state = RunState()
    for record in SCENES[name]:
        apply(state, record)
        copied = snapshot(state)
        for step, twin in zip(state.steps[-1:], copied.steps[-1:], strict=True):
            assert (step.turn is state.active_turn) == (twin.turn is copied.active_turn)
            assert all(twin.calls[call.id] is call for call in twin.asked_calls)
