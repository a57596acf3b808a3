"""What the tests of the store share: events that are quick to make, and a hand that writes whole runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from workbench.events.agent import AgentRecord
from workbench.events.base import Event, Recorded
from workbench.events.call import CallFinished, CallStarted
from workbench.events.codec import result_fields
from workbench.events.content import text_content
from workbench.events.run import Caller, RunForked, RunStarted
from workbench.events.turn import TurnText
from workbench.store import Batch, Durability, RunHeader, Store

T = TypeVar("T")


def started(task: str = "What is a lock?", caller: Caller | None = None) -> RunStarted:
    """Return the first event of a run."""
    agent = AgentRecord(instructions="Answer.", model="scripted")
    return RunStarted(task=text_content(task), agent=agent, date="2026-01-01", caller=caller)


def said(text: str) -> TurnText:
    """Return the smallest event there is, told apart by its text."""
    return TurnText(step=0, attempt=0, text=text)


def called(call: str = "0.0") -> CallStarted:
    """Return the start of a call."""
    return CallStarted(call=call, tool="look", input={"word": "lock"}, effect="read_only", permission="allow")


def found(text: str, call: str = "0.0") -> CallFinished:
    """Return the end of a call with `text` as its result."""
    return CallFinished(call=call, outcome="ok", elapsed=0.1, **result_fields(text_content(text), is_error=False))


def texts(records: list[Recorded]) -> list[str]:
    """Return what the `said` events among `records` say."""
    return [record.event.text for record in records if isinstance(record.event, TurnText)]


class Hand:
    """Writes runs into a store and keeps their seqs, headers and tokens."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.tokens: dict[str, int] = {}
        self.next: dict[str, int] = {}
        self.roots: dict[str, str] = {}

    async def run(self, run: str, *events: Event) -> None:
        """Start a run and append `events` after its first one."""
        await self._begin(RunHeader(run, run, 1.0), (started(), *events))

    async def fork(self, run: str, parent: str, cut: int, *events: Event, made_from: str | None = None) -> None:
        """Fork the run that owns the event at `cut`, and append `events` after `run_forked`."""
        made_from = made_from or parent
        first = RunForked(parent=parent, cut=cut, made_from=made_from, address="end")
        header = RunHeader(run, run, 2.0, parent=parent, cut=cut, made_from=made_from)
        await self._begin(header, (first, *events))

    async def child(self, run: str, caller: str, call: str, *events: Event) -> None:
        """Start a subagent of `caller`."""
        root = self.roots[caller]
        header = RunHeader(run, root, 3.0, caller_run=caller, caller_call=call, depth=1)
        await self._begin(header, (started("Find it.", Caller(run=caller, call=call)), *events))

    async def add(self, run: str, *events: Event, durability: Durability = Durability.NORMAL) -> None:
        """Append to a run that was begun."""
        await self.store.append(self.batch(run, *events), durability=durability)

    def batch(self, run: str, *events: Event, header: RunHeader | None = None) -> Batch:
        """Return the next batch of a run, counting it as written."""
        first = self.next[run]
        self.next[run] = first + len(events)
        dated = tuple((100.0 + first + offset, event) for offset, event in enumerate(events))
        return Batch(run, first, dated, header=header, token=self.tokens[self.roots[run]])

    async def _begin(self, header: RunHeader, events: tuple[Event, ...]) -> None:
        self.roots[header.id] = header.root
        self.next[header.id] = header.first_seq
        if header.root not in self.tokens:
            self.tokens[header.root] = await self.store.acquire(header.root)
        await self.store.append(self.batch(header.id, *events, header=header))


def beside(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Do `work` on the database with a connection of its own, as another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return work(connection)


def serious(found: list[str]) -> list[str]:
    """Return what a check found that is wrong with the log itself.

    But for SQLite's version, what a killed process left beside the file, and rows of lists, which are folded again.
    """
    harmless = ("SQLite ", "was left behind", "listing the runs brings it up")
    return [line for line in found if not any(words in line for words in harmless)]


def one(path: Path, query: str, *values: object) -> object:
    """Return the first column of the first row that `query` finds."""
    return beside(path, lambda connection: connection.execute(query, values).fetchone()[0])
