"""What the blocks of a timeline are made of: parts that know their height before they are drawn.

A block is a list of parts, one below the other. Heights of thousands of blocks are summed up without drawing any of
them; a part is drawn when it comes near the screen. Nothing here knows what a block is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from workbench.driver.feed import Draft
from workbench.state.run_state import RunState
from workbench.views.brief import Passage
from workbench.views.filter import Filter
from workbench.views.find import Found, mark_lines
from workbench.views.lanes import LaneMemory
from workbench.views.segments import Line, Segment, Style, blank, row
from workbench.views.selection import NOTHING, Selection

GUTTER: Final = 2
"""Cells at the left of every line, where the cursor is shown."""
FOUND: Final = "/"
"""Stands in the gutter of what a search found, wherever in it that is."""


class Target(NamedTuple):
    """Something that can be selected, and the cells it takes of its part, the gutter left out."""

    selection: Selection
    x: int
    width: int


class Part(NamedTuple):
    """Some lines of a block."""

    height: int
    draw: Callable[[Selection], list[Line]]
    """Given what is selected, returns `height` lines."""
    targets: tuple[Target, ...] = ()
    """What can be selected here, from left to right; where there is nothing, the whole block is."""
    is_prose: bool = False
    """Its lines are one text that somebody wrote, in which a search marks what it finds."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that blocks are drawn from."""

    state: RunState
    width: int
    """Of the lines, gutter left out."""
    drafts: Mapping[int, Draft] = field(default_factory=dict)
    children: Mapping[str, RunState] = field(default_factory=dict)
    now: float | None = None
    """The present; None where the run does not go on."""
    lanes: LaneMemory = field(default_factory=LaneMemory)
    found: Found | None = None
    """What a search found, to be marked."""
    chosen: Filter | None = None
    """Which calls are shown."""

    @property
    def at(self) -> float:
        """The moment that is shown."""
        return max(self.state.at, self.now or 0.0)


def fixed(lines: list[Line], *targets: Target, is_prose: bool = False) -> Part:
    """Return a part whose lines are there already."""
    return Part(len(lines), lambda _: lines, targets, is_prose)


def passage_part(passage: Passage, width: int, style: Style, *, indent: str = "", tail: bool = False) -> Part:
    """Return a part that shows a cut text, with its sign of more at the end it was cut at."""

    def draw(_: Selection) -> list[Line]:
        lines = [row([Segment(indent), Segment(line, style)], width) for line in passage.lines]
        if passage.rest:
            sign = row([Segment(indent), Segment(passage.rest, "muted")], width)
            lines.insert(0 if tail else len(lines), sign)
        return lines

    return Part(passage.height, draw, is_prose=True)


def block_height(parts: Iterable[Part]) -> int:
    """Return the lines of a block, with the empty one below it."""
    height = sum(part.height for part in parts)
    return height + 1 if height else 0


def draw_block(
    parts: Iterable[Part], main: Selection, selected: Selection, width: int, found: Found | None = None
) -> list[Line]:
    """Return the lines of a block, gutter and the empty line below it included; `main` is what the block shows."""
    lines: list[Line] = []
    for part in parts:
        drawn = part.draw(selected)
        if found is not None and part.is_prose:
            drawn = mark_lines(drawn, found.needle)
        things = [target.selection for target in part.targets if target.selection.kind != "call"]
        is_active = selected != NOTHING and (selected in things or selected == main)
        is_found = found is not None and any(map(found.has, things))
        for number, line in enumerate(drawn):
            lines.append((*_gutter(is_active=is_active, is_found=is_found and number == 0), *line))
    if lines:
        lines.append(blank(width + GUTTER))
    return lines


def _gutter(*, is_active: bool, is_found: bool) -> Line:
    bar = Segment("▌" if is_active else " ", "lane_active" if is_active else "text")
    return (bar, Segment(FOUND, "match")) if is_found else (Segment(bar.text + " ", bar.style),)
