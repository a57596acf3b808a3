"""The line of the playhead: which moment of the run is shown, and what the run had used by then. Pure."""

from __future__ import annotations

from itertools import islice
from math import ceil
from typing import Final

from workbench.state.run_state import RunState
from workbench.views.segments import Line, Segment, line_width, row
from workbench.views.text import human_cost, human_seconds, human_tokens

RECENT_CALLS: Final = 200
"""How many calls the percentile looks at."""
_SHORTEST_BAR: Final = 8


def playhead_line(state: RunState | None, position: int, last: int, width: int, scrubbing: bool) -> Line:
    """Return the line for event `position` of a run whose last one is `last`, both counted from 0."""
    if state is None or last < 0:
        return row((), width)
    lead = [Segment("◂ " if scrubbing else "  ", "playhead")]
    where = [Segment(f" event {position}/{last}", "playhead" if scrubbing else "text"), Segment("  ")]
    figures = _figures(state)
    # Figures that do not fit go, the least important first; the place itself stays.
    while figures and line_width([*lead, *where]) + len(" · ".join(figures)) + _SHORTEST_BAR > width:
        figures.pop()
    tail = [*where, Segment(" · ".join(figures), "muted")]
    room = max(2, width - line_width([*lead, *tail]))
    done = round(position / max(1, last) * (room - 1))
    bar = [Segment("━" * done, "playhead" if scrubbing else "bar"), Segment("●", "playhead")]
    return row([*lead, *bar, Segment("─" * (room - 1 - done), "bar_idle"), *tail], width)


def call_p95(state: RunState) -> float | None:
    """Return the 95th percentile of the durations of the last calls, in seconds, or None without any."""
    calls = (call for step in reversed(state.steps) for call in reversed(step.calls.values()))
    seconds = sorted(islice((call.elapsed for call in calls if call.elapsed is not None), RECENT_CALLS))
    return seconds[ceil(0.95 * len(seconds)) - 1] if seconds else None


def _figures(state: RunState) -> list[str]:
    usage = state.total_usage
    figures = [f"{human_tokens(usage.input_tokens)} in", f"{human_tokens(usage.output_tokens)} out"]
    figures.append(human_cost(usage.cost) if usage.cost is not None else "cost unknown")
    p95 = call_p95(state)
    return figures if p95 is None else [*figures, f"p95 {human_seconds(p95)}"]
