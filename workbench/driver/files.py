"""Runs out to session files and in from them, as a person asks for it: with progress, and all or nothing."""

from __future__ import annotations

from pathlib import Path

from workbench.driver.commands import ExportedFile, ExportRun, ImportedFile, ImportFile
from workbench.driver.feed import RunsChanged
from workbench.driver.session import Session
from workbench.driver.transfer import import_session, runs_to_export
from workbench.driver.works import watched_thread
from workbench.errors import OverwriteRefusedError, SessionFileError
from workbench.interchange.recorder import write_session
from workbench.interchange.session import LARGEST_FILE, MOST_EVENTS, MOST_RUNS
from workbench.interchange.session_file import read_session


async def export_run(session: Session, command: ExportRun) -> ExportedFile:
    """Write a session file; whatever goes wrong, what was there before stays."""
    run = await session.store.resolve(command.run)
    path = _target(run, command)
    stopped = f"writing {path.name} was stopped; no file was written"
    with session.works.begin(f"writing {path.name}", given_up=stopped) as work:
        runs = await runs_to_export(session.store, run, forks=command.forks, told=work.tell)
        await watched_thread(work, lambda: write_session(path, runs, work.tell))
    events, size = sum(len(each.events) for each in runs), _size(path)
    is_too_large = len(runs) > MOST_RUNS or events > MOST_EVENTS or size > LARGEST_FILE
    return ExportedFile(str(path), len(runs), events, size, is_too_large)


async def import_file(session: Session, command: ImportFile) -> ImportedFile:
    """Take in a session file in one transaction, or nothing of it."""
    path = _named(command.path)
    stopped = f"importing {path.name} was stopped; nothing of it was taken in"
    with session.works.begin(f"reading {path.name} (kB)", given_up=stopped) as work:
        read = await watched_thread(work, lambda: read_session(path, work.tell))
        if read.newest is None:
            raise SessionFileError(f"the session file {str(path)!r} holds no whole run; nothing was imported")
        work.label = f"importing {path.name}"
        new = await import_session(session.store, read, path.name, work.tell)
    session.feed.publish(RunsChanged())
    return ImportedFile(new, read.newest.id, read.notes)


def _named(path: str) -> Path:
    return Path(path).expanduser()


def _size(path: Path) -> int:
    return path.stat().st_size


def _target(run: str, command: ExportRun) -> Path:
    """Return where to write; refuses a folder, and a file that is there unless it may be replaced."""
    path = _named(command.path)
    if path.is_dir():
        raise SessionFileError(f"{str(path)!r} is a folder; name a file in it, such as {run[:8]}.jsonl")
    if path.exists() and not command.replace:
        raise OverwriteRefusedError(f"{str(path)!r} is there already; choose another name, or replace it")
    return path
