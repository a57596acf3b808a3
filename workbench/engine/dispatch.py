"""The calls of one step: admitted, started, collected, stopped.

One loop writes all events of calls, so that what settles together is stored together: collect what settled and store
it, admit what may start, store that, then start. Nothing runs before its `call_started` is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from workbench.engine import outcomes
from workbench.engine.admission import Admitted, Candidate, Refused, admit, judge, startable
from workbench.engine.attempts import CallInFlight, late_size
from workbench.engine.call_hooks import CallHooks
from workbench.engine.eager import Offer, offer_of, sort_out
from workbench.engine.flights import make_flight
from workbench.engine.gate import Gate
from workbench.engine.hooks import HookRunner
from workbench.engine.journal import Journal
from workbench.engine.limits import has_room, wanted_mode
from workbench.engine.orders import Order, Orders
from workbench.engine.planner import plan_progress
from workbench.engine.progress import ProgressNotes
from workbench.engine.surroundings import Surroundings
from workbench.events.base import Event
from workbench.events.call import (
    CallDiscarded,
    CallFinished,
    CallInterrupted,
    CallProgressed,
    CallReused,
    CallStarted,
    LateResultDropped,
    OutcomeUnknown,
)
from workbench.events.request import ToolCallBlock
from workbench.events.run import ModeChanged
from workbench.events.turn import TurnFinished
from workbench.tools.control import SPAWN_SUBAGENT, SUBMIT_ANSWER

Stop = Literal["gentle", "soft", "hard"]
"""`gentle`: a breakpoint, what runs comes to its end; `soft`: effectful calls alone do; `hard`: nothing does."""


class Dispatcher:
    """Runs the calls of a run's steps, one step at a time."""

    def __init__(self, journal: Journal, around: Surroundings, hooks: HookRunner) -> None:
        self._journal, self._around = journal, around
        self._wake = asyncio.Event()
        self._flying: dict[str, CallInFlight] = {}
        self._settled: list[CallInFlight] = []
        self._progress = ProgressNotes(self._wake.set)
        self._late: list[LateResultDropped] = []
        self._orders = Orders()
        self._again: list[CallInFlight] = []
        """Calls of which a person wants another attempt, begun once that is stored."""
        self._offers: list[Offer] = []
        self._winding_down: set[asyncio.Future[Any]] = set()
        self._beside: asyncio.Task[None] | None = None
        """Rounds for eager calls, beside the stream of a turn."""
        self._stream_ended = False
        self._stop: Stop | None = None
        self._gate = Gate(around.breakpoints)
        self._hooks, self._hooked = hooks, CallHooks(hooks, self._wake.set)

    # What others may ask; each takes effect at the loop's next round.

    def wake(self) -> None:
        """Look at the state again: a person decided something."""
        self._wake.set()

    def stop(self, how: Stop) -> None:
        """Interrupt calls: `soft` all but effectful ones, `hard` those too; nothing new starts."""
        self._stop = how
        self._hooked.stop()
        self._wake.set()

    def reset(self) -> None:
        """Forget that calls were stopped, before a run goes on."""
        self._stop = None
        self._gate.reset()

    def order(self, order: Order) -> None:
        """Do what a person wants of one call."""
        self._orders.give(order)
        self._wake.set()

    @property
    def has_orders(self) -> bool:
        """Whether a person's wish for one call has not taken effect yet."""
        return bool(self._orders)

    # Beside the stream of a turn.

    def first_free(self, step: int) -> int:
        """Return the number of the next call of `step`: beyond those of broken attempts that have started."""
        steps = self._journal.state.steps
        known = steps[step].calls if step < len(steps) else {}
        numbers = [int(call.partition(".")[2]) for call in (*known, *self._flying)]
        return max(numbers, default=-1) + 1

    def offer(self, block: ToolCallBlock, attempt: int) -> None:
        """Take a call whose block is complete while the model still writes; it starts now if it may."""
        offer = offer_of(block, attempt, self._around, self._journal.state)
        if offer is None or self._hooks.change_calls or self._stop is not None:
            return
        if not self._gate.may_be_early(self._journal.state, offer.candidate):
            return
        self._offers.append(offer)
        self._wake.set()
        if self._beside is None:
            self._stream_ended = False
            self._beside = asyncio.create_task(self._rounds_beside())

    def withdraw(self) -> None:
        """Forget the calls of a broken attempt that have not started; those that have may be asked for again."""
        self._offers.clear()

    async def close_stream(self) -> None:
        """Give up the eager calls of a turn that will not be finished."""
        await self._end_stream()
        self.withdraw()
        events = self._obey()  # what a person gave up in time stays given up when the turn is asked for again
        events += [self._discard(call, "the turn was given up") for call in list(self._flying)]
        self._again.clear()
        if events:
            await self._journal.append(*events)

    async def obey_rest(self) -> None:
        """Let orders that came while the loop came to rest take effect after all."""
        while self._orders:
            await self._store(self._collect())

    async def _rounds_beside(self) -> None:
        while not self._stream_ended and self._stop is None:
            await self._round()
            await self._wake.wait()

    async def _end_stream(self) -> None:
        self._stream_ended = True
        self._wake.set()
        beside, self._beside = self._beside, None
        if beside is not None:
            await beside

    # The calls of a finished turn.

    async def run(self, opening: TurnFinished | None = None, beside: Sequence[Event] = ()) -> None:
        """Run the open step's calls until each has its result, or only a person can go on, or all is stopped.

        `opening` is the turn that asks for them; it is stored together with what is `beside` it and with the first
        `call_started`s.
        """
        await self._end_stream()
        await self._round(opening, beside)
        while not self._is_over():
            if self._flying or self._hooked.is_busy:
                await self._wake.wait()
            await self._round()
        await self._wind_down()

    def _is_over(self) -> bool:
        is_busy = self._flying or self._hooked.is_busy or self._wake.is_set()
        return not is_busy and (self._stop is not None or not startable(self._journal.state))

    async def _wind_down(self) -> None:
        if self._winding_down:
            await asyncio.wait(self._winding_down)
            self._winding_down.clear()

    def abandon(self) -> None:
        """Leave all calls, and the rounds beside a stream, without a word in the log: it cannot be written any more."""
        beside, self._beside = self._beside, None
        if beside is not None and not beside.cancel() and not beside.cancelled():
            beside.exception()  # looked at, so that nobody reports it as forgotten
        self._hooked.abandon()
        for call in list(self._flying):
            self._leave(call)

    async def _round(self, opening: TurnFinished | None = None, beside: Sequence[Event] = ()) -> None:
        """Collect and store what settled; admit and store what may start; start it."""
        self._wake.clear()
        await self._store(self._collect())
        self._begin_again()
        events: list[Event] = []
        candidates = startable(self._journal.state) if opening is None else self._open(opening, beside, events)
        if self._stop is None:
            candidates = self._hooked.ready(candidates, self._journal.state)
        starts = self._admit(candidates, events)
        await self._store(events)
        for flight in starts if self._stop is None else ():
            flight.begin()

    async def _store(self, events: Sequence[Event]) -> None:
        if not events:
            return
        await self._journal.append(*events, durable=outcomes.need_durable(events, self._journal.state.steps))
        if self._journal.state.breakpoint and self._around.subagents is not None:
            self._around.subagents.rest()
        wanted = wanted_mode(self._journal.state)
        if wanted is not None:
            await self._journal.append(ModeChanged(mode=wanted[0], why=wanted[1]))

    # Collecting.

    def _collect(self) -> list[Event]:
        events: list[Event] = list(self._late)
        for flight, text in self._progress.take():
            if self._flying.get(flight.call) is flight:
                events.append(CallProgressed(call=flight.call, text=text))
        for flight in self._settled:
            if self._flying.get(flight.call) is flight:
                events.extend(self._settle(flight))
        for flight, event, changes in self._hooked.take_finished():
            if self._flying.get(flight.call) is flight:
                events += [*changes, *self._finish(flight, event)]
        events += self._hooked.take(self._journal.state)
        answered = {event.call for event in events if isinstance(event, CallFinished)}
        events += self._obey(answered)
        for pending in (self._late, self._settled):
            pending.clear()
        if self._stop in ("soft", "hard"):
            events.extend(self._interrupt(self._stop))
        return events

    def _obey(self, answered: Iterable[str] = ()) -> list[Event]:
        obeyed = self._orders.obey(self._journal.state, self._flying, self._leave, answered)
        self._again += obeyed.again
        return obeyed.events

    def _begin_again(self) -> None:
        again, self._again = self._again, []
        for flight in again:
            if self._flying.get(flight.call) is flight:
                flight.begin_attempt()

    def _settle(self, flight: CallInFlight) -> Iterable[Event]:
        """Yield what became of a call, and the breakpoints that its result hits."""
        call, rest = flight.call, flight.rest
        if rest is not None:
            del self._flying[call]
            yield CallInterrupted(call=call, reason="paused")
            yield from self._stop_at(rest.hits)
            return
        event = flight.collect()
        if isinstance(event, CallFinished):
            known = self._journal.state.call(call)
            if not self._hooked.finish(flight, event, known.input if known is not None else {}):
                yield from self._finish(flight, event)
        else:
            yield event

    def _finish(self, flight: CallInFlight, event: CallFinished) -> Iterable[Event]:
        del self._flying[flight.call]
        yield event
        yield from self._stop_at(self._gate.at_result(self._journal.state, event, flight.spec.name))

    def _stop_at(self, hits: Sequence[Event]) -> Sequence[Event]:
        """Start nothing any more where a breakpoint is hit; return what is to be written down."""
        if hits:
            self._stop = self._stop or "gentle"
        return hits

    def _interrupt(self, how: Stop | None) -> Iterable[Event]:
        for call, flight in list(self._flying.items()):
            is_effectful = flight.spec.effect == "effectful" and flight.has_begun
            if how == "soft" and is_effectful:
                continue
            self._leave(call)
            yield CallInterrupted(call=call, reason="paused")
            if is_effectful:
                yield OutcomeUnknown(call=call)

    def _leave(self, call: str) -> None:
        winding = self._flying.pop(call).leave()
        if winding is not None and not winding.done():
            self._winding_down.add(winding)

    def _discard(self, call: str, reason: str) -> CallDiscarded:
        if call in self._flying:
            self._leave(call)
        return CallDiscarded(call=call, reason=reason)

    # Opening and admitting.

    def _open(self, opening: TurnFinished, beside: Sequence[Event], events: list[Event]) -> Sequence[Candidate]:
        """Note the turn and what becomes of eager calls; return the calls that have not started."""
        self.withdraw()  # what did not start while the model wrote is an ordinary candidate now
        state = self._journal.state
        known = state.steps[opening.step].calls if opening.step < len(state.steps) else {}
        calls = sort_out(opening.calls, known)
        events += [*beside, opening]  # a fork after the turn inherits what hooks made of it
        events.extend(plan_progress(state.plan, opening.content))
        for new, old in calls.reused:
            events.append(CallReused(call=new, old=old))
            if old in self._flying:
                self._flying[new] = flight = self._flying.pop(old)
                flight.call = new
                self._orders.rename(old, new)
        events.extend(self._discard(call, "the finished turn does not ask for it") for call in calls.discarded)
        events.extend(self._stop_at(self._gate.at_turn(state, opening, dict(calls.reused))))
        return calls.left

    def _admit(self, candidates: Sequence[Candidate], events: list[Event]) -> list[CallInFlight]:
        if self._stop is not None or not (candidates or self._offers):
            return []
        state = self._journal.state
        submitted = next((item for item in candidates if item.tool == SUBMIT_ANSWER and self._is_valid(item)), None)
        if submitted is not None:
            if not self._stops_before([(submitted, None)], events):
                self._submit(submitted, candidates, events)
            return []
        if state.is_sequential:
            candidates = [] if self._flying or self._offers else candidates[:1]
        verdicts = judge(candidates, self._flying_subagents(), self._around, state)
        if self._stops_before(verdicts, events):
            return []
        starts = self._start_offers(events)
        for candidate, verdict in verdicts:
            if isinstance(verdict, Refused):
                events.append(verdict.event)
            elif groups := outcomes.switchable(candidate.tool, state.agent):
                events += outcomes.switched(verdict.started(candidate), verdict.arguments, groups, events)
            elif self._has_room(verdict):
                started = verdict.started(candidate)
                events.append(started)
                starts.append(self._prepare(started, verdict))
        return starts

    def _stops_before(
        self, verdicts: Sequence[tuple[Candidate, Admitted | Refused | None]], events: list[Event]
    ) -> bool:
        """Note the breakpoints that what would start now runs into; return whether there are any."""
        hit = self._stop_at(self._gate.before(self._journal.state, verdicts))
        events.extend(hit)
        return bool(hit)

    def _start_offers(self, events: list[Event]) -> list[CallInFlight]:
        offers, self._offers = self._offers, []
        starts: list[CallInFlight] = []
        for offer in offers:
            if self._has_room(offer.admitted) and self._gate.may_be_early(self._journal.state, offer.candidate):
                started = offer.admitted.started(offer.candidate)
                started = started.model_copy(update={"eager": True, "attempt": offer.attempt})
                events.append(started)
                starts.append(self._prepare(started, offer.admitted))
            else:
                self._offers.append(offer)
        return starts

    def _flying_subagents(self) -> set[str]:
        return {call for call, flight in self._flying.items() if flight.spec.name == SPAWN_SUBAGENT}

    def _is_valid(self, candidate: Candidate) -> bool:
        return isinstance(admit(candidate, self._around, self._journal.state), Admitted)

    def _has_room(self, admitted: Admitted) -> bool:
        agent = self._journal.state.agent
        flying = [flight.spec for flight in self._flying.values()]
        return has_room(admitted.tool.spec, flying, agent.limits.calls_at_once if agent is not None else 1)

    def _prepare(self, started: CallStarted, admitted: Admitted) -> CallInFlight:
        flight = self._flying[started.call] = make_flight(
            started,
            admitted,
            self._around,
            self._journal.state,
            on_progress=self._progress.note,
            on_settled=self._note_settled,
            on_late=self._note_late,
        )
        return flight

    def _submit(self, submitted: Candidate, candidates: Sequence[Candidate], events: list[Event]) -> None:
        """Accept the answer; calls that have no result are answered "not run". Effects under way are waited for."""
        if any(flight.spec.effect == "effectful" for flight in self._flying.values()):
            return
        step = self._journal.state.open_step
        waiting = [call.id for call in step.asked_calls if call.status == "waiting"] if step is not None else []
        unstarted = [item.call for item in candidates if item is not submitted]
        for call in list(self._flying):
            events += [self._discard(call, "the answer was submitted"), outcomes.not_run(call)]
        events += [outcomes.not_run(call) for call in (*unstarted, *waiting)]
        events += outcomes.accepted(submitted.call, submitted.input)

    # Notes from calls in flight.

    def _note_settled(self, flight: CallInFlight) -> None:
        self._settled.append(flight)
        self._wake.set()

    def _note_late(self, call: str, value: Any) -> None:
        self._late.append(LateResultDropped(call=call, size=late_size(value)))
        self._wake.set()
