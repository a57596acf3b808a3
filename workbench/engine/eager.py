"""Calls that start while the model still writes: which may, and what becomes of them when the turn is finished.

Purely: it reads the state and decides. An eager call belongs to an attempt of the turn; when the stream breaks and the
next attempt asks for the same with the same input, the call that is under way is taken over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from workbench.engine.admission import Admitted, Candidate, Refused, admit
from workbench.engine.surroundings import Surroundings
from workbench.events.request import ToolCallBlock
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.tools.control import SUBMIT_ANSWER, SWITCH_TOOLS


@dataclass(frozen=True, slots=True)
class Offer:
    """A call whose block is complete and that may start, as soon as there is room."""

    candidate: Candidate
    admitted: Admitted
    attempt: int


@dataclass(frozen=True, slots=True)
class Sorted:
    """What the calls of a finished turn mean for those that are under way."""

    reused: tuple[tuple[str, str], ...]
    """New and old id of each call that takes over an eager one of an earlier attempt."""
    discarded: tuple[str, ...]
    """Eager calls that the turn does not ask for."""
    left: tuple[Candidate, ...]
    """Calls that have not started, in the model's order."""


def offer_of(block: ToolCallBlock, attempt: int, around: Surroundings, state: RunState) -> Offer | None:
    """Return the offer that a complete block makes, or None where the call has to wait for the whole turn.

    It may start early if the run is parallel, the tool read-only and allowed without asking, and nothing that is
    under way does the same already.
    """
    if (
        state.agent is None
        or not state.agent.eager
        or state.is_sequential
        or block.tool in (SUBMIT_ANSWER, SWITCH_TOOLS)
    ):
        return None
    tool = around.toolkit.get(block.tool)
    if tool is None or tool.spec.effect != "read_only":
        return None
    spare = _spare(state.steps[-1].calls.values(), asked=()) if state.steps else {}
    if spare and _work(block.tool, block.input) in spare:
        return None
    candidate = Candidate.of_block(block)
    verdict = admit(candidate, around, state)
    return None if isinstance(verdict, Refused) else Offer(candidate, verdict, attempt)


def sort_out(asked: Sequence[ToolCallBlock], known: Mapping[str, CallState]) -> Sorted:
    """Return what becomes of the `known` eager calls of a step now that its turn asks for `asked`."""
    ids = {block.id for block in asked}
    spare = _spare(known.values(), asked=ids)
    reused: dict[str, str] = {}
    left: list[Candidate] = []
    for block in asked:
        if block.id in known and known[block.id].status != "discarded":
            continue
        old = spare.pop(_work(block.tool, block.input), None) if spare else None
        if old is not None:
            reused[block.id] = old
        else:
            left.append(Candidate.of_block(block))
    kept = ids | set(reused.values())
    ours = (call for call in known.values() if not call.hosted)
    discarded = [call.id for call in ours if call.id not in kept and call.status != "discarded"]
    return Sorted(tuple(reused.items()), tuple(discarded), tuple(left))


def _spare(calls: Iterable[CallState], asked: Iterable[str]) -> dict[str, str]:
    """Return the calls that are under way, or have a result, and that nobody asks for, by what they do.

    What a person gave up counts among them: asked for again, it is still given up.
    """
    return {
        _work(call.tool, call.input): call.id
        for call in calls
        if call.id not in asked and not call.hosted and call.status in ("running", "finished", "cancelled")
    }


def _work(tool: str, input_: Mapping[str, JsonValue]) -> str:
    """Return a call's tool and canonical input as one text: equal for equal work."""
    return f"{tool} {json.dumps(input_, sort_keys=True)}"
