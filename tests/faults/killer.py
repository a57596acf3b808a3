"""Starts processes that drive runs, and ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Killer:
    """Starts drivers on a folder, one after the other, and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asked, self._said = process.stdin, process.stdout

    def start(self, how: str = "on") -> int:
        """Start a driver; return its pid."""
        self._asked.write(f"{how}\n")
        self._asked.flush()
        return int(self._said.readline())

    def kill(self, pid: int, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a driver with -9, or otherwise, and wait until it is gone."""
        os.kill(pid, how)
        self.wait_for(pid)

    def wait_for(self, pid: int) -> None:
        """Wait until a driver has ended."""
        assert int(self._said.readline()) == pid


@contextmanager
def drivers(folder: Path, *mistakes: str) -> Iterator[Killer]:
    """Yield what starts and kills drivers on a folder."""
    command = [sys.executable, "-m", "tests.faults.engine_run", str(folder), *mistakes]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Killer(process)
