"""The blocks of a comparison around its steps: what both share, where and why they part, plans, answers and ends.

Pure: a comparison in, pieces out.
"""

from __future__ import annotations

from typing import Final

from workbench.debugger.align import is_unfinished
from workbench.debugger.cause import agent_facts
from workbench.debugger.divergence import Spot
from workbench.state.run_state import RunState
from workbench.views.brief import cut_text
from workbench.views.compare_parts import (
    MESSAGE_LINES,
    CompareScene,
    Piece,
    height_of,
    join,
    message_pieces,
    passage_lines,
    tags_of,
    title_line,
)
from workbench.views.diff import shared_words
from workbench.views.differ import below_each_other, compare_texts, side_by_side
from workbench.views.marks import reason_words, run_mark, spinner
from workbench.views.segments import Line, Segment, blank, row, split_row
from workbench.views.text import cell_width, inert, one_line, wrap

ANSWER_LINES: Final = 6
LONE_ANSWER_LINES: Final = 24

# What stands before the steps


def task_block(scene: CompareScene) -> list[Piece]:
    """Return both tasks, where they differ."""
    item = scene.found.get(Spot("task"))
    if item is None:
        return []
    passages = [cut_text(state.task, scene.cell, MESSAGE_LINES) for state in scene.states]

    def draw() -> list[Line]:
        cells = [
            [title_line(scene, "TASK", tags_of(item)), *passage_lines(scene, found, "message")] for found in passages
        ]
        return join(scene, cells[0], cells[1], item)

    return [Piece(height_of(scene, *(found.height + 1 for found in passages)), draw, item.spot)]


def shared_block(scene: CompareScene, *, is_open: bool) -> list[Piece]:
    """Return the line that stands for all that is the same, and opens it."""
    count = scene.comparison.alignment.shared_steps
    if not count:
        return []
    words = f"{'▾' if is_open else '▸'} {shared_words(count)}"
    hint = "Enter folds them" if is_open else "Enter unfolds them"
    line = row([Segment(words, "title"), Segment(f"  {hint}", "muted")], scene.width)
    return [Piece(1, lambda: [line], Spot("shared"))]


def divergence_block(scene: CompareScene) -> list[Piece]:
    """Return the line across both runs that says where and why they part."""
    cause = scene.comparison.cause
    if cause is None:
        goes_on = any(map(is_unfinished, scene.states))
        words = "━━ no difference so far " if goes_on else "━━ no difference in what they did "
        across = Segment(words + "━" * (scene.width - cell_width(words)), "ok")
        return [Piece(1, lambda: [(across,)])]
    words = inert(f"diverged at {cause.at}: {cause.words}".replace("\n", " "))
    texts = wrap(words, scene.width - 6)

    lines: list[Line] = []
    for number, text in enumerate(texts):
        line = f"{'   ' if number else '━━ '}{text} "
        rule = "━" if number == len(texts) - 1 else " "
        lines.append((Segment(line + rule * (scene.width - cell_width(line)), "edited"),))
    return [Piece(len(texts), lambda: lines)]


def agent_block(scene: CompareScene) -> list[Piece]:
    """Return what differs between the agents."""
    item = scene.found.get(Spot("agent"))
    if item is None:
        return []
    facts = agent_facts(scene.a.agent, scene.b.agent)

    def draw() -> list[Line]:
        cells = [
            [
                title_line(scene, "AGENT", tags_of(item) if side == 2 else []),
                *(row([Segment(f"{fact.name} ", "key"), Segment(one_line(fact[side], 400))], scene.cell)
                  for fact in facts),
            ]
            for side in (1, 2)
        ]  # fmt: skip
        return join(scene, cells[0], cells[1], item)

    return [Piece(height_of(scene, len(facts) + 1, len(facts) + 1), draw, item.spot)]


def plan_block(scene: CompareScene) -> list[Piece]:
    """Return both plans, where they differ."""
    item = scene.found.get(Spot("plan"))
    if item is None:
        return []
    plans = [plan_lines(state) for state in scene.states]

    def draw() -> list[Line]:
        cells = []
        for own, other, tags in ((plans[0], plans[1], []), (plans[1], plans[0], tags_of(item))):
            lines = [title_line(scene, "PLAN", tags)]
            for number, text in enumerate(own):
                is_same = number < len(other) and other[number] == text
                lead = Segment("  " if is_same else "≠ ", "edited")
                lines.append(row([lead, Segment(one_line(text, scene.cell), "plan")], scene.cell))
            cells.append(lines)
        return join(scene, cells[0], cells[1], item)

    return [Piece(height_of(scene, *(len(plan) + 1 for plan in plans)), draw, item.spot)]


def plan_lines(state: RunState) -> list[str]:
    """Return a plan as texts, one a step."""
    plan = state.plan
    if plan is None or plan.status == "simple":
        return ["no plan"]
    return ["skipped"] if plan.status == "skipped" else [f"{n} {step}" for n, step in enumerate(plan.steps)]


# What stands after the steps


def end_block(scene: CompareScene) -> list[Piece]:
    """Return the answers compared, and how both runs ended."""
    pieces = message_pieces(scene, Spot("message"), len(scene.a.steps), len(scene.b.steps))
    answer = answer_piece(scene)
    space = Piece(1, lambda: [blank(scene.width)])
    return [*pieces, *([answer, space] if answer else []), _status_piece(scene)]


def answer_piece(scene: CompareScene) -> Piece | None:
    """Return what differs between the answers, word by word; None where there is none yet."""
    one, other = scene.a.answer, scene.b.answer
    if one is None and other is None:
        return None
    if one is None or other is None:
        return _lone_answer(scene, one, other)
    if one == other:
        head = row([Segment("ANSWER ", "title"), Segment("the same in both", "muted")], scene.width)
        passage = cut_text(one, scene.width - 2, ANSWER_LINES)
        texts = [*passage.lines, passage.rest] if passage.rest else passage.lines
        lines = [head, *(row([Segment("  "), Segment(text)], scene.width) for text in texts)]
    else:
        tags = tags_of(scene.found.get(Spot("answer")))
        head = split_row([Segment("ANSWER", "title")], tags, scene.width, keep_right=True)
        draw = side_by_side if scene.is_wide else below_each_other
        lines = [head, *draw(compare_texts(one, other, context=ANSWER_LINES), scene.width)]
    return Piece(len(lines), lambda: lines, Spot("answer"))


def _lone_answer(scene: CompareScene, a: str | None, b: str | None) -> Piece:
    """Return the answer of the run that has one, and that the other has none so far."""
    cells: list[list[Line]] = []
    for text in (a, b):
        words = [] if text is not None else [Segment("none so far", "muted")]
        passage = cut_text(text or "", scene.cell, LONE_ANSWER_LINES)
        head = split_row([Segment("ANSWER", "title")], words, scene.cell, keep_right=True)
        cells.append([head, *passage_lines(scene, passage, "text")])
    lines = join(scene, cells[0], cells[1])
    return Piece(len(lines), lambda: lines, Spot("answer"))


def _status_piece(scene: CompareScene) -> Piece:
    item = scene.found.get(Spot("end"))

    def draw() -> list[Line]:
        cells = [[status_row(state, scene.cell, now)] for state, now in zip(scene.states, scene.now, strict=True)]
        cells[1][0] = row([*row(cells[1][0], scene.cell - 9), *tags_of(item)], scene.cell) if item else cells[1][0]
        return join(scene, cells[0], cells[1], item)

    return Piece(height_of(scene, 1, 1), draw, Spot("end"))


def status_row(state: RunState, width: int, now: float | None = None) -> Line:
    """Return where a run is on its way, or how it ended."""
    status, reason = state.status_and_reason
    mark = run_mark(status)
    glyph = spinner(now).glyph if mark.style == "running" and now is not None else mark.glyph
    words = mark.word if reason in (None, "answered") else f"{mark.word}: {reason_words(reason)}"
    error = Segment(f" {one_line(state.error, width)}", "error") if state.error else Segment("")
    return row([Segment(f"{glyph} {words}", mark.style), error], width)
