"""How fast runs go and what they cost: of the run on the screen while it goes on, or of the newest runs together."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType

from workbench.debugger.metrics import Figures, Meter, total
from workbench.driver.commands import OpenRun
from workbench.errors import UserError
from workbench.tui.actions import bindings
from workbench.tui.bridge import Bridge, Changes
from workbench.tui.context import Scope
from workbench.tui.screens.live import LiveScreen
from workbench.tui.watching import Watched
from workbench.tui.widgets.keys import Keys
from workbench.tui.widgets.lines import Text
from workbench.views.metrics import metrics_lines
from workbench.views.segments import Line
from workbench.views.text import counted, inert

if TYPE_CHECKING:
    from workbench.driver.commands import OpenedRun
    from workbench.store.model import RunRow

LAST_RUNS: Final = 50
"""How many runs are measured together, the newest ones."""
TICKS: Final = 5
"""Every how many looks at the feed the page is drawn again, where anything changed."""
_AT_ONCE: Final = 2_000
"""Events that are measured before the screen may answer again."""


class MetricsScreen(LiveScreen):
    """A page of figures and charts."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("metrics",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("metrics")]
    AUTO_FOCUS = "#page"

    DEFAULT_CSS = """
    MetricsScreen > #page {
        overflow: hidden auto;
        scrollbar-gutter: stable;
        padding: 0 1;
        height: 1fr;
    }
    """

    def __init__(self, bridge: Bridge, watched: Watched) -> None:
        super().__init__(bridge)
        self._watched = watched
        self._with_children, self._is_all = True, False
        self._measured: dict[str, tuple[int, Figures]] = {}
        """What other runs measured, and as of which event."""
        self._done, self._wanted = 0, 0
        """Runs that are measured, and that are to be."""
        self._ticks = 0
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """Build the page and the keys."""
        yield Text(id="page")
        yield Keys(last="metrics_leave", id="keys")

    def on_mount(self) -> None:
        """Show what is known."""
        self.show_keys()
        self._show()

    def look(self, changes: Changes) -> None:  # noqa: ARG002 - the runs say it all
        """Draw again what changed, now and then."""
        self._ticks += 1
        if self.is_mounted and self._ticks % TICKS == 0 and self._state() != self._drawn:
            self._show()

    # What is shown

    def _state(self) -> object:
        """Return what the page is made from."""
        followers = (self._watched, *self._watched.children.values())
        seen = tuple(len(follower.history.records) for follower in followers)
        return (self._is_all, self._with_children, self._done, self._wanted, None if self._is_all else seen)

    def _show(self) -> None:
        self._drawn = self._state()
        figures, title = self._all_runs() if self._is_all else self._this_run()
        agent = self._watched.history.live.agent
        pace = agent.pace if agent is not None else 0.0

        def made(width: int) -> list[Line]:
            return metrics_lines(figures, width - 1, title=title, pace=pace)  # one cell keeps off the scrollbar

        self.query_one(Text).show(made)

    def _this_run(self) -> tuple[Figures, str]:
        title = f"run {inert(self._watched.run)[:8]}"
        children = self._watched.children.values()
        if not children or not self._with_children:
            return self._watched.meter.figures, f"{title} without its subagents" if children else title
        together = total([self._watched.meter.figures, *(child.meter.figures for child in children)])
        return together, f"{title} and its {counted(len(children), 'subagent')}"

    def _all_runs(self) -> tuple[Figures, str]:
        figures = total(measured for _, measured in self._measured.values())
        title = f"the newest {counted(self._done, 'run')}, subagents and forks among them"
        return figures, title if self._done == self._wanted else f"{title} · reading {self._done} of {self._wanted} …"

    # What a person does

    async def do_metrics_leave(self) -> None:
        """Back to the run."""
        self.dismiss()

    async def do_metrics_children(self) -> None:
        """Measure with the subagents, or without."""
        if self._is_all or not self._watched.children:
            self.say("All runs are measured, subagents among them." if self._is_all else "This run has no subagents.")
            return
        self._with_children = not self._with_children
        self._show()

    async def do_metrics_all(self) -> None:
        """Measure the newest runs together, or this one alone."""
        self._is_all = not self._is_all
        if self._is_all:
            rows = self.bridge.rows[:LAST_RUNS]
            self._done, self._wanted = 0, len(rows)
            self.work(partial(self._measure, rows), group="metrics", exclusive=True)
        else:
            self.workers.cancel_group(self, "metrics")
        self._show()

    async def _measure(self, rows: list[RunRow]) -> None:
        """Measure runs one after the other; what was measured before and has not changed is not read again."""
        kept = {row.id: self._measured[row.id] for row in rows if row.id in self._measured}
        self._measured = kept
        for row in rows:
            if row.id not in kept or kept[row.id][0] != row.last_seq:
                try:
                    opened: OpenedRun = await self.bridge.ask(OpenRun(row.id))
                except UserError as error:
                    self.say(str(error), "warning")
                    self._wanted -= 1
                    continue
                self._measured[row.id] = (row.last_seq, await _figures(opened))
            self._done += 1


async def _figures(opened: OpenedRun) -> Figures:
    """Return what a run's own log measures: what it inherited is measured where it happened."""
    meter = Meter(own=opened.run)
    for start in range(0, len(opened.records), _AT_ONCE):
        for record in opened.records[start : start + _AT_ONCE]:
            meter.take(record)
        await asyncio.sleep(0)  # the screen goes on between
    return meter.figures
