"""Whether a call can start: a known tool, readable arguments, permission. What cannot start gets its result at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from workbench.engine.surroundings import Surroundings
from workbench.errors import ToolError
from workbench.events.agent import AgentRecord, ToolGroup, ToolSpec
from workbench.events.call import CallFinished, CallStarted, Outcome, PermissionAsked
from workbench.events.codec import result_fields
from workbench.events.content import normalise_text, text_content
from workbench.events.request import ToolCallBlock
from workbench.policy import NO_RULES, Standing, Verdict, canonical, leave_for
from workbench.policy import verdict as policy_verdict
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.control import SPAWN_SUBAGENT, SUBMIT_ANSWER, SWITCH_TOOLS, answer_tool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A call that could start."""

    call: str
    tool: str
    input: dict[str, JsonValue]
    invalid: str | None = None
    allowed: bool | None = None
    """A person's decision on exactly this input, where one was asked."""
    denial: str = ""

    @classmethod
    def of_block(cls, block: ToolCallBlock) -> Candidate:
        """Return the call that a turn asks for."""
        return cls(block.id, block.tool, dict(block.input), block.invalid)

    @classmethod
    def of_state(cls, call: CallState) -> Candidate:
        """Return a call of the open step, with what a person decided or changed."""
        is_for_this = call.asked_input is None or canonical(call.asked_input) == canonical(call.input)
        return cls(call.id, call.tool, call.input, call.invalid, call.allowed if is_for_this else None, call.denial)


@dataclass(frozen=True, slots=True)
class Refused:
    """The call does not start now: it has its result, or a person is asked."""

    event: CallFinished | PermissionAsked


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call may start."""

    tool: Tool
    arguments: dict[str, Any]

    def started(self, candidate: Candidate) -> CallStarted:
        """Return the event of its start."""
        return CallStarted(
            call=candidate.call,
            tool=candidate.tool,
            input=candidate.input,
            effect=self.tool.spec.effect,
            permission="ask" if candidate.allowed else "allow",
            exposure=self.tool.spec.exposure,
        )


def startable(state: RunState) -> Sequence[Candidate]:
    """Return the calls of the open step that could start."""
    step = state.open_step
    calls = [call for call in step.asked_calls if not call.has_result] if step is not None else []
    if state.is_sequential:
        calls = calls[:1]
    return [Candidate.of_state(call) for call in calls if call.status in ("requested", "interrupted")]


def judge(
    candidates: Sequence[Candidate], flying_subagents: AbstractSet[str], around: Surroundings, state: RunState
) -> list[tuple[Candidate, Admitted | Refused]]:
    """Return each candidate with whether it may start; a run may have no more subagents than its limit says."""
    spawns = any(candidate.tool == SPAWN_SUBAGENT for candidate in candidates)
    spawned = _spawned(state) | flying_subagents if spawns else set()  # a look at all steps, so only where it is needed
    most = state.agent.limits.subagents if state.agent is not None else None
    judged: list[tuple[Candidate, Admitted | Refused]] = []
    for candidate in candidates:
        verdict = admit(candidate, around, state)
        if candidate.tool == SPAWN_SUBAGENT and most is not None and isinstance(verdict, Admitted):
            if len(spawned - {candidate.call}) >= most:
                said = f"a run may have {most} subagents, and this one had them."
                verdict = refused(candidate, "error", said)
            else:
                spawned.add(candidate.call)
        judged.append((candidate, verdict))
    return judged


def _spawned(state: RunState) -> set[str]:
    """Return the calls of a run that became subagents."""
    known = (call for step in state.steps for call in step.calls.values())
    return {call.id for call in known if call.tool == SPAWN_SUBAGENT and call.started_at is not None}


def admit(candidate: Candidate, around: Surroundings, state: RunState) -> Admitted | Refused:
    """Return whether the call may start, or what happens instead."""
    if candidate.invalid is not None:
        return refused(candidate, "invalid_input", f"{candidate.tool} was not run: {candidate.invalid}.")
    tool = _tool(candidate.tool, around, state)
    offered = state.agent.offered_tools if state.agent else ()
    if tool is None or not any(spec.name == candidate.tool for spec in offered):
        return refused(candidate, "error", _not_offered(candidate.tool, state))
    if candidate.allowed is False:
        why = f": {candidate.denial}" if candidate.denial else ""
        return refused(candidate, "denied", f"denied by the operator{why}.")
    deny_asks = around.deny_asks and not candidate.allowed
    permission = Verdict("allow") if tool.is_told else verdict_on(candidate, tool.spec, state, deny_asks=deny_asks)
    if permission.permission == "deny":  # also where a person said yes: a yes lifts an *ask* and never a *deny*
        return refused(candidate, "denied", f"not allowed: {permission.reason}.")
    try:
        arguments = tool.validate(candidate.input)
    except ToolError as error:  # said before a person is asked: nobody has to decide on what cannot run
        return refused(candidate, "invalid_input", str(error))
    if permission.permission == "ask" and not candidate.allowed:
        why = "\n".join(filter(None, (permission.reason, normalise_text(tool.previewed(candidate.input)))))
        asked = PermissionAsked(
            call=candidate.call,
            tool=candidate.tool,
            input=candidate.input,
            reason=why,
            every_time=permission.every_time,
            leave=leave_for(tool.spec, candidate.input),
        )
        return Refused(asked)
    return Admitted(tool, arguments)


def _not_offered(tool: str, state: RunState) -> str:
    """Return why a tool cannot be called, and what the model can do about it."""
    agent = state.agent
    offered = agent.offered_tools if agent is not None else ()
    group = group_of(agent, tool) if agent is not None else None
    if group is not None and group.model_may_switch and any(spec.name == SWITCH_TOOLS for spec in offered):
        how = f"call {SWITCH_TOOLS} with {{{json.dumps(group.name)}: true}}, and then call it in your next turn"
        return f"{tool} was not run: its group {group.name!r} is switched off; {how}."
    if group is not None:
        return f"{tool} was not run: its group {group.name!r} is switched off, and only the operator can switch it on."
    names = ", ".join(sorted(spec.name for spec in offered)) or "none"
    return f"there is no tool {tool!r}; there are: {names}."


def group_of(agent: AgentRecord, tool: str) -> ToolGroup | None:
    """Return the group that a tool of the agent is switched with, or None."""
    name = next((spec.group for spec in agent.tools if spec.name == tool), "")
    return next((group for group in agent.groups if group.name == name), None)


def verdict_on(candidate: Candidate, spec: ToolSpec, state: RunState, *, deny_asks: bool = False) -> Verdict:
    """Return what policy says of a call, from what the log says of the run; nothing that a tool said enters it.

    Rules are about what reaches beyond the run: the answer, with which it ends, is not judged by them.
    """
    of_agent = state.agent.permissions if state.agent is not None and spec.name != SUBMIT_ANSWER else NO_RULES
    return policy_verdict(
        spec, candidate.input, Standing(of_agent, state.allowed, state.exposures, deny_asks=deny_asks)
    )


def _tool(name: str, around: Surroundings, state: RunState) -> Tool | None:
    """Return the live tool; an answer is judged by the schema that the log has, and its class where that is here."""
    wanted = state.agent.output if state.agent is not None else None
    live = around.toolkit.get(name)
    if name == SUBMIT_ANSWER and wanted is not None and not (live is not None and live.is_told):
        return answer_tool(wanted, around.output)
    return live


def refused(candidate: Candidate, outcome: Outcome, text: str) -> Refused:
    """Return the refusal of a call: a result that tells the model why it did not run."""
    fields = result_fields(text_content(text), is_error=True)
    return Refused(CallFinished(call=candidate.call, outcome=outcome, elapsed=0.0, by="engine", **fields))
