"""What the documents and notes tools need of an index; `corpus` provides it.

The protocols stand here, below their implementation, so that tools never know SQLite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    earlier: tuple[str, ...] = ()
    """What was noted under the key before, newest first."""


@dataclass(frozen=True, slots=True)
class Readable:
    """Whose notes a run may read: its own line's, and those of others that are finished. Never its own future."""

    run: str
    inherited: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By run that it was forked from, the calls that it took over; what those noted later is the future."""
    others: frozenset[str] = frozenset()
    """Its subagents that gave their summaries, and finished runs that are no relatives of it."""

    def is_own(self, run: str, call: str) -> bool:
        """Whether a note of this run and call is of the line itself."""
        return run == self.run or call in self.inherited.get(run, ())

    def has(self, run: str, call: str) -> bool:
        """Whether a note of this run and call may be read."""
        return run in self.others or self.is_own(run, call)


class Notebook(Protocol):
    """Notes kept across runs; safe to call from any thread."""

    def save(self, run: str, key: str, text: str, call: str = "") -> None:
        """Keep a note beside what was noted under the key before; the same call replaces what it noted itself."""
        ...

    def search(self, query: str, readable: Readable, limit: int = 5) -> Sequence[Note]:
        """Return notes that fit, best first; the newest ones where `query` has no words. Of a key only the latest."""
        ...
