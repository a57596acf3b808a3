"""A run's timeline as lines, whatever its length: blocks are measured once and drawn when somebody looks at them.

The heights of closed steps are kept by width and never computed again; lines are kept for the blocks near the screen.
What stands where is answered without drawing. Knows runs and lines, nothing of screens.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Final, Literal

from workbench.driver.feed import Draft
from workbench.state.parts import Said
from workbench.state.run_state import RunState
from workbench.views.blocks import end_parts, fork_parts, message_parts, note_parts, plan_parts, planning_parts
from workbench.views.filter import Filter, hidden_line
from workbench.views.find import Found
from workbench.views.outline import BlockKey, Outline, block_of, main_selection
from workbench.views.parts import GUTTER, Part, Scene, block_height, draw_block
from workbench.views.places import Anchor, Place, Row, nearest_in
from workbench.views.segments import Line, blank
from workbench.views.selection import NOTHING, Selection
from workbench.views.steps import step_fingerprint, step_parts

SMALLEST_WIDTH: Final = 32
"""Narrower timelines are laid out as if they had this width."""
KEPT_BLOCKS: Final = 96
"""Blocks whose lines are kept: a few screens."""

Direction = Literal["up", "down", "left", "right"]


@dataclass(slots=True)
class _Block:
    key: BlockKey
    fingerprint: object
    """Equal fingerprints are drawn equally; None for what may change with every event."""
    height: int


class TimelineLayout:
    """The lines of a run's timeline, each of exactly `width` cells."""

    def __init__(self, width: int = 80) -> None:
        self.measured = 0
        """Blocks measured so far: what work was done."""
        self._width = max(width, SMALLEST_WIDTH)
        self._outline = Outline()
        self._scene = Scene(RunState(), self._width - GUTTER)
        self._blocks: list[_Block] = []
        self._tops: list[int] = [0]
        self._index: dict[BlockKey, int] = {}
        self._lines: dict[BlockKey, list[Line]] = {}
        self._selected = NOTHING
        self._stamp: object = None
        self._children: dict[str, int] = {}
        self._restless: set[BlockKey] = set()
        """Steps that can still change; all but the last few can not."""

    @property
    def width(self) -> int:
        """Cells of every line."""
        return self._width

    @property
    def height(self) -> int:
        """Lines in all."""
        return self._tops[-1]

    @property
    def selected(self) -> Selection:
        """What is drawn as selected."""
        return self._selected

    @property
    def chosen(self) -> Filter | None:
        """Which calls are shown; None for all."""
        return self._scene.chosen

    def update(
        self,
        state: RunState,
        *,
        drafts: Mapping[int, Draft] | None = None,
        now: float | None = None,
        children: Mapping[str, RunState] | None = None,
    ) -> bool:
        """Follow the run, or show another moment or run; return whether anything may look different.

        `now` is the present (Unix seconds) of a run that goes on, None for one that rests. Only the blocks that can
        have changed are measured again.
        """
        drafts, children = drafts or {}, children or {}
        now = None if now is None else int(now * 10) / 10  # ten pictures a second are enough for timers
        ages = {child: run.seq for child, run in children.items()}
        stamp = (state.run, state.seq, tuple(drafts.values()), now, ages)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._scene = replace(self._scene, state=state, drafts=drafts, children=children, now=now)
        first = self._outline.update(state)
        stale = self._stale_blocks(first, ages)
        for key in [key for key in self._lines if key.kind == "fold"]:
            del self._lines[key]  # it may stand for more steps by now
        self._measure(first)
        for index in stale:
            self._measure_again(index)
        return True

    def resize(self, width: int) -> None:
        """Lay everything out for another width."""
        width = max(width, SMALLEST_WIDTH)
        if width != self._width:
            self._width = width
            self._scene = replace(self._scene, width=width - GUTTER)
            self._measure_all()

    def choose(self, chosen: Filter | None) -> None:
        """Show only some calls and their steps; all without a choice."""
        self._scene = replace(self._scene, chosen=chosen)
        self._outline = Outline(chosen)
        self._outline.update(self._scene.state)
        self._measure_all()

    def _measure_all(self) -> None:
        self._stamp = None
        self._blocks.clear()
        self._lines.clear()
        self._index.clear()
        self._restless.clear()
        self._measure(0)

    def mark(self, found: Found | None) -> None:
        """Draw what a search found as marked, and nothing else."""
        self._scene = replace(self._scene, found=found)
        self._lines.clear()

    def select(self, selection: Selection) -> None:
        """Draw `selection` as selected, and nothing else."""
        for changed in (self._selected, selection):
            self._forget_lines(self._block_index(changed))
        self._selected = selection

    def line(self, y: int) -> Line:
        """Return line `y`; an empty one beyond the end."""
        index = self._block_at(y)
        if index is None:
            return blank(self._width)
        return self._block_lines(index)[y - self._tops[index]]

    def at(self, x: int, y: int) -> Selection:
        """Return what stands at a cell; `NOTHING` between things."""
        index = self._block_at(y)
        if index is None:
            return NOTHING
        for row in self._rows(index):
            if row.y <= y < row.y + row.height:
                for target in row.targets:
                    if target.x <= x - GUTTER < target.x + target.width:
                        return target.selection
        is_space_below = y == self._tops[index + 1] - 1
        return NOTHING if is_space_below else main_selection(self._blocks[index].key)

    def locate(self, selection: Selection) -> Place | None:
        """Return where a thing stands, or None where it is not there."""
        index = self._block_index(selection)
        if index is None:
            return None
        for row in self._rows(index):
            for target in row.targets:
                if target.selection == selection:
                    return Place(target.x + GUTTER, row.y, target.width, row.height)
        return None

    def move(self, selection: Selection, direction: Direction) -> Selection:
        """Return what stands next to a thing; the thing itself where there is nothing further."""
        place = self.locate(selection)
        if place is None:
            return self.last() if direction == "up" else self.first()
        index = self._block_at(place.y)
        rows = self._rows(index) if index is not None else []
        at = next(number for number, row in enumerate(rows) if row.y == place.y)
        if direction in ("left", "right"):
            targets = [target.selection for target in rows[at].targets]
            to = targets.index(selection) + (1 if direction == "right" else -1)
            return targets[to] if 0 <= to < len(targets) else selection
        step = 1 if direction == "down" else -1
        if 0 <= at + step < len(rows):
            return nearest_in(rows[at + step], place)
        return self._beyond(index or 0, step, place) or selection

    def first(self) -> Selection:
        """Return the first thing of all."""
        return self._beyond(-1, 1, Place(0, 0, 0, 0)) or NOTHING

    def last(self) -> Selection:
        """Return the last thing of all."""
        return self._beyond(len(self._blocks), -1, Place(0, 0, 0, 0)) or NOTHING

    def newest(self) -> Selection:
        """Return what the last block as a whole stands for: what a live run is at."""
        for block in reversed(self._blocks):
            selection = main_selection(block.key)
            if block.height and selection != NOTHING:
                return selection
        return NOTHING

    def nearest(self, y: int) -> Selection:
        """Return the thing that stands at line `y`, or the next one below, or the last."""
        index = self._block_at(max(0, y))
        if index is None:
            return self.last()
        for row in self._rows(index):
            if row.y + row.height > y:
                return row.targets[0].selection
        return self._beyond(index, 1, Place(0, y, 0, 0)) or self.last()

    def anchor(self, y: int) -> Anchor | None:
        """Return a name for line `y`."""
        index = self._block_at(y)
        return None if index is None else Anchor(self._blocks[index].key, y - self._tops[index])

    def position(self, anchor: Anchor) -> int | None:
        """Return the line that `anchor` names now, or None where its block is gone."""
        index = self._index.get(anchor.key)
        if index is None:
            return None
        return self._tops[index] + min(anchor.offset, max(0, self._blocks[index].height - 1))

    # Measuring

    def _measure(self, first: int) -> None:
        """Measure the blocks from `first` on; those that are what they were keep their height and lines."""
        known = {block.key: block for block in self._blocks[first:]}
        del self._blocks[first:], self._tops[first + 1 :]
        for index, key in enumerate(self._outline.keys[first:], first):
            fingerprint = self._fingerprint(key)
            block = known.pop(key, None)
            if block is None or fingerprint is None or block.fingerprint != fingerprint:
                self._lines.pop(key, None)
                block = _Block(key, fingerprint, self._measured_height(key))
            if fingerprint is None and key.kind == "step":
                self._restless.add(key)
            else:
                self._restless.discard(key)
            self._blocks.append(block)
            self._index[key] = index
            self._tops.append(self._tops[-1] + block.height)
        for key in known:
            self._index.pop(key, None)
            self._lines.pop(key, None)
            self._restless.discard(key)

    def _measured_height(self, key: BlockKey) -> int:
        self.measured += 1
        return block_height(self._parts(key))

    def _measure_again(self, index: int) -> None:
        block = self._blocks[index]
        block.fingerprint = self._fingerprint(block.key)
        if block.fingerprint is not None:
            self._restless.discard(block.key)
        self._lines.pop(block.key, None)
        height = self._measured_height(block.key)
        if height != block.height:
            block.height = height
            self._tops[index + 1 :] = accumulate(
                (later.height for later in self._blocks[index + 1 :]), initial=self._tops[index] + height
            )

    def _stale_blocks(self, first: int, ages: dict[str, int]) -> list[int]:
        """Return settled blocks that may look different all the same.

        They are the plan, steps whose subagents went on, and steps with a call that goes on although they are closed.
        """
        keys = [BlockKey("plan"), *self._restless]
        for child, seq in ages.items():
            caller = self._scene.children[child].caller
            step = caller.call.partition(".")[0] if caller is not None else ""
            if self._children.get(child) != seq and step.isdecimal():
                keys.append(BlockKey("step", int(step)))
        self._children = ages
        return sorted({self._index[key] for key in keys if self._index.get(key, first) < first})

    def _fingerprint(self, key: BlockKey) -> object:
        match key.kind:
            case "step":
                return step_fingerprint(self._scene.state.steps[key.number], self._scene)
            case "fold":
                return key
            case "message":
                return key.number < self._outline.entered, self._outline.messages[key.number].content
            case _:
                return None

    def _parts(self, key: BlockKey) -> list[Part]:
        scene = self._scene
        match key.kind:
            case "step":
                return step_parts(scene.state.steps[key.number], scene)
            case "message":
                queued = key.number >= self._outline.entered
                return message_parts(self._outline.messages[key.number], key.number, scene, queued=queued)
            case "note":
                said = scene.state.entries[key.number]
                return note_parts(said, scene) if isinstance(said, Said) else []
            case "fold":
                return [Part(1, partial(self._draw_fold, key))]
            case "plan":
                return plan_parts(scene)
            case "planning":
                return planning_parts(scene)
            case "fork":
                return fork_parts(scene)
            case "end":
                return end_parts(scene)

    def _draw_fold(self, key: BlockKey, _: Selection) -> list[Line]:
        count = self._outline.folded(self._index[key], self._scene.state)
        return [hidden_line(count, "step", self._scene.width)]

    # Looking up

    def _block_at(self, y: int) -> int | None:
        if not 0 <= y < self.height:
            return None
        return bisect_right(self._tops, y) - 1

    def _block_index(self, selection: Selection) -> int | None:
        key = block_of(selection)
        if key is None:
            return None
        index = self._index.get(key)
        return self._index.get(BlockKey("planning")) if index is None and key.kind == "plan" else index

    def _forget_lines(self, index: int | None) -> None:
        if index is not None:
            self._lines.pop(self._blocks[index].key, None)

    def _block_lines(self, index: int) -> list[Line]:
        key = self._blocks[index].key
        lines = self._lines.pop(key, None)
        if lines is None:
            scene = self._scene
            lines = draw_block(self._parts(key), main_selection(key), self._selected, scene.width, scene.found)
        self._lines[key] = lines  # the last in the order of the dict is the one used last
        if len(self._lines) > KEPT_BLOCKS:
            del self._lines[next(iter(self._lines))]
        return lines

    def _rows(self, index: int) -> list[Row]:
        rows: list[Row] = []
        y = self._tops[index]
        for part in self._parts(self._blocks[index].key):
            if part.targets:
                rows.append(Row(y, part.height, part.targets))
            y += part.height
        return rows

    def _beyond(self, index: int, step: int, place: Place) -> Selection | None:
        """Return the nearest thing of the next block that has any."""
        index += step
        while 0 <= index < len(self._blocks):
            rows = self._rows(index)
            if rows:
                return nearest_in(rows[0] if step > 0 else rows[-1], place)
            index += step
        return None
