"""The library log: what people say about runs, apart from the runs themselves; append-only like them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from workbench.events.codec import head_json, parse_event
from workbench.events.library import (
    LibraryEvent,
    RunHidden,
    RunJudged,
    RunMarked,
    RunNamed,
    RunNoted,
    RunRaced,
    RunTagged,
)
from workbench.store.model import LibraryEntry
from workbench.store.reader import header_of

# The list of what is wanted comes first, so that SQLite looks each of it up.
_HEADS = """
SELECT l.head FROM json_each(:runs) AS wanted CROSS JOIN library AS l ON l.run = wanted.value ORDER BY l.id
"""


@dataclass(frozen=True, slots=True)
class Remarks:
    """What the library log says of one run, all entries told."""

    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    marked: bool = False
    hidden: bool = False
    race: str = ""
    variant: str = ""
    checks: tuple[str, ...] = ()
    passed: bool | None = None
    why: str = ""
    judges: tuple[str, ...] = ()
    is_judged: bool = False


def append_entry(connection: sqlite3.Connection, event: LibraryEvent, at: float) -> None:
    """Append an entry; the run it speaks of must exist."""
    header_of(connection, event.run)
    connection.execute(
        "INSERT INTO library (run, kind, at, head) VALUES (?, ?, ?, ?)", (event.run, event.kind, at, head_json(event))
    )


def append_entries(connection: sqlite3.Connection, events: Iterable[LibraryEvent], at: float) -> None:
    """Append entries in one transaction of the caller's."""
    for event in events:
        append_entry(connection, event, at)


def entries(connection: sqlite3.Connection) -> list[LibraryEntry]:
    """Return all entries, oldest first."""
    rows = connection.execute("SELECT at, head FROM library ORDER BY id").fetchall()
    return [LibraryEntry(at, parse_event(head)) for at, head in rows]


def remarks(connection: sqlite3.Connection, runs: str) -> dict[str, Remarks]:
    """Return what holds of those of `runs`, a JSON array of ids, that the log speaks of."""
    found: dict[str, Remarks] = {}
    for (head,) in connection.execute(_HEADS, {"runs": runs}).fetchall():
        event = parse_event(head)
        if isinstance(event, LibraryEvent):
            found[event.run] = _after(found.get(event.run, Remarks()), event)
    return found


def labelled(connection: sqlite3.Connection) -> list[str]:
    """Return the runs that people said words about, whether these still hold or not."""
    said = (
        "SELECT run FROM library WHERE kind IN ('run_named', 'run_tagged', 'run_noted') GROUP BY run ORDER BY min(id)"
    )
    return [run for (run,) in connection.execute(said).fetchall()]


def hidden_runs(connection: sqlite3.Connection) -> set[str]:
    """Return the runs that lists leave out: hidden ones, and the subagents of hidden ones."""
    rows = connection.execute("SELECT run, head FROM library WHERE kind = 'run_hidden' ORDER BY id").fetchall()
    said = {run: json.loads(head)["hidden"] for run, head in rows}
    hidden = {run for run, is_hidden in said.items() if is_hidden}
    if not hidden:
        return hidden
    return {
        run
        for run, root in connection.execute("SELECT id, root FROM runs").fetchall()
        if run in hidden or root in hidden
    }


def _after(before: Remarks, event: LibraryEvent) -> Remarks:
    match event:
        case RunNamed():
            return replace(before, name=event.name)
        case RunNoted():
            return replace(before, note=event.note)
        case RunTagged():
            return replace(before, tags=event.tags)
        case RunMarked():
            return replace(before, marked=event.marked)
        case RunHidden():
            return replace(before, hidden=event.hidden)
        case RunRaced():
            return replace(before, race=event.race, variant=event.variant, checks=event.checks)
        case RunJudged():
            return replace(before, passed=event.passed, why=event.why, judges=event.judges, is_judged=True)
        case _:
            return before
