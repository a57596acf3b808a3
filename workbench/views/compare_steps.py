"""A step of two runs side by side: heads, what the model said, and each call with its counterpart at equal height."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from workbench.debugger.align import AlignedCall, AlignedStep
from workbench.debugger.divergence import Difference, Spot
from workbench.state.parts import CallState, StepState
from workbench.state.run_state import RunState
from workbench.views.brief import Passage, cut_text
from workbench.views.compare_parts import (
    CompareScene,
    Piece,
    height_of,
    join,
    message_pieces,
    once,
    passage_lines,
    tags_of,
)
from workbench.views.lanes import input_line, outcome_line
from workbench.views.marks import EDITED, RETRIED, call_mark
from workbench.views.parts import Scene
from workbench.views.segments import Line, Segment, line_width, row, split_row
from workbench.views.show import step_text
from workbench.views.steps import calls_summary, thinking_time
from workbench.views.text import one_line

TEXT_LINES: Final = 3
CALL_LINES: Final = 2
_DOT: Final = Segment(" · ", "muted")


def step_block(aligned: AlignedStep, scene: CompareScene) -> list[Piece]:
    """Return a step of either run and its counterpart: what people said before it, the turn, the calls."""
    sides = (_step(scene.a, aligned.a_index), _step(scene.b, aligned.b_index))
    names = [None if step is None else str(step.index) for step in sides]
    pieces = message_pieces(scene, Spot("message", names[0], names[1]), aligned.a_index, aligned.b_index)
    pieces.append(_turn_piece(scene, aligned, sides, Spot("turn", names[0], names[1])))
    only = scene.found.get(Spot("turn", names[0], names[1])) if None in sides else None
    return pieces + [_call_piece(scene, pair, only) for pair in aligned.calls]


def _step(state: RunState, index: int | None) -> StepState | None:
    return state.steps[index] if index is not None and index < len(state.steps) else None


def _turn_piece(scene: CompareScene, aligned: AlignedStep, sides: Sequence[StepState | None], spot: Spot) -> Piece:
    """Return the heads of both steps, and what the model said; once below each other where it is the same."""
    passages = [None if step is None else _said(step, scene.cell) for step in sides]
    heads = [int(step is not None) for step in sides]
    texts = [0 if found is None else found.height for found in passages]
    if not scene.is_wide and all(heads) and aligned.same_words and not aligned.open:
        return Piece(2 + texts[0], partial(_draw_same_turn, scene, sides), spot)
    return Piece(
        height_of(scene, heads[0] + texts[0], heads[1] + texts[1]), partial(_draw_turn, scene, sides, spot), spot
    )


def _draw_turn(scene: CompareScene, sides: Sequence[StepState | None], spot: Spot) -> list[Line]:
    item = scene.found.get(spot)
    cells: list[list[Line]] = []
    for number, step in enumerate(sides):
        tags = tags_of(item) if number == 1 or sides[1] is None else []
        cells.append([] if step is None else [_head(scene, number, step, tags), *_text(scene, step)])
    return join(scene, cells[0], cells[1], item)


def _draw_same_turn(scene: CompareScene, sides: Sequence[StepState | None]) -> list[Line]:
    steps = [step for step in sides if step is not None]
    heads = [[_head(scene, number, step, [])] for number, step in enumerate(steps)]
    return [*join(scene, heads[0], heads[1]), *once(scene, _text(scene, steps[0]))]


def _said(step: StepState, width: int) -> Passage:
    if step.turn.status == "finished":
        return cut_text(step_text(step), width, TEXT_LINES)
    return cut_text("".join(step.turn.text), width, TEXT_LINES, tail=True)


def _text(scene: CompareScene, step: StepState) -> list[Line]:
    return passage_lines(scene, _said(step, scene.cell), "text", tail=step.turn.status != "finished")


def _head(scene: CompareScene, side: int, step: StepState, tags: list[Segment]) -> Line:
    own = Scene(scene.states[side], scene.cell, now=scene.now[side])
    left = [Segment(f"STEP {step.index}", "title"), _DOT, *thinking_time(step.turn, own)]
    left += [_DOT, Segment(f"{EDITED} text", "edited")] if step.turn.edited else []
    left += [_DOT, *calls_summary(step, own)] if step.calls else []
    return split_row(left, tags, scene.cell, 1, keep_right=True)


def _call_piece(scene: CompareScene, pair: AlignedCall, only: Difference | None) -> Piece:
    """Return a call and its counterpart; `only` is the difference of a whole step that has no counterpart."""
    spot = Spot("call", pair.a_id, pair.b_id)
    item = scene.found.get(spot)
    a = scene.a.call(pair.a_id) if pair.a_id is not None else None
    b = scene.b.call(pair.b_id) if pair.b_id is not None else None
    if a is not None and b is not None and not scene.is_wide and (a.tool, a.input) == (b.tool, b.input):
        return Piece(CALL_LINES + (not pair.same), partial(_draw_twins, scene, a, b, item, is_same=pair.same), spot)
    height = height_of(scene, CALL_LINES * (a is not None), CALL_LINES * (b is not None))
    return Piece(height, partial(_draw_calls, scene, a, b, item, only), spot)


def _draw_calls(
    scene: CompareScene, a: CallState | None, b: CallState | None, item: Difference | None, only: Difference | None
) -> list[Line]:
    tags = tags_of(item)
    left = [] if a is None else [_asked(scene, a, [] if b is not None else tags), _came(scene, 0, a)]
    right = [] if b is None else [_asked(scene, b, tags), _came(scene, 1, b)]
    return join(scene, left, right, item or only)


def _draw_twins(
    scene: CompareScene, a: CallState, b: CallState, item: Difference | None, *, is_same: bool
) -> list[Line]:
    """Draw two calls with the same input below each other: what was asked once, what came of it once if it is equal."""
    name = a.id if a.id == b.id else f"{a.id} | {b.id}"
    head = once(scene, [_asked(scene, a, tags_of(item), name)])
    if is_same:
        return head + once(scene, [_came(scene, 0, a)])
    return head + join(scene, [_came(scene, 0, a)], [_came(scene, 1, b)], item)


def _asked(scene: CompareScene, call: CallState, tags: list[Segment], name: str = "") -> Line:
    """Return what was asked for: id, tool and input."""
    lead = [Segment(f" {one_line(name or call.id, 16)} ", "muted"), Segment(f"{one_line(call.tool, 24)} ", "title")]
    given = input_line(call, max(1, scene.cell - line_width(lead) - line_width(tags) - bool(tags)))
    return split_row([*lead, *_stripped(given)], tags, scene.cell, 1, keep_right=True)


def _came(scene: CompareScene, side: int, call: CallState) -> Line:
    """Return what came of it: its mark, the attempts that failed, the size and the first line of its result."""
    mark = call_mark(call, scene.now[side])
    word = "" if mark.word in ("ok", "running") else f" {mark.word}"
    lead = [Segment(f"   {mark.glyph}{word} ", mark.style)]
    if call.attempts:
        lead.append(Segment(f"{RETRIED}{len(call.attempts)} ", "error"))
    return row([*lead, *outcome_line(call, mark, max(1, scene.cell - line_width(lead)))], scene.cell)


def _stripped(line: Line) -> Line:
    return line[:-1] if line and not line[-1].text.strip() else line
