"""Results that no tool gives: an accepted answer, a call given up or answered by a person; and how safely to store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from workbench.engine.attempts import MAY_HAVE_RUN
from workbench.engine.results import with_words
from workbench.events.agent import AgentRecord, ToolGroup, switch
from workbench.events.base import Event
from workbench.events.call import CallCancelled, CallFinished, CallReused, CallStarted, Outcome, ResultEvent
from workbench.events.codec import result_fields
from workbench.events.content import Content, text_content
from workbench.events.run import ToolsSwitched
from workbench.events.turn import TurnFinished
from workbench.state.parts import CallState, StepState
from workbench.tools.control import SUBMIT_ANSWER, SWITCH_TOOLS, switched_text

ACCEPTED = "accepted"
NOT_RUN = "not run: the answer was submitted in the same turn"


def accepted(call: str, input_: dict[str, JsonValue]) -> list[Event]:
    """Return the start and the result of a submitted answer."""
    started = CallStarted(call=call, tool=SUBMIT_ANSWER, input=input_, effect="read_only", permission="allow")
    fields = result_fields(text_content(ACCEPTED), is_error=False)
    return [started, CallFinished(call=call, outcome="ok", elapsed=0.0, by="engine", **fields)]


def switchable(tool: str, agent: AgentRecord | None) -> tuple[ToolGroup, ...]:
    """Return the groups of tools that a call may switch, which the engine does itself; empty for any other call."""
    if tool != SWITCH_TOOLS or agent is None:
        return ()
    return agent.groups if any(group.model_may_switch for group in agent.groups) else ()


def switched(
    started: CallStarted, wanted: Mapping[str, Any], groups: Sequence[ToolGroup], before: Sequence[Event]
) -> list[Event]:
    """Return the start and the result of a call that switches tools, and the fact itself where it changes anything.

    `before` is what is written down just before: other calls of the turn may switch, too.
    """
    for event in before:
        if isinstance(event, ToolsSwitched):
            groups = switch(groups, event.groups)
    allowed = {
        group.name: bool(wanted[group.name]) for group in groups if group.model_may_switch and group.name in wanted
    }
    fields = result_fields(text_content(switched_text(groups, allowed)), is_error=False)
    finished = CallFinished(call=started.call, outcome="ok", elapsed=0.0, by="engine", **fields)
    changed = {
        group.name: allowed[group.name] for group in groups if allowed.get(group.name, group.active) != group.active
    }
    fact = [ToolsSwitched(groups=changed, by="model")] if changed else []
    return [started, *fact, finished]


def not_run(call: str) -> CallFinished:
    """Return the result of a call that stands beside a submitted answer."""
    fields = result_fields(text_content(NOT_RUN), is_error=True)
    return CallFinished(call=call, outcome="not_run", elapsed=0.0, by="engine", **fields)


def by_hand(call: str, elapsed: float, content: Content, *, is_error: bool) -> CallFinished:
    """Return the result that a person wrote."""
    outcome: Outcome = "failed" if is_error else "ok"
    fields = result_fields(content, is_error=is_error)
    return CallFinished(call=call, outcome=outcome, elapsed=elapsed, by="operator", **fields)


def cancelled(call: str, elapsed: float, known: CallState | None, came: Content = ()) -> CallCancelled:
    """Return the result of a call that a person gave up: what had come, and a word on what it may have done."""
    text = "cancelled by the operator"
    if known is None or known.started_at is None:
        text += " before it started"
    elif known.effect == "effectful":
        text += f". {MAY_HAVE_RUN}"
    content = with_words(came, text_content(text)) if came else text_content(text)
    return CallCancelled(call=call, elapsed=elapsed, partial=bool(came), **result_fields(content, is_error=True))


def need_durable(events: Sequence[Event], steps: Sequence[StepState]) -> bool:
    """Return whether power loss must not lose `events`: they start an effectful call, or close the last step."""
    if any(type(event) is CallStarted and event.effect == "effectful" for event in events):
        return True
    opening = next((event for event in events if type(event) is TurnFinished), None)
    if not steps or (opening is None and (steps[-1].is_closed or steps[-1].turn.status != "finished")):
        return False
    answered = {event.call for event in events if isinstance(event, ResultEvent)}
    if opening is None:
        return all(call.id in answered or call.has_result for call in steps[-1].asked_calls)
    answered |= {call.id for call in steps[-1].calls.values() if call.has_result}
    answered |= {event.call for event in events if isinstance(event, CallReused) and event.old in answered}
    return all(block.id in answered for block in opening.calls)
