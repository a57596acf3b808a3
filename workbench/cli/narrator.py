"""A run as text while it goes on: each event that a person cares about becomes a line or a few."""

from __future__ import annotations

from workbench.events import call as calls
from workbench.events import edit as edits
from workbench.events import plan as plans
from workbench.events import run as runs
from workbench.events import turn as turns
from workbench.events.base import Event, Recorded
from workbench.state.parts import StepState
from workbench.state.run_state import RunState
from workbench.views.marks import EDITED, RETRIED
from workbench.views.segments import Line, Segment, Style
from workbench.views.show import (
    asked_line,
    head_lines,
    is_submission,
    message_lines,
    outcome_line,
    plan_lines,
    said_lines,
    short,
    step_calls,
    step_head,
    timing_words,
)
from workbench.views.text import human_seconds, inert, one_line

_ENDS_OF_CALLS = (calls.CallFinished, calls.CallCancelled, calls.CallReused)


class Narrator:
    """Turns the events of one run into lines; ask it after each event was folded."""

    def __init__(self, width: int) -> None:
        self._width = width

    def lines(self, record: Recorded, state: RunState) -> list[Line]:
        """Return what to say about an event, after which the run is in `state`."""
        event = record.event
        told = self._of_run(event, state) or self._of_plan(event, state) or self._of_calls(event, state)
        return told + self._of_closed_step(record.seq, state)

    def _of_run(self, event: Event, state: RunState) -> list[Line]:
        match event:
            case runs.RunStarted() | runs.RunForked():
                return [*head_lines(state, self._width), ()]
            case edits.MessageAdded():
                return message_lines(event.content, self._width)
            case _:
                note = _note_of_run(event, state)
                return [self._note(*note)] if note else []

    def _of_plan(self, event: Event, state: RunState) -> list[Line]:
        match event:
            case plans.PlanApproved() | plans.PlanEdited() if state.plan and state.plan.status == "approved":
                return [*plan_lines(state, self._width), ()]
            case plans.PlanSkipped():
                return [self._note("goes on without the plan"), ()]
            case _:
                return []

    def _of_calls(self, event: Event, state: RunState) -> list[Line]:
        match event:
            case turns.ModelRetried():
                return [self._note(f"{RETRIED} model: {event.error}; again in {human_seconds(event.wait)}", "error")]
            case turns.TurnDiscarded():
                return [self._note(f"turn given up: {event.reason}", "cancelled")]
            case turns.TurnFinished(purpose="step"):
                return self._of_turn(state.steps[event.step])
            case calls.CallRetried():
                words = f"{RETRIED} {event.call} {event.error} after {human_seconds(event.elapsed)}"
                return [self._note(f"{words}; again in {human_seconds(event.wait)}", "error")]
            case edits.ResultEdited() | edits.InputEdited():
                what = "result" if isinstance(event, edits.ResultEdited) else "input"
                return [self._note(f"{EDITED} {event.call} {what} replaced", "edited")]
            case edits.TextEdited():
                return [self._note(f"{EDITED} text of turn {event.step} replaced", "edited")]
            case calls.SubagentStarted():
                return [self._note(f"{event.call} subagent {short(event.run)}: {event.task}")]
            case calls.CallEvent() if isinstance(event, _ENDS_OF_CALLS):
                call = state.call(event.call)
                told = call is not None and call.asked and not is_submission(call)
                return [outcome_line(call, self._width)] if call is not None and told else []
            case _:
                return []

    def _of_turn(self, step: StepState) -> list[Line]:
        """Tell a finished turn, its calls, and the results of those that were quicker than the turn."""
        lines = [step_head(step, self._width, timing=False), *said_lines(step, self._width)]
        shown = [call for call in step_calls(step) if not is_submission(call)]
        lines += [asked_line(call, self._width) for call in shown]
        lines += [outcome_line(call, self._width) for call in shown if call.has_result]
        return lines

    def _of_closed_step(self, seq: int, state: RunState) -> list[Line]:
        """Tell how the calls of the step ran that the event closed."""
        last = state.steps[-1] if state.steps else None
        if last is None or last.finished_seq != seq or not any(not is_submission(call) for call in last.asked_calls):
            return []
        return [(Segment(f"  {timing_words(last)}", "muted"),), ()]

    def _note(self, text: str, style: Style = "muted") -> Line:
        return (Segment("  "), Segment(one_line(inert(text), self._width - 2), style))


def _note_of_run(event: Event, state: RunState) -> tuple[str, Style] | None:
    match event:
        case runs.RunRecovered():
            return "whoever drove this run died; it goes on from what was stored", "waiting"
        case runs.RunPaused(reason="paused"):
            return event.reason, "waiting"
        case runs.RunResumed():
            return f"goes on at step {len(state.steps)}", "muted"
        case runs.ModeChanged():
            way = "one by one" if event.mode == "sequential" else "at once again"
            return f"calls run {way}: {event.why}", "waiting"
        case runs.BreakpointHit():
            return f"breakpoint {event.rule}: {event.why}", "waiting"
        case runs.ContextElided():
            return f"{len(event.calls)} old results are left out of requests from here", "muted"
        case runs.ContextSummarised():
            return f"steps up to {event.through} are summed up in requests from here", "muted"
        case edits.AgentEdited():
            return f"{EDITED} changed: {', '.join(event.changed)}", "edited"
        case _:
            return None
