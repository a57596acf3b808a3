"""Comparing two runs."""

from __future__ import annotations

from typing import Final

from workbench.tui import context as why
from workbench.tui.action import Action

ACTIONS: Final = (
    Action("compare", ("c",), "compare", "Compare with the run it was forked from, the one under the cursor of the "
           "list, or another.", "Compare", refusal=why.needs_run, rank=45),
    Action("next_difference", ("n",), "next", "Go to the next difference.", "Compare", scope="compare", rank=10,
           shown="n N"),
    Action("previous_difference", ("N",), "before", "Go to the difference before.", "Compare", scope="compare"),
    Action("open_difference", ("enter",), "details", "Show both sides of what the cursor is on; unfold what is the "
           "same.", "Compare", scope="compare", rank=20),
    Action("side_a", ("left",), "side", "Take side a, to open it.", "Compare", scope="compare", rank=50,
           shown="← →"),
    Action("side_b", ("right",), "side b", "Take side b, to open it.", "Compare", scope="compare"),
    Action("open_side", ("o",), "open", "Open the side with the sign in the main screen.", "Compare", scope="compare",
           rank=40),
    Action("compare_other", ("c",), "another run", "Compare with another run instead.", "Compare", scope="compare",
           rank=30),
    Action("figures", ("T",), "table", "Show or hide the table of steps, calls, tokens, cost, time and errors.",
           "Compare", scope="compare", rank=60),
    Action("copy_comparison", ("y",), "copy", "Copy the comparison as text.", "Compare", scope="compare", rank=70),
    Action("leave_comparison", ("escape",), "back", "Back to where you were.", "Compare", scope="compare", rank=90),
)  # fmt: skip
