"""Recordings: the finished file is what an export would write, and nobody's other file is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.session_kit import record, written
from workbench.errors import SessionFileError
from workbench.interchange.recorder import SessionRecorder, write_session
from workbench.interchange.session import SessionRun, StoredEvent
from workbench.interchange.session_file import read_session


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """Return a session file's text, and the ids of run and fork."""
    return record(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def text(recorded: tuple[str, list[str]]) -> str:
    """Return the session file's text."""
    return recorded[0]


def test_a_recording_ends_up_as_the_export(tmp_path: Path, text: str) -> None:
    """However the events of runs that go on at once were mixed, the finished file is what an export would write."""
    session = read_session(written(tmp_path, text))
    path = tmp_path / "recorded.jsonl"
    with SessionRecorder(path) as recorder:
        for run in session.runs:
            recorder.add_run(SessionRun(**{name: getattr(run, name) for name in run.__slots__ if name != "events"}))
        rows = [(event.seq, index, run.id, event) for index, run in enumerate(session.runs) for event in run.events]
        for _, _, name, event in sorted(rows, key=lambda row: row[:2]):
            recorder.add(name, event)
            recorder.add(name, event)  # told twice is told once
        growing = read_session(path)
        assert sum(len(run.events) for run in growing.runs) == len(rows)
    assert path.read_text() == text


def test_a_recording_is_added_to(tmp_path: Path, text: str, recorded: Any) -> None:
    """A second recording into the same file keeps what the first one wrote."""
    run, _ = recorded[1]
    session = read_session(written(tmp_path, text))
    path = tmp_path / "both.jsonl"
    first = next(each for each in session.runs if each.id == run)
    with SessionRecorder(path) as recorder:
        recorder.add_run(first)
    with SessionRecorder(path) as recorder:
        for each in session.runs:
            recorder.add_run(each)
    assert path.read_text() == text


def test_a_recording_that_recorded_nothing_leaves_no_file(tmp_path: Path) -> None:
    """A run that never began leaves no empty file behind."""
    with SessionRecorder(tmp_path / "none.jsonl"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_never_written_over(tmp_path: Path, text: str) -> None:
    """A wrong file name costs nobody a file: only a session file or an empty one is replaced."""
    notes = written(tmp_path, "my notes\n", "notes.txt")
    folder = tmp_path / "folder"
    folder.mkdir()
    session = read_session(written(tmp_path, text))
    for path in (notes, folder, Path("/dev/null")):
        with pytest.raises(SessionFileError, match="choose another name"):
            write_session(path, session.runs)
        with pytest.raises(SessionFileError, match="choose another name"):
            SessionRecorder(path)
    with pytest.raises(SessionFileError, match="no folder"):
        SessionRecorder(tmp_path / "nowhere" / "x.jsonl")
    with pytest.raises(SessionFileError, match="cannot be written"):
        write_session(tmp_path / "nowhere" / "x.jsonl", session.runs)
    assert notes.read_text() == "my notes\n"


def test_events_are_kept_as_they_are_written(tmp_path: Path) -> None:
    """The text of an event goes from file to log untouched, number formats and spaces included."""
    run = SessionRun(id="0123456789abcdef", root="0123456789abcdef", created=1.0)
    run.events.append(StoredEvent(0, 1.5, '{"kind":"something_new",  "n": 1.0E+2, "t":"\\u00e9é"}'))
    path = tmp_path / "x.jsonl"
    write_session(path, [run])
    with pytest.raises(SessionFileError, match="begins with 'something_new'"):
        read_session(path)
