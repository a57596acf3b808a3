"""Two runs side by side on the whole screen, live ones too.

It follows both beside the run of the main screen, which stays as it is. What it shows is worked out anew whenever one
of the two goes on, less often the longer they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from workbench.debugger.align import Ref, digest_of
from workbench.debugger.divergence import Comparer, Comparison, Spot
from workbench.driver.commands import ReadContents
from workbench.events.content import Content
from workbench.tui.actions import bindings
from workbench.tui.bridge import Bridge, Changes
from workbench.tui.clipping import copy
from workbench.tui.context import Scope
from workbench.tui.dialogs.difference import DifferenceDialog
from workbench.tui.flows import compare
from workbench.tui.paint import content, contents
from workbench.tui.screens.live import LiveScreen
from workbench.tui.watching import Watched
from workbench.tui.widgets.comparison import Comparison as ComparisonView
from workbench.tui.widgets.keys import Keys
from workbench.views.compare_detail import detail_sections, detail_title, wanted_results
from workbench.views.compare_head import Side, difference_line, head_lines
from workbench.views.diff import Side as Printed
from workbench.views.diff import diff_lines
from workbench.views.figures import figure_lines
from workbench.views.segments import line_text

READ_AT_ONCE: Final = 32
"""Results that are read together, to learn whether they are the same byte for byte."""
STEPS_PER_LOOK: Final = 250
"""Of so many steps more, one look at the feed less is answered by comparing again."""
ROOM_FOR_TABLE: Final = 30
"""Rows of the screen from which the table is shown without being asked for."""
COPIED_WIDTH: Final = 100


class CompareScreen(LiveScreen):
    """Two runs, aligned."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("compare")]
    SCOPES: ClassVar[tuple[Scope, ...]] = ("compare",)

    DEFAULT_CSS = """
    CompareScreen > #head {
        height: auto;
        background: $panel;
    }
    CompareScreen > #comparison {
        height: 1fr;
    }
    CompareScreen > #figures {
        height: auto;
        background: $surface;
        padding: 0 1;
        display: none;
    }
    CompareScreen > #figures.-shown {
        display: block;
    }
    CompareScreen > #difference {
        height: 1;
        background: $panel;
    }
    """

    def __init__(self, bridge: Bridge, a: Watched, b: Watched, *, kept: str, now: Callable[[], float]) -> None:
        """`kept` is the run that stays when another is chosen to compare with. Both are followed already."""
        super().__init__(bridge)
        self._sides = {"a": a, "b": b}
        self._kept, self._now = kept, now
        self._comparer = Comparer(a.history, b.history)
        self._compared: Comparison | None = None
        self._digests: dict[Ref, str] = {}
        self._is_stale = True
        self._is_reading = False
        """Results are being read, to be compared byte for byte."""
        self._ticks = 0
        self._wants_table: bool | None = None
        """What the person chose; None: as there is room."""
        self.active: Side = "b"
        """The side that `o` opens."""
        # Kept by name: a look at the feed may come before they are on the screen, or when they are there no more.
        self.view = ComparisonView(id="comparison")
        self._head, self._figures = Static(id="head", markup=False), Static(id="figures", markup=False)
        self._difference = Static(id="difference", markup=False)

    # The parts

    def compose(self) -> ComposeResult:
        """Build the parts from top to bottom."""
        yield self._head
        yield self.view
        yield self._figures
        yield self._difference
        yield Keys(last="leave_comparison", id="keys")

    def on_mount(self) -> None:
        """Show the comparison, once there is a size for it."""
        self.view.focus()
        self.show_keys()
        self.call_after_refresh(self.refresh_comparison)

    def on_unmount(self) -> None:
        """Follow the two no longer."""
        for watched in self._sides.values():
            self.bridge.unfollow(watched.run)

    def on_resize(self) -> None:
        """Fit what is above and below to the width."""
        self.call_after_refresh(self._show_around)

    @property
    def a(self) -> Watched:
        """The run on the left."""
        return self._sides["a"]

    @property
    def b(self) -> Watched:
        """The run on the right."""
        return self._sides["b"]

    @property
    def kept(self) -> Watched:
        """The run that stays when another is chosen."""
        return self.a if self.a.run == self._kept else self.b

    @property
    def compared(self) -> Comparison:
        """The comparison as last worked out."""
        if self._compared is None:
            self._compared = self._comparer.compare(self._digests)
        return self._compared

    # What comes in

    def look(self, changes: Changes) -> None:
        """Compare again where one of the two went on; let timers count."""
        self._ticks += 1
        self._is_stale |= bool(changes.beside & {self.a.run, self.b.run})
        if not self.is_attached:
            return
        steps = max(len(side.history.live.steps) for side in self._sides.values())
        moves = any(side.is_moving for side in self._sides.values())
        if (self._is_stale or (moves and self._ticks % 2 == 0)) and self._ticks % (1 + steps // STEPS_PER_LOOK) == 0:
            self.refresh_comparison()

    def refresh_comparison(self) -> None:
        """Bring everything up to date with the two runs."""
        if self._is_stale:
            self._is_stale = False
            self._compared = self._comparer.compare(self._digests)
            if self.compared.alignment.undecided and not self._is_reading:
                self._is_reading = True
                self.work(self._read_results, group="digests")
        self.view.show(self.a.history.live, self.b.history.live, self.compared, self._present())
        self._show_around()

    def _present(self) -> tuple[float | None, float | None]:
        now = self._now()
        return (now if self.a.is_moving else None), (now if self.b.is_moving else None)

    async def _read_results(self) -> None:
        """Read results that look the same, and learn whether they are."""
        try:
            await self._digest(self._comparer)
        finally:
            self._is_reading = False
        self._is_stale = True

    async def _digest(self, comparer: Comparer) -> None:
        wanted = [ref for ref in self.compared.alignment.undecided if ref not in self._digests]
        for start in range(0, len(wanted), READ_AT_ONCE):
            batch = tuple(ref for ref in wanted[start : start + READ_AT_ONCE] if ref not in self._digests)
            found: dict[Ref, Content] = await self.bridge.ask(ReadContents(batch)) if batch else {}
            # What is not there has nothing that could differ.
            self._digests |= {ref: digest_of(found.get(ref, ())) for ref in batch}
            if comparer is not self._comparer:
                return

    # What is shown

    def _show_around(self) -> None:
        width = self.size.width
        if not width:
            return
        a, b = self.a.history.live, self.b.history.live
        head = head_lines(a, b, self.active, width, self._present())
        self._head.update(contents(head))
        self._figures.set_class(self.is_table_shown, "-shown")
        if self.is_table_shown:
            self._figures.update(contents(figure_lines(a, b, width - 2)))
        self._show_position()

    def _show_position(self) -> None:
        line = difference_line(self.compared, self.view.position, self.size.width)
        self._difference.update(content(line))

    @property
    def is_table_shown(self) -> bool:
        """Whether the table of figures is on the screen."""
        return self.size.height >= ROOM_FOR_TABLE if self._wants_table is None else self._wants_table

    @on(ComparisonView.Moved)
    def _moved(self) -> None:
        self._show_position()

    @on(ComparisonView.Opened)
    def _open(self, event: ComparisonView.Opened) -> None:
        self.work(partial(self._show_detail, event.spot), group="flow")

    async def _show_detail(self, spot: Spot) -> None:
        a, b = self.a.history.live, self.b.history.live
        known = await self.bridge.contents(*wanted_results(spot, a, b))
        await self.ask_in(DifferenceDialog(detail_title(spot, a, b), detail_sections(spot, a, b, known)))

    # What a person does

    async def do_next_difference(self) -> None:
        """Go to the next difference."""
        self._go(self.view.to_difference(1), "after")

    async def do_previous_difference(self) -> None:
        """Go to the difference before."""
        self._go(self.view.to_difference(-1), "before")

    def _go(self, went: bool, where: str) -> None:
        if not went:
            self.say(f"No difference {where} this." if self.compared.differences else "There is no difference.")

    async def do_open_difference(self) -> None:
        """Unfold what is the same, or show both sides of what the cursor is on."""
        self.view.open()

    async def do_side_a(self) -> None:
        """Take side a."""
        self.active = "a"
        self._show_around()

    async def do_side_b(self) -> None:
        """Take side b."""
        self.active = "b"
        self._show_around()

    async def do_figures(self) -> None:
        """Show or hide the table."""
        self._wants_table = not self.is_table_shown
        self._show_around()

    async def do_open_side(self) -> None:
        """Open the active side in the main screen."""
        self.open_in_main(self._sides[self.active].run)

    async def do_copy_comparison(self) -> None:
        """Copy what the command line would print."""
        a, b = self.a.history.live, self.b.history.live
        spots = [item.spot for item in self.compared.differences if item.spot.kind == "call"]
        refs = tuple(dict.fromkeys(ref for spot in spots for ref in wanted_results(spot, a, b)))
        known: dict[Ref, Content] = await self.bridge.ask(ReadContents(refs)) if refs else {}
        lines = diff_lines(Printed(a, known), Printed(b, known), self.compared, COPIED_WIDTH)
        text = "\n".join(line_text(line).rstrip() for line in lines)
        copy(self, text)

    async def do_compare_other(self) -> None:
        """Compare the run that was shown with another one."""
        run = await compare.choose_run(self, self.kept.run, but=(self.a.run, self.b.run))
        if run is None:
            return
        other = await self.bridge.follow(run)
        dropped = self.b if self.kept is self.a else self.a
        a, b = compare.in_order(self.kept, other)
        self._sides = {"a": a, "b": b}
        self.bridge.unfollow(dropped.run)
        self._comparer, self._is_stale = Comparer(a.history, b.history), True
        self.view.forget()
        self.refresh_comparison()

    async def do_leave_comparison(self) -> None:
        """Back to the screen before."""
        self.dismiss()
