"""Finding in the run on the screen, and showing only some of its calls."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("find", ("/",), "find", "Find a text in this run: what was said, inputs, whole results, the answer; "
           "or a place, as in step 7 or 7.2.", "Find", refusal=why.refuse_find, rank=72),
    Action("find_next", ("n",), "next", "To the next hit.", "Find", scope="find", rank=10),
    Action("find_previous", ("N",), "before", "To the hit before.", "Find", scope="find", rank=11),
    Action("find_stay", ("enter",), "stay here", "Leave, and stay at the hit.", "Find", scope="find",
           refusal=why.refuse_stay, rank=12, priority=True, in_palette=False),
    Action("find_back", ("escape",), "back", "Leave, back to the place where the search began.", "Find", scope="find",
           rank=13, in_palette=False),
    Action("find_take", ("enter",), "to the hits", "Go from hit to hit.", "Find", scope="find_line", rank=10,
           in_palette=False, is_native=True),
    Action("find_older", ("up",), "older", "What was looked for before.", "Find", scope="find_line", rank=20,
           in_palette=False),
    Action("find_newer", ("down",), "newer", "What was looked for after.", "Find", scope="find_line", in_palette=False),
    Action("find_leave", ("escape",), "leave", "Leave, back to the place where the search began.", "Find",
           scope="find_line", rank=30, in_palette=False),
    Action("filter", ("F",), why.filter_label, "Show only some calls: by tool, errors, edits; again, show all.", "Find",
           refusal=why.refuse_filter, rank=74),
    Action("unfilter", ("escape",), "show all", "Take the filter away: show all calls again.", "Find",
           refusal=why.refuse_unfilter, rank=6, is_quiet=True),
    Action("filter_apply", ("enter", "ctrl+s"), "show these", "Show only the calls that were chosen.", "Find",
           scope="filter", rank=10, priority=True, in_palette=False),
    Action("filter_tick", ("space",), "choose", "Choose what the cursor is on, or no longer.", "Find", scope="filter",
           rank=20, in_palette=False, is_native=True),
    Action("filter_up", ("up",), "up", "To the choice above.", "Find", scope="filter", in_palette=False),
    Action("filter_down", ("down",), "down", "To the choice below.", "Find", scope="filter", in_palette=False),
)  # fmt: skip
