"""The line of the playhead: which moment of the run is shown, and what the run had used by then. Pure."""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

from workbench.debugger.metrics import percentile
from workbench.state.run_state import RunState
from workbench.views.segments import Line, Segment, line_width, row
from workbench.views.text import human_cost, human_seconds, human_tokens

RECENT_CALLS: Final = 200
"""How many calls the percentile looks at."""
_SHORTEST_BAR: Final = 8


class Moment(NamedTuple):
    """Which moment of a run is shown."""

    position: int
    """Of the event up to which it is shown, from 0."""
    last: int
    """Of the run's last event."""
    is_scrubbing: bool = False
    speed: int = 0
    """How many times as fast as it went the run is played; 0 where it is not."""
    alarm: str = ""
    """Says that the engine is slow."""


class Bar(NamedTuple):
    """Where the bar stands in the line: its first cell and how many there are."""

    start: int
    cells: int

    def position(self, x: int, last: int) -> int:
        """Return the event that a cell of the line stands for, the nearest one for a cell beside the bar."""
        cell = min(max(0, x - self.start), self.cells - 1)
        return round(cell / max(1, self.cells - 1) * last)


def playhead_line(state: RunState | None, moment: Moment, width: int) -> Line:
    """Return the line for a moment of a run."""
    if state is None or moment.last < 0:
        return row((), width)
    room = playhead_bar(state, moment, width).cells
    done = round(moment.position / max(1, moment.last) * (room - 1))
    bar = [Segment("━" * done, "playhead" if moment.is_scrubbing else "bar"), Segment("●", "playhead")]
    rest = Segment("─" * (room - 1 - done), "bar_idle")
    return row([*_lead(moment), *bar, rest, *_tail(state, moment, width)], width)


def playhead_bar(state: RunState, moment: Moment, width: int) -> Bar:
    """Return where that line has its bar."""
    start = line_width(_lead(moment))
    return Bar(start, max(2, width - start - line_width(_tail(state, moment, width))))


def _lead(moment: Moment) -> Line:
    sign = f"▶ {moment.speed}× " if moment.speed else "◂ " if moment.is_scrubbing else "  "
    return (Segment(sign, "playhead"),)


def _tail(state: RunState, moment: Moment, width: int) -> Line:
    place = f" event {moment.position}/{moment.last}"
    where = [Segment(place, "playhead" if moment.is_scrubbing else "text"), Segment("  ")]
    if moment.alarm:
        where += [Segment(moment.alarm, "error"), Segment("  ")]
    room = width - line_width(_lead(moment)) - line_width(where) - _SHORTEST_BAR
    figures = _figures(state)
    # Figures that do not fit go, the least important first; the place itself stays.
    while figures and len(" · ".join(figures)) > room:
        figures.pop()
    return (*where, Segment(" · ".join(figures), "muted"))


def call_p95(state: RunState) -> float | None:
    """Return the 95th percentile of the durations of the last calls, in seconds, or None without any."""
    calls = (call for step in reversed(state.steps) for call in reversed(step.calls.values()) if not call.hosted)
    return percentile(list(islice((call.elapsed for call in calls if call.elapsed is not None), RECENT_CALLS)), 0.95)


def _figures(state: RunState) -> list[str]:
    usage = state.total_usage
    figures = [f"{human_tokens(usage.input_tokens)} in", f"{human_tokens(usage.output_tokens)} out"]
    figures.append(human_cost(usage.cost) if usage.cost is not None else "cost unknown")
    p95 = call_p95(state)
    return figures if p95 is None else [*figures, f"p95 {human_seconds(p95)}"]
