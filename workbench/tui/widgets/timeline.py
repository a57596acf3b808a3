"""The timeline on the screen: one widget that draws the lines of a layout, so that a long run costs no more.

It shows what it is told to show, keeps the cursor and the place in view, and says what a person selects and opens.
It starts no timers: whoever shows a live run calls `show` again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.driver.feed import Draft
from workbench.state.run_state import RunState
from workbench.tui.widgets.painter import Painter, centred
from workbench.views.filter import Filter
from workbench.views.find import Found
from workbench.views.places import Anchor, Bookmark
from workbench.views.selection import NOTHING, Selection
from workbench.views.timeline import Direction, TimelineLayout

EMPTY: Final = ("Nothing here yet.", "Ask a question, or choose a run on the left.")
MORE_BELOW: Final = " ▼ more below · End follows "


@dataclass
class _OfThing(Message):
    """Something about a thing in a timeline."""

    timeline: Timeline
    selection: Selection

    @property
    def control(self) -> Timeline:
        """The timeline."""
        return self.timeline


class Timeline(ScrollView, can_focus=True):
    """Steps of one run, their calls side by side, with a cursor."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    Timeline {
        overflow: hidden scroll;
        scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move('up')", "Up", show=False),
        Binding("down,j", "move('down')", "Down", show=False),
        Binding("left,h", "move('left')", "Left", show=False),
        Binding("right,l", "move('right')", "Right", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "follow", "Follow the end", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    class Selected(_OfThing):
        """The cursor is on another thing."""

    class Opened(_OfThing):
        """A person wants to see more of a thing."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._timeline = TimelineLayout()
        self._painter = Painter()
        self._run = ""
        self._opening: object = None
        self._is_live = False
        self._is_following = False
        self._is_steering = False
        """The timeline itself is scrolling, not the person."""
        self._kept: tuple[Selection | Anchor, int] | None = None
        """The thing under the cursor or the line at the top, and the row of the screen on which it shall stay."""
        self._laid_out = Size(0, 0)
        """The size that lines and place were last made for."""
        self._unseen: Callable[[], None] | None = None
        """What was to be shown before there was a size: nothing is laid out for a size that it will not have."""
        self._unreached: Callable[[], None] | None = None
        """Where the cursor was to go before there was a size."""

    @property
    def selection(self) -> Selection:
        """What the cursor is on."""
        return self._timeline.selected

    @property
    def is_following(self) -> bool:
        """Whether the end stays in view while the run goes on."""
        return self._is_following

    @property
    def has_more_below(self) -> bool:
        """Whether a live run goes on below what is seen."""
        return self._is_live and not self._is_following and self.scroll_offset.y < self.max_scroll_y

    def show(
        self,
        state: RunState,
        *,
        drafts: Mapping[int, Draft] | None = None,
        now: float | None = None,
        children: Mapping[str, RunState] | None = None,
        live: bool = False,
    ) -> None:
        """Show a run as it is, or as it was; called again whenever it may have changed, and for a live one to tick.

        `drafts` is the text that still streams, by step; `now` the present in Unix seconds, by which timers of a live
        run count and marks turn; `children` are the runs of subagents, as far as they are known. The place and the
        cursor stay, unless it is a run on another task.
        """
        if not self._laid_out.width:
            self._unseen = partial(self.show, state, drafts=drafts, now=now, children=children, live=live)
            return
        had_sign = self.has_more_below
        goes_on = live and not self._is_live and self.scroll_offset.y >= self.max_scroll_y
        self._is_live = live
        if self._timeline.update(state, drafts=drafts, now=now if live else None, children=children):
            task = state.entries[0] if state.entries else None
            is_new, is_another = state.run != self._run, task != self._opening
            self._run, self._opening = state.run, task
            if is_new or goes_on:
                self._is_following = live
            self._settle(from_top=is_another)
            self._repaint()
        if had_sign != self.has_more_below:
            self._refresh_last_row()

    @property
    def chosen(self) -> Filter | None:
        """Which calls are shown; None for all."""
        return self._timeline.chosen

    def choose(self, chosen: Filter | None) -> None:
        """Show only some calls and their steps; all without a choice."""
        if chosen != self.chosen:
            self._timeline.choose(chosen)
            self._settle()
            self._repaint()

    def mark(self, found: Found | None) -> None:
        """Mark what a search found."""
        self._timeline.mark(found)
        self._repaint()

    @property
    def bookmark(self) -> Bookmark:
        """What is in view, to come back to."""
        return Bookmark(self.selection, self._timeline.anchor(self.scroll_offset.y), self._is_following)

    def go_back(self, bookmark: Bookmark) -> None:
        """Show again what was in view, as far as it is still there."""
        if bookmark.is_following:
            self.follow()
            return
        self._leave_end()
        top = self._timeline.position(bookmark.top) if bookmark.top is not None else None
        if top is not None:
            self._steer(top)
        if self._timeline.locate(bookmark.selection) is not None:
            self._rest_on(bookmark.selection)

    def place_of(self, selection: Selection) -> tuple[int, int]:
        """Return the line and the cell at which a thing begins; before all of them where it is not there."""
        place = self._timeline.locate(selection)
        return (-1, -1) if place is None else (place.y, place.x)

    def visit(self, selection: Selection) -> None:
        """Leave the live end for a thing, with some of what stands around it in view."""
        if not self._laid_out.width:
            self._unreached = partial(self.visit, selection)
            return
        self._leave_end()
        place = self._timeline.locate(selection)
        top, height = self.scroll_offset.y, self._laid_out.height
        if place is not None and not top <= place.y <= top + height - place.height:
            self._steer(place.y - max(0, height - place.height) // 3)
        self.select(selection)

    def select(self, selection: Selection) -> None:
        """Put the cursor on a thing and bring it into view."""
        place = self._timeline.locate(selection)
        if place is None:
            return
        top, height = self.scroll_offset.y, self._laid_out.height
        if place.y < top or place.height >= height:
            self._steer(place.y)
        elif place.y + place.height > top + height:
            self._steer(place.y + place.height - height)
        self._rest_on(selection)

    def follow(self) -> None:
        """Go to the end, and stay there while the run goes on."""
        if not self._laid_out.width:
            self._unreached = self.follow
            return
        self._is_following = self._is_live
        self._steer(self.max_scroll_y)
        self._rest_on(self._timeline.newest() if self._is_live else self._timeline.last())

    # Keys and mouse

    def action_move(self, direction: Direction) -> None:
        """Move the cursor to the next thing; through what is taller than the screen half a screen at a time."""
        here = self._timeline.locate(self.selection)
        goal = self._timeline.move(self.selection, direction)
        there = self._timeline.locate(goal)
        if here is None or there is None or direction in ("left", "right"):
            self._leave_end()
            self.select(goal)
            return
        self._leave_end()
        height = self._laid_out.height
        offset = there.y - self.scroll_offset.y
        stride = max(1, height // 2)
        if direction == "down" and (goal == self.selection or offset >= height + stride):
            self._scroll_by(stride)
        elif direction == "up" and (goal == self.selection or offset < -stride):
            self._scroll_by(-stride)
        else:
            self.select(goal)

    def action_page(self, pages: int) -> None:
        """Move the cursor and what is seen by a screen."""
        self._leave_end()
        place = self._timeline.locate(self.selection)
        top, height = self.scroll_offset.y, max(1, self._laid_out.height - 1)
        row_of_screen = min(max(0, place.y - top), height) if place else 0
        moved = min(max(0, top + pages * height), self.max_scroll_y)
        if moved == top:
            self.select(self._timeline.last() if pages > 0 else self._timeline.first())
            return
        self._steer(moved)
        self.select(self._timeline.nearest(moved + row_of_screen))

    def action_first(self) -> None:
        """Go to the very top."""
        self._leave_end()
        self._steer(0)
        self._rest_on(self._timeline.first())

    def action_follow(self) -> None:
        """Go to the end and follow it."""
        self.follow()

    def action_open(self) -> None:
        """Ask for more about the thing under the cursor."""
        if self.selection != NOTHING:
            self.post_message(self.Opened(self, self.selection))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the person clicks; open what is clicked twice."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        on_sign = offset.y == self._laid_out.height - 1 and offset.x >= self._laid_out.width - len(MORE_BELOW)
        if self.has_more_below and on_sign:
            self.follow()
            return
        selection = self._timeline.at(offset.x, offset.y + self.scroll_offset.y)
        if selection == NOTHING:
            return
        self._leave_end()
        self._rest_on(selection)
        if event.chain == 2:
            self.action_open()

    # The place

    def on_resize(self, _: events.Resize) -> None:
        """Lay out for the new size; what was in view stays in view."""
        self._settle()
        self._painter.forget_rows()
        if self._unseen is not None and self._laid_out.width:
            show, self._unseen = self._unseen, None
            show()
        if self._unreached is not None and self._laid_out.width:
            go, self._unreached = self._unreached, None
            go()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end again where a person scrolls down to it, and stop where they scroll away."""
        super().watch_scroll_y(old_value, new_value)
        if self._is_steering or self.scrollable_content_region.size != self._laid_out:
            return
        self._is_following = self._is_live and round(new_value) >= self.max_scroll_y
        self._keep_place()

    def _settle(self, *, from_top: bool = False) -> None:
        """Bring lines, height and place into agreement after a change of what is shown or of the size."""
        size = self.scrollable_content_region.size
        if size.width:
            self._timeline.resize(size.width)
        self._laid_out = size
        virtual_size = Size(size.width, max(self._timeline.height, 1))
        if virtual_size != self.virtual_size:
            self._is_steering = True
            self.virtual_size = virtual_size
            self._is_steering = False
        selection = self.selection
        if self._is_following:
            selection = self._timeline.newest()
            self._steer(self.max_scroll_y)
        elif from_top:
            selection = self._timeline.first()
            self._steer(0)
        elif self._kept is not None and (kept := self._position(self._kept[0])) is not None:
            self._steer(kept - self._kept[1])
        if self._timeline.locate(selection) is None:
            selection = self._timeline.nearest(self.scroll_offset.y)
        self._point_at(selection)
        self._keep_place()

    def _steer(self, y: int) -> None:
        self._is_steering = True
        self.scroll_to(y=min(max(0, y), self.max_scroll_y), animate=False, force=True)
        self._is_steering = False

    def _scroll_by(self, lines: int) -> None:
        self._steer(self.scroll_offset.y + lines)
        self._rest_on(self.selection)

    def _leave_end(self) -> None:
        if self._is_following:
            self._is_following = False
            self._refresh_last_row()

    def _keep_place(self) -> None:
        """Remember what stays in view when heights change: the thing under the cursor, else the line at the top."""
        top, height = self.scroll_offset.y, self._laid_out.height
        place = self._timeline.locate(self.selection)
        if place is not None and top <= place.y < top + height:
            self._kept = self.selection, place.y - top
        else:
            anchor = self._timeline.anchor(top)
            self._kept = None if anchor is None else (anchor, 0)

    def _position(self, kept: Selection | Anchor) -> int | None:
        """Return the line at which something stands now."""
        if isinstance(kept, Anchor):
            return self._timeline.position(kept)
        place = self._timeline.locate(kept)
        return None if place is None else place.y

    def _rest_on(self, selection: Selection) -> None:
        self._point_at(selection)
        self._keep_place()
        self._repaint()

    def _point_at(self, selection: Selection) -> None:
        if selection == self.selection:
            return
        self._timeline.select(selection)
        self.post_message(self.Selected(self, selection))

    # Drawing

    def on_mount(self) -> None:
        """Draw in the colours of the theme in force."""
        self.app.theme_changed_signal.subscribe(self, self._forget_looks)

    def _forget_looks(self, _: object) -> None:
        self._painter.forget_looks()
        self.refresh()

    def _repaint(self) -> None:
        """Refresh the rows that look different from what was painted."""
        top, width = self.scroll_offset.y, self._laid_out.width
        first = None
        for y in range(self._laid_out.height + 1):
            is_same = y == self._laid_out.height or self._painter.shows(top + y, self._timeline.line(top + y))
            if not is_same and first is None:
                first = y
            elif is_same and first is not None:
                self.refresh(Region(0, first, width, y - first))
                first = None

    def _refresh_last_row(self) -> None:
        self.refresh(Region(0, self._laid_out.height - 1, self._laid_out.width, 1))

    def render_line(self, y: int) -> Strip:
        """Draw one row of the screen."""
        self._painter.on_ground(self.visual_style.rich_style, self.app.theme_variables)
        width = self._laid_out.width
        if not self._timeline.height:
            return self._painter.paint(centred(EMPTY, y, width, self._laid_out.height), width)
        is_last = y == self._laid_out.height - 1
        place = self.scroll_offset.y + y
        drawn = self._painter.paint_at(place, self._timeline.line(place), self._timeline.width, width)
        return self._painter.with_sign(drawn, MORE_BELOW, width) if is_last and self.has_more_below else drawn
