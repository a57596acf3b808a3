"""Plans: read out of a planner's turn, and followed by looking at what the model does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.events.base import Event
from workbench.events.content import TextBlock
from workbench.events.plan import PlanProposed, PlanStep, PlanStepFinished, PlanStepStarted
from workbench.events.request import ToolCallBlock, TurnBlock
from workbench.state.parts import PlanState
from workbench.tools.control import SUBMIT_ANSWER

MOST_STEPS = 5
_LINE = re.compile(r"^\s*(?:\d+[.)]\s*|[-*]\s*)?\**([A-Z][A-Z_ ]{2,20})\**\s*[:\-–]\s*(\S.*)$")
_WORD = re.compile(r"\w+")


def parse_plan_line(line: str) -> PlanStep | None:
    """Return the step that a line such as `SEARCH: with statement` or `2. COMPARE: a with b` names, or None."""
    match = _LINE.match(line)
    return PlanStep(action=match[1].strip(), text=match[2].strip("* \t")) if match else None


def read_plan(content: Sequence[TurnBlock]) -> PlanProposed:
    """Return the plan that a planner's turn gives; a turn without one means that the task is simple."""
    text = "\n".join(block.text for block in content if isinstance(block, TextBlock))
    steps = [step for line in text.splitlines() if (step := parse_plan_line(line))]
    return PlanProposed(steps=tuple(steps[:MOST_STEPS]), simple=not steps)


def plan_progress(plan: PlanState | None, content: Sequence[TurnBlock]) -> list[Event]:
    """Return the progress that a turn shows: the steps its calls are about are being done, those before are done.

    Works for any model, because it looks at the words of the calls: a call is about the step that shares most words.
    """
    if plan is None or plan.status != "approved":
        return []
    calls = [block for block in content if isinstance(block, ToolCallBlock)]
    reached = {index for call in calls if (index := _step_of(plan, call)) is not None}
    if not calls or any(call.tool == SUBMIT_ANSWER for call in calls):
        reached = {len(plan.steps) - 1}
    if not reached:
        return []
    events: list[Event] = []
    for index, progress in enumerate(plan.progress[: max(reached) + 1]):
        if progress == "waiting":
            events.append(PlanStepStarted(index=index))
        if index < min(reached) and progress != "done":
            events.append(PlanStepFinished(index=index))
    return events


def _step_of(plan: PlanState, call: ToolCallBlock) -> int | None:
    said = _words(" ".join(str(value) for value in call.input.values()))
    scores = [len(said & _words(step.text)) / (len(_words(step.text)) or 1) for step in plan.steps]
    best = max(range(len(scores)), key=lambda index: scores[index], default=None)
    return best if best is not None and scores[best] >= 0.5 else None


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.lower()) if len(word) > 2}
