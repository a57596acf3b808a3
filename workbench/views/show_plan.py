"""A plan on paper: a line for each of its steps, with how far it is."""

from __future__ import annotations

from typing import Final

from workbench.events.plan import PlanStep
from workbench.state.parts import PlanState
from workbench.state.run_state import RunState
from workbench.views.marks import plan_mark, progress_mark
from workbench.views.segments import Line, Segment
from workbench.views.text import one_line

_INDENT: Final = Segment("  ")


def plan_lines(state: RunState, width: int) -> list[Line]:
    """Return the plan with its progress; nothing where there is none."""
    plan = state.plan
    if plan is None:
        return []
    mark = plan_mark(plan, state)
    head = (
        Segment("PLAN ", "title"),
        Segment(f"{mark.glyph} {mark.word}{', edited' if plan.edited else ''}", mark.style),
    )
    return [head, *plan_step_lines(plan, width)]


def plan_step_lines(plan: PlanState, width: int) -> list[Line]:
    """Return one line for each step of a plan."""
    lines: list[Line] = []
    for index, (step, progress) in enumerate(zip(plan.steps, plan.progress, strict=True)):
        mark = progress_mark(progress)
        lines.append(
            (_INDENT, Segment(f"{mark.glyph} ", mark.style), Segment(plan_step_words(index, step, width - 4), "plan"))
        )
    return lines


def plan_step_words(index: int, step: PlanStep, width: int) -> str:
    """Return a plan's step on one line."""
    return one_line(f"{index} {step}", width)
