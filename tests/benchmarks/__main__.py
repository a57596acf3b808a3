"""Measure everything; print the tables; with `--write` put them into docs/performance.md."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks import bench_eager, bench_loop, bench_models, bench_start, bench_store, bench_timeline
from tests.benchmarks.measure import Row, conditions
from workbench.__main__ import collect_rarely

HEAD = "| what | target | measured | met |\n|---|---|---|---|"
MARK = "<!-- measured -->"


def section(title: str, rows: list[Row]) -> str:
    """Return a table with its title."""
    return "\n".join([f"## {title}", "", HEAD, *(row.line() for row in rows), ""])


def main() -> None:
    """Run the measurements one after the other, with the collector set as in the program."""
    collect_rarely()
    parts = [f"Conditions: {conditions()}.\n"]
    for title, rows in (
        ("Screen", bench_timeline.rows),  # first, since it measures the memory of the whole process
        ("Loop", bench_loop.rows),
        ("Store", bench_store.rows),
        ("Start", bench_start.rows),
        ("Models", bench_models.rows),
        ("Eager calls", bench_eager.rows),
    ):
        parts.append(section(title, rows()))
        print(parts[-1], flush=True)
    if "--write" in sys.argv:
        page = Path(__file__).parents[2] / "docs" / "performance.md"
        kept = page.read_text("utf-8").split(MARK)[0]
        page.write_text(f"{kept}{MARK}\n\n" + "\n".join(parts), "utf-8")


if __name__ == "__main__":
    main()
