"""Memory and requests of a long run, with the rolling window and without."""

from __future__ import annotations

import json
from typing import Any

from tests.benchmarks.claims.children import run_part
from tests.benchmarks.claims.window_side import NO_WINDOW, RESULT
from tests.benchmarks.measure import Table

STEPS, WINDOW = 200, 20_000


def measured(budget: int, *, stored: bool, traced: bool, steps: int = STEPS) -> dict[str, Any]:
    """Return what a run takes, in a process of its own."""
    job = {"steps": steps, "budget": budget, "stored": stored, "traced": traced}
    found: dict[str, Any] = run_part("window_side", json.dumps(job))
    return found


def table() -> Table:
    """Measure and return the table."""
    lines: list[tuple[str, ...]] = []
    for name, budget, stored in (
        ("without a window, in memory", NO_WINDOW, False),
        (f"window of {WINDOW:,} tokens, in memory", WINDOW, False),
        ("without a window, in a store", NO_WINDOW, True),
        (f"window of {WINDOW:,} tokens, in a store", WINDOW, True),
    ):
        plain, traced = (measured(budget, stored=stored, traced=traced) for traced in (False, True))
        lines.append(
            (name, f"{plain['largest']:,}", f"{plain['all']:,}", str(plain["turns"]), f"{plain['seconds']:.2f} s",
             f"{traced['memory']:.1f} MB", f"{plain['memory']:.1f} MB")
        )  # fmt: skip
    return Table(
        "A long run, with the rolling window and without",
        ("how", "largest request, tokens", "all requests, tokens", "turns of the model", "wall time",
         "Python's memory at most", "growth of the process"),
        lines,
        f"The claim: a rolling window keeps memory flat. Here a scripted model reads {STEPS} results of {RESULT:,} "
        "bytes, one a step, and answers at once, but makes the whole body of each request as a provider does; "
        "`limits.request_tokens` is the window, tokens are the engine's estimate. The log keeps everything either way, "
        "so where it is in memory it is part of what is measured; Python's memory is the peak of `tracemalloc`, in a "
        "run of its own.",
    )  # fmt: skip
