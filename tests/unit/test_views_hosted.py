"""What runs at the provider, as people see it: in lanes of its own, marked so, and with no key that could change it."""

from __future__ import annotations

import pytest

from tests.builders import searched_run
from tests.tui.kit import driven, select, stage
from workbench.debugger.metrics import Meter
from workbench.events.base import Recorded
from workbench.events.turn import TurnDiscarded
from workbench.state.fold import apply, fold
from workbench.tui.dialogs.fork import ForkDialog
from workbench.tui.widgets.field import Field
from workbench.views.playhead import call_p95
from workbench.views.segments import line_text
from workbench.views.selection import Selection
from workbench.views.timeline import TimelineLayout

SEARCH = Selection("call", step=0, call="0.0")


def drawn(width: int, cut: int | None = None) -> str:
    """Return the timeline of the run, or of its beginning."""
    log = searched_run()
    layout = TimelineLayout(width)
    layout.update(fold(log.records[:cut]), now=None if cut is None else log.records[cut - 1].at + 0.5)
    return "\n".join(line_text(layout.line(y)) for y in range(layout.height))


@pytest.mark.parametrize("width", [60, 120])
def test_lanes_say_that_the_provider_runs_them(width: int) -> None:
    """Beside the run's own calls, told apart from them in the lane and in the line above."""
    text = drawn(width)
    assert "1 call 180 ms · 1 call at the provider" in text
    assert "web_search ✓ 1.2 s ↑" in text
    assert "pgbouncer pools" in text
    assert "PgBouncer — https" in text
    assert "results," not in text


def test_the_search_is_seen_while_it_runs() -> None:
    """The lane is there before the turn is finished, and counts."""
    log = searched_run()
    started = next(number for number, record in enumerate(log.records) if record.event.kind == "call_started")
    text = drawn(120, started + 1)
    assert "1 call at the provider" in text
    assert "500 ms ↑" in text


def test_its_time_is_the_turns() -> None:
    """Latencies of tools measure what runs here."""
    meter = Meter()
    for record in searched_run().records:
        meter.take(record)
    assert set(meter.figures.tools) == {"fetch_doc", "submit_answer"}
    assert max(meter.figures.calls) < 1.0
    assert (call_p95(searched_run().state) or 0.0) < 1.0


@pytest.mark.parametrize("key", ["e", "E", "r", "x", "a", "+"])
async def test_no_key_changes_it(key: str) -> None:
    """Each says why, and what can be done instead; no dialog opens."""
    log = searched_run()
    async with stage(driven(log), size=(150, 40)) as acted:
        await select(acted, SEARCH)
        await acted.press(key)
        await acted.until(lambda: any("The provider ran this" in notice for notice in acted.notices))
        assert acted.dialog is acted.main


async def test_a_fork_from_it_begins_before_its_turn() -> None:
    """A place inside of a turn is none; the nearest one before it is meant."""
    log = searched_run()
    async with stage(driven(log), size=(150, 40)) as acted:
        await select(acted, SEARCH)
        await acted.press("f")
        dialog = await acted.opens(ForkDialog)
        assert dialog.query_one("#place", Field).value == "0"


def test_what_was_found_for_a_turn_that_broke_can_still_be_read() -> None:
    """The lane is given up with its turn, and keeps what it found."""
    log = searched_run()
    finished = next(number for number, record in enumerate(log.records) if record.event.kind == "call_finished")
    state = fold(log.records[: finished + 1])
    last = log.records[finished]
    broken = TurnDiscarded(step=0, attempt=0, reason="broken: gone")
    apply(state, Recorded(last.run, last.seq + 1, last.at, broken))
    layout = TimelineLayout(120)
    layout.update(state)
    text = "\n".join(line_text(layout.line(y)) for y in range(layout.height))
    assert "1 given up at the provider" in text
    assert "PgBouncer — https" in text
