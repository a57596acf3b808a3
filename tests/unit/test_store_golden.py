"""The golden database of the first version opens and reads as it did when it was made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.golden.make_golden import CHILD, DATABASE, FORK, IMPORTED, LINES, MAIN, lines
from workbench.clock import ManualClock
from workbench.events.base import Event
from workbench.events.call import ResultEvent
from workbench.events.codec import RunEvent, UnknownEvent, parse_event
from workbench.store import Store

LATER = {"tools_switched", "subagents_settled"}
"""Kinds that came after it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a copy of the golden database."""
    path = Path(shutil.copy(DATABASE, tmp_path))
    path.chmod(0o600)
    return path


def written() -> dict[str, list[Event]]:
    """Return the events of each run as the golden lines have them."""
    found: dict[str, list[Event]] = {}
    for line in LINES.read_text(encoding="utf-8").splitlines():
        place, _, text = line.partition(',"event":')
        found.setdefault(json.loads(f"{place}}}")["run"], []).append(parse_event(text[:-1]))
    return found


async def test_every_byte_of_every_event_is_as_it_was(path: Path) -> None:
    """What is stored comes out as the lines that were written beside the database."""
    async with await Store.open(path, clock=ManualClock()) as store:
        assert await lines(store) == LINES.read_text(encoding="utf-8")


async def test_heads_and_bodies_are_read_as_they_were(path: Path) -> None:
    """Reading with and without bodies gives the events of the lines, with and without their results."""
    async with await Store.open(path, clock=ManualClock()) as store:
        for run, expected in written().items():
            own = [record for record in await store.read(run, bodies=True) if record.run == run]
            assert [record.event for record in own] == expected
            for record, event in zip(await store.read(run, after=own[0].seq - 1), expected, strict=True):
                result = event.result if isinstance(event, ResultEvent) else ()
                if not isinstance(event, UnknownEvent):
                    assert await store.body(run, record.seq) == result
                    assert record.event == event.model_copy(update={"result": ()} if result else {})


async def test_the_runs_hang_together_as_they_did(path: Path) -> None:
    """Lineage, subagents, marks and names are those that were written."""
    async with await Store.open(path, clock=ManualClock()) as store:
        rows = {row.id: row for row in await store.runs(hidden=True)}
        assert set(rows) == {MAIN, CHILD, FORK, IMPORTED}
        assert [part.run for part in await store.lineage(FORK)] == [MAIN, FORK]
        assert [child.id for child in await store.children(MAIN)] == [CHILD]
        assert (rows[MAIN].name, rows[MAIN].note, rows[MAIN].tags) == ("context managers", "look at 1.0", ("golden",))
        assert rows[FORK].marked
        assert rows[IMPORTED].hidden
        assert rows[IMPORTED].imported
        assert not any(row.live for row in rows.values())
        assert [line for line in await store.check() if not line.startswith("SQLite ")] == []


async def test_an_old_run_can_be_driven_on(path: Path) -> None:
    """Leases and appends work on the golden database as on a new one."""
    async with await Store.open(path, clock=ManualClock()) as store:
        assert await store.acquire(FORK) == 2


LATER = {"tools_switched", "answer_refused", "subagents_settled"}
"""Kinds that are newer than the golden database."""


def test_no_kind_is_missing() -> None:
    """The golden database holds every kind that could stand in a log when it was made, and one that nobody knows."""
    kinds = {event.kind for events in written().values() for event in events}
    known = {str(model.model_fields["kind"].default) for model in RunEvent.__args__}
    assert kinds == known - LATER | {"dreamt_of"}
