"""Two processes on one database: one drives a run, the other watches it, and takes it over when the first is gone."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.engine_run import rig_on
from tests.faults.killer import drivers
from tests.harness import Rig
from workbench.clock import SystemClock
from workbench.driver.commands import ListRuns, OpenRun, PauseRun, ResolveUnknown, ResumeRun, Say
from workbench.errors import EditRefusedError, RunHeldError

CLOCK = SystemClock()
AT_ONCE = 1.0
"""Seconds that taking over may take; without knowing that the holder is gone it would be fifteen."""


def watch(rig: Rig, pid: int) -> str:
    """Return the run that another process drives, after some of its events came through the feed here."""
    rig.wait_for(lambda: len(rig.seen()) > 5)
    run = rig.seen()[0].run
    opened = rig.ask(OpenRun(run))
    assert (opened.live, opened.mine) == (True, False)
    assert {row.held_by.split(" on ")[0] for row in rig.ask(ListRuns()) if row.id == run} == {f"pid {pid}"}
    return run


def take_over(rig: Rig, run: str) -> None:
    """Resume a run here, at once, and bring it to its end."""
    begun = CLOCK.monotonic()
    rig.ask(ResumeRun(run))
    assert CLOCK.monotonic() - begun < AT_ONCE

    def is_over() -> bool:
        for row in rig.ask(ListRuns()):
            if row.root == run and row.reason == "outcome_unknown":
                step = rig.state(row.id).open_step
                for call in step.asked_calls if step else ():
                    if call.status == "unknown":
                        rig.ask(ResolveUnknown(row.id, call.id, "result", "written"))
        return rig.state(run).status == "completed"

    rig.wait_for(is_over)


def check_order(rig: Rig, run: str) -> None:
    """Every event of the run came through the feed here, once and in order, whoever drove it."""
    assert [record.seq for record in rig.shown(run)] == list(range(rig.state(run).seq + 1))


def test_a_second_driver_watches_and_takes_over_after_a_kill(tmp_path: Path) -> None:
    """While the first lives the second is refused with its name; when it is killed the second goes on at once."""
    with drivers(tmp_path) as killer, rig_on(tmp_path) as rig:
        pid = killer.start("slowly")
        run = watch(rig, pid)
        for command in (ResumeRun(run), Say(run, "Hello?")):
            with pytest.raises(RunHeldError, match=rf"is driven by pid {pid} on .*; watch it with"):
                rig.ask(command)
        with pytest.raises(EditRefusedError, match=f"cannot be paused from here: it is driven by pid {pid} on"):
            rig.ask(PauseRun(run))
        killer.kill(pid)
        take_over(rig, run)
        assert "run_recovered" in rig.kinds(run)
        check_order(rig, run)


def test_a_driver_that_is_closed_gives_its_runs_back(tmp_path: Path) -> None:
    """Ended in an orderly way, the first pauses its run and lets it go; the second goes on at once."""
    with drivers(tmp_path) as killer, rig_on(tmp_path) as rig:
        pid = killer.start("slowly")
        run = watch(rig, pid)
        killer.kill(pid, signal.SIGTERM)
        assert rig.state(run).is_resting
        take_over(rig, run)
        assert "run_recovered" not in rig.kinds(run)
        check_order(rig, run)
