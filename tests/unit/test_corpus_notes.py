"""The notebook: notes are kept across runs and read only by those who may."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.corpus import NotesFile
from workbench.errors import (
    DamagedDatabaseError,
    DatabaseUnwritableError,
    ForeignDatabaseError,
    NewerDatabaseError,
    StoreError,
)
from workbench.tools.library import Note, Notebook


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for notes that does not exist yet."""
    return tmp_path / "data" / "notes.sqlite"


@pytest.fixture
def notes(path: Path) -> Iterator[NotesFile]:
    """Give an empty notebook."""
    opened = NotesFile(path)
    yield opened
    opened.close()


def test_notes_are_kept(notes: NotesFile, path: Path) -> None:
    """A note is there after the file was closed, or the process died."""
    notes.save("r1", "port", "Our port is 6543.")
    reopened = NotesFile(path)
    notebook: Notebook = reopened
    assert notebook.search("port", ["r1"]) == [Note("r1", "port", "Our port is 6543.")]
    reopened.close()


def test_only_the_named_runs_are_read(notes: NotesFile) -> None:
    """A run that was not named is not found, however well its notes fit and however many they are."""
    for n in range(250):
        notes.save("other", f"pooling {n}", "pooling pooling pooling")
    notes.save("mine", "x", "a little on pooling, among many other words that say nothing of it")
    assert [note.run for note in notes.search("pooling", ["mine", "unknown"])] == ["mine"]
    assert notes.search("pooling", []) == []


def test_the_same_key_replaces_the_note(notes: NotesFile) -> None:
    """A corrected note is found by its new words alone; another run's note of that key stays."""
    notes.save("r1", "k", "old kumquat")
    notes.save("r2", "k", "their kumquat")
    notes.save("r1", "k", "new persimmon")
    assert [note.run for note in notes.search("kumquat", ["r1", "r2"])] == ["r2"]
    assert notes.search("persimmon", ["r1"]) == [Note("r1", "k", "new persimmon")]


def test_the_best_note_comes_first(notes: NotesFile) -> None:
    """Notes are ranked as documents are: what has all of the query first, and the key counts."""
    notes.save("r", "a", "statement statement statement")
    notes.save("r", "b", "pooling and the statement")
    notes.save("r", "pooling statement", "see there")
    assert [note.key for note in notes.search("pooling statement", ["r"])] == ["pooling statement", "b", "a"]
    assert len(notes.search("statement", ["r"], limit=2)) == 2
    assert notes.search("statement", ["r"], limit=0) == []


def test_chinese_notes_are_found(notes: NotesFile) -> None:
    """Notes are cut into words as documents are."""
    notes.save("r", "端口", "数据库使用六五四三端口")
    assert [note.key for note in notes.search("数据库", ["r"])] == ["端口"]
    assert [note.key for note in notes.search("三", ["r"])] == ["端口"]


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "'; DROP TABLE notes; --", '" OR 1', "x" * 300_000])
def test_any_text_can_be_kept_and_asked_for(notes: NotesFile, text: str) -> None:
    """Runs, keys, notes and queries are any text; half characters alone become question marks."""
    notes.save(text, text, f"kept {text}")
    (note,) = notes.search("kept", [text])
    assert note.text == f"kept {text}".replace("\ud800", "?")
    notes.search(text, [text])


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    """Others on the machine cannot read notes, whatever the umask."""
    before = os.umask(0)
    try:
        NotesFile(path).close()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_two_processes_share_the_file(notes: NotesFile, path: Path) -> None:
    """Notes that another connection writes at the same time are neither lost nor in the way."""
    other = NotesFile(path)

    def write(notebook: NotesFile, run: str) -> None:
        for n in range(20):
            notebook.save(run, str(n), f"note {n}")

    threads = [threading.Thread(target=write, args=pair) for pair in ((notes, "a"), (other, "b"), (notes, "c"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(notes.search("note", ["a", "b", "c"], limit=100)) == 60
    other.close()


def test_a_save_that_fails_changes_nothing(notes: NotesFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old note stays, whole and findable, and the notebook still works."""
    notes.save("r", "k", "old")
    notes._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(DatabaseUnwritableError, match="free space"):
        notes.save("r", "k", "new " * 100_000)
    notes._connection.execute("PRAGMA max_page_count = 100000")
    assert [note.text for note in notes.search("old", ["r"])] == ["old"]
    notes.save("r", "k", "newer")
    assert notes.search("old", ["r"]) == []


def test_a_save_that_breaks_off_is_undone(notes: NotesFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note is replaced whole, text and words, or not at all."""
    notes.save("r", "k", "old")
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr("workbench.corpus.notes.indexed", lambda text: 1 / 0)
        notes.save("r", "k", "new")
    assert [note.text for note in notes.search("old", ["r"])] == ["old"]
    assert notes.search("new", ["r"]) == []


def foreign(path: Path) -> None:
    """Make a database of another program."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def newer(path: Path) -> None:
    """Make notes of a later version."""
    NotesFile(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def garbled(path: Path) -> None:
    """Damage a table."""
    NotesFile(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * 600 + content[4696:])


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (foreign, ForeignDatabaseError),
        (newer, NewerDatabaseError),
        (garbled, DamagedDatabaseError),
        (lambda path: path.write_bytes(b"no database" * 99), DamagedDatabaseError),
        (Path.mkdir, DatabaseUnwritableError),
    ],
)
def test_a_file_that_is_not_ours_is_refused_untouched(tmp_path: Path, damage: object, error: type[StoreError]) -> None:
    """Notes are no cache: a file that cannot be read is named and left as it is."""
    path = tmp_path / "notes.sqlite"
    damage(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(error, match=r"notes\.sqlite"):
        NotesFile(path)
    assert (path.read_bytes() if path.is_file() else None) == before
