"""Commands to deeds: one place that says what each command does to a session."""

from __future__ import annotations

from typing import Any, assert_never

from workbench.driver import commands as c
from workbench.driver.live import LiveRun
from workbench.driver.session import Session
from workbench.errors import AddressError, EditRefusedError
from workbench.events.call import CallCancelled, CallFinished, OutcomeResolved, PermissionDecided
from workbench.events.codec import result_fields
from workbench.events.content import text_content
from workbench.events.edit import MessageAdded
from workbench.events.plan import PlanApproved, PlanEdited, PlanSkipped
from workbench.state.parts import CallState
from workbench.state.run_state import RunState

UNKNOWN_TEXT = "Nobody knows whether this call took effect. Look before you try again."
FAILED_TEXT = "failed, says the operator."


async def obey(session: Session, command: c.Command) -> Any:  # noqa: C901, PLR0911, PLR0912 - one case a command
    """Do what `command` asks and return its answer; raises `UserError` where it cannot be done."""
    match command:
        case c.StartRun():
            return await session.start(command)
        case c.OpenRun():
            return await session.open(command.run)
        case c.ListRuns():
            return await session.rows(hidden=command.hidden)
        case c.ReadContents():
            return await session.store.bodies(command.refs)
        case c.ResumeRun():
            return await session.resume(command.run, command.options)
        case c.PauseRun():
            return await _pause(session, command)
        case c.ApprovePlan() | c.SkipPlan() | c.EditPlan():
            return await _decide_plan(session, command)
        case c.CancelCall() | c.AnswerCall():
            return await _settle_call(session, command)
        case c.DecidePermission():
            return await _decide_permission(session, command)
        case c.ResolveUnknown():
            return await _resolve_unknown(session, command)
        case c.Say():
            return await _say(session, command)
        case c.ForkRun():
            return await _fork(session, command)
        case c.PreviewFork():
            return await session.forks.preview(command)
        case c.Label():
            return await session.label(command.event)
        case _:
            assert_never(command)


async def _pause(session: Session, command: c.PauseRun) -> None:
    run = await session.store.resolve(command.run)
    live = session.live.get(run)
    if live is None or not live.is_moving:
        held = None if live is not None else await session.store.holder((await session.store.header(run)).root)
        where = f"it is driven by {held}" if held else "it is not running"
        raise EditRefusedError(f"run {run[:8]} cannot be paused from here: {where}")
    live.loop.pause(command.when)


async def _decide_plan(session: Session, command: c.ApprovePlan | c.SkipPlan | c.EditPlan) -> None:
    run = await session.store.resolve(command.run)
    plan = (await session.state(run)).plan
    if isinstance(command, c.EditPlan):
        if plan is None or plan.status != "approved":
            raise EditRefusedError(f"run {run[:8]} follows no plan that could be changed")
        _need_steps(command.steps)
        await session.append_to(run, PlanEdited(steps=tuple(command.steps)))
        return
    if plan is None or plan.status != "proposed":
        raise EditRefusedError(f"run {run[:8]} has no plan that waits for an answer")
    if isinstance(command, c.SkipPlan):
        await session.append_to(run, PlanSkipped())
        return
    edited = []
    if command.steps is not None and list(command.steps) != plan.steps:
        _need_steps(command.steps)
        edited = [PlanEdited(steps=tuple(command.steps))]
    await session.append_to(run, *edited, PlanApproved(by="operator"))


def _need_steps(steps: object) -> None:
    if not steps:
        raise EditRefusedError("a plan needs at least one step; skip it to go on without one")


def _call(state: RunState, run: str, call: str) -> CallState:
    known = state.call(call)
    if known is None or not known.asked:
        step = state.open_step
        there = f"; the open step has {', '.join(one.id for one in step.asked_calls)}" if step else ""
        raise AddressError(f"run {run[:8]} has no call {call!r}{there}")
    return known


async def _settle_call(session: Session, command: c.CancelCall | c.AnswerCall) -> None:
    """Give a call its result by hand, in flight or not yet started; its siblings go on."""
    run = await session.store.resolve(command.run)
    call = _call(await session.state(run), run, command.call)
    if call.has_result:
        raise EditRefusedError(f"call {call.id} has its result already; fork at `{call.id}` to change it")
    live = session.live.get(run)
    if live is not None and live.is_moving:
        _settle_live(live, command)
        return
    content = text_content(command.text if isinstance(command, c.AnswerCall) else "cancelled by the operator")
    if isinstance(command, c.AnswerCall):
        fields = result_fields(content, is_error=command.is_error)
        outcome = CallFinished(
            call=call.id, outcome="failed" if command.is_error else "ok", elapsed=0.0, by="operator", **fields
        )
        await session.append_to(run, outcome)
    else:
        await session.append_to(run, CallCancelled(call=call.id, elapsed=0.0, **result_fields(content, is_error=True)))


def _settle_live(live: LiveRun, command: c.CancelCall | c.AnswerCall) -> None:
    if isinstance(command, c.CancelCall):
        live.loop.cancel_call(command.call)
    else:
        live.loop.answer_call(command.call, text_content(command.text), is_error=command.is_error)


async def _decide_permission(session: Session, command: c.DecidePermission) -> None:
    run = await session.store.resolve(command.run)
    call = _call(await session.state(run), run, command.call)
    if call.status != "waiting":
        raise EditRefusedError(f"call {call.id} does not wait for permission; it is {call.status}")
    decided = PermissionDecided(
        call=call.id, verdict=command.verdict, scope=command.scope, reason=command.reason.strip()
    )
    await session.append_to(run, decided)


async def _resolve_unknown(session: Session, command: c.ResolveUnknown) -> None:
    run = await session.store.resolve(command.run)
    call = _call(await session.state(run), run, command.call)
    if call.status != "unknown":
        raise EditRefusedError(f"the outcome of call {call.id} is not unknown; it is {call.status}")
    resolved = OutcomeResolved(call=call.id, answer=command.answer)
    if command.answer == "rerun":
        await session.append_to(run, resolved)
        return
    texts = {"result": command.text, "fail": command.text or FAILED_TEXT, "unknown": UNKNOWN_TEXT}
    is_error = command.answer != "result"
    finished = CallFinished(
        call=call.id,
        outcome="failed" if is_error else "ok",
        elapsed=0.0,
        by="operator",
        **result_fields(text_content(texts[command.answer]), is_error=is_error),
    )
    await session.append_to(run, resolved, finished)


async def _say(session: Session, command: c.Say) -> str:
    """Add a message; a completed run goes on as a fork of its end."""
    run = await session.store.resolve(command.run)
    if not command.text.strip():
        raise EditRefusedError("the message is empty; write something")
    state = await session.state(run)
    imported = (await session.store.header(run)).imported
    if imported or (state.end is not None and state.end[0] == "completed"):
        return await _fork(session, c.ForkRun(run, "end", c.ForkEdits(say=command.text)))
    await session.append_to(run, MessageAdded(content=text_content(command.text)))
    return run


async def _fork(session: Session, command: c.ForkRun) -> str:
    run, root = await session.forks.make(command)
    if command.drive:
        await session.go_on(root)
    else:
        await session.release(root)
    return run
