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
from datetime import UTC, datetime
from importlib.metadata import version


@dataclass(frozen=True)
class Row:
    """One measured thing, what it should be, and what it is."""

    name: str
    target: str
    measured: str
    met: bool | None = None
    why: str = ""
    """What the target is missed by, where it is."""

    def cells(self) -> tuple[str, str, str, str]:
        """Return the row's cells."""
        missed = f"**no**: {self.why}" if self.why else "**no**"
        return self.name, self.target, self.measured, {True: "yes", False: missed, None: "–"}[self.met]

    def line(self) -> str:
        """Return the row as Markdown."""
        return f"| {' | '.join(self.cells())} |"


@dataclass(frozen=True)
class Table:
    """A table of any columns: what several programs or ways of working give side by side."""

    title: str
    head: tuple[str, ...]
    lines: list[tuple[str, ...]]
    note: str = ""
    """What a reader has to know of how it was measured, as Markdown; it stands above the table."""

    @classmethod
    def of(cls, title: str, rows: list[Row], note: str = "") -> Table:
        """Return a table of figures beside their targets."""
        return cls(title, ("what", "target", "measured", "met"), [row.cells() for row in rows], note)

    def text(self) -> str:
        """Return the table as Markdown, without its title."""
        lines = [self.head, tuple("---" for _ in self.head), *self.lines]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{self.note}\n\n{table}" if self.note else table


def now() -> float:
    """Return seconds from an arbitrary point."""
    return time.perf_counter()  # noqa: TID251 - a measurement needs the machine's own clock


def as_installed() -> dict[str, str]:
    """Return the environment of a program that is started: it may keep its bytecode, as it does where it is used."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


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
    """Return the day, the machine and the versions, as a sentence."""
    today = datetime.now(UTC)  # noqa: TID251 - a measurement is dated by the machine's own clock
    names = ", ".join(f"{name} {version(name)}" for name in ("pydantic", "aiosqlite", "textual"))
    return (
        f"{today:%Y-%m-%d}: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {sys.version.split()[0]}, "
        f"SQLite {sqlite3.sqlite_version}, {names}."
    )
