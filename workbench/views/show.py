"""A run on paper: as lines for people, and as one JSON document for programs.

Both are made of the state alone, and the lines of a run that goes on are the same as those of one that is over: the
command line prints them one after the other as things happen. Lines are as long as what they say, without padding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from workbench.events.content import Content, TextBlock, plain_text
from workbench.events.request import ThinkingBlock, Usage
from workbench.events.run import Citation
from workbench.state.parts import CallState, PlanState, ResultRef, StepMark, StepState, time_covered
from workbench.state.run_state import RunState
from workbench.tools.control import SUBMIT_ANSWER
from workbench.views.binary import file_lines, given_documents, said_text
from workbench.views.brief import brief_input, cut_text
from workbench.views.hooks import hook_documents, hook_lines
from workbench.views.lanes import one_by_one
from workbench.views.marks import EDITED, HOSTED, PARTIAL, RETRIED, call_mark, reason_words, run_mark
from workbench.views.members import member_documents, member_lines
from workbench.views.notices import notice_lines
from workbench.views.said import NOTICE, message_documents
from workbench.views.segments import Line, Segment
from workbench.views.show_plan import plan_lines
from workbench.views.text import (
    cell_width,
    counted,
    human_bytes,
    human_cost,
    human_seconds,
    human_tokens,
    inert,
    one_line,
    wrap,
)
from workbench.views.tools import switched_words

Contents = Mapping[tuple[str, int], Content]
"""Blocks of results by the run and seq of their event."""

SHORT_ID: Final = 8
"""Digits of a run's id that people read; any unique prefix names a run."""
_RESULT_LINES: Final = 4
_LEAST_RESULT: Final = 8
"""Cells in which a result says anything beside how its call ended."""
_INDENT: Final = Segment("  ")


def short(run: str) -> str:
    """Return as much of a run's id as people need."""
    return run[:SHORT_ID]


def step_text(step: StepState) -> str:
    """Return what the model said in a step, thinking left out."""
    return "".join(step.turn.text_blocks)


def step_calls(step: StepState) -> list[CallState]:
    """Return the calls of a step: what ran at the provider, what is asked for in the model's order, then the rest."""
    asked = step.asked_calls if step.turn.status == "finished" else []
    names = {call.id for call in asked}
    others = [call for call in step.calls.values() if call.id not in names]
    return [*(call for call in others if call.hosted), *asked, *(call for call in others if not call.hosted)]


def result_refs(states: Sequence[RunState]) -> tuple[tuple[str, int], ...]:
    """Return where the results of these runs lie, for reading them all at once."""
    calls = (call for state in states for step in state.steps for call in step.calls.values())
    return tuple({(call.result.run, call.result.seq): None for call in calls if call.result is not None})


# For programs


def run_document(state: RunState, contents: Contents, *, crashed: bool = False) -> dict[str, Any]:
    """Return a run as one JSON object. `crashed`: whoever drove it is gone."""
    status, reason = status_of(state, crashed=crashed)
    return {
        "id": state.run,
        "parent": state.parent,
        "fork_at": state.address or None,
        "caller": state.caller.model_dump() if state.caller else None,
        "status": status,
        "reason": reason,
        "task": state.task,
        "attached": given_documents(state.question),
        "model": state.agent.model if state.agent else None,
        "documents": state.agent.corpus.title if state.agent and state.agent.corpus else None,
        "plan": _plan_document(state.plan) if state.plan else None,
        "steps": [_step_document(step, contents) for step in state.steps],
        "messages": message_documents(state),
        "answer": state.answer,
        "output": state.output,
        "citations": [citation.model_dump() for citation in state.citations],
        "error": state.error,
        "hooks": hook_documents(state),
        "subagent_steps": state.child_steps,
        "usage": {"own": usage_document(state.usage), "total": usage_document(state.total_usage)},
    }


def status_of(state: RunState, *, crashed: bool = False) -> tuple[str, str | None]:
    """Return status and reason; a run that was left in mid-air does not go on, whatever its log says."""
    return ("interrupted", "crashed") if crashed and not state.is_resting else state.status_and_reason


def usage_document(usage: Usage) -> dict[str, Any]:
    """Return usage as JSON."""
    return usage.model_dump()


def _plan_document(plan: PlanState) -> dict[str, Any]:
    return {
        "status": plan.status,
        "edited": plan.edited,
        "steps": [
            {"action": step.action, "text": step.text, "progress": progress}
            for step, progress in zip(plan.steps, plan.progress, strict=True)
        ],
    }


def _step_document(step: StepState, contents: Contents) -> dict[str, Any]:
    return {
        "index": step.index,
        "text": "".join(block.text for block in step.turn.content if isinstance(block, TextBlock)),
        "thinking": "".join(block.text for block in step.turn.content if isinstance(block, ThinkingBlock)),
        "tools_switched": step.switched,
        "calls": [_call_document(call, contents) for call in step_calls(step)],
    }


def _call_document(call: CallState, contents: Contents) -> dict[str, Any]:
    tries: list[dict[str, Any]] = [
        {"error": attempt.error, "elapsed": attempt.elapsed, "wait": attempt.wait} for attempt in call.attempts
    ]
    if call.elapsed is not None:
        earlier = sum(attempt.elapsed + attempt.wait for attempt in call.attempts)
        failed = call.result is not None and call.result.is_error
        error = call.result.first_line if failed and call.result else None
        tries.append({"error": error, "elapsed": max(0.0, call.elapsed - earlier), "wait": 0.0})
    return {
        "id": call.id,
        "tool": call.tool,
        "input": call.input,
        "result": result_text(call.result, contents),
        "is_error": call.result.is_error if call.result else None,
        "attempts": tries,
        "started": call.started_at,
        "finished": call.finished_at,
        "child": call.child,
        "subagents": member_documents(call),
        "status": call.status,
        "outcome": call.outcome,
        "elapsed": call.elapsed,
        "effect": call.effect,
        "by": call.by,
        "partial": call.partial,
        "edited": call.edited,
    }


def result_text(result: ResultRef | None, contents: Contents) -> str | None:
    """Return a result as text; its first line where its blocks were not read."""
    if result is None:
        return None
    content = contents.get((result.run, result.seq))
    return result.first_line if content is None else plain_text(content)


# For people


def show_lines(state: RunState, contents: Contents, width: int, *, crashed: bool = False) -> list[Line]:
    """Return a whole run as lines of at most `width` cells (60 or more)."""
    lines = [*head_lines(state, width), ()]
    if state.plan is not None and state.plan.status != "simple":
        lines += [*plan_lines(state, width), ()]
    for entry in (*state.entries, *state.queued):
        if isinstance(entry, StepMark):
            lines += notice_lines(state, entry.index, width)
            lines += step_lines(state.steps[entry.index], contents, width)
            lines += [*hook_lines(state.hook_notes.get(entry.index, ()), width), ()]
        elif entry.kind == "message":
            lines += [*message_lines(entry.content, width), ()]
        elif entry.kind == "notice":
            lines += [*message_lines(entry.content, width, NOTICE), ()]
    if state.active_turn is not None and state.active_turn.purpose == "step":
        lines += [step_head(state.steps[-1], width), ()]
    if state.told_answer:
        lines += [*answer_lines(state.told_answer, state.citations, width), ()]
    if state.reason == "breakpoint" and state.breakpoint:
        lines += [(Segment(line, "waiting"),) for line in wrap(inert(f"breakpoint {state.breakpoint}"), width)]
    lines += ending_lines(state, width, crashed=crashed)
    return lines


def step_lines(step: StepState, contents: Contents, width: int) -> list[Line]:
    """Return a step whose turn is finished; its submitted answer is shown as the run's."""
    lines = [step_head(step, width), *said_lines(step, width)]
    for call in step_calls(step):
        if not is_submission(call):
            lines += [call_line(call, width), *outcome_lines(call, contents, width)]
    return lines


def is_submission(call: CallState) -> bool:
    """Whether the call gives the run's answer."""
    return call.tool == SUBMIT_ANSWER and not (call.result is not None and call.result.is_error)


def message_lines(content: Content, width: int, head: str = "YOU  ") -> list[Line]:
    """Return what a person said; with `NOTICE` for a head, what the model was told otherwise."""
    lines = wrap(inert(said_text(content)), width - len(head))
    leads = (head, *[" " * len(head)] * len(lines))
    text = [(Segment(lead, "title"), Segment(line, "message")) for lead, line in zip(leads, lines, strict=False)]
    return [*text, *file_lines(content, width, len(head))]


def head_lines(state: RunState, width: int) -> list[Line]:
    """Return the task, and what works on it."""
    facts = [f"run {short(state.run)}"]
    if state.parent:
        facts.append(f"fork of {short(state.made_from or state.parent)} at {state.address}")
    if state.caller:
        facts.append(f"subagent of {short(state.caller.run)}, call {state.caller.call}")
    if state.agent:
        facts.append(model_words(state.agent.model))
        facts += [state.agent.corpus.title] if state.agent.corpus else []
    task = [(Segment(line, "title"),) for line in wrap(inert(said_text(state.question) or state.task), width)]
    return [*task, *file_lines(state.question, width), (Segment(one_line(" · ".join(facts), width), "muted"),)]


def model_words(model: str) -> str:
    """Return a model's name; the embedded one says what it is."""
    return "offline (rules, not a language model)" if model == "offline" else model


def step_head(step: StepState, width: int, *, timing: bool = True) -> Line:
    """Return the line that opens a step: how long the model took and, with `timing`, how its calls ran."""
    is_finished = step.turn.status == "finished"
    facts: list[str] = [f"{human_seconds(step.turn.elapsed)} thinking" if is_finished else step.turn.status]
    if step.turn.retries:
        facts.append(f"{RETRIED}{len(step.turn.retries)}")
    ran = timing_words(step) if timing else ""
    if ran:
        facts.append(ran)
    if step.turn.edited:
        facts.append(f"{EDITED} edited")
    if step.switched:
        facts.append(f"tools {switched_words(step.switched)}")
    title = f"STEP {step.index}"
    return (Segment(title, "title"), Segment(one_line(f" · {' · '.join(facts)}", width - len(title)), "muted"))


def timing_words(step: StepState) -> str:
    """Return how the calls of a step ran: `3 calls ∥ 212 ms (one by one 540 ms)`; empty where none has finished."""
    shown = [call for call in step_calls(step) if not (is_submission(call) or call.hosted)]
    done = [call for call in shown if call.started_at is not None and call.finished_at is not None]
    if not done:
        return ""
    count = counted(len(done), "call")
    alone = sum(call.elapsed or 0.0 for call in done)
    if len(done) == 1:
        return f"{count} {human_seconds(alone)}"
    taken = time_covered([(call.started_at or 0.0, call.finished_at or 0.0) for call in done], step.undriven)
    if step.sequential:
        return f"{count} one by one {human_seconds(taken)}"
    alone_words = one_by_one(taken, alone)
    return f"{count} ∥ {human_seconds(taken)}{f' ({alone_words})' if alone_words else ''}"


def said_lines(step: StepState, width: int) -> list[Line]:
    """Return what the model said in a step."""
    text = step_text(step).strip("\n")
    return [(_INDENT, Segment(line, "thinking")) for line in wrap(inert(text), width - 2)] if text else []


def asked_line(call: CallState, width: int) -> Line:
    """Return a call that the model asks for, whatever came of it."""
    return _call_line(call, Segment("→ ", "muted"), width)


def call_line(call: CallState, width: int) -> Line:
    """Return a call with its input and how it stands."""
    mark = call_mark(call)
    return _call_line(call, Segment(f"{mark.glyph} ", mark.style), width)


def _call_line(call: CallState, glyph: Segment, width: int) -> Line:
    name = f"{call.id} {one_line(call.tool, width // 3)}  "
    rest = max(width - 4 - cell_width(name), 8)
    return (_INDENT, glyph, Segment(name, "key"), Segment(brief_input(call.input, rest)))


def outcome_line(call: CallState, width: int) -> Line:
    """Return what came of a call on one line, for whoever saw its input before."""
    mark = call_mark(call)
    head = one_line(f"{call.id} {' · '.join(_facts(call))}", width - 4)
    line = (_INDENT, Segment(f"{mark.glyph} ", mark.style), Segment(head))
    room = width - 6 - cell_width(head)
    if call.result is None or room < _LEAST_RESULT:
        return line
    return (*line, Segment(f"  {one_line(call.result.first_line, room)}", "muted"))


def outcome_lines(call: CallState, contents: Contents, width: int) -> list[Line]:
    """Return what came of a call: how it ended, how long it took, and how its result begins."""
    facts = _facts(call)
    facts += [f"subagent {short(call.child)}"] if call.child and len(call.members) == 1 else []
    indent = Segment(" " * (5 + len(call.id)))
    room = width - len(indent.text)
    lines: list[Line] = [(indent, Segment(one_line(" · ".join(facts), room), call_mark(call).style))]
    lines += [(indent, *pieces) for pieces in member_lines(call, room)]
    passage = cut_text(result_text(call.result, contents) or "", max(room, 20), _RESULT_LINES)
    lines += [(indent, Segment(line, "muted")) for line in passage.lines if line.strip()]
    if passage.rest:
        lines.append((indent, Segment(passage.rest, "muted")))
    return lines


def _facts(call: CallState) -> list[str]:
    """Return how a call ended, how long it took, and how large its result is."""
    word = call_mark(call).word
    facts = [word] if word != "ok" else []
    if call.hosted:
        facts.append(f"{HOSTED} at the provider")
    if call.elapsed is not None:
        facts.append(human_seconds(call.elapsed))
    if call.attempts:
        facts.append(f"{RETRIED}{len(call.attempts)} after {one_line(call.attempts[-1].error, 60)}")
    if call.result is not None:
        facts.append(human_bytes(call.result.size))
    if call.partial:
        facts.append(PARTIAL)
    if call.edited:
        facts.append(f"{EDITED} edited")
    return facts


def answer_lines(answer: str, citations: Sequence[Citation], width: int) -> list[Line]:
    """Return the answer, and where it comes from."""
    lines: list[Line] = [(Segment("ANSWER", "title"),)]
    lines += [(_INDENT, Segment(line)) for line in wrap(inert(answer.strip("\n")), width - 2)]
    for citation in citations:
        words = " ".join(citation.quote.split())
        quote = f"  “{words}”" if words else ""
        source = one_line(citation.source, width // 2)
        lines.append(
            (_INDENT, Segment(source, "link"), Segment(one_line(quote, width - 2 - cell_width(source)), "muted"))
        )
    return lines


def ending_lines(state: RunState, width: int, *, crashed: bool = False, waiting: Sequence[RunState] = ()) -> list[Line]:
    """Return how the run stands: `answered (3 steps; subagents ran 18)`, and below it what it used.

    `waiting` are runs of its tree that wait for a person: where it goes on itself, it stands as the first of them.
    """
    asks = next(iter(waiting), state) if state.end is None and not state.is_resting else state
    status, reason = status_of(asks, crashed=crashed)
    mark = run_mark(status)
    words = "answered" if reason == "answered" else mark.word
    if reason not in (None, "answered", "error"):
        words += f": {reason_words(reason)}"
    ran = f"; subagents ran {state.child_steps}" if state.child_steps else ""
    steps = state.finished_steps
    words += f" ({counted(steps, 'step')}{ran})"
    usage = state.total_usage
    facts = [
        f"run {short(state.run)}",
        f"{human_tokens(usage.input_tokens)} in",
        f"{human_tokens(usage.output_tokens)} out",
    ]
    facts += ["cost unknown"] if usage.cost is None else [human_cost(usage.cost)] if usage.cost else []
    error = [(Segment(line, "error"),) for line in wrap(inert(state.error), width)] if state.error else []
    return [*error, (Segment(words, mark.style),), (Segment(one_line(" · ".join(facts), width), "muted"),)]
