"""The calls of one step: admitted, started, collected, stopped.

One loop writes all events of calls, so that what settles together is stored together: collect what settled, admit what
may start, store, then start. Nothing runs before its `call_started` is stored.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue

from workbench.engine.admission import Candidate, Refused, admit
from workbench.engine.attempts import MAY_HAVE_RUN, CallContext, CallInFlight, late_size
from workbench.engine.journal import Journal
from workbench.engine.limits import wanted_mode
from workbench.engine.planner import plan_progress
from workbench.engine.surroundings import Surroundings
from workbench.events.base import Event
from workbench.events.call import (
    CallCancelled,
    CallDiscarded,
    CallFinished,
    CallInterrupted,
    CallProgressed,
    CallReused,
    CallStarted,
    LateResultDropped,
    OutcomeUnknown,
    PermissionAsked,
    ResultEvent,
)
from workbench.events.codec import result_fields
from workbench.events.content import Content, text_content
from workbench.events.request import ToolCallBlock
from workbench.events.run import ModeChanged
from workbench.events.turn import TurnFinished
from workbench.tools.base import Tool, ToolResult
from workbench.tools.control import SPAWN_SUBAGENT, SUBMIT_ANSWER

Stop = Literal["soft", "hard"]
ACCEPTED = "accepted"
NOT_RUN = "not run: the answer was submitted in the same turn"


@dataclass(frozen=True, slots=True)
class _Order:
    """What a person wants of one call: its result from here on."""

    call: str
    make: Callable[[float], ResultEvent]


class Dispatcher:
    """Runs the calls of a run's steps, one step at a time."""

    def __init__(self, journal: Journal, around: Surroundings) -> None:
        self._journal, self._around = journal, around
        self._wake = asyncio.Event()
        self._flying: dict[str, CallInFlight] = {}
        self._settled: list[CallInFlight] = []
        self._progress: dict[str, str] = {}
        self._late: list[LateResultDropped] = []
        self._orders: list[_Order] = []
        self._offered: list[tuple[ToolCallBlock, int]] = []
        self._reused: dict[str, str] = {}
        self._winding_down: set[asyncio.Future[Any]] = set()
        self._opening: TurnFinished | None = None
        self._broken: str | None = None
        self._streaming: asyncio.Task[None] | None = None
        self._stop: Stop | None = None

    # What others may ask; each takes effect at the loop's next round.

    def wake(self) -> None:
        """Look at the state again: a person decided something."""
        self._wake.set()

    def stop(self, how: Stop) -> None:
        """Interrupt calls: `soft` all but effectful ones, `hard` those too; nothing new starts."""
        self._stop = how
        self._wake.set()

    def cancel(self, call: str) -> None:
        """Give one call up; its result says so."""
        self._order(call, lambda elapsed: _cancelled(call, elapsed, started=elapsed > 0))

    def answer(self, call: str, content: Content, *, is_error: bool) -> None:
        """Give one call the result that a person wrote."""
        self._order(
            call,
            lambda elapsed: CallFinished(
                call=call,
                outcome="failed" if is_error else "ok",
                elapsed=elapsed,
                by="operator",
                **result_fields(content, is_error=is_error),
            ),
        )

    def _order(self, call: str, make: Callable[[float], ResultEvent]) -> None:
        self._orders.append(_Order(call, make))
        self._wake.set()

    # The life of a step.

    def offer(self, block: ToolCallBlock, attempt: int) -> None:
        """Take a call whose block is complete while the model still writes; it starts now if it may."""
        self._offered.append((block, attempt))
        if self._streaming is None:
            self._streaming = asyncio.create_task(self._rounds())
        self._wake.set()

    async def close_stream(self) -> None:
        """End the rounds that ran beside a stream; eager calls of a discarded turn are given up."""
        if self._streaming is not None:
            self._stop = self._stop or "soft"
            self._wake.set()
            await self._streaming
            self._streaming = None

    async def run(self, opening: TurnFinished | None = None) -> None:
        """Run the open step's calls until each has its result, or only a person can go on, or all is stopped.

        `opening` is the turn that asks for them; it is stored together with the first `call_started`s.
        """
        self._opening = opening
        self._wake.set()
        if self._streaming is not None:
            rounds, self._streaming = self._streaming, None
            await rounds
        else:
            await self._rounds()
        if self._winding_down:
            await asyncio.wait(self._winding_down)
            self._winding_down.clear()

    def reset(self) -> None:
        """Forget that calls were stopped, before a run goes on."""
        self._stop = None

    async def _rounds(self) -> None:
        try:
            while not (await self._round() and not self._wake.is_set()):
                await self._wake.wait()
        except BaseException:
            for flight in self._flying.values():
                self._leave(flight)
            self._flying.clear()
            raise

    async def _round(self) -> bool:
        """Collect, admit, store, start; return whether the step is over."""
        self._wake.clear()
        events = self._collect()
        candidates = self._open(events) if self._opening is not None else self._known()
        starts = self._admit(candidates, events)
        if events:
            await self._journal.append(*events, durable=self._needs_durable(events))
        for call in starts:
            call.begin()
        if events:
            await self._change_mode()
        return self._is_over()

    def _is_over(self) -> bool:
        if self._flying or self._opening is not None or (self._streaming is not None and self._stop is None):
            return False
        return self._stop is not None or not any(True for _ in self._known())

    # Collecting.

    def _collect(self) -> list[Event]:
        events: list[Event] = list(self._late)
        self._late.clear()
        for call, text in self._progress.items():
            if call in self._flying:
                events.append(CallProgressed(call=call, text=text))
        self._progress.clear()
        for flight in self._settled:
            if self._flying.get(flight.call) is flight:
                events.extend(self._collected(flight))
        self._settled.clear()
        for order in self._orders:
            events.extend(self._obey(order))
        self._orders.clear()
        if self._stop is not None:
            events.extend(self._interrupt(self._stop))
        return events

    def _collected(self, flight: CallInFlight) -> Iterable[Event]:
        event = flight.collect()
        yield event
        if isinstance(event, CallFinished):
            del self._flying[flight.call]
            for new, old in list(self._reused.items()):
                if old == flight.call:
                    del self._reused[new]
                    yield CallReused(call=new, old=old)

    def _obey(self, order: _Order) -> Iterable[Event]:
        flight = self._flying.pop(order.call, None)
        if flight is not None:
            event = order.make(flight.elapsed)
            self._leave(flight)
            yield event
            return
        known = self._journal.state.call(order.call)
        if known is not None and known.asked and not known.has_result:
            yield order.make(0.0)

    def _interrupt(self, how: Stop) -> Iterable[Event]:
        for flight in list(self._flying.values()):
            if how == "soft" and flight.spec.effect == "effectful":
                continue
            del self._flying[flight.call]
            self._leave(flight)
            if self._streaming is not None and self._opening is None:
                yield CallDiscarded(call=flight.call, reason="the turn was stopped")
                continue
            yield CallInterrupted(call=flight.call, reason="paused")
            if flight.spec.effect == "effectful":
                yield OutcomeUnknown(call=flight.call)

    def _leave(self, flight: CallInFlight) -> None:
        winding = flight.leave()
        if winding is not None and not winding.done():
            self._winding_down.add(winding)

    # Opening and admitting.

    def _open(self, events: list[Event]) -> Sequence[Candidate]:
        """Store the turn; sort out eager calls of attempts that broke; return the calls it asks for."""
        opening, self._opening = self._opening, None
        if opening is None:
            return ()
        events.append(opening)
        events.extend(plan_progress(self._journal.state.plan, opening.content))
        candidates = [Candidate.of_block(block) for block in opening.calls]
        asked = {candidate.call for candidate in candidates}
        steps = self._journal.state.steps
        known = steps[opening.step].calls if opening.step < len(steps) else {}
        spare = {
            _same(call.tool, call.input): call.id
            for call in known.values()
            if call.id not in asked and call.status in ("running", "finished") and not call.has_error
        }
        left: list[Candidate] = []
        for candidate in candidates:
            old = spare.pop(_same(candidate.tool, candidate.input), None)
            if old is not None and old in self._flying:
                self._reused[candidate.call] = old
            elif old is not None:
                events.append(CallReused(call=candidate.call, old=old))
            elif candidate.call not in known:
                left.append(candidate)
        for call in known.values():
            wanted = call.id in asked or call.id in self._reused.values() or call.status == "discarded"
            if not wanted and not any(isinstance(event, CallReused) and event.old == call.id for event in events):
                flight = self._flying.pop(call.id, None)
                if flight is not None:
                    self._leave(flight)
                events.append(CallDiscarded(call=call.id, reason="the finished turn does not ask for it"))
        return left

    def _known(self) -> Sequence[Candidate]:
        """Return the calls of the open step that could start, from the state."""
        step = self._journal.state.open_step
        if step is None:
            return ()
        return [
            Candidate.of_state(call)
            for call in step.asked_calls
            if call.status in ("requested", "interrupted")
            and call.id not in self._flying
            and call.id not in self._reused
        ]

    def _admit(self, candidates: Sequence[Candidate], events: list[Event]) -> list[CallInFlight]:
        offered, self._offered = self._offered, []
        if self._stop is not None:
            return []
        submitted = next((item for item in candidates if item.tool == SUBMIT_ANSWER and self._is_valid(item)), None)
        if submitted is not None:
            self._submit(submitted, candidates, events)
            return []
        starts = [start for block, attempt in offered if (start := self._admit_eager(block, attempt, events))]
        sequential = self._is_sequential
        for candidate in candidates:
            if sequential and (self._flying or self._waits_before(candidate)):
                break
            verdict = admit(candidate, self._around, self._journal.state)
            if isinstance(verdict, Refused):
                events.append(verdict.event)
                if sequential and isinstance(verdict.event, PermissionAsked):
                    break
            elif self._has_room(verdict.tool):
                started = verdict.started(candidate)
                events.append(started)
                starts.append(self._prepare(started, verdict.tool, verdict.arguments))
        return starts

    def _admit_eager(self, block: ToolCallBlock, attempt: int, events: list[Event]) -> CallInFlight | None:
        agent = self._journal.state.agent
        if agent is None or not agent.eager or self._is_sequential:
            return None
        candidate = Candidate.of_block(block)
        verdict = admit(candidate, self._around, self._journal.state)
        if isinstance(verdict, Refused) or verdict.tool.name in (SUBMIT_ANSWER, SPAWN_SUBAGENT):
            return None
        if verdict.tool.spec.effect != "read_only" or not self._has_room(verdict.tool):
            return None
        started = verdict.started(candidate).model_copy(update={"eager": True, "attempt": attempt})
        events.append(started)
        return self._prepare(started, verdict.tool, verdict.arguments)

    def _prepare(self, started: CallStarted, tool: Tool, arguments: dict[str, Any]) -> CallInFlight:
        state, around = self._journal.state, self._around
        loop = asyncio.get_running_loop()
        subagents = around.subagents

        def note(call: str, text: str) -> None:
            loop.call_soon_threadsafe(self._note_progress, call, text)

        def context(attempt: int) -> CallContext:
            pace = state.agent.pace if state.agent else 0.0
            return CallContext(state.run, started.call, attempt, around.lineage or (state.run,), pace, note)

        async def spawn() -> ToolResult:
            if subagents is None:
                return ToolResult(text_content("subagents are not available here"), is_error=True)
            return await subagents.run(started.call, arguments)

        flight = CallInFlight(
            call=started.call,
            input_=dict(started.input),
            spec=tool.spec,
            tool=tool,
            arguments=arguments,
            context=context,
            threads=around.threads,
            clock=around.clock,
            on_settled=self._note_settled,
            on_late=self._note_late,
            special=spawn if tool.name == SPAWN_SUBAGENT else None,
        )
        self._flying[started.call] = flight
        return flight

    def _submit(self, submitted: Candidate, candidates: Sequence[Candidate], events: list[Event]) -> None:
        """Accept the answer; calls that have not finished are answered "not run"."""
        for call, flight in list(self._flying.items()):
            del self._flying[call]
            self._leave(flight)
            events.append(CallDiscarded(call=call, reason="the answer was submitted"))
            if call not in self._reused.values():
                events.append(_by_engine(call, "not_run", NOT_RUN))
        unstarted = [item.call for item in candidates if item is not submitted]
        events.extend(_by_engine(call, "not_run", NOT_RUN) for call in [*self._reused, *unstarted])
        self._reused.clear()
        events.append(
            CallStarted(
                call=submitted.call, tool=SUBMIT_ANSWER, input=submitted.input, effect="read_only", permission="allow"
            )
        )
        events.append(_by_engine(submitted.call, "ok", ACCEPTED))

    def _is_valid(self, candidate: Candidate) -> bool:
        verdict = admit(candidate, self._around, self._journal.state)
        return not isinstance(verdict, Refused)

    @property
    def _is_sequential(self) -> bool:
        state = self._journal.state
        return state.mode == "sequential" or (state.agent is not None and not state.agent.parallel_tool_calls)

    def _waits_before(self, candidate: Candidate) -> bool:
        """Whether an earlier call of the step waits for a person, so that order would be lost."""
        step = self._journal.state.open_step
        for call in step.asked_calls if step is not None else ():
            if call.id == candidate.call:
                return False
            if call.status in ("waiting", "unknown"):
                return True
        return False

    def _has_room(self, tool: Tool) -> bool:
        agent, spec = self._journal.state.agent, tool.spec
        if agent is not None and len(self._flying) >= agent.limits.calls_at_once:
            return False
        flying = [flight.spec for flight in self._flying.values()]
        if spec.exclusive is not None and any(other.exclusive == spec.exclusive for other in flying):
            return False
        same = sum(1 for other in flying if other.name == spec.name)
        return spec.max_concurrency is None or same < spec.max_concurrency

    # Notes from calls in flight.

    def _note_settled(self, flight: CallInFlight) -> None:
        self._settled.append(flight)
        self._wake.set()

    def _note_progress(self, call: str, text: str) -> None:
        self._progress[call] = text
        self._wake.set()

    def _note_late(self, call: str, value: Any) -> None:
        self._late.append(LateResultDropped(call=call, size=late_size(value)))
        self._wake.set()

    def _needs_durable(self, events: Sequence[Event]) -> bool:
        """Whether power loss must not lose these: an effectful start, or the end of the step."""
        if any(isinstance(event, CallStarted) and event.effect == "effectful" for event in events):
            return True
        answered = {event.call for event in events if isinstance(event, ResultEvent | CallReused)}
        opening = next((event for event in events if isinstance(event, TurnFinished)), None)
        if opening is not None:
            return all(block.id in answered for block in opening.calls)
        step = self._journal.state.open_step
        return step is not None and all(call.has_result or call.id in answered for call in step.asked_calls)

    async def _change_mode(self) -> None:
        wanted = wanted_mode(self._journal.state)
        if wanted is not None:
            await self._journal.append(ModeChanged(mode=wanted[0], why=wanted[1]))


def _same(tool: str, input_: dict[str, JsonValue]) -> tuple[str, str]:
    return tool, json.dumps(input_, sort_keys=True)


def _by_engine(call: str, outcome: Literal["ok", "not_run"], text: str) -> CallFinished:
    fields = result_fields(text_content(text), is_error=outcome != "ok")
    return CallFinished(call=call, outcome=outcome, elapsed=0.0, by="engine", **fields)


def _cancelled(call: str, elapsed: float, *, started: bool) -> CallCancelled:
    text = "cancelled by the operator" + (f". {MAY_HAVE_RUN}" if started else " before it started")
    return CallCancelled(call=call, elapsed=elapsed, **result_fields(text_content(text), is_error=True))
