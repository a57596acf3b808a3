"""`workbench open`: show a run, or what a session file holds; nothing goes on by it."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli.import_ import take_in
from workbench.cli.paper import out
from workbench.cli.reading import read_run, with_store
from workbench.cli.screen import show_screen
from workbench.cli.workplace import find_workplace, on_screen
from workbench.debugger.address import find_cut, parse_address
from workbench.views.show import show_lines

_FILE_ENDINGS = (".jsonl", ".json", ".gz")


def execute(args: argparse.Namespace) -> int:
    """Open the run on the screen, or print it where there is no terminal."""
    place = find_workplace(args)
    target = args.target
    if _is_file(target):
        _, target = take_in(place, Path(target).expanduser())
    reading = with_store(place.database, lambda store: read_run(store, target))
    state, crashed = reading.history.live, reading.crashed
    if args.at is not None:
        state = find_cut(reading.history, parse_address(args.at)).state
        crashed = False
    if on_screen(args):
        return show_screen(place, first=lambda _: reading.history.live.run, at=args.at)
    paper = out()
    paper.lines(show_lines(state, reading.contents, paper.width, crashed=crashed))
    return 0


def _is_file(target: str) -> bool:
    """Whether a person means a file: runs have no such names."""
    return "/" in target or "\\" in target or target.endswith(_FILE_ENDINGS) or Path(target).is_file()
