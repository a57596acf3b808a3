"""The answers that `workbench resume` gives to a run: read, checked against the run, and turned into commands.

They are checked before anything is asked of the driver, so that a wrong one changes nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.cli.values import call_id, call_value, files_of, plan_file, text_or_file
from workbench.cli.workplace import Workplace
from workbench.driver.commands import (
    AnswerCall,
    ApprovePlan,
    Command,
    DecidePermission,
    ResolveUnknown,
    Say,
    SkipPlan,
)
from workbench.driver.decisions import tools_to_switch
from workbench.errors import AddressError, EditRefusedError, UserError
from workbench.events.content import Content
from workbench.events.plan import PlanStep
from workbench.state.parts import CallState
from workbench.state.run_state import RunState


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """An answer for one call."""

    option: str
    call: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that was typed."""

    plan: Sequence[PlanStep] | None
    """The steps that replace the plan."""
    approve_plan: bool
    skip_plan: bool
    calls: tuple[CallAnswer, ...]
    say: str | None
    tools: Mapping[str, bool]
    """Groups of tools that are switched on or off."""
    attached: Content = ()
    """Files that are given with the message."""

    @property
    def decides(self) -> bool:
        """Whether anything but a message is given."""
        return self.approve_plan or self.skip_plan or bool(self.calls or self.tools)


def read_answers(args: argparse.Namespace) -> Answers:
    """Return what was typed; raises `UserError` where it is written wrongly."""
    plan = None
    if args.plan not in (None, "approve", "skip"):
        plan = plan_file("--plan", args.plan, "approve, skip or @FILE")
    calls = [CallAnswer("--approve", call_id("--approve", call)) for call in args.approve]
    calls += [CallAnswer("--deny", *_denial(text)) for text in args.deny]
    for text in args.result:
        call, value = call_value("--result", text, "TEXT or CALL=@FILE")
        calls.append(CallAnswer("--result", call, text_or_file("--result", value)))
    for option, given in (("--rerun", args.rerun), ("--fail", args.fail), ("--unknown", args.unknown)):
        calls += [CallAnswer(option, call_id(option, call)) for call in given]
    if args.say is not None and not args.say.strip():
        raise UserError("--say is empty; write a message, or leave it out")
    approves, skips = args.plan == "approve" or plan is not None, args.plan == "skip"
    return Answers(plan, approves, skips, tuple(calls), args.say, _tools(args.tools), files_of(args))


def check(answers: Answers, state: RunState, place: Workplace) -> None:
    """Raise `UserError` where the run does not wait for what is answered."""
    plan_waits = state.plan is not None and state.plan.status == "proposed"
    if (answers.approve_plan or answers.skip_plan) and not plan_waits:
        raise EditRefusedError(f"run {state.run[:8]} has no plan that waits for an answer")
    tools_to_switch(state, answers.tools)
    seen: set[str] = set()
    for answer in answers.calls:
        if answer.call in seen:
            raise EditRefusedError(f"call {answer.call} is answered twice; give one answer for each call")
        seen.add(answer.call)
        _check_call(answer, state, place)


def commands(answers: Answers, state: RunState) -> list[Command]:
    """Return the commands that give the answers."""
    given: list[Command] = []
    if answers.skip_plan:
        given.append(SkipPlan(state.run))
    elif answers.approve_plan:
        given.append(ApprovePlan(state.run, answers.plan))
    given += [_command(answer, state) for answer in answers.calls]
    if answers.say is not None:
        given.append(Say(state.run, answers.say, answers.attached))
    return given


def _tools(given: Sequence[str]) -> dict[str, bool]:
    """Return the groups of tools that are to be switched."""
    wanted: dict[str, bool] = {}
    for text in given:
        name, _, way = text.partition("=")
        if not name or way not in ("on", "off"):
            raise UserError(f"--tools expects NAME=on or NAME=off, not {text!r}")
        wanted[name] = way == "on"
    return wanted


def _denial(text: str) -> tuple[str, str]:
    call, _, reason = text.partition("=")
    return call_id("--deny", call), reason


def _is_unknown(call: CallState) -> bool:
    """Whether the outcome is unknown, or will be when the run goes on: its driver died while it ran."""
    return call.status == "unknown" or (call.status == "running" and call.effect == "effectful")


def _check_call(answer: CallAnswer, state: RunState, place: Workplace) -> None:
    call = state.call(answer.call)
    if call is None:
        step = state.open_step
        there = f"; its open step has {', '.join(step.calls)}" if step else "; no step of it is open"
        raise AddressError(f"run {state.run[:8]} has no call {answer.call}{there}")
    if call.has_result:
        raise EditRefusedError(
            f"call {call.id} has its result already; replace it in a fork: "
            f"{place.command('fork', state.run[:8], '--result', f'{call.id}=TEXT')} {place.reach.reminder}".rstrip()
        )
    if answer.option in ("--approve", "--deny") and call.status != "waiting":
        raise EditRefusedError(f"call {call.id} does not ask for permission; it is {call.status}")
    if answer.option in ("--rerun", "--fail", "--unknown") and not _is_unknown(call):
        raise EditRefusedError(f"the outcome of call {call.id} is not unknown; it is {call.status}")


def _command(answer: CallAnswer, state: RunState) -> Command:
    run, call = state.run, answer.call
    match answer.option:
        case "--approve":
            return DecidePermission(run, call, "allow")
        case "--deny":
            return DecidePermission(run, call, "deny", reason=answer.text)
        case "--rerun":
            return ResolveUnknown(run, call, "rerun")
        case "--fail":
            return ResolveUnknown(run, call, "fail")
        case "--unknown":
            return ResolveUnknown(run, call, "unknown")
        case _:
            known = state.call(call)
            if known is not None and _is_unknown(known):
                return ResolveUnknown(run, call, "result", answer.text)
            return AnswerCall(run, call, answer.text)
