"""The list of runs as a tree: forks and subagents below what they came from, newest questions first.

Pure: rows of the store in, lines out. A row's text comes from people and models and is made inert here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from workbench.store.model import RunRow
from workbench.views.marks import EDITED, Mark, reason_words, run_mark
from workbench.views.segments import Line, Segment, split_row
from workbench.views.text import cell_width, human_cost, human_seconds, human_tokens, inert, one_line

SHORTEST_ID: Final = 4
WITH_COLUMNS: Final = 56
"""Cells from which the figures of each run stand in columns beside it; below, they are told of one run at a time."""
MARKED: Final = "★"
NOTED: Final = "≡"
TAGGED: Final = "#"
_COLUMNS: Final = (("steps", 5), ("tokens", 8), ("cost", 8), ("time", 9))
_MOVING: Final = frozenset({"planning", "thinking", "executing_tools", "responding"})


class TreeRow(NamedTuple):
    """A run and its line."""

    run: str
    line: Line


def tree_rows(rows: Sequence[RunRow], width: int) -> list[TreeRow]:
    """Return a line of `width` cells for each run, in the order of the tree."""
    known = {item.id for item in rows}
    children: defaultdict[str | None, list[RunRow]] = defaultdict(list)
    for item in rows:
        children[_origin(item, known)].append(item)
    roots = sorted(children[None], key=lambda item: item.created, reverse=True)
    names = short_ids([item.id for item in rows])
    drawn: list[TreeRow] = []
    for root in roots:
        for item, guides in _walk(root, children):
            name = item.id[: max(len(names[item.id]), item.unique)]
            drawn.append(TreeRow(item.id, _draw(item, guides, name, width)))
    return drawn


def tree_header(width: int) -> Line | None:
    """Return the names of the columns, or None where there is no room for columns."""
    if width < WITH_COLUMNS:
        return None
    return split_row([Segment("run", "muted")], [Segment(_columns([name for name, _ in _COLUMNS]), "muted")], width)


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Return the shortest start of each id that names it alone among `ids`, of at least four characters."""
    ordered = sorted(set(ids))
    shared = [_shared(one, other) for one, other in pairwise(ordered)]
    around = zip([0, *shared], [*shared, 0], strict=True)
    longest = [max(before, after, SHORTEST_ID - 1) + 1 for before, after in around] if ordered else []
    return {run: run[:length] for run, length in zip(ordered, longest, strict=True)}


def row_mark(item: RunRow) -> Mark:
    """Return the mark of a run; one that nobody drives any more is interrupted, whatever its log says last."""
    if item.status in _MOVING and not item.live and not item.imported:
        return run_mark("interrupted")
    return run_mark(item.status)


def _shared(one: str, other: str) -> int:
    """Return how many characters two ids begin with in common."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _origin(item: RunRow, known: set[str]) -> str | None:
    """Return the run under which a run stands: its caller, the run it was made from, or none that is listed."""
    candidates = (item.caller_run, item.made_from, item.parent)
    return next((run for run in candidates if run is not None and run in known and run != item.id), None)


def _walk(root: RunRow, children: Mapping[str | None, list[RunRow]]) -> Iterator[tuple[RunRow, str]]:
    """Yield a run and all below it with the guides that stand before each; forks of forks may be many deep."""
    waiting = [(root, "", "")]
    while waiting:
        item, guides, below = waiting.pop()
        yield item, guides
        under = sorted(children.get(item.id, ()), key=lambda child: child.created)
        for number, child in reversed(list(enumerate(under))):
            is_last = number == len(under) - 1
            waiting.append((child, below + ("└ " if is_last else "├ "), below + ("  " if is_last else "│ ")))


def _draw(item: RunRow, guides: str, name: str, width: int) -> Line:
    mark = row_mark(item)
    # A deep tree keeps room for what it is about.
    shown = guides if len(guides) <= width // 3 else f"…{guides[-(width // 3) :]}"
    left = [Segment(shown, "muted"), Segment(f"{mark.glyph} ", mark.style), Segment(f"{inert(name)} ", "muted")]
    left += remark_signs(item)
    left += _label(item, width)
    if mark.style in ("waiting", "error"):
        words = reason_words(item.reason) if mark.word == run_mark(item.status).word else ""
        left.append(Segment(f" {words or mark.word}", mark.style))
    if item.hidden:
        left.insert(3, Segment("hidden "))  # before what may be cut
    right = [Segment(_figures(item), "muted")] if width >= WITH_COLUMNS else []
    line = split_row(left, right, width, keep_right=True)
    return tuple(Segment(text, "muted") for text, _ in line) if item.hidden else line


def remark_signs(item: RunRow) -> list[Segment]:
    """Return a sign for each thing that a person said of a run: a mark, a note, tags."""
    shown = [Segment(MARKED, "playhead")] if item.marked else []
    shown += [Segment(sign, "plan") for sign, holds in ((NOTED, item.note), (TAGGED, item.tags)) if holds]
    return [*shown, Segment(" ")] if shown else []


def _label(item: RunRow, width: int) -> list[Segment]:
    if item.name:
        return [Segment(one_line(item.name, width), "title")]
    if item.caller_call is not None:
        return [Segment(f"↳{one_line(item.caller_call, 8)} ", "link"), Segment(one_line(item.task, width))]
    if item.parent is not None:
        where = f" at {one_line(item.address, 12)}" if item.address else ""
        return [Segment(f"{EDITED} {one_line(item.edited, width) or 'fork'}", "edited"), Segment(where, "muted")]
    return [Segment(one_line(item.task, width))]


def _figures(item: RunRow) -> str:
    cost = "?" if item.cost is None else human_cost(item.cost)
    return _columns([str(item.steps), human_tokens(item.total_tokens), cost, human_seconds(item.elapsed)])


def _columns(texts: Sequence[str]) -> str:
    padded = (" " * (width - cell_width(text)) + text for text, (_, width) in zip(texts, _COLUMNS, strict=True))
    return " ".join(padded)
