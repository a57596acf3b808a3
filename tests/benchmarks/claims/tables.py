"""The section of the field's claims: its tables, in their order."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.claims import (
    aggregation,
    columns,
    contexts,
    four_queries,
    kept_threads,
    switch,
    ten_questions,
    window,
)
from tests.benchmarks.measure import Table


def tables(pythons: list[Path]) -> list[Table]:
    """Measure and return the tables; `pythons` are asked for LangGraph."""
    return [
        four_queries.table(pythons),
        kept_threads.table(),
        switch.table(),
        contexts.table(),
        window.table(),
        columns.table(pythons),
        ten_questions.table(),
        aggregation.table(),
    ]
