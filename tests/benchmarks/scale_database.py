"""A database of many runs and of a given size, made as quickly as the disk takes it.

The rows are those that the store inserts (`workbench.store.append`), made once and given to run after run with results
of its own; only the leases, the group commits and the sync of each step are left out.
"""

from __future__ import annotations

import random
import re
import sqlite3
import string
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.benchmarks.bench_store import RESULT_BYTES, step_events
from workbench.agent.spec import AgentSpec
from workbench.clock import SystemClock
from workbench.driver.summary import summarise
from workbench.events.base import Event
from workbench.events.codec import body_json, head_json
from workbench.events.content import text_content
from workbench.events.run import RunFinished, RunStarted
from workbench.state.fold import fold
from workbench.store import RunHeader, RunSummary
from workbench.store.append import EventRow, event_row, insert_header, insert_rows
from workbench.store.opening import PAGE_SIZE, make, set_wal
from workbench.store.projection import save
from workbench.store.reader import recorded

FORK_EVERY, IN_ONE_COMMIT = 10, 50
LENGTHS = (10, 15, 20, 25, 30)
"""Steps of the runs, in turns."""
WORDS = re.findall(
    r"\w+",
    "rate limit token bucket queue retry window server client answer question index search page cache memory thread "
    "signal error result value method function module import return async await context manager iterator generator",
)
_RANDOM = random.Random(11)
_POOL = 2**21
_LETTERS = "".join(_RANDOM.choices(f"{string.ascii_letters}{string.digits}+/  ", k=_POOL))
_WORDS = " ".join(_RANDOM.choices(WORDS, k=_POOL // 4))[:_POOL]


def fill(path: Path, runs: int, size: int) -> int:
    """Make a database of `runs` runs at `path`, of at least `size` bytes; return the number of its events.

    Every other result is words, the others letters by chance, which do not compress; every tenth run is a fork. How
    long the results are follows from what is still missing of the size.
    """
    make(path, SystemClock())
    events = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        set_wal(connection)
        connection.execute("PRAGMA synchronous=OFF")
        length = size // runs // (sum(LENGTHS) // len(LENGTHS) * 4)
        for start in range(0, runs, IN_ONE_COMMIT):
            before = pages(connection)
            connection.execute("BEGIN IMMEDIATE")
            for number in range(start, min(start + IN_ONE_COMMIT, runs)):
                events += _insert_run(connection, number, length)
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            grown = pages(connection) - before
            left = max(runs - start - IN_ONE_COMMIT, 1) / IN_ONE_COMMIT
            wanted = max(0, size * 1.01 - pages(connection)) / left
            length = max(100, int(length * min(2.0, max(0.5, wanted / max(grown, 1)))))
    return events


def run_id(number: int) -> str:
    """Return the id of a run of the database."""
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"


def pages(connection: sqlite3.Connection) -> int:
    """Return the bytes of the database."""
    return int(connection.execute("PRAGMA page_count").fetchone()[0]) * PAGE_SIZE


def _insert_run(connection: sqlite3.Connection, number: int, length: int) -> int:
    run, at = run_id(number), 1_700_000_000.0 + number * 60
    if number % FORK_EVERY == FORK_EVERY - 1:
        header = RunHeader(run, run, at, parent=run_id(number - 1), cut=_CUT, made_from=run_id(number - 1))
        rows = _numbered(run, _CUT + 1, at, [*_steps(range(1, 6), length), _last(6, number)])
    else:
        steps = LENGTHS[number % len(LENGTHS)]
        header = RunHeader(run, run, at)
        rows = _numbered(run, 0, at, [_first(number), *_steps(range(steps), length), _last(steps, number)])
    insert_header(connection, header)
    insert_rows(connection, rows)
    save(connection, replace(_summary(LENGTHS[number % len(LENGTHS)]), run=run, as_of_seq=rows[-1].seq, updated=at))
    return len(rows)


def _numbered(run: str, first: int, at: float, rows: list[EventRow]) -> list[EventRow]:
    return [row._replace(run=run, seq=seq, at=at + seq * 0.01) for seq, row in enumerate(rows, first)]


def _steps(steps: range, length: int) -> Iterator[EventRow]:
    for step in steps:
        for row in _step(step):
            yield row if row.body is None else _with_result(row, _text(length))


def _with_result(row: EventRow, text: str) -> EventRow:
    head = row.head.replace(f'"size":{RESULT_BYTES}', f'"size":{len(text)}')
    return row._replace(size=len(text), head=head, body=f'[{{"type":"text","text":"{text}"}}]')


def _row(event: Event) -> EventRow:
    return event_row("", 0, 0.0, event, head_json(event), body_json(event))


@cache
def _step(step: int) -> tuple[EventRow, ...]:
    return tuple(_row(event) for batch in step_events(step) for event in batch)


_CUT = len(_step(0))
"""Seq of the last event of the first step."""


def _first(number: int) -> EventRow:
    subject = f"{WORDS[number % len(WORDS)]} of {WORDS[number // len(WORDS) % len(WORDS)]}"
    task = text_content(f"Question {number}: what is the {subject}, and when is it used?")
    return _row(RunStarted(task=task, agent=_AGENT, date="2026-01-01"))


def _last(steps: int, number: int) -> EventRow:
    answer = f"Answer {number} after {steps} steps: {' '.join(_RANDOM.choices(WORDS, k=40))}"
    return _row(RunFinished(status="completed", reason="answered", answer=answer))


_AGENT = AgentSpec().record()


@cache
def _summary(steps: int) -> RunSummary:
    rows = _numbered("x", 0, 0.0, [_first(0), *_steps(range(steps), 100), _last(steps, 0)])
    return summarise("x", fold(recorded("x", [(row.seq, row.at, row.kind, row.head) for row in rows])))


def _text(length: int) -> str:
    """Return a result of about `length` characters out of one of the pools, and never the same."""
    size = int(length * _RANDOM.uniform(0.2, 1.8))
    pool = _WORDS if _RANDOM.random() < 0.5 else _LETTERS
    start = _RANDOM.randrange(_POOL - size)
    return pool[start : start + size]
