"""The line of the playhead: which moment of the run is shown, and what the run had used by then. Pure."""

from __future__ import annotations

from itertools import islice
from math import ceil
from typing import Final, NamedTuple

from workbench.state.run_state import RunState
from workbench.views.segments import Line, Segment, line_width, row
from workbench.views.text import human_cost, human_seconds, human_tokens

RECENT_CALLS: Final = 200
"""How many calls the percentile looks at."""
_SHORTEST_BAR: Final = 8


class Bar(NamedTuple):
    """Where the bar stands in the line: its first cell and how many there are."""

    start: int
    cells: int

    def position(self, x: int, last: int) -> int:
        """Return the event that a cell of the line stands for, the nearest one for a cell beside the bar."""
        cell = min(max(0, x - self.start), self.cells - 1)
        return round(cell / max(1, self.cells - 1) * last)


def playhead_line(
    state: RunState | None, position: int, last: int, width: int, scrubbing: bool, speed: int = 0
) -> Line:
    """Return the line for event `position` of a run whose last one is `last`, both counted from 0.

    `speed` is how many times as fast as it went the run is played; 0 where it is not.
    """
    if state is None or last < 0:
        return row((), width)
    lead = _lead(scrubbing, speed)
    tail = _tail(state, position, last, width, scrubbing, speed)
    room = playhead_bar(state, position, last, width, scrubbing, speed).cells
    done = round(position / max(1, last) * (room - 1))
    bar = [Segment("━" * done, "playhead" if scrubbing else "bar"), Segment("●", "playhead")]
    return row([*lead, *bar, Segment("─" * (room - 1 - done), "bar_idle"), *tail], width)


def playhead_bar(state: RunState, position: int, last: int, width: int, scrubbing: bool, speed: int = 0) -> Bar:
    """Return where that line has its bar."""
    start = line_width(_lead(scrubbing, speed))
    return Bar(start, max(2, width - start - line_width(_tail(state, position, last, width, scrubbing, speed))))


def _lead(scrubbing: bool, speed: int) -> Line:
    return (Segment(f"▶ {speed}× " if speed else "◂ " if scrubbing else "  ", "playhead"),)


def _tail(state: RunState, position: int, last: int, width: int, scrubbing: bool, speed: int) -> Line:
    room = width - line_width(_lead(scrubbing, speed))
    where = [Segment(f" event {position}/{last}", "playhead" if scrubbing else "text"), Segment("  ")]
    figures = _figures(state)
    # Figures that do not fit go, the least important first; the place itself stays.
    while figures and line_width(where) + len(" · ".join(figures)) + _SHORTEST_BAR > room:
        figures.pop()
    return (*where, Segment(" · ".join(figures), "muted"))


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
