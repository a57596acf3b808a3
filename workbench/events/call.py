"""The life of one tool call, from its start to its one result.

Events that carry a result hold its blocks in `result`; the log stores those apart from the rest, and readers of the
log get `result` empty unless they ask for bodies. `size` and `first_line` are always there.
"""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from workbench.events.agent import Effect, Exposure, Permission
from workbench.events.base import Event, Frozen
from workbench.events.content import Content
from workbench.events.request import Usage
from workbench.events.run import EndStatus, Reason

Outcome = Literal["ok", "error", "timeout", "exception", "invalid_input", "denied", "not_run", "failed"]
"""`timeout` and `exception` count towards the sequential fallback, the rest do not."""
UnknownAnswer = Literal["rerun", "result", "fail", "unknown"]


class CallEvent(Event):
    """An event of one call."""

    call: str
    """`STEP.CALL`."""


class ResultEvent(CallEvent):
    """A call event with a result; make it with `result_fields`."""

    result: Content = ()
    size: int
    """Bytes of the whole result."""
    first_line: str
    is_error: bool


class CallStarted(CallEvent):
    """The call is about to run; committed before the tool sees anything."""

    kind: Literal["call_started"] = "call_started"
    tool: str
    input: dict[str, JsonValue]
    effect: Effect
    permission: Permission
    """The verdict in force: `allow`, or `ask` where a person allowed it."""
    eager: bool = False
    """Started while the model was still writing."""
    attempt: int = 0
    """The turn's attempt that an eager or a hosted call belongs to."""
    hosted: bool = False
    """The provider runs it, inside the turn: nobody here starts it, stops it or gives its result to the model."""
    exposure: tuple[Exposure, ...] = ()
    """What its tool brings into the run or lets out of it."""


class CallProgressed(CallEvent):
    """A partial result, or a word on how far the call is."""

    kind: Literal["call_progressed"] = "call_progressed"
    text: str
    granted: float = 0.0
    """Seconds that a person gave the call beyond its tool's timeout; then the words are not the tool's."""


class CallRetried(CallEvent):
    """An attempt failed in a way that may pass; the next one follows after a wait."""

    kind: Literal["call_retried"] = "call_retried"
    attempt: int
    """The attempt that failed, from 0."""
    error: str
    elapsed: float
    wait: float
    """Seconds."""


class CallFinished(ResultEvent):
    """The call has its result."""

    kind: Literal["call_finished"] = "call_finished"
    outcome: Outcome
    elapsed: float
    """Seconds of all attempts and waits."""
    by: Literal["tool", "operator", "engine", "provider"] = "tool"
    input: dict[str, JsonValue] | None = None
    """What a hosted call was given, where its provider tells so at the end only; else None."""
    partial: bool = False
    """The result is not whole: it holds what had come when the call was interrupted."""


class CallCancelled(ResultEvent):
    """A person gave this call up; the result says so to the model."""

    kind: Literal["call_cancelled"] = "call_cancelled"
    elapsed: float
    partial: bool = False
    """The result holds what had come by then."""


class CallInterrupted(CallEvent):
    """The call was stopped without a result: a pause, a crash, or a thread that was left behind."""

    kind: Literal["call_interrupted"] = "call_interrupted"
    reason: Literal["paused", "crashed", "abandoned"]


class CallDiscarded(CallEvent):
    """An eager call that the finished turn did not ask for."""

    kind: Literal["call_discarded"] = "call_discarded"
    reason: str


class CallReused(CallEvent):
    """A call took over an eager one of a broken attempt with the same input: its result, or the call while it runs."""

    kind: Literal["call_reused"] = "call_reused"
    old: str


class OutcomeUnknown(CallEvent):
    """An effectful call was interrupted; nobody knows what it did to the world."""

    kind: Literal["outcome_unknown"] = "outcome_unknown"


class OutcomeResolved(CallEvent):
    """A person answered for a call of unknown outcome; a result follows unless the answer is `rerun`."""

    kind: Literal["outcome_resolved"] = "outcome_resolved"
    answer: UnknownAnswer


class LateResultDropped(CallEvent):
    """A thread that had been left behind returned after all, or a call that has its result was given another."""

    kind: Literal["late_result_dropped"] = "late_result_dropped"
    size: int


class PermissionAsked(CallEvent):
    """The call may run only when a person allows it."""

    kind: Literal["permission_asked"] = "permission_asked"
    tool: str
    input: dict[str, JsonValue]
    reason: str
    """Why a person is asked, in one line; below it what the call would do, where its tool can say."""
    every_time: bool = False
    """Leave for the rest of the run would not hold for it, so it cannot be given."""
    leave: str = ""
    """What leave for the rest of the run would be for: `send`, or `http_get(example.com)`; empty for the tool."""


class PermissionDecided(CallEvent):
    """A person decided; an *allow* is for exactly the input that was asked about."""

    kind: Literal["permission_decided"] = "permission_decided"
    verdict: Literal["allow", "deny"]
    scope: Literal["once", "run"] = "once"
    reason: str = ""


class SubagentStarted(CallEvent):
    """The call runs as a child run."""

    kind: Literal["subagent_started"] = "subagent_started"
    run: str
    """The child's id."""
    task: str
    focus: str = ""
    role: str | None = None
    member: int = 0
    """Which of the call's subagents it is, where an ensemble works on one task."""
    judges: bool = False
    """It does not work on the task, it settles what the others answered."""


class SubagentFinished(CallEvent):
    """The child came to its end; the call's result follows, where it was the last of them."""

    kind: Literal["subagent_finished"] = "subagent_finished"
    run: str
    status: EndStatus
    reason: Reason
    steps: int
    usage: Usage
    exposures: tuple[Exposure, ...] = ()
    """What its calls brought in; with its summary that comes to its caller."""
    member: int = 0


class MemberAnswer(Frozen):
    """What one subagent of an ensemble said, in short."""

    member: int
    run: str
    said: str
    """The beginning of its answer, or why it gave none."""
    stand: Literal["agrees", "differs", "failed"]
    """To the answer that was settled on."""


class SubagentsSettled(CallEvent):
    """The answers of an ensemble were compared; the call's result follows."""

    kind: Literal["subagents_settled"] = "subagents_settled"
    by: Literal["vote", "judge"]
    answers: tuple[MemberAnswer, ...]
    why: str = ""
    """What the judge said of its choice, or why there was no choice."""
