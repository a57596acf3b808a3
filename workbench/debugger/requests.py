"""The exact request of a turn, made again out of the log: requests are never stored, and `turn_started` has their key.

A request is a function of the state just before its turn, so the state is folded up to there and the request is
built as the engine built it. Equal keys prove that it is the same; where they differ, that is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from workbench.agent.spec import summary_prompt
from workbench.conversation.builder import Conversation, LoadContents, Prepared
from workbench.conversation.weights import Weights, weigh
from workbench.errors import AddressError
from workbench.events.base import Recorded
from workbench.events.edit import MessageAdded
from workbench.events.plan import PlanEdited
from workbench.events.request import Purpose, Request
from workbench.events.turn import TurnDiscarded, TurnFinished, TurnStarted, TurnText
from workbench.state.history import History
from workbench.state.run_state import RunState

_SAID_MEANWHILE: Final = (MessageAdded, PlanEdited)
"""What a person may say in the moment between the making of a request and the event that says it was sent."""


@dataclass(frozen=True, slots=True)
class SentTurn:
    """One attempt of a turn: its request went to the model at `seq`."""

    run: str
    """The run whose own log holds it."""
    seq: int
    at: float
    started: TurnStarted
    finished: TurnFinished | None = None
    discarded: TurnDiscarded | None = None
    streamed: tuple[TurnText, ...] = ()
    """The pieces of it that were stored while it came in; of a turn that did not finish, all there is."""

    @property
    def place(self) -> str:
        """Its name for a person: `plan`, `step 2`, `step 2, attempt 1`, `summary before step 4`."""
        step, purpose = self.started.step, self.started.purpose
        name = {"plan": "plan", "step": f"step {step}", "summary": f"summary before step {step}"}.get(purpose, purpose)
        return f"{name}, attempt {self.started.attempt}" if self.started.attempt else name


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it was built again."""

    request: Request
    seq: int
    """Of its `turn_started`."""
    key: str
    recorded_key: str
    weights: Weights
    """What fills it."""
    said_meanwhile: int = 0
    """So many words of a person came in after it was made and before it was recorded as sent; they are not in it."""

    @property
    def is_exact(self) -> bool:
        """Whether it is, byte for byte, what was sent."""
        return self.key == self.recorded_key


def sent_turns(records: Iterable[Recorded]) -> list[SentTurn]:
    """Return every attempt of every turn, in order, with how it ended where it has."""
    turns: list[SentTurn] = []
    for record in records:
        match record.event:
            case TurnStarted() as started:
                turns.append(SentTurn(record.run, record.seq, record.at, started))
            case TurnText() as text if turns:
                turns[-1] = replace(turns[-1], streamed=(*turns[-1].streamed, text))
            case TurnFinished() as finished if turns:
                turns[-1] = replace(turns[-1], finished=finished)
            case TurnDiscarded() as discarded if turns:
                turns[-1] = replace(turns[-1], discarded=discarded)
    return turns


async def rebuild(history: History, seq: int, load: LoadContents) -> SentRequest:
    """Return the request whose `turn_started` is event `seq`; `load` gives the blocks of results.

    Raises `AddressError` where that event is none.
    """
    record = history.records[seq] if 0 <= seq < len(history.records) else None
    if record is None or not isinstance(record.event, TurnStarted):
        raise AddressError(f"event {seq} sent no request; give the seq of a turn_started event")
    recorded = record.event.request_key
    purpose, skipped = record.event.purpose, 0
    first = prepared = await _prepare(history.at(seq - 1), purpose, load)
    while prepared.key != recorded and isinstance(history.records[seq - skipped - 1].event, _SAID_MEANWHILE):
        skipped += 1
        prepared = await _prepare(history.at(seq - skipped - 1), purpose, load)
    if prepared.key != recorded:
        prepared, skipped = first, 0
    state = history.at(seq - skipped - 1)
    weights = weigh(state, prompt_of(state, purpose))
    return SentRequest(prepared.request, seq, prepared.key, recorded, weights, skipped)


async def _prepare(state: RunState, purpose: Purpose, load: LoadContents) -> Prepared:
    """Return the request that the engine would send now."""
    return await Conversation(load).prepare(state, purpose, prompt_of(state, purpose))


def prompt_of(state: RunState, purpose: Purpose) -> str:
    """Return what is said after the conversation, for a purpose: nothing for a step."""
    if purpose == "plan":
        return state.agent.planner if state.agent is not None else ""
    return summary_prompt(state.agent) if purpose == "summary" else ""
