"""The lines around a comparison: which runs it is of, and what the cursor is on. Pure."""

from __future__ import annotations

from typing import Literal

from workbench.debugger.divergence import Comparison
from workbench.state.run_state import RunState
from workbench.views.compare import status_row
from workbench.views.compare_parts import WIDE
from workbench.views.diff import tag
from workbench.views.marks import EDITED
from workbench.views.parts import GUTTER
from workbench.views.segments import Line, Segment, line_width, row, split_row
from workbench.views.show import short
from workbench.views.text import counted, one_line

Side = Literal["a", "b"]
Present = tuple[float | None, float | None]


def head_lines(a: RunState, b: RunState, active: Side, width: int, now: Present = (None, None)) -> list[Line]:
    """Return what is compared: the question, and both runs beside each other over their columns, or below."""
    task = a.task if a.task == b.task else "two tasks"
    title = [Segment(" compare", "title"), Segment(" · ", "muted"), Segment(one_line(task, width))]
    lines: list[Line] = [row(title, width)]
    inner = width - 1 - GUTTER  # as the lines of the comparison, beside its scroll bar
    wide = inner >= WIDE
    cell = (inner - 3) // 2 if wide else width
    sides = [
        _side("a", a, cell, now[0], is_active=active == "a"),
        _side("b", b, cell, now[1], is_active=active == "b"),
    ]
    if not wide:
        return lines + sides
    return [*lines, row([Segment(" " * GUTTER), *sides[0], Segment(" │ ", "lane"), *sides[1]], width)]


def _side(name: str, state: RunState, width: int, now: float | None, *, is_active: bool) -> Line:
    """Return which run a side is, and how far it is; the one that `o` opens has a sign."""
    left = [Segment("▸" if is_active else " ", "lane_active"), Segment(f"{name} ", "key")]
    left.append(Segment(f"{short(state.run)} ", "title" if is_active else "muted"))
    if state.own_edits:
        left.append(Segment(f"{EDITED} {one_line(', '.join(dict.fromkeys(state.own_edits)), 30)} ", "edited"))
    if state.agent is not None:
        left.append(Segment(f"{one_line(state.agent.model, 40)} ", "muted"))
    status = [piece for piece in status_row(state, width, now) if piece.text.strip()][:1]
    status = [Segment(one_line(text.strip(), width // 2), style) for text, style in status]
    return split_row(left, status, width, 1, keep_right=line_width(status) < width - 16)


def difference_line(comparison: Comparison, position: int | None, width: int) -> Line:
    """Say which of the differences the cursor is on, what differs, and whether it only follows."""
    count = len(comparison.differences)
    if not count:
        return row([Segment(" no differences", "ok")], width)
    if position is None or position >= count:
        following = sum(not item.independent for item in comparison.differences)
        words = f" {counted(count, 'difference')}"
        rest = f", {following} of them only follow (↳)" if following else ""
        return row([Segment(words, "title"), Segment(rest, "muted")], width)
    item = comparison.differences[position]
    style: Literal["edited", "muted"] = "edited" if item.independent else "muted"
    glyph = tag(item).split(" ")[0]
    pieces = [Segment(f" {position + 1}/{count} ", "title"), Segment(f"{glyph} ", style)]
    words = one_line(item.words, max(width - line_width(pieces) - 30, 20))
    why = "" if item.independent else " · follows from what differs before"
    return row([*pieces, Segment(words), Segment(why, "muted")], width)
