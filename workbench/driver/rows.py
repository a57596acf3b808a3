"""The list of runs, as fresh as the log, without folding the same events twice.

The store keeps a summary of each run; this is what happens to those that fell behind. A run that this process drives
has its state in memory. One that another process drives is folded on from where it was folded last. Any other is
folded once, and its summary kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from workbench.driver.summary import as_shown, summarise
from workbench.state.fold import apply, fold
from workbench.state.run_state import RunState
from workbench.store import RunRow, RunSummary

if TYPE_CHECKING:
    from workbench.driver.session import Session

_FOLDED = tuple(field.name for field in fields(RunSummary) if field.name != "run")


class Rows:
    """Reads the list for whoever asks."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._followed: dict[str, RunState] = {}
        """States of the runs that other processes move, as of when the list was last read."""
        self._reading = asyncio.Lock()

    async def listed(self, *, hidden: bool = False, limit: int | None = None, also: Sequence[str] = ()) -> list[RunRow]:
        """Return a row for every run, newest first; `limit` and `also` as for `Store.runs`."""
        async with self._reading:  # else two would fold the same events into one state
            read = await self._session.store.runs(hidden=hidden, limit=limit, also=also)
            rows = [await self._fresh(row) if row.as_of_seq < row.last_seq else row for row in read]
            moving = {row.id for row in read if row.live}
            self._followed = {run: state for run, state in self._followed.items() if run in moving}
        return [as_shown(row) for row in rows]

    async def _fresh(self, row: RunRow) -> RunRow:
        """Return a row as of the last event of its run."""
        live = self._session.live.get(row.id)
        if live is not None:
            return _with(row, summarise(row.id, live.state))
        if row.live:
            return _with(row, summarise(row.id, await self._follow(row.id)))
        summary = summarise(row.id, fold(await self._session.store.read(row.id)))
        await self._session.store.save_row(summary)
        return _with(row, summary)

    async def _follow(self, run: str) -> RunState:
        known = self._followed.get(run)
        if known is None:
            known = fold(await self._session.store.read(run))
        else:
            for record in await self._session.store.read(run, after=known.seq):
                apply(known, record)
        self._followed[run] = known
        return known


def _with(row: RunRow, summary: RunSummary) -> RunRow:
    return replace(row, **{name: getattr(summary, name) for name in _FOLDED})
