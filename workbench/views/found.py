"""What a search over all runs found, as lines: a run, and below it the lines that say what was looked for.

Pure: answers of the driver in, lines out. Every text comes from people, models and tools and is made inert here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from workbench.driver.commands import FoundRun
from workbench.events.base import Recorded
from workbench.events.call import CallEvent
from workbench.events.edit import MessageAdded, TextEdited
from workbench.events.plan import PlanApproved, PlanEdited, PlanProposed, PlanSkipped
from workbench.events.run import RunFinished, RunStarted
from workbench.events.turn import TurnFinished
from workbench.store import RunRow, SearchHit, marker
from workbench.views.run_tree import remark_signs, row_mark
from workbench.views.segments import Line, Segment, Style, row
from workbench.views.selection import NOTHING, Selection
from workbench.views.show import short
from workbench.views.text import ELLIPSIS, counted, fit, inert, one_line

_WHERE: Final = {
    "run_started": "question",
    "run_finished": "answer",
    "turn_finished": "turn",
    "call_started": "input",
    "input_edited": "input",
    "text_edited": "text",
    "message_added": "message",
    "plan_proposed": "plan",
    "plan_edited": "plan",
}
_WHERE_WIDTH: Final = 14


class FoundLine(NamedTuple):
    """A line of the results."""

    run: str
    seq: int | None
    """Of the event that was found; None for the line of the run itself."""
    line: Line


def found_lines(found: Sequence[FoundRun], query: str, width: int) -> list[FoundLine]:
    """Return the results: each run, then what was found in it, with the words of the query marked."""
    marks = marker(query)
    lines: list[FoundLine] = []
    for each in found:
        lines.append(FoundLine(each.row.id, None, _run_line(each.row, marks, width)))
        if each.label and each.label != each.row.name:
            where = "tags" if each.label.startswith("#") else "note"
            lines.append(FoundLine(each.row.id, None, _place_line(where, each.label, marks, width)))
        lines += [FoundLine(each.row.id, hit.seq, _hit_line(hit, marks, width)) for hit in each.hits]
    return lines


def found_words(found: Sequence[FoundRun]) -> str:
    """Say how much was found."""
    hits = sum(len(each.hits) for each in found)
    return f"{counted(hits, 'place')} in {counted(len(found), 'run')}"


def place_of(records: Sequence[Recorded], seq: int) -> Selection:
    """Return what the timeline of a run calls the thing that event `seq` is about."""
    if not 0 <= seq < len(records):
        return NOTHING
    match records[seq].event:
        case CallEvent(call=call):
            return Selection("call", step=int(call.partition(".")[0]), call=call)
        case TurnFinished(purpose="plan") | PlanProposed() | PlanEdited() | PlanApproved() | PlanSkipped():
            return Selection("plan")
        case TurnFinished(step=step) | TextEdited(step=step):
            return Selection("step", step=step)
        case RunStarted():
            return Selection("message", index=0)
        case MessageAdded():
            before = records[: seq + 1]
            return Selection("message", index=sum(isinstance(record.event, MessageAdded) for record in before))
        case RunFinished():
            return Selection("answer")
        case _:
            return NOTHING


def _run_line(item: RunRow, marks: re.Pattern[str] | None, width: int) -> Line:
    mark = row_mark(item)
    pieces = [Segment(f"{mark.glyph} ", mark.style), Segment(f"{short(inert(item.id))} ", "muted"), *remark_signs(item)]
    pieces += _marked(one_line(item.name or item.task, width), marks, "title")
    return row(pieces, width)


def _hit_line(hit: SearchHit, marks: re.Pattern[str] | None, width: int) -> Line:
    where = _WHERE.get(hit.kind, "result" if hit.call else hit.kind.replace("_", " "))
    return _place_line(f"{hit.call} {where}" if hit.call else where, hit.line, marks, width)


def _place_line(where: str, said: str, marks: re.Pattern[str] | None, width: int) -> Line:
    """Return what was said somewhere, so that the first word that was looked for is in sight."""
    room = max(width - _WHERE_WIDTH - 2, 8)
    said = said.strip()
    found = marks.search(said) if marks is not None else None
    if found is not None and found.end() > room * 2 // 3:
        said = ELLIPSIS + said[max(0, found.start() - room // 3) :]
    lead = Segment(f"  {fit(one_line(where, _WHERE_WIDTH), _WHERE_WIDTH)}", "muted")
    return row([lead, *_marked(one_line(said, room), marks, "text")], width)


def _marked(text: str, marks: re.Pattern[str] | None, style: Style) -> list[Segment]:
    """Return a text in one style, with what the query says in it marked."""
    pieces: list[Segment] = []
    place = 0
    for match in marks.finditer(text) if marks is not None else ():
        pieces += [Segment(text[place : match.start()], style), Segment(match[0], "match")]
        place = match.end()
    return [*pieces, Segment(text[place:], style)]
