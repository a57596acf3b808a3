"""kill -9 of a driver at any moment of real runs: nothing shown is lost, no effect is had twice, all runs go on."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.engine_run import rig_on
from tests.faults.killer import drivers
from tests.harness import Rig
from workbench.driver.commands import ListRuns
from workbench.events.base import Recorded
from workbench.events.call import CallCancelled, CallFinished, CallStarted, OutcomeResolved
from workbench.store import RunRow

LONGEST = 0.25
"""Seconds after which a driver is killed at the latest; a run takes about as long from its start to its end."""


def acknowledged(folder: Path) -> set[tuple[str, int, str]]:
    """Return run, seq and kind of every event that anybody was shown."""
    file = folder / "acks"
    lines = file.read_text().splitlines() if file.exists() else []
    return {(run, int(seq), kind) for run, seq, kind in (line.split() for line in lines)}


def effects(folder: Path) -> Counter[tuple[str, str]]:
    """Return how often each call of each run had its effect."""
    file = folder / "effects"
    lines = file.read_text().splitlines() if file.exists() else []
    return Counter((run, call) for run, call, _ in (line.split() for line in lines))


def own(rig: Rig, row: RunRow) -> list[Recorded]:
    """Return the events of the run's own log."""
    return [record for record in rig.history(row.id).records if record.run == row.id]


def faults_of(rig: Rig, row: RunRow, done: Counter[tuple[str, str]]) -> Iterator[str]:
    """Say what is wrong with a run, given what it did to the world."""
    records = own(rig, row)
    first = 0 if row.cut is None else row.cut + 1
    if [record.seq for record in records] != list(range(first, first + len(records))):
        yield f"run {row.id} has a gap"
    starts = {event.call for event in (r.event for r in records) if isinstance(event, CallStarted)}
    results = Counter(e.call for e in (r.event for r in records) if isinstance(e, CallFinished | CallCancelled))
    again = Counter(
        e.call for e in (r.event for r in records) if isinstance(e, OutcomeResolved) and e.answer == "rerun"
    )
    yield from (f"call {call} of {row.id} has {number} results" for call, number in results.items() if number > 1)
    for (run, call), times in done.items():
        if run == row.id and call not in starts:
            yield f"call {call} of {run} acted before it was logged"
        if run == row.id and times > 1 + again[call]:
            yield f"call {call} of {run} acted {times} times, with leave for {1 + again[call]}"
    state = rig.state(row.id)
    if any(not call.has_result for step in state.steps for call in step.asked_calls):
        yield f"run {row.id} has a call without a result"


def campaign(folder: Path, kills: int, seed: int, *mistakes: str) -> tuple[list[str], Counter[str]]:
    """Kill drivers at random moments and let the last one end; return what is wrong then, and figures."""
    chance = random.Random(seed)
    folder.mkdir(exist_ok=True)
    with drivers(folder, *mistakes) as killer:
        for _ in range(kills):
            pid = killer.start()
            time.sleep(chance.uniform(0.0, LONGEST))
            killer.kill(pid)
        killer.wait_for(killer.start("last"))  # whatever was left by the last kill goes on to its end
    with rig_on(folder) as rig:
        rows: list[RunRow] = rig.ask(ListRuns())
        stored = {(record.run, record.seq, record.event.kind) for row in rows for record in own(rig, row)}
        done = effects(folder)
        lost = acknowledged(folder) - stored
        faults = [f"event {seq} of {run}, {kind}, was shown and is lost" for run, seq, kind in lost]
        faults += [fault for row in rows for fault in faults_of(rig, row, done)]
        faults += [f"run {row.id} is {row.status}" for row in rows if not row.caller_run and row.status != "completed"]
    kinds = Counter(kind for _, _, kind in stored)
    return faults, kinds + Counter(runs=len(rows), effects=done.total(), kills=kills)


def report(figures: Counter[str]) -> str:
    """Return what a campaign did, in a line."""
    named = ("kills", "runs", "run_recovered", "call_interrupted", "outcome_unknown", "outcome_resolved", "effects")
    return ", ".join(f"{name} {figures[name]}" for name in named)


def test_kills_at_any_moment(tmp_path: Path) -> None:
    """200 kills: nothing that was shown is lost, no effect is repeated without leave, and every run ends."""
    faults, figures = campaign(tmp_path, 200, seed=7)
    print(report(figures))
    assert faults == []
    assert figures["run_recovered"] > 50
    assert figures["call_interrupted"] > 10  # else the kills came when nothing was in flight


@pytest.mark.slow
def test_many_kills_at_any_moment(tmp_path: Path) -> None:
    """2,000 kills with another sequence of moments."""
    faults, figures = campaign(tmp_path, 2_000, seed=8)
    print(report(figures))
    assert faults == []
    assert figures["run_recovered"] > 500
    assert figures["outcome_unknown"] > 100


@pytest.mark.slow
@pytest.mark.parametrize(("mistake", "fault"), [("early", "was shown and is lost"), ("careless", "with leave for 1")])
def test_the_campaign_catches_mistakes(tmp_path: Path, mistake: str, fault: str) -> None:
    """A driver that shows events before they are stored, or runs again what is in doubt, is found out in time."""
    campaigns = (campaign(tmp_path / str(seed), 40, seed, mistake)[0] for seed in range(8))
    assert any(fault in found for faults in campaigns for found in faults)
