"""What hooks see of calls, beside the dispatcher's rounds: each call before it may start, each result before it counts.

So a slow hook holds up neither the results of other calls nor a person who stops the run. The dispatcher asks what is
ready, and collects what became of the rest like all else that settles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from workbench.agent.hooks import Call
from workbench.engine.admission import Candidate, refused
from workbench.engine.attempts import CallInFlight
from workbench.engine.hook_values import call_of
from workbench.engine.hooks import Denied, HookRunner
from workbench.events.base import Event
from workbench.events.call import CallFinished, Outcome
from workbench.events.codec import result_fields
from workbench.state.run_state import RunState
from workbench.tools.base import ToolResult
from workbench.tools.control import SPAWN_SUBAGENT

Hooked = tuple[CallInFlight, CallFinished, list[Event]]
"""A call, its result as hooks want it, and what they changed."""


class CallHooks:
    """The hooks around the calls of one run."""

    def __init__(self, hooks: HookRunner, wake: Callable[[], None]) -> None:
        self._hooks, self._wake = hooks, wake
        self._seen: set[str] = set()
        """Calls that hooks were shown before they start."""
        self._asking: dict[str, asyncio.Task[list[Event]]] = {}
        self._finishing: set[asyncio.Task[Hooked]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether a hook looks at a call that is to start."""
        return bool(self._asking)

    def ready(self, candidates: Sequence[Candidate], state: RunState) -> Sequence[Candidate]:
        """Return the calls that may be admitted: all, or none while hooks look at some, which they do from now on.

        What a person decided on was shown before the person was asked; what a hook changed is not changed again.
        """
        if not candidates or not self._hooks.want("before_call"):
            return candidates
        for one in candidates:
            known = state.call(one.call)
            is_known = one.allowed is not None or (known is not None and known.hook)
            if not (is_known or one.invalid or one.call in self._seen or one.call in self._asking):
                task = self._asking[one.call] = asyncio.create_task(self._before(one))
                task.add_done_callback(lambda _: self._wake())
        return () if self._asking else candidates

    async def _before(self, one: Candidate) -> list[Event]:
        verdict, events = await self._hooks.before_call(call_of(one.call, one.tool, one.input))
        if isinstance(verdict, Denied):
            events.append(refused(one, "denied", f"denied by a hook of the agent: {verdict.reason.rstrip('.')}.").event)
        return events

    def take(self, state: RunState) -> list[Event]:
        """Return what hooks changed before calls start, and forget it; of a call that has its result it is nothing."""
        events: list[Event] = []
        for call in [call for call, task in self._asking.items() if task.done()]:
            made = self._asking.pop(call).result()
            self._seen.add(call)
            known = state.call(call)
            events += [] if known is not None and known.has_result else made
        return events

    def finish(self, flight: CallInFlight, finished: CallFinished, input_: Mapping[str, JsonValue]) -> bool:
        """Show a result to hooks; return whether any wants to see it. `take_finished` gives what became of it."""
        is_subagent = flight.spec.name == SPAWN_SUBAGENT and finished.outcome == "ok"
        if not self._hooks.want("after_call", *(("on_message",) if is_subagent else ())):
            return False
        call = call_of(flight.call, flight.spec.name, input_)
        task = asyncio.create_task(self._after(flight, finished, call, is_subagent=is_subagent))
        self._finishing.add(task)
        task.add_done_callback(lambda _: self._wake())
        return True

    async def _after(self, flight: CallInFlight, finished: CallFinished, call: Call, *, is_subagent: bool) -> Hooked:
        given = ToolResult(finished.result, finished.is_error, interrupted=finished.partial)
        new, events = await self._hooks.after_call(call, given, is_subagent=is_subagent)
        if new == given:
            return flight, finished, events
        outcome: Outcome = finished.outcome if new.is_error == finished.is_error else "error" if new.is_error else "ok"
        fields = result_fields(new.content, is_error=new.is_error)
        changes = {"outcome": outcome, "partial": new.interrupted, **fields}
        return flight, finished.model_copy(update=changes), events

    def take_finished(self) -> list[Hooked]:
        """Return the results that hooks have seen, and forget them."""
        done = [task for task in self._finishing if task.done()]
        self._finishing.difference_update(done)
        return [task.result() for task in done if not task.cancelled()]

    def stop(self) -> None:
        """Look at no call that is to start any more; it is shown again when the run goes on."""
        for task in self._asking.values():
            task.cancel()
        self._asking.clear()

    def abandon(self) -> None:
        """Leave all hooks alone."""
        self.stop()
        for task in self._finishing:
            task.cancel()
