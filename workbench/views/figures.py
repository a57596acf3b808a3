"""What two runs took, side by side with the difference: steps, calls, tokens, cost, time, errors, retries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from workbench.state.parts import StepState, driven_between
from workbench.state.run_state import RunState
from workbench.views.segments import Line, Segment, Style, row
from workbench.views.text import cell_width, human_cost, human_seconds, human_tokens

_GAP: Final = 2
_SIDES: Final = ("a", "b", "b - a")


class Figure(NamedTuple):
    """One measure of both runs."""

    name: str
    a: float | None
    b: float | None
    """None where it is unknown."""
    shown: Callable[[float], str]

    @property
    def texts(self) -> tuple[str, str, str]:
        """Both, and by how much the second is more or less."""
        one, other = ("unknown" if value is None else self.shown(value) for value in (self.a, self.b))
        if self.a is None or self.b is None:
            return one, other, "?"
        change = self.b - self.a
        size = self.shown(abs(change))
        # What is too small to be seen is no difference.
        return one, other, "=" if one == other or not change else f"{'+' if change > 0 else '-'}{size}"


def figures(a: RunState, b: RunState) -> list[Figure]:
    """Return what both runs took, from the beginning of their logs; subagents count in tokens and cost."""
    one, other = _totals(a), _totals(b)
    shown: dict[str, Callable[[float], str]] = {
        "in": _tokens, "out": _tokens, "cost": human_cost, "time": human_seconds,
    }  # fmt: skip
    return [Figure(name, one[name], other[name], shown.get(name, _count)) for name in one]


def _totals(state: RunState) -> dict[str, float | None]:
    calls = [call for step in state.steps for call in step.asked_calls]
    turns = [step.turn for step in state.steps]
    usage = state.total_usage
    return {
        "steps": state.finished_steps,
        "calls": len(calls),
        "in": usage.input_tokens,
        "out": usage.output_tokens,
        "cost": usage.cost,
        "time": worked_seconds(state),
        "errors": sum(call.has_error for call in calls),
        "retries": sum(len(call.attempts) for call in calls) + sum(len(turn.retries) for turn in turns),
    }


def worked_seconds(state: RunState) -> float:
    """Return how long the turns and calls of a run took, those that it inherited too, and no waiting for people.

    `driven_seconds` begins anew with each fork, and would make every fork look quicker than its parent.
    """
    planning = state.plan_turn.elapsed if state.plan_turn is not None else 0.0
    return planning + sum(step.turn.elapsed + _wall(step) for step in state.steps)


def _wall(step: StepState) -> float:
    """Return the time from the first start of a step's calls to the last end, eager starts within the turn left out."""
    turn_end = step.turn.started_at + step.turn.elapsed
    ends = [call.finished_at for call in step.asked_calls if call.finished_at is not None]
    starts = [max(call.started_at, turn_end) for call in step.asked_calls if call.started_at is not None]
    return max(0.0, driven_between(min(starts), max(ends), step.undriven)) if ends and starts else 0.0


def figure_lines(a: RunState, b: RunState, width: int) -> list[Line]:
    """Return the figures as a table of exactly `width` cells (60 or more): lying where it fits, else upright."""
    found = figures(a, b)
    columns = [[figure.name, *figure.texts] for figure in found]
    widths = [max(map(cell_width, column)) for column in columns]
    lead = max(map(len, _SIDES)) + 1
    if lead + sum(widths) + _GAP * len(widths) <= width:
        return [_lying(number, columns, widths, lead, width) for number in range(len(_SIDES) + 1)]
    return _upright(found, width)


def _lying(number: int, columns: list[list[str]], widths: list[int], lead: int, width: int) -> Line:
    name = _SIDES[number - 1] if number else ""
    pieces = [Segment(f"{name:<{lead}}", "key")]
    for column, cells in zip(columns, widths, strict=True):
        pieces.append(Segment(" " * _GAP + _right(column[number], cells), _style(number, column[number])))
    return row(pieces, width)


def _upright(found: list[Figure], width: int) -> list[Line]:
    column = min(16, (width - 10) // 3)
    lines = [row([Segment(f"{'':<8}"), *(Segment(_right(side, column), "key") for side in _SIDES)], width)]
    for figure in found:
        cells = [Segment(_right(text, column), _style(number, text)) for number, text in enumerate(figure.texts, 1)]
        lines.append(row([Segment(f"{figure.name:<8}", "key"), *cells], width))
    return lines


def _style(number: int, text: str) -> Style:
    if number == 0:
        return "key"
    if number < len(_SIDES):
        return "text"
    return "muted" if text in ("=", "?") else "edited"


def _right(text: str, width: int) -> str:
    return " " * (width - cell_width(text)) + text


def _count(value: float) -> str:
    return str(int(value))


def _tokens(value: float) -> str:
    return human_tokens(int(value))
