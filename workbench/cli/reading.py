"""Runs read from the database without driving anything: for the commands that only look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from workbench.clock import SystemClock
from workbench.driver.summary import as_shown, summarise
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.store import RunRow, Store
from workbench.views.show import Contents, result_refs

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """A run as it stands in the log."""

    history: History
    contents: Contents
    crashed: bool
    """It was going on when whoever drove it died."""


def with_store(database: Path, work: Callable[[Store], Awaitable[T]], *, write: bool = False) -> T:
    """Open the database, do `work` with it, and close it."""

    async def opened() -> T:
        async with await Store.open(database, clock=SystemClock(), read_only=not write) as store:
            return await work(store)

    return asyncio.run(opened())


async def read_run(store: Store, name: str) -> Reading:
    """Return the run that a person means by `name`, with all its results; raises `RunNotFoundError` and its like."""
    run = await store.resolve(name)
    history = History(await store.read(run))
    header = await store.header(run)
    holder = await store.holder(header.root)
    contents = await store.bodies(result_refs([history.live]))
    crashed = holder is None and not header.imported and not history.live.is_resting
    return Reading(history, contents, crashed)


async def fresh_rows(store: Store, *, hidden: bool) -> list[RunRow]:
    """Return the list of runs, newest first; summaries that are behind their log are folded again, in memory."""
    rows = []
    for row in await store.runs(hidden=hidden):
        if row.as_of_seq < row.last_seq:
            summary = summarise(row.id, fold(await store.read(row.id)))
            facts = {field.name: getattr(summary, field.name) for field in fields(summary) if field.name != "run"}
            rows.append(as_shown(replace(row, **facts)))
        else:
            rows.append(as_shown(row))
    return rows
