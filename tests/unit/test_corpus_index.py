"""Document indexes: built once, reused, swapped whole, rebuilt when damaged."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.corpus import DocumentIndex, open_embedded, open_folder
from workbench.corpus import build as building
from workbench.errors import DocumentsError, OperationCancelledError
from workbench.tools.library import Library

Open = Callable[[], DocumentIndex]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of three documents."""
    docs = tmp_path / "docs"
    (docs / "sub").mkdir(parents=True)
    (docs / "pooling.md").write_text("# Pooling\n\nTransaction pooling shares connections.\n")
    (docs / "auth.html").write_text("<title>Authentication</title><p>Methods are named in pg_hba.conf.</p>")
    (docs / "sub" / "config.rst").write_text("Config\n======\n\nThe default port is 5432.\n")
    return docs


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Give a place for indexes that does not exist yet."""
    return tmp_path / "cache" / "indexes"


@pytest.fixture
def opened(folder: Path, cache: Path) -> Iterator[Open]:
    """Give a way to open the folder's index; all are closed in the end."""
    indexes: list[DocumentIndex] = []

    def open_it() -> DocumentIndex:
        indexes.append(open_folder(folder, cache))
        return indexes[-1]

    yield open_it
    for index in indexes:
        index.close()


def built_by(folder: Path, cache: Path) -> list[tuple[int, int, str]]:
    """Open and close the folder's index; return the progress that was told, nothing where it was reused."""
    told: list[tuple[int, int, str]] = []
    open_folder(folder, cache, lambda *progress: told.append(progress)).close()
    return told


def the_file(cache: Path) -> Path:
    """Return the only file in the cache."""
    (file,) = cache.iterdir()
    return file


def test_an_index_finds_and_fetches(opened: Open) -> None:
    """What is found by its words can be fetched by its name, with the same text."""
    index: Library = opened()
    (found,) = index.search("default port", limit=1)
    assert (found.name, found.title, found.text) == ("sub/config::0", "Config", "The default port is 5432.")
    assert found.score > 0
    fetched = index.fetch("sub/config::0")
    assert fetched is not None
    assert (fetched.text, fetched.score) == (found.text, 0.0)
    assert index.title == "docs, 3 documents"


def test_counts_are_told(opened: Open, folder: Path) -> None:
    """A person can be told how much there is and what was left out."""
    (folder / "bad.md.gz").write_bytes(b"no gzip")
    (folder / "empty.md").write_text("\n")
    index = opened()
    assert (index.documents, index.passages, index.left_out) == (3, 3, 1)


def test_an_unchanged_folder_is_not_indexed_again(folder: Path, cache: Path) -> None:
    """The second start is quick: nothing is read."""
    assert built_by(folder, cache) == [
        (0, 3, "auth"), (1, 3, "pooling"), (2, 3, "sub/config"), (3, 3, ""),
    ]  # fmt: skip
    assert built_by(folder, cache) == []


def test_a_changed_folder_is_indexed_again(folder: Path, cache: Path, opened: Open) -> None:
    """A new file is found at the next start, while whoever had the old index open goes on reading it."""
    old = opened()
    (folder / "new.md").write_text("Brand new kumquat.")
    new = opened()
    assert [passage.name for passage in new.search("kumquat")] == ["new::0"]
    assert old.search("kumquat") == []
    assert [passage.name for passage in old.search("pooling")] == ["pooling::0"]
    assert len(list(cache.iterdir())) == 1


def test_the_fingerprint_follows_content_alone(folder: Path, cache: Path, opened: Open, tmp_path: Path) -> None:
    """Equal documents have equal fingerprints, wherever they lie and whenever they were written; others do not."""
    first = opened().fingerprint
    os.utime(folder / "auth.html", ns=(1, 1))
    assert opened().fingerprint == first
    folder.rename(tmp_path / "moved")
    moved = open_folder(tmp_path / "moved", cache)
    moved.close()
    assert moved.fingerprint == first
    (tmp_path / "moved").rename(folder)
    (folder / "auth.html").write_text("<title>Authentication</title><p>Methods are named in pg_hba.conF.</p>")
    assert opened().fingerprint != first


def test_folders_have_indexes_of_their_own(folder: Path, cache: Path) -> None:
    """Two folders in the same cache do not take each other's place."""
    built_by(folder, cache)
    built_by(folder / "sub", cache)
    assert built_by(folder, cache) == []
    assert len(list(cache.iterdir())) == 2


def test_giving_up_leaves_nothing(folder: Path, cache: Path) -> None:
    """An indexing that is given up half way says so and leaves no file; the next one starts afresh."""
    answers = iter([False, False, True])
    with pytest.raises(OperationCancelledError):
        open_folder(folder, cache, cancelled=lambda: next(answers))
    assert list(cache.iterdir()) == []
    assert len(built_by(folder, cache)) == 4


def test_giving_up_keeps_the_old_index(folder: Path, cache: Path, opened: Open) -> None:
    """When indexing again is given up, the index that was there stays."""
    built_by(folder, cache)
    before = the_file(cache).read_bytes()
    (folder / "new.md").write_text("new")
    with pytest.raises(OperationCancelledError):
        open_folder(folder, cache, cancelled=lambda: True)
    assert the_file(cache).read_bytes() == before


def test_a_killed_indexing_leaves_no_half_index(folder: Path, cache: Path) -> None:
    """A process that is killed while it indexes leaves nothing that is taken for an index, and is cleaned up after."""
    script = (
        "import os, sys; from pathlib import Path; from workbench.corpus import open_folder\n"
        "def die(done, total, name):\n"
        "    if done == 2: os.kill(os.getpid(), 9)\n"
        "open_folder(Path(sys.argv[1]), Path(sys.argv[2]), die)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, folder, cache], check=False)
    assert killed.returncode == -9
    assert [path.suffix for path in cache.iterdir()] == [".tmp"]
    assert len(built_by(folder, cache)) == 4
    assert the_file(cache).suffix == ".sqlite"


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"not a database at all" * 100,
        lambda content: content[: len(content) // 2],
        lambda content: content[:4096] + b"\xa5" * 512 + content[4608:],
    ],
    ids=["empty", "foreign", "cut", "garbled"],
)
def test_a_damaged_index_is_built_again(
    folder: Path, cache: Path, opened: Open, damage: Callable[[bytes], bytes]
) -> None:
    """Nobody is bothered with a broken cache."""
    built_by(folder, cache)
    the_file(cache).write_bytes(damage(the_file(cache).read_bytes()))
    assert [passage.name for passage in opened().search("pooling")] == ["pooling::0"]


def test_an_index_of_another_version_is_built_again(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update that cuts documents otherwise, the old index is not used."""
    built_by(folder, cache)
    connection = sqlite3.connect(the_file(cache))
    connection.execute(f"PRAGMA user_version = {building.VERSION + 1}")
    connection.close()
    assert len(built_by(folder, cache)) == 4


def test_no_damage_shows_as_anything_but_a_sentence(folder: Path, cache: Path) -> None:
    """Wherever bytes of the file are garbled, an index is rebuilt at the start or says that it is damaged."""
    built_by(folder, cache)
    sound = the_file(cache).read_bytes()
    chance = random.Random(7)
    for _ in range(100):
        at = chance.randrange(len(sound))
        the_file(cache).write_bytes(sound[:at] + chance.randbytes(64) + sound[at + 64 :])
        index = open_folder(folder, cache)
        said = ""
        try:
            index.search("default port of pooling")
            index.fetch("pooling::0")
            index.nearest("pooling::9")
        except DocumentsError as error:
            said = str(error)
        index.close()
        if said:
            assert said.endswith("start again, and it is built anew")
            assert len(built_by(folder, cache)) == 4


def test_a_damaged_list_of_names_is_noticed_at_the_start(folder: Path, cache: Path, opened: Open) -> None:
    """A part of the file that no search needs is checked too, before anybody asks for it."""
    built_by(folder, cache)
    connection = sqlite3.connect(the_file(cache))
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name LIKE '%autoindex_passages%'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with the_file(cache).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * 40)
    assert opened().fetch("pooling::0") is not None


def test_values_of_the_wrong_kind_are_damage(folder: Path, cache: Path, opened: Open) -> None:
    """A text that is no text any more is noticed when the index is opened, not when it is shown."""
    built_by(folder, cache)
    connection = sqlite3.connect(the_file(cache))
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute("UPDATE passages SET text = x'ff'")
    connection.commit()
    connection.close()
    assert [passage.text for passage in opened().search("port")] == ["The default port is 5432."]


def test_damage_met_while_searching_is_said_and_mended_at_the_next_start(
    folder: Path, cache: Path, opened: Open
) -> None:
    """When the words themselves are damaged, which no quick check sees, the index is removed and built anew."""
    built_by(folder, cache)
    connection = sqlite3.connect(the_file(cache))
    connection.execute("UPDATE words_data SET block = x'00ff00ff00ff' WHERE id > 10")
    connection.commit()
    connection.close()
    with pytest.raises(DocumentsError, match=r"found damaged .*; start again, and it is built anew"):
        opened().search("pooling")
    assert [passage.name for passage in opened().search("pooling")] == ["pooling::0"]


def test_an_index_is_for_its_owner_alone(folder: Path, cache: Path) -> None:
    """Others on the machine read neither the index nor the list of indexes, whatever the umask."""
    before = os.umask(0)
    try:
        built_by(folder, cache)
    finally:
        os.umask(before)
    assert cache.stat().st_mode & 0o777 == 0o700
    assert the_file(cache).stat().st_mode & 0o777 == 0o600


def test_a_cache_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    """The message names the place and the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DocumentsError, match=r"cannot be written to '.*file/cache'.*Not a directory"):
        open_folder(folder, tmp_path / "file" / "cache")


def test_a_full_disk_is_a_sentence(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When SQLite cannot write, the user is told, and nothing is left."""
    connect = sqlite3.connect

    def small(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 3")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(DocumentsError, match="database or disk is full"):
        open_folder(folder, cache)
    assert list(cache.iterdir()) == []


def test_documents_without_a_word_are_no_documents(tmp_path: Path, cache: Path) -> None:
    """A folder of empty files gets the same sentence as an empty folder, and no index."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(" \n")
    with pytest.raises(DocumentsError, match="no documents below"):
        open_folder(tmp_path / "docs", cache)
    assert list(cache.iterdir()) == []


def test_the_embedded_reference_answers(cache: Path) -> None:
    """With nothing but Python there is a library to search, and it is indexed once."""
    told: list[int] = []
    open_embedded(cache, lambda done, total, name: told.append(done)).close()
    index = open_embedded(cache, lambda done, total, name: told.append(-1))
    assert index.title == f"Python language reference, {index.documents} topics"
    assert index.search("context managers", 1)[0].name.startswith("context-managers::")
    assert index.search("What does the for statement do?", 1)[0].name.startswith("for::")
    assert told == [*range(index.documents + 1)]
    index.close()


@pytest.mark.parametrize(
    "name", ["", "::", "pooling", "pooling::", "pooling::00", "pooling::1", "pooling::-1", "pooling:: 0", "x::0",
             "pooling::٠", "pooling::" + "9" * 5000, "\x00::0", "\ud800::0", "../docs/pooling::0", "POOLING::0"]
)  # fmt: skip
def test_fetching_what_does_not_exist_gives_nothing(opened: Open, name: str) -> None:
    """Only the exact name of a passage fetches it."""
    assert opened().fetch(name) is None


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("pooling::7", "pooling::0"),
        ("pooling", "pooling::0"),
        ("Poolin::0", "pooling::0"),
        ("Config::0", "sub/config::0"),
        ("x::0", "a/folder/far/away/from/here/x::0"),
        ("sub/confg::3", "sub/config::0"),
        ("a/quite/different/folder/confg::3", "sub/config::0"),
        ("the default port", "sub/config::0"),
    ],
)
def test_a_wrong_name_leads_to_the_right_one(folder: Path, opened: Open, name: str, nearest: str) -> None:
    """A model that misspells a passage, or forgets its folder, is told which ones there are."""
    (folder / "a/folder/far/away/from/here").mkdir(parents=True)
    (folder / "a/folder/far/away/from/here/x.md").write_text("x")
    (folder / "xx.md").write_text("x")
    assert opened().nearest(name)[0] == nearest


def test_the_nearest_passages_of_a_document_come_first(folder: Path, opened: Open) -> None:
    """Asked for a passage past the end, a document offers its last ones."""
    (folder / "long.md").write_text("\n\n".join("word " * 240 for _ in range(6)))
    assert opened().nearest("long::99", 2) == ["long::5", "long::4"]
    assert opened().nearest("long::1", 3) == ["long::1", "long::0", "long::2"]


def test_nothing_alike_is_nothing(opened: Open) -> None:
    """A name that resembles nothing gets no suggestions."""
    assert opened().nearest("\x00???::9") == []


def test_passage_names_are_stable(folder: Path, cache: Path, tmp_path: Path) -> None:
    """The same documents give the same names and texts, in another cache too."""
    (folder / "long.md").write_text("\n\n".join(f"## H{n}\n\n" + "word " * 150 for n in range(9)))
    one, other = open_folder(folder, cache), open_folder(folder, tmp_path / "other")
    names = [f"long::{n}" for n in range(20)]
    assert [one.fetch(name) for name in names] == [other.fetch(name) for name in names]
    assert sum(one.fetch(name) is not None for name in names) == one.passages - 3
    one.close()
    other.close()


def test_every_thread_may_search(opened: Open) -> None:
    """Several threads share one index."""
    index = opened()
    found: list[str] = []

    def search() -> None:
        found.extend(passage.name for _ in range(20) for passage in index.search("pooling"))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["pooling::0"] * 80


def test_importing_the_room_is_cheap() -> None:
    """A program that opens no HTML does not pay for the HTML parser."""
    script = "import sys, workbench.corpus; sys.exit('selectolax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
