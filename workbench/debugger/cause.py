"""What a person changed where two runs of one lineage part, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from workbench.debugger.address import FORK_EDITS
from workbench.events.agent import AgentRecord, CorpusRecord, ModelParameters
from workbench.events.base import Event
from workbench.events.edit import AgentEdited, InputEdited, MessageAdded, ResultEdited, TextEdited
from workbench.events.plan import PlanEdited, PlanSkipped
from workbench.events.run import RunForked
from workbench.state.history import History

_WATCHED = {
    "model": "model",
    "instructions": "instructions",
    "parameters": "parameters",
    "tools": "tools",
    "planner": "planner's prompt",
    "subagent": "subagents' prompt",
    "summary": "summary's prompt",
    "roles": "roles",
    "plan": "plan mode",
    "parallel_tool_calls": "calls at once",
    "corpus": "documents",
}
"""What of an agent makes a difference to what it does, and what a person calls it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Where two runs part, and why."""

    at: str
    """`plan`, `S`, `S.C`, `the start` or `end`."""
    words: str


@dataclass(frozen=True, slots=True)
class ForkEdits:
    """What a fork changed at its beginning."""

    at: str
    words: tuple[str, ...]


def agent_words(a: AgentRecord | None, b: AgentRecord | None) -> str:
    """Say what differs between two agents; limits and pace do not change what is done. Empty where nothing does."""
    facts = agent_facts(a, b)
    return ", ".join(f"model {fact.a} and {fact.b}" if fact.name == "model" else fact.name for fact in facts)


class AgentFact(NamedTuple):
    """One thing in which two agents differ."""

    name: str
    a: str
    b: str


def agent_facts(a: AgentRecord | None, b: AgentRecord | None) -> list[AgentFact]:
    """Return what differs between two agents, with what each has."""
    if a is None or b is None:
        return []
    return [
        AgentFact(words, _shown(getattr(a, name)), _shown(getattr(b, name)))
        for name, words in _WATCHED.items()
        if getattr(a, name) != getattr(b, name)
    ]


def _shown(value: object) -> str:
    """Return a field of an agent as text; of tools and roles, their names."""
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(getattr(item, "name", str(item)) for item in value) or "none"
        case CorpusRecord():
            return value.title
        case ModelParameters():
            fields = value.model_dump(exclude_defaults=True)
            return ", ".join(f"{name} {item}" for name, item in fields.items()) or "as by default"
        case None:
            return "none"
        case _:
            return str(value)


def fork_cause(a: History, b: History, common: int, shared_steps: int) -> Cause | None:
    """Return what was edited where two runs of one lineage part; None where nothing was, or they have none in common.

    `common` is how many events both have of the same runs.
    """
    edits = [(name, fork_edits(side, common, shared_steps)) for name, side in (("a", a), ("b", b))] if common else []
    found = [(name, edit) for name, edit in edits if edit is not None and edit.words]
    if not found:
        return None
    if len(found) == 1:
        return Cause(found[0][1].at, ", ".join(found[0][1].words))
    words = "; ".join(f"in {name} {', '.join(edit.words)}" for name, edit in found)
    return Cause(min((edit.at for _, edit in found), key=_order), words)


def fork_edits(history: History, common: int, shared_steps: int) -> ForkEdits | None:
    """Return what a fork changed where it left what is common; None for a run that did not leave there."""
    records = history.records
    if common >= len(records) or not isinstance(forked := records[common].event, RunForked):
        return None
    events: list[Event] = []
    for record in records[common + 1 :]:
        if not isinstance(record.event, FORK_EDITS) or record.run != records[common].run:
            break
        events.append(record.event)
    before = history.at(common - 1).agent if any(isinstance(event, AgentEdited) for event in events) else None
    at = forked.address if not forked.address.startswith("seq:") and forked.address != "end" else str(shared_steps)
    places = [place for event in events if (place := _place(event)) is not None]
    return ForkEdits(places[0] if places else at, tuple(text for event in events for text in _words(event, before)))


def _place(event: Event) -> str | None:
    match event:
        case ResultEdited(call=call) | InputEdited(call=call):
            return call
        case TextEdited(step=step):
            return str(step)
        case PlanEdited() | PlanSkipped():
            return "plan"
        case _:
            return None


def _words(event: Event, before: AgentRecord | None) -> Iterator[str]:
    match event:
        case ResultEdited(call=call):
            yield f"result of {call} edited"
        case InputEdited(call=call):
            yield f"input of {call} edited"
        case TextEdited(step=step):
            yield f"text of turn {step} edited"
        case PlanEdited():
            yield "plan edited"
        case PlanSkipped():
            yield "plan skipped"
        case MessageAdded():
            yield "message added"
        case AgentEdited(changed=changed, agent=agent):
            for name in changed:
                if name == "model" and before is not None:
                    yield f"model changed from {before.model} to {agent.model}"
                else:
                    yield f"{_WATCHED.get(name, name)} changed"


def _order(at: str) -> tuple[int, ...]:
    """Sort places by when they come: the plan, then steps and calls."""
    return tuple(int(part) for part in at.split(".") if part.isdecimal()) if at[:1].isdecimal() else (-1,)
