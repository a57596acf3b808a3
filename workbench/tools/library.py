"""What the documents and notes tools need of an index; `corpus` provides it.

The protocols stand here, below their implementation, so that tools never know SQLite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, small enough to be read whole by a model."""

    name: str
    """`topic::n`, unique in its library, n counting from 0."""
    title: str
    """The document's title and the headings above the passage."""
    text: str
    """The passage itself."""
    score: float = 0.0
    """Relevance to the query, higher is better; 0 where the passage was fetched by name."""


class Library(Protocol):
    """A searchable set of documents. Methods are quick (milliseconds) and safe to call from any thread."""

    @property
    def fingerprint(self) -> str:
        """A hash of the content: equal for equal documents."""
        ...

    @property
    def title(self) -> str:
        """What the library is, for people: `Python language reference, 79 topics`."""
        ...

    def search(self, query: str, limit: int = 5) -> Sequence[Passage]:
        """Return the best passages, best first; an empty sequence where nothing fits. `query` is any text."""
        ...

    def fetch(self, name: str) -> Passage | None:
        """Return the passage of that name, or None."""
        ...

    def nearest(self, name: str, limit: int = 3) -> Sequence[str]:
        """Return existing passage names that look like `name`, for an error message."""
        ...


@dataclass(frozen=True, slots=True)
class Note:
    """Something a run wanted to keep."""

    run: str
    """The run that wrote it."""
    key: str
    """Short name, unique within its run."""
    text: str
    """What was noted."""


class Notebook(Protocol):
    """Notes kept across runs; safe to call from any thread."""

    def save(self, run: str, key: str, text: str) -> None:
        """Keep a note; the same run and key replaces it."""
        ...

    def search(self, query: str, runs: Sequence[str], limit: int = 5) -> Sequence[Note]:
        """Return notes that fit, best first, of these runs only (a run's own lineage and finished other runs)."""
        ...


class NoDocuments:
    """The library of an agent that searches none."""

    fingerprint = ""
    title = "no documents"

    def search(self, query: str, limit: int = 5) -> Sequence[Passage]:  # noqa: ARG002 - the protocol's signature
        """Return nothing."""
        return ()

    def fetch(self, name: str) -> Passage | None:  # noqa: ARG002
        """Return nothing."""
        return None

    def nearest(self, name: str, limit: int = 3) -> Sequence[str]:  # noqa: ARG002
        """Return nothing."""
        return ()


class NotesInMemory:
    """A notebook that ends with the program."""

    def __init__(self) -> None:
        self._notes: dict[tuple[str, str], Note] = {}

    def save(self, run: str, key: str, text: str) -> None:
        """Keep a note; the same run and key replaces it."""
        self._notes[run, key] = Note(run, key, text)

    def search(self, query: str, runs: Sequence[str], limit: int = 5) -> Sequence[Note]:
        """Return notes of these runs that share words with `query`, those with most first."""
        wanted = set(query.lower().split())
        fits = [(len(wanted & set(f"{note.key} {note.text}".lower().split())), note) for note in self._notes.values()]
        found = sorted((item for item in fits if item[0] and item[1].run in runs), key=lambda item: -item[0])
        return [note for _, note in found[:limit]]
