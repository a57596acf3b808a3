"""The calls of a step, side by side: a box a call, with a bar on the one time axis of the step.

So concurrency is seen, not told. Lanes that do not fit beside each other wrap into further rows of the same width.
Pure: calls in, lines out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from workbench.debugger.find import Needle
from workbench.events.request import Usage
from workbench.state.parts import CallState, Spans, driven_between
from workbench.state.run_state import RunState
from workbench.views.brief import brief_input
from workbench.views.find import mark_line
from workbench.views.marks import EAGER, EDITED, HOSTED, PARTIAL, RETRIED, Mark, call_mark, reason_words, run_mark
from workbench.views.members import ages, ensemble_words, is_ensemble
from workbench.views.segments import SPACE, Line, Segment, Style, blank, line_width, row
from workbench.views.text import (
    cell_width,
    counted,
    human_bytes,
    human_cost,
    human_seconds,
    human_tokens,
    inert,
    last_line,
    one_line,
)

LANE_WIDTH: Final = 21
"""Cells of the narrowest lane."""
AIRY_WIDTH: Final = 24
"""Lanes that keep this width stand one cell apart; narrower ones touch."""
REMEMBERED_LANES: Final = 256
_FRAME: Final = 4
"""Cells that a lane's frame takes from its width."""
_NO_RESULT: Final = {
    "requested": "waits for its turn",
    "interrupted": "no result; runs again",
    "discarded": "not asked for after all",
}
_BARS: Final[dict[str, Style]] = {
    "running": "bar_running",
    "error": "bar_error",
    "cancelled": "cancelled",
    "unknown": "unknown",
    "waiting": "waiting",
}
"""Style of a bar by the style of its call's mark, where it differs."""
_ROUND: Final = "╭─╮│╰╯"
_HEAVY: Final = "┏━┓┃┗┛"


class Grid(NamedTuple):
    """How lanes of equal width share the rows that they need."""

    columns: int
    width: int
    """Of one lane."""
    gap: int
    """Cells between two lanes."""

    def left(self, column: int) -> int:
        """Return the cell at which the lane of a column begins."""
        return column * (self.width + self.gap)


class Axis(NamedTuple):
    """The time that the bars of one step have in common."""

    start: float
    seconds: float
    undriven: Spans = ()
    """What is left out of it: nobody drove the run."""

    def share(self, moment: float) -> float:
        """Return how much of the axis lies before a moment, 0 to 1 for those on it."""
        return driven_between(self.start, moment, self.undriven) / self.seconds


class LaneMemory:
    """The lines of lanes that stand still while timers and bars go on, so that a picture draws only what moves."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[object, list[Line]]] = {}

    def recall(self, call: str, likeness: object, draw: Callable[[], list[Line]]) -> list[Line]:
        """Return what was drawn for `call` when it was like this, or draw it."""
        known = self._lines.get(call)
        if known is not None and known[0] == likeness:
            return known[1]
        if len(self._lines) >= REMEMBERED_LANES:
            self._lines.clear()
        lines = draw()
        self._lines[call] = (likeness, lines)
        return lines


class LaneContext(NamedTuple):
    """What lanes have in common."""

    axis: Axis
    now: float | None
    """The present, where the run goes on."""
    at: float
    """The moment that is shown."""
    children: Mapping[str, RunState]
    """Subagents by run, as far as they were read."""
    finished: Mapping[str, tuple[Usage, int]]
    """What finished subagents used, by call."""
    memory: LaneMemory
    needle: Needle | None = None
    """What is looked for."""
    found: Mapping[str, str] = {}
    """In which of its texts each call has it."""


def lane_grid(count: int, width: int) -> Grid:
    """Return the grid for `count` lanes in `width` cells, its rows as evenly filled as they can be."""
    fitting = max(1, width // LANE_WIDTH)
    rows = -(-count // fitting)
    columns = -(-count // rows)
    airy = (width - columns + 1) // columns
    return Grid(columns, airy, 1) if airy >= AIRY_WIDTH else Grid(columns, width // columns, 0)


def lane_height(call: CallState) -> int:
    """Return how many lines the lane of a call needs."""
    return 5 + bool(call.attempts) + (call.child is not None)


def time_axis(calls: Sequence[CallState], now: float | None, at: float, undriven: Spans = ()) -> Axis:
    """Return the time from the first start to the last end; while calls run it has room to grow into."""
    starts = [call.started_at for call in calls if call.started_at is not None]
    if not starts:
        return Axis(at, 1.0)
    start = min(starts)
    ends = [call_end(call, now, at) for call in calls if call.started_at is not None]
    seconds = max(driven_between(start, max(ends), undriven), 0.001)
    runs = now is not None and any(call.status == "running" for call in calls)
    return Axis(start, _roomy(seconds) if runs else seconds, undriven)


def call_end(call: CallState, now: float | None, at: float) -> float:
    """Return when a call ended, or the moment that is shown."""
    if call.finished_at is not None and call.status != "running":
        return call.finished_at
    return max(at, now or 0.0)


def call_seconds(call: CallState, now: float | None, at: float) -> float | None:
    """Return how long a call took, or takes so far (in tenths: a timer that can be read); None before its start."""
    if call.started_at is None:
        return None
    if call.elapsed is not None and call.status != "running":
        return call.elapsed
    seconds = max(0.0, call_end(call, now, at) - call.started_at)
    return round(seconds, 1) if call.status == "running" else seconds


def one_by_one(taken: float, alone: float) -> str:
    """Return how long calls would have taken alone, beside the time they took at once; empty where it says nothing.

    What lies between the start and the end of a call counts too, so very short calls may seem to be slower at once.
    """
    words = human_seconds(alone)
    return f"one by one {words}" if alone > taken and words != human_seconds(taken) else ""


def _roomy(seconds: float) -> float:
    """Return the next round length, so that bars grow along their axis instead of shrinking with it."""
    length = 1.0
    for factor in (2, 2.5, 2) * 6:
        if seconds < length * 0.95:
            return length
        length *= factor
    return seconds * 1.1


def draw_lanes(
    calls: Sequence[CallState], grid: Grid, height: int, context: LaneContext, selected: str | None, width: int
) -> list[Line]:
    """Return one row of lanes, as lines of `width` cells."""
    lanes = [_draw_lane(call, grid.width, height, context, active=call.id == selected) for call in calls]
    gap = (Segment(" " * grid.gap),) if grid.gap else ()
    rest = width - grid.left(len(calls)) + grid.gap
    end = (Segment(" " * rest),) if rest else ()
    return [
        tuple(chain(pieces[0], *((*gap, *piece) for piece in pieces[1:]), end)) for pieces in zip(*lanes, strict=True)
    ]


def _draw_lane(call: CallState, width: int, height: int, context: LaneContext, *, active: bool) -> list[Line]:
    frame: Style = "lane_active" if active else "lane"
    chars = _HEAVY if active else _ROUND
    mark = call_mark(call, context.now)
    result = call.result and (call.result.run, call.result.seq)
    shape = (width, height, active, call.status, len(call.attempts), call.children)
    said = (call.progress, call.granted, call.input, call.question, call.denial)
    found = context.needle, context.found.get(call.id)
    likeness = (shape, result, said, ages(call, context.children), call.settled, found)
    still = context.memory.recall(
        call.id, likeness, lambda: _draw_still(call, mark, width, height, context, frame, chars)
    )
    left, right = Segment(f"{chars[3]} ", frame), Segment(f" {chars[3]}", frame)
    bar = (left, *draw_bar(call, width - _FRAME, context), right)
    return [_head(call, mark, width, context, frame, chars), still[0], bar, *still[1:]]


def _draw_still(
    call: CallState, mark: Mark, width: int, height: int, context: LaneContext, frame: Style, chars: str
) -> list[Line]:
    """Return all lines of a lane but its head and its bar."""
    inner = width - _FRAME
    child = context.children.get(call.child or "") if not is_ensemble(call) else None
    lines = [mark_line(input_line(call, inner), context.needle)]
    if call.attempts:
        lines.append(mark_line(_attempts_line(call, inner), context.needle))
    if is_ensemble(call):
        lines.append(row([Segment(f"↳ {ensemble_words(call)}")], inner))
    elif call.child is not None:
        lines.append(_child_line(call.child, child, context.finished.get(call.id), inner))
    lines.append(mark_line(outcome_line(call, mark, inner, child), context.needle))
    lines.extend([blank(inner)] * (height - 3 - len(lines)))
    left, right = Segment(f"{chars[3]} ", frame), Segment(f" {chars[3]}", frame)
    return [*((left, *line, right) for line in lines), _foot(call, width, context, frame, chars)]


def _foot(call: CallState, width: int, context: LaneContext, frame: Style, chars: str) -> Line:
    """Return the lower edge; it says in which texts of the call a search found something: most are not shown."""
    where = context.found.get(call.id)
    if where is None:
        return (Segment(chars[4] + chars[1] * (width - 2) + chars[5], frame),)
    words = f" {one_line(where, width - 5)} "
    edge = chars[1] * (width - 3 - cell_width(words))
    return (Segment(chars[4] + chars[1], frame), Segment(words, "match"), Segment(edge + chars[5], frame))


def _head(call: CallState, mark: Mark, width: int, context: LaneContext, frame: Style, chars: str) -> Line:
    """Return the upper edge: status and time always, the tool's name, then what else there is room for."""
    room = width - _FRAME
    seconds = call_seconds(call, context.now, context.at)
    time = "" if seconds is None else f" {human_seconds(seconds)}"
    status = [Segment(f" {mark.glyph}{time}", mark.style)]
    name = one_line(call.tool, max(room - line_width(status), 4)) or "?"
    inside = [*mark_line((Segment(name, "title" if frame == "lane_active" else "text"),), context.needle), *status]
    extras = _small_marks(call)
    if mark.word not in ("ok", "running"):
        extras.append(Segment(f" {mark.word}", mark.style))
    for extra in extras:
        if line_width([*inside, extra]) <= room:
            inside.append(extra)
    if line_width(inside) > room:
        inside = list(row(inside, room))
    address = f" {one_line(call.id, 12)} "
    rest = room - line_width(inside)
    pieces = [Segment(f"{chars[0]} ", frame), *inside, SPACE]
    if (edge := rest - cell_width(address) - 1) > 0:
        pieces += [Segment(chars[1] * edge, frame), Segment(address, "muted")]
        rest = 1
    pieces.append(Segment(chars[1] * rest + chars[2], frame))
    return tuple(pieces)


def _small_marks(call: CallState) -> list[Segment]:
    marks: list[Segment] = []
    if call.edited:
        marks.append(Segment(f" {EDITED}", "edited"))
    if call.attempts:
        marks.append(Segment(f" {RETRIED}{len(call.attempts)}", "error"))
    if call.eager:
        marks.append(Segment(f" {EAGER}", "muted"))
    if call.hosted:
        marks += [Segment(f" {HOSTED}", "muted"), Segment(" provider", "muted")]
    return marks


def input_line(call: CallState, width: int) -> Line:
    """Return a call's input on one line, with a mark where a person replaced it."""
    if call.invalid:
        return row([Segment("✗ ", "error"), Segment(one_line(call.invalid, width), "error")], width)
    shown = brief_input(call.input, width if call.original_input is None else width - 2)
    mark = [Segment(f"{EDITED} ", "edited")] if call.original_input is not None else []
    return row([*mark, Segment(shown) if shown else Segment("no input", "muted")], width)


def _attempts_line(call: CallState, width: int) -> Line:
    """Tell of the attempts that failed, the last first: it is the one that led to what came."""
    told = ", ".join(f"{one_line(item.error, width)} {human_seconds(item.elapsed)}" for item in call.attempts[::-1])
    return row([Segment(f"{RETRIED} ", "error"), Segment(told, "muted")], width)


def _child_line(run: str, child: RunState | None, finished: tuple[Usage, int] | None, width: int) -> Line:
    """Say how far a subagent is, or how much it took."""
    if child is not None and not child.is_resting:
        limit = child.agent.limits.steps if child.agent else None
        of = "" if limit is None else f"/{limit}"
        pieces = [Segment(f"↳ step {max(len(child.steps) - 1, 0)}{of}")]
        usage = child.usage
    elif child is not None or finished is not None:
        usage, count = (child.usage, len(child.steps)) if child is not None else finished or (Usage(), 0)
        pieces = [Segment(f"↳ {counted(count, 'step')}")]
    else:
        return row([Segment(f"↳ subagent {inert(run)[:8]}")], width)
    pieces.append(Segment(f" · {human_tokens(usage.total_tokens)} tokens", "muted"))
    if usage.cost:
        pieces.append(Segment(f" · {human_cost(usage.cost)}", "muted"))
    return row(pieces, width)


def _child_doing(child: RunState, width: int) -> Segment:
    """Return what a subagent is at: its last call, or its status."""
    status, reason = child.status_and_reason
    running = [call for call in (child.steps[-1].calls.values() if child.steps else ()) if call.status == "running"]
    if running and child.end is None:
        more = f" +{len(running) - 1}" if len(running) > 1 else ""
        return Segment(f"{one_line(running[-1].tool, width)}{more} {brief_input(running[-1].input, width)}", "running")
    mark = run_mark(status)
    words = f"{mark.word}: {reason_words(reason)}" if reason else mark.word
    return Segment(words, mark.style)


def outcome_line(call: CallState, mark: Mark, width: int, child: RunState | None = None) -> Line:
    """Say what came of the call: its result's size and first line, or how far it is, or what it waits for."""
    if call.status == "waiting":
        return row([Segment("allow? ", "waiting"), Segment(one_line(call.question, width), "waiting")], width)
    if call.status == "unknown":
        return row([Segment("it may have taken effect", "unknown")], width)
    if call.result is not None and (call.status in ("finished", "cancelled") or call.hosted):
        edited = [Segment(f"{EDITED} ", "edited")] if call.original is not None else []
        size = Segment(f"{human_bytes(call.result.size)} ", "muted")
        style: Style = "error" if mark.style == "error" else "text"
        part = [Segment(f"{PARTIAL} ", "waiting")] if call.partial else []
        return row([*edited, size, *part, Segment(one_line(call.result.first_line, width), style)], width)
    if child is not None and call.status == "running":
        return row([_child_doing(child, width)], width)
    if call.status == "running" and (call.progress or call.granted):
        return row([*_granted(call), Segment(last_line(call.progress, width), "running")], width)
    if call.status == "requested" and call.denial:
        return row([Segment(f"denied: {one_line(call.denial, width)}", "cancelled")], width)
    words = "no result; its turn was given up" if call.hosted else _NO_RESULT.get(call.status, "")
    return row([Segment("" if call.status == "running" else words, "muted")], width)


def _granted(call: CallState) -> list[Segment]:
    """Say how much time a person gave the call."""
    return [Segment(f"+{human_seconds(call.granted)} ", "waiting")] if call.granted else []


def draw_bar(call: CallState, width: int, context: LaneContext) -> Line:
    """Return the call's place on the axis: its attempts, the waits between them, and the time around them."""
    if call.started_at is None:
        return (Segment("─" * width, "bar_idle"),)
    axis, ends = context.axis, call_end(call, context.now, context.at)
    runs = call.status == "running"

    def cell(moment: float) -> int:
        return min(width, max(0, round(axis.share(moment) * width)))

    stops: list[tuple[int, str, Style]] = [(min(cell(call.started_at), width - 1), "─", "bar_idle")]
    moment = call.started_at
    for attempt in call.attempts:
        moment += attempt.elapsed
        stops.append((cell(moment), "▒", "bar_error"))
        moment += attempt.wait
        stops.append((cell(moment), "┄", "bar_wait"))
    last = max(cell(ends), stops[0][0] + 1)
    style = _BARS.get(call_mark(call).style, "bar")
    stops += [(last - runs, "▇", style), (last, "▸" if runs else "▇", style), (width, "─", "bar_idle")]
    return _bar_segments(stops)


def _bar_segments(stops: list[tuple[int, str, Style]]) -> Line:
    pieces: list[Segment] = []
    done = 0
    for stop, char, style in stops:
        if stop > done:
            pieces.append(Segment(char * (stop - done), style))
            done = stop
    return tuple(pieces)
