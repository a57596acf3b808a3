"""Runs are interrupted while a call is on the loop, on a thread, or a program whose child ignores being asked to end.

Each is acknowledged at once; what can be ended is ended, and what cannot is left behind and counted as such.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_processes import is_alive
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.clock import SystemClock
from workbench.driver.commands import PauseRun
from workbench.events.call import CallInterrupted, CallStarted, OutcomeUnknown
from workbench.events.request import Request
from workbench.providers.scripted import Turn
from workbench.tools import processes
from workbench.tools.base import Tool
from workbench.tools.declaring import tool
from workbench.tools.processes import run_program

ROOT = Path(__file__).parents[2]
CLOCK = SystemClock()
RUNS = 20
AT_ONCE = 4
"""Runs that go on together; more would keep each other from being seen."""
ACKNOWLEDGED = 0.1
DEAD = 3.0
KINDS = ("async", "thread", "process")
IGNORES = "sh -c \"trap '' TERM HUP INT; echo \\$\\$ >> pids; while :; do sleep 5; done\" & wait"


def tools(folder: Path) -> list[Tool]:
    """Return a tool of each kind, all with effects, and none of them ends by itself."""

    @tool(name="async")
    async def on_loop(name: str) -> str:
        (folder / f"async-{name}").touch()
        await asyncio.sleep(60)
        return "at last"

    @tool(name="thread")
    def on_thread(name: str) -> str:
        (folder / f"thread-{name}").touch()
        threading.Event().wait(60)
        return "at last"

    @tool(name="process")
    async def in_process(name: str) -> AsyncIterator[Any]:
        (folder / name).mkdir()
        async with aclosing(run_program(["/bin/sh", "-c", IGNORES], folder / name, {})) as parts:
            async for part in parts:
                yield part

    return [on_loop, on_thread, in_process]


def begun(folder: Path, kind: str, name: str) -> bool:
    """Whether a call is in the middle of what it does."""
    if kind != "process":
        return (folder / f"{kind}-{name}").exists()
    file = folder / name / "pids"
    return file.exists() and bool(file.read_text().strip())


def numbers(folder: Path) -> list[int]:
    """Return the numbers of the grandchildren."""
    return [int(line) for file in folder.glob("*/pids") for line in file.read_text().split()]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder; programs that were started in it are ended."""
    (folder := tmp_path / "data").mkdir()
    yield folder
    for process in numbers(folder):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def until(holds: Callable[[], object], seconds: float) -> bool:
    """Look until something holds; return whether it did in time."""
    end, never = CLOCK.monotonic() + seconds, threading.Event()
    while not (held := holds()) and CLOCK.monotonic() < end:
        never.wait(0.01)
    return bool(held)


def script(kind: str) -> Callable[[Request], Turn]:
    """Return what a model says: it calls the tool with the number in the question."""

    def turn(request: Request) -> Turn:
        (name,) = re.findall(r"run number (\d+)", str(request.messages[0]))
        return Turn("", [(kind, {"name": name})]) if len(request.messages) == 1 else answer()

    return turn


def campaign(folder: Path, kind: str, runs: int = RUNS) -> tuple[list[str], list[float]]:
    """Pause runs in the middle of a call; return what is wrong, and how long each acknowledgement took."""
    faults, took = list[str](), list[float]()
    with Rig(folder, script(kind), tools(folder), spec=AgentSpec(plan="off")) as rig:
        for first in range(0, runs, AT_ONCE):
            names = [str(number) for number in range(first, first + AT_ONCE)]
            started = {name: rig.start(f"run number {name}") for name in names}
            for name in names:
                assert until(lambda name=name: begun(folder, kind, name), 20.0), name  # type: ignore[misc]
            pressed = CLOCK.monotonic()
            for run in started.values():
                took.append(pause(rig, run))
            if kind == "process" and not until(lambda: not any(map(is_alive, numbers(folder))), DEAD):
                faults.append(f"after {CLOCK.monotonic() - pressed:.1f} s there is more than nothing of {names}")
            for run in started.values():
                rig.wait(run, lambda state: state.end == ("interrupted", "paused") or state.is_resting)
                kinds = [type(record.event) for record in rig.history(run).records]
                if [kinds.count(each) for each in (CallStarted, CallInterrupted, OutcomeUnknown)] != [1, 1, 1]:
                    faults.append(f"run {run} says {[each.__name__ for each in kinds]}")
        left = rig.driver._session._threads.abandoned if rig.driver._session else 0
        if left != (runs if kind == "thread" else 0):
            faults.append(f"{left} threads are counted as left behind")
    return faults, took


def pause(rig: Rig, run: str) -> float:
    """Pause a run as somebody does who is impatient; return the seconds until it says that its call is interrupted."""
    pressed = CLOCK.monotonic()
    rig.ask(PauseRun(run))
    rig.ask(PauseRun(run))
    rig.wait_for(lambda: any(r.run == run and isinstance(r.event, CallInterrupted) for r in rig.seen()))
    return CLOCK.monotonic() - pressed


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_interrupted(folder: Path, kind: str) -> None:
    """20 of each kind: acknowledged in 100 ms at the 95th percentile; all of a program is gone in 3 seconds."""
    faults, took = campaign(folder, kind)
    print(f"{kind}: p95 {sorted(took)[-2] * 1000:.0f} ms")
    assert faults == []
    assert sorted(took)[RUNS * 95 // 100 - 1] < ACKNOWLEDGED


def test_ending_only_the_shell_is_found_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A way to end programs that sees the first process alone is caught, so the test above can fail."""

    def only_first(group: int, mark: str) -> list[int]:
        return [group] if is_alive(group) else []

    monkeypatch.setattr(processes, "_left", only_first)
    monkeypatch.setattr(processes, "GRACE", 0.1)
    monkeypatch.setattr("tests.faults.test_interrupt.DEAD", 0.5)
    faults, _ = campaign(folder, "process", AT_ONCE)
    assert any("more than nothing" in fault for fault in faults)


@pytest.mark.parametrize("kind", KINDS)
def test_two_presses_end_the_command(folder: Path, kind: str) -> None:
    """Ctrl-C twice on the command line: it is gone in 3 seconds, with what it had started, and exits with 130."""
    command = [sys.executable, "-m", "tests.faults.interrupted", str(folder), kind]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert until(lambda: begun(folder, kind, "0"), 30.0)
        process.send_signal(signal.SIGINT)
        threading.Event().wait(0.2)  # a person's second press comes after the first was taken
        process.send_signal(signal.SIGINT)
        begun_at = CLOCK.monotonic()
        out, err = process.communicate(timeout=30)
        assert CLOCK.monotonic() - begun_at < DEAD
        assert process.returncode == 130, err
        assert "Traceback" not in out + err
        assert "go on with: workbench" in out + err
    assert until(lambda: not any(map(is_alive, numbers(folder))), DEAD)
