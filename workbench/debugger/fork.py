"""Forks: what a new run inherits, what its edits are, and whether they are sound.

Replacing what the log already says is a fork; the edits are events of the new run. Here it is only decided; the driver
writes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from workbench.conversation.builder import provider_of
from workbench.debugger.address import Cut, Place, find_cut, parse_address
from workbench.debugger.cost import ForkCost, Price, fork_cost, unknown_price
from workbench.errors import AddressError, EditRefusedError
from workbench.events.agent import AgentRecord
from workbench.events.base import Event, Recorded
from workbench.events.call import CallStarted
from workbench.events.codec import result_fields
from workbench.events.content import Binary, Content, binary_blocks, text_content
from workbench.events.edit import AgentEdited, InputEdited, MessageAdded, ResultEdited, TextEdited
from workbench.events.plan import PlanApproved, PlanEdited, PlanSkipped, PlanStep
from workbench.events.run import Caller, Reset, RunForked
from workbench.providers.recorded import PROVIDER as RECORDED
from workbench.providers.wire.blocks import takes
from workbench.state.history import History
from workbench.state.parts import CallState, Said
from workbench.state.run_state import RunState

NAMED = 3
"""How many of several images and documents are named one by one."""
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Edits:
    """What a fork changes, as values."""

    results: Mapping[str, Content] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    reruns: tuple[str, ...] = ()
    text: str | None = None
    plan: Sequence[PlanStep] | None = None
    skip_plan: bool = False
    agent: AgentRecord | None = None
    """The whole agent from here on, where it differs."""
    say: str | None = None
    attached: Content = ()
    """Files that are given with what is said."""
    doubtful: tuple[str, ...] = ()
    """Calls without a result that must not start by themselves."""

    @property
    def calls(self) -> tuple[str, ...]:
        """The calls that are edited or run again, in order of mention."""
        return tuple(dict.fromkeys((*self.results, *self.inputs, *self.reruns)))


@dataclass(frozen=True, slots=True)
class ForkPlan:
    """A fork, decided and not yet written."""

    cut: Cut
    owner: str
    """The run of the lineage that owns the event at the cut."""
    forked: RunForked
    edits: tuple[Event, ...]
    problems: tuple[str, ...] = ()
    """What of the edits does not hold, and why."""

    @property
    def events(self) -> tuple[Event, ...]:
        """The first own events of the new run."""
        return (self.forked, *self.edits)


def place_of(address: str | None, edits: Edits) -> Place:
    """Return where to fork: as given, or implied by the first call that is edited, or the end."""
    if address is not None:
        return parse_address(address)
    if edits.calls:
        place = parse_address(edits.calls[0])
        if place.kind != "call":
            raise AddressError(f"{edits.calls[0]!r} is no call; write STEP.CALL, such as 3.1")
        return place
    if edits.plan is not None or edits.skip_plan:
        return Place("plan")
    return Place("end")


def plan_fork(
    history: History,
    place: Place,
    edits: Edits,
    caller: Caller | None = None,
    contents: Mapping[tuple[str, int], Content] | None = None,
) -> ForkPlan:
    """Return the fork of `history` at `place` with `edits`.

    `contents` are the results that are looked through for images and documents which cannot cross to another provider.
    Raises `AddressError` for a place that is not there and `EditRefusedError` for an edit that is not possible there;
    the message names the place where it is.
    """
    cut = find_cut(history, place)
    state = cut.state
    reset: dict[str, Reset] = {**cut.reset, **dict.fromkeys(edits.doubtful, "open")}
    if place.kind == "call" and place.call not in edits.calls:
        reset[place.call] = "rerun"
    for call in edits.calls:
        _check_call(history, state, place, call)
        reset[call] = "answered" if call in edits.results else "rerun"
    owner = history.records[cut.seq].run
    forked = RunForked(
        parent=owner,
        cut=cut.seq,
        made_from=history.live.run,
        address=str(place),
        reset=reset,
        caller=caller,
        dropped=(*_dropped(state, edits.agent), *_turned_into_lines(state, edits, contents or {})),
    )
    return ForkPlan(cut, owner, forked, tuple(_edit_events(history, state, place, edits)))


def _check_call(history: History, state: RunState, place: Place, call: str) -> None:
    """Refuse a call that is not in the open step at the place, or nowhere at all."""
    given = parse_address(call)
    if given.kind != "call":
        raise EditRefusedError(f"{call!r} is no call; write STEP.CALL, such as 3.1")
    inside = place.kind in ("call", "turn", "seq") and given.step == len(state.steps) - 1
    known = state.call(call) if inside else None
    if known is not None and known.hosted:
        raise EditRefusedError(
            f"call {call} ran at the provider, inside of turn {given.step}; change the text of that turn, or fork "
            f"before it, at `{given.step}`"
        )
    if known is None or not known.asked:
        find_cut(history, given)
        raise EditRefusedError(f"call {call} is not in the open step at `{place}`; fork at `{call}` to change it")


def _edit_events(history: History, state: RunState, place: Place, edits: Edits) -> Iterable[Event]:
    if edits.agent is not None and state.agent is not None:
        changed = tuple(
            name for name in AgentRecord.model_fields if getattr(edits.agent, name) != getattr(state.agent, name)
        )
        if changed:
            yield AgentEdited(agent=edits.agent, changed=changed)
    if edits.text is not None:
        yield _edit_text(history, state, place, edits.text)
    for call, content in edits.results.items():
        known = state.call(call)
        yield ResultEdited(call=call, replaces=_digest_of(known), **result_fields(content, is_error=False))
    for call, input_ in edits.inputs.items():
        known = state.call(call)
        before = "" if known is None else _digest(repr(sorted(known.input.items(), key=lambda item: item[0])))
        yield InputEdited(call=call, input=dict(input_), replaces=before)
    yield from _edit_plan(history, state, place, edits)
    if edits.say is not None:
        yield MessageAdded(content=(*text_content(edits.say), *edits.attached))


def _edit_text(history: History, state: RunState, place: Place, text: str) -> TextEdited:
    if place.kind not in ("turn", "call", "seq") or not state.steps or state.steps[-1].turn.status != "finished":
        where = f"`{max(0, len(state.steps) - 1)}.turn`" if history.live.steps else "`S.turn`"
        raise EditRefusedError(f"a turn's text is changed after that turn; fork at {where}, not at `{place}`")
    step = state.steps[-1]
    before = "\n".join(block.text for block in step.turn.content if block.type == "text")
    return TextEdited(step=step.index, text=text, replaces=_digest(before))


def _edit_plan(history: History, state: RunState, place: Place, edits: Edits) -> Iterable[Event]:
    if edits.plan is None and not edits.skip_plan:
        return
    plan, later = state.plan, history.live.plan
    if plan is None or plan.status not in ("proposed", "approved"):
        if later is not None and later.steps:
            raise EditRefusedError(f"no plan is waiting or followed at `{place}`; fork at `plan` to change it")
        raise EditRefusedError(f"there is no plan to change at `{place}`; fork with a message instead")
    if edits.skip_plan:
        if plan.status != "proposed":
            raise EditRefusedError(f"the plan is already followed at `{place}`; fork at `plan` to go on without it")
        yield PlanSkipped()
        return
    if not edits.plan:
        raise EditRefusedError("a plan needs at least one step; skip it instead")
    yield PlanEdited(steps=tuple(edits.plan))
    if plan.status == "proposed":
        yield PlanApproved(by="operator")


def _dropped(state: RunState, agent: AgentRecord | None) -> tuple[str, ...]:
    """Say what cannot cross to another provider: parts that only the one that made them understands."""
    if agent is None or state.agent is None:
        return ()
    new = agent.model.partition(":")[0]
    others = [
        step.index
        for step in state.steps
        if step.turn.provider_parts is not None and step.turn.provider_parts.provider != new
    ]
    hosted = set(state.agent.parameters.hosted_tools) - set(agent.parameters.hosted_tools)
    turns = "1 turn" if len(others) == 1 else f"{len(others)} turns"
    ran = sum(call.hosted and call.status == "finished" for step in state.steps for call in step.calls.values())
    return (
        *((f"thinking and other provider-only parts of {turns}",) if others else ()),
        *((f"what {ran} calls at the provider found",) if others and ran else ()),
        *(f"{name} at the provider" for name in sorted(hosted)),
    )


def _turned_into_lines(state: RunState, edits: Edits, contents: Mapping[tuple[str, int], Content]) -> tuple[str, ...]:
    """Say which images and documents the model is told of and not shown: by its provider, and not by the one before."""
    agent = edits.agent or state.agent
    if agent is None or state.agent is None or agent.model.startswith(f"{RECORDED}:"):
        return ()
    old, new = (provider_of(one.model) for one in (state.agent, agent))
    before = _blocks_taken(state, old, contents) if old != new else []
    lost = [block for block in (*before, *binary_blocks(edits.attached)) if not takes(new, block)]
    if not lost:
        return ()
    names = [" ".join((block.name or block.media_type).split())[:LONGEST_NAME] for block in lost[:NAMED]]
    more = [f"{len(lost) - NAMED} more"] if len(lost) > NAMED else []
    return (f"what {', '.join([*names, *more])} shows; a line says that it was there",)


def _blocks_taken(state: RunState, provider: str, contents: Mapping[tuple[str, int], Content]) -> list[Binary]:
    """Return the images and documents in what was said and found that a provider takes."""
    refs = [call.result for step in state.steps for call in step.asked_calls if call.result is not None]
    kept = [entry.content for entry in (*state.entries, *state.queued) if isinstance(entry, Said)]
    kept += [contents.get((ref.run, ref.seq), ()) for ref in refs]
    return [block for content in kept for block in binary_blocks(content) if takes(provider, block)]


def _digest_of(call: CallState | None) -> str:
    ref = call.result if call is not None else None
    return "" if ref is None else _digest(f"{ref.run}/{ref.seq}/{ref.size}/{ref.first_line}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ForkPreview:
    """What a person should know before a fork spends anything."""

    address: str
    cut: int
    kept: str
    kept_steps: int
    kept_calls: int
    reruns: tuple[str, ...]
    effects: tuple[str, ...]
    """Effects on the world that the parent already had and the fork cannot undo."""
    simulated: bool
    dropped: tuple[str, ...]
    cost: ForkCost
    problems: tuple[str, ...] = ()


def preview(
    plan: ForkPlan, later: Sequence[Recorded], beside: Sequence[Recorded] = (), price: Price = unknown_price
) -> ForkPreview:
    """Return what `plan` keeps and does, and by `price` about what it costs.

    `later` are the run's events after the cut, `beside` those that the fork does not keep of the rest of its tree, its
    subagents and its caller. Simulated if and only if an effectful call started after the cut, or is reset, or its
    result was edited: then the world is not what the fork believes.
    """
    state, reset = plan.cut.state, plan.forked.reset
    effects = [f"{event.tool} ran as call {event.call}" for _, event in _effectful(later)]
    effects += [f"{event.tool} ran as call {event.call} of run {run[:8]}" for run, event in _effectful(beside)]
    for call_id in reset:
        call = state.call(call_id)
        if call is not None and call.effect == "effectful" and call.started_at is not None:
            effects.append(f"{call.tool} ran as call {call.id}, whose result changes here")
    kept_calls = sum(1 for step in state.steps for call in step.asked_calls if call.has_result and call.id not in reset)
    steps = sum(1 for step in state.steps if step.is_closed and not any(call in reset for call in step.calls))
    return ForkPreview(
        address=plan.forked.address,
        cut=plan.cut.seq,
        kept=f"{_count(steps, 'step')} and {_count(kept_calls, 'result')} are kept from the record",
        kept_steps=steps,
        kept_calls=kept_calls,
        reruns=tuple(call for call, how in reset.items() if how != "answered"),
        effects=tuple(dict.fromkeys(effects)),
        simulated=bool(effects),
        dropped=plan.forked.dropped,
        cost=fork_cost(state, plan.edits, reset, later, beside, price),
        problems=plan.problems,
    )


def _effectful(records: Iterable[Recorded]) -> Iterable[tuple[str, CallStarted]]:
    for record in records:
        if isinstance(record.event, CallStarted) and record.event.effect == "effectful":
            yield record.run, record.event


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
