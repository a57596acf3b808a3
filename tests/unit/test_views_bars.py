"""The lines around the timeline: title, playhead, and the tree of runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import Call, RunLog, agent_record, child_log, live_run, researched_run, waiting_plan
from tests.strange import strange_text
from workbench.state.run_state import RunState
from workbench.store.model import RunRow
from workbench.views.playhead import Moment, call_p95, playhead_line
from workbench.views.run_tree import short_ids, tree_header, tree_rows
from workbench.views.segments import line_text
from workbench.views.status import status_line
from workbench.views.text import UNSAFE

ROW = RunRow(
    id="a4f7c2e19b305d68",
    root="a4f7c2e19b305d68",
    created=1.0,
    parent=None,
    cut=None,
    made_from=None,
    caller_run=None,
    caller_call=None,
    depth=0,
    imported=False,
    as_of_seq=9,
    task="How does transaction pooling interact with prepared statements?",
    model="offline",
    status="completed",
    reason="answered",
    steps=2,
    calls=4,
    errors=0,
    input_tokens=1_900,
    output_tokens=312,
    cost=0.004,
    total_tokens=2_212,
    elapsed=3.2,
    answer_line="In transaction pooling",
    edited="",
    address="",
    updated=5.0,
    last_seq=9,
)


def fork(run: str, made_from: str, created: float, **others: object) -> RunRow:
    """Return a fork of another row."""
    row = replace(ROW, id=run, parent=made_from, made_from=made_from, created=created)
    return replace(row, **others)  # type: ignore[arg-type]


def tree(*rows: RunRow, width: int = 60) -> list[str]:
    """Return the tree as text."""
    return [line_text(line).rstrip() for _, line in tree_rows(rows, width)]


def test_forks_stand_below_what_they_were_made_from() -> None:
    """The tree shows which run came from which, what was changed, and the newest question first."""
    rows = [
        ROW,
        fork("9c1e0b7744aa21d3", ROW.id, 2.0, edited="result 0.1", address="0.1"),
        fork("77d0aaaaaaaaaaaa", "9c1e0b7744aa21d3", 4.0, edited="model", address="end"),
        fork("3b52aaaaaaaaaaaa", ROW.id, 3.0, edited="plan", address="plan", status="thinking", live=True),
        replace(ROW, id="c" * 16, created=9.0, task="Which port?"),
    ]
    assert tree(*rows, width=40) == [
        "✓ cccc Which port?",
        "✓ a4f7 How does transaction pooling int…",
        "├ ✓ 9c1e ✎ result 0.1 at 0.1",
        "│ └ ✓ 77d0 ✎ model at end",
        "└ ⏵ 3b52 ✎ plan at plan",
    ]


def test_subagents_stand_below_their_caller() -> None:
    """A child is found under the run whose call it is."""
    child = replace(ROW, id="7" * 16, caller_run=ROW.id, caller_call="0.1", task="pool modes", created=2.0)
    assert tree(ROW, child, width=40)[1] == "└ ✓ 7777 ↳0.1 pool modes"


def test_a_wide_tree_has_figures() -> None:
    """Steps, tokens, cost and time of each run are compared at a glance, below their names."""
    heading, line = tree_header(90), tree(ROW, replace(ROW, id="b" * 16, steps=12, cost=None), width=90)
    assert heading is not None
    assert line_text(heading).endswith("steps   tokens     cost      time")
    assert line[0].endswith("    2    2.2 k   $0.004     3.2 s")
    assert line[1].endswith("   12    2.2 k        ?     3.2 s")
    assert tree_header(55) is None
    assert "$0.004" not in tree(ROW, width=55)[0]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (replace(ROW, status="thinking", reason=None, live=True), "⏵ a4f7"),
        (replace(ROW, status="thinking", reason=None, live=False, task="t"), "⏸ a4f7 t interrupted"),
        (replace(ROW, status="thinking", reason=None, imported=True), "⏵ a4f7"),
        (replace(ROW, status="interrupted", reason="step_limit", task="t"), "⏸ a4f7 t step limit"),
        (replace(ROW, status="awaiting_approval", reason="plan", live=True, task="t"), "⏸ a4f7 t plan to approve"),
        (replace(ROW, status="failed", reason="error", task="t"), "✗ a4f7 t error"),
        (replace(ROW, status="of the future"), "? a4f7"),
        (replace(ROW, name="the good one", marked=True), "✓ a4f7 ★ the good one"),
        (replace(ROW, task="t", note="n", tags=("x",)), "✓ a4f7 ≡# t"),
        (replace(ROW, task="t", hidden=True), "✓ a4f7 hidden t"),
    ],
)
def test_a_row_says_what_a_run_is_at(row: RunRow, words: str) -> None:
    """A run that nobody drives is interrupted, whatever its log says last; what waits is named."""
    assert tree(row)[0].startswith(words)


def test_a_fork_of_a_fork_of_a_fork_stays_readable() -> None:
    """However deep the tree, room is left for what a run is about."""
    rows = [ROW]
    for depth in range(60):
        rows.append(fork(f"{depth:04x}" + "f" * 12, rows[-1].id, 2.0 + depth, edited="result 0.1"))
    lines = tree(*rows, width=40)
    assert len(lines) == 61
    assert all("✎ result" in line for line in lines[1:])
    assert lines[-1].startswith("…")


def test_a_fork_of_a_run_that_is_not_listed_is_shown_all_the_same() -> None:
    """Hiding a parent does not hide its forks."""
    assert tree(fork("b" * 16, "hidden", 1.0, edited="plan"))[0].startswith("✓ bbbb ✎ plan")


@given(st.lists(st.text("0123456789abcdef", min_size=16, max_size=16), unique=True, max_size=30))
def test_short_ids_are_unique(ids: list[str]) -> None:
    """What is shown of an id is enough to name the run."""
    shorts = short_ids(ids)
    assert len(set(shorts.values())) == len(ids)
    for run, short in shorts.items():
        assert run.startswith(short)
        assert len(short) >= 4
        assert sum(other.startswith(short) for other in ids) == 1


def test_the_title_says_what_and_where() -> None:
    """Question, status and step are read without looking for them."""
    log = live_run(3)
    line = line_text(status_line(log.state, 120, log.at))
    assert line.startswith(" workbench · How does PgBouncer transaction pooling")
    assert line.endswith(" executing tools  step 1/10 ")
    waiting = line_text(status_line(waiting_plan().state, 120))
    assert waiting.endswith("⏸ waits for you: plan to approve ")


def test_the_status_stays_on_a_narrow_title() -> None:
    """It is the question that is cut, with a sign."""
    log = live_run(3)
    assert "…  " in line_text(status_line(log.state, 70))
    assert "executing tools" in line_text(status_line(log.state, 70))
    assert line_text(status_line(log.state, 36)).strip() == "⏵ executing tools  step 1/10"


def test_the_title_names_fallback_and_subagents() -> None:
    """That calls run one by one, and that a child is looked at, is always in view."""
    log = RunLog(agent=agent_record(plan="off"))
    log.sequential()
    assert "one by one after failures" in line_text(status_line(log.state, 120))
    child = child_log("a" * 16, "0.1", "b" * 16, "pool modes")
    assert " workbench · ↳ subagent · pool modes" in line_text(status_line(child.state, 120))


def test_the_playhead_stands_where_the_event_is() -> None:
    """From the first event to the last, the mark goes from end to end."""
    state = researched_run().state
    lines = [line_text(playhead_line(state, Moment(at, 40, True), 120)) for at in (0, 20, 40)]
    marks = [line.index("●") for line in lines]
    assert marks[0] == 2
    assert lines[0].startswith("◂ ●─")
    assert lines[2][marks[2] + 1 :].startswith(" event 40/40  3.1 k in · 344 out · $0.004 · p95 212 ms")
    assert marks[1] == pytest.approx((marks[0] + marks[2]) / 2, abs=1)


def test_the_playhead_keeps_its_place_on_a_narrow_screen() -> None:
    """The figures go one by one, the place stays."""
    state = researched_run().state
    line = line_text(playhead_line(state, Moment(7, 40), 40))
    assert "event 7/40" in line
    assert "3.1 k in" in line
    assert "p95" not in line


def test_the_percentile_looks_at_the_last_calls() -> None:
    """It is of calls, and of the recent ones."""
    log = RunLog(agent=agent_record(plan="off"))
    assert call_p95(log.state) is None
    for number in range(1, 101):
        log.step([Call("a", seconds=number / 100)])
    assert call_p95(log.state) == pytest.approx(0.95)


@given(st.integers(0, 50), st.integers(-1, 50), st.integers(1, 200), strange_text(60))
def test_every_line_fits(position: int, last: int, width: int, strange: str) -> None:
    """Lines around the timeline are exactly as wide as asked, whatever the question and the window."""
    log = RunLog(task=strange, agent=agent_record(plan="off"))
    row = replace(ROW, task=strange, name=strange[:1], edited=strange, address=strange, status=strange)
    lines = [
        playhead_line(log.state, Moment(position, last, True), width),
        playhead_line(None, Moment(position, last), width),
        status_line(log.state, width),
        status_line(None, width),
        status_line(RunState(), width),
        *(line for _, line in tree_rows([row, fork("b" * 16, row.id, 2.0, task=strange)], width)),
    ]
    for line in lines:
        assert cell_len(line_text(line)) == width
        assert not UNSAFE.search(line_text(line))
        assert "\n" not in line_text(line)
