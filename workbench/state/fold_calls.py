"""What the events of calls do to the state."""

from __future__ import annotations

from workbench.events import call as calls
from workbench.events import edit as edits
from workbench.events.base import Recorded
from workbench.events.request import Usage
from workbench.events.run import Reset
from workbench.state.parts import AttemptState, CallState, MemberState, ResultRef, StepState
from workbench.state.run_state import RunState

FAILURES = ("timeout", "exception")
"""Outcomes that count towards the sequential fallback: never bad input, a denial or a cancel."""
COUNTED = ("ok", "error", *FAILURES)


def fold_call(state: RunState, record: Recorded, event: calls.CallEvent) -> None:
    """Change `state` by one event of a call. Events of calls that the log does not know are ignored."""
    step = _step_of(state, event.call)
    call = step.calls.get(event.call) if step is not None else None
    if step is None or call is None:
        return
    if isinstance(event, calls.CallCancelled):
        call.result, call.finished_at = _ref_of(record, event), record.at
        call.status, call.elapsed, call.by = "cancelled", event.elapsed, "operator"
        call.partial = event.partial
        close_if_done(state, step, record.seq)
    elif isinstance(event, edits.ResultEdited):
        call.original, call.result, call.status = call.original or call.result, _ref_of(record, event), "finished"
        if call.original is None:
            call.original = ResultRef("", -1, 0, "", is_error=False)
        call.by, call.partial = "operator", False
        state.own_edits.append(f"result {call.id}")
        close_if_done(state, step, record.seq)
    elif isinstance(event, (calls.SubagentStarted, calls.SubagentFinished)):
        _fold_subagent(state, call, record, event)
    elif isinstance(event, calls.SubagentsSettled):
        call.settled = event
    else:
        _fold_open_call(state, step, call, record)


def _step_of(state: RunState, call: str) -> StepState | None:
    if state.steps and call in state.steps[-1].calls:
        return state.steps[-1]
    index = call.partition(".")[0]
    return state.steps[int(index)] if index.isdecimal() and int(index) < len(state.steps) else None


def drop_late(state: RunState, _record: Recorded, _event: calls.LateResultDropped) -> None:
    """Count a result that came too late."""
    state.late_results += 1


def start_call(state: RunState, record: Recorded, event: calls.CallStarted) -> None:
    """Begin a call, one that no finished turn asks for yet too."""
    step = _step_of(state, event.call)
    if step is None:
        return
    if event.hosted:
        state.exposures.add("untrusted")  # a provider's tools read the web
    elif event.exposure:
        state.exposures.update(event.exposure)
    call = step.calls.get(event.call)
    if call is None:
        call = step.calls[event.call] = CallState(event.call, event.tool, dict(event.input), asked=False)
    call.status, call.effect, call.permission = "running", event.effect, event.permission
    call.eager, call.hosted, call.attempt = event.eager, event.hosted, event.attempt
    call.started_at, call.started_seq, call.finished_at = record.at, record.seq, None
    call.progress, call.granted, call.elapsed, call.outcome = "", 0.0, None, None
    call.partial = False
    call.attempts = []


def finish_call(state: RunState, record: Recorded, event: calls.CallFinished) -> None:
    """Take the result of a call that the log knows."""
    step = _step_of(state, event.call)
    call = step.calls.get(event.call) if step is not None else None
    if step is None or call is None:
        return
    call.result, call.finished_at = _ref_of(record, event), record.at
    call.status, call.outcome, call.by = "finished", event.outcome, event.by
    call.elapsed, call.partial = event.elapsed, event.partial
    if event.input is not None:
        call.input = dict(event.input)
    _count(state, event)
    close_if_done(state, step, record.seq)


def _ref_of(record: Recorded, event: calls.ResultEvent) -> ResultRef:
    return ResultRef(record.run, record.seq, event.size, event.first_line, event.is_error)


def _count(state: RunState, event: calls.CallFinished) -> None:
    if event.outcome in COUNTED and event.by == "tool":
        failed = event.outcome in FAILURES
        state.outcomes.append(failed)
        state.clean_in_a_row = 0 if failed else state.clean_in_a_row + 1


def _fold_subagent(
    state: RunState, call: CallState, record: Recorded, event: calls.SubagentStarted | calls.SubagentFinished
) -> None:
    known = call.members.get(event.member)
    if isinstance(event, calls.SubagentStarted):
        if not event.judges:  # another answer is to be judged anew
            call.members = {number: member for number, member in call.members.items() if not member.judges}
        call.members[event.member] = MemberState(event.run, record.run, event.judges)
        call.members = dict(sorted(call.members.items()))
        call.settled = call.result = None
        return
    state.exposures.update(event.exposures)
    judges = known is not None and known.judges
    end = (event.status, event.reason)
    call.members[event.member] = MemberState(event.run, record.run, judges, end, event.usage, event.steps)
    ended = [member for member in call.members.values() if member.end is not None]
    state.children[call.id] = (
        sum((member.usage for member in ended), Usage()),
        sum(member.steps for member in ended),
    )


def _forget_children(state: RunState, call: CallState) -> None:
    call.members, call.settled = {}, None
    state.children.pop(call.id, None)


def _fold_open_call(state: RunState, step: StepState, call: CallState, record: Recorded) -> None:
    match record.event:
        case calls.CallProgressed() as event if call.status == "running":
            call.granted += event.granted
            call.progress = call.progress if event.granted else event.text
        case calls.CallRetried() as event if call.status == "running":
            call.attempts.append(AttemptState(event.error, event.elapsed, event.wait))
        case calls.CallInterrupted():
            call.status, call.finished_at = "interrupted", record.at
        case calls.CallDiscarded():
            call.status, call.finished_at = "discarded", record.at
        case calls.CallReused() as event:
            _reuse(state, step, call, record, event.old)
        case calls.OutcomeUnknown():
            call.status = "unknown"
        case calls.OutcomeResolved(answer="rerun"):  # after any other answer the result follows
            call.status, call.reruns = "requested", call.reruns + 1
        case calls.PermissionAsked() as event:
            call.status, call.allowed = "waiting", None
            call.question, _, call.preview = event.reason.partition("\n")
            call.asked_input, call.every_time = dict(event.input), event.every_time
            call.leave = event.leave or event.tool
        case calls.PermissionDecided() as event:
            call.status, call.allowed, call.denial = "requested", event.verdict == "allow", event.reason
            if event.verdict == "allow" and event.scope == "run" and not call.every_time:
                state.allowed.add(call.leave or call.tool)
        case edits.InputEdited() as event:
            _edit_input(state, step, call, event)
        case _:
            pass


def _reuse(state: RunState, step: StepState, call: CallState, record: Recorded, old: str) -> None:
    source = step.calls.get(old)
    if source is None or source.status not in ("running", "finished", "cancelled"):
        return
    call.status, source.status = source.status, "discarded"
    call.result, call.outcome, call.attempts = source.result, source.outcome, source.attempts.copy()
    call.started_at, call.finished_at, call.elapsed = source.started_at, source.finished_at, source.elapsed
    call.started_seq, call.progress, call.granted = source.started_seq, source.progress, source.granted
    call.by, call.partial = source.by, source.partial
    call.effect, call.permission, call.eager = source.effect, source.permission, True
    close_if_done(state, step, record.seq)


def _edit_input(state: RunState, step: StepState, call: CallState, event: edits.InputEdited) -> None:
    if call.original_input is None:
        call.original_input = call.input
    call.input, call.invalid, call.hook = dict(event.input), None, ""
    call.allowed, call.denial = None, ""
    state.own_edits.append(f"input {call.id}")
    call.result, call.status = None, "requested"
    _forget_children(state, call)
    step.finished_seq = None


def reset_call(state: RunState, call_id: str, reset: Reset) -> None:
    """Open a call of the open step again, as a fork asks (`run_forked.reset`)."""
    step = _step_of(state, call_id)
    call = step.calls.get(call_id) if step else None
    if step is None or call is None:
        return
    step.finished_seq = None
    if reset == "open":
        call.status = "unknown" if call.effect == "effectful" else "interrupted"
        return
    if reset == "rerun":
        call.result = None
        call.reruns += 1
        _forget_children(state, call)
    call.status, call.allowed = "requested", None


def close_if_done(state: RunState, step: StepState, seq: int) -> None:
    """Close the step when every call it asks for has a result; then queued messages enter."""
    if step.turn.status != "finished":
        return
    for call in reversed(step.asked_calls):  # results mostly come in the order of the calls, so the last one tells soon
        if not call.has_result:
            return
    step.finished_seq = seq
    enter_queued(state)


def end_hosted(state: RunState, at: float, *, is_whole: bool) -> None:
    """Discard what the provider ran for the turn that ends now: what has no result, or all where the turn is broken."""
    turn = state.active_turn
    if turn is None or turn.purpose != "step" or not state.steps:
        return
    for call in state.steps[-1].calls.values():
        if call.hosted and call.attempt == turn.attempt and (call.status == "running" or not is_whole):
            call.status, call.finished_at = "discarded", call.finished_at or at


def enter_queued(state: RunState) -> None:
    """Let messages that waited for the open step into the conversation."""
    state.entries.extend(state.queued)
    state.queued.clear()
