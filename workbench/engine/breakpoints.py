"""Where a run may stop by itself: what the loop asks at each such moment, and what it is told by a subagent.

A hit stops the run as gently as can be. Nothing new starts, what is in flight comes to its own end, and then the run
rests: a call that was cut short would have to run again, and of an effectful one nobody would know what it did, which
is a high price for looking. Where calls start together, a hit before one of them starts none, so that a person finds
the step as the turn left it. A hit before a call leaves that call as it was asked for.

What was hit is written into the log at once, together with the fact that it is about. From there it holds
(`RunState.breakpoint`) until the run rests, also where its driver dies between, and is remembered (`RunState.hits`) so
that it does not stop the run again when that goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from pydantic import JsonValue

from workbench.events.call import CallFinished
from workbench.events.run import BreakpointHit
from workbench.events.turn import TurnFinished
from workbench.state.run_state import RunState

Hits = tuple[BreakpointHit, ...]


class Breakpoints(Protocol):
    """A person's breakpoints, as they are at a moment; a loop asks for them anew each time."""

    @property
    def are_set(self) -> bool:
        """Whether there is anything to ask."""
        ...

    def before_call(self, state: RunState, call: str, tool: str, given: Mapping[str, JsonValue]) -> Hits:
        """Return what stops before a call that could start now."""
        ...

    def may_start_early(self, state: RunState, call: str, tool: str, given: Mapping[str, JsonValue]) -> bool:
        """Whether a call may start while the model still writes the turn."""
        ...

    def after_result(self, state: RunState, finished: CallFinished, tool: str) -> Hits:
        """Return what stops at a result that a call has just got."""
        ...

    def after_turn(self, state: RunState, turn: TurnFinished) -> Hits:
        """Return what stops at a turn before any of its calls starts."""
        ...

    def before_turn(self, state: RunState, *, has_stepped: bool) -> Hits:
        """Return what stops before the next turn; `has_stepped`: a step was finished since the run went on."""
        ...

    def before_request(self, state: RunState, step: int, key: str) -> Hits:
        """Return what stops before the request with this key is sent."""
        ...


class NoBreakpoints:
    """Nothing stops."""

    are_set: Final = False

    def never(self, *_: object, **__: object) -> Hits:
        """Stop at nothing."""
        return ()

    before_call = after_result = after_turn = before_turn = before_request = never

    def may_start_early(self, *_: object) -> bool:
        """Let everything start early."""
        return True


class SubagentRestsError(Exception):
    """A subagent came to rest and waits for its caller to rest too: at a breakpoint of its own, or at its caller's."""

    def __init__(self, hits: Hits = ()) -> None:
        super().__init__("the subagent rests at a breakpoint")
        self.hits = hits
        """What the subagent's hit is to its caller."""
