"""Where documents come from: which files count, how they are named, and what is never read."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from pathlib import Path

import pytest

from workbench.corpus import sources
from workbench.corpus.files import read_inside, unpack, written_beside
from workbench.corpus.sources import EmbeddedSource, FolderSource
from workbench.errors import DocumentsError
from workbench.tools.blocks import UnreadableError


def write(folder: Path, **contents: str) -> Path:
    """Write files below a folder; `__` in a name parts folders, `_` the ending."""
    for name, content in contents.items():
        path = folder / f"{name.replace('__', '/').replace('_', '.')}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def names(folder: Path) -> list[str]:
    """Return the names of the documents below a folder."""
    return [item.name for item in FolderSource(folder).items]


def test_documents_are_named_by_their_paths(tmp_path: Path) -> None:
    """A document's name is its path below the folder without the ending, in sorted order."""
    write(tmp_path, b_html="<p>b", a_md="a", sub__config_rst="c", sub__deep__x_txt="d", photo_png="no")
    assert names(tmp_path) == ["a", "b", "sub/config", "sub/deep/x"]


def test_names_that_collide_are_told_apart_and_stay(tmp_path: Path) -> None:
    """Files that differ only in their ending get different names, the same ones every time."""
    write(tmp_path, a_html="1", a_md="2", a_md_txt="3", a_txt="4")
    assert names(tmp_path) == ["a", "a.md", "a.md.txt", "a.txt"]
    assert names(tmp_path) == names(tmp_path)


def test_names_that_collide_twice_are_numbered(tmp_path: Path) -> None:
    """Files whose names differ only in marks are still told apart."""
    for name in ("b c.md", "b:c.md", "b?c.md", "b[c.md"):
        (tmp_path / name).write_text("x")
    assert names(tmp_path) == ["b-c", "b-c.md", "b-c.md~2", "b-c.md~3"]


def test_names_are_one_plain_word(tmp_path: Path) -> None:
    """Spaces, marks that citations use, and bytes that are no text do not get into a name."""
    for name in (b"my file::1 [x].md", b"\xff\n\x1b[31m.md", "été–数据.md".encode()):
        (tmp_path / os.fsdecode(name)).write_text("x")
    assert sorted(names(tmp_path)) == ["-31m", "my-file-1-x-", "été-数据"]


def test_hidden_files_and_folders_are_not_read(tmp_path: Path) -> None:
    """What is hidden is nobody's documentation."""
    write(tmp_path, a_md="a")
    for hidden in (".git/x.md", ".venv/lib/y.rst", ".draft.md"):
        (tmp_path / hidden).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / hidden).write_text("x")
    assert names(tmp_path) == ["a"]


def test_links_never_lead_outside(tmp_path: Path) -> None:
    """Neither a linked file nor a linked folder brings in what lies elsewhere; what is linked inside counts once."""
    outside, folder = tmp_path / "outside", tmp_path / "docs"
    write(outside, secret_md="secret", sub__secret_md="secret")
    write(folder, a_md="a", b__c_md="c")
    (folder / "stolen.md").symlink_to(outside / "secret.md")
    (folder / "stolen").symlink_to(outside / "sub")
    (folder / "up.md").symlink_to("../outside/secret.md")
    (folder / "again.md").symlink_to("a.md")
    (folder / "again").symlink_to("b")
    (folder / "gone.md").symlink_to("nowhere.md")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "..extra").write_text("real")
    (folder / "kept.md").symlink_to("..extra")
    source = FolderSource(folder)
    assert [item.name for item in source.items] == ["a", "b/c", "kept"]
    assert source.left_out == 2


def test_a_link_put_in_place_while_reading_leads_nowhere(tmp_path: Path) -> None:
    """A file or folder that becomes a link after it was listed is not followed."""
    outside, folder = write(tmp_path / "outside", x_md="secret"), write(tmp_path / "docs", x_md="a", sub__x_md="b")
    items = FolderSource(folder).items
    (folder / "x.md").unlink()
    (folder / "x.md").symlink_to(outside / "x.md")
    shutil.rmtree(folder / "sub")
    (folder / "sub").symlink_to(outside)
    for item in items:
        with pytest.raises(OSError):
            item.read()


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    """A pipe that calls itself a document does not hang the program, a folder that does is no document."""
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder").mkdir()
    for name in ("pipe.md", "folder"):
        with pytest.raises(UnreadableError):
            read_inside(tmp_path, name, 10)


def test_files_that_are_too_large_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A huge file is not read, however small it is packed; the count says that something is missing."""
    monkeypatch.setattr(sources, "LARGEST", 1000)
    write(tmp_path, a_md="a", b_md="b" * 1001)
    (tmp_path / "bomb.md.gz").write_bytes(gzip.compress(b"x" * 100_000))
    source = FolderSource(tmp_path)
    assert [item.name for item in source.items] == ["a", "bomb"]
    assert source.left_out == 1
    with pytest.raises(UnreadableError):
        source.items[1].read()


@pytest.mark.parametrize(
    "packed", [b"no gzip", gzip.compress(b"cut short", mtime=0)[:-6], gzip.compress(b"x" * 11, mtime=0)]
)
def test_damaged_gzip_files_are_unreadable(packed: bytes) -> None:
    """A packed file that is damaged, cut short, or a bomb is refused."""
    with pytest.raises(UnreadableError):
        unpack(packed, 10)


def test_packed_files_are_read(tmp_path: Path) -> None:
    """A `.gz` document reads like the document in it."""
    (tmp_path / "NEWS.md.gz").write_bytes(gzip.compress(b"# News\n\nAll new."))
    (item,) = FolderSource(tmp_path).items
    assert item.name == "NEWS"
    assert item.read().title == "News"


@pytest.mark.parametrize(
    "content",
    [b"# caf\xc3\xa9", b"\xef\xbb\xbf# caf\xc3\xa9", "# café".encode("utf-16")],
    ids=["utf-8", "bom", "utf-16"],
)
def test_encodings(tmp_path: Path, content: bytes) -> None:
    """UTF-8 with or without its mark, and marked UTF-16, are read as text."""
    (tmp_path / "x.md").write_bytes(content)
    assert FolderSource(tmp_path).items[0].read().title == "café"


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    """A stray byte or NUL costs a character, not the document."""
    (tmp_path / "x.md").write_bytes(b"# a\xffb\x00c")
    assert FolderSource(tmp_path).items[0].read().title == "a\ufffdb\ufffdc"


def test_the_stamp_changes_with_any_file(tmp_path: Path) -> None:
    """A file that is new, gone, renamed, touched or of another size changes the stamp; nothing else does."""
    write(tmp_path, a_md="a", b_md="b")
    stamps = [FolderSource(tmp_path).stamp]
    assert FolderSource(tmp_path).stamp == stamps[0]
    (tmp_path / "c.md").write_text("c")
    stamps.append(FolderSource(tmp_path).stamp)
    (tmp_path / "c.md").rename(tmp_path / "d.md")
    stamps.append(FolderSource(tmp_path).stamp)
    os.utime(tmp_path / "a.md", ns=(1, 1))
    stamps.append(FolderSource(tmp_path).stamp)
    (tmp_path / "d.md").unlink()
    stamps.append(FolderSource(tmp_path).stamp)
    assert len(set(stamps)) == 5


def test_the_embedded_reference_has_every_topic() -> None:
    """Without any folder there are Python's own topics, named as `help` names them."""
    source = EmbeddedSource()
    assert {"with", "context-managers", "exceptions", "yield"} <= {item.name for item in source.items}
    assert source.title(79) == "Python language reference, 79 topics"
    assert next(item for item in source.items if item.name == "with").read().title == 'The "with" statement'


def test_a_python_without_its_reference_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems install Python in parts; then the user is told to name a folder."""
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    source = EmbeddedSource()
    assert source.items == []
    assert "name a folder" in str(source.empty())


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("missing", "there is no folder"),
        ("file.md", "is not a folder"),
        ("empty", "no documents below"),
        ("a\0b", "no folder"),
    ],
)
def test_folders_that_cannot_be_used_are_named(tmp_path: Path, path: str, says: str) -> None:
    """The message names the folder, says what is wrong, and what to do."""
    write(tmp_path, file_md="x", empty__photo_png="x")
    with pytest.raises(DocumentsError, match=says) as caught:
        FolderSource(tmp_path / path)
    assert repr(str(tmp_path / path)) in str(caught.value)
    assert "; name " in str(caught.value)


def test_an_empty_folder_says_what_is_looked_for(tmp_path: Path) -> None:
    """Somebody with `.docx` files learns why nothing was found."""
    with pytest.raises(DocumentsError, match=r"\.md \.markdown \.rst \.html \.htm \.txt and man pages"):
        FolderSource(tmp_path)


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing permissions are told apart from missing documents; below the folder they only leave something out."""
    write(tmp_path, a_md="a", locked__b_md="b")
    locked = tmp_path / "locked"
    scandir = os.scandir

    def refuse(path: str) -> object:
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    source = FolderSource(tmp_path)
    assert ([item.name for item in source.items], source.left_out) == (["a"], 1)
    with pytest.raises(DocumentsError, match=r"cannot be read \(Permission denied\)"):
        FolderSource(locked)


def test_what_is_written_beside_appears_at_once_or_never(tmp_path: Path) -> None:
    """A file takes its place whole; when writing fails the old one stays and nothing lies around."""
    target = tmp_path / "x"
    with written_beside(target) as beside:
        beside.write_text("one")
        assert not target.exists()
    with pytest.raises(KeyboardInterrupt), written_beside(target) as beside:
        beside.write_text("two")
        raise KeyboardInterrupt
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "one")]
    assert target.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_process_left_is_cleared_and_what_another_writes_is_not(tmp_path: Path) -> None:
    """Leftovers of the same file go; a file that is being written stays."""
    left = tmp_path / "x.dead.tmp"
    left.write_text("half")
    with written_beside(tmp_path / "x") as first:
        first.write_text("first")
        assert not left.exists()
        with written_beside(tmp_path / "x") as second:
            second.write_text("second")
            assert first.exists()
    assert (tmp_path / "x").read_text() == "first"
