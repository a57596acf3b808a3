"""What lists show of a run, from its state."""

from __future__ import annotations

from dataclasses import replace

from workbench.state.run_state import RunState
from workbench.store import RunRow, RunSummary

MOVING = ("idle", "planning", "thinking", "executing_tools", "responding")
"""States in which only a living driver can be."""


def summarise(run: str, state: RunState) -> RunSummary:
    """Return the projection of a run as of its last folded event."""
    status, reason = state.status_and_reason
    usage, total = state.usage, state.total_usage
    return RunSummary(
        run=run,
        as_of_seq=state.seq,
        task=state.task,
        model=state.agent.model if state.agent else "",
        status=status,
        reason=reason,
        steps=state.finished_steps,
        calls=sum(len(step.turn.calls) for step in state.steps),
        errors=sum(call.has_error for step in state.steps for call in step.asked_calls),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost=total.cost,
        total_tokens=total.total_tokens,
        elapsed=state.driven_seconds,
        answer_line=(state.told_answer or "").strip().split("\n", 1)[0][:200],
        edited=_edited(state),
        address=state.address,
        updated=state.at,
    )


def _edited(state: RunState) -> str:
    """Say in a word or two what a fork changed of its parent, from its own first events."""
    return ", ".join(state.own_edits)


def as_shown(row: RunRow) -> RunRow:
    """Return a row with its status combined with the lease: what no living process drives was interrupted."""
    if row.status in MOVING and not row.live and not row.imported:
        return replace(row, status="interrupted", reason="crashed")
    return row
