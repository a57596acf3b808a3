"""What a person decides of what is still open: the plan, permissions, unknown outcomes, single calls, messages.

Each is judged by the state as it is, and becomes an event in the same run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.driver import commands as c
from workbench.driver.live import LiveRun
from workbench.driver.session import Session
from workbench.engine import outcomes
from workbench.errors import AddressError, EditRefusedError
from workbench.events.base import Event
from workbench.events.call import OutcomeResolved, PermissionDecided
from workbench.events.content import normalise_content, text_content
from workbench.events.edit import MessageAdded
from workbench.events.plan import PlanApproved, PlanEdited, PlanSkipped, PlanStep
from workbench.events.run import RunResumed, RunStarted, ToolsSwitched
from workbench.state.parts import CallState, CallStatus
from workbench.state.run_state import RunState

UNKNOWN_TEXT = "Nobody knows whether this call took effect. Look before you try again."
FAILED_TEXT = "failed, says the operator."
PlanDecision = c.ApprovePlan | c.SkipPlan | c.EditPlan
CallDecision = c.CancelCall | c.AnswerCall | c.DecidePermission | c.ResolveUnknown


async def decide_plan(session: Session, command: PlanDecision) -> None:
    """Approve, skip or change the plan."""
    run = await session.store.resolve(command.run)
    async with session.deciding(run) as state:
        await session.append_to(run, *_plan_events(state, command))


def _plan_events(state: RunState, command: PlanDecision) -> Sequence[Event]:
    plan, run = state.plan, state.run[:8]
    if isinstance(command, c.EditPlan):
        if plan is None or plan.status != "approved":
            raise EditRefusedError(f"run {run} follows no plan that could be changed")
        if state.end is not None and state.end[0] == "completed":
            raise EditRefusedError(f"run {run} is completed; fork it at `plan` to follow another plan")
        return [PlanEdited(steps=_steps(command.steps))]
    if plan is None or plan.status != "proposed":
        raise EditRefusedError(f"run {run} has no plan that waits for an answer")
    if isinstance(command, c.SkipPlan):
        return [PlanSkipped()]
    if command.steps is None or list(command.steps) == plan.steps:
        return [PlanApproved(by="operator")]
    return [PlanEdited(steps=_steps(command.steps)), PlanApproved(by="operator")]


def _steps(steps: Sequence[PlanStep]) -> tuple[PlanStep, ...]:
    if not steps:
        raise EditRefusedError("a plan needs at least one step; skip it to go on without one")
    return tuple(steps)


async def decide_call(session: Session, command: CallDecision) -> None:
    """Settle one call of the open step; its siblings are not touched."""
    run = await session.store.resolve(command.run)
    async with session.deciding(run) as state:
        call = find_call(state, command.call)
        match command:
            case c.DecidePermission():
                _need(call, "waiting", "does not wait for permission")
                events: Sequence[Event] = _permission(state, call, command)
            case c.ResolveUnknown():
                _need(call, "unknown", "has no unknown outcome")
                events = _resolution(command)
            case c.CancelCall() | c.AnswerCall():
                if call.has_result:
                    raise EditRefusedError(f"call {call.id} has its result already; fork at `{call.id}` to change it")
                live = session.live.get(run)
                if live is not None and may_run(live, call):
                    _settle_live(live, command)
                    return
                events = [_by_hand(call, command)]
        await session.append_to(run, *events)


def find_call(state: RunState, call: str) -> CallState:
    """Return a call that the turn asks for, or that runs already while the model still writes.

    Raises `AddressError` for one that is not there, `EditRefusedError` for one that nobody waits for.
    """
    known = state.call(call)
    if known is None:
        step = state.open_step
        there = f"; the open step has {', '.join(one.id for one in step.asked_calls)}" if step else ""
        raise AddressError(f"run {state.run[:8]} has no call {call!r}{there}")
    if known.hosted:
        raise EditRefusedError(
            f"call {call} runs at the provider, inside of the turn; nobody here can change it. Stop the run to stop it"
        )
    if known.asked or known.status == "running":
        return known
    if known.has_result:
        raise EditRefusedError(f"call {call} has its result already; the model has yet to finish asking for it")
    raise EditRefusedError(f"call {call} was started early, and the model did not ask for it after all")


def _need(call: CallState, status: CallStatus, otherwise: str) -> None:
    if call.status != status:
        raise EditRefusedError(f"call {call.id} {otherwise}; it is {call.status}")


def _permission(state: RunState, call: CallState, command: c.DecidePermission) -> Sequence[Event]:
    """Return the decision; what is allowed for the run is so for all such calls that wait."""
    step, calls = state.open_step, [call.id]
    for_run = command.verdict == "allow" and command.scope == "run"
    if for_run and call.every_time:
        raise EditRefusedError(
            f"call {call.id} of {call.tool} is asked each time, so it cannot be allowed for the rest of the run; allow "
            "it alone"
        )
    if for_run and step is not None:
        same = (one for one in step.asked_calls if one.status == "waiting" and one.leave == call.leave)
        calls = [one.id for one in same if not one.every_time]
    reason = command.reason.strip()
    return [PermissionDecided(call=one, verdict=command.verdict, scope=command.scope, reason=reason) for one in calls]


def may_run(live: LiveRun, call: CallState) -> bool:
    """Whether the call runs, or may do so any moment: then the loop, which alone starts and ends calls, settles it."""
    return live.is_under_way and call.status not in ("waiting", "unknown")


def _settle_live(live: LiveRun, command: c.CancelCall | c.AnswerCall) -> None:
    if isinstance(command, c.CancelCall):
        live.loop.cancel_call(command.call)
    else:
        live.loop.answer_call(command.call, text_content(command.text), is_error=command.is_error)
    live.wake()  # where the loop has just come to rest, it goes on


def _by_hand(call: CallState, command: c.CancelCall | c.AnswerCall) -> Event:
    if isinstance(command, c.CancelCall):
        return outcomes.cancelled(call.id, 0.0, call)
    return outcomes.by_hand(call.id, 0.0, text_content(command.text), is_error=command.is_error)


def _resolution(command: c.ResolveUnknown) -> Sequence[Event]:
    resolved = OutcomeResolved(call=command.call, answer=command.answer)
    if command.answer == "rerun":
        return [resolved]
    said = {"result": command.text, "fail": command.text or FAILED_TEXT, "unknown": UNKNOWN_TEXT}[command.answer]
    return [resolved, outcomes.by_hand(command.call, 0.0, text_content(said), is_error=command.answer != "result")]


async def switch_tools(session: Session, command: c.SwitchTools) -> None:
    """Switch groups of tools, those that are not as wanted already; a run that rests goes on resting."""
    run = await session.store.resolve(command.run)
    async with session.deciding(run, rests=True) as state:
        if changed := tools_to_switch(state, command.groups):
            live = await session.revive(run)
            await live.journal.append(ToolsSwitched(groups=changed, by="operator"), durable=True)


def tools_to_switch(state: RunState, wanted: Mapping[str, bool]) -> dict[str, bool]:
    """Return which groups have to be switched; raises `EditRefusedError` where that cannot be done."""
    if not wanted:
        return {}
    run, groups = state.run[:8], {group.name: group.active for group in state.agent.groups} if state.agent else {}
    if state.end is not None and state.end[0] == "completed":
        raise EditRefusedError(f"run {run} is completed; ask it something further, and switch tools then")
    if unknown := wanted.keys() - groups.keys():
        there = f"; it has {', '.join(groups)}" if groups else "; its agent has none"
        raise EditRefusedError(f"run {run} has no group of tools {min(unknown)!r}{there}")
    return {name: on for name, on in wanted.items() if on is not groups[name]}


async def say(session: Session, command: c.Say) -> str:
    """Add a message; a completed or imported run goes on as a fork of its end."""
    run = await session.store.resolve(command.run)
    if not command.text.strip():
        raise EditRefusedError("the message is empty; write something")
    if not (await session.store.header(run)).imported:
        async with session.deciding(run) as state:
            if state.end is None or state.end[0] != "completed":
                await session.append_to(run, _message(command))
                return run
    return await _ask_further(session, run, command)


def _message(command: c.Say) -> MessageAdded:
    return MessageAdded(content=(*text_content(command.text), *normalise_content(command.attached)))


async def _ask_further(session: Session, run: str, command: c.Say) -> str:
    """Fork a run that is over with a further question, which may take as many steps as the first."""
    edits = c.ForkEdits(say=command.text, attached=command.attached)
    fork, root = await session.forks.make(c.ForkRun(run, "end", edits))
    live = await session.revive(fork)
    first = (await session.store.read(fork, upto=0))[0].event
    granted = first.agent.limits.steps if isinstance(first, RunStarted) else None
    limits = live.state.agent.limits if live.state.agent is not None else None
    if granted is not None and limits is not None and limits.steps is not None:
        wanted = live.state.finished_steps + granted
        if wanted > limits.steps:
            await live.journal.append(RunResumed(limits=limits.model_copy(update={"steps": wanted})))
    await session.go_on(root)
    return fork
