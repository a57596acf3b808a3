"""Reading runs: their logs, results and requests, and searching in all of them."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.events.base import Recorded
from workbench.store.model import RunRow, SearchHit


@dataclass(frozen=True, slots=True)
class OpenRun:
    """Read a run by id, unique prefix or `@last`; answers with `OpenedRun`. Does not drive it."""

    run: str


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """A run's whole lineage as of now; what comes later arrives through the feed."""

    run: str
    records: tuple[Recorded, ...]
    """Without result bodies."""
    live: bool
    """Some living process drives it."""
    mine: bool
    """This driver drives it."""
    imported: bool = False


@dataclass(frozen=True, slots=True)
class ReadContents:
    """Read results by the run that owns them and their seq; answers with a dict from such pairs to content."""

    refs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FindInResults:
    """Look for a text in results, named as in `ReadContents`; answers with how often it is in those that have it."""

    refs: tuple[tuple[str, int], ...]
    text: str


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Make the request of a turn again; answers with a `SentRequest` (see `debugger.requests`)."""

    run: str
    seq: int
    """Of the turn's `turn_started`."""


@dataclass(frozen=True, slots=True)
class IndexRuns:
    """Bring the index of all runs up to the log, so that `SearchRuns` finds what is new. Answers with None."""


@dataclass(frozen=True, slots=True)
class SearchRuns:
    """Look for words in all visible runs, as far as they are indexed. Answers with a list of `FoundRun`, best first."""

    text: str


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run in which a search found something."""

    row: RunRow
    hits: tuple[SearchHit, ...]
    label: str = ""
    """What people said about the run that has the words: its name, its tags, a line of its note."""
