"""`RunState`: what a run is, as of the last event that was folded into it (see `fold`)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from workbench.events.agent import AgentRecord, Exposure
from workbench.events.content import Content
from workbench.events.request import Usage
from workbench.events.run import Caller, Citation, ContextElided, ContextSummarised, Reason, ToolsSwitched
from workbench.state.parts import CallState, Entry, HookNote, PlanState, Said, StepState, TurnState

Status = Literal[
    "idle", "planning", "awaiting_approval", "thinking", "executing_tools", "responding",
    "completed", "failed", "interrupted",
]  # fmt: skip

Notice = ContextElided | ContextSummarised | ToolsSwitched
"""A fact that makes requests other than the ones before it, with no place in the conversation."""
FALLBACK_WINDOW = 20
"""Final outcomes that the sequential fallback looks at."""


@dataclass(slots=True)
class RunState:
    """What a run is, as of its last applied event. Equal logs give equal states."""

    run: str = ""
    seq: int = -1
    at: float = 0.0
    """Time of the last event."""
    started_at: float = 0.0
    task: str = ""
    agent: AgentRecord | None = None
    date: str = ""
    depth: int = 0
    role: str | None = None
    caller: Caller | None = None
    parent: str | None = None
    made_from: str | None = None
    cut: int | None = None
    address: str = ""
    """Where the run was forked from."""
    plan: PlanState | None = None
    plan_turn: TurnState | None = None
    steps: list[StepState] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    """The conversation in order; steps are named by index."""
    queued: list[Entry] = field(default_factory=list)
    """Messages typed while a step is open; they enter when it closes."""
    usage: Usage = field(default_factory=Usage)
    """Of this run alone, inherited turns included."""
    children: dict[str, tuple[Usage, int]] = field(default_factory=dict)
    """Usage and steps of finished subagents, by call: a call that runs again counts its last subagent alone."""
    mode: Literal["parallel", "sequential"] = "parallel"
    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=FALLBACK_WINDOW))
    """Final outcomes of calls, True for a failure that counts."""
    clean_in_a_row: int = 0
    allowed: set[str] = field(default_factory=set)
    """What a person allowed for the rest of the run: tools, and tools at one host."""
    switched: dict[str, bool] = field(default_factory=dict)
    """Groups of tools that were switched since the last request; they are told at the next step."""
    exposures: set[Exposure] = field(default_factory=set)
    """What the calls that started brought into the run or let out of it, those of its subagents too; forks inherit."""
    elided: set[str] = field(default_factory=set)
    summary: tuple[int, str] | None = None
    """The last summarised step and the text that stands for all up to it."""
    notices: list[tuple[int, Notice]] = field(default_factory=list)
    """What changed the requests from a step on, by the index of that step."""
    end: tuple[Literal["completed", "failed", "interrupted"], Reason] | None = None
    breakpoint: str = ""
    """Which breakpoint stopped the run, and why; it holds until the run goes on, also before the run rests."""
    hits: dict[tuple[str, str | None], str] = field(default_factory=dict)
    """Breakpoints that were hit, by rule and call, with why; they do not stop the run there again."""
    answer: str | None = None
    output: dict[str, JsonValue] | None = None
    """The answer as an object, where the agent wants one."""
    shown_answer: str | None = None
    """What is shown of the answer where a hook wants something else; None for the answer itself."""
    citations: tuple[Citation, ...] = ()
    error: str | None = None
    late_results: int = 0
    own_edits: list[str] = field(default_factory=list)
    """What a person changed since this run began or was forked: `result 1.2`, `plan`, `model`, …"""
    driven_seconds: float = 0.0
    """Time between events while the run was not at rest; the clock of the time limit."""
    unknown_kinds: int = 0
    hook_notes: dict[int, tuple[HookNote, ...]] = field(default_factory=dict)
    """What hooks changed, by the step that it was about."""
    missing_hooks: set[str] = field(default_factory=set)
    """Hooks without which the run went on, because their code was not there."""
    active_turn: TurnState | None = None
    """The turn that is streaming, or None."""
    failed_turn: TurnState | None = None
    """The turn that failed last, of which another attempt is to follow, or None."""

    @property
    def told_answer(self) -> str | None:
        """The answer as it is shown to people."""
        return self.answer if self.shown_answer is None or self.answer is None else self.shown_answer

    @property
    def question(self) -> Content:
        """The whole task, with the files that were given with it."""
        first = self.entries[0] if self.entries else None
        return first.content if isinstance(first, Said) and first.kind == "task" else ()

    @property
    def status(self) -> Status:
        """Where the run is on its way."""
        return self.status_and_reason[0]

    @property
    def reason(self) -> Reason | None:
        """Why it rests or ended."""
        return self.status_and_reason[1]

    @property
    def status_and_reason(self) -> tuple[Status, Reason | None]:
        """Status, and the reason where the run is at rest."""
        if self.end is not None:
            return self.end
        if self.active_turn is not None:
            return ("planning" if self.active_turn.purpose == "plan" else "thinking"), None
        if self.failed_turn is not None:
            return ("planning" if self.failed_turn.purpose == "plan" else "thinking"), None
        if self.plan is not None and self.plan.status == "proposed" and self.agent and self.agent.plan == "ask":
            return "awaiting_approval", "plan"
        step = self.open_step
        if step is not None:
            return _open_step_status(step, sequential=self.is_sequential)
        if not self.steps:
            return "idle", None
        last = self.steps[-1]
        return ("responding" if last.is_closed and not last.turn.calls else "thinking"), None

    @property
    def is_resting(self) -> bool:
        """Whether nothing goes on without a person."""
        if self.end is not None or self.active_turn is not None:
            return self.end is not None
        return self.status_and_reason[0] == "awaiting_approval"

    @property
    def waits_for_attempt(self) -> bool:
        """Whether the model failed in passing, and is asked again after a while."""
        return self.failed_turn is not None and not self.is_resting

    @property
    def is_sequential(self) -> bool:
        """Whether calls run one by one: the agent wants it so, or too many failed."""
        return self.mode == "sequential" or (self.agent is not None and not self.agent.parallel_tool_calls)

    @property
    def open_step(self) -> StepState | None:
        """The step whose turn is finished and whose calls are not, or None."""
        step = self.steps[-1] if self.steps else None
        return step if step is not None and step.finished_seq is None and step.turn.status == "finished" else None

    @property
    def finished_steps(self) -> int:
        """Steps whose turn is finished."""
        if self.steps and self.steps[-1].turn.status != "finished":
            return len(self.steps) - 1
        return len(self.steps)

    @property
    def child_usage(self) -> Usage:
        """Usage of finished subagents."""
        return sum((usage for usage, _ in self.children.values()), Usage())

    @property
    def child_steps(self) -> int:
        """Steps of finished subagents."""
        return sum(steps for _, steps in self.children.values())

    @property
    def total_usage(self) -> Usage:
        """Own and subagents' usage."""
        return self.usage + self.child_usage

    @property
    def hit(self) -> tuple[str, str | None, str] | None:
        """Rule, call and reason of the breakpoint that stopped the run, or None where none did."""
        found = ((rule, call, why) for (rule, call), why in self.hits.items() if f"{rule}: {why}" == self.breakpoint)
        return next(found, None)

    def notices_of(self, step: int) -> list[Notice]:
        """Return what changed the requests from a step on."""
        return [notice for index, notice in self.notices if index == step]

    def left_out_at(self, call: str) -> int | None:
        """Return the step from which on requests carry a mark instead of a call's result, or None."""
        found = (index for index, one in self.notices if isinstance(one, ContextElided) and call in one.calls)
        return next(found, None)

    def summed_up_at(self, step: int) -> int | None:
        """Return the step from which on requests carry a summary instead of a step, or None."""
        found = (index for index, one in self.notices if isinstance(one, ContextSummarised) and step <= one.through)
        return next(found, None)

    def call(self, call: str) -> CallState | None:
        """Return the call of that id, or None."""
        index = call.partition(".")[0]
        if not index.isdecimal() or int(index) >= len(self.steps):
            return None
        return self.steps[int(index)].calls.get(call)


def _open_step_status(step: StepState, *, sequential: bool) -> tuple[Status, Reason | None]:
    """Return whether the calls of an open step move, or wait for a person.

    One by one, a call that waits holds up those after it.
    """
    waiting: Reason | None = None
    for call in step.asked_calls:
        holds_up = sequential and waiting is not None
        if call.status == "running" or (call.status in ("requested", "interrupted") and not holds_up):
            return ("responding" if call.tool == "submit_answer" else "executing_tools"), None
        if call.status == "unknown":
            waiting = "outcome_unknown"
        elif call.status == "waiting" and waiting is None:
            waiting = "permission"
    return ("awaiting_approval", waiting) if waiting else ("executing_tools", None)
