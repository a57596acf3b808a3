"""Paths that a model writes: none of them leads out of the folder, whatever it says and whatever changes meanwhile.

Beside the folder lie canaries. A guard of the usual kind, which resolves a path and looks how it starts, is here too:
it must let a canary out, else finding none means nothing.
"""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from workbench.errors import AgentError, ToolError
from workbench.events.content import plain_text
from workbench.tools.base import Tool, ToolResult
from workbench.tools.files import file_tools
from workbench.tools.rooted import Root

CANARY = "CANARY-of-what-is-outside"
SWAPS = 1_000

OUTSIDE = """
../canary.txt
../root-evil/canary.txt
../../canary.txt
a/../../canary.txt
a/b/../../../canary.txt
./../canary.txt
a/./../../canary.txt
..
a/..
a/../a/ok.txt
..//canary.txt
/{root}/../canary.txt
{outside}/canary.txt
/{outside}/canary.txt
//{outside}/canary.txt
/etc/passwd
/dev/zero
/dev/stdin
/proc/self/environ
/proc/self/cwd/../canary.txt
~/canary.txt
~root/canary.txt
..\\canary.txt
a\\..\\..\\canary.txt
\\\\server\\share\\canary.txt
C:/canary.txt
c:canary.txt
C:\\canary.txt
a\0/canary.txt
\0
../canary.txt\0.png
a\n../canary.txt
\u202etxt.yranac
a\u200b/ok.txt
\udc2e\udc2e/canary.txt
link.txt
link-to-inside.txt
folder-link/canary.txt
folder-link/../canary.txt
folder-link
a/up/canary.txt
a/up/root-evil/canary.txt
chain/canary.txt
dangling
loop
loop/loop
proc-link/environ
fifo
socket
a
.

file.txt/canary.txt
missing.txt
.ssh/id_rsa
.ssh/config
a/.SSH/known_hosts
.env
.env.production
.ENV
.e\u00adnv
\uff0eenv
prod.env
server.pem
a/server.KEY
id_ed25519
id_deploy
.git/config
sub/.git/hooks/pre-commit
.netrc
.aws/credentials
.npmrc
.bash_history
terraform.tfstate
"""
"""Paths as a model might write them, one a line; one of them is empty."""
NO_FILE = (
    "/" * 5000,
    "a/" * 200 + "x",
    "n" * 300,
    "é" * 200,
    "%2e%2e/canary.txt",
    "..%2fcanary.txt",
    "....//canary.txt",
)


def paths() -> list[str]:
    """Return all of them."""
    return [*OUTSIDE.strip("\n").split("\n"), *NO_FILE]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder with files in it, links out of it, and canaries all around."""
    root = tmp_path / "root"
    outside = tmp_path / "outside"
    for folder in (
        root / "a" / "b",
        outside,
        tmp_path / "root-evil",
        root / ".ssh",
        root / ".aws",
        root / "a" / ".SSH",
    ):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (tmp_path, outside, tmp_path / "root-evil"):
        (folder / "canary.txt").write_text(CANARY)
    for secret in (
        ".ssh/id_rsa", ".ssh/config", ".env", ".env.production", "server.pem", "id_ed25519", ".netrc",
        "credentials.toml", "terraform.tfstate.backup",
    ):  # fmt: skip
        (root / secret).write_text(CANARY)
    for name in ("a/ok.txt", "file.txt"):
        (root / name).write_text("inside\n")
    (root / "link.txt").symlink_to(outside / "canary.txt")
    (root / "link-to-inside.txt").symlink_to("file.txt")
    (root / "folder-link").symlink_to(outside)
    (root / "a" / "up").symlink_to("../..")
    (root / "chain").symlink_to("folder-link")
    (root / "dangling").symlink_to(outside / "not-there")
    (root / "loop").symlink_to("loop")
    (root / "proc-link").symlink_to("/proc/self")
    os.mkfifo(root / "fifo")
    os.mknod(root / "socket", stat.S_IFSOCK | 0o600)
    return root


def tools_of(root: Path) -> dict[str, Tool]:
    """Return the file tools by name."""
    return {item.name: item for item in file_tools(root, write=True)}


def call(item: Tool, **arguments: object) -> str:
    """Call a tool as the engine does and return its text; a refusal is text too."""
    try:
        value = item.function(**item.validate(dict(arguments)))  # type: ignore[arg-type]
    except ToolError as error:
        return f"refused: {error}"
    return plain_text(value.content) if isinstance(value, ToolResult) else str(value)


def test_there_are_sixty_hostile_paths_and_more() -> None:
    """The table says what it claims."""
    assert len(set(paths())) >= 60


@pytest.mark.parametrize("path", paths(), ids=lambda path: ascii(path)[:40])
def test_a_hostile_path_reads_and_writes_nothing(root: Path, path: str) -> None:
    """Every tool refuses it with a sentence, shows no canary, and leaves all that is outside as it was."""
    path = path.replace("{root}", str(root)).replace("{outside}", str(root.parent / "outside"))
    tools, before = tools_of(root), outside_of(root)
    said = [
        call(tools["read_file"], path=path),
        call(tools["list_files"], below=path),
        call(tools["search_files"], below=path, text="CANARY"),
        call(tools["edit_file"], path=path, old="CANARY", new="x"),
        tools["edit_file"].previewed({"path": path, "old": "CANARY", "new": "x"}),
        tools["write_file"].previewed({"path": path, "text": "x"}),
    ]
    assert said[0].startswith("refused: ")
    assert said[3].startswith("refused: ")
    assert not [text for text in said if CANARY in text]
    if path not in ("missing.txt", *NO_FILE):
        assert call(tools["write_file"], path=path, text="written").startswith("refused: ")
    assert outside_of(root) == before


def outside_of(root: Path) -> dict[str, bytes]:
    """Return all files beside the folder, and the secrets and links in it."""
    beside = [path for path in root.parent.rglob("*") if path.is_file() and root not in path.parents]
    secrets = [
        path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and "CANARY" in path.read_text()
    ]
    links = {str(path): os.fsencode(path.readlink()) for path in root.rglob("*") if path.is_symlink()}
    return {**{str(path): path.read_bytes() for path in (*beside, *secrets)}, **links}


def test_looking_through_the_folder_shows_no_secret_and_follows_no_link(root: Path) -> None:
    """A list has only plain files; what may hold secrets is counted, not named."""
    tools = tools_of(root)
    listed = call(tools["list_files"])
    assert listed.splitlines()[:2] == ["a/ok.txt  7", "file.txt  7"]
    assert "names of what may hold secrets left out" in listed
    assert "canary" not in listed
    assert call(tools["search_files"], text="CANARY").startswith("No line has 'CANARY'")
    assert call(tools["search_files"], text="CAN.RY", regex=True).startswith("No line has")


class Careless(Root):
    """The guard that is usually written: resolve, see how it starts, open."""

    @contextmanager
    def file(self, path: str) -> Iterator[int]:
        target = (self.path / path).resolve()
        if not str(target).startswith(str(self.path)):
            raise ToolError("outside")
        number = os.open(self.path / path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            yield number
        finally:
            os.close(number)


def let_out(make: Callable[[Path], Root], root: Path, path: str) -> bool:
    """Whether a canary comes out under this path."""
    try:
        return CANARY.encode() in make(root).read(path)
    except (ToolError, OSError, ValueError, RuntimeError):
        return False


def test_a_guard_that_looks_how_a_path_starts_is_caught(root: Path) -> None:
    """The table has paths that such a guard lets out, and the real one does not."""
    assert {"../root-evil/canary.txt", ".env"} <= {path for path in paths() if let_out(Careless, root, path)}
    assert not [path for path in paths() if let_out(Root, root, path)]


@contextmanager
def swapping(root: Path, outside: Path) -> Iterator[Callable[[], int]]:
    """Exchange a file and a folder for links that lead outside, and back, as fast as it goes; gives the count."""
    stop, count = threading.Event(), [0]
    (root / "real.txt").write_text("inside")
    (root / "real").mkdir()
    (root / "real" / "canary.txt").write_text("inside")
    (root / "evil.txt").symlink_to(outside / "canary.txt")
    (root / "evil").symlink_to(outside)

    def swap() -> None:
        while not stop.is_set():
            for real, evil, name in (("real.txt", "evil.txt", "race.txt"), ("real", "evil", "race")):
                for old, new in ((real, name), (name, real), (evil, name), (name, evil)):
                    with suppress(OSError):  # the one who writes was there first
                        (root / old).rename(root / new)
                if (root / name).is_dir():
                    shutil.rmtree(root / name, ignore_errors=True)
            count[0] += 1

    thread = threading.Thread(target=swap, daemon=True)
    thread.start()
    try:
        yield lambda: count[0]
    finally:
        stop.set()
        thread.join()


def race(make: Callable[[Path], Root], root: Path, swaps: int) -> tuple[int, int]:
    """Read while links are swapped in; return how often a canary and how often the file inside was read."""
    reader = make(root)
    canaries = insides = 0
    with swapping(root, root.parent / "outside") as count:
        while count() < swaps or not (insides or canaries):
            for path in ("race.txt", "race/canary.txt"):
                try:
                    content = reader.read(path)
                except (ToolError, OSError):
                    continue
                canaries += CANARY.encode() in content
                insides += content == b"inside"
    return canaries, insides


def test_a_link_that_is_swapped_in_while_a_file_is_read_lets_nothing_out(root: Path) -> None:
    """Over a thousand swaps not one byte from outside is read, while the file itself is."""
    canaries, insides = race(Root, root, SWAPS)
    assert canaries == 0
    assert insides > 0


def test_the_race_is_one_that_a_careless_guard_loses(root: Path) -> None:
    """The same swaps let a guard read a canary that resolves first and opens then."""
    canaries, _ = race(Careless, root, 3 * SWAPS)
    assert canaries > 0


def test_a_folder_that_is_swapped_while_a_file_is_written_is_not_written_through(root: Path) -> None:
    """What is written lands inside or nowhere; the canaries stay whole."""
    writer = Root(root)
    with swapping(root, root.parent / "outside") as count:
        while count() < SWAPS:
            for path in ("race.txt", "race/canary.txt"):
                try:
                    writer.write(path, b"written")
                except (ToolError, OSError):
                    continue
    assert (root.parent / "outside" / "canary.txt").read_text() == CANARY
    assert [path.name for path in (root.parent / "outside").iterdir()] == ["canary.txt"]


@pytest.mark.parametrize("folder", ["/", "not-there", "root/file.txt"])
def test_a_root_must_be_a_folder_that_is_less_than_everything(root: Path, folder: str) -> None:
    """A wrong root is said when the agent is made."""
    with pytest.raises(AgentError, match="name"):
        file_tools(root.parent / folder)
