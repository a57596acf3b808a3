"""A folder that is never left: paths that a model writes, walked part by part from the folder's own descriptor.

No link is followed, not even one that leads back inside, so that no link that is put in place between a look and an
opening leads anywhere. What usually holds secrets is refused by its name. A hard link is the file itself and cannot
be told from it.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from workbench.clock import SystemClock
from workbench.errors import AgentError, ToolError

LARGEST: Final = 1_000_000
"""Bytes of a file that are read or written at once."""
DEEPEST: Final = 64
"""Folders inside of each other that are walked."""
CAN_WALK: Final = {os.open, os.stat, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
"""Whether this system opens files by the descriptor of their folder."""

_SECRET_FOLDERS: Final = frozenset({
    ".aws", ".azure", ".docker", ".git", ".gnupg", ".hg", ".kube", ".password-store", ".ssh", ".svn",
    ".terraform", ".vault",
})  # fmt: skip
_SECRET_FILES: Final = (
    ".env*", "*.env", ".netrc", "_netrc", ".pgpass", ".npmrc", ".pypirc", ".git-credentials", ".gitconfig", ".htpasswd",
    ".dockercfg", ".my.cnf", ".boto", ".s3cfg", ".vault-token", ".*_history", "*credentials.json", "credentials.db",
    "credentials.toml", "client_secret*.json", "service-account*.json", "service_account*.json", "secrets.json",
    "secrets.toml", "secrets.y*ml", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    "*.tfstate", "*.tfstate.*", "*.tfvars", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
)  # fmt: skip
"""As names with `*`; beside them whatever begins with `id_` and has no ending."""
_SECRET_FILE: Final = re.compile("|".join(map(fnmatch.translate, _SECRET_FILES)))
_NO_LETTERS: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, invisible letters, half characters, ends of lines."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_FOLDER: Final = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)
_FILE: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names that a model's path is made of, none for the folder itself; raises `ToolError` for bad ones."""
    if any(unicodedata.category(letter) in _NO_LETTERS for letter in path):
        raise ToolError(f"the path {path!r} holds characters that no path here has; write it plainly")
    if "\\" in path or path.startswith(("/", "~")) or _DRIVE.match(path):
        raise ToolError(f"the path {path!r} does not begin in the folder; write it from there with /, such as src/a.py")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise ToolError(f"the path {path!r} leads out of the folder with ..; only what is inside of it is there")
    if len(parts) > DEEPEST or any(len(os.fsencode(part)) > 255 for part in parts):
        raise ToolError(f"the path {path[:80]!r}… is longer than any that is there")
    for part in parts:
        if is_secret(part):
            raise ToolError(f"{path!r} is not read or written: {part!r} is a name of what holds keys or passwords")
    return parts


def is_secret(name: str) -> bool:
    """Whether a file or folder of this name usually holds keys or passwords.

    Compared as the most careless of file systems would: without case, ignorable letters and dots at the end.
    """
    seen = "".join(letter for letter in unicodedata.normalize("NFKC", name) if unicodedata.category(letter) != "Cf")
    plain = seen.casefold().rstrip(". ")
    if plain in _SECRET_FOLDERS or _SECRET_FILE.fullmatch(plain):
        return True
    return plain.startswith("id_") and "." not in plain


class Entry(NamedTuple):
    """Something in a folder."""

    path: str
    """From the root, with `/`."""
    is_folder: bool
    size: int


class Root:
    """A folder and what is in it, by paths from it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Take a folder that the person named; links on the way to it are theirs. Raises `AgentError`."""
        if not CAN_WALK:
            raise AgentError("files can be given to an agent only where the system opens them by their folder's handle")
        self.path = Path(folder).expanduser().resolve()
        """The folder, absolute."""
        if not self.path.is_dir():
            raise AgentError(f"the folder {str(folder)!r} is not there; name one whose files the agent may see")
        if self.path == self.path.parent:
            raise AgentError("the whole file system is no folder for an agent; name the one that it works in")

    @contextmanager
    def folder(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        """Give the descriptor of a folder, reached without a link; `make` makes what is missing."""
        with _explained("."):
            at = os.open(self.path, _FOLDER)
        try:
            for number, part in enumerate(parts):
                with _explained("/".join(parts[: number + 1])):
                    if make:
                        with suppress(FileExistsError):
                            os.mkdir(part, dir_fd=at)
                    inner = os.open(part, _FOLDER, dir_fd=at)
                os.close(at)
                at = inner
            yield at
        finally:
            os.close(at)

    @contextmanager
    def file(self, path: str) -> Iterator[int]:
        """Give the descriptor of a plain file, to read."""
        *above, name = _named(path)
        with self.folder(tuple(above)) as at, _explained(path):
            _check_plain(os.stat(name, dir_fd=at, follow_symlinks=False), path)
            number = os.open(name, _FILE, dir_fd=at)
        try:
            _check_plain(os.fstat(number), path)  # it may be another one by now
            yield number
        finally:
            os.close(number)

    def read(self, path: str) -> bytes:
        """Return a whole file; raises `ToolError` where it is larger than `LARGEST`."""
        with self.file(path) as number, os.fdopen(number, "rb", closefd=False) as opened:
            content = opened.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ToolError(f"{path!r} has more than {LARGEST:,} bytes, which is more than is read at once")
        return content

    def exists(self, path: str) -> bool:
        """Whether something is there under this name."""
        *above, name = _named(path)
        try:
            with self.folder(tuple(above)) as at:
                os.stat(name, dir_fd=at, follow_symlinks=False)
        except (FileNotFoundError, ToolError):
            return False
        return True

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place whole or not at all; folders on the way are made, a file that is there keeps its mode."""
        *above, name = _named(path)
        if len(content) > LARGEST:
            raise ToolError(f"{len(content):,} bytes are more than the {LARGEST:,} that are written at once")
        with self.folder(tuple(above), make=True) as at, _explained(path):
            mode: int | None = None
            with suppress(FileNotFoundError):
                there = os.stat(name, dir_fd=at, follow_symlinks=False)
                _check_plain(there, path)
                mode = stat.S_IMODE(there.st_mode) & 0o777
            beside = f".{SystemClock().new_id()}.tmp"
            number = os.open(beside, _NEW, 0o666, dir_fd=at)
            try:
                with os.fdopen(number, "wb") as opened:
                    opened.write(content)
                    opened.flush()
                    if mode is not None:
                        os.fchmod(number, mode)
                    os.fsync(number)
                os.rename(beside, name, src_dir_fd=at, dst_dir_fd=at)
            except BaseException:
                with suppress(OSError):
                    os.unlink(beside, dir_fd=at)
                raise

    def walk(self, path: str = "") -> Iterator[Entry | None]:
        """Give all files and folders below one, sorted; None for one that is left out as a secret. Links are not there.

        What cannot be opened, or is gone when its turn comes, is left out too.
        """
        parts = parts_of(path)
        with self.folder(parts) as at:
            yield from self._walk(at, "/".join(parts), DEEPEST - len(parts))

    def _walk(self, at: int, above: str, levels: int) -> Iterator[Entry | None]:
        with os.scandir(at) as found:
            names = sorted(entry.name for entry in found)
        for name in names:
            if is_secret(name):
                yield None
                continue
            path = f"{above}/{name}" if above else name
            try:
                there = os.stat(name, dir_fd=at, follow_symlinks=False)
                if stat.S_ISREG(there.st_mode):
                    yield Entry(path, is_folder=False, size=there.st_size)
                if not stat.S_ISDIR(there.st_mode) or not levels:
                    continue
                inner = os.open(name, _FOLDER, dir_fd=at)
            except OSError:
                continue
            try:
                yield Entry(path, is_folder=True, size=0)
                yield from self._walk(inner, path, levels - 1)
            finally:
                os.close(inner)


def _named(path: str) -> tuple[str, ...]:
    parts = parts_of(path)
    if not parts:
        raise ToolError(f"{path!r} is the folder itself; name a file in it")
    return parts


def _check_plain(found: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise ToolError(f"{path!r} is a link, and links are not followed; name the file itself")
    if stat.S_ISDIR(found.st_mode):
        raise ToolError(f"{path!r} is a folder; name a file in it")
    if not stat.S_ISREG(found.st_mode):
        raise ToolError(f"{path!r} is no plain file")


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Say to the model what the system says of a path."""
    try:
        yield
    except FileNotFoundError:
        raise ToolError(f"there is no {path!r}; list the files to see what is there") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            raise ToolError(f"{path!r} is a link or no folder, and links are not followed") from None
        raise ToolError(f"{path!r} cannot be used: {error.strerror or error}") from None
