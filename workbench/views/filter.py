"""Showing only some calls of a run: which ones, and what such a choice is called. Pure.

A step is shown where one of its calls is. What is left out is counted in its place, so that nobody takes a part of a
run for the whole.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

from workbench.state.parts import CallState, StepState
from workbench.state.run_state import RunState
from workbench.views.segments import Line, Segment, row
from workbench.views.selection import Selection
from workbench.views.text import one_line

Kind = Literal["error", "edit", "open"]
KINDS: Final[dict[Kind, str]] = {"error": "errors", "edit": "edits", "open": "without a result"}
"""What else than its tool a call may be chosen by, and how that is called."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls are shown: those of these tools (of any, without one) and of these kinds (of any, without one)."""

    tools: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.tools or self.kinds)

    def __str__(self) -> str:
        """Name what is shown: `search_docs, errors`."""
        named = [one_line(tool, 24) for tool in sorted(self.tools)]
        return ", ".join([*named, *(words for kind, words in KINDS.items() if kind in self.kinds)])

    def shows_call(self, call: CallState) -> bool:
        """Whether a call is shown."""
        if self.tools and call.tool not in self.tools:
            return False
        return not self.kinds or not self.kinds.isdisjoint(kinds_of(call))

    def shows_step(self, step: StepState) -> bool:
        """Whether a step is shown; one whose turn still streams may yet ask for anything."""
        if step.turn.status == "streaming":
            return True
        is_edit = step.turn.edited and "edit" in self.kinds and not self.tools
        return is_edit or any(map(self.shows_call, step.calls.values()))

    def shows(self, selection: Selection, state: RunState) -> bool:
        """Whether a thing of a run is shown."""
        if selection.step is None:
            return True
        call = state.call(selection.call) if selection.call is not None else None
        return self.shows_step(state.steps[selection.step]) and (call is None or self.shows_call(call))


def kinds_of(call: CallState) -> set[Kind]:
    """Return what a call may be chosen by, beside its tool."""
    found: set[Kind] = set()
    if call.has_error:
        found.add("error")
    if call.edited:
        found.add("edit")
    if not call.has_result and call.status != "discarded":
        found.add("open")
    return found


def choices(state: RunState) -> tuple[Counter[str], Counter[Kind]]:
    """Return the tools and the kinds of calls that a run has, with how many there are of each."""
    calls = [call for step in state.steps for call in step.calls.values()]
    return Counter(call.tool for call in calls), Counter(kind for call in calls for kind in kinds_of(call))


def hidden_line(count: int, what: str, width: int) -> Line:
    """Return the line that stands in the place of what a filter hides."""
    words = f"{count:,} {'more ' if what == 'call' else ''}{what}{'' if count == 1 else 's'} hidden by the filter"
    return row([Segment(f"⋯ {words}", "muted")], width)
