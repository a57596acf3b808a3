"""`workbench export`: write a run as a session file."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli.paper import err, out
from workbench.cli.reading import with_store
from workbench.cli.workplace import find_workplace
from workbench.driver.transfer import runs_to_export
from workbench.interchange.recorder import write_session
from workbench.interchange.session import LARGEST_FILE, MOST_EVENTS, MOST_RUNS, SessionRun, session_lines
from workbench.store import Store


def execute(args: argparse.Namespace) -> int:
    """Write the run with its lineage and subagents."""
    place = find_workplace(args)

    async def gathered(store: Store) -> list[SessionRun]:
        return await runs_to_export(store, await store.resolve(args.run), forks=args.forks)

    runs = with_store(place.database, gathered)
    if args.output == "-":
        paper = out()
        for line in session_lines(runs):
            paper.raw(line)
        return 0
    path = Path(args.output).expanduser()
    write_session(path, runs)
    events = sum(len(run.events) for run in runs)
    out().say(f"{path}: {len(runs)} runs, {events} events, {path.stat().st_size:,} bytes")
    if len(runs) > MOST_RUNS or events > MOST_EVENTS or path.stat().st_size > LARGEST_FILE:
        err().say("This is more than an import takes; export a smaller run to share it.", "waiting")
    return 0
