"""The way from a subagent back: there at any width, and every cell of it leads where it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import child_log, subagents_run
from tests.tui.fake_driver import row_of
from workbench.views.breadcrumb import Crumb, breadcrumb
from workbench.views.segments import line_text
from workbench.views.status import crumb_at, status_line

PARENT, (CHILD, _) = subagents_run()


def test_a_root_run_has_no_way_back() -> None:
    """Only subagents have somebody above."""
    assert breadcrumb(PARENT.state, [row_of(PARENT)]) == []


def test_the_way_goes_up_to_the_root() -> None:
    """A subagent of a subagent names both, the root first; a run that is not listed is named by its id."""
    grandchild = child_log(CHILD.run, "2.1", "c" * 16, "a question of detail")
    rows = [row_of(log) for log in (PARENT, CHILD, grandchild)]
    crumbs = breadcrumb(grandchild.state, rows)
    assert [(crumb.run, crumb.call) for crumb in crumbs] == [(PARENT.run, "0.0"), (CHILD.run, "2.1")]
    assert crumbs[0].task == PARENT.state.task
    assert breadcrumb(CHILD.state, [])[0].task == f"run {PARENT.run[:8]}"
    line = line_text(status_line(grandchild.state, 150, None, crumbs))
    assert "› call 0.0 › " in line
    assert "› call 2.1 › subagent: a question" in line


def test_the_way_ends_with_the_task_alone() -> None:
    """What every subagent is told behind its task is not a part of its name."""
    child = child_log(PARENT.run, "0.0", "d" * 16, "Count the ships\n\nYou work on this one task for another agent.")
    line = line_text(status_line(child.state, 200, None, breadcrumb(child.state, [row_of(PARENT)])))
    assert "subagent: Count the ships " in line
    assert "another agent" not in line


@given(st.integers(10, 200), st.text("ab \x1b界", max_size=60))
def test_the_line_fits_and_leads_back(width: int, task: str) -> None:
    """However narrow, whatever the tasks; a click on the first cells leads to the root, one on the status nowhere."""
    crumbs = [Crumb("r" * 16, "0.0", task), Crumb("s" * 16, "1.2", task)]
    line = line_text(status_line(CHILD.state, width, None, crumbs))
    assert cell_len(line) == width
    if "⌫" in line:
        assert crumb_at(CHILD.state, width, crumbs, 1) == crumbs[0]
        assert crumb_at(CHILD.state, width, crumbs, 10_000) is None
        at = line.find("call 1.2")
        assert at < 0 or crumb_at(CHILD.state, width, crumbs, cell_len(line[:at])) == crumbs[1]
