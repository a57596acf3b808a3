"""What the blocks of a comparison are made of: pieces that hold the cells of both runs, beside or below each other.

A piece knows its height before it is drawn. Where there are two columns, both cells have the same height. What only
follows from an earlier difference is drawn muted and has a sign and a word for it, so that colour alone says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from workbench.debugger.divergence import Comparison, Difference, Said, Spot
from workbench.state.run_state import RunState
from workbench.views.brief import Passage, cut_text
from workbench.views.diff import tag
from workbench.views.segments import Line, Segment, Style, blank, row, split_row

WIDE: Final = 97
"""Cells from which both runs stand beside each other: a terminal of 100 without gutter and scroll bar."""
MESSAGE_LINES: Final = 4


class Piece(NamedTuple):
    """Some lines of a block, and what they show."""

    height: int
    draw: Callable[[], list[Line]]
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class CompareScene:
    """Everything that blocks are drawn from."""

    a: RunState
    b: RunState
    comparison: Comparison
    width: int
    """Cells of every line."""
    now: tuple[float | None, float | None] = (None, None)
    """The present of each run that goes on."""
    found: dict[Spot, Difference] = field(default_factory=dict)
    """The differences by what they are about."""
    said: tuple[Said, Said] = ({}, {})
    """What people said in each run."""

    @property
    def is_wide(self) -> bool:
        """Whether both runs stand beside each other."""
        return self.width >= WIDE

    @property
    def cell(self) -> int:
        """Cells of a line of one run."""
        return (self.width - 3) // 2 if self.is_wide else self.width - 2

    @property
    def states(self) -> tuple[RunState, RunState]:
        """Both runs."""
        return self.a, self.b


# Two cells beside or below each other


def height_of(scene: CompareScene, a: int, b: int) -> int:
    """Return the height of a piece of cells of these heights."""
    return max(a, b) if scene.is_wide else a + b


def join(scene: CompareScene, a: Sequence[Line], b: Sequence[Line], item: Difference | None = None) -> list[Line]:
    """Return the cells of both runs as lines; narrow ones say whose they are."""
    if item is not None and not item.independent:
        a, b = [muted(line) for line in a], [muted(line) for line in b]
    if not scene.is_wide:
        return [*(_named("a", line) for line in a), *(_named("b", line) for line in b)]
    glyph = "│" if item is None else "+" if item.kind in ("only", "step") else "≠"
    sign = Segment(f" {glyph} ", "lane" if item is None else "edited" if item.independent else "muted")
    lines: list[Line] = []
    for number in range(max(len(a), len(b))):
        left, right = (cells[number] if number < len(cells) else blank(scene.cell) for cells in (a, b))
        lines.append(row([*left, sign if number == 0 else Segment(" │ ", "lane"), *right], scene.width))
    return lines


def _named(side: str, line: Line) -> Line:
    return (Segment(f"{side} ", "key"), *line)


def once(scene: CompareScene, lines: Sequence[Line]) -> list[Line]:
    """Return what is the same in both: in both columns, or once."""
    return join(scene, lines, lines) if scene.is_wide else [(Segment("  "), *line) for line in lines]


def muted(line: Line) -> Line:
    """Return a line that only follows from something else."""
    return tuple(Segment(text, "muted") for text, _ in line)


def tags_of(item: Difference | None) -> list[Segment]:
    """Return the sign and the word of a difference, for the right end of a line."""
    return [] if item is None else [Segment(f" {tag(item)}", "edited" if item.independent else "muted")]


def passage_lines(scene: CompareScene, passage: Passage, style: Style, *, tail: bool = False) -> list[Line]:
    """Return a cut text as lines of a cell, with its sign of more at the end it was cut at."""
    lines = [row([Segment(line, style)], scene.cell) for line in passage.lines]
    if passage.rest:
        lines.insert(0 if tail else len(lines), row([Segment(passage.rest, "muted")], scene.cell))
    return lines


def title_line(scene: CompareScene, words: str, right: list[Segment]) -> Line:
    """Return the head of a cell."""
    return split_row([Segment(words, "title")], right, scene.cell, keep_right=True)


def message_pieces(scene: CompareScene, spot: Spot, before_a: int | None, before_b: int | None) -> list[Piece]:
    """Return what people said before these steps of the two."""
    places = ((0, before_a), (1, before_b))
    said = [scene.said[side].get(place, ()) if place is not None else () for side, place in places]
    if not any(said):
        return []
    item = scene.found.get(spot)
    passages = [cut_text("\n".join(texts), scene.cell - 2, MESSAGE_LINES) for texts in said]
    if item is None and not scene.is_wide:
        cell = _message_cell(scene, passages[0], [])
        return [Piece(len(cell), partial(once, scene, cell), spot)]
    is_last = [not passages[1].lines, True]
    cells = [
        _message_cell(scene, found, tags_of(item) if last else [])
        for found, last in zip(passages, is_last, strict=True)
    ]
    return [Piece(height_of(scene, *map(len, cells)), partial(join, scene, cells[0], cells[1], item), spot)]


def _message_cell(scene: CompareScene, passage: Passage, tags: list[Segment]) -> list[Line]:
    texts = [*passage.lines, passage.rest] if passage.rest else passage.lines
    return [
        split_row(
            [Segment("  " if number else "❯ ", "running"), Segment(text, "message")],
            [] if number else tags,
            scene.cell,
            keep_right=True,
        )
        for number, text in enumerate(texts)
    ]
