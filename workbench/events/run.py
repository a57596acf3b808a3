"""How a run begins, rests, goes on and ends."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from workbench.events.agent import AgentRecord, Exposure, Limits, PermissionRules
from workbench.events.base import Event, Frozen
from workbench.events.content import Content

EndStatus = Literal["completed", "failed", "interrupted"]
LimitName = Literal["step_limit", "token_limit", "cost_limit", "time_limit"]
Reason = Literal[
    "answered",
    "halted",
    "error",
    "paused",
    "breakpoint",
    "crashed",
    "step_limit",
    "token_limit",
    "cost_limit",
    "time_limit",
    "plan",
    "permission",
    "outcome_unknown",
]
Reset = Literal["rerun", "open", "answered"]
"""What becomes of a call of the open step in a fork: run again as asked, started but not finished at the cut,
or given a result by the edit that follows."""


class Caller(Frozen):
    """The run and call that spawned a subagent."""

    run: str
    call: str


class Citation(Frozen):
    """Where a statement of the answer comes from."""

    source: str
    """A passage name such as `with::2`."""
    quote: str = ""


class RunStarted(Event):
    """A task was given to an agent."""

    kind: Literal["run_started"] = "run_started"
    task: Content
    agent: AgentRecord
    date: str
    """The day as told to the model, `YYYY-MM-DD`; inherited by forks so that prefixes stay equal."""
    caller: Caller | None = None
    role: str | None = None
    depth: int = 0
    """0 for a run a person started, 1 for its subagents."""
    exposures: tuple[Exposure, ...] = ()
    """What the caller of a subagent had brought in before: its task may carry it."""


class RunRecovered(Event):
    """A driver took over a run whose driver had died. What was in flight follows as events of its own."""

    kind: Literal["run_recovered"] = "run_recovered"


class RunForked(Event):
    """The first own event of a fork: everything before it is inherited."""

    kind: Literal["run_forked"] = "run_forked"
    parent: str
    """The run that owns the event at the cut."""
    cut: int
    """Seq of the last inherited event."""
    made_from: str
    """The run that the person was looking at."""
    address: str
    """The place as given: `plan`, `2`, `2.turn`, `2.1`, `end`."""
    reset: dict[str, Reset] = Field(default_factory=dict)
    caller: Caller | None = None
    """For a forked subagent: the call of the forked caller."""
    dropped: tuple[str, ...] = ()
    """What could not cross to another provider."""
    exposures: tuple[Exposure, ...] = ()
    """What the inherited part brings in beyond what its calls say: a stranger's log is the words of a stranger."""


class RunPaused(Event):
    """The run came to rest because a person, a breakpoint or the end of the driver wanted so."""

    kind: Literal["run_paused"] = "run_paused"
    reason: Literal["paused", "breakpoint"] = "paused"


class RunResumed(Event):
    """The run goes on; changed limits and permission rules hold from here."""

    kind: Literal["run_resumed"] = "run_resumed"
    limits: Limits | None = None
    permissions: PermissionRules | None = None


class RunFinished(Event):
    """The run ended, or stopped at a limit from which it can be resumed."""

    kind: Literal["run_finished"] = "run_finished"
    status: EndStatus
    reason: Reason
    answer: str | None = None
    citations: tuple[Citation, ...] = ()
    output: dict[str, JsonValue] | None = None
    """The answer as an object, where the agent wants one of a schema; then `answer` is the same as JSON text."""
    steps: int = 0
    """Steps of this run."""
    subagent_steps: int = 0
    """Steps of its subagents, all told."""
    error: str | None = None


class LimitReached(Event):
    """A limit stopped the run."""

    kind: Literal["limit_reached"] = "limit_reached"
    limit: LimitName
    value: float
    maximum: float


class BreakpointHit(Event):
    """A breakpoint matched."""

    kind: Literal["breakpoint_hit"] = "breakpoint_hit"
    rule: str
    why: str
    call: str | None = None


class ModeChanged(Event):
    """Calls run one by one from here, or at once again."""

    kind: Literal["mode_changed"] = "mode_changed"
    mode: Literal["parallel", "sequential"]
    why: str


class ToolsSwitched(Event):
    """Groups of tools were switched on or off; holds from the next request."""

    kind: Literal["tools_switched"] = "tools_switched"
    groups: dict[str, bool]
    by: Literal["model", "operator"]


class HookChanged(Event):
    """A hook of the agent changed something on its way."""

    kind: Literal["hook_changed"] = "hook_changed"
    hook: str
    what: str
    before: str
    after: str
    call: str | None = None


class ContextElided(Event):
    """From here requests carry a short mark instead of these results; the log keeps them whole."""

    kind: Literal["context_elided"] = "context_elided"
    calls: tuple[str, ...]
    tokens_before: int
    tokens_after: int


class ContextSummarised(Event):
    """From here requests carry this summary instead of the steps up to `through`."""

    kind: Literal["context_summarised"] = "context_summarised"
    through: int
    """Index of the last step that the summary stands for."""
    summary: str
