"""Says once what a person must know of the run on the screen: that a call waits for them, that a breakpoint was hit.

It remembers what was told, so that the same thing is not told at every look.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workbench.state.run_state import RunState
from workbench.tui.actions import key_of
from workbench.tui.watching import Watched
from workbench.views.selection import Selection
from workbench.views.text import one_line

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


class Herald:
    """Tells of one screen's run."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._waiting: object = None
        self._asked = ""
        """The sentence that says so."""
        self._hit: object = None

    def look(self, watched: Watched) -> None:
        """Tell what is new; nothing of an earlier moment that is only looked at."""
        if not watched.is_scrubbing:
            self._tell_waiting(watched)
            self._tell_hit(watched)

    def _tell_waiting(self, watched: Watched) -> None:
        context = self._screen.context()
        call = context.waiting_call
        wait = (watched.run, call.id, call.status) if call is not None else None
        if wait != self._waiting and self._asked:
            self._screen.workbench.unsay(self._asked)
        if call is not None and wait != self._waiting and not context.is_foreign:
            words = "A call asks for permission" if call.status == "waiting" else "The outcome of a call is unknown"
            self._asked = f"{words}: {key_of('answer')} decides."
            self._screen.say(self._asked, "warning")
        self._waiting = wait

    def _tell_hit(self, watched: Watched) -> None:
        """Tell which breakpoint was hit, and put the cursor on its call when the run rests."""
        state = watched.history.live
        hit = (watched.run, state.breakpoint, len(state.hits)) if state.breakpoint else None
        told, now = self._hit, (hit, state.end is not None)
        if hit is None:
            self._hit = None
            return
        if told == now:
            return
        if told != (hit, False):
            then = f"{key_of('toggle')} goes on." if state.end is not None else "What is in flight comes to its end."
            self._screen.say(f"Breakpoint {one_line(state.breakpoint, 300)}. {then}", "warning")
        if state.end is not None and state.steps:
            self._screen.call_after_refresh(partial(self._screen.timeline.select, _place_of(state)))
        self._hit = now


def _place_of(state: RunState) -> Selection:
    """Return what the breakpoint is about: the call, or else the last step."""
    call = state.hit[1] if state.hit is not None else None
    if call is not None and state.call(call) is not None:
        return Selection("call", step=int(call.partition(".")[0]), call=call)
    return Selection("step", step=state.steps[-1].index)
