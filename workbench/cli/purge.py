"""`workbench purge`: remove hidden runs for good."""

from __future__ import annotations

import argparse

from workbench.cli.paper import Paper, out
from workbench.cli.reading import with_store
from workbench.cli.workplace import find_workplace, has_terminal
from workbench.errors import UserError
from workbench.store import RunRow
from workbench.views.show import short
from workbench.views.text import counted, human_bytes, one_line


def execute(args: argparse.Namespace) -> int:
    """Say what would go, ask, and remove it."""
    place = find_workplace(args)
    rows = with_store(place.database, lambda store: store.runs(hidden=True))
    hidden = [row for row in rows if row.hidden]
    paper = out()
    if not hidden:
        paper.say(f"No run is hidden, so nothing is removed. Hide one with: {place.command('runs', '--hide', 'RUN')}")
        return 0
    _tell(hidden, paper)
    if not args.yes and not _is_agreed(len(hidden)):
        paper.say("Nothing was removed.")
        return 0
    report = with_store(place.database, lambda store: store.purge(), write=True)
    saved = human_bytes(max(0, report.bytes_before - report.bytes_after))
    paper.say(f"{counted(len(report.removed), 'run')} removed, {saved} freed.")
    if report.kept:
        names = ", ".join(map(short, report.kept))
        paper.say(f"{counted(len(report.kept), 'run')} stayed hidden, because a visible fork reads from them: {names}")
    return 0


def _tell(hidden: list[RunRow], paper: Paper) -> None:
    paper.say(f"{counted(len(hidden), 'run')} hidden; those that no visible fork reads from are removed for good:")
    for row in hidden:
        paper.say(f"  {short(row.id)}  {one_line(row.task, paper.width - 12)}", "muted")


def _is_agreed(count: int) -> bool:
    if not has_terminal():
        raise UserError("removing runs for good needs a yes; without a terminal say it with --yes")
    answer = input(f"Remove {counted(count, 'run')} for good? [y/N] ")
    return answer.strip().lower() in ("y", "yes")
