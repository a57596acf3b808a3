"""The blocks of a timeline that are no steps: what people said, the plan, where a fork began, how the run ended.

Pure: state in, parts out.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from workbench.events.content import plain_text
from workbench.state.parts import PlanState, Said
from workbench.state.run_state import RunState
from workbench.views.binary import file_lines, said_text
from workbench.views.brief import cut_text
from workbench.views.marks import EDITED, Mark, plan_mark, progress_mark, reason_words, run_mark, spinner
from workbench.views.parts import Part, Scene, Target, fixed, passage_part
from workbench.views.segments import Line, Segment, Style, row, split_row
from workbench.views.selection import Selection
from workbench.views.steps import turn_parts, waiting_time
from workbench.views.text import cell_width, counted, human_cost, human_seconds, human_tokens, inert, one_line

MESSAGE_LINES: Final = 12
ANSWER_LINES: Final = 400
ERROR_LINES: Final = 6
PLAN_STEP_LINES: Final = 3
QUESTION_LINES: Final = 4
PLAN: Final = Selection("plan")
ANSWER: Final = Selection("answer")


def message_parts(said: Said, ordinal: int, scene: Scene, *, queued: bool = False) -> list[Part]:
    """Return what a person said; a queued message says when it will enter."""
    passage = cut_text(said_text(said.content), scene.width - 2, MESSAGE_LINES)
    lines = [
        row([Segment("❯ " if number == 0 else "  ", "running"), Segment(line, "message")], scene.width)
        for number, line in enumerate(passage.lines or [""])
    ]
    if passage.rest:
        lines.append(row([Segment(f"  {passage.rest}", "muted")], scene.width))
    lines += [row(line, scene.width) for line in file_lines(said.content, scene.width, 2)]
    if queued:
        lines.append(row([Segment("  ○ enters after the current results", "muted")], scene.width))
    return [fixed(lines, Target(Selection("message", index=ordinal), 0, scene.width), is_prose=True)]


def note_parts(said: Said, scene: Scene) -> list[Part]:
    """Return what entered the conversation by itself: a changed plan, a summary, a notice."""
    title = Segment(f"{EDITED} ", "edited") if said.kind == "plan" else Segment("◇ ", "muted")
    passage = cut_text(plain_text(said.content), scene.width - 2, MESSAGE_LINES)
    lines = [
        row([title if number == 0 else Segment("  "), Segment(line, "plan")], scene.width)
        for number, line in enumerate(passage.lines)
    ]
    if passage.rest:
        lines.append(row([Segment(f"  {passage.rest}", "muted")], scene.width))
    return [fixed(lines)]


def fork_parts(scene: Scene) -> list[Part]:
    """Return where this run left its parent, and how much of it stands."""
    state = scene.state
    cut = -1 if state.cut is None else state.cut
    pieces = [Segment(f"├─ fork of {inert(state.made_from or state.parent or '')[:8]}", "edited")]
    if state.address:
        pieces.append(Segment(f" at {one_line(state.address, 16)}", "edited"))
    steps = sum(1 for step in state.steps if step.finished_seq is not None and step.finished_seq <= cut)
    if steps:
        pieces.append(Segment(f" · {counted(steps, 'step')} kept", "muted"))
    elif state.steps:
        calls = [call for call in state.steps[0].calls.values() if call.result is not None and call.result.seq <= cut]
        pieces.append(Segment(f" · {len(calls)} {'calls' if len(calls) != 1 else 'call'} kept", "muted"))
    return [fixed([row(pieces, scene.width)])]


def planning_parts(scene: Scene) -> list[Part]:
    """Return the planner's turn, while there is no plan yet."""
    turn = scene.state.plan_turn
    if turn is None:
        return []
    seconds = human_seconds(round(max(0.0, scene.at - turn.started_at), 1))
    streams = turn.status == "streaming"
    mark = spinner(scene.now) if streams else Mark("⊘", "stopped", "cancelled")
    words = f"{mark.glyph} planning {seconds}" if streams else f"{mark.glyph} planning stopped"
    said = waiting_time(turn, scene) or [Segment(words, mark.style)]
    head = row([Segment("PLAN ", "title"), *said], scene.width)
    return [fixed([head], Target(PLAN, 0, scene.width)), *turn_parts(turn, scene, len(scene.state.steps))]


def plan_parts(scene: Scene) -> list[Part]:
    """Return the plan with where each of its steps is; nothing for a task that needs none."""
    plan = scene.state.plan
    if plan is None or plan.status == "simple":
        return []
    parts = [Part(1, partial(_draw_plan_head, plan, scene), (Target(PLAN, 0, scene.width),))]
    if plan.status == "skipped":
        return parts
    widest = max((cell_width(one_line(step.action, 14)) for step in plan.steps), default=0)
    parts += [_plan_step_part(plan, index, max(widest, 6), scene) for index in range(len(plan.steps))]
    return parts


def _draw_plan_head(plan: PlanState, scene: Scene, _: Selection) -> list[Line]:
    mark = plan_mark(plan, scene.state)
    left = [Segment("PLAN ", "title"), Segment(f"{mark.glyph} {mark.word}", mark.style)]
    if plan.edited:
        left += [Segment(", ", "muted"), Segment(f"{EDITED} edited", "edited")]
    done = sum(1 for progress in plan.progress if progress == "done")
    right = [Segment(f"{done}/{len(plan.steps)} done", "muted")] if plan.status == "approved" else []
    return [split_row(left, right, scene.width)]


def _plan_step_part(plan: PlanState, index: int, action_width: int, scene: Scene) -> Part:
    step, progress = plan.steps[index], plan.progress[index]
    number = f"{index:>{len(str(len(plan.steps) - 1))}} "
    action = one_line(step.action, action_width)
    action += " " * (action_width - cell_width(action) + 1)
    indent = 2 + len(number) + action_width + 1
    passage = cut_text(step.text, max(scene.width - indent, 8), PLAN_STEP_LINES)
    turns = progress == "doing" and scene.now is not None

    def draw(_: Selection) -> list[Line]:
        mark = spinner(scene.now) if turns else progress_mark(progress)
        lead = [Segment(f"{mark.glyph} ", mark.style), Segment(number, "muted"), Segment(action, "plan")]
        lines = [row([*lead, Segment(next(iter(passage.lines), ""))], scene.width)]
        lines += [row([Segment(" " * indent), Segment(line)], scene.width) for line in passage.lines[1:]]
        if passage.rest:
            lines.append(row([Segment(" " * indent), Segment(passage.rest, "muted")], scene.width))
        return lines

    target = Target(Selection("plan_step", index=index), 0, scene.width)
    return Part(max(1, passage.height), draw, (target,), is_prose=True)


def end_parts(scene: Scene) -> list[Part]:
    """Return how the run ended, or what it waits for; nothing while it goes on."""
    state = scene.state
    if state.end is None:
        return _waiting_parts(scene)
    status, reason = state.end
    parts: list[Part] = []
    if status == "completed":
        parts += _answer_parts(scene)
    elif state.error:
        passage = cut_text(state.error, scene.width - 2, ERROR_LINES)
        parts.append(passage_part(passage, scene.width, "error", indent="  "))
    pieces = _last_line(state, status, reason)
    line = split_row(pieces, _totals(state), scene.width)
    target = () if parts and parts[0].targets else (Target(ANSWER, 0, scene.width),)
    parts.append(fixed([line], *target))
    return parts


def _answer_parts(scene: Scene) -> list[Part]:
    state = scene.state
    head = row([Segment("ANSWER", "title")], scene.width)
    parts = [fixed([head], Target(ANSWER, 0, scene.width))]
    parts.append(passage_part(cut_text(state.told_answer or "", scene.width, ANSWER_LINES), scene.width, "text"))
    for number, citation in enumerate(state.citations, 1):
        pieces = [
            Segment(f"  [{number}] ", "muted"),
            Segment(one_line(citation.source, max(scene.width - 8, 8)), "link"),
            Segment("  "),
        ]
        if citation.quote:
            pieces.append(Segment(f"“{one_line(citation.quote, scene.width)}”", "muted"))
        parts.append(fixed([row(pieces, scene.width)], is_prose=True))
    return parts


def _last_line(state: RunState, status: str, reason: str) -> list[Segment]:
    mark = run_mark(status)
    if status == "completed":
        steps = counted(len(state.steps), "step")
        children = f"; subagents ran {state.child_steps}" if state.child_steps else ""
        words = "answered" if reason == "answered" else "done, without a submitted answer"
        return [Segment(f"{mark.glyph} {words}", mark.style), Segment(f" ({steps}{children})", "muted")]
    if status == "failed":
        return [Segment(f"{mark.glyph} failed at step {max(0, len(state.steps) - 1)}", mark.style)]
    words = reason_words(reason)
    if reason == "breakpoint" and state.breakpoint:
        words = f"breakpoint {one_line(state.breakpoint, 200)}"
    elif reason.endswith("_limit"):
        words = f"{words} reached{_limit_value(state, reason)}; a higher one lets it go on"
    return [Segment(f"{mark.glyph} {words}", mark.style)]


def _limit_value(state: RunState, reason: str) -> str:
    if state.agent is None:
        return ""
    limits = state.agent.limits
    match reason:
        case "step_limit":
            return f" ({limits.steps} steps)"
        case "token_limit":
            return f" ({human_tokens(limits.tokens or 0)} tokens)"
        case "cost_limit":
            return f" ({human_cost(limits.cost)})"
        case _:
            return f" ({human_seconds(limits.seconds or 0.0)})"


def _totals(state: RunState) -> list[Segment]:
    usage = state.total_usage
    spent = f"{human_tokens(usage.input_tokens)} in · {human_tokens(usage.output_tokens)} out"
    return [Segment(f"{spent} · {human_cost(usage.cost)} · {human_seconds(state.driven_seconds)}", "muted")]


def _waiting_parts(scene: Scene) -> list[Part]:
    state = scene.state
    status, reason = state.status_and_reason
    if status != "awaiting_approval" or reason == "plan" or state.open_step is None:
        return []
    lines: list[Line] = []
    for call in state.open_step.calls.values():
        where = one_line(f"{call.id} {call.tool}", 60)
        if call.status == "waiting":
            lines += _question("⏸", f"may {where} run? {call.question}", "waiting", scene)
        elif call.status == "unknown":
            answers = "run it again, give its result, fail it, or tell the model that it is unknown"
            lines += _question("?", f"what did {where} do? Nobody knows: {answers}", "unknown", scene)
    return [fixed(lines, Target(ANSWER, 0, scene.width))]


def _question(glyph: str, words: str, style: Style, scene: Scene) -> list[Line]:
    passage = cut_text(words, scene.width - 2, QUESTION_LINES)
    texts = [*passage.lines, passage.rest] if passage.rest else passage.lines
    return [
        row([Segment(f"{glyph} " if number == 0 else "  ", style), Segment(text, style)], scene.width)
        for number, text in enumerate(texts)
    ]
