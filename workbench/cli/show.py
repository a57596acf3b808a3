"""`workbench show`: print a run."""

from __future__ import annotations

import argparse

from workbench.cli.paper import out
from workbench.cli.reading import read_run, with_store
from workbench.cli.workplace import find_workplace
from workbench.views.show import run_document, show_lines


def execute(args: argparse.Namespace) -> int:
    """Print the run as it stands in the log."""
    place = find_workplace(args)
    reading = with_store(place.database, lambda store: read_run(store, args.run))
    paper, state = out(), reading.history.live
    if args.json:
        paper.json(run_document(state, reading.contents, crashed=reading.crashed), indent=2)
    else:
        paper.lines(show_lines(state, reading.contents, paper.width, crashed=reading.crashed))
    return 0
