"""Starting: the command line alone, beside a bare interpreter."""

from __future__ import annotations

import subprocess
import sys

from tests.benchmarks.measure import Row, median, now, repeated, spread


def took(*arguments: str) -> float:
    """Return the seconds of one process."""
    start = now()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return now() - start


def rows() -> list[Row]:
    """Measure and return the table."""
    bare = repeated(9, lambda: took("-c", "pass"))
    asked = repeated(9, lambda: took("-m", "workbench", "--version"))
    more = median(asked) - median(bare)
    return [
        Row("bare interpreter", "–", spread(bare)),
        Row("`workbench --version`, more than that", "≤ 80 ms", f"{more * 1e3:.0f} ms", more <= 0.08),
    ]
