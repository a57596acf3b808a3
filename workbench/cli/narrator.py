"""A run as text while it goes on: each event that a person cares about becomes a line or a few."""

from __future__ import annotations

from workbench.cli.waiting import present_step
from workbench.engine.settling import settled_words
from workbench.events import call as calls
from workbench.events import edit as edits
from workbench.events import plan as plans
from workbench.events import run as runs
from workbench.events import turn as turns
from workbench.events.agent import AgentRecord
from workbench.events.base import Event, Recorded
from workbench.state.fold_hooks import note_of
from workbench.state.parts import StepState
from workbench.state.run_state import RunState
from workbench.views.hooks import hook_lines
from workbench.views.marks import EDITED, RETRIED
from workbench.views.notices import notice_words
from workbench.views.said import NOTICE
from workbench.views.segments import Line, Segment, Style
from workbench.views.show import (
    asked_line,
    head_lines,
    is_submission,
    message_lines,
    outcome_line,
    said_lines,
    short,
    step_calls,
    step_head,
    timing_words,
)
from workbench.views.show_plan import plan_lines
from workbench.views.text import human_seconds, inert, one_line, wrap

_ENDS_OF_CALLS = (calls.CallFinished, calls.CallCancelled, calls.CallReused)


class Narrator:
    """Turns the events of one run into lines; ask it after each event was folded."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._failed: list[int] = []
        """Attempts of the turn under way that failed and were followed by another."""

    def lines(self, record: Recorded, state: RunState) -> list[Line]:
        """Return what to say about an event, after which the run is in `state`."""
        event = record.event
        if isinstance(event, turns.TurnFinished | runs.RunResumed):
            self._failed = []
        told = self._of_run(event, state) or self._of_plan(event, state) or self._of_calls(event, state)
        return told + self._of_closed_step(record.seq, state)

    def _of_run(self, event: Event, state: RunState) -> list[Line]:
        match event:
            case runs.RunStarted() | runs.RunForked():
                return [*head_lines(state, self._width), ()]
            case edits.MessageAdded():
                return message_lines(event.content, self._width)
            case runs.HookChanged():
                return hook_lines([note_of(event)], self._width)
            case runs.AnswerRefused():
                return [*message_lines(event.content, self._width, NOTICE), ()]
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
                return self._of_retry(event)
            case turns.TurnDiscarded():
                return self._of_discarded(event, state)
            case turns.TurnFinished(purpose="step"):
                return self._of_turn(state.steps[event.step])
            case calls.CallRetried():
                words = f"{RETRIED} {event.call} {event.error} after {human_seconds(event.elapsed)}"
                return self._told(f"{words}; again in {human_seconds(event.wait)}", "error")
            case edits.ResultEdited() | edits.InputEdited():
                what = "result" if isinstance(event, edits.ResultEdited) else "input"
                return [self._note(f"{EDITED} {event.call} {what} replaced", "edited")]
            case edits.TextEdited():
                return [self._note(f"{EDITED} text of turn {event.step} replaced", "edited")]
            case calls.SubagentStarted():
                who = member_words(event, state.agent) or "subagent"
                return [self._note(f"{event.call} {who} {short(event.run)}: {event.task}")]
            case calls.SubagentsSettled():
                return self._told(f"{event.call} {settled_words(event)}", "muted")
            case calls.CallEvent() if isinstance(event, _ENDS_OF_CALLS):
                call = state.call(event.call)
                told = call is not None and call.asked and not is_submission(call)
                return [outcome_line(call, self._width)] if call is not None and told else []
            case _:
                return []

    def _of_retry(self, event: turns.ModelRetried) -> list[Line]:
        """Tell of an attempt that failed, and when the next one is made."""
        self._failed.append(event.attempt)
        number = len(self._failed) + 1
        of = f" of {event.most}" if event.most is not None and number <= event.most else ""
        words = f"{RETRIED} {event.error.rstrip('.')}; attempt {number}{of} in {human_seconds(event.wait)}"
        return self._told(words, "error")

    def _of_discarded(self, event: turns.TurnDiscarded, state: RunState) -> list[Line]:
        """Tell of a turn that came to nothing; why one of the run itself failed is told at its end, in whole."""
        if event.attempt in self._failed:
            return []  # told with its retry
        attempts, self._failed = len(self._failed) + 1, []
        kind, _, why = event.reason.partition(": ")
        if not why:
            return [self._note(f"turn given up: {kind}", "cancelled")]
        after = f" after {attempts} attempts" if attempts > 1 else ""
        if state.caller is not None:
            return self._told(f"turn given up{after}: {why}", "error")
        return [self._note(f"turn given up{after}", "cancelled")] if after else []

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

    def _told(self, text: str, style: Style) -> list[Line]:
        """Return a whole text, on as many lines as it needs."""
        return [(Segment("  "), Segment(line, style)) for line in wrap(inert(text), self._width - 2)]

    def _note(self, text: str, style: Style = "muted") -> Line:
        return (Segment("  "), Segment(one_line(inert(text), self._width - 2), style))


def member_words(event: calls.SubagentStarted, agent: AgentRecord | None) -> str:
    """Return which subagent of an ensemble it is; empty for one that works alone."""
    if event.judges:
        return "judge"
    roles = agent.roles if agent is not None else ()
    is_one_of_many = any(role.name == event.role and role.ensemble > 1 for role in roles)
    return f"↳{event.member}" if is_one_of_many else ""


def _note_of_run(event: Event, state: RunState) -> tuple[str, Style] | None:
    match event:
        case runs.RunRecovered():
            return "whoever drove this run died; it goes on from what was stored", "waiting"
        case runs.RunPaused(reason="paused"):
            return event.reason, "waiting"
        case runs.RunResumed():
            return f"goes on at step {present_step(state)}", "muted"
        case runs.ModeChanged():
            way = "one by one" if event.mode == "sequential" else "at once again"
            return f"calls run {way}: {event.why}", "waiting"
        case runs.ToolsSwitched() | runs.ContextElided() | runs.ContextSummarised():
            return notice_words(event), "muted"
        case runs.BreakpointHit():
            return f"breakpoint {event.rule}: {event.why}", "waiting"
        case edits.AgentEdited():
            return f"{EDITED} changed: {', '.join(event.changed)}", "edited"
        case _:
            return None
