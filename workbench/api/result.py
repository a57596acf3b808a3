"""What a run came to, as a program reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue, ValidationError

from workbench.events.request import Usage
from workbench.events.run import Citation, Reason
from workbench.state.run_state import RunState, Status
from workbench.tools.control import Output


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call that goes on only when a person decides."""

    run: str
    """The run, or the subagent of it, that asks."""
    call: str
    """`STEP.CALL`."""
    tool: str
    input: dict[str, JsonValue]
    question: str
    """Why a person is asked."""
    preview: str = ""
    """What its tool says that it would do, such as a diff; empty where it does not say."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run at rest: completed, failed, interrupted, or waiting for a decision."""

    run_id: str
    status: Status
    reason: Reason | None
    answer: str | None
    usage: Usage
    """Of the run and its subagents."""
    citations: tuple[Citation, ...] = ()
    output: Any = None
    """The answer as an instance of the agent's `output`, or as an object where that is a schema, or does not take what
    was accepted under another one; None without one."""
    steps: int = 0
    error: str | None = None
    waiting: tuple[WaitingCall, ...] = ()
    state: RunState = field(default_factory=RunState, repr=False)
    """Everything that is known of the run."""

    @property
    def is_completed(self) -> bool:
        """Whether there is an answer."""
        return self.status == "completed"


def result_of(state: RunState, form: Output | None = None) -> RunResult:
    """Return the result of a run at rest; `form` is that of the answer, where the agent wants one."""
    status, reason = state.status_and_reason
    return RunResult(
        run_id=state.run,
        status=status,
        reason=reason,
        answer=state.answer,
        usage=state.total_usage,
        citations=state.citations,
        output=_formed(state, form),
        steps=state.finished_steps,
        error=state.error,
        waiting=waiting_calls(state),
        state=state,
    )


def _formed(state: RunState, form: Output | None) -> Any:
    """Return the answer as what the agent wants; it was accepted as JSON, so it is read as JSON."""
    if state.output is None or not isinstance(form, type):
        return state.output
    try:
        return form.model_validate_json(json.dumps(state.output))
    except ValidationError:
        return state.output


def waiting_calls(state: RunState) -> tuple[WaitingCall, ...]:
    """Return the calls of a run that ask for permission."""
    step = state.open_step
    return tuple(
        WaitingCall(state.run, call.id, call.tool, dict(call.input), call.question, call.preview)
        for call in (step.asked_calls if step is not None else ())
        if call.status == "waiting"
    )
