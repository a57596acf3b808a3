"""Scale: a thousand runs at once, a run of 10,000 steps, a database of 2 GB with 5,000 runs.

`BENCH_SCALE=0.01` makes all of it smaller by that share, to try it; `BENCH_DIR` is the folder for the files.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.measure import Row, Table, median, now, percentile, spread
from tests.benchmarks.scale_database import fill
from tests.benchmarks.scale_open import Figures, purge_one, use_commands, use_database, use_long_run
from tests.benchmarks.scale_runs import STEPS, ManyRuns, idle_runs, long_run, many_runs
from workbench.__main__ import collect_rarely

T = TypeVar("T")
SHARE = float(os.environ.get("BENCH_SCALE", "1"))
AT_ONCE, IDLE = max(50, int(1_000 * SHARE)), max(100, int(1_000 * SHARE))
LONG = max(200, int(10_000 * SHARE))
RUNS, BYTES = max(100, int(5_000 * SHARE)), int(2 * 1024**3 * SHARE)
MEGABYTE = 1e6


def apart(work: Callable[..., T], *given: object) -> T:
    """Do `work` in a process that has done nothing else, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def as_command(work: Callable[..., T], *given: object) -> T:
    """Do `work` in such a process, with the collector as the command line and the screen have it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=collect_rarely) as pool:
        return pool.submit(work, *given).result()


def tables() -> list[Table]:
    """Measure and return the tables."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        return [
            Table.of(f"{AT_ONCE:,} runs at once in one process", many_rows(folder), _MANY),
            Table.of(f"A run of {LONG:,} steps", long_rows(folder / "long.db")),
            Table.of("A large database", database_rows(folder / "large.db"), _LARGE),
        ]


_MANY = (
    f"All begin at the same moment, through the public API. Each has {STEPS} steps of 4 calls and an answer; a turn of "
    "the model takes 0.5 to 1.5 s, a call 20 ms. A run that is idle waits for a permission. The garbage collector is "
    "as Python sets it."
)
_LARGE = (
    "Half of the results are words, half are letters by chance, which do not compress. The screen's part is asked of "
    "the driver as the screen asks it; commands are processes of their own, their start included. The page cache is "
    "warm."
)


def many_rows(folder: Path) -> list[Row]:
    """Return what many runs at once took, in memory and in a store."""
    rows: list[Row] = []
    for where, kept in (("in memory", None), ("in a store", folder)):
        found: ManyRuns = apart(many_runs, kept, AT_ONCE)
        idle = apart(idle_runs, kept, IDLE)
        rows += [
            Row(f"{where}: all have ended after", "–", f"{found.seconds:.1f} s; {found.processor:.1f} s of processor"),
            Row(f"{where}: events a second", "–", f"{found.events / found.seconds:,.0f}"),
            Row(f"{where}: errors", "0", f"{found.failed} of {AT_ONCE}", found.failed == 0),
            Row(
                f"{where}: the event loop is late, p99 (at most)",
                "≤ 100 ms",
                f"{found.late * 1e3:.0f} ms ({found.latest * 1e3:.0f} ms)",
                found.late <= 0.1,
            ),
            Row(f"{where}: memory of the process, at most", "–", f"{found.peak / MEGABYTE:.0f} MB"),
            Row(f"{where}: memory of an idle run", "≤ 100 KB", f"{idle / 1e3:.0f} KB", 0 < idle <= 100_000),
        ]
    return rows


def long_rows(path: Path) -> list[Row]:
    """Return what a run of many steps took while it went on, and afterwards."""
    made = apart(long_run, path, LONG)
    found = as_command(use_long_run, path, made.run)
    scrub, opened = percentile(found["scrub"], 0.95), found["open"]
    fork, unread = found["fork"], found["fork unread"]
    return [
        Row("driven with the store: a step", "–", f"{made.seconds / LONG * 1e3:.2f} ms"),
        Row("its last steps ÷ its first", "≤ 1.1", f"{made.growth:.2f}", made.growth <= 1.1),
        Row("memory that it took", "–", f"{made.grown / MEGABYTE:.0f} MB"),
        Row(f"read {found['events'][0]:,.0f} events", "≤ 0.5 s", spread(opened, 1, "s"), median(opened) <= 0.5),
        Row(
            "fold them, with snapshots for scrubbing", "≤ 0.5 s", spread(found["fold"], 1, "s"), found["fold"][0] <= 0.5
        ),
        Row("memory of all that", "–", f"{found['memory'][0] / MEGABYTE:.0f} MB"),
        Row("show any moment, p95", "≤ 30 ms", f"{scrub * 1e3:.2f} ms", scrub <= 0.03),
        Row("find in all results", "≤ 1 s", spread(found["find"], 1, "s"), median(found["find"]) <= 1.0),
        Row("fork the open run in the middle, by the driver", "≤ 0.1 s", spread(fork), median(fork) <= 0.1),
        Row("the same where it is not open", "≤ 1 s", spread(unread, 1, "s"), median(unread) <= 1.0),
    ]


def database_rows(path: Path) -> list[Row]:
    """Return what is done with a large database, and how long it takes."""
    begun = now()
    events = fill(path, RUNS, BYTES)
    rows = [Row(f"made: {RUNS:,} runs, {events:,} events", "–", f"{size(path)} in {now() - begun:.0f} s")]
    screen, commands = as_command(use_database, path, RUNS), use_commands(path, RUNS)
    rows += [
        timed(screen, "open", "open it for writing, and close it", 0.1),
        timed(screen, "list", "list: the page that the screen shows", 0.1),
        timed(screen, "draw", "lines of that page", 0.05),
        timed(screen, "list all", "list: all runs", 0.5),
        Row("memory of the process then", "≤ 250 MB", *_most(screen["listed"][0], 250)),
        Row(
            "index all for search, the first time",
            "–",
            f"{screen['index'][0]:.0f} s, {size(path.with_name('large-search.db'))}",
        ),
        *(
            timed(screen, f"search {name}", f"search for {words}", 0.5)
            for name, words in (
                ("rare", "words of a few runs"),
                ("common", "words of every other result"),
                ("absent", "a word that nobody said"),
            )
        ),
        timed(screen, "open run", "open a run", 0.1),
        timed(screen, "fork", "fork a run", 0.1),
        Row("memory of the process afterwards", "≤ 250 MB", *_most(screen["used"][0], 250)),
        timed(commands, "version", "`workbench --version`", 0.5),
        timed(commands, "runs", f"`workbench runs`: {RUNS:,} lines", 1.0),
        timed(commands, "runs --search", "`workbench runs --search TEXT`", 1.5),
        timed(commands, "show", "`workbench show RUN`", 1.0),
        timed(commands, "doctor", "`workbench doctor`, which reads all of it", None),
        timed(as_command(purge_one, path), "purge", "remove a run for good: the file is written anew", None),
    ]
    return rows


def timed(found: Figures, name: str, words: str, target: float | None) -> Row:
    """Return the row of something that was timed; seconds are told as such where they are many."""
    took = found[name]
    measured = spread(took, 1, "s") if target is None or target >= 1 else spread(took)
    goal = "–" if target is None else f"≤ {target:g} s" if target >= 1 else f"≤ {target * 1e3:.0f} ms"
    return Row(words, goal, measured, None if target is None else median(took) <= target)


def _most(used: float, megabytes: int) -> tuple[str, bool]:
    return f"{used / MEGABYTE:.0f} MB", used <= megabytes * MEGABYTE


def size(path: Path) -> str:
    """Return the size of a file in words."""
    return f"{path.stat().st_size / 1e9:.2f} GB"


if __name__ == "__main__":
    for table in tables():
        print(f"### {table.title}\n\n{table.text()}\n", flush=True)
