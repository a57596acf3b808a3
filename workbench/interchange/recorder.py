"""Writes session files: whole ones at once, and a recording that grows while a run goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from workbench.config.whole_file import write_whole
from workbench.errors import SessionFileError
from workbench.interchange.session import (
    SessionRun,
    StoredEvent,
    Told,
    event_line,
    header_line,
    nobody,
    run_line,
    session_lines,
)
from workbench.interchange.session_file import is_session_file, read_session

_TOLD_EVERY = 200
"""Lines after which is told how many are written."""


def write_session(path: Path, runs: Iterable[SessionRun], told: Told = nobody) -> None:
    """Write a session file; what was there stays whole until the new one is.

    `told` hears how many lines are written; where it gives up, nothing is left.

    Raises `SessionFileError` where the file cannot be written, or is something else that should not be lost.
    """
    _require_replaceable(path)
    try:
        write_whole(path, _telling(list(runs), told))
    except OSError as error:
        raise _unwritable(path, error) from None


def _telling(runs: Sequence[SessionRun], told: Told) -> Iterator[str]:
    total = 1 + sum(1 + len(run.events) for run in runs)
    for number, line in enumerate(session_lines(runs)):
        if number % _TOLD_EVERY == 0:
            told(number, total)
        yield line


class SessionRecorder:
    """Appends runs and events to a file as they happen.

    An existing session file is added to; a new one appears with the first line. While runs go on at once their lines
    stand in the order in which they happened; at the end the file is put in the order in which an export writes it.
    Use it as a context manager.
    """

    def __init__(self, path: Path) -> None:
        _require_replaceable(path)
        if not path.parent.is_dir():
            raise SessionFileError(f"there is no folder {str(path.parent)!r} for the session file {path.name!r}")
        self._path = path
        self._runs = _runs_in(path)
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        """Return the recorder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the file in order and close it."""
        self.close()

    def knows(self, run: str) -> bool:
        """Whether `add_run` was told of this run."""
        return run in self._runs

    def add_run(self, run: SessionRun) -> None:
        """Introduce a run and write the events that it has; of one in the file already, only those that are new."""
        if not self.knows(run.id):
            self._runs[run.id] = replace(run, events=[])
            self._write(run_line(run))
        for event in run.events:
            self.add(run.id, event)

    def add(self, run: str, event: StoredEvent) -> None:
        """Write the next event of a run that was introduced; one that is there already is passed over."""
        events = self._runs[run].events
        if not events or event.seq > events[-1].seq:
            events.append(event)
            self._write(event_line(run, event))

    def close(self) -> None:
        """Put the file in the order of an export; nothing was written where nothing was recorded."""
        if self._file is not None:
            self._file.close()
            self._file = None
            write_session(self._path, self._runs.values())

    def _write(self, line: str) -> None:
        try:
            if self._file is None:
                self._file = self._path.open("a", encoding="utf-8", newline="")
                self._file.write("" if self._file.tell() else header_line())
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise _unwritable(self._path, error) from None


def _require_replaceable(path: Path) -> None:
    """Refuse to write over anything but a session file or an empty file."""
    if path.exists() and not (path.is_file() and (path.stat().st_size == 0 or is_session_file(path))):
        raise SessionFileError(f"{str(path)!r} is there already and is not a session file; choose another name")


def _runs_in(path: Path) -> dict[str, SessionRun]:
    if not path.exists() or path.stat().st_size == 0:
        return {}
    session = read_session(path)
    if session.notes:
        raise SessionFileError(f"cannot add to the session file {str(path)!r}: {session.notes[0]}")
    return {run.id: run for run in session.runs}


def _unwritable(path: Path, error: OSError) -> SessionFileError:
    return SessionFileError(f"the session file {str(path)!r} cannot be written: {error.strerror or error}")
