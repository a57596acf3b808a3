"""The calls of one step: admitted, started, collected, stopped.

One loop writes all events of calls, so that what settles together is stored together: collect what settled and store
it, admit what may start, store that, then start. Nothing runs before its `call_started` is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from workbench.engine import outcomes
from workbench.engine.admission import Admitted, Candidate, Refused, admit, refused
from workbench.engine.attempts import CallContext, CallInFlight, late_size
from workbench.engine.eager import Offer, offer_of, sort_out
from workbench.engine.journal import Journal
from workbench.engine.limits import has_room, wanted_mode
from workbench.engine.orders import Again, MoreTime, Orders, Settle
from workbench.engine.planner import plan_progress
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
from workbench.events.content import Content, text_content
from workbench.events.request import ToolCallBlock
from workbench.events.run import ModeChanged
from workbench.events.turn import TurnFinished
from workbench.tools.base import ToolResult
from workbench.tools.control import SPAWN_SUBAGENT, SUBMIT_ANSWER

Stop = Literal["soft", "hard"]
PROGRESS_EVERY = 0.25
"""Seconds between stored words on how far calls are: a tool may say so for every byte."""


class Dispatcher:
    """Runs the calls of a run's steps, one step at a time."""

    def __init__(self, journal: Journal, around: Surroundings) -> None:
        self._journal, self._around = journal, around
        self._wake = asyncio.Event()
        self._flying: dict[str, CallInFlight] = {}
        self._settled: list[CallInFlight] = []
        self._progress: dict[CallInFlight, str] = {}
        self._progress_timer: asyncio.TimerHandle | None = None
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

    # What others may ask; each takes effect at the loop's next round.

    def wake(self) -> None:
        """Look at the state again: a person decided something."""
        self._wake.set()

    def stop(self, how: Stop) -> None:
        """Interrupt calls: `soft` all but effectful ones, `hard` those too; nothing new starts."""
        self._stop = how
        self._wake.set()

    def reset(self) -> None:
        """Forget that calls were stopped, before a run goes on."""
        self._stop = None

    def cancel(self, call: str) -> None:
        """Give one call up; its result says so."""
        self._orders.give(Settle(call))
        self._wake.set()

    def answer(self, call: str, content: Content, *, is_error: bool) -> None:
        """Give one call the result that a person wrote."""
        self._orders.give(Settle(call, content, is_error))
        self._wake.set()

    def retry(self, call: str) -> None:
        """Leave the attempt of one call that runs, and begin the next."""
        self._orders.give(Again(call))
        self._wake.set()

    def give_time(self, call: str, seconds: float) -> None:
        """Let one call take so much longer."""
        self._orders.give(MoreTime(call, seconds))
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
        if offer is None or self._stop is not None:
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

    async def run(self, opening: TurnFinished | None = None) -> None:
        """Run the open step's calls until each has its result, or only a person can go on, or all is stopped.

        `opening` is the turn that asks for them; it is stored together with the first `call_started`s.
        """
        await self._end_stream()
        await self._round(opening)
        while not self._is_over():
            if self._flying:
                await self._wake.wait()
            await self._round()
        await self._wind_down()

    def _is_over(self) -> bool:
        return not (self._flying or self._wake.is_set()) and (self._stop is not None or not self._startable())

    async def _wind_down(self) -> None:
        if self._winding_down:
            await asyncio.wait(self._winding_down)
            self._winding_down.clear()

    def abandon(self) -> None:
        """Leave all calls, and the rounds beside a stream, without a word in the log: it cannot be written any more."""
        beside, self._beside = self._beside, None
        if beside is not None and not beside.cancel() and not beside.cancelled():
            beside.exception()  # looked at, so that nobody reports it as forgotten
        for call in list(self._flying):
            self._leave(call)

    async def _round(self, opening: TurnFinished | None = None) -> None:
        """Collect and store what settled; admit and store what may start; start it."""
        self._wake.clear()
        await self._store(self._collect())
        self._begin_again()
        events: list[Event] = []
        candidates = self._startable() if opening is None else self._open(opening, events)
        starts = self._admit(candidates, events)
        await self._store(events)
        for flight in starts if self._stop is None else ():
            flight.begin()

    async def _store(self, events: Sequence[Event]) -> None:
        if not events:
            return
        await self._journal.append(*events, durable=outcomes.need_durable(events, self._journal.state.steps))
        wanted = wanted_mode(self._journal.state)
        if wanted is not None:
            await self._journal.append(ModeChanged(mode=wanted[0], why=wanted[1]))

    # Collecting.

    def _collect(self) -> list[Event]:
        events: list[Event] = list(self._late)
        for flight, text in self._progress.items():
            if self._flying.get(flight.call) is flight:
                events.append(CallProgressed(call=flight.call, text=text))
        for flight in self._settled:
            if self._flying.get(flight.call) is flight:
                event = flight.collect()
                events.append(event)
                if isinstance(event, CallFinished):
                    del self._flying[flight.call]
        answered = {event.call for event in events if isinstance(event, CallFinished)}
        events += self._obey(answered)
        for pending in (self._late, self._progress, self._settled):
            pending.clear()
        if self._stop is not None:
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

    def _interrupt(self, how: Stop) -> Iterable[Event]:
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

    def _open(self, opening: TurnFinished, events: list[Event]) -> Sequence[Candidate]:
        """Note the turn and what becomes of eager calls; return the calls that have not started."""
        self.withdraw()  # what did not start while the model wrote is an ordinary candidate now
        state = self._journal.state
        known = state.steps[opening.step].calls if opening.step < len(state.steps) else {}
        calls = sort_out(opening.calls, known)
        events.append(opening)
        events.extend(plan_progress(state.plan, opening.content))
        for new, old in calls.reused:
            events.append(CallReused(call=new, old=old))
            if old in self._flying:
                self._flying[new] = flight = self._flying.pop(old)
                flight.call = new
                self._orders.rename(old, new)
        events.extend(self._discard(call, "the finished turn does not ask for it") for call in calls.discarded)
        return calls.left

    def _startable(self) -> Sequence[Candidate]:
        """Return the calls of the open step that could start, from the state."""
        step = self._journal.state.open_step
        calls = [call for call in step.asked_calls if not call.has_result] if step is not None else []
        if self._journal.state.is_sequential:
            calls = calls[:1]
        return [Candidate.of_state(call) for call in calls if call.status in ("requested", "interrupted")]

    def _admit(self, candidates: Sequence[Candidate], events: list[Event]) -> list[CallInFlight]:
        if self._stop is not None:
            return []
        submitted = next((item for item in candidates if item.tool == SUBMIT_ANSWER and self._is_valid(item)), None)
        if submitted is not None:
            self._submit(submitted, candidates, events)
            return []
        starts = self._start_offers(events)
        if self._journal.state.is_sequential:
            candidates = [] if self._flying else candidates[:1]
        for candidate in candidates:
            verdict = self._admit_one(candidate)
            if isinstance(verdict, Refused):
                events.append(verdict.event)
            elif self._has_room(verdict):
                started = verdict.started(candidate)
                events.append(started)
                starts.append(self._prepare(started, verdict))
        return starts

    def _start_offers(self, events: list[Event]) -> list[CallInFlight]:
        offers, self._offers = self._offers, []
        starts: list[CallInFlight] = []
        for offer in offers:
            if self._has_room(offer.admitted):
                started = offer.admitted.started(offer.candidate)
                started = started.model_copy(update={"eager": True, "attempt": offer.attempt})
                events.append(started)
                starts.append(self._prepare(started, offer.admitted))
            else:
                self._offers.append(offer)
        return starts

    def _admit_one(self, candidate: Candidate) -> Admitted | Refused:
        state = self._journal.state
        most = state.agent.limits.subagents if state.agent is not None else None
        if candidate.tool == SPAWN_SUBAGENT and most is not None:
            known = [call for step in state.steps for call in step.calls.values() if call.started_at is not None]
            spawned = {call.id for call in known if call.tool == SPAWN_SUBAGENT}
            spawned |= {call for call, flight in self._flying.items() if flight.spec.name == SPAWN_SUBAGENT}
            if len(spawned - {candidate.call}) >= most:
                return refused(candidate, "error", f"a run may have {most} subagents, and this one had them.")
        return admit(candidate, self._around, state)

    def _is_valid(self, candidate: Candidate) -> bool:
        return isinstance(admit(candidate, self._around, self._journal.state), Admitted)

    def _has_room(self, admitted: Admitted) -> bool:
        agent = self._journal.state.agent
        flying = [flight.spec for flight in self._flying.values()]
        return has_room(admitted.tool.spec, flying, agent.limits.calls_at_once if agent is not None else 1)

    def _prepare(self, started: CallStarted, admitted: Admitted) -> CallInFlight:
        state, around = self._journal.state, self._around
        loop, subagents = asyncio.get_running_loop(), self._around.subagents

        def note(text: str) -> None:
            loop.call_soon_threadsafe(self._note_progress, flight, text)

        def context(attempt: int) -> CallContext:
            pace = state.agent.pace if state.agent else 0.0
            return CallContext(state.run, started.call, attempt, around.lineage or (state.run,), pace, note)

        async def spawn() -> ToolResult:
            if subagents is None:
                return ToolResult(text_content("subagents are not available here"), is_error=True)
            return await subagents.run(started.call, admitted.arguments)

        flight = self._flying[started.call] = CallInFlight(
            call=started.call,
            tool=admitted.tool,
            arguments=admitted.arguments,
            context=context,
            threads=around.threads,
            clock=around.clock,
            on_settled=self._note_settled,
            on_late=self._note_late,
            special=spawn if admitted.tool.name == SPAWN_SUBAGENT else None,
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

    def _note_progress(self, flight: CallInFlight, text: str) -> None:
        """Keep the last word; it is stored now, or soon where one was stored just now."""
        self._progress[flight] = text
        if self._progress_timer is None:
            self._wake.set()
            self._progress_timer = asyncio.get_running_loop().call_later(PROGRESS_EVERY, self._look_for_progress)

    def _look_for_progress(self) -> None:
        self._progress_timer = None
        if self._progress:
            self._wake.set()

    def _note_late(self, call: str, value: Any) -> None:
        self._late.append(LateResultDropped(call=call, size=late_size(value)))
        self._wake.set()
