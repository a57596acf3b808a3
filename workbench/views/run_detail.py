"""One run of the list in a few lines, whatever the width: everything that its line in the tree has no room for.

Pure: a row of the store in, lines out. A row's text comes from people and models and is made inert here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from workbench.store.model import RunRow
from workbench.views.marks import EDITED, reason_words, run_mark
from workbench.views.run_tree import MARKED, NOTED, row_mark
from workbench.views.segments import Line, Segment, Style, line_width, row
from workbench.views.show import short
from workbench.views.text import counted, human_cost, human_seconds, human_tokens, inert, one_line, wrap

_BETWEEN: Final = Segment(" · ", "muted")
_MOST_TITLE: Final = 2
_MOST_NOTE: Final = 3
_LONGEST: Final = 2_000
"""Characters of a text that are looked at."""


def run_detail(item: RunRow, width: int) -> list[Line]:
    """Return what is known about a run, in lines of `width` cells."""
    sign = Segment(f"{MARKED} ", "playhead") if item.marked else Segment("")
    title = _wrapped(item.name or item.task, width, _MOST_TITLE, sign, "title")
    if item.name:
        title += _wrapped(item.task, width, _MOST_TITLE, Segment(""), "text")
    lines = [*title, *_flow(_status(item), width)]
    if origin := _origin(item):
        lines += _flow(origin, width)
    lines += _flow(_figures(item), width)
    if item.tags:
        lines += _flow([Segment(f"#{one_line(tag, width)}", "plan") for tag in item.tags], width, Segment("  "))
    if item.note:
        lines += _wrapped(item.note, width, _MOST_NOTE, Segment(f"{NOTED} ", "plan"), "text")
    return lines


def _status(item: RunRow) -> list[Segment]:
    mark = row_mark(item)
    reason = reason_words(item.reason) if mark.word == run_mark(item.status).word else "its driver died"
    said = f"{mark.glyph} {mark.word}" + (f": {reason}" if reason and reason != mark.word else "")
    made = datetime.fromtimestamp(item.created, tz=UTC).astimezone()
    facts = [Segment(one_line(said, 60), mark.style), Segment(f"{made:%Y-%m-%d %H:%M}", "muted")]
    facts += [Segment(word, "muted") for word, holds in (("imported", item.imported), ("hidden", item.hidden)) if holds]
    return facts


def _origin(item: RunRow) -> list[Segment]:
    """Return what the run came from: for a fork what was edited and where, for a subagent the call that it is."""
    if item.caller_run is not None:
        call = one_line(item.caller_call or "", 8)
        return [Segment(f"↳ subagent, call {call} of {short(inert(item.caller_run))}", "link")]
    if item.parent is None:
        return []
    place = f"at {one_line(item.address, 12)} " if item.address else ""
    return [
        Segment(f"{EDITED} {one_line(item.edited, 60) or 'nothing edited'}", "edited"),
        Segment(f"{place}of {short(inert(item.made_from or item.parent))}", "muted"),
    ]


def _figures(item: RunRow) -> list[Segment]:
    failed = f", {item.errors} failed" if item.errors else ""
    texts = [
        one_line(item.model, 40) or "no model",
        counted(item.steps, "step"),
        f"{counted(item.calls, 'call')}{failed}",
        f"{human_tokens(item.total_tokens)} tokens",
        "cost unknown" if item.cost is None else human_cost(item.cost),
        human_seconds(item.elapsed),
    ]
    return [Segment(text, "muted") for text in texts]


def _flow(facts: Iterable[Segment], width: int, between: Segment = _BETWEEN) -> list[Line]:
    """Return facts one after the other, on as few lines as they need; none is broken where it fits on a line."""
    lines: list[list[Segment]] = []
    for fact in facts:
        if lines and line_width([*lines[-1], between, fact]) <= width:
            lines[-1] += [between, fact]
        else:
            lines.append([fact])
    return [row(line, width) for line in lines]


def _wrapped(text: str, width: int, most: int, sign: Segment, style: Style) -> list[Line]:
    """Return a text on at most so many lines, the first after a sign; an ellipsis stands for what is left out."""
    room = width - line_width([sign])
    texts = wrap(inert(text[:_LONGEST].strip()), max(room, 2))
    shown = [*texts[: most - 1], " ".join(texts[most - 1 :])] if len(texts) > most else texts
    indent = Segment(" " * (width - room))
    return [row([sign if number == 0 else indent, Segment(line, style)], width) for number, line in enumerate(shown)]
