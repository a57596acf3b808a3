"""A plan while a person edits it: the steps, the line one stands on, and what can be undone. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.events.plan import PlanStep
from workbench.tui.fork_draft import read_step


class PlanDraft:
    """Steps that can be replaced, deleted, added and moved; the first `done` of them are fixed."""

    def __init__(self, steps: Sequence[PlanStep], done: int = 0) -> None:
        self.original = tuple(steps)
        """The steps as they were proposed."""
        self.steps = list(steps)
        self.done = done
        self.cursor = done
        """Index of the step one stands on; one beyond the last is the line that approves."""
        self._before: list[tuple[list[PlanStep], int]] = []

    @property
    def is_changed(self) -> bool:
        """Whether it differs from what was proposed."""
        return tuple(self.steps) != self.original

    @property
    def is_on_approval(self) -> bool:
        """Whether one stands on the line that approves."""
        return self.cursor >= len(self.steps)

    def move_cursor(self, by: int) -> None:
        """Go up or down."""
        self.cursor = min(max(self.cursor + by, self.done), len(self.steps))

    def replace(self, text: str) -> None:
        """Put another step in the place of this one."""
        if not self.is_on_approval and text.strip():
            self._remember()
            self.steps[self.cursor] = read_step(text, self.steps[self.cursor].action)

    def add(self, text: str) -> None:
        """Add a step after this one; on the approving line, as the last."""
        if text.strip():
            self._remember()
            place = min(self.cursor + 1, len(self.steps))
            self.steps.insert(place, read_step(text))
            self.cursor = place

    def delete(self) -> str:
        """Delete this step; return why not, where it stays."""
        if self.is_on_approval:
            return "This line approves the plan; go to a step to delete it."
        if len(self.steps) == 1:
            return "A plan needs a step: Esc, then s, goes on without a plan."
        self._remember()
        del self.steps[self.cursor]
        return ""

    def move(self, by: int) -> None:
        """Move this step up or down."""
        other = self.cursor + by
        if not self.is_on_approval and self.done <= other < len(self.steps):
            self._remember()
            self.steps[self.cursor], self.steps[other] = self.steps[other], self.steps[self.cursor]
            self.cursor = other

    def undo(self) -> bool:
        """Take back the last change; return whether there was one."""
        if not self._before:
            return False
        self.steps, self.cursor = self._before.pop()
        return True

    def _remember(self) -> None:
        self._before.append((self.steps.copy(), self.cursor))
