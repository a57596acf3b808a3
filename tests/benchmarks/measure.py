"""What every measurement shares: repetition, medians, a row of a table."""

from __future__ import annotations

import gc
import os
import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Row:
    """One measured thing, what it should be, and what it is."""

    name: str
    target: str
    measured: str
    met: bool | None = None

    def line(self) -> str:
        """Return the row as Markdown."""
        sign = {True: "yes", False: "**no**", None: "–"}[self.met]
        return f"| {self.name} | {self.target} | {self.measured} | {sign} |"


def now() -> float:
    """Return seconds from an arbitrary point."""
    return time.perf_counter()  # noqa: TID251 - a measurement needs the machine's own clock


def median(samples: list[float]) -> float:
    """Return the middle sample."""
    return statistics.median(samples)


def spread(samples: list[float], scale: float = 1e3, unit: str = "ms") -> str:
    """Return `median (min–max) unit`, where samples are in seconds."""
    scaled = [sample * scale for sample in samples]
    return f"{statistics.median(scaled):.2f} ({min(scaled):.2f}–{max(scaled):.2f}) {unit}"


def percentile(samples: list[float], share: float) -> float:
    """Return the sample below which `share` of all lie."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def repeated(times: int, work: Callable[[], float]) -> list[float]:
    """Return what `work` measured, `times` times after one warm-up."""
    work()
    samples = []
    for _ in range(times):
        gc.collect()
        samples.append(work())
    return samples


def conditions() -> str:
    """Return the machine and the versions, as a sentence."""
    names = ", ".join(f"{name} {version(name)}" for name in ("pydantic", "aiosqlite", "textual"))
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {sys.version.split()[0]}, "
        f"SQLite {sqlite3.sqlite_version}, {names}"
    )
