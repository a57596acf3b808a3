"""Other frameworks, plain asyncio and workbench at the same work, side by side in one run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.benchmarks.measure import Table
from tests.benchmarks.peers import calls, cold, durable, loops
from tests.benchmarks.peers.frameworks import Places
from tests.benchmarks.peers.running import Lab


def tables(pythons: list[Path]) -> list[Table]:
    """Measure all, each framework in the first of these interpreters that has it."""
    lab = Lab(Places(pythons))
    first = loops.overhead(lab)
    return [
        replace(first, note=f"{lab.places.versions()}\n\n{first.note}"),
        loops.growth(lab),
        *durable.tables(lab),
        *calls.tables(lab),
        cold.table(lab),
    ]
