"""Runs out to session files and in from them: what a store keeps, as the plain values of `interchange`, and back."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.interchange.session import Session, SessionRun, StoredEvent, Told, nobody
from workbench.store import RunHeader, RunRow, Store


async def runs_to_export(store: Store, run: str, *, forks: bool = False, told: Told = nobody) -> list[SessionRun]:
    """Return a run with everything that it needs to make sense elsewhere.

    That is its lineage, its caller, and the subagents of all these; with `forks` also what was forked from them.
    `told` hears of each run before it is read, and may raise to give up.
    """
    rows = {row.id: row for row in await store.runs(hidden=True)}
    wanted: dict[str, None] = {}
    waiting = [run]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted[name] = None
            waiting += _beside(rows, rows[name], forks=forks)
    read: list[SessionRun] = []
    for name in wanted:
        told(len(read), len(wanted))
        read.append(await session_run(store, rows[name]))
    return read


def _beside(rows: Mapping[str, RunRow], row: RunRow, *, forks: bool) -> list[str]:
    """Return the runs that go wherever this one goes."""
    above = [name for name in (row.parent, row.caller_run) if name is not None]
    below = [
        other.id
        for other in rows.values()
        if other.caller_run == row.id or (forks and row.id in (other.parent, other.made_from))
    ]
    return [*above, *below]


async def session_run(store: Store, header: RunRow | RunHeader) -> SessionRun:
    """Return one run with its own events as they are stored."""
    events = [StoredEvent(*event) for event in await store.raw(header.id)]
    return SessionRun(
        id=header.id,
        root=header.root,
        created=header.created,
        parent=header.parent,
        cut=header.cut,
        made_from=header.made_from,
        caller_run=header.caller_run,
        caller_call=header.caller_call,
        depth=header.depth,
        events=events,
    )


async def import_session(store: Store, session: Session, source: str, told: Told = nobody) -> int:
    """Take in the runs of a session file, all or none; return how many were new here."""
    runs = [
        (
            RunHeader(
                id=run.id,
                root=run.root,
                created=run.created,
                parent=run.parent,
                cut=run.cut,
                made_from=run.made_from,
                caller_run=run.caller_run,
                caller_call=run.caller_call,
                depth=run.depth,
            ),
            run.events,
        )
        for run in session.runs
    ]
    return await store.import_runs(runs, source, told)
