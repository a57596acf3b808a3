"""What was said to a run after its task, by a person or by nobody, apart from how it is laid out."""

from __future__ import annotations

from typing import Any, Final

from workbench.state.parts import StepMark
from workbench.state.run_state import RunState
from workbench.views.binary import given_documents, said_text

NOTICE: Final = "◇ "
"""Before what the model was told and nobody said."""


def message_documents(state: RunState) -> list[dict[str, Any]]:
    """Return what a person said after the task, with the index of the step that follows it."""
    found: list[dict[str, Any]] = []
    steps = 0
    for entry in (*state.entries, *state.queued):
        if isinstance(entry, StepMark):
            steps = entry.index + 1
        elif entry.kind == "message":
            text, files = said_text(entry.content), given_documents(entry.content)
            found.append({"before_step": steps, "text": text, "attached": files})
    return found
