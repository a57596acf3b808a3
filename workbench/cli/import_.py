"""`workbench import`: take in the runs of a session file."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli.paper import err, out
from workbench.cli.reading import with_store
from workbench.cli.workplace import Workplace, find_workplace
from workbench.driver.transfer import import_session
from workbench.errors import SessionFileError
from workbench.interchange.session_file import read_session
from workbench.views.show import short


def execute(args: argparse.Namespace) -> int:
    """Import the file, and say what came of it."""
    place = find_workplace(args)
    new, newest = take_in(place, Path(args.file).expanduser())
    paper = out()
    if new:
        paper.say(
            f"{new} {'run is' if new == 1 else 'runs are'} new. Look with: {place.command('open', short(newest))}"
        )
    else:
        paper.say("Nothing is new: every run of this file is here already.")
    return 0


def take_in(place: Workplace, path: Path) -> tuple[int, str]:
    """Import a session file; return how many runs were new, and the run to look at first.

    Raises `SessionFileError` for a file that cannot be used and `ImportRefusedError` for one that contradicts what is
    here; then nothing was imported.
    """
    session = read_session(path)
    notes = err()
    for note in session.notes:
        notes.say(f"workbench: {note}", "waiting")
    newest = session.newest
    if newest is None:
        raise SessionFileError(f"the session file {str(path)!r} holds no whole run; nothing was imported")
    new = with_store(place.database, lambda store: import_session(store, session, path.name), write=True)
    return new, newest.id
