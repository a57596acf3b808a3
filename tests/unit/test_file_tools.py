"""Files as tools: what is listed, read and found, how a change is asked for and made."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.loop_kit import Lab, answer, asks
from workbench.clock import SystemClock
from workbench.errors import ToolError
from workbench.events.call import PermissionDecided
from workbench.events.content import DocumentBlock, ImageBlock, plain_text
from workbench.tools import files, matching
from workbench.tools.base import Tool, ToolResult
from workbench.tools.files import file_tools


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a small project."""
    for path, text in {
        "README.md": "# Name\n\nWords.\n",
        "src/app.py": "import os\n\n\ndef main():\n    return 1\n",
        "src/deep/er/x.py": "MAIN = 1\n",
        "src/deep/er/y.txt": "main\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.fixture
def tools(root: Path) -> dict[str, Tool]:
    """Give all file tools of the project."""
    return {item.name: item for item in file_tools(root, write=True)}


def call(item: Tool, **arguments: Any) -> str:
    """Call a tool as the engine does."""
    value = item.function(**item.validate(arguments))
    return plain_text(value.content) if isinstance(value, ToolResult) else str(value)


@pytest.mark.parametrize(
    ("pattern", "below", "listed"),
    [
        ("**", "", ["README.md", "src/app.py", "src/deep/er/x.py", "src/deep/er/y.txt"]),
        ("*.py", "", ["src/app.py", "src/deep/er/x.py"]),
        ("src/*.py", "", ["src/app.py"]),
        ("src/**/*.py", "", ["src/app.py", "src/deep/er/x.py"]),
        ("**/er/?.*", "", ["src/deep/er/x.py", "src/deep/er/y.txt"]),
        ("**", "src/deep", ["src/deep/er/x.py", "src/deep/er/y.txt"]),
        ("./src/[a-b]pp.py", ".", ["src/app.py"]),
        ("src", "", []),
    ],
)
def test_files_are_listed_by_pattern(tools: dict[str, Tool], pattern: str, below: str, listed: list[str]) -> None:
    """`**` is any number of folders, and a pattern without `/` fits in all of them."""
    lines = call(tools["list_files"], pattern=pattern, below=below).splitlines()
    assert [line.split("  ")[0] for line in lines if not line.startswith("No file")] == listed


def test_a_pattern_that_is_made_to_waste_time_does_not(root: Path) -> None:
    """Many stars cost their number multiplied, not to its power."""
    folder = root
    for _ in range(30):
        folder = folder / ("a" * 60)
    folder.mkdir(parents=True)
    (folder / "f").write_text("")
    (list_files, *_) = file_tools(root)
    assert call(list_files, pattern="/".join(["**", "*a*a*a*a*a*a*a*a*a*b"] * 15)).startswith("No file fits")


def test_a_long_list_is_cut(root: Path, tools: dict[str, Tool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the names that are given nor the entries that are looked at are without bound."""
    monkeypatch.setattr(files, "LISTED", 2)
    assert call(tools["list_files"]).splitlines()[2:] == [
        "[more than 2 files fit; name a folder or a narrower pattern]"
    ]
    monkeypatch.setattr(files, "SEEN", 3)
    assert "[stopped after 3 entries; name a folder to look further]" in call(tools["list_files"])


def test_a_file_is_read_with_the_numbers_of_its_lines(root: Path, tools: dict[str, Tool]) -> None:
    """A part says where to read on; past the end it says how long the file is."""
    assert call(tools["read_file"], path="README.md") == "     1\t# Name\n     2\t\n     3\tWords."
    assert call(tools["read_file"], path="src/app.py", first=2, lines=2) == (
        "     2\t\n     3\t\n[more follows: read on with first=4]"
    )
    assert call(tools["read_file"], path="README.md", first=9) == "[README.md has 3 lines]"
    (root / "empty").write_text("")
    assert call(tools["read_file"], path="empty") == "[empty is empty]"


def test_a_large_file_is_read_a_part_at_a_time(root: Path, tools: dict[str, Tool]) -> None:
    """No more than 1 MB comes at once, even where a line has no end."""
    (root / "log").write_text("x" * 99 + "\n" * 1 + ("y" * 99_999 + "\n") * 30)
    text = call(tools["read_file"], path="log", lines=100)
    assert len(text) < 1_010_000
    assert text.endswith("[more follows: read on with first=11]")
    (root / "line").write_text("z" * 3_000_000)
    assert len(call(tools["read_file"], path="line")) < 1_010_000


def test_images_and_documents_come_as_such(root: Path, tools: dict[str, Tool]) -> None:
    """Their bytes say what they are; what is neither them nor text is refused."""
    (root / "a.dat").write_bytes(b"\x89PNG\r\n\x1a\n123")
    (root / "b").write_bytes(b"%PDF-1.7")
    (root / "c.png").write_bytes(b"MZ\0\0")
    image = tools["read_file"].function(path="a.dat", first=1, lines=1).content[0]
    assert image == ImageBlock(data=b"\x89PNG\r\n\x1a\n123", media_type="image/png", name="a.dat")
    document = tools["read_file"].function(path="b", first=1, lines=1).content[0]
    assert document == DocumentBlock(data=b"%PDF-1.7", media_type="application/pdf", name="b")
    with pytest.raises(ToolError, match="neither UTF-8 text nor an image nor a PDF"):
        call(tools["read_file"], path="c.png")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"text": "main"}, ["src/app.py:4: def main():", "src/deep/er/y.txt:1: main"]),
        (
            {"text": "main", "ignore_case": True, "pattern": "*.py"},
            ["src/app.py:4: def main():", "src/deep/er/x.py:1: MAIN = 1"],
        ),
        ({"text": "^m..n$", "regex": True}, ["src/deep/er/y.txt:1: main"]),
        (
            {"text": "^M", "regex": True, "ignore_case": True, "below": "src"},
            ["src/deep/er/x.py:1: MAIN = 1", "src/deep/er/y.txt:1: main"],
        ),
        ({"text": "main", "limit": 1}, ["src/app.py:4: def main():", "[the first 1; narrow the search for others]"]),
        ({"text": "m..n"}, ["No line has 'm..n'."]),
    ],
)
def test_lines_are_found(tools: dict[str, Tool], arguments: dict[str, Any], found: list[str]) -> None:
    """As they stand, or by a regular expression."""
    assert call(tools["search_files"], **arguments).splitlines() == found


def test_a_pattern_that_is_none_is_said(tools: dict[str, Tool]) -> None:
    """The model reads what is wrong with it."""
    with pytest.raises(ToolError, match=r"'\(' is no regular expression: missing \)"):
        call(tools["search_files"], text="(", regex=True)


def test_a_pattern_that_never_ends_is_ended() -> None:
    """Its process is killed when the time is over; what else is searched is not held up."""
    now = SystemClock().monotonic()
    evil = [("a", "a" * 60 + "!")]
    found = matching.find_lines(evil, "(a+)+$", regex=True, ignore_case=False, limit=9, until=now + 0.3)
    assert found.cut == "[stopped, because '(a+)+$' took too long; write it simpler, or name a folder]"
    assert SystemClock().monotonic() - now < 5


def test_a_search_reads_only_so_much(root: Path, tools: dict[str, Tool], monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where it stopped; large and binary files are left out."""
    (root / "blob").write_bytes(b"main\0main")
    (root / "huge").write_bytes(b"main\n" * 300_000)
    assert "blob" not in call(tools["search_files"], text="main")
    assert "huge" not in call(tools["search_files"], text="main")
    monkeypatch.setattr(files, "SEARCHED", 1)
    assert "[stopped after 0 MB of files; name a folder to search further]" in call(tools["search_files"], text="main")


def test_what_tools_say_of_themselves(tools: dict[str, Tool]) -> None:
    """Reading is allowed and repeatable, and meets a person's data and strangers' words; changing asks."""
    said = {name: (item.spec.effect, item.spec.permission, item.spec.subject) for name, item in tools.items()}
    assert said == {
        "list_files": ("read_only", "allow", "below"),
        "read_file": ("read_only", "allow", "path"),
        "search_files": ("read_only", "allow", "below"),
        "write_file": ("effectful", "ask", "path"),
        "edit_file": ("effectful", "ask", "path"),
    }
    for name, item in tools.items():
        assert item.spec.exposure == (("private",) if item.spec.permission == "ask" else ("private", "untrusted")), name
    assert tools["write_file"].spec.exclusive == tools["edit_file"].spec.exclusive is not None


def test_nothing_is_written_unless_the_agent_may(root: Path) -> None:
    """Writing is asked for when the tools are made."""
    assert [item.name for item in file_tools(root)] == ["list_files", "read_file", "search_files"]


async def test_a_change_is_asked_for_with_its_diff(root: Path) -> None:
    """The question shows the lines that go and come; allowed, the file is changed and its mode stays."""
    (root / "src" / "app.py").chmod(0o755)
    change = {"path": "src/app.py", "old": "return 1", "new": "return 2"}
    lab = Lab([asks(("edit_file", change)), answer()], file_tools(root, write=True))
    await lab.run()
    assert lab.call("0.0").preview.splitlines() == [
        "--- src/app.py now", "+++ src/app.py then", "@@ -3,4 +3,4 @@", " ", " def main():", "-    return 1",
        "+    return 2", " ",
    ]  # fmt: skip
    assert "return 1" in (root / "src" / "app.py").read_text()
    await lab.journal.append(PermissionDecided(call="0.0", verdict="allow"))
    await lab.run()
    assert lab.text("0.0") == "edited src/app.py at line 5"
    assert (root / "src" / "app.py").read_text() == "import os\n\n\ndef main():\n    return 2\n"
    assert (root / "src" / "app.py").stat().st_mode & 0o777 == 0o755
    assert sorted(os.listdir(root / "src")) == ["app.py", "deep"]  # noqa: PTH208 - nothing is left beside it


def test_a_new_file_is_written_with_its_folders(root: Path, tools: dict[str, Tool]) -> None:
    """The question shows it whole; a file in the way of a folder is said."""
    arguments = {"path": "new/folder/a.txt", "text": "one\ntwo\n"}
    assert tools["write_file"].previewed(arguments).endswith("@@ -0,0 +1,3 @@\n+one\n+two\n+")
    assert call(tools["write_file"], **arguments) == "wrote new/folder/a.txt, 2 lines"
    assert (root / "new/folder/a.txt").read_text() == "one\ntwo\n"
    with pytest.raises(ToolError, match=r"'README\.md' is a link or no folder"):
        call(tools["write_file"], path="README.md/x", text="")


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("nothing like it", "does not stand in 'a.txt'"),
        ("aa", "stands more than once"),
        ("two\nthree", r"Its lines end in \\r\\n"),
        ("one", "old and new are the same"),
    ],
)
def test_an_edit_that_is_not_plain_changes_nothing(root: Path, tools: dict[str, Tool], old: str, said: str) -> None:
    """What is to be replaced must stand there once, exactly; the question says so too."""
    (root / "a.txt").write_bytes(b"one\r\ntwo\r\nthree aaa\r\n")
    with pytest.raises(ToolError, match=said):
        call(tools["edit_file"], path="a.txt", old=old, new="one")
    assert "cannot be shown" in tools["edit_file"].previewed({"path": "a.txt", "old": old, "new": "one"})
    assert (root / "a.txt").read_bytes() == b"one\r\ntwo\r\nthree aaa\r\n"


def test_an_edit_keeps_what_it_does_not_touch(root: Path, tools: dict[str, Tool]) -> None:
    """Ends of lines stay as they are; a file that is no text is not edited."""
    (root / "a.txt").write_bytes(b"one\r\ntwo\r\n")
    call(tools["edit_file"], path="a.txt", old="two", new="three\u00e9")
    assert (root / "a.txt").read_bytes() == b"one\r\nthree\xc3\xa9\r\n"
    (root / "b.bin").write_bytes(b"\xff\xfe")
    with pytest.raises(ToolError, match="no UTF-8 text"):
        call(tools["edit_file"], path="b.bin", old="x", new="y")


def test_a_huge_diff_is_cut(root: Path, tools: dict[str, Tool]) -> None:
    """A question stays readable, and is made quickly."""
    long = tools["write_file"].previewed({"path": "a", "text": "\n".join(map(str, range(5_000)))})
    assert long.endswith("[4703 more lines of this diff]")
    lines = [f"{number % 4500}" for number in range(9_000)]
    (root / "a").write_text("\n".join(lines))
    change = {"path": "a", "old": "\n8\n9\n10\n11\n".replace("8", "4499\n0\n1\n2\n3\n4\n5\n6\n7\n8"), "new": "\nx\n"}
    assert tools["edit_file"].previewed(change).splitlines()[2:] == [
        "@@ -4500,13 +4500,1 @@", "-4499", *[f"-{number}" for number in range(12)], "+x",
    ]  # fmt: skip
    assert tools["write_file"].previewed({"path": "a", "text": "\n".join(lines)}) == "a stays as it is"


def test_a_write_that_fails_leaves_the_file_whole(
    root: Path, tools: dict[str, Tool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves what was there, and nothing beside it."""

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workbench.tools.rooted.os.fsync", full)
    with pytest.raises(ToolError, match="No space left"):
        call(tools["write_file"], path="README.md", text="new")
    assert (root / "README.md").read_text() == "# Name\n\nWords.\n"
    assert sorted(path.name for path in root.iterdir()) == ["README.md", "src"]


def test_edits_of_several_runs_do_not_lose_each_other(root: Path) -> None:
    """Two agents that edit one file at the same time leave both their changes."""
    (root / "list").write_text("".join(f"<{number}>" for number in range(40)))

    def edit(numbers: range) -> None:
        tools = {item.name: item for item in file_tools(root, write=True)}
        for number in numbers:
            call(tools["edit_file"], path="list", old=f"<{number}>", new=f"[{number}]")

    threads = [threading.Thread(target=edit, args=(range(start, 40, 4),)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (root / "list").read_text() == "".join(f"[{number}]" for number in range(40))
