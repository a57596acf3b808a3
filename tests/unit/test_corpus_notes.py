"""The notebook: notes are kept across runs and read only by those who may."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.corpus import NotesFile
from workbench.corpus.notes import APPLICATION_ID
from workbench.corpus.ranking import CREATE_WORDS
from workbench.errors import (
    DamagedDatabaseError,
    DatabaseUnwritableError,
    ForeignDatabaseError,
    NewerDatabaseError,
    StoreError,
)
from workbench.tools.library import Note, Notebook, Readable


def of(*runs: str) -> Readable:
    """Return that all notes of these runs may be read."""
    return Readable("", others=frozenset(runs))


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
    assert notebook.search("port", of("r1")) == [Note("r1", "port", "Our port is 6543.")]
    reopened.close()


def test_only_the_named_runs_are_read(notes: NotesFile) -> None:
    """A run that was not named is not found, however well its notes fit and however many they are."""
    for n in range(250):
        notes.save("other", f"pooling {n}", "pooling pooling pooling")
    notes.save("mine", "x", "a little on pooling, among many other words that say nothing of it")
    assert [note.run for note in notes.search("pooling", of("mine", "unknown"))] == ["mine"]
    assert notes.search("pooling", of()) == []


def test_the_latest_note_of_a_key_is_found_and_the_others_stay_readable(notes: NotesFile) -> None:
    """A corrected note is found by its new words alone; what it was comes with it, and another run's note stays."""
    notes.save("r1", "k", "old kumquat", "0.0")
    notes.save("r2", "k", "their kumquat", "0.0")
    notes.save("r1", "k", "new persimmon", "1.0")
    assert [note.run for note in notes.search("kumquat", of("r1", "r2"))] == ["r2"]
    assert notes.search("persimmon", of("r1")) == [Note("r1", "k", "new persimmon", ("old kumquat",))]


def test_a_call_that_runs_again_notes_once(notes: NotesFile) -> None:
    """The same call replaces what it noted itself, and is the newest again."""
    for text in ("draft", "kept"):
        notes.save("r", "k", text, "0.0")
        notes.save("r", "other", "x", "0.1")
    assert notes.search("kept", of("r")) == [Note("r", "k", "kept")]
    assert notes.search("draft", of("r")) == []
    notes.save("r", "k", "kept", "0.0")
    assert [note.key for note in notes.search("", of("r"))] == ["k", "other"]


def test_without_words_the_newest_notes_come_first(notes: NotesFile) -> None:
    """As many as are asked for."""
    for key in "abc":
        notes.save("r", key, "text")
    assert [note.key for note in notes.search("  ", of("r"), limit=2)] == ["c", "b"]


def test_a_fork_reads_what_it_took_over_and_not_its_own_future(notes: NotesFile) -> None:
    """Of the run that it comes from, only the calls before the cut are its past, even where ids are the same."""
    notes.save("parent", "k", "before the cut", "0.0")
    notes.save("parent", "k", "after the cut", "1.0")
    notes.save("parent", "late", "after the cut too", "1.1")
    fork = Readable("fork", {"parent": frozenset({"0.0"})})
    assert notes.search("cut", fork) == [Note("parent", "k", "before the cut")]
    notes.save("fork", "k", "cut anew", "1.0")
    assert notes.search("cut", fork) == [Note("fork", "k", "cut anew", ("before the cut",))]
    assert {note.text for note in notes.search("cut", of("parent"))} == {"after the cut", "after the cut too"}


def test_notes_of_the_first_version_are_taken_over(path: Path) -> None:
    """They are found as before; a new text goes beside the old."""
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, run TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL,"
        " UNIQUE (run, key))",
        CREATE_WORDS,
        "INSERT INTO notes VALUES (7, 'r', 'k', 'an old kumquat')",
        "INSERT INTO words (rowid, title, text) VALUES (7, 'k', 'an old kumquat')",
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 1",
    ):
        connection.execute(statement)
    connection.close()
    notes = NotesFile(path)
    assert notes.search("kumquat", of("r")) == [Note("r", "k", "an old kumquat")]
    notes.save("r", "k", "a persimmon", "3.0")
    notes.close()
    notes = NotesFile(path)
    assert notes.search("persimmon", of("r")) == [Note("r", "k", "a persimmon", ("an old kumquat",))]
    notes.close()


def test_the_best_note_comes_first(notes: NotesFile) -> None:
    """Notes are ranked as documents are: what has all of the query first, and the key counts."""
    notes.save("r", "a", "statement statement statement")
    notes.save("r", "b", "pooling and the statement")
    notes.save("r", "pooling statement", "see there")
    assert [note.key for note in notes.search("pooling statement", of("r"))] == ["pooling statement", "b", "a"]
    assert len(notes.search("statement", of("r"), limit=2)) == 2
    assert notes.search("statement", of("r"), limit=0) == []


def test_chinese_notes_are_found(notes: NotesFile) -> None:
    """Notes are cut into words as documents are."""
    notes.save("r", "端口", "数据库使用六五四三端口")
    assert [note.key for note in notes.search("数据库", of("r"))] == ["端口"]
    assert [note.key for note in notes.search("三", of("r"))] == ["端口"]


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "'; DROP TABLE notes; --", '" OR 1', "x" * 300_000])
def test_any_text_can_be_kept_and_asked_for(notes: NotesFile, text: str) -> None:
    """Runs, keys, notes and queries are any text; half characters alone become question marks."""
    notes.save(text, text, f"kept {text}")
    (note,) = notes.search("kept", of(text))
    assert note.text == f"kept {text}".replace("\ud800", "?")
    notes.search(text, of(text))


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
    assert len(notes.search("note", of("a", "b", "c"), limit=100)) == 60
    other.close()


def test_a_save_that_fails_changes_nothing(notes: NotesFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old note stays, whole and findable, and the notebook still works."""
    notes.save("r", "k", "old")
    notes._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(DatabaseUnwritableError, match="free space"):
        notes.save("r", "k", "new " * 100_000)
    notes._connection.execute("PRAGMA max_page_count = 100000")
    assert [note.text for note in notes.search("old", of("r"))] == ["old"]
    notes.save("r", "k", "newer")
    assert notes.search("old", of("r")) == []


def test_a_save_that_breaks_off_is_undone(notes: NotesFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note is replaced whole, text and words, or not at all."""
    notes.save("r", "k", "old")
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr("workbench.corpus.notes.indexed", lambda text: 1 / 0)
        notes.save("r", "k", "new")
    assert [note.text for note in notes.search("old", of("r"))] == ["old"]
    assert notes.search("new", of("r")) == []


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
