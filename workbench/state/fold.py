"""What each kind of event does to the state. The only place where the log's meaning is written down."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, assert_never, get_args

from workbench.events import call as calls
from workbench.events import edit as edits
from workbench.events import plan as plans
from workbench.events import run as runs
from workbench.events import turn as turns
from workbench.events.agent import Effect, switch
from workbench.events.base import Event, Recorded
from workbench.events.codec import KINDS, UnknownEvent
from workbench.events.content import TextBlock, asked_text, text_content
from workbench.events.request import ToolCallBlock
from workbench.garbage import uncollected
from workbench.state.fold_calls import (
    close_if_done,
    drop_late,
    end_hosted,
    enter_queued,
    finish_call,
    fold_call,
    reset_call,
    start_call,
)
from workbench.state.fold_hooks import fold_hook
from workbench.state.parts import (
    CallState,
    PlanState,
    PlanStatus,
    Said,
    StepMark,
    StepProgress,
    StepState,
    TurnState,
)
from workbench.state.run_state import RunState

PlanFamily = (
    plans.PlanProposed
    | plans.PlanApproved
    | plans.PlanEdited
    | plans.PlanSkipped
    | plans.PlanStepStarted
    | plans.PlanStepFinished
)
UNDRIVEN_BEFORE: Final = frozenset({runs.RunStarted, runs.RunForked, runs.RunRecovered, runs.RunResumed})
"""Facts before which nobody drove the run, whatever its state looked like."""


def fold(records: Collection[Recorded], state: RunState | None = None) -> RunState:
    """Return the state after all of `records`, going on from `state` where one is given."""
    state = state or RunState()
    with uncollected(len(records)):
        for record in records:
            apply(state, record)
    return state


def apply(state: RunState, record: Recorded) -> None:
    """Take the next event of the lineage into `state`, in place.

    Raises `ValueError` when `record.seq` does not follow: a gap or a repetition means a damaged log.
    """
    if record.seq != state.seq + 1:
        raise ValueError(f"event {record.seq} of run {record.run!r} follows {state.seq}; expected {state.seq + 1}")
    event, passed = record.event, record.at - state.at
    is_driven = passed > 0 and type(event) not in UNDRIVEN_BEFORE and not state.is_resting
    if is_driven:
        state.driven_seconds += passed
    _FOLDS.get(type(event), _fold_run)(state, record, event)
    if passed > 0 and not is_driven and (step := state.open_step) is not None:
        step.undriven.append((state.at, record.at))
    state.seq = record.seq
    if passed > 0:
        state.at = record.at


def _fold_plan(state: RunState, record: Recorded, event: PlanFamily) -> None:
    plan = state.plan
    match event:
        case plans.PlanProposed():
            status: PlanStatus = "simple" if event.simple or not event.steps else "proposed"
            state.plan = PlanState(list(event.steps), status, ["waiting"] * len(event.steps), proposed_seq=record.seq)
            return
        case _ if plan is None:
            return
        case plans.PlanApproved():
            plan.status = "approved"
            _say(state, Said("plan", text_content(plan_message(plan.steps))))
        case plans.PlanEdited():
            plan.progress = _progress_kept(plan, event.steps)
            plan.steps, plan.edited = list(event.steps), True
            state.own_edits.append("plan")
            if plan.status == "approved":
                _say(state, Said("plan", text_content(plan_message(plan.steps, changed=True))))
        case plans.PlanSkipped():
            plan.status = "skipped"
        case plans.PlanStepStarted():
            _set_progress(plan, event.index, "doing")
        case plans.PlanStepFinished():
            _set_progress(plan, event.index, "done")
        case _:
            assert_never(event)


def _progress_kept(plan: PlanState, steps: tuple[plans.PlanStep, ...]) -> list[StepProgress]:
    """Return the progress of edited steps: what stays where it was keeps its own, the rest is still to do."""
    before = dict(enumerate(zip(plan.steps, plan.progress, strict=True)))
    return [
        before[index][1] if index in before and before[index][0] == step else "waiting"
        for index, step in enumerate(steps)
    ]


def _set_progress(plan: PlanState, index: int, progress: str) -> None:
    if 0 <= index < len(plan.progress):
        plan.progress[index] = "done" if progress == "done" else "doing"


def plan_message(steps: list[plans.PlanStep], *, changed: bool = False) -> str:
    """Return the plan as it enters the conversation."""
    head = "The plan has changed. Follow this plan:" if changed else "Follow this plan:"
    return "\n".join([head, *(f"{number}. {step}" for number, step in enumerate(steps, 1))])


def _take_text(state: RunState, _record: Recorded, event: turns.TurnText) -> None:
    if state.active_turn is not None:
        (state.active_turn.thinking if event.thinking else state.active_turn.text).append(event.text)


def _retry_model(state: RunState, record: Recorded, event: turns.ModelRetried) -> None:
    if (turn := _turn_of(state, event.step)) is not None:
        turn.retries.append(event.error)
        turn.next_at = record.at + event.wait


def _discard_turn(state: RunState, record: Recorded, event: turns.TurnDiscarded) -> None:
    if event.usage is not None:
        state.usage = state.usage + event.usage
    if state.active_turn is not None:
        state.active_turn.status = "discarded"
        end_hosted(state, record.at, is_whole=False)
        state.failed_turn = state.active_turn if state.active_turn.next_at is not None else None
    state.active_turn = None
    enter_queued(state)


def _turn_of(state: RunState, step: int) -> TurnState | None:
    if state.active_turn is not None:
        return state.active_turn
    return state.steps[step].turn if step < len(state.steps) else state.plan_turn


def _start_turn(state: RunState, record: Recorded, event: turns.TurnStarted) -> None:
    turn = TurnState(event.purpose, event.model, event.attempt, started_at=record.at, request_key=event.request_key)
    state.end, state.breakpoint, state.shown_answer = None, "", None
    state.active_turn, state.failed_turn = turn, None
    if event.purpose == "plan":
        turn.retries = state.plan_turn.retries if state.plan_turn else []
        state.plan_turn = turn
    elif event.purpose == "step" and event.step == len(state.steps):
        step = StepState(event.step, turn, before_seq=state.seq, sequential=state.is_sequential)
        state.steps.append(step)
    elif event.purpose == "step":
        step = state.steps[event.step]
        turn.retries = step.turn.retries
        step.turn, step.before_seq = turn, state.seq
    if event.purpose == "step":
        state.steps[event.step].switched.update(state.switched)
        state.switched = {}


def _finish_turn(state: RunState, record: Recorded, event: turns.TurnFinished) -> None:
    turn = state.active_turn
    end_hosted(state, record.at, is_whole=True)
    state.usage = state.usage + event.usage
    state.active_turn = None
    if turn is None:
        return
    turn.status, turn.content, turn.usage = "finished", event.content, event.usage
    turn.stop_reason, turn.elapsed, turn.first_token = event.stop_reason, event.elapsed, event.first_token
    turn.provider_parts = event.provider_parts
    turn.text.clear()
    turn.thinking.clear()
    if event.purpose != "step":
        enter_queued(state)
        return
    step = state.steps[event.step]
    step.turn_seq = record.seq
    state.entries.append(StepMark(step.index))
    tools = {spec.name: spec.effect for spec in state.agent.tools} if state.agent is not None else {}
    step.asked_calls = [_asked_call(step, block, tools) for block in event.calls]
    close_if_done(state, step, record.seq)


def _asked_call(step: StepState, block: ToolCallBlock, tools: Mapping[str, Effect]) -> CallState:
    """Return the call that a block asks for: new, of the class that its tool declares, or an eager one under way."""
    call = step.calls.get(block.id)
    if call is None:
        effect = tools.get(block.tool, "effectful")
        call = step.calls[block.id] = CallState(block.id, block.tool, dict(block.input), block.invalid, effect=effect)
    call.asked = True
    return call


def _say(state: RunState, said: Said) -> None:
    busy = state.active_turn is not None or state.open_step is not None
    (state.queued if busy else state.entries).append(said)


def _note_unknown(state: RunState, _record: Recorded, _event: UnknownEvent) -> None:
    state.unknown_kinds += 1


def _fold_run(state: RunState, record: Recorded, event: Event) -> None:  # noqa: C901, PLR0912 - one case a kind
    match event:
        case runs.RunStarted():
            _start_run(state, record, event)
        case runs.RunForked():
            _fork_run(state, record, event)
        case runs.RunRecovered():
            state.end = None
        case runs.RunPaused():
            state.end = ("interrupted", event.reason)
        case runs.RunResumed():
            state.end, state.breakpoint = None, ""
            changed = {"limits": event.limits, "permissions": event.permissions}
            if state.agent is not None:
                given = {name: value for name, value in changed.items() if value is not None}
                state.agent = state.agent.model_copy(update=given) if given else state.agent
        case runs.RunFinished():
            state.end = (event.status, event.reason)
            state.answer, state.citations, state.error = event.answer, event.citations, event.error
            state.output = event.output
            if event.status == "completed" and state.plan is not None:
                state.plan.progress = ["done"] * len(state.plan.progress)
        case runs.ModeChanged():
            state.mode = event.mode
            state.clean_in_a_row = 0
            state.outcomes.clear()
        case runs.AnswerRefused():
            _say(state, Said("notice", event.content))
        case runs.HookChanged():
            fold_hook(state, event)
        case runs.ToolsSwitched():
            _switch_tools(state, event.groups)
            state.notices.append((state.finished_steps, event))
            state.switched.update(event.groups)
            if event.by == "operator":
                state.own_edits.append("tools")
        case runs.BreakpointHit():
            state.breakpoint = state.breakpoint or f"{event.rule}: {event.why}"
            state.hits[event.rule, event.call] = event.why
        case runs.ContextElided():
            state.elided.update(event.calls)
            state.notices.append((state.finished_steps, event))
        case runs.ContextSummarised():
            state.summary = (event.through, event.summary)
            state.notices.append((state.finished_steps, event))
        case edits.MessageAdded():
            if state.end is not None:
                state.end, state.breakpoint = None, ""
            state.own_edits.append("message")
            _say(state, Said("message", event.content, record.seq))
        case edits.AgentEdited():
            state.agent = event.agent
            state.own_edits.extend(event.changed)
        case edits.TextEdited():
            _edit_text(state, event)
        case _:
            pass  # limit_reached is shown, and changes nothing


def _switch_tools(state: RunState, wanted: Mapping[str, bool]) -> None:
    if state.agent is not None:
        state.agent = state.agent.model_copy(update={"groups": switch(state.agent.groups, wanted)})


def _start_run(state: RunState, record: Recorded, event: runs.RunStarted) -> None:
    state.run, state.started_at = record.run, record.at
    state.task, state.agent, state.date = asked_text(event.task), event.agent, event.date
    state.depth, state.role, state.caller = event.depth, event.role, event.caller
    state.exposures.update(event.exposures)
    state.entries.append(Said("task", event.task))


def _fork_run(state: RunState, record: Recorded, event: runs.RunForked) -> None:
    state.run, state.parent, state.cut = record.run, event.parent, event.cut
    state.made_from, state.address = event.made_from, event.address
    if event.caller is not None:
        state.caller = event.caller
    state.end, state.breakpoint, state.answer, state.citations, state.error = None, "", None, (), None
    state.output = state.shown_answer = None
    state.started_at = record.at
    state.driven_seconds = 0.0
    state.own_edits, state.failed_turn = [], None
    state.exposures.update(event.exposures)
    state.allowed.clear()  # a permission holds for the run in which it was given
    for pending in state.open_step.calls.values() if state.open_step is not None else ():
        pending.allowed = pending.allowed if pending.has_result else None
    if state.active_turn is not None:
        end_hosted(state, record.at, is_whole=False)
        state.active_turn.status, state.active_turn = "discarded", None
    for call, reset in event.reset.items():
        reset_call(state, call, reset)


def _edit_text(state: RunState, event: edits.TextEdited) -> None:
    turn = state.steps[event.step].turn
    kept = tuple(block for block in turn.content if block.type == "tool_call")
    turn.content = (TextBlock(text=event.text), *kept)
    turn.provider_parts, turn.edited = None, True
    state.own_edits.append(f"text {event.step}")


_FOLDS: dict[type[Event], Callable[[RunState, Recorded, Any], None]] = {
    **dict.fromkeys((kind for kind in KINDS.values() if issubclass(kind, calls.CallEvent)), fold_call),
    **dict.fromkeys(get_args(PlanFamily), _fold_plan),
    calls.CallStarted: start_call,
    calls.CallFinished: finish_call,
    calls.LateResultDropped: drop_late,
    turns.TurnStarted: _start_turn,
    turns.TurnText: _take_text,
    turns.TurnDiscarded: _discard_turn,
    turns.TurnFinished: _finish_turn,
    turns.ModelRetried: _retry_model,
    UnknownEvent: _note_unknown,
}
"""What each kind does, but those of `_fold_run`: found in one look, as long runs are mostly turns and calls."""
