"""The first line of the screen: what is being looked at, and where it is on its way. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.state.run_state import RunState
from workbench.views.breadcrumb import Crumb, way_back
from workbench.views.marks import reason_words, run_mark, spinner
from workbench.views.segments import Line, Segment, line_width, row, split_row
from workbench.views.text import one_line


def status_line(state: RunState | None, width: int, now: float | None = None, crumbs: Sequence[Crumb] = ()) -> Line:
    """Return the line for a run, or for none; `now` is the present of a run that goes on.

    A subagent's line begins with the way back to the runs above it, `crumbs`.
    """
    left = [Segment(" workbench", "title")]
    if state is None or not state.run:
        return row(left, width)
    right = _status(state, now)
    if width - line_width(right) < line_width(left) + 8:
        return row(right, width)
    if crumbs:
        way = way_back(state, crumbs, width - line_width(right) - 2)
        return split_row(way.pieces, right, width, keep_right=True)
    left.append(Segment(" · ", "muted"))
    if state.depth:
        left.append(Segment(f"↳ {one_line(state.role or 'subagent', 20)} · ", "link"))
    left.append(Segment(one_line(state.task, width)))
    return split_row(left, right, width, keep_right=True)


def crumb_at(state: RunState, width: int, crumbs: Sequence[Crumb], x: int) -> Crumb | None:
    """Return the run to which a click on a cell of the line leads."""
    return way_back(state, crumbs, width - line_width(_status(state, None)) - 2).lead_at(x) if crumbs else None


def _status(state: RunState, now: float | None) -> list[Segment]:
    status, reason = state.status_and_reason
    mark = run_mark(status)
    moves = mark.style == "running"
    glyph = spinner(now).glyph if moves and now is not None else mark.glyph
    words = mark.word if reason in (None, "answered") else f"{mark.word}: {reason_words(reason)}"
    pieces = [Segment(f"{glyph} {words}", mark.style)]
    limit = state.agent.limits.steps if state.agent else None
    if moves and state.steps:
        of = f"/{limit}" if limit is not None else ""
        pieces.append(Segment(f"  step {state.steps[-1].index}{of}", "muted"))
    if state.mode == "sequential":
        pieces.append(Segment("  one by one after failures", "waiting"))
    return [*pieces, Segment(" ")]
