"""Four queries of 2, 4, 4 and 3 tools: the time of the tools, of the model and of the whole, beside LangGraph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.claims.children import NOT_INSTALLED, LangGraph, our_side
from tests.benchmarks.claims.side import Work
from tests.benchmarks.measure import Table, median

TOOL_SECONDS = {
    "weather": 0.12, "time": 0.05, "news": 0.2, "rates": 0.08, "flights": 0.18, "hotels": 0.15, "calendar": 0.06,
}  # fmt: skip
QUERIES = (
    ("weather", "time"),
    ("weather", "time", "news", "rates"),
    ("flights", "hotels", "weather", "rates"),
    ("news", "calendar", "time"),
)
MODEL_SECONDS = 0.3
WORK = Work(plans=[[list(query)] for query in QUERIES], tool_seconds=TOOL_SECONDS, model_seconds=MODEL_SECONDS, times=5)
PARTS = ("tools", "model", "whole")


def floors(work: Work) -> list[dict[str, float]]:
    """Return the critical path of each query: the slowest tool, and two turns of the model."""
    found = []
    for plan in work.plans:
        tools = sum(max(work.tool_seconds[tool] for tool in turn) for turn in plan)
        model = (len(plan) + 1) * work.model_seconds
        found.append({"tools": tools, "model": model, "whole": tools + model})
    return found


def medians(measured: dict[str, Any]) -> list[dict[str, float]]:
    """Return the middle of each part of each query."""
    return [{part: median([one[part] for one in samples]) for part in PARTS} for samples in measured["samples"]]


def together(queries: list[dict[str, float]]) -> dict[str, float]:
    """Return the sum of all queries."""
    return {part: sum(query[part] for query in queries) for part in PARTS}


def _times(query: dict[str, float] | None) -> str:
    return NOT_INSTALLED if query is None else " + ".join(f"{query[part] * 1e3:.0f}" for part in PARTS[:2])


def _whole(query: dict[str, float] | None, floor: dict[str, float]) -> str:
    if query is None:
        return NOT_INSTALLED
    return f"{query['whole'] * 1e3:.0f} ms (+{(query['whole'] / floor['whole'] - 1) * 100:.1f} %)"


def _ratio(theirs: dict[str, float] | None, ours: dict[str, float]) -> str:
    return "–" if theirs is None else f"{theirs['whole'] / ours['whole']:.3f}"


def compared(work: Work, other: LangGraph, kind: str) -> list[tuple[str, ...]]:
    """Measure both sides; return the lines of their queries and of all together."""
    floor, ours = floors(work), medians(our_side(work))
    told = other.side(work)
    theirs = [None] * len(floor) if told is None else medians(told)
    names = [f"{len(plan[0])} tools" for plan in work.plans]
    rows = [*zip(names, floor, ours, theirs, strict=True)]
    all_theirs = None if told is None else together([one for one in theirs if one is not None])
    rows.append(("all four", together(floor), together(ours), all_theirs))
    return [
        (f"{name}, {kind}", f"{least['whole'] * 1e3:.0f} ms", _times(own), _whole(own, least), _times(peer),
         _whole(peer, least), _ratio(peer, own))
        for name, least, own, peer in rows
    ]  # fmt: skip


def table(pythons: list[Path], work: Work = WORK) -> Table:
    """Measure and return the table."""
    other = LangGraph(pythons)
    lines = compared(work, other, "async")
    lines += compared(replace(work, on_threads=True), other, "blocking functions")
    return Table(
        "Four queries of 2, 4, 4 and 3 tools",
        ("query", "critical path", "ours: tools + model, ms", "ours: whole", "LangGraph: tools + model, ms",
         "LangGraph: whole", "LangGraph ÷ ours"),
        lines,
        "The claim: a loop of one's own is 26 % ahead of LangGraph over four such queries, with real models and tools. "
        f"Here both have the same given latencies ({work.model_seconds * 1e3:.0f} ms for each of two turns, "
        f"{min(work.tool_seconds.values()) * 1e3:.0f} to {max(work.tool_seconds.values()) * 1e3:.0f} ms a tool), no "
        f"network and no store, so what differs is the loop alone; medians of {work.times}, each side in a process of "
        "its own, and in brackets what the whole is above the critical path. Tools is from the end of a turn to the "
        f"next request. {other.conditions}",
    )  # fmt: skip
