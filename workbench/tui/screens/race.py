"""A race on the screen: its runs as columns that grow side by side, or as a table with the spread of each variant.

It follows the runs like any watcher and stops nothing by being left. What it knows of the race stands in the library
log, so it can be opened again at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.debugger.race import Racer, standings
from workbench.driver.commands import OpenedRace, OpenRace
from workbench.store.model import RunRow
from workbench.tui.actions import bindings, key_of
from workbench.tui.bridge import Bridge, Changes
from workbench.tui.context import Scope
from workbench.tui.flows import race_deeds
from workbench.tui.paint import content, contents, plain
from workbench.tui.screens.live import LiveScreen
from workbench.tui.watching import Watched
from workbench.tui.widgets.keys import Keys
from workbench.tui.widgets.race_column import NARROWEST, RaceColumn
from workbench.tui.widgets.timeline import Timeline
from workbench.views.marks import spinner
from workbench.views.race import ONE_EACH, racers_of, run_line, table_lines, title_line
from workbench.views.segments import Line, Segment, line_text

MOST_COLUMNS: Final = 6
TICKS: Final = 2
"""Every how many looks at the feed what moves is drawn again."""


class RaceScreen(LiveScreen):
    """The runs of one race."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("race",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("race")]

    DEFAULT_CSS = """
    RaceScreen > #race-title {
        height: 1;
        background: $panel;
    }
    RaceScreen > #columns {
        height: 1fr;
    }
    RaceScreen > #table {
        height: 1fr;
        display: none;
        padding: 1 1 0 1;
    }
    RaceScreen.-table > #columns {
        display: none;
    }
    RaceScreen.-table > #table {
        display: block;
    }
    """

    def __init__(self, bridge: Bridge, race: str, now: Callable[[], float], *, is_trusted: bool = False) -> None:
        """`is_trusted` says that the person gave its checks in this session."""
        super().__init__(bridge)
        self.race, self.is_trusted = race, is_trusted
        self._now = now
        self._ticks = 0
        self.rows: tuple[RunRow, ...] = ()
        """The runs of the race that are not hidden, oldest first."""
        self.hidden: tuple[RunRow, ...] = ()
        self._all_rows: tuple[RunRow, ...] = ()
        self.racers: list[Racer] = []
        self._watched: dict[str, Watched] = {}
        self._at = self._first = 0
        self._title: Line = ()
        self._lines: list[Line] = []
        """What title and table show; they are drawn again where that changes."""

    def compose(self) -> ComposeResult:
        """Build the title, both views and the keys."""
        yield Static(id="race-title", markup=False)
        with Horizontal(id="columns"):
            for _ in range(MOST_COLUMNS):
                yield RaceColumn()
        with VerticalScroll(id="table", can_focus=False):
            yield Static(id="lines", markup=False)
        yield Keys(id="keys")

    def on_mount(self) -> None:
        """Read the race."""
        self.show_keys()
        self.work(self.load, group="load", exclusive=True)

    def on_unmount(self) -> None:
        """Follow its runs no longer."""
        for run in self._watched:
            self.bridge.unfollow(run)
        self._watched.clear()

    # What comes in

    async def load(self) -> None:
        """Read which runs there are, and follow those that are new."""
        opened: OpenedRace = await self.bridge.ask(OpenRace(self.race))
        self.hidden = tuple(row for row in opened.rows if row.hidden)
        rows = tuple(row for row in opened.rows if not row.hidden)
        for one in rows:
            if one.id not in self._watched:
                self._watched[one.id] = await self.bridge.follow(one.id)
            watched = self._watched[one.id]
            watched.is_live, watched.is_imported = one.live, one.imported
        here = self.current.run if self.current is not None else ""
        self.rows, self._all_rows = rows, opened.rows
        self._at = next(
            (number for number, one in enumerate(rows) if one.id == here), min(self._at, max(0, len(rows) - 1))
        )
        self._count()
        self.show_race()

    def look(self, changes: Changes) -> None:
        """Take in what changed; what moves turns and counts without any change."""
        self._ticks += 1
        if changes.runs:
            self.work(self.load, group="load", exclusive=True)
        moves = any(racer.fate == "runs" for racer in self.racers)
        if not changes.beside.isdisjoint(self._watched) or (moves and self._ticks % TICKS == 0):
            self._count()
            self.show_race()

    def _count(self) -> None:
        self.racers = racers_of(self._all_rows, {run: watched.history for run, watched in self._watched.items()})

    @property
    def current(self) -> Racer | None:
        """The run that the keys are about."""
        return self.racers[self._at] if self._at < len(self.racers) else None

    @property
    def checks(self) -> tuple[str, ...]:
        """Rules by which answers are judged."""
        return self.rows[0].checks if self.rows else ()

    @property
    def is_table(self) -> bool:
        """Whether the table is shown."""
        return self.has_class("-table")

    # What is shown

    def show_race(self) -> None:
        """Bring title and view up to date."""
        first = self.rows[0] if self.rows else None
        title = title_line(
            self.race,
            self.racers,
            self.size.width,
            place=first.address if first is not None else "",
            task=first.task if first is not None else "",
            checks=self.checks,
            hidden=len(self.hidden),
            shows=key_of("race_undo"),
        )
        if title != self._title:
            self._title = title
            self.query_one("#race-title", Static).update(content(title), layout=False)
        if self.is_table:
            self._show_table()
        else:
            self._show_columns()

    def _show_columns(self) -> None:
        columns = list(self.query(RaceColumn))
        count = max(1, min(MOST_COLUMNS, self.size.width // NARROWEST, len(self.racers)))
        self._first = min(max(self._first, self._at - count + 1), self._at, max(0, len(self.racers) - count))
        shown = self.racers[self._first : self._first + count]
        now = self._now()
        for number, column in enumerate(columns):
            if number < len(shown):
                racer = shown[number]
                is_current = self._first + number == self._at
                watched, is_checked = self._watched[racer.run], bool(self.checks)
                column.show(racer, watched, now, is_current=is_current, is_checked=is_checked)
                column.border_title = plain(self._place_of(number, count))
            else:
                column.clear()
        if self.racers:
            timeline = columns[self._at - self._first].timeline
            if self.focused is not timeline:
                timeline.focus()

    def _place_of(self, number: int, count: int) -> str:
        """Return what stands on a column's frame: which run it is, where not all are seen."""
        return f" {self._first + number + 1}/{len(self.racers)} " if len(self.racers) > count else ""

    def _show_table(self) -> None:
        width = max(40, self.query_one("#table").content_size.width - 1)
        found = standings(self.racers)
        lines: list[Line] = table_lines(found, width)
        if found and max(one.runs for one in found) < 2:
            lines += [(), (Segment(ONE_EACH, "waiting"),)]
        lines.append(())
        glyph = spinner(self._now()).glyph
        start = len(lines)
        for number, racer in enumerate(self.racers):
            line = run_line(racer, width, now_glyph=glyph)
            lines.append((Segment(line_text(line), "cursor"),) if number == self._at else line)
        if lines != self._lines:
            self.query_one("#lines", Static).update(contents(lines), layout=len(lines) != len(self._lines))
            self._lines = lines
        table = self.query_one("#table", VerticalScroll)
        at, height = start + self._at, table.content_size.height
        if height and not table.scroll_offset.y <= at < table.scroll_offset.y + height:
            table.scroll_to(y=max(0, at - height + 1) if at >= height else 0, animate=False)

    def on_resize(self, _: events.Resize) -> None:
        """Show as many columns as fit."""
        self.call_after_refresh(self.show_race)

    # Where the keys are

    def _go(self, by: int) -> None:
        self._at = min(max(0, self._at + by), max(0, len(self.racers) - 1))
        self.show_race()

    async def do_race_left(self) -> None:
        """Go to the run on the left."""
        self._go(-1)

    async def do_race_right(self) -> None:
        """Go to the run on the right."""
        self._go(1)

    async def do_race_up(self) -> None:
        """Go to the run above."""
        self._go(-1)

    async def do_race_down(self) -> None:
        """Go to the run below."""
        self._go(1)

    async def do_race_view(self) -> None:
        """Change between columns and table."""
        self.toggle_class("-table")
        if self.is_table:
            self.set_focus(None)
        self.call_after_refresh(self.show_race)

    @on(Timeline.Selected)
    def _point(self, event: Timeline.Selected) -> None:
        """Go to the column that was clicked."""
        event.stop()
        column: Widget | None = event.timeline.parent if isinstance(event.timeline.parent, RaceColumn) else None
        if isinstance(column, RaceColumn) and event.timeline.has_focus:
            at = next((number for number, racer in enumerate(self.racers) if racer.run == column.run), self._at)
            if at != self._at:
                self._at = at
                self.show_race()

    # What a person does; more of it stands in `flows.race_deeds`

    async def do_race_open(self) -> None:
        """Open the run in the main screen."""
        if self.current is not None:
            self.open_in_main(self.current.run)

    async def do_race_stop(self) -> None:
        """Stop this run."""
        await race_deeds.stop(self)

    async def do_race_stop_others(self) -> None:
        """Stop all but this run."""
        await race_deeds.stop_others(self)

    async def do_race_keep(self) -> None:
        """Keep this run."""
        await race_deeds.keep(self)

    async def do_race_compare(self) -> None:
        """Compare this run with another one of the race."""
        await race_deeds.compare(self)

    async def do_race_more(self) -> None:
        """Add repeats."""
        await race_deeds.repeat(self)

    async def do_race_go_on(self) -> None:
        """Let those go on that wait or were stopped."""
        await race_deeds.go_on(self)

    async def do_race_export(self) -> None:
        """Write the race to a file."""
        await race_deeds.export(self)

    async def do_race_undo(self) -> None:
        """Show hidden runs again."""
        await race_deeds.show_hidden(self)

    async def do_race_leave(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)
