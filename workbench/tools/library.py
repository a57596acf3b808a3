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
