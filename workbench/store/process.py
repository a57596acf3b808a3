"""Who this process is, and whether another one is certainly gone.

Only what the operating system says counts; the database and its leases are not known here.
"""

from __future__ import annotations

import itertools
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from workbench.clock import Clock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_HAS_PROC = Path("/proc/self/stat").exists()
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_OPENINGS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Process:
    """One store of one process."""

    owner: str
    """Unique to this opening of the database: a process may open it more than once."""
    pid: int
    host: str
    boot: str
    """The boot of the machine, and the namespace in which `pid` means something; empty where neither is known."""
    started: str
    """When the process began, in the kernel's own count, so that a reused pid is told apart."""

    def __str__(self) -> str:
        """Return `pid 123 on host`."""
        return f"pid {self.pid} on {self.host}"

    def sees_alive(self, other: Process) -> bool | None:
        """Whether the other one is running; None where that cannot be known from here."""
        if (self.host, self.boot) != (other.host, other.boot):
            return None
        if _HAS_PROC:
            return _kernel_start(other.pid) == other.started
        if os.name == "nt" or _exists(other.pid):
            return None  # it may be a stranger that got the pid
        return False


def this_process(clock: Clock) -> Process:
    """Return the identity of this process, with an owner id of its own."""
    pid, host, boot = os.getpid(), socket.gethostname(), _boot()
    started = _kernel_start(pid) or f"{clock.wall():.3f}"
    return Process(f"{next(_OPENINGS)} {pid} {started} {host} {boot}", pid, host, boot, started)


def _boot() -> str:
    try:
        return f"{_BOOT_ID.read_text().strip()} {_PID_NAMESPACE.readlink()}"
    except OSError:
        return ""


def _kernel_start(pid: int) -> str | None:
    """Return the start time of a process in clock ticks since boot, or None where it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold anything; fields are counted from behind it (proc(5): state 3, start 22).
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
