"""Three columns: the same batch of runs one call at a time, in parallel, and by LangGraph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.benchmarks.claims.children import NOT_INSTALLED, LangGraph, our_side
from tests.benchmarks.claims.side import Work
from tests.benchmarks.measure import Table, percentile

TOOLS = ("search", "read", "look_up", "count")
WORK = Work(
    plans=[[list(TOOLS), list(TOOLS)]],
    tool_seconds=dict.fromkeys(TOOLS, 0.02),
    model_seconds=0.02,
    times=1000,
    at_once=50,
)

Measured = dict[str, Any]


def _line(name: str, say: Any, columns: list[Measured | None]) -> tuple[str, ...]:
    return name, *(NOT_INSTALLED if column is None else say(column) for column in columns)


def _errors(one: Measured) -> str:
    return f"{len(one['errors'])} of {len(one['took'])}"


def table(pythons: list[Path], work: Work = WORK) -> Table:
    """Measure and return the table."""
    other = LangGraph(pythons)
    columns = [our_side(replace(work, is_sequential=True)), our_side(work), other.side(work)]
    lines = [
        _line("mean time of a run", lambda one: f"{fmean(one['took']) * 1e3:.0f} ms", columns),
        _line("p95 of it", lambda one: f"{percentile(one['took'], 0.95) * 1e3:.0f} ms", columns),
        _line("runs a second", lambda one: f"{len(one['took']) / one['seconds']:.0f}", columns),
        _line("requests to the model a second", lambda one: f"{one['requests'] / one['seconds']:.0f}", columns),
        _line("tool calls a second", lambda one: f"{one['calls'] / one['seconds']:.0f}", columns),
        _line("requests, tool calls in all", lambda one: f"{one['requests']}, {one['calls']}", columns),
        _line("runs that failed", _errors, columns),
        _line("processor, a run", lambda one: f"{one['processor'] / len(one['took']) * 1e3:.2f} ms", columns),
        _line("memory at most", lambda one: f"{one['memory']:.0f} MB", columns),
        _line("of it for the batch", lambda one: f"{one['memory'] - one['memory_before']:.1f} MB", columns),
    ]
    turns = len(work.plans[0])
    return Table(
        "Mean time, calls a second and memory in three columns",
        ("what", "ours, one call at a time", "ours, parallel", "LangGraph, parallel"),
        lines,
        "The claim: 800 and more requests a second on one node, under 0.5 % errors, 40 % less memory, of what is not "
        f"said. Here it is {work.times * len(work.plans)} runs, {work.at_once} at once in one process, each of {turns} "
        f"turns with {len(work.plans[0][0])} calls and one that answers, without a network; turns and tools take "
        f"{work.model_seconds * 1e3:.0f} ms each. One call at a time is a model that obeys the switch, so it needs "
        "more requests for the same calls; memory is the most that each column's process had, Python and the libraries "
        f"included. {other.conditions}",
    )
