"""What a person wants of one call in flight: give it up, answer it, begin it anew, or let it take more time.

Orders come at any moment and take effect at the dispatcher's next round, where they become events; an order that comes
too late, because the call has its result by then, changes nothing. It decides and starts nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from workbench.engine import outcomes
from workbench.engine.attempts import CallInFlight
from workbench.events.base import Event
from workbench.events.call import CallProgressed
from workbench.events.content import Content
from workbench.state.run_state import RunState


@dataclass(frozen=True, slots=True)
class Settle:
    """The call gets its result from a person, or (without content) is given up."""

    call: str
    content: Content | None = None
    is_error: bool = True


@dataclass(frozen=True, slots=True)
class Again:
    """The attempt that runs is left, and the next one begins."""

    call: str


@dataclass(frozen=True, slots=True)
class MoreTime:
    """Each attempt of the call, from the one that runs, may take so many seconds more."""

    call: str
    seconds: float


Order = Settle | Again | MoreTime


@dataclass(slots=True)
class Obeyed:
    """What orders come to."""

    events: list[Event] = field(default_factory=list)
    again: list[CallInFlight] = field(default_factory=list)
    """Calls whose next attempt is to begin, once the events are stored."""


class Orders:
    """Orders that have not taken effect yet."""

    def __init__(self) -> None:
        self._pending: list[Order] = []

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._pending)

    def give(self, order: Order) -> None:
        """Take an order."""
        self._pending.append(order)

    def rename(self, old: str, new: str) -> None:
        """Mean `new` where `old` was meant: the call was taken over under another id."""
        self._pending = [replace(order, call=new) if order.call == old else order for order in self._pending]

    def obey(
        self,
        state: RunState,
        flying: Mapping[str, CallInFlight],
        leave: Callable[[str], None],
        answered: Iterable[str] = (),
    ) -> Obeyed:
        """Return what the orders come to, and forget them. Calls that were `answered` just now have their result."""
        pending, self._pending = self._pending, []
        obeyed, done = Obeyed(), set(answered)
        for order in pending:
            flight = flying.get(order.call)
            if order.call in done:
                continue  # what came first in one round is the call's one result
            if isinstance(order, Settle):
                done.add(order.call)
                obeyed.events.extend(_settle(order, state, flight, leave))
            elif flight is not None:
                _go_on(order, flight, obeyed)
        return obeyed


def _settle(
    order: Settle, state: RunState, flight: CallInFlight | None, leave: Callable[[str], None]
) -> Iterable[Event]:
    known = state.call(order.call)
    came = flight.so_far if flight is not None and order.content is None else ()
    if flight is not None:
        leave(order.call)
    elif known is None or not known.asked or known.has_result:
        return
    elapsed = flight.elapsed if flight is not None else 0.0
    if order.content is not None:
        yield outcomes.by_hand(order.call, elapsed, order.content, is_error=order.is_error)
    else:
        yield outcomes.cancelled(order.call, elapsed, known, came)


def _go_on(order: Again | MoreTime, flight: CallInFlight, obeyed: Obeyed) -> None:
    """Let a call that runs begin anew or take longer; a subagent does neither: it has limits of its own."""
    if flight.is_special:
        return
    if isinstance(order, MoreTime):
        flight.give_time(order.seconds)
        text = f"{order.seconds:g} s more, given by the operator"
        obeyed.events.append(CallProgressed(call=order.call, text=text, granted=order.seconds))
    elif (retried := flight.leave_attempt()) is not None:
        obeyed.events.append(retried)
        obeyed.again.append(flight)
