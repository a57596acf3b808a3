"""Pictures of what is looked at closely: the exact request, and the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot

from tests.builders import RunLog, long_run, researched_run
from tests.snapshots.test_pictures import Picture, app_on, once_shown
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import CALL
from workbench.debugger.requests import rebuild, sent_turns
from workbench.events.content import Block
from workbench.state.history import History
from workbench.state.parts import ResultRef


def then(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what waits until the run is shown, selects a call, and presses keys."""

    async def press(pilot: Pilot[Any]) -> None:
        await once_shown(CALL)(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.1)

    return press


def with_keys(log: RunLog) -> RunLog:
    """Return a log whose turns have the keys of their requests, as if a model had been asked."""

    async def load(refs: Sequence[ResultRef]) -> dict[tuple[str, int], Block]:
        results = {(record.run, record.seq): record.event for record in log.records}
        return {(ref.run, ref.seq): results[ref.run, ref.seq].result for ref in refs}  # type: ignore[attr-defined]

    history = History()
    for record in log.records:
        history.append(record)
    for turn in sent_turns(log.records):
        sent = asyncio.run(rebuild(history, turn.seq, load))  # type: ignore[arg-type]
        started = turn.started.model_copy(update={"request_key": sent.key})
        log.records[turn.seq] = replace(log.records[turn.seq], event=started)
    return log


def test_the_request_of_a_turn(snap_compare: Picture) -> None:
    """120×40: what fills the context, instructions, tools with their tokens, messages one after the other."""
    log = with_keys(researched_run())
    assert snap_compare(app_on(FakeDriver(log), log.run), run_before=then("i", "right"), terminal_size=(120, 40))


def test_metrics_of_a_run(snap_compare: Picture) -> None:
    """120×40: percentiles with their target lines and charts, what it cost, and how fast each tool is."""
    log = RunLog()
    log.records = long_run(36)
    log.run = log.records[0].run
    assert snap_compare(app_on(FakeDriver(log), log.run), run_before=then("M"), terminal_size=(120, 40))
