"""What callers of the store give and get: plain frozen values, without SQLite in them.

They stand apart so that other rooms can name them without knowing how anything is kept.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from workbench.events.base import Event


class Durability(enum.Enum):
    """What an acknowledged append survives."""

    NORMAL = "normal"
    """The death of the process."""
    FULL = "full"
    """The loss of power too: the disk was told to sync before the append returned."""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What never changes about a run; written in the transaction of its first event."""

    id: str
    root: str
    """The run whose lease covers this one: itself for a run or a fork, the caller's root for a subagent."""
    created: float
    """Unix seconds."""
    parent: str | None = None
    """For a fork: the run that owns the event at the cut."""
    cut: int | None = None
    """For a fork: seq of the last inherited event."""
    made_from: str | None = None
    """For a fork: the run that the person was looking at."""
    caller_run: str | None = None
    """For a subagent: the run whose call spawned it."""
    caller_call: str | None = None
    """For a subagent: that call, `STEP.CALL`."""
    depth: int = 0
    """0 for a run a person started, 1 for its subagents."""
    imported: bool = False
    """Came from a session file: never driven, only forked."""

    @property
    def first_seq(self) -> int:
        """Seq of the first event of its own."""
        return 0 if self.cut is None else self.cut + 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive own events of one run."""

    run: str
    first_seq: int
    events: tuple[tuple[float, Event], ...]
    """Each with its `at`, Unix seconds."""
    header: RunHeader | None = None
    """Given with the first batch of a new run."""
    token: int | None = None
    """Fencing token of the lease on the run's root; None only for imported runs, which have none."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Own events `first` to `last` of one run of a lineage."""

    run: str
    first: int
    last: int | None
    """None: to the run's end."""


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """An event of the library log with its time."""

    at: float
    event: Event
    """A `LibraryEvent`, or an `UnknownEvent` of a kind that a newer version wrote."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What lists show of a run, folded from its log up to `as_of_seq`; only ever a copy of what the log says."""

    run: str
    as_of_seq: int = -1
    task: str = ""
    model: str = ""
    status: str = "idle"
    reason: str | None = None
    steps: int = 0
    calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    """US dollars; None where it is unknown."""
    total_tokens: int = 0
    """Its own and its subagents'."""
    elapsed: float = 0.0
    """Seconds."""
    answer_line: str = ""
    edited: str = ""
    """What a fork changed, in a word or two."""
    address: str = ""
    """Where a fork was made."""
    updated: float = 0.0
    """Unix seconds of the last event that was folded."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of a list of runs: header, summary, what people said about it, and who drives it."""

    id: str
    root: str
    created: float
    parent: str | None
    cut: int | None
    made_from: str | None
    caller_run: str | None
    caller_call: str | None
    depth: int
    imported: bool
    as_of_seq: int
    """Seq up to which the summary was folded; -1 where there is none yet. Behind `last_seq`: fold it again."""
    task: str
    model: str
    status: str
    reason: str | None
    steps: int
    calls: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    total_tokens: int
    elapsed: float
    answer_line: str
    edited: str
    address: str
    updated: float
    last_seq: int
    """Seq of the last event in the log."""
    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    marked: bool = False
    hidden: bool = False
    """Hidden itself, or a subagent of a hidden run."""
    live: bool = False
    """Some living process holds the lease on its root."""
    held_by: str = ""
    """`pid 123 on host`, or empty."""
    race: str = ""
    """What it has in common with the other forks of a race; empty where it is in none."""
    variant: str = ""
    """What it tries in that race."""
    checks: tuple[str, ...] = ()
    """Rules by which its answer is judged."""
    is_judged: bool = False
    passed: bool | None = None
    """Whether its answer passed; None where it was not judged, or a check could not be made."""
    why: str = ""
    judges: tuple[str, ...] = ()
    """Runs in which a model gave its opinion."""
    unique: int = 0
    """How many characters of its id tell it from every other run here, listed or not."""


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What a purge did."""

    removed: tuple[str, ...]
    """Ids of the runs that are gone."""
    kept: tuple[str, ...]
    """Ids of hidden runs that stay, because a visible fork reads from them."""
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An event that matches a search."""

    run: str
    seq: int
    call: str | None
    line: str
    """The line that matches, at most 200 characters, as it was recorded."""
    kind: str = ""
    """Kind of the event."""
