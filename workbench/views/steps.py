"""A step of a run as parts of a timeline: header, thinking, text, lanes, and what came of the calls.

Pure: a step in, parts out.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from workbench.events.request import ThinkingBlock
from workbench.state.parts import CallState, StepState, TurnState, time_covered
from workbench.tools.control import answer_text
from workbench.views.brief import cut_text
from workbench.views.filter import Filter, hidden_line
from workbench.views.hooks import hook_lines
from workbench.views.lanes import (
    Grid,
    LaneContext,
    call_end,
    call_seconds,
    draw_lanes,
    lane_grid,
    lane_height,
    one_by_one,
    time_axis,
)
from workbench.views.marks import EDITED, RETRIED, call_mark, spinner
from workbench.views.members import is_ensemble, member_row
from workbench.views.notices import notice_lines
from workbench.views.parts import Part, Scene, Target, fixed, passage_part
from workbench.views.segments import SPACE, Line, Segment, Style, line_width, row, split_row
from workbench.views.selection import Selection
from workbench.views.text import counted, human_bytes, human_seconds, human_tokens, one_line
from workbench.views.tools import switched_words

THINKING_LINES: Final = 3
RETRY_LINES: Final = 4
TEXT_LINES: Final = 8
ANSWER_LINES: Final = 24
SWITCHED_WIDTH: Final = 40
"""Cells for the groups of tools that were switched."""
SUBMIT_ANSWER: Final = "submit_answer"

_DOT: Final = Segment(" · ", "muted")


def step_selection(step: StepState) -> Selection:
    """Return what names a step."""
    return Selection("step", step=step.index)


def call_selection(step: StepState, call: CallState) -> Selection:
    """Return what names a call of a step."""
    return Selection("call", step=step.index, call=call.id)


def member_selection(step: StepState, call: CallState, member: int) -> Selection:
    """Return what names one of the subagents of a call."""
    return Selection("call", step=step.index, call=call.id, index=member)


def step_parts(step: StepState, scene: Scene) -> list[Part]:
    """Return the parts of a step."""
    parts = _notice_parts(step, scene)
    parts.append(Part(1, partial(_draw_header, step, scene), (Target(step_selection(step), 0, scene.width),)))
    parts += turn_parts(step.turn, scene, step.index, hide_text=_is_answer(step, scene))
    if notes := scene.state.hook_notes.get(step.index):
        parts.append(fixed([row(line, scene.width) for line in hook_lines(notes, scene.width)]))
    lanes, submissions = _split(step, scene.chosen)
    if lanes:
        parts += _lane_parts(step, lanes, scene)
    for call in submissions:
        parts += _submission_parts(step, call, scene)
    if hidden := len(step.calls) - len(lanes) - len(submissions):
        parts.append(fixed([hidden_line(hidden, "call", scene.width)]))
    return parts


def _notice_parts(step: StepState, scene: Scene) -> list[Part]:
    """Return what made the requests other from this step on: results left out, steps summed up, tools switched."""
    lines = [row(line, scene.width) for line in notice_lines(scene.state, step.index, scene.width)]
    return [fixed(lines)] if lines else []


def _split(step: StepState, chosen: Filter | None = None) -> tuple[list[CallState], list[CallState]]:
    calls = [call for call in step.calls.values() if chosen is None or chosen.shows_call(call)]
    submissions = [call for call in calls if call.tool == SUBMIT_ANSWER]
    return (calls, []) if not submissions else ([call for call in calls if call.tool != SUBMIT_ANSWER], submissions)


def _is_answer(step: StepState, scene: Scene) -> bool:
    """Whether the text of the step is shown as the run's answer."""
    state = scene.state
    return state.end == ("completed", "halted") and not step.asked_calls and step is state.steps[-1]


def turn_parts(turn: TurnState, scene: Scene, index: int, *, hide_text: bool = False) -> list[Part]:
    """Return what the model said: broken attempts, thinking and text, with the end of it while it streams."""
    parts: list[Part] = []
    if turn.retries:
        parts.append(_retries_part(turn, scene.width))
    thinking, text = _said(turn, scene, index)
    streams = turn.status == "streaming"
    if thinking:
        passage = cut_text(thinking, scene.width, THINKING_LINES, tail=streams)
        parts.append(passage_part(passage, scene.width, "thinking", tail=streams))
    if text and not hide_text:
        passage = cut_text(text, scene.width, TEXT_LINES, tail=streams)
        style: Style = "cancelled" if turn.status == "discarded" else "text"
        parts.append(passage_part(passage, scene.width, style, tail=streams))
    return parts


def _said(turn: TurnState, scene: Scene, index: int) -> tuple[str, str]:
    if turn.status == "finished":
        thoughts = [block.text for block in turn.content if isinstance(block, ThinkingBlock)]
        return "\n".join(thoughts), "\n".join(turn.text_blocks)
    thinking, text = "".join(turn.thinking), "".join(turn.text)
    draft = scene.drafts.get(index)
    if draft is None or draft.purpose != turn.purpose or turn.status != "streaming":
        return thinking, text
    # What is stored is the start of what is shown first, or of the same length when both are new.
    return max(thinking, draft.thinking, key=len), max(text, draft.text, key=len)


def _retries_part(turn: TurnState, width: int) -> Part:
    """Tell of the attempts that broke, of the last one more: it is the one to look at."""
    lines: list[Line] = []
    for number, error in enumerate(turn.retries):
        lead = f"⚠ attempt {number} broke: "
        room, is_last = max(width - len(lead), 8), number == len(turn.retries) - 1
        words = cut_text(one_line(error, 400), room, RETRY_LINES).lines if is_last else [one_line(error, room)]
        lines.append(row([Segment(lead, "waiting"), Segment(next(iter(words), ""))], width))
        lines += [row([Segment(" " * len(lead)), Segment(line)], width) for line in words[1:]]
    return fixed(lines)


def _draw_header(step: StepState, scene: Scene, _: Selection) -> list[Line]:
    turn, state = step.turn, scene.state
    title = Segment(f"STEP {step.index}", "title")
    rest = [_DOT, Segment(f"{EDITED} text", "edited")] if turn.edited else []
    if step.calls:
        rest += [_DOT, *calls_summary(step, scene)]
    if step.switched:
        rest += [_DOT, Segment(f"tools {one_line(switched_words(step.switched), SWITCHED_WIDTH)}", "waiting")]
    left = [title, _DOT, *thinking_time(turn, scene), *rest]
    if line_width(left) > scene.width and turn.status == "finished":
        left = [title, *rest]
    right: list[Segment] = []
    if state.cut is not None and step.finished_seq is not None and step.finished_seq <= state.cut:
        right.append(Segment("kept", "muted"))
    if turn.status == "finished":
        usage = turn.usage
        spent = f"{human_tokens(usage.input_tokens)} in · {human_tokens(usage.output_tokens)} out"
        right += [_DOT, Segment(spent, "muted")] if right else [Segment(spent, "muted")]
    return [split_row(left, right, scene.width)]


def thinking_time(turn: TurnState, scene: Scene) -> list[Segment]:
    """Say how long the model took, or takes."""
    if turn.status == "finished":
        return [Segment(f"{human_seconds(turn.elapsed)} thinking", "muted")]
    if turn.status == "discarded":
        return waiting_time(turn, scene) or [Segment("⊘ stopped", "cancelled")]
    seconds = human_seconds(round(max(0.0, scene.at - turn.started_at), 1))
    return [Segment(f"{spinner(scene.now).glyph} thinking {seconds}", "running")]


def waiting_time(turn: TurnState, scene: Scene) -> list[Segment]:
    """Say how long it is until the next attempt of a turn that broke; nothing where none is waited for."""
    if turn.next_at is None or not scene.state.waits_for_attempt:
        return []
    left = round(max(0.0, turn.next_at - (scene.now or scene.at)))
    when = f"in {human_seconds(left) if left >= 60 else f'{left} s'}" if left else "now"
    return [Segment(f"{RETRIED} attempt {turn.attempt + 1} {when}", "waiting")]


def calls_summary(step: StepState, scene: Scene) -> list[Segment]:
    """Say how many calls there are, how long they took, and what running them at once won."""
    calls = [call for call in step.calls.values() if call.status != "discarded"]
    hosted = sum(call.hosted for call in calls)
    given_up = sum(call.hosted for call in step.calls.values()) - hosted
    at_provider = [Segment(f"{counted(hosted, 'call')} at the provider")] if hosted else []
    if given_up:
        at_provider += [*([_DOT] if hosted else []), Segment(f"{given_up} given up at the provider", "cancelled")]
    own = _own_calls_summary(step, [call for call in calls if not call.hosted], scene) if hosted < len(calls) else []
    return [*own, *([_DOT] if own and at_provider else []), *at_provider] or [Segment("0 calls")]


def _own_calls_summary(step: StepState, calls: list[CallState], scene: Scene) -> list[Segment]:
    count = counted(len(calls), "call")
    started = [call for call in calls if call.started_at is not None]
    if not started:
        return [Segment(count), *_open_calls(calls, scene)]
    spans = [(call.started_at or 0.0, call_end(call, scene.now, scene.at)) for call in started]
    wall = time_covered(spans, step.undriven)
    shown = human_seconds(wall if step.is_closed else round(wall, 1))
    if len(calls) == 1:
        return [Segment(f"{count} {shown}"), *_open_calls(calls, scene)]
    if step.sequential:
        parallel = scene.state.agent is None or scene.state.agent.parallel_tool_calls
        why = "after failures" if parallel else "as asked"
        return [Segment(f"{count} one by one {shown}"), *_open_calls(calls, scene), Segment(f" ({why})", "muted")]
    if not step.is_closed:
        return [Segment(f"{count} ∥ {shown}"), *_open_calls(calls, scene)]
    alone = one_by_one(wall, sum(call_seconds(call, scene.now, scene.at) or 0.0 for call in started))
    return [Segment(f"{count} ∥ {shown}"), *([Segment(f" ({alone})", "muted")] if alone else [])]


def _open_calls(calls: list[CallState], scene: Scene) -> list[Segment]:
    """Say what is still open: how many run, and what waits for a person."""
    pieces: list[Segment] = []
    running = sum(1 for call in calls if call.status == "running")
    if running:
        pieces += [_DOT, Segment(f"{spinner(scene.now).glyph} {running} running", "running")]
    for status in ("waiting", "unknown", "interrupted"):
        found = [call for call in calls if call.status == status]
        if found:
            mark = call_mark(found[0])
            pieces += [_DOT, Segment(f"{mark.glyph} {len(found)} {mark.word}", mark.style)]
    return pieces


def _lane_parts(step: StepState, calls: list[CallState], scene: Scene) -> list[Part]:
    grid = lane_grid(len(calls), scene.width)
    parts: list[Part] = []
    for first in range(0, len(calls), grid.columns):
        row_calls = calls[first : first + grid.columns]
        height = max(map(lane_height, row_calls))
        targets = tuple(
            Target(call_selection(step, call), grid.left(column), grid.width) for column, call in enumerate(row_calls)
        )
        parts.append(Part(height, partial(_draw_lane_row, step, row_calls, grid, height, scene), targets))
        parts += [part for call in row_calls if is_ensemble(call) for part in _member_parts(step, call, scene)]
    together = [call for call in _split(step)[0] if not call.hosted]
    if step.is_closed and len(together) > 1:
        parts.append(Part(1, partial(_draw_results, together, scene)))
    return parts


def _member_parts(step: StepState, call: CallState, scene: Scene) -> list[Part]:
    """Return a row for each subagent of a call that has several; each can be selected, and opened."""

    def draw(number: int, selected: Selection) -> list[Line]:
        child = scene.children.get(call.members[number].run)
        return [member_row(call, number, child, scene.width, active=selected == member_selection(step, call, number))]

    return [
        Part(1, partial(draw, number), (Target(member_selection(step, call, number), 0, scene.width),))
        for number in call.members
    ]


def _draw_lane_row(
    step: StepState,
    row_calls: list[CallState],
    grid: Grid,
    height: int,
    scene: Scene,
    selected: Selection,
) -> list[Line]:
    together, _ = _split(step)
    context = LaneContext(
        axis=time_axis(together, scene.now, scene.at, tuple(step.undriven)),
        now=scene.now,
        at=scene.at,
        children=scene.children,
        finished=scene.state.children,
        memory=scene.lanes,
        needle=scene.found.needle if scene.found is not None else None,
        found=scene.found.calls_of(step.index) if scene.found is not None else {},
    )
    return draw_lanes(row_calls, grid, height, context, selected.call, scene.width)


def _draw_results(calls: list[CallState], scene: Scene, _: Selection) -> list[Line]:
    """Sum up what went back to the model."""
    results = [call.result for call in calls if call.result is not None]
    errors = sum(1 for result in results if result.is_error)
    edited = sum(1 for call in calls if call.edited)
    pieces = [Segment(f"⤷ {len(results)} results, {human_bytes(sum(result.size for result in results))}", "muted")]
    if errors:
        pieces += [_DOT, Segment(f"✗ {errors} {'errors' if errors > 1 else 'error'}", "error")]
    if edited:
        pieces += [_DOT, Segment(f"{EDITED} {edited} edited", "edited")]
    return [row(pieces, scene.width)]


def _submission_parts(step: StepState, call: CallState, scene: Scene) -> list[Part]:
    """Show a submitted answer as one line, and its text where it is not the run's answer that stands at the end."""
    target = Target(call_selection(step, call), 0, scene.width)
    parts = [Part(1, partial(_draw_submission, step, call, scene), (target,))]
    answer = answer_text(call.input, scene.state.agent.output if scene.state.agent is not None else None)
    if answer and answer != scene.state.answer:
        parts.append(passage_part(cut_text(answer, scene.width - 2, ANSWER_LINES), scene.width, "text", indent="  "))
    return parts


def _draw_submission(step: StepState, call: CallState, scene: Scene, selected: Selection) -> list[Line]:
    mark = call_mark(call, scene.now)
    style: Style = "title" if selected.call == call.id else "text"
    pieces = [Segment("◆ ", "ok"), Segment(one_line(call.tool, 40), style), Segment(f" {mark.glyph}", mark.style)]
    if mark.word not in ("ok", "running"):
        pieces.append(Segment(f" {mark.word}", mark.style))
    if call.edited:
        pieces.append(Segment(f" {EDITED}", "edited"))
    citations = call.input.get("citations")
    if isinstance(citations, list) and citations:
        pieces.append(Segment(f" · {len(citations)} {'citations' if len(citations) > 1 else 'citation'}", "muted"))
    if scene.found is not None and (where := scene.found.calls_of(step.index).get(call.id)) is not None:
        pieces += [SPACE, Segment(f" {where} ", "match")]
    right = [Segment(one_line(call.id, 12), "muted")]
    return [split_row(pieces, right, scene.width)]


def step_fingerprint(step: StepState, scene: Scene) -> object:
    """Return what a closed step looks like in short, or None for one that can still change."""
    calls = step.calls.values()
    # A step is closed when what its turn asked for is there; an eager call may outlive that for a moment.
    if not step.is_closed or any(call.status == "running" for call in calls):
        return None
    state = scene.state
    children = [scene.children.get(run) for call in calls for run in call.children]
    return (
        len(scene.state.notices_of(step.index)),
        step.finished_seq,
        step.turn.content,
        [(call.status, call.result and (call.result.run, call.result.seq)) for call in calls],
        [child.seq for child in children if child is not None],
        state.cut is not None and (step.finished_seq or 0) <= state.cut,
        state.answer if step is state.steps[-1] else None,
        state.hook_notes.get(step.index),
    )
