"""Finding in the run on the screen: what is looked for, how far the search is, and which hit the cursor is on.

A search goes on in slices, so that the screen answers meanwhile: first through what the screen has, then through the
results, which the driver looks into. It goes on again whenever the run does, or the playhead moves.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from workbench.debugger.find import Needle
from workbench.driver.commands import FindInResults
from workbench.state.parts import ResultRef
from workbench.state.run_state import RunState
from workbench.tui.watching import Watched
from workbench.tui.widgets.find_line import FindLine
from workbench.tui.widgets.inspector import Inspector
from workbench.tui.widgets.timeline import Timeline
from workbench.views.find import Found, Hit, Search, found_line
from workbench.views.places import Bookmark
from workbench.views.selection import Selection

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen

BATCH: Final = 512
"""Results that the driver is asked to look into at a time."""
BATCH_BYTES: Final = 2_000_000
"""How large they may be together; one alone may be larger."""


class Finder:
    """Looks for a text in the run on the screen."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._began: Bookmark | None = None
        """Where the cursor was; None where nobody is finding."""
        self._search: Search | None = None
        self._hits: list[Hit] = []
        self._hidden = 0
        """Hits that the filter hides."""
        self._running: Search | None = None
        """The search that goes on at this moment."""
        self._looked_at: object = None
        """The moment of the run that was looked through last."""
        self._is_wrapped = False
        """The last move went on at the other end."""
        self._moved = False
        """The cursor is on a hit of this search, or was."""

    @property
    def is_open(self) -> bool:
        """Whether a person is finding."""
        return self._began is not None

    @property
    def needle(self) -> Needle | None:
        """What is looked for, or None."""
        return self._search.needle if self._search is not None else None

    # What a person does

    def open(self) -> None:
        """Ask what to look for."""
        if self._began is None:
            self._began = self._timeline.bookmark
        self._line.open()
        self.look_for(self._line.line.value)

    def look_for(self, text: str) -> None:
        """Look for another text, from where the person began."""
        needle = Needle(text)
        if self.needle is not None and self.needle.text == text:
            return
        self._search = Search(needle) if needle else None
        self._looked_at, self._hits, self._hidden = None, [], 0
        self._is_wrapped = self._moved = False
        if self._began is not None:
            self._timeline.go_back(self._began)
        if self._search is None:
            self._mark(None)
        else:
            self._go_on()

    def go(self, direction: int) -> None:
        """Put the cursor on the next hit after it, or before it; beyond the last, on the first."""
        if not self._hits:
            return
        place = self._place(self._timeline.selection)
        if direction > 0:
            index = bisect_right(self._hits, place, key=self._place_of)
        else:
            index = bisect_left(self._hits, place, key=self._place_of) - 1
        self._is_wrapped = not 0 <= index < len(self._hits)
        self._visit(index % len(self._hits))

    def leave(self, *, back: bool) -> None:
        """Look for nothing any more; with `back`, where the cursor was when this began."""
        if self._began is not None and back:
            self._timeline.go_back(self._began)
        self._began, self._search, self._looked_at = None, None, None
        self._line.close()
        self._mark(None)

    # The search

    def update(self) -> None:
        """Go on where the run went on, or shows another moment."""
        watched = self._screen.bridge.watched
        moment = self._moment(watched) if watched is not None else None
        if self._search is not None and self._running is not self._search and moment != self._looked_at:
            self._go_on()

    def _go_on(self) -> None:
        self._screen.work(self._run, group="find", exclusive=True)

    async def _run(self) -> None:
        search, watched = self._search, self._screen.watched
        if search is None:
            return
        self._running = search
        try:
            while self._search is search and self._screen.bridge.watched is watched:
                state, self._looked_at = watched.state, self._moment(watched)
                for _ in search.scan(state):
                    await asyncio.sleep(0)
                self._show(search.found(state), state)
                batch = _first_of(search.unread)
                if not batch and self._looked_at == self._moment(watched):
                    break
                refs = tuple((result.run, result.seq) for result in batch)
                search.take(batch, await self._screen.bridge.ask(FindInResults(refs, search.needle.text)))
        finally:
            if self._running is search:
                self._running = None

    def _moment(self, watched: Watched) -> object:
        """Return what makes hits others: another run, another moment of it, other calls shown."""
        return watched.run, watched.position, self._timeline.chosen

    def _show(self, found: Found, state: RunState) -> None:
        """Mark what was found so far, and go to the thing that was named, or the first hit from where this began."""
        chosen = self._timeline.chosen
        self._hits = [hit for hit in found.hits if chosen is None or chosen.shows(hit.selection, state)]
        self._hidden = len(found.hits) - len(self._hits)
        self._mark(found)
        if self._hits and not self._moved:
            here = self._place(self._timeline.selection)
            first = bisect_left(self._hits, here, key=self._place_of)
            index = next((number for number, hit in enumerate(self._hits) if hit.is_meant), first)
            self._is_wrapped = index == len(self._hits)
            self._visit(index % len(self._hits))

    def _visit(self, index: int) -> None:
        self._moved = True
        self._timeline.visit(self._hits[index].selection)
        self.show_line()

    def _mark(self, found: Found | None) -> None:
        self._timeline.mark(found)
        self._screen.query_one(Inspector).mark(self.needle)
        self.show_line()

    def show_line(self) -> None:
        """Say how much was found, and where the hit under the cursor has it."""
        search, selection = self._search, self._timeline.selection
        if search is None:
            self._line.show(())
            return
        index = bisect_left(self._hits, self._place(selection), key=self._place_of)
        is_on_hit = index < len(self._hits) and self._hits[index].selection == selection
        hit = self._hits[index] if is_on_hit else None
        line = found_line(
            len(self._hits),
            index if hit is not None else None,
            hit,
            looked_into=search.progress,
            hidden=self._hidden,
            wrapped=self._is_wrapped,
        )
        self._line.show(line)

    # Where things are

    @property
    def _timeline(self) -> Timeline:
        return self._screen.timeline

    @property
    def _line(self) -> FindLine:
        return self._screen.query_one(FindLine)

    def _place(self, selection: Selection) -> tuple[int, int]:
        return self._timeline.place_of(selection)

    def _place_of(self, hit: Hit) -> tuple[int, int]:
        return self._place(hit.selection)


def _first_of(unread: list[ResultRef]) -> list[ResultRef]:
    """Return as many of the results as are looked into at a time."""
    sizes = accumulate(result.size for result in unread[:BATCH])
    count = sum(1 for size in sizes if size <= BATCH_BYTES)
    return unread[: max(1, count)]
