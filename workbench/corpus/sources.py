"""Where documents come from: the reference that Python carries, or the files below a folder.

A source says cheaply whether anything changed (`stamp`) and reads its documents one by one. Names, links and contents
of files are a stranger's: a name becomes a plain word, a link leads nowhere outside the folder, a file that cannot be
read is left out and counted.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from workbench.corpus import formats
from workbench.corpus.files import read_inside, unpack
from workbench.corpus.passages import LONGEST_HEADING
from workbench.errors import DocumentsError
from workbench.tools.blocks import Parsed

LARGEST = 20_000_000
"""Bytes beyond which a file is left out, packed or unpacked."""
_NO_NAME = re.compile(r"[^\w./+~-]+")


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read."""

    title: str
    """What it calls itself, or its name."""
    parsed: Parsed
    digest: str
    """A hash of what was read."""


class Item(Protocol):
    """A document that can be read."""

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    def read(self) -> Document:
        """Read it. Raises UnreadableError or OSError where that is not possible."""
        ...


class Source(Protocol):
    """A set of documents."""

    @property
    def identity(self) -> str:
        """Return what tells this source from others: the same for every version of its documents."""
        ...

    @property
    def stamp(self) -> str:
        """Return what changes when a document may have changed; takes milliseconds."""
        ...

    @property
    def items(self) -> Sequence[Item]:
        """Return the documents, in an order that does not change."""
        ...

    @property
    def left_out(self) -> int:
        """Return how many files were left out before anything was read."""
        ...

    def title(self, documents: int) -> str:
        """Return what the source is, for people, when it has so many documents."""
        ...

    def empty(self) -> DocumentsError:
        """Return the error for a source without anything to read."""
        ...


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of Python's own reference."""

    name: str
    text: str

    def read(self) -> Document:
        """Read it; always possible."""
        return _document(self.name, "text", self.text.encode("utf-8", "replace"))


class EmbeddedSource:
    """The language reference in `pydoc_data.topics`, which every Python has."""

    left_out = 0
    identity = f"python {sys.version}"

    @cached_property
    def items(self) -> Sequence[Topic]:
        """Return the topics, sorted; none where Python was installed without them."""
        try:
            from pydoc_data.topics import topics
        except ImportError:
            return []
        return [Topic(name, text) for name, text in sorted(topics.items())]

    @cached_property
    def stamp(self) -> str:
        """Return a hash of all topics: they are in memory anyway."""
        return _hash(f"{topic.name}\0{topic.text}\0" for topic in self.items)

    def title(self, documents: int) -> str:
        """Return `Python language reference, 79 topics`."""
        return f"Python language reference, {documents:,} topics"

    def empty(self) -> DocumentsError:
        """Return the error for a Python that was installed without its reference."""
        return DocumentsError(
            "this Python carries no language reference (pydoc_data.topics is missing); name a folder of documents"
        )


@dataclass(frozen=True, slots=True)
class File:
    """A file below a folder."""

    name: str
    folder: Path
    real: str
    """Its path below the folder, links followed."""
    kind: formats.Format
    packed: bool

    def read(self) -> Document:
        """Read it. Raises UnreadableError or OSError where that is not possible."""
        content = read_inside(self.folder, self.real, LARGEST)
        return _document(self.name, self.kind, unpack(content, LARGEST) if self.packed else content)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A file as it was found, before it has a name."""

    path: PurePosixPath
    real: str
    size: int
    changed: int


class FolderSource:
    """The documents below a folder, hidden files and folders apart.

    Raises DocumentsError where there is no such folder, or it cannot be read, or holds no documents.
    """

    def __init__(self, folder: Path) -> None:
        self.left_out = 0
        self._given = folder
        self._folder = _usable(folder)
        self.identity = f"folder {self._folder}"
        listed = sorted(self._listed(), key=lambda file: file.path.parts)
        if not listed:
            raise self.empty()
        self.stamp = _hash(f"{file.path}\0{file.size}\0{file.changed}\0" for file in listed)
        small = [file for file in listed if file.size <= LARGEST]
        self.left_out += len(listed) - len(small)
        self.items: Sequence[File] = list(self._named(small))

    def title(self, documents: int) -> str:
        """Return `postgresql-doc-15, 1,171 documents`."""
        return f"{self._folder.name or '/'}, {documents:,} document{'s' * (documents != 1)}"

    def empty(self) -> DocumentsError:
        """Return the error for a folder without anything to read."""
        endings = " ".join(formats.SUFFIXES)
        return DocumentsError(
            f"no documents below {str(self._given)!r}: looked for {endings} and man pages (.1 to .8), also with .gz; "
            "name a folder that holds some"
        )

    def _listed(self) -> Iterator[_Listed]:
        """Walk the folder; a link counts only if it leads to a file inside that is not listed anyway."""
        plain: dict[str, _Listed] = {}
        links: list[PurePosixPath] = []
        for below, folders, files in os.walk(self._folder, onerror=self._unreadable):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in files:
                path = PurePosixPath(below, name).relative_to(self._folder)
                if name.startswith(".") or formats.format_of(path) is None:
                    continue
                if Path(below, name).is_symlink():
                    links.append(path)
                elif found := self._stat(path, str(path)):
                    plain[found.real] = found
        yield from plain.values()
        for path in links:
            real = os.path.relpath(os.path.realpath(self._folder / path), self._folder)
            is_inside = real != ".." and not real.startswith("../")
            if is_inside and real not in plain and (found := self._stat(path, real)):
                yield found

    def _stat(self, path: PurePosixPath, real: str) -> _Listed | None:
        with suppress(OSError):
            found = (self._folder / real).lstat()
            if stat.S_ISREG(found.st_mode):
                return _Listed(path, real, found.st_size, found.st_mtime_ns)
        self.left_out += 1
        return None

    def _unreadable(self, error: OSError) -> None:
        if Path(error.filename) == self._folder:
            raise DocumentsError(
                f"the folder {str(self._given)!r} cannot be read ({error.strerror}); "
                "change its permissions or name another"
            ) from error
        self.left_out += 1

    def _named(self, files: Sequence[_Listed]) -> Iterator[File]:
        """Name the files by their paths; where two would be the same, the later keeps its ending, or gets a number."""
        taken: set[str] = set()
        for file in files:
            found = formats.format_of(file.path)
            if not found:
                continue
            kind, bare = found
            name, number = _plain_name(bare), 2
            if name in taken:
                name = _plain_name(file.path)
            while name in taken:
                name, number = f"{_plain_name(file.path)}~{number}", number + 1
            taken.add(name)
            yield File(name, self._folder, file.real, kind, packed=file.path.suffix.lower() == ".gz")


def _usable(folder: Path) -> Path:
    """Return the folder's own path, links followed. Raises DocumentsError."""
    try:
        real = folder.expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise DocumentsError(
            f"there is no folder {str(folder)!r}; name a folder of Markdown, reStructuredText, HTML or text files"
        ) from error
    if not real.is_dir():
        raise DocumentsError(f"{str(folder)!r} is not a folder; name the folder that holds the documents")
    return real


def _plain_name(path: PurePosixPath) -> str:
    """Return a path as a name: one word, of characters that mean nothing to anybody."""
    return _NO_NAME.sub("-", os.fsencode(path).decode("utf-8", "replace"))


def _document(name: str, kind: formats.Format, content: bytes) -> Document:
    parsed = formats.read(kind, _decoded(content))
    title = " ".join(parsed.title.split())[:LONGEST_HEADING]
    return Document(title or name, parsed, hashlib.sha256(content).hexdigest())


def _decoded(content: bytes) -> str:
    """Return bytes as text: UTF-8 unless they are marked as UTF-16, with a sign in the place of what is neither."""
    is_utf16 = content[:2] in {b"\xff\xfe", b"\xfe\xff"}
    return content.decode("utf-16" if is_utf16 else "utf-8-sig", "replace").replace("\0", "\ufffd")


def _hash(parts: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
