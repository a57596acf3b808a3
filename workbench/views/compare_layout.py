"""A comparison as lines, whatever the length of the runs: blocks are measured once and drawn when somebody looks.

What is the same at the beginning is folded to one line. What stands where is answered without drawing. Knows runs and
lines, nothing of screens.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from workbench.debugger.align import AlignedStep
from workbench.debugger.divergence import Comparison, Difference, Spot, messages_of
from workbench.state.run_state import RunState
from workbench.views.compare import agent_block, divergence_block, end_block, plan_block, shared_block, task_block
from workbench.views.compare_parts import CompareScene, Piece
from workbench.views.compare_steps import step_block
from workbench.views.parts import GUTTER
from workbench.views.segments import Line, Segment, blank

SMALLEST_WIDTH: Final = 40
"""Narrower comparisons are laid out as if they had this width."""
KEPT_BLOCKS: Final = 96
"""Blocks whose lines are kept: a few screens."""
_IDLE: Final = Segment(" " * GUTTER)
_ACTIVE: Final = Segment("▌" + " " * (GUTTER - 1), "lane_active")

Key = tuple[str, int | None, int | None]
"""A block, by its kind and by the steps that it shows."""


class Place(NamedTuple):
    """Where a thing stands, in lines from the top of the whole comparison."""

    y: int
    height: int


@dataclass(slots=True)
class _Block:
    key: Key
    fingerprint: object
    """Equal fingerprints are drawn equally; None for what may change at any time."""
    height: int
    spots: tuple[tuple[Spot, Place], ...]
    """What can be pointed at, with its lines within the block."""


class ComparisonLayout:
    """The lines of a comparison, each of exactly `width` cells."""

    def __init__(self, width: int = 100) -> None:
        self.measured = 0
        """Blocks measured so far: what work was done."""
        self._width = max(width, SMALLEST_WIDTH)
        self._scene: CompareScene | None = None
        self._is_open = False
        self._blocks: list[_Block] = []
        self._tops: list[int] = [0]
        self._index: dict[Key, int] = {}
        self._rows: dict[Key, tuple[AlignedStep, tuple[Difference, ...]]] = {}
        self._by_step: tuple[dict[int, Key], dict[int, Key]] = ({}, {})
        self._lines: dict[Key, list[Line]] = {}
        self.selected: Spot | None = None
        """What the cursor is on."""

    @property
    def width(self) -> int:
        """Cells of every line."""
        return self._width

    @property
    def height(self) -> int:
        """Lines in all."""
        return self._tops[-1]

    @property
    def is_open(self) -> bool:
        """Whether what is the same at the beginning is unfolded."""
        return self._is_open

    def update(
        self, a: RunState, b: RunState, comparison: Comparison, now: tuple[float | None, float | None] = (None, None)
    ) -> None:
        """Show a comparison, or the same one later; `now` is the present of each run that goes on."""
        found = {item.spot: item for item in comparison.differences}
        said = (messages_of(a), messages_of(b))
        self._scene = CompareScene(a, b, comparison, self._width - GUTTER, now, found, said)
        self._lay_out()

    def resize(self, width: int) -> None:
        """Lay everything out for another width."""
        width = max(width, SMALLEST_WIDTH)
        if width == self._width:
            return
        self._width = width
        self._blocks, self._lines = [], {}
        if self._scene is not None:
            old = self._scene
            self._scene = CompareScene(old.a, old.b, old.comparison, width - GUTTER, old.now, old.found, old.said)
            self._lay_out()

    def fold(self) -> None:
        """Unfold what is the same at the beginning, or fold it."""
        self._is_open = not self._is_open
        self._lay_out()

    # Laying out

    def _lay_out(self) -> None:
        scene = self._scene
        if scene is None:
            return
        known = {block.key: block for block in self._blocks}
        self._blocks = []
        for key, fingerprint in self._outline(scene):
            block = known.get(key)
            if block is None or fingerprint is None or block.fingerprint != fingerprint:
                block = self._measure(key, fingerprint)
            if block.height:
                self._blocks.append(block)
        self._tops = list(accumulate((block.height for block in self._blocks), initial=0))
        self._index = {block.key: number for number, block in enumerate(self._blocks)}

    def _outline(self, scene: CompareScene) -> Iterator[tuple[Key, object]]:
        """Yield the blocks from top to bottom with what they look like in short."""
        comparison = scene.comparison
        shared, rows = comparison.alignment.shared_steps, comparison.alignment.rows
        self._rows, self._by_step = {}, ({}, {})
        last_a, last_b = len(scene.a.steps) - 1, len(scene.b.steps) - 1
        yield ("task", None, None), None
        yield ("shared", None, None), None
        for number, (aligned, found) in enumerate(zip(rows, comparison.row_differences, strict=True)):
            if number == shared:
                yield from _MIDDLE
            key: Key = ("step", aligned.a_index, aligned.b_index)
            if number < shared and not self._is_open:
                continue
            self._rows[key] = (aligned, found)
            if aligned.a_index is not None:
                self._by_step[0][aligned.a_index] = key
            if aligned.b_index is not None:
                self._by_step[1][aligned.b_index] = key
            may_change = aligned.a_index == last_a or aligned.b_index == last_b
            yield key, None if may_change else (aligned, found)
        if len(rows) <= shared:
            yield from _MIDDLE
        yield ("end", None, None), None

    def _measure(self, key: Key, fingerprint: object) -> _Block:
        self.measured += 1
        self._lines.pop(key, None)
        spots: list[tuple[Spot, Place]] = []
        height = 0
        for piece in self._pieces(key):
            if piece.spot is not None and piece.height:
                spots.append((piece.spot, Place(height, piece.height)))
            height += piece.height
        return _Block(key, fingerprint, height + 1 if height else 0, tuple(spots))

    def _pieces(self, key: Key) -> list[Piece]:
        scene = self._scene
        if scene is None:
            return []
        match key[0]:
            case "task":
                return task_block(scene)
            case "shared":
                return shared_block(scene, is_open=self._is_open)
            case "divergence":
                return divergence_block(scene)
            case "agent":
                return agent_block(scene)
            case "plan":
                return plan_block(scene)
            case "step":
                return step_block(self._rows[key][0], scene)
            case _:
                return end_block(scene)

    # Looking up

    def line(self, y: int) -> Line:
        """Return a line, with the sign of the cursor before it."""
        if not 0 <= y < self.height:
            return blank(self._width)
        number = bisect_right(self._tops, y) - 1
        block, offset = self._blocks[number], y - self._tops[number]
        is_selected = any(
            spot == self.selected and place.y <= offset < place.y + place.height for spot, place in block.spots
        )
        return (_ACTIVE if is_selected else _IDLE, *self._block_lines(block)[offset])

    def _block_lines(self, block: _Block) -> list[Line]:
        lines = self._lines.pop(block.key, None)
        if lines is None:
            lines = [line for piece in self._pieces(block.key) for line in piece.draw()]
            lines.append(blank(self._width - GUTTER))
        self._lines[block.key] = lines  # the last in the order of the dict is the one used last
        if len(self._lines) > KEPT_BLOCKS:
            del self._lines[next(iter(self._lines))]
        return lines

    def locate(self, spot: Spot | None) -> Place | None:
        """Return where a thing stands; None where it is folded away or not there."""
        number = self._block_of(spot) if spot is not None else None
        if number is None:
            return None
        found = next((place for other, place in self._blocks[number].spots if other == spot), None)
        return None if found is None else Place(self._tops[number] + found.y, found.height)

    def _block_of(self, spot: Spot) -> int | None:
        match spot:
            case Spot(kind="turn" | "call" | "message", a=None, b=None) | Spot(kind="answer" | "end"):
                key: Key | None = ("end", None, None)
            case Spot(kind="turn" | "call" | "message", a=a, b=b):
                side, name = (0, a) if a is not None else (1, b)
                key = self._by_step[side].get(int((name or "0").partition(".")[0]))
            case Spot(kind=kind):
                key = (kind, None, None)
        return self._index.get(key) if key is not None else None

    def at(self, y: int) -> Spot | None:
        """Return what stands on a line."""
        if not 0 <= y < self.height:
            return None
        number = bisect_right(self._tops, y) - 1
        offset = y - self._tops[number]
        spots = self._blocks[number].spots
        return next((spot for spot, place in spots if place.y <= offset < place.y + place.height), None)

    def nearest(self, y: int) -> Spot | None:
        """Return what stands on a line, or is the next below it, or the last of all."""
        number = max(0, bisect_right(self._tops, max(y, 0)) - 1)
        for index in range(number, len(self._blocks)):
            for spot, place in self._blocks[index].spots:
                if self._tops[index] + place.y + place.height > y:
                    return spot
        return self.last()

    def beside(self, spot: Spot | None, step: Literal[-1, 1]) -> Spot | None:
        """Return the next thing below (1) or above (-1); the same where there is none."""
        number = self._block_of(spot) if spot is not None else None
        if number is None:
            return self.first()
        spots = [other for other, _ in self._blocks[number].spots]
        at = spots.index(spot) if spot in spots else 0
        if 0 <= at + step < len(spots):
            return spots[at + step]
        number += step
        while 0 <= number < len(self._blocks):
            found = self._blocks[number].spots
            if found:
                return found[0 if step > 0 else -1][0]
            number += step
        return spot

    def first(self) -> Spot | None:
        """Return the first thing."""
        return next((block.spots[0][0] for block in self._blocks if block.spots), None)

    def last(self) -> Spot | None:
        """Return the last thing."""
        return next((block.spots[-1][0] for block in reversed(self._blocks) if block.spots), None)


_MIDDLE: Final[tuple[tuple[Key, None], ...]] = (
    (("divergence", None, None), None),
    (("agent", None, None), None),
    (("plan", None, None), None),
)
"""What stands between what is the same and what is not."""
