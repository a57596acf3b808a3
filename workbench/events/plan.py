"""The plan: proposed by the model, decided by a person, followed step by step."""

from __future__ import annotations

from typing import Literal

from workbench.events.base import Event, Frozen

Author = Literal["operator", "auto"]


class PlanStep(Frozen):
    """One line of a plan."""

    action: str
    """`SEARCH`, `COMPARE`, `VERIFY`, `SYNTHESIZE`, or what the model chose."""
    text: str

    def __str__(self) -> str:
        """Return `ACTION: text`, as people type it."""
        return f"{self.action}: {self.text}" if self.text else self.action


class PlanProposed(Event):
    """The planner's turn gave a plan, or found the task simple (then `steps` is empty and nothing waits)."""

    kind: Literal["plan_proposed"] = "plan_proposed"
    steps: tuple[PlanStep, ...]
    simple: bool = False


class PlanApproved(Event):
    """The plan holds; it enters the conversation."""

    kind: Literal["plan_approved"] = "plan_approved"
    by: Author


class PlanEdited(Event):
    """The steps were replaced. Before approval it changes the proposal; after it, the steps not yet done."""

    kind: Literal["plan_edited"] = "plan_edited"
    steps: tuple[PlanStep, ...]


class PlanSkipped(Event):
    """The run goes on without a plan."""

    kind: Literal["plan_skipped"] = "plan_skipped"
    by: Author = "operator"


class PlanStepStarted(Event):
    """Work on a plan's step began."""

    kind: Literal["plan_step_started"] = "plan_step_started"
    index: int


class PlanStepFinished(Event):
    """A plan's step is done."""

    kind: Literal["plan_step_finished"] = "plan_step_finished"
    index: int
