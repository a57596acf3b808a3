"""Marks of what things are at: a glyph, a word and a style each, so that status is never colour alone.

The one table of them, for every view. It knows the words of the state and nothing of where they are shown.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from workbench.state.parts import CallState, PlanState, StepProgress
from workbench.state.run_state import RunState
from workbench.views.segments import Style

SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
STILL: Final = "⠿"
FRAMES_PER_SECOND: Final = 10
EDITED: Final = "✎"
RETRIED: Final = "↻"
EAGER: Final = "»"
HOSTED: Final = "↑"
"""Of a call that runs at the provider."""
PARTIAL: Final = "not whole"
"""Of a result that holds what had come when its call was interrupted."""


class Mark(NamedTuple):
    """How a status is shown."""

    glyph: str
    word: str
    style: Style


_CALLS: Final = {
    "requested": Mark("○", "not started", "muted"),
    "waiting": Mark("⏸", "waits for you", "waiting"),
    "running": Mark("⠿", "running", "running"),
    "cancelled": Mark("⊘", "cancelled", "cancelled"),
    "interrupted": Mark("⏸", "stopped", "waiting"),
    "unknown": Mark("?", "outcome unknown", "unknown"),
    "discarded": Mark("⊘", "not asked for", "cancelled"),
}
_GIVEN_UP: Final = Mark("⊘", "given up", "cancelled")
_OUTCOMES: Final = {
    "timeout": Mark("✗", "timed out", "error"),
    "denied": Mark("⊘", "denied", "cancelled"),
    "not_run": Mark("⊘", "not run", "cancelled"),
    "invalid_input": Mark("✗", "bad input", "error"),
    "exception": Mark("✗", "exception", "error"),
}
_OK: Final = Mark("✓", "ok", "ok")
_FAILED: Final = Mark("✗", "error", "error")

_RUNS: Final = {
    "idle": Mark("○", "idle", "muted"),
    "planning": Mark("⏵", "planning", "running"),
    "awaiting_approval": Mark("⏸", "waits for you", "waiting"),
    "thinking": Mark("⏵", "thinking", "running"),
    "executing_tools": Mark("⏵", "executing tools", "running"),
    "responding": Mark("⏵", "responding", "running"),
    "completed": Mark("✓", "completed", "ok"),
    "failed": Mark("✗", "failed", "error"),
    "interrupted": Mark("⏸", "interrupted", "waiting"),
}
_REASONS: Final = {
    "answered": "answered",
    "halted": "ended without a submitted answer",
    "error": "error",
    "paused": "paused",
    "breakpoint": "breakpoint",
    "crashed": "its driver died",
    "step_limit": "step limit",
    "token_limit": "token limit",
    "cost_limit": "cost limit",
    "time_limit": "time limit",
    "plan": "plan to approve",
    "permission": "permission to give",
    "outcome_unknown": "outcome unknown",
}
_PROGRESS: Final[dict[StepProgress, Mark]] = {
    "waiting": Mark("○", "waiting", "muted"),
    "doing": Mark("⏵", "doing", "running"),
    "done": Mark("✓", "done", "ok"),
}
_PLANS: Final = {
    "proposed": Mark("⏸", "proposed", "waiting"),
    "approved": Mark("✓", "approved", "ok"),
    "skipped": Mark("⊘", "skipped", "cancelled"),
    "simple": Mark("✓", "simple: no plan needed", "muted"),
}


_frames = SPINNER


def set_motion(moves: bool) -> None:
    """Let the marks of what goes on turn, or hold still for those who cannot bear it; said once at the start."""
    global _frames  # noqa: PLW0603 - one person, one wish
    _frames = SPINNER if moves else STILL


def spinner(now: float | None, style: Style = "running") -> Mark:
    """Return the mark of what goes on; it turns with `now` and stands still without."""
    return Mark(STILL if now is None else _frames[int(now * FRAMES_PER_SECOND) % len(_frames)], "running", style)


def call_mark(call: CallState, now: float | None = None) -> Mark:
    """Return the mark of a call; one that runs turns with `now`."""
    if call.status == "running":
        return spinner(now)
    if call.status != "finished":
        return _GIVEN_UP if call.hosted and call.status == "discarded" else _CALLS[call.status]
    if call.outcome in _OUTCOMES and call.original is None:
        return _OUTCOMES[call.outcome]
    return _FAILED if call.result is not None and call.result.is_error else _OK


def run_mark(status: str) -> Mark:
    """Return the mark of a run by its status; a status of a newer version is shown as it is."""
    return _RUNS.get(status) or Mark("?", status, "unknown")


def reason_words(reason: str | None) -> str:
    """Return what a reason says to a person."""
    return _REASONS.get(reason, reason) if reason else ""


def progress_mark(progress: StepProgress) -> Mark:
    """Return the mark of a plan's step."""
    return _PROGRESS[progress]


def plan_mark(plan: PlanState, state: RunState) -> Mark:
    """Return the mark of a plan; only one that waits for a person says so."""
    if plan.status == "proposed" and state.reason != "plan":
        return Mark("○", "proposed", "plan")
    return _PLANS[plan.status]
