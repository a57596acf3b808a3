"""Writes realistic logs of runs, without an engine: for tests of everything that reads events or states.

`RunLog` puts plausible times on what it is told; nothing waits. Whole scenes are in `tests.builders`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import JsonValue

from workbench.events.agent import AgentRecord, Effect, Limits, Permission, PlanMode, ToolSpec
from workbench.events.base import Event, Recorded
from workbench.events.call import (
    CallCancelled,
    CallDiscarded,
    CallFinished,
    CallInterrupted,
    CallProgressed,
    CallRetried,
    CallStarted,
    Outcome,
    OutcomeUnknown,
    PermissionAsked,
    SubagentFinished,
    SubagentStarted,
)
from workbench.events.codec import result_fields
from workbench.events.content import Content, TextBlock, text_content
from workbench.events.edit import InputEdited, MessageAdded, ResultEdited
from workbench.events.plan import (
    PlanApproved,
    PlanEdited,
    PlanProposed,
    PlanStep,
    PlanStepFinished,
    PlanStepStarted,
)
from workbench.events.request import Purpose, ThinkingBlock, ToolCallBlock, TurnBlock, Usage
from workbench.events.run import (
    Caller,
    Citation,
    EndStatus,
    ModeChanged,
    Reason,
    Reset,
    RunFinished,
    RunForked,
    RunPaused,
    RunStarted,
)
from workbench.events.turn import ModelRetried, TurnDiscarded, TurnFinished, TurnStarted, TurnText
from workbench.state.fold import apply, fold
from workbench.state.run_state import RunState

START: Final = 1_790_000_000.0
"""When the runs begin: a Monday in September 2026."""
MODEL: Final = "offline"
QUESTION: Final = "How does PgBouncer transaction pooling interact with prepared statements?"


def tool_spec(name: str, effect: Effect = "read_only", permission: Permission = "allow") -> ToolSpec:
    """Return a tool that takes any object."""
    return ToolSpec(
        name=name, description=f"{name}.", input_schema={"type": "object"}, effect=effect, permission=permission
    )


TOOLS: Final = (
    tool_spec("search_docs"),
    tool_spec("fetch_doc"),
    tool_spec("save_note", "idempotent"),
    tool_spec("shell", "effectful", "ask"),
    tool_spec("spawn_subagent", "idempotent"),
    tool_spec("submit_answer"),
)


def agent_record(*, plan: PlanMode = "ask", parallel: bool = True, limits: Limits | None = None) -> AgentRecord:
    """Return an agent with the embedded tools."""
    return AgentRecord(
        instructions="Answer from the documents.",
        model=MODEL,
        tools=TOOLS,
        plan=plan,
        parallel_tool_calls=parallel,
        limits=limits or Limits(),
    )


@dataclass
class Call:
    """One call of a step, as it shall go."""

    tool: str
    input: dict[str, JsonValue] = field(default_factory=dict)
    result: str = "nothing found"
    seconds: float | None = 0.18
    """From its start to its result; None leaves it running."""
    begins: float = 0.0
    """Seconds after the turn; before it (negative) for an eager call."""
    outcome: Outcome = "ok"
    is_error: bool = False
    attempts: tuple[tuple[str, float, float], ...] = ()
    """Error, seconds and wait of each attempt that failed, all within `seconds`."""
    progress: str = ""
    effect: Effect = "read_only"
    permission: Permission = "allow"
    child: RunLog | None = None
    """The subagent that the call is."""
    asks: str = ""
    """Why a person must allow it; it then waits and does not start."""
    every_time: bool = False
    """A person is asked at each such call."""
    ends_as: str = "finished"
    """`finished`, `cancelled`, `interrupted`, `unknown`, `discarded`, or `requested` (does not start)."""


class RunLog:
    """Writes the log of one run."""

    def __init__(
        self,
        run: str = "a4f7c2e19b305d68",
        task: str = QUESTION,
        *,
        agent: AgentRecord | None = None,
        caller: Caller | None = None,
        role: str | None = None,
        at: float = START,
        attached: Content = (),
    ) -> None:
        self.run, self.at = run, at
        self.records: list[Recorded] = []
        self.state = RunState()
        self.add(
            RunStarted(
                task=(*text_content(task), *attached),
                agent=agent or agent_record(),
                date="2026-09-21",
                caller=caller,
                role=role,
                depth=1 if caller else 0,
            )
        )

    def add(self, event: Event, after: float = 0.0) -> Recorded:
        """Write one event, `after` seconds later than the last."""
        self.at += after
        return self._add_at(event, self.at)

    def _add_at(self, event: Event, at: float) -> Recorded:
        record = Recorded(self.run, len(self.records), at, event)
        self.records.append(record)
        apply(self.state, record)
        return record

    # The plan

    def plan(self, steps: Iterable[str], *, approve: bool = True, seconds: float = 0.9) -> None:
        """Let the planner propose `ACTION: text` lines, and a person approve them."""
        proposed = tuple(plan_step(step) for step in steps)
        self.begin_turn("plan")
        text = "\n".join(map(str, proposed)) or "SIMPLE"
        self._finish_turn("plan", (TextBlock(text=text),), seconds)
        self.add(PlanProposed(steps=proposed, simple=not proposed))
        if approve and proposed:
            self.add(PlanApproved(by="operator"), 2.0)

    def edit_plan(self, steps: Iterable[str]) -> None:
        """Replace the plan's steps."""
        self.add(PlanEdited(steps=tuple(plan_step(step) for step in steps)), 1.0)

    def plan_step(self, index: int, *, done: bool = False) -> None:
        """Start or finish a step of the plan."""
        self.add(PlanStepFinished(index=index) if done else PlanStepStarted(index=index))

    # Turns

    def begin_turn(self, purpose: Purpose = "step", attempt: int = 0) -> None:
        """Send a request to the model."""
        step = len(self.state.steps) - (attempt > 0 and purpose == "step")
        self.add(TurnStarted(step=step, attempt=attempt, purpose=purpose, model=MODEL, request_key="k"), 0.01)

    def stream(self, text: str = "", *, thinking: str = "", seconds: float = 0.25) -> None:
        """Store pieces of a turn that streams."""
        step = max(0, len(self.state.steps) - 1)
        if thinking:
            self.add(TurnText(step=step, attempt=0, text=thinking, thinking=True), seconds)
        if text:
            self.add(TurnText(step=step, attempt=0, text=text), seconds)

    def break_turn(self, error: str, *, attempt: int = 0) -> None:
        """Let the stream break and be asked for again."""
        step = len(self.state.steps) - 1
        self.add(TurnDiscarded(step=step, attempt=attempt, reason=f"broken: {error}"), 0.4)
        self.add(ModelRetried(step=step, attempt=attempt, error=error, error_kind="overloaded", wait=1.0))
        self.at += 1.0
        self.begin_turn(attempt=attempt + 1)

    def _finish_turn(self, purpose: Purpose, content: tuple[TurnBlock, ...], seconds: float, attempt: int = 0) -> None:
        step = len(self.state.steps) - (1 if purpose == "step" else 0)
        usage = Usage(input_tokens=900 + 412 * step, output_tokens=96 + 8 * len(content), cost=0.0012)
        event = TurnFinished(
            step=step,
            attempt=attempt,
            purpose=purpose,
            content=content,
            stop_reason="tool_use",
            usage=usage,
            elapsed=seconds,
            first_token=seconds / 4,
        )
        self.add(event, seconds)

    def step(
        self, calls: Sequence[Call] = (), *, text: str = "", thinking: str = "", seconds: float = 0.8, broken: str = ""
    ) -> None:
        """Write a turn and its calls. `broken` is the error of a first attempt."""
        self.begin_turn()
        if broken:
            self.break_turn(broken)
        index = len(self.state.steps) - 1
        asked = [(f"{index}.{number}", call) for number, call in enumerate(calls)]
        self.finish_turn(asked, text=text, thinking=thinking, seconds=seconds, attempt=1 if broken else 0)

    def finish_turn(
        self, asked: Sequence[tuple[str, Call]], *, text: str = "", thinking: str = "", seconds: float = 0.8,
        attempt: int = 0,
    ) -> None:  # fmt: skip
        """Finish the turn that is streaming, and run the calls that it asks for."""
        blocks: list[TurnBlock] = [ThinkingBlock(text=thinking)] if thinking else []
        blocks += [TextBlock(text=text)] if text else []
        turn_end = self.at + seconds
        early = [(call_id, call) for call_id, call in asked if call.begins < 0]
        for call_id, call in early:
            self._start_call(call_id, call, turn_end, eager=True)
        blocks += [
            ToolCallBlock(id=call_id, tool=call.tool, input=call.input)
            for call_id, call in asked
            if call.ends_as != "discarded"
        ]
        self._finish_turn("step", tuple(blocks), seconds, attempt)
        self._run_calls(asked, turn_end)

    # Calls

    def _start_call(self, call_id: str, call: Call, turn_end: float, *, eager: bool = False) -> None:
        event = CallStarted(
            call=call_id,
            tool=call.tool,
            input=call.input,
            effect=call.effect,
            permission=call.permission,
            eager=eager,
            attempt=0,
        )
        self._add_at(event, turn_end + call.begins)

    def _run_calls(self, asked: Sequence[tuple[str, Call]], turn_end: float) -> None:
        events: list[tuple[float, int, Event]] = []
        for order, (call_id, call) in enumerate(asked):
            if call.asks:
                asking = PermissionAsked(
                    call=call_id, tool=call.tool, input=call.input, reason=call.asks, every_time=call.every_time
                )
                events.append((turn_end, order, asking))
                continue
            if call.ends_as == "requested":
                continue
            if call.begins >= 0:
                started = CallStarted(
                    call=call_id, tool=call.tool, input=call.input, effect=call.effect, permission=call.permission
                )
                events.append((turn_end + call.begins, order, started))
            events += [(turn_end + at, order, event) for at, event in _life(call_id, call)]
        for at, _, event in sorted(events, key=lambda item: (item[0], item[1])):
            self.at = max(self.at, at)
            self._add_at(event, self.at)

    # Edits and ends

    def say(self, text: str) -> None:
        """Add a message of a person."""
        self.add(MessageAdded(content=text_content(text)), 1.0)

    def edit_result(self, call: str, text: str, *, is_error: bool = False) -> None:
        """Replace a call's result."""
        self.add(
            ResultEdited(call=call, replaces="0" * 64, **result_fields(text_content(text), is_error=is_error)), 1.0
        )

    def edit_input(self, call: str, fields: dict[str, JsonValue]) -> None:
        """Replace a call's input; it is to run again."""
        self.add(InputEdited(call=call, input=fields, replaces="0" * 64), 1.0)

    def fork(
        self,
        run: str,
        cut: int,
        *,
        address: str = "end",
        reset: dict[str, Reset] | None = None,
        at: float | None = None,
    ) -> RunLog:
        """Return the log of a fork of this run that keeps the events up to `cut`."""
        forked = object.__new__(RunLog)
        forked.run, forked.records = run, self.records[: cut + 1]
        forked.state = fold(forked.records)
        forked.at = self.at + 30.0
        owner = self.records[cut].run
        forked.add(RunForked(parent=owner, cut=cut, made_from=self.run, address=address, reset=reset or {}))
        return forked

    def sequential(self, why: str = "4 of the last 20 calls failed") -> None:
        """Fall back to one call at a time."""
        self.add(ModeChanged(mode="sequential", why=why))

    def pause(self) -> None:
        """Stop the run."""
        self.add(RunPaused(), 0.2)

    def answer(self, text: str, citations: Sequence[tuple[str, str]] = (), *, seconds: float = 1.1) -> None:
        """Let the model submit its answer; the run is completed."""
        cited: list[JsonValue] = [{"source": source, "quote": quote} for source, quote in citations]
        submission = Call("submit_answer", {"answer": text, "citations": cited}, "accepted", seconds=0.001)
        self.step([submission], seconds=seconds)
        self.finish("completed", "answered", answer=text, citations=citations)

    def finish(
        self,
        status: EndStatus,
        reason: Reason,
        *,
        answer: str | None = None,
        citations: Sequence[tuple[str, str]] = (),
        error: str | None = None,
    ) -> None:
        """End the run."""
        event = RunFinished(
            status=status,
            reason=reason,
            answer=answer,
            citations=tuple(Citation(source=source, quote=quote) for source, quote in citations),
            steps=len(self.state.steps),
            subagent_steps=self.state.child_steps,
            error=error,
        )
        self.add(event, 0.01)


def plan_step(line: str) -> PlanStep:
    """Return a plan's step from `ACTION: text`."""
    action, _, text = line.partition(": ")
    return PlanStep(action=action, text=text)


def _life(call_id: str, call: Call) -> list[tuple[float, Event]]:
    """Return what happens to a call after its start, in seconds after the turn."""
    events: list[tuple[float, Event]] = []
    at = call.begins
    for number, (error, elapsed, wait) in enumerate(call.attempts):
        retried = CallRetried(call=call_id, attempt=number, error=error, elapsed=elapsed, wait=wait)
        events.append((at + elapsed, retried))
        at += elapsed + wait
    if call.child is not None:
        task = str(call.input.get("task", ""))
        events.append((call.begins, SubagentStarted(call=call_id, run=call.child.run, task=task)))
    if call.progress:
        events.append((max(0.0, at), CallProgressed(call=call_id, text=call.progress)))
    if call.seconds is not None:
        events += [(call.begins + call.seconds, event) for event in _end(call_id, call)]
    return events


def _end(call_id: str, call: Call) -> list[Event]:
    seconds = call.seconds or 0.0
    fields: dict[str, Any] = result_fields(text_content(call.result), is_error=call.is_error)
    match call.ends_as:
        case "cancelled":
            return [CallCancelled(call=call_id, elapsed=seconds, **fields)]
        case "interrupted":
            return [CallInterrupted(call=call_id, reason="paused")]
        case "unknown":
            return [CallInterrupted(call=call_id, reason="crashed"), OutcomeUnknown(call=call_id)]
        case "discarded":
            return [CallDiscarded(call=call_id, reason="the turn did not ask for it")]
    finished: list[Event] = []
    if call.child is not None:
        child = call.child.state
        status, reason = child.end or ("interrupted", "paused")
        finished.append(
            SubagentFinished(
                call=call_id,
                run=call.child.run,
                status=status,
                reason=reason,
                steps=len(child.steps),
                usage=child.usage,
            )
        )
    return [*finished, CallFinished(call=call_id, outcome=call.outcome, elapsed=seconds, **fields)]
