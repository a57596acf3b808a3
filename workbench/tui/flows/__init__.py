"""What actions do: one function for each, from a key to a command.

A flow may ask in dialogs and wait for the answers; it changes nothing on the screen itself beyond opening runs and
moving the focus. What it has done comes back through the bridge like everything else. A flow and its dialogs are
imported when they are wanted first: the screen is drawn before that.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen

Flow = Callable[["MainScreen"], Coroutine[Any, Any, None]]

FLOWS: Final[dict[str, str]] = {
    "new": "runs.new_question",
    "toggle": "runs.pause_or_resume",
    "skip_wait": "runs.skip_wait",
    "step": "runs.go_one_step",
    "message": "runs.open_message",
    "tools": "tools.switch_tools",
    "fork": "forks.fork_here",
    "rerun": "in_flight.run_again",
    "more_time": "in_flight.give_time",
    "undo": "forks.undo",
    "race": "racing.race",
    "edit": "edits.edit_selected",
    "edit_input": "edits.edit_input",
    "cancel": "in_flight.cancel_call",
    "answer": "answers.answer_waiting",
    "plan": "plans.go_to_plan",
    "breakpoints": "breakpoints.open_list",
    "breakpoint_here": "breakpoints.break_before_tool",
    "copy": "looking.copy_selected",
    "exact_request": "requests.show_request",
    "metrics": "requests.show_metrics",
    "open_block": "opening.open_binary",
    "event_back": "playhead.event_back",
    "event_on": "playhead.event_on",
    "call_back": "playhead.call_back",
    "call_on": "playhead.call_on",
    "step_back": "playhead.step_back",
    "step_on": "playhead.step_on",
    "play": "playhead.play",
    "end": "playhead.to_the_end",
    "find": "find.find",
    "find_next": "find.to_next_hit",
    "find_previous": "find.to_previous_hit",
    "find_stay": "find.stay",
    "find_back": "find.back",
    "filter": "find.choose_calls",
    "unfilter": "find.show_all",
    "runs": "looking.to_runs",
    "timeline": "looking.to_timeline",
    "inspector": "looking.to_inspector",
    "next_pane": "looking.to_next_pane",
    "previous_pane": "looking.to_previous_pane",
    "caller": "looking.to_caller",
    "compare": "compare.compare_run",
    "tour": "beginnings.take_tour",
    "quit": "runs.leave",
    "search_runs": "searching.search_runs",
    "rename": "library.rename",
    "note": "library.note",
    "tag": "library.tag",
    "mark": "library.mark",
    "hide": "library.hide",
    "take_back": "library.take_back",
    "hidden": "library.show_hidden",
    "export_run": "files.export_run",
    "import_runs": "files.import_runs",
    "messages": "searching.show_messages",
}
"""What does each action of the main screen: a function of a file of this folder."""


def flow_of(action: str) -> Flow:
    """Return what does an action."""
    file, _, name = FLOWS[action].partition(".")
    return cast("Flow", getattr(import_module(f"workbench.tui.flows.{file}"), name))
