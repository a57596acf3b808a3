"""The parts of a run's state: plan, steps, turns, calls, and the order of the conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from workbench.events.agent import Effect, Permission
from workbench.events.call import Outcome, SubagentsSettled
from workbench.events.content import Content, TextBlock
from workbench.events.plan import PlanStep
from workbench.events.request import NO_USAGE, ProviderParts, Purpose, ToolCallBlock, TurnBlock, Usage
from workbench.events.run import EndStatus, Reason

CallStatus = Literal[
    "requested",  # the turn asks for it; nothing ran yet, or it is to run again
    "waiting",  # a person must allow it
    "running",
    "finished",
    "cancelled",
    "interrupted",  # stopped without a result; read-only and idempotent calls run again
    "unknown",  # effectful and interrupted: a person must answer
    "discarded",  # eager, and the turn did not ask for it
]
StepProgress = Literal["waiting", "doing", "done"]
PlanStatus = Literal["proposed", "approved", "skipped", "simple"]
TurnStatus = Literal["streaming", "discarded", "finished"]


CUTS = ("max_tokens", "model_context_window_exceeded")
"""Stop reasons of turns that were cut."""


@dataclass(slots=True)
class ResultRef:
    """Where a result's blocks lie in the log, and what lists show of it."""

    run: str
    seq: int
    size: int
    first_line: str
    is_error: bool


@dataclass(slots=True)
class AttemptState:
    """One try of a call that failed and was followed by another."""

    error: str
    elapsed: float
    wait: float


@dataclass(slots=True)
class MemberState:
    """One subagent of a call."""

    run: str
    owner: str
    """The run whose log names it; another run's subagent is forked before it goes on."""
    judges: bool = False
    end: tuple[EndStatus, Reason] | None = None
    """How it came to its end; None while it goes on."""
    usage: Usage = NO_USAGE
    steps: int = 0

    @property
    def is_completed(self) -> bool:
        """Whether it gave an answer."""
        return self.end is not None and self.end[0] == "completed"


@dataclass(slots=True)
class CallState:
    """One call of a step."""

    id: str
    tool: str
    input: dict[str, JsonValue]
    invalid: str | None = None
    status: CallStatus = "requested"
    asked: bool = True
    """The finished turn asks for it; False for an eager call while the model still writes."""
    effect: Effect = "effectful"
    permission: Permission = "allow"
    eager: bool = False
    hosted: bool = False
    """The provider ran it, inside the turn; never `asked`, because nobody here owes it a result."""
    attempt: int = 0
    """The turn's attempt that an eager or a hosted call belongs to."""
    started_at: float | None = None
    finished_at: float | None = None
    started_seq: int | None = None
    elapsed: float | None = None
    outcome: Outcome | None = None
    attempts: list[AttemptState] = field(default_factory=list)
    progress: str = ""
    granted: float = 0.0
    """Seconds that a person gave it beyond its tool's timeout."""
    partial: bool = False
    """Its result is not whole: it was interrupted."""
    result: ResultRef | None = None
    original: ResultRef | None = None
    """The result before a person replaced it."""
    original_input: dict[str, JsonValue] | None = None
    """The input that the model asked for, where a person or a hook replaced it."""
    hook: str = ""
    """The hook that replaced its input last."""
    by: str = "tool"
    question: str = ""
    """Why a person is asked, in one line."""
    preview: str = ""
    """What the tool says that the call would do, such as a diff."""
    asked_input: dict[str, JsonValue] | None = None
    """The input that a person was asked about: what is allowed is this alone."""
    every_time: bool = False
    """The question cannot be answered for the rest of the run."""
    leave: str = ""
    """What would be allowed for the rest of the run: the tool, or the tool at one host."""
    allowed: bool | None = None
    """A person's decision; None where nobody was asked or nobody answered."""
    denial: str = ""
    members: dict[int, MemberState] = field(default_factory=dict)
    """The subagents that this call is: one, or those of an ensemble and their judge."""
    settled: SubagentsSettled | None = None
    """How the answers of an ensemble compare."""
    reruns: int = 0
    """How often it was reset to run again: part of the idempotency key's meaning, and shown."""

    @property
    def child(self) -> str | None:
        """The run of its subagent, the first of several; None where it has none."""
        return next((member.run for member in self.members.values()), None)

    @property
    def children(self) -> tuple[str, ...]:
        """The runs of its subagents."""
        return tuple(member.run for member in self.members.values())

    @property
    def has_result(self) -> bool:
        """Whether the conversation has its one result."""
        return self.result is not None and self.status in ("finished", "cancelled")

    @property
    def has_error(self) -> bool:
        """Whether its result is an error."""
        return self.result is not None and self.result.is_error

    @property
    def edited(self) -> bool:
        """Whether a person replaced its result or its input."""
        return self.original is not None or (self.original_input is not None and not self.hook)


@dataclass(slots=True)
class TurnState:
    """One response of the model."""

    purpose: Purpose
    model: str
    attempt: int = 0
    status: TurnStatus = "streaming"
    started_at: float = 0.0
    text: list[str] = field(default_factory=list)
    """Stored pieces of a stream that is not finished; the finished content is in `content`."""
    thinking: list[str] = field(default_factory=list)
    content: tuple[TurnBlock, ...] = ()
    provider_parts: ProviderParts | None = None
    stop_reason: str = ""
    usage: Usage = NO_USAGE
    elapsed: float = 0.0
    first_token: float | None = None
    request_key: str = ""
    edited: bool = False
    shown: str | None = None
    """What is shown of its text where a hook wants something else; None for the text itself."""
    retries: list[str] = field(default_factory=list)
    """Errors of attempts that failed."""
    next_at: float | None = None
    """When the next attempt begins, after this one failed; Unix seconds."""

    @property
    def text_blocks(self) -> list[str]:
        """The finished text as it is shown to people."""
        if self.shown is not None:
            return [self.shown] if self.shown else []
        return [block.text for block in self.content if isinstance(block, TextBlock)]

    @property
    def calls(self) -> list[ToolCallBlock]:
        """The calls that the finished turn asks for."""
        return [block for block in self.content if isinstance(block, ToolCallBlock)]


Spans = Sequence[tuple[float, float]]
"""Times from one moment to another, Unix seconds, in order."""


def driven_between(start: float, end: float, undriven: Spans) -> float:
    """Return how many of the seconds between two moments lie outside of the spans in which nobody drove the run."""
    return end - start - sum(max(0.0, min(end, until) - max(start, since)) for since, until in undriven)


def time_covered(spans: Iterable[tuple[float, float]], undriven: Spans) -> float:
    """Return for how many seconds at least one of the spans lasted, without those in which nobody drove the run."""
    ordered = sorted(spans)
    covered = reached = 0.0
    for start, end in ordered:
        begin, over = (driven_between(ordered[0][0], moment, undriven) for moment in (start, end))
        covered += max(0.0, over - max(begin, reached))
        reached = max(reached, over)
    return covered


@dataclass(slots=True)
class StepState:
    """A turn with the calls it asked for and their results."""

    index: int
    turn: TurnState
    calls: dict[str, CallState] = field(default_factory=dict)
    """By id, in the order in which they became known."""
    asked_calls: list[CallState] = field(default_factory=list)
    """Those that the finished turn asks for, in the model's order."""
    finished_seq: int | None = None
    """Seq of the event that closed the step: its last result, or its turn where it has no calls."""
    turn_seq: int | None = None
    """Seq of `turn_finished`."""
    before_seq: int = -1
    """Seq of the last event before the turn started; before its last attempt, where it took several."""
    sequential: bool = False
    """Its calls ran one by one."""
    switched: dict[str, bool] = field(default_factory=dict)
    """Groups of tools that are on or off from its request on, and were not before."""
    undriven: list[tuple[float, float]] = field(default_factory=list)
    """When nobody drove the run while the step was open: it was paused, waited for a person, or was forked later."""

    @property
    def is_cut(self) -> bool:
        """Whether its turn asks for nothing and was cut at a limit, so that it is no answer; one that was edited is."""
        turn = self.turn
        return turn.status == "finished" and not turn.calls and not turn.edited and turn.stop_reason in CUTS

    @property
    def is_closed(self) -> bool:
        """Whether the turn is finished and every call it asks for has its result."""
        return self.finished_seq is not None


@dataclass(slots=True)
class PlanState:
    """The plan as it stands."""

    steps: list[PlanStep]
    status: PlanStatus
    progress: list[StepProgress]
    edited: bool = False
    proposed_seq: int = -1


@dataclass(frozen=True, slots=True)
class HookNote:
    """That a hook changed something, or came to nothing."""

    hook: str
    what: str
    after: str
    call: str | None


@dataclass(slots=True)
class Said:
    """Something that stands in the conversation as user text: the task, a plan, a message."""

    kind: Literal["task", "plan", "message", "summary", "notice"]
    """A notice is what neither a person nor the plan says: why a turn is no answer, or what a hook adds."""
    content: Content
    seq: int = -1
    """Of the event of a message; -1 for all others."""
    is_hooked: bool = False
    """A hook has changed it."""


@dataclass(slots=True)
class StepMark:
    """The place of a step in the conversation."""

    index: int


Entry = Said | StepMark
