"""What hooks did to a run, in words and as lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from workbench.state.parts import CallState, HookNote
from workbench.state.run_state import RunState
from workbench.views.marks import EDITED
from workbench.views.segments import Line, Segment, Style
from workbench.views.text import inert, one_line

_WORDS: Final = {
    "before_run": "changed the task",
    "after_run": "changed the answer",
    "before_turn": "said something before this turn",
    "after_turn": "changed the turn",
    "on_output": "changed what is shown",
}


def hook_words(note: HookNote) -> str:
    """Return what a hook did: `hook Redact changed the result of 1.0`."""
    match note.what:
        case "before_call":
            did = f"changed the input of {note.call}"
        case "after_call":
            did = f"changed the result of {note.call}"
        case "on_message":
            did = "changed a message" if note.call is None else f"changed what came in from {note.call}"
        case "denied":
            did = f"denied {note.call}: {note.after}"
        case "failed":
            did = f"failed in {note.after}; the run went on without it"
        case "missing":
            did = "is not here; the run goes on without it"
        case what:
            did = _WORDS.get(what, f"changed {what}")
    return f"hook {note.hook} {did}"


def hook_style(note: HookNote) -> Style:
    """Return the style in which it is shown."""
    return {"failed": "error", "missing": "waiting", "denied": "cancelled"}.get(note.what, "edited")  # type: ignore[return-value]


def hook_lines(notes: Iterable[HookNote], width: int) -> list[Line]:
    """Return a line for each thing that hooks did."""
    return [
        (Segment("  "), Segment(one_line(inert(f"{EDITED} {hook_words(note)}"), width - 2), hook_style(note)))
        for note in notes
    ]


def hook_documents(state: RunState) -> list[dict[str, Any]]:
    """Return what hooks did as JSON."""
    return [
        {"step": step, "hook": note.hook, "what": note.what, "call": note.call, "after": note.after}
        for step, notes in state.hook_notes.items()
        for note in notes
    ]


def input_marks(call: CallState) -> list[Segment]:
    """Return who changed the input of a call, if anybody did."""
    if call.original_input is None:
        return []
    return [Segment(f" {EDITED} by hook {one_line(call.hook, 30)}" if call.hook else f" {EDITED} edited", "edited")]
