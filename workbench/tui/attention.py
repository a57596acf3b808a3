"""When to call a person who looks elsewhere, and in what words. Pure.

A run that comes to rest (it waits for somebody, stops at a breakpoint or a limit, breaks, or ends) calls once. Nobody
is called who has the terminal in front of them, and nobody for a run that another process drives out of sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from workbench.state.run_state import RunState
from workbench.store.model import RunRow
from workbench.views.marks import reason_words, run_mark
from workbench.views.text import one_line

Rest = tuple[str, str | None]
"""Status and reason of a run that does not go on by itself."""

LONGEST: Final = 120
"""Characters of a notification."""
PAUSED: Final[Rest] = ("interrupted", "paused")
"""A person did that: nobody needs to be called."""
_RESTING: Final = frozenset({"completed", "failed", "interrupted", "awaiting_approval"})
_PLAIN_TERMINALS: Final = frozenset({"", "dumb", "linux", "vt52", "vt100", "vt102", "vt220"})
"""Kinds of terminal that would rather show a notification as letters."""


class Sight(NamedTuple):
    """One run as it is now."""

    run: str
    task: str
    rest: Rest | None
    """None while it goes on."""
    is_ours: bool
    """This process drives it, or it is on the screen."""


def sight_of_state(state: RunState) -> Sight:
    """Return the run on the screen."""
    return Sight(state.run, state.task, _rest_of(state), is_ours=True)


def sight_of_row(row: RunRow, process: int) -> Sight:
    """Return a run of the list; `process` is the id of this one."""
    rest = (row.status, row.reason) if row.status in _RESTING else None
    return Sight(row.id, row.task, rest, is_ours=row.held_by.startswith(f"pid {process} "))


def _rest_of(state: RunState) -> Rest | None:
    status, reason = state.status_and_reason
    if status in _RESTING:
        return status, reason
    step = state.open_step
    asks = {call.status for call in step.calls.values()} if step is not None else set()
    if "unknown" in asks:
        return "awaiting_approval", "outcome_unknown"
    return ("awaiting_approval", "permission") if "waiting" in asks else None  # its siblings may still run


class Attention:
    """Remembers at what rest each run was last seen."""

    def __init__(self) -> None:
        self._rests: dict[str, Rest | None] = {}

    def look(self, sights: Iterable[Sight], *, is_in_front: bool) -> list[str]:
        """Return what to tell the person; nothing for runs that rested before, and nothing in front of them."""
        calls: list[str] = []
        for sight in sights:
            if not sight.is_ours and sight.run not in self._rests:
                continue
            before = self._rests.get(sight.run, sight.rest)
            self._rests[sight.run] = sight.rest
            if sight.rest is not None and sight.rest not in (before, PAUSED):
                calls.append(words(sight.rest, sight.task))
        return [] if is_in_front else calls


def words(rest: Rest, task: str) -> str:
    """Return what a notification says: words of ours, and the question as far as there is room."""
    status, reason = rest
    what = run_mark(status).word
    if reason is not None and reason != "answered":
        what = f"{what}: {reason_words(reason)}"
    return _spoken(f"workbench: {what} · {one_line(task, LONGEST)}")


def notification(text: str, environ: Mapping[str, str]) -> str:
    """Return what makes a terminal show a notification (OSC 9); nothing where it would show letters instead.

    Inside tmux and screen it is handed through to the terminal around them, as far as that is allowed there.
    """
    if environ.get("TERM", "") in _PLAIN_TERMINALS:
        return ""
    sequence = f"\x1b]9;{_spoken(text)}\x07"
    if environ.get("TMUX"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return f"\x1bP{sequence}\x1b\\" if environ.get("STY") else sequence


def _spoken(text: str) -> str:
    """Return text that is nothing but text to any terminal, and short; a semicolon would begin another field."""
    return "".join(sign if sign.isprintable() and sign != ";" else " " for sign in text)[:LONGEST]
