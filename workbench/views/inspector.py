"""Everything about the one thing that is selected, as lines: a call, a step, the plan, a message, or the run itself.

Pure. Results are given by whoever reads them; what is not read yet is shown as its first line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workbench.conversation.weights import Weights
from workbench.debugger.find import Needle
from workbench.events.content import Content, DocumentBlock, ImageBlock, JsonBlock, TextBlock
from workbench.events.request import ThinkingBlock
from workbench.events.turn import tokens_per_second
from workbench.state.parts import CallState, ResultRef, StepState, TurnState
from workbench.state.run_state import RunState
from workbench.views.binary import block_label
from workbench.views.brief import brief_input
from workbench.views.find import mark_lines
from workbench.views.hooks import hook_style, hook_words, input_marks
from workbench.views.inspector_run import add_run
from workbench.views.marks import (
    EDITED,
    PARTIAL,
    RETRIED,
    Mark,
    call_mark,
    plan_mark,
    progress_mark,
)
from workbench.views.members import fields_of_call
from workbench.views.notices import step_notices
from workbench.views.outline import message_of
from workbench.views.segments import Line, Segment, Style
from workbench.views.selection import Selection
from workbench.views.sheet import Sheet
from workbench.views.text import human_bytes, human_rate, human_seconds, one_line

RESULT_LINES: Final = 400
INPUT_LINES: Final = 60
TEXT_LINES: Final = 200
_LABELS: Final[frozenset[Style]] = frozenset({"title", "muted"})
"""Styles of our own words, in which nothing is marked."""
_TURNS: Final = {
    "streaming": Mark("⏵", "streaming", "running"),
    "discarded": Mark("⊘", "stopped", "cancelled"),
    "finished": Mark("✓", "finished", "ok"),
}
_WAITS: Final = Mark(RETRIED, "waits for another attempt", "waiting")

Contents = Mapping[tuple[str, int], Content]
"""Results by the run that owns them and their seq."""


def inspector_lines(
    state: RunState,
    selection: Selection,
    contents: Contents,
    width: int,
    *,
    weights: Weights | None = None,
    needle: Needle | None = None,
    opens: str = "o",
) -> list[Line]:
    """Return the lines about what is selected, each of `width` cells; about the run where nothing is.

    `weights` are those of the request of a step, or of the next one. What is looked for is marked, and where a text is
    too long to be shown whole, it is shown from there on. `opens` is the key that opens what is no text.
    """
    sheet = Sheet(width, needle, opens)
    match selection.kind:
        case "call" if (call := state.call(selection.call or "")) is not None:
            _add_call(sheet, state, call, contents)
        case "step" if selection.step is not None and selection.step < len(state.steps):
            _add_step(sheet, state, state.steps[selection.step], weights)
        case "plan" | "plan_step" if state.plan is not None:
            _add_plan(sheet, state, selection.index)
        case "message" if (found := message_of(state, selection.index or 0)) is not None:
            said, waits = found
            sheet.head("message", Mark("○", "enters after the current results", "muted") if waits else None)
            _add_blocks(sheet, said.content, TEXT_LINES)
        case _:
            add_run(sheet, state, weights)
    return mark_lines(sheet.lines, needle, _LABELS)


def _add_call(sheet: Sheet, state: RunState, call: CallState, contents: Contents) -> None:
    mark = call_mark(call)
    sheet.head(call.tool, right=one_line(call.id, 12))
    seconds = "" if call.elapsed is None else f" · {human_seconds(call.elapsed)}"
    sheet.add(Segment(f"{mark.glyph} {mark.word}", mark.style), Segment(seconds, "muted"))
    sheet.section("input", *input_marks(call))
    if call.invalid:
        sheet.text(call.invalid, INPUT_LINES, "error")
    sheet.json(call.input, INPUT_LINES)
    if call.original_input is not None:
        sheet.add(Segment(" the model asked for ", "muted"), Segment(brief_input(call.original_input, sheet.width)))
    _add_result(sheet, call, contents)
    _add_attempts(sheet, call, mark)
    _add_timing(sheet, state, call)
    _add_circumstances(sheet, state, call)


def _add_result(sheet: Sheet, call: CallState, contents: Contents) -> None:
    result = call.result
    if result is None:
        if call.progress:
            sheet.section("so far")
            sheet.text(call.progress, TEXT_LINES)
        return
    notes = [Segment(f" {human_bytes(result.size)}", "muted")]
    if call.partial:
        notes.append(Segment(f" {PARTIAL}", "waiting"))
    if call.original is not None:
        notes.append(Segment(f" {EDITED} edited", "edited"))
    sheet.section("result", *notes)
    _add_content(sheet, result, contents)
    if call.original is not None and call.original.run:
        before = f" before: {human_bytes(call.original.size)} "
        sheet.add(Segment(before, "muted"), Segment(one_line(call.original.first_line, sheet.width), "muted"))


def _add_content(sheet: Sheet, result: ResultRef, contents: Contents) -> None:
    style: Style = "error" if result.is_error else "text"
    content = contents.get((result.run, result.seq))
    if content is None:
        sheet.text(result.first_line, 4, style)
        sheet.add(Segment(" … the rest is being read", "muted"))
        return
    _add_blocks(sheet, content, RESULT_LINES, style)


def _add_blocks(sheet: Sheet, content: Content, limit: int, style: Style = "text") -> None:
    for block in content:
        match block:
            case TextBlock():
                sheet.text(block.text, limit, style)
            case JsonBlock():
                sheet.json(block.value, limit)
            case ImageBlock() | DocumentBlock():
                sheet.add(Segment(f" {block_label(block)}", "link"), Segment(f"  {sheet.opens} opens it", "muted"))


def _add_attempts(sheet: Sheet, call: CallState, mark: Mark) -> None:
    if not call.attempts:
        return
    sheet.section("attempts")
    for number, attempt in enumerate(call.attempts):
        lead = Segment(f" {number}  ", "muted")
        times = f" {human_seconds(attempt.elapsed)}, then waited {human_seconds(attempt.wait)}"
        sheet.add(lead, Segment(one_line(attempt.error, sheet.width), "error"), Segment(times, "muted"))
    sheet.add(Segment(f" {len(call.attempts)}  ", "muted"), Segment(mark.word, mark.style))


def _add_timing(sheet: Sheet, state: RunState, call: CallState) -> None:
    """Add when the call was asked for, when it started, and how long it took: tries and the waits between them."""
    if call.started_at is None:
        return
    step = state.steps[int(call.id.partition(".")[0])]
    turn = step.turn
    sheet.section("timing")
    if not (call.eager or call.hosted) and turn.status == "finished":
        queued = max(0.0, call.started_at - turn.started_at - turn.elapsed)
        sheet.field("queued", f"{human_seconds(queued)} after the turn ended")
    sheet.field(
        "started", f"{human_seconds(max(0.0, call.started_at - turn.started_at))} after step {step.index} began"
    )
    if call.elapsed is not None:
        waited = sum(attempt.wait for attempt in call.attempts)
        tries = f", {human_seconds(waited)} of it between {len(call.attempts) + 1} attempts" if call.attempts else ""
        sheet.field("took", f"{human_seconds(call.elapsed)}{tries}")


def _add_circumstances(sheet: Sheet, state: RunState, call: CallState) -> None:
    sheet.section("circumstances")
    if call.hosted:
        sheet.field("hosted", "the provider ran it inside of the turn, where nobody here could stop or change it")
        return
    sheet.field("class", call.effect.replace("_", " "))
    sheet.field("permission", _permission(call))
    if call.granted:
        sheet.field("more time", f"{human_seconds(call.granted)} beyond its timeout, given by you", "waiting")
    if call.by != "tool":
        sheet.field("result by", "you" if call.by == "operator" else "the engine")
    if call.eager:
        sheet.field("eager", "started while the model was still writing")
    if call.reruns:
        sheet.field("run again", f"{call.reruns} times" if call.reruns > 1 else "once")
    for name, value, style in fields_of_call(state, call):
        sheet.field(name, value, style)
    if call.status == "waiting" and call.preview:
        sheet.section("what it would do")
        sheet.text(call.preview, TEXT_LINES)


def _permission(call: CallState) -> str:
    if call.status == "waiting":
        return f"waits for you: {call.question}"
    if call.allowed is None:
        return {"allow": "allowed", "ask": "asks a person", "deny": "denied"}[call.permission]
    if call.allowed:
        return "allowed by you"
    return f"denied by you: {call.denial}" if call.denial else "denied by you"


def _add_turn(sheet: Sheet, state: RunState, turn: TurnState) -> None:
    """Add which model gave a turn, when, how fast, and for how much."""
    sheet.field("model", turn.model)
    since = max(0.0, turn.started_at - state.started_at)
    sheet.field("started", f"{human_seconds(since)} after the run began")
    if turn.status == "finished":
        sheet.usage("usage", turn.usage)
        rate = human_rate(tokens_per_second(turn.usage, turn.elapsed, turn.first_token))
        first = "" if turn.first_token is None else f", first word after {human_seconds(turn.first_token)}"
        first += f", then {rate}" if rate else ""
        sheet.field("took", f"{human_seconds(turn.elapsed)}{first}")
        sheet.field("ended with", turn.stop_reason)


def _add_step(sheet: Sheet, state: RunState, step: StepState, weights: Weights | None) -> None:
    turn = step.turn
    waits = state.waits_for_attempt and step is state.steps[-1]
    sheet.head(f"step {step.index}", _WAITS if waits else _TURNS[turn.status])
    _add_turn(sheet, state, turn)
    for number, error in enumerate(turn.retries):
        sheet.field(f"attempt {number}", error, "error")
    for name, value in step_notices(state, step.index):
        sheet.field(name, value)
    if turn.edited:
        sheet.field("text", f"{EDITED} edited by you", "edited")
    for note in state.hook_notes.get(step.index, ()):
        sheet.field("hook", hook_words(note).removeprefix("hook "), hook_style(note))
    if thinking := [block.text for block in turn.content if isinstance(block, ThinkingBlock)] or turn.thinking:
        sheet.section("thinking")
        sheet.text("".join(thinking), TEXT_LINES, "thinking")
    if text := turn.text_blocks or turn.text:
        sheet.section("text")
        sheet.text("".join(text), TEXT_LINES)
    if step.calls:
        sheet.section("calls")
    for call in step.calls.values():
        status = call_mark(call)
        lead = [Segment(f" {one_line(call.id, 12)} ", "muted"), Segment(f"{status.glyph} ", status.style)]
        sheet.add(*lead, Segment(f"{one_line(call.tool, 40)} "), Segment(brief_input(call.input, sheet.width), "muted"))
    sheet.context("context of its request", weights, turn.usage.input_tokens if turn.status == "finished" else None)


def _add_plan(sheet: Sheet, state: RunState, index: int | None) -> None:
    plan = state.plan
    if plan is None:
        return
    sheet.head("plan", plan_mark(plan, state))
    if plan.edited:
        sheet.add(Segment(f"{EDITED} edited by you", "edited"))
    if state.plan_turn is not None:
        _add_turn(sheet, state, state.plan_turn)
    for number, (step, progress) in enumerate(zip(plan.steps, plan.progress, strict=True)):
        mark = progress_mark(progress)
        is_chosen = index == number
        notes = [Segment(f" {mark.glyph} {mark.word}", mark.style)]
        sheet.section(f"{'▸ ' if is_chosen else ''}{number} {one_line(step.action, sheet.width)}", *notes)
        sheet.text(step.text, TEXT_LINES if is_chosen else 3)
