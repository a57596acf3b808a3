"""The list of runs is as fresh as the log, and folds nothing twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness import Rig, answer
from tests.session_kit import look
from workbench.driver import rows
from workbench.driver.commands import ListRuns
from workbench.providers.scripted import Turn
from workbench.store import RunRow


def one(rig: Rig) -> RunRow:
    """Return the only row."""
    row: RunRow
    (row,) = rig.ask(ListRuns())
    return row


def test_a_run_that_moves_is_listed_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its steps and tokens come from the state in memory: nothing is read and nothing is written for it."""
    gate = asyncio.Event()
    script = [Turn("Looking.", [("look", {"word": "a"})]), Turn("Thinking it over.", gate=gate)]
    with Rig(tmp_path, script, [look]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.active_turn is not None and state.finished_steps == 1)
        monkeypatch.setattr(rows, "fold", None)
        row = one(rig)
        assert (row.steps, row.calls, row.live, row.status) == (1, 1, True, "thinking")
        assert row.total_tokens == rig.live_state(run).total_usage.total_tokens
        rig.open_gate(gate)


def test_a_run_of_another_process_is_folded_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its new events are read each time the list is looked at, however long it is."""
    gates = [asyncio.Event(), asyncio.Event()]
    script = [*(Turn("Looking.", [("look", {"word": "a"})], gate=gate) for gate in gates), answer("done")]
    with Rig(tmp_path, script, [look]) as driving, Rig(tmp_path) as watching:
        run = driving.start()
        driving.wait(run, lambda state: state.active_turn is not None)
        assert one(watching).steps == 0
        monkeypatch.setattr(rows, "fold", None)
        driving.open_gate(gates[0])
        watching.wait_for(lambda: one(watching).steps == 1)
        monkeypatch.undo()
        driving.open_gate(gates[1])
        driving.finish(run)
        driving.wait_for(lambda: not one(driving).live)
        watching.wait_for(lambda: one(watching).status == "completed")
        assert watching.driver._session is not None
        assert not watching.driver._session.rows._followed
