"""`workbench diff`: compare two runs."""

from __future__ import annotations

import argparse

from workbench.cli.paper import out
from workbench.cli.reading import Reading, read_run, with_store
from workbench.cli.workplace import find_workplace
from workbench.debugger.align import digest_of
from workbench.debugger.divergence import Comparer
from workbench.store import Store
from workbench.views.diff import Side, diff_document, diff_lines


def execute(args: argparse.Namespace) -> int:
    """Print where the two diverged and why, and what differs."""
    place = find_workplace(args)

    async def both(store: Store) -> tuple[Reading, Reading]:
        return await read_run(store, args.a), await read_run(store, args.b)

    one, two = with_store(place.database, both)
    a, b = Side(one.history.live, one.contents), Side(two.history.live, two.contents)
    digests = {ref: digest_of(content) for side in (a, b) for ref, content in side.contents.items()}
    comparison, paper = Comparer(one.history, two.history).compare(digests), out()
    if args.json:
        paper.json(diff_document(a, b, comparison), indent=2)
    else:
        paper.lines(diff_lines(a, b, comparison, paper.width))
    return 0
