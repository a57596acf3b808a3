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
    """A notebook that ends with the program; notes are found by the words that they share with a query."""

    def __init__(self) -> None:
        self._notes: dict[tuple[str, str, str], str] = {}

    def save(self, run: str, key: str, text: str, call: str = "") -> None:
        """Keep a note beside what was noted under the key before; the same call replaces what it noted itself."""
        self._notes.pop((run, key, call), None)
        self._notes[run, key, call] = text

    def search(self, query: str, readable: Readable, limit: int = 5) -> Sequence[Note]:
        """Return notes that fit, best first; the newest ones where `query` has no words. Of a key only the latest."""
        wanted = set(query.lower().split())
        found: dict[tuple[str, str], Note] = {}
        for (run, key, call), text in reversed(self._notes.items()):
            if readable.has(run, call):
                latest = found.get((run, key))
                found[run, key] = Note(run, key, text) if latest is None else _with_earlier(latest, text)
        shared = {name: len(wanted & set(f"{note.key} {note.text}".lower().split())) for name, note in found.items()}
        fits = [name for name in found if shared[name] or not wanted]
        return [found[name] for name in sorted(fits, key=lambda name: -shared[name])[:limit]]


def _with_earlier(note: Note, text: str) -> Note:
    return Note(note.run, note.key, note.text, (*note.earlier, text))
