"""The subagents of one call, where there are several: rows that say what each is at, and how their answers compare.

Pure: calls in, lines out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from workbench.engine.settling import settled_words
from workbench.events.call import MemberAnswer
from workbench.state.parts import CallState, MemberState
from workbench.state.run_state import RunState
from workbench.views.marks import Mark, run_mark
from workbench.views.notices import call_notices
from workbench.views.segments import Line, Segment, Style, row
from workbench.views.text import counted, human_tokens, inert, one_line

_STANDS: Final[dict[str, tuple[str, Style]]] = {
    "agrees": ("agrees", "ok"),
    "differs": ("said", "waiting"),
    "failed": ("no answer", "error"),
}
SHORT_ID: Final = 8


def is_ensemble(call: CallState) -> bool:
    """Whether several subagents work on the call."""
    return len(call.members) > 1


def ensemble_words(call: CallState) -> str:
    """Return how many subagents a call has, and how their answers compare."""
    workers = [member for member in call.members.values() if not member.judges]
    words = f"{len(workers)} subagents"
    if call.settled is not None:
        return f"{words} · {agreement_words(call)}"
    over = sum(member.end is not None for member in workers)
    return f"{words} · a judge settles it" if len(workers) < len(call.members) else f"{words} · {over} over"


def agreement_words(call: CallState) -> str:
    """Return how many of the answers agree, without what the others said."""
    return settled_words(call.settled).partition(";")[0] if call.settled is not None else ""


def member_row(call: CallState, number: int, child: RunState | None, width: int, *, active: bool = False) -> Line:
    """Return a subagent of a call on one line: what it is at, what it used, and what became of its answer."""
    member = call.members[number]
    mark = _mark(member, child)
    name = "judge" if member.judges else str(number)
    pieces = [
        Segment("  ▸ " if active else "  ↳ ", "lane_active" if active else "muted"),
        Segment(f"{name} ", "title" if active else "text"),
        Segment(f"{inert(member.run)[:SHORT_ID]} ", "link"),
        Segment(f"{mark.glyph} ", mark.style),
        Segment(_used(member, child), "muted"),
    ]
    answer = _answer(call, number)
    if answer is not None:
        word, style = _STANDS[answer.stand]
        pieces.append(Segment(f" · {word}", style))
        if answer.stand != "agrees":
            pieces.append(Segment(f": {one_line(answer.said, width)}"))
    elif member.judges and call.settled is not None and call.settled.why:
        pieces.append(Segment(f" · {one_line(call.settled.why, width)}", "text"))
    elif mark.word != "completed":
        pieces.append(Segment(f" · {mark.word}", mark.style))
    return row(pieces, width)


def member_lines(call: CallState, width: int) -> list[Line]:
    """Return the subagents of an ensemble for paper, and how their answers compare; nothing for a call of one."""
    if not is_ensemble(call):
        return []
    head = (Segment(one_line(ensemble_words(call), width), "title"),)
    rows = [member_row(call, number, None, width) for number in call.members]
    return [head, *(_unpadded(line) for line in rows)]


def fields_of_call(state: RunState, call: CallState) -> Iterator[tuple[str, str, Style]]:
    """Yield what there is to say of a call's subagents, and of what later requests carry of its result."""
    yield from member_fields(call)
    for name, value in call_notices(state, call):
        yield name, value, "text"


def member_fields(call: CallState) -> Iterator[tuple[str, str, Style]]:
    """Yield what there is to say of the subagents of a call, as names, values and styles."""
    if not is_ensemble(call):
        if call.child is not None:
            yield "subagent", inert(call.child)[:SHORT_ID], "link"
        return
    yield "subagents", ensemble_words(call), "text"
    for number, member in call.members.items():
        name = "judge" if member.judges else f"number {number}"
        run, answer = inert(member.run)[:SHORT_ID], _answer(call, number)
        said = f"{_used(member, None)}" if answer is None else f"{_STANDS[answer.stand][0]}: {answer.said}"
        yield name, f"{run} · {said}", "text" if answer is None else _STANDS[answer.stand][1]
    if call.settled is not None:
        yield "settled by", "a judge" if call.settled.by == "judge" else "most votes", "text"
        if call.settled.why:
            yield "because", call.settled.why, "text"


def member_documents(call: CallState) -> list[dict[str, Any]]:
    """Return the subagents of a call as JSON, with where each stands to the answer that was settled on."""
    return [
        {
            "run": member.run,
            "member": number,
            "judges": member.judges,
            "status": member.end[0] if member.end is not None else None,
            "stand": answer.stand if (answer := _answer(call, number)) is not None else None,
            "said": answer.said if answer is not None else None,
        }
        for number, member in call.members.items()
    ]


def ages(call: CallState, children: Mapping[str, RunState]) -> tuple[int, ...]:
    """Return how far the subagents of a call are, for whoever draws them anew when they went on."""
    return tuple(children[run].seq if run in children else -1 for run in call.children)


def _answer(call: CallState, number: int) -> MemberAnswer | None:
    answers = call.settled.answers if call.settled is not None else ()
    return next((answer for answer in answers if answer.member == number), None)


def _mark(member: MemberState, child: RunState | None) -> Mark:
    if child is not None:
        return run_mark(child.status)
    return run_mark(member.end[0] if member.end is not None else "thinking")


def _used(member: MemberState, child: RunState | None) -> str:
    steps = len(child.steps) if child is not None else member.steps
    usage = child.usage if child is not None else member.usage
    return f"{counted(steps, 'step')} · {human_tokens(usage.total_tokens)} tokens"


def _unpadded(line: Line) -> Line:
    return (*line[:-1], Segment(line[-1].text.rstrip(), line[-1].style)) if line else line
