"""Two runs side by side on the screen, with a cursor that goes from thing to thing and from difference to difference.

It draws the lines of a layout, keeps the cursor and the place in view, and says what a person opens. It starts no
timers: whoever shows live runs calls `show` again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.debugger.divergence import Comparison as Compared
from workbench.debugger.divergence import Difference, Spot
from workbench.state.run_state import RunState
from workbench.tui.widgets.lines import Lines
from workbench.views.compare_layout import ComparisonLayout
from workbench.views.segments import Line, row


class Comparison(Lines):
    """Steps of two runs, aligned."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor is on another thing."""

    @dataclass
    class Opened(Message):
        """A person wants to see more of a thing."""

        spot: Spot

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._layout = ComparisonLayout()
        self._differences: tuple[Difference, ...] = ()
        self._is_shown = False
        self._is_untouched = True
        """Nobody has moved the cursor or scrolled yet."""
        self._kept: tuple[Spot, int] | None = None
        """What the cursor is on, and the row of the screen on which it shall stay."""

    @property
    def spot(self) -> Spot | None:
        """What the cursor is on."""
        return self._layout.selected

    @property
    def is_open(self) -> bool:
        """Whether what is the same at the beginning is unfolded."""
        return self._layout.is_open

    @property
    def position(self) -> int | None:
        """Which of the differences the cursor is on, from 0; None where it is on none."""
        return next((number for number, item in enumerate(self._differences) if item.spot == self.spot), None)

    def show(
        self, a: RunState, b: RunState, compared: Compared, now: tuple[float | None, float | None] = (None, None)
    ) -> None:
        """Show a comparison; called again whenever a run may have changed. Cursor and place stay."""
        self._differences = compared.differences
        self._layout.update(a, b, compared, now)
        if not self._is_shown:
            self._is_shown = self._is_untouched = True
            self._layout.selected = compared.differences[0].spot if compared.differences else self._layout.first()
        self.settle()

    def forget(self) -> None:
        """Begin anew with the next comparison."""
        self._layout = ComparisonLayout(self._layout.width)
        self._is_shown, self._kept = False, None
        self.steer(0)

    def fit(self, width: int) -> int:
        """Lay out for a width."""
        self._layout.resize(width)
        return self._layout.height

    def line(self, y: int) -> Line:
        """Return a line, as wide as there is room."""
        line = self._layout.line(y)
        return line if self.laid_out.width >= self._layout.width else row(line, self.laid_out.width)

    def settle(self) -> None:
        """Bring lines, height and place into agreement."""
        super().settle()
        spot = self.spot
        if self._layout.locate(spot) is None and self._layout.height:
            self.select(self._layout.nearest(self.scroll_offset.y + (self._kept[1] if self._kept else 0)))
        elif self._is_untouched:
            self.steer(0)  # what is above the screen follows from its size alone, however often that changed
            self._show_around(spot)
        elif self._kept is not None and (place := self._layout.locate(self._kept[0])) is not None:
            self.steer(place.y - self._kept[1])
        self._keep()

    # Moving

    def select(self, spot: Spot | None) -> None:
        """Put the cursor on a thing and bring it into view."""
        place = self._layout.locate(spot)
        if place is None:
            return
        self._layout.selected, self._is_untouched = spot, False
        top, height = self.scroll_offset.y, max(1, self.laid_out.height)
        if place.y < top or place.height >= height:
            self.steer(place.y)
        elif place.y + place.height > top + height:
            self.steer(place.y + place.height - height)
        self._keep()
        self.refresh()
        self.post_message(self.Moved())

    def to_difference(self, step: Literal[-1, 1]) -> bool:
        """Go to the next (1) or the previous (-1) difference; return whether there is one."""
        here = self._layout.locate(self.spot)
        y = here.y if here is not None else -1
        places = [(place.y, item.spot) for item in self._differences if (place := self._layout.locate(item.spot))]
        beyond = [item for item in places if (item[0] > y if step > 0 else item[0] < y)]
        if not beyond:
            return False
        spot = (min if step > 0 else max)(beyond, key=lambda item: item[0])[1]
        self._show_around(spot)
        self.select(spot)
        return True

    def _show_around(self, spot: Spot | None) -> None:
        """Leave some lines above a thing that is out of view: what it belongs to."""
        place = self._layout.locate(spot)
        top, height = self.scroll_offset.y, self.laid_out.height
        if place is not None and not top <= place.y <= top + height - place.height:
            self.steer(place.y - height // 4)

    def action_move(self, step: Literal[-1, 1]) -> None:
        """Go to the next thing; through what is taller than the screen half a screen at a time."""
        here, goal = self._layout.locate(self.spot), self._layout.beside(self.spot, step)
        top, height = self.scroll_offset.y, max(1, self.laid_out.height)
        is_cut = here is not None and (here.y + here.height > top + height if step > 0 else here.y < top)
        if is_cut or goal == self.spot:
            self.steer(top + step * max(1, height // 2))
            self._keep()
        else:
            self.select(goal)

    def action_page(self, pages: int) -> None:
        """Go a screen up or down."""
        height = max(1, self.laid_out.height - 1)
        here = self._layout.locate(self.spot)
        offset = min(max(0, here.y - self.scroll_offset.y), height) if here is not None else 0
        moved = min(max(0, self.scroll_offset.y + pages * height), self.max_scroll_y)
        if moved == self.scroll_offset.y:
            self.select(self._layout.last() if pages > 0 else self._layout.first())
            return
        self.steer(moved)
        self.select(self._layout.nearest(moved + offset))

    def action_first(self) -> None:
        """Go to the very top."""
        self.steer(0)
        self.select(self._layout.first())
        self.steer(0)

    def action_last(self) -> None:
        """Go to the end; there, what comes next stays in view."""
        self.select(self._layout.last())
        self.steer(self.max_scroll_y)
        self._keep()

    def open(self) -> None:
        """Unfold what is folded, or ask for more about a thing."""
        if self.spot is None:
            return
        if self.spot.kind == "shared":
            self._layout.fold()
            self.settle()
        else:
            self.post_message(self.Opened(self.spot))

    @on(events.MouseScrollDown)
    @on(events.MouseScrollUp)
    def _note_scroll(self) -> None:
        """Stay where the wheel was turned to."""
        self._is_untouched = False
        self.call_after_refresh(self._keep)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the person clicks; open what is clicked twice."""
        offset = event.get_content_offset(self)
        spot = self._layout.at(offset.y + self.scroll_offset.y) if offset is not None else None
        if spot is None:
            return
        event.stop()
        self.select(spot)
        if event.chain == 2:
            self.open()

    def _keep(self) -> None:
        """Remember what stays in view when heights change."""
        place = self._layout.locate(self.spot)
        if place is not None and self.spot is not None:
            self._kept = self.spot, place.y - self.scroll_offset.y
