"""The breakpoints of one run's calls: asked at the moments that the dispatcher knows, in the words that it has.

It keeps one thing in mind: what the results of eager calls hit. That counts once the finished turn asks for those
calls, so that a stream is never broken off for a call that may not even count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from workbench.engine.admission import Admitted, Candidate, Refused
from workbench.engine.breakpoints import Breakpoints, Hits
from workbench.events.base import Event
from workbench.events.call import CallFinished
from workbench.events.turn import TurnFinished
from workbench.state.run_state import RunState


class Gate:
    """Says what hits a breakpoint. Whoever asks writes it down, and starts nothing any more."""

    def __init__(self, breakpoints: Callable[[], Breakpoints]) -> None:
        self._in_force = breakpoints
        self._early: dict[str, Hits] = {}

    def reset(self) -> None:
        """Forget eager calls, before a run goes on."""
        self._early.clear()

    def may_be_early(self, state: RunState, one: Candidate) -> bool:
        """Whether no breakpoint could stop a call once its turn is finished."""
        return self._in_force().may_start_early(state, one.call, one.tool, one.input)

    def before(self, state: RunState, verdicts: Sequence[tuple[Candidate, Admitted | Refused | None]]) -> list[Event]:
        """Return the hits before what would start now, and at what is refused, behind the results of the latter."""
        breakpoints = self._in_force()
        if not breakpoints.are_set:
            return []
        refusals: list[Event] = []
        hits: list[Event] = []
        for candidate, verdict in verdicts:
            if not isinstance(verdict, Refused):
                hits += breakpoints.before_call(state, candidate.call, candidate.tool, candidate.input)
            elif isinstance(verdict.event, CallFinished):
                refusals.append(verdict.event)
                hits += breakpoints.after_result(state, verdict.event, candidate.tool)
        return [*refusals, *hits] if hits else []

    def at_result(self, state: RunState, finished: CallFinished, tool: str) -> Hits:
        """Return the hits at a result; those of an eager call are kept for its turn."""
        breakpoints = self._in_force()
        if not breakpoints.are_set:
            return ()
        hits = breakpoints.after_result(state, finished, tool)
        known = state.call(finished.call)
        if known is not None and known.asked:
            return hits
        self._early[finished.call] = hits
        return ()

    def at_turn(self, state: RunState, turn: TurnFinished, reused: Mapping[str, str]) -> Hits:
        """Return the hits at a finished turn, and at the results that it already has; `reused` gives older ids."""
        breakpoints = self._in_force()
        if not breakpoints.are_set and not self._early:
            return ()
        hits = [*breakpoints.after_turn(state, turn)]
        for block in turn.calls:
            early = self._early.get(reused.get(block.id, block.id), ())
            hits += [hit.model_copy(update={"call": block.id}) for hit in early]
        self._early.clear()
        return tuple(hits)
