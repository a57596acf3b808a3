"""The way from a subagent back to the run above it, and on to the root. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from workbench.state.run_state import RunState
from workbench.store.model import RunRow
from workbench.views.segments import Segment, line_width
from workbench.views.text import cell_width, inert, one_line

SHORTEST_TASK: Final = 12
"""Cells that a task keeps, however narrow the screen is."""
_BETWEEN: Final = Segment(" › ", "muted")


class Crumb(NamedTuple):
    """A run above the one that is shown."""

    run: str
    call: str
    """Its call that is the subagent below."""
    task: str


class Way(NamedTuple):
    """The way as it is shown, and which of its cells lead where."""

    pieces: list[Segment]
    leads: list[tuple[int, Crumb]]
    """The cell after the last that leads to a run, for each run."""

    def lead_at(self, x: int) -> Crumb | None:
        """Return where a click on a cell leads; nowhere beyond the runs above."""
        return next((crumb for end, crumb in self.leads if x < end), None)


def breadcrumb(state: RunState, rows: Iterable[RunRow]) -> list[Crumb]:
    """Return the runs above a subagent, the root first; `rows` are the listed runs."""
    crumbs: list[Crumb] = []
    if state.caller is None:
        return crumbs
    by_id = {row.id: row for row in rows}
    run: str | None = state.caller.run
    call: str | None = state.caller.call
    while run is not None and call is not None and run not in {crumb.run for crumb in crumbs}:
        above = by_id.get(run)
        crumbs.insert(0, Crumb(run, call, above.task if above is not None else f"run {inert(run)[:8]}"))
        run, call = (above.caller_run, above.caller_call) if above is not None else (None, None)
    return crumbs


def way_back(state: RunState, crumbs: Sequence[Crumb], room: int) -> Way:
    """Return the way from the root to this subagent for `room` cells; tasks are cut, calls are not."""
    pieces = [Segment(" ⌫ ", "key")]
    leads: list[tuple[int, Crumb]] = []
    here = one_line(state.role or "subagent", 20)
    calls = [f"call {one_line(crumb.call, 12)}" for crumb in crumbs]
    fixed = line_width(pieces) + sum(cell_width(call) + 6 for call in calls) + cell_width(here) + 2
    each = max(SHORTEST_TASK, (room - fixed) // (len(crumbs) + 1))
    for crumb, call in zip(crumbs, calls, strict=True):
        pieces += [Segment(one_line(crumb.task, each), "link"), _BETWEEN, Segment(call, "link")]
        leads.append((line_width(pieces), crumb))
        pieces.append(_BETWEEN)
    task = state.task.strip().partition("\n")[0]  # what every subagent is told comes behind it
    return Way([*pieces, Segment(here, "title"), Segment(f": {one_line(task, max(room, 1))}")], leads)
