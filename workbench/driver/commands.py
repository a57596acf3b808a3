"""What can be asked of a driver: plain values, so that they can cross threads.

Each command says what it answers with. Every command raises a `UserError` with a clear sentence where it cannot be
done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from workbench.events.agent import PlanMode
from workbench.events.base import Recorded
from workbench.events.call import UnknownAnswer
from workbench.events.library import LibraryEvent
from workbench.events.plan import PlanStep
from workbench.store.model import RunRow, SearchHit


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """What a person may choose about the agent of a run; None keeps the agent's own value."""

    model: str | None = None
    docs: str | None = None
    """Folder of documents; None for the embedded library."""
    plan: PlanMode | None = None
    sequential: bool = False
    pace: float | None = None
    max_steps: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None
    deny_asks: bool = False
    """Deny calls that would ask a person, instead of waiting."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """Start a run on `task`; answers with its id."""

    task: str
    options: AgentOptions = field(default_factory=AgentOptions)
    drive: bool = True
    """Move it forward at once."""


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
class ListRuns:
    """Answers with a list of `RunRow` (see `store`), newest first."""

    hidden: bool = False


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
class ResumeRun:
    """Move a run forward from where it is; larger limits may be given. Answers with its id."""

    run: str
    options: AgentOptions = field(default_factory=AgentOptions)


@dataclass(frozen=True, slots=True)
class PauseRun:
    """Stop a run. Answers with None.

    `now` stops the stream and the read-only calls and lets effectful calls finish; asked again, it stops those too.
    `step` stops before the next turn.
    """

    run: str
    when: Literal["now", "step"] = "now"


@dataclass(frozen=True, slots=True)
class ApprovePlan:
    """Approve the waiting plan, or first replace its steps. Answers with None."""

    run: str
    steps: Sequence[PlanStep] | None = None


@dataclass(frozen=True, slots=True)
class SkipPlan:
    """Go on without the waiting plan. Answers with None."""

    run: str


@dataclass(frozen=True, slots=True)
class EditPlan:
    """Replace the steps of an approved plan that are not done yet. Answers with None."""

    run: str
    steps: Sequence[PlanStep]


@dataclass(frozen=True, slots=True)
class CancelCall:
    """Give up one call in flight; its siblings go on. Answers with None."""

    run: str
    call: str


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Give the result of one call that has none yet, by hand. Answers with None."""

    run: str
    call: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class RetryCall:
    """Leave the attempt of a running call and begin the next in the same run; its siblings go on. Answers with None.

    The attempt that is left may have taken effect, where the call is effectful: ask the person first.
    """

    run: str
    call: str


@dataclass(frozen=True, slots=True)
class GiveTime:
    """Let a running call take so many seconds more before it times out. Answers with None."""

    run: str
    call: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DecidePermission:
    """Allow or deny a call that waits for a person. Answers with None."""

    run: str
    call: str
    verdict: Literal["allow", "deny"]
    scope: Literal["once", "run"] = "once"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResolveUnknown:
    """Answer for a call of unknown outcome; `text` is the result for `result`. Answers with None."""

    run: str
    call: str
    answer: UnknownAnswer
    text: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Add a message. Answers with the run that got it: a completed run goes on as a fork of itself."""

    run: str
    text: str


@dataclass(frozen=True, slots=True)
class ForkEdits:
    """What a fork changes; several may be given together where the place allows it."""

    results: Mapping[str, str] = field(default_factory=dict)
    """Call id to the text of its new result."""
    inputs: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    """Call id to its new input; that call alone runs again."""
    reruns: tuple[str, ...] = ()
    """Calls that run again as they were."""
    text: str | None = None
    """New text of the turn at the place."""
    plan: Sequence[PlanStep] | None = None
    skip_plan: bool = False
    model: str | None = None
    parameters: Mapping[str, JsonValue] | None = None
    """Fields of `ModelParameters` that change; the others stay."""
    instructions: str | None = None
    say: str | None = None
    options: AgentOptions = field(default_factory=AgentOptions)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return self == ForkEdits()


@dataclass(frozen=True, slots=True)
class ForkRun:
    """Make a fork at a place: `plan`, `S`, `S.turn`, `S.C`, `end`, or `seq:N` for the playhead. Answers with its id."""

    run: str
    address: str | None = None
    """None: implied by the calls in `edits`, else `end`."""
    edits: ForkEdits = field(default_factory=ForkEdits)
    drive: bool = True


@dataclass(frozen=True, slots=True)
class PreviewFork:
    """Answers with a `ForkPreview` (see `debugger`): what would be kept, run again, and cannot be undone."""

    run: str
    address: str | None = None
    edits: ForkEdits = field(default_factory=ForkEdits)


@dataclass(frozen=True, slots=True)
class Variant:
    """What one side of a race does differently."""

    name: str
    edits: ForkEdits = field(default_factory=ForkEdits)


@dataclass(frozen=True, slots=True)
class StartRace:
    """Fork one moment in several ways, each `repeat` times, and drive the forks; answers with a `StartedRace`.

    All are written before any is driven, or none is. `checks` are rules by which answers are judged (see
    `debugger.checks`).
    """

    run: str
    address: str | None
    variants: tuple[Variant, ...]
    repeat: int = 1
    at_once: int = 4
    checks: tuple[str, ...] = ()
    drive: bool = True


@dataclass(frozen=True, slots=True)
class StartedRace:
    """A race and the runs that were added to it."""

    race: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepeatRace:
    """Let every variant of a race run `repeat` more times, from the same moment; answers with a `StartedRace`.

    `checks` are given again where they call Python, as for `ResumeRace`.
    """

    race: str
    repeat: int = 1
    at_once: int = 4
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenRace:
    """Read a race by its id or by one of its runs; answers with an `OpenedRace`."""

    name: str


@dataclass(frozen=True, slots=True)
class OpenedRace:
    """The runs of a race, oldest first, hidden ones too."""

    race: str
    rows: tuple[RunRow, ...]


@dataclass(frozen=True, slots=True)
class ResumeRace:
    """Drive those of a race that have not begun or were stopped, and judge what is over. Answers with their ids.

    `checks` are given again where they call Python: what a database alone names is not called.
    """

    race: str
    at_once: int = 4
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AwaitRace:
    """Answers with None when nothing of a race that this driver drives moves, waits for its turn or is judged."""

    race: str


@dataclass(frozen=True, slots=True)
class StopRacers:
    """Pause these runs of a race, and take those that wait for their turn out of the line. Answers with None."""

    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """Write an event of the library log: a name, a note, tags, a mark, hiding. Answers with None."""

    event: LibraryEvent


@dataclass(frozen=True, slots=True)
class CancelWork:
    """Give up long work by the name that its `Progress` has; what is over already is over. Answers with None."""

    work: str


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


@dataclass(frozen=True, slots=True)
class ExportRun:
    """Write a run with its lineage and subagents to a session file. Answers with `ExportedFile`.

    Raises `OverwriteRefusedError` where the file is there, unless `replace`.
    """

    run: str
    path: str
    forks: bool = False
    """The forks of these runs too."""
    replace: bool = False


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """What an export wrote."""

    path: str
    runs: int
    events: int
    size: int
    """Bytes."""
    is_too_large: bool
    """More than an import takes."""


@dataclass(frozen=True, slots=True)
class ImportFile:
    """Take in the runs of a session file, all or none. Answers with `ImportedFile`."""

    path: str


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What an import took in."""

    new: int
    """Runs that were not here before."""
    newest: str
    """The run to look at first."""
    notes: tuple[str, ...]
    """Sentences about what had to be left out."""


@dataclass(frozen=True, slots=True)
class BreakpointSetting:
    """One breakpoint of a person's list."""

    rule: str
    """As `debugger.breakpoints` reads it, such as `tool:fetch_doc`."""
    is_enabled: bool = True
    trouble: str = ""
    """Why it stops nothing though it is switched on; only in answers."""


@dataclass(frozen=True, slots=True)
class ListBreakpoints:
    """Answers with a tuple of `BreakpointSetting`."""


@dataclass(frozen=True, slots=True)
class SetBreakpoints:
    """Replace the list of breakpoints; it is in force at once for all runs of this driver. Answers with the new one.

    A rule may come back in other words, such as a baseline by its whole id.
    """

    settings: tuple[BreakpointSetting, ...]


@dataclass(frozen=True, slots=True)
class AddBreakpoints:
    """Add breakpoints to the list, switched on. Answers with the new list."""

    rules: tuple[str, ...]


Command = (
    StartRun
    | OpenRun
    | ListRuns
    | ReadContents
    | FindInResults
    | ReadRequest
    | ResumeRun
    | PauseRun
    | ApprovePlan
    | SkipPlan
    | EditPlan
    | CancelCall
    | AnswerCall
    | RetryCall
    | GiveTime
    | DecidePermission
    | ResolveUnknown
    | Say
    | ForkRun
    | PreviewFork
    | StartRace
    | RepeatRace
    | OpenRace
    | ResumeRace
    | AwaitRace
    | StopRacers
    | Label
    | CancelWork
    | IndexRuns
    | SearchRuns
    | ExportRun
    | ImportFile
    | ListBreakpoints
    | SetBreakpoints
    | AddBreakpoints
)
