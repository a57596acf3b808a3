"""What is to be told of runs: values, each made of events of one run and whole in itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from workbench.events.base import Recorded
from workbench.events.call import Outcome
from workbench.events.request import Usage

TurnStatus = Literal["ok", "broken", "refused", "stopped"]
"""`broken` may pass and was perhaps tried again, `refused` lasts, `stopped` is nobody's failure."""
CallStatus = Literal[Outcome, "cancelled", "interrupted", "discarded"]


@dataclass(frozen=True, slots=True)
class Kin:
    """Where a run belongs, as far as that is known."""

    root: str
    """The run that a person started or forked: itself, or that of its caller."""
    caller: str | None = None
    """The run that spawned it."""
    call: str | None = None
    """The call of that run."""
    agent: str = ""
    """Name of its agent."""


@dataclass(slots=True, eq=False)
class Stretch:
    """A run from where it begins or goes on to where it rests; all in one process."""

    run: str
    kin: Kin
    began: Recorded
    """The first event of the stretch; that of a fork or a start where the run begins with it."""
    spawned_by: Recorded | None = None
    """For a subagent: the start of the call that waits for it, where it was seen."""
    fork_root: str | None = None
    """For a fork: the root of the run that it was made of."""
    model: str = ""
    """The one that was asked last."""
    usage: Usage = field(default_factory=Usage)
    """Of all its turns so far, without those of its subagents."""


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A run began, or goes on."""

    stretch: Stretch


@dataclass(frozen=True, slots=True)
class RunRested:
    """A run came to its end, or to rest; or the program ends while it goes on."""

    stretch: Stretch
    at: float
    status: str
    """`completed`, `failed`, `interrupted`, or `left` where the log says nothing of it."""
    reason: str
    ended: Recorded | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """One attempt of a turn is over."""

    stretch: Stretch
    started: Recorded
    ended: Recorded
    model: str
    status: TurnStatus
    usage: Usage
    seconds: float | None
    """What it took; None for one that came to nothing."""
    error: str = ""
    error_kind: str = ""


@dataclass(frozen=True, slots=True)
class ModelAgain:
    """A turn broke and is tried again."""

    stretch: Stretch
    model: str
    error: str
    error_kind: str
    wait: float


@dataclass(frozen=True, slots=True)
class CallBegan:
    """A call began: that is stored, and its tool runs after it was told."""

    stretch: Stretch
    started: Recorded
    call: str
    tool: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call is over."""

    stretch: Stretch
    started: Recorded
    ended: Recorded
    tool: str
    status: CallStatus
    seconds: float | None
    """What its tool took; None where the tool gave no result, or the provider ran it."""
    retries: tuple[Recorded, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolAgain:
    """An attempt of a call failed and is followed by another."""

    stretch: Stretch
    tool: str
    error: str
    wait: float


@dataclass(frozen=True, slots=True)
class StepMeasured:
    """A step is over, and the next request goes out; see `debugger.metrics` for what is measured."""

    stretch: Stretch
    aggregation: float
    whole: float


@dataclass(frozen=True, slots=True)
class FellBack:
    """Calls run one by one from here, because too many failed."""

    stretch: Stretch
    why: str


Fact: TypeAlias = (
    RunBegan | RunRested | TurnEnded | ModelAgain | CallBegan | CallEnded | ToolAgain | StepMeasured | FellBack
)
