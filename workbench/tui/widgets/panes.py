"""Runs, timeline and inspector: side by side, or one at a time where there is no room for three.

In a narrow terminal the title of the pane that is shown names the others and their keys, so nothing is lost.
"""

from __future__ import annotations

from typing import Final, Literal

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from workbench.tui.actions import key_of
from workbench.tui.paint import content
from workbench.tui.watching import Watched
from workbench.tui.widgets.inspector import Inspector
from workbench.tui.widgets.invitation import Invitation
from workbench.tui.widgets.plan_editor import PlanEditor
from workbench.tui.widgets.run_detail import RunDetail
from workbench.tui.widgets.run_header import RunHeader
from workbench.tui.widgets.run_tree import RunTree
from workbench.tui.widgets.timeline import Timeline
from workbench.views.filter import Filter
from workbench.views.segments import Segment
from workbench.views.text import one_line

Pane = Literal["runs", "timeline", "inspector"]
PANES: Final[tuple[Pane, ...]] = ("runs", "timeline", "inspector")
WIDE: Final = 120
"""Columns from which all panes are shown."""
_BESIDE_LINES: Final = 3
"""Columns that a pane on its own takes for its frame and for the scrollbar of its list."""


class Panes(Horizontal):
    """The three panes; one of them is the current one."""

    DEFAULT_CSS = """
    Panes {
        height: 1fr;
    }
    Panes > .pane {
        border: round $border-blurred;
        border-title-color: $wb-muted;
        height: 1fr;
    }
    Panes > .pane:focus-within {
        border: round $border;
    }
    Panes > #runs-pane {
        width: 22%;
        min-width: 26;
        max-width: 40;
    }
    Panes > #timeline-pane {
        width: 1fr;
    }
    Panes > #inspector-pane {
        width: 28%;
        min-width: 34;
        max-width: 56;
    }
    Panes.-narrow > #runs-pane, Panes.-narrow > #timeline-pane, Panes.-narrow > #inspector-pane {
        width: 1fr;
        max-width: 100%;
        display: none;
    }
    Panes.-narrow > .-current {
        display: block !important;
    }
    Panes.-waiting > #timeline-pane {
        border: round $wb-waiting 60%;
    }
    Panes.-waiting > #timeline-pane:focus-within {
        border: round $wb-waiting;
    }
    Panes.-scrubbing > #timeline-pane, Panes.-scrubbing > #inspector-pane {
        border: round $wb-playhead;
    }
    Panes.-first > #runs-pane, Panes.-first > #inspector-pane {
        display: none;
    }
    Panes.-first > #timeline-pane, Panes.-first > #timeline-pane:focus-within {
        border: none;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.current: Pane = "timeline"
        self._signs: list[Segment] = []
        """What the frame says of the moment and the calls that are shown."""

    def compose(self) -> ComposeResult:
        """Build the panes from left to right."""
        with Vertical(id="runs-pane", classes="pane"):
            yield RunHeader(id="runs-header")
            yield RunTree(id="runs")
            yield RunDetail(id="run-detail")
        with Vertical(id="timeline-pane", classes="pane -current"):
            yield Invitation(id="invitation")
            yield Timeline(id="timeline")
            yield PlanEditor(id="plan")
        with Vertical(id="inspector-pane", classes="pane"):
            yield Inspector(id="inspector")

    @property
    def is_narrow(self) -> bool:
        """Whether there is room for one pane only."""
        return self.has_class("-narrow")

    def on_resize(self, event: events.Resize) -> None:
        """Show one pane or three."""
        self.fit(event.size.width)

    def fit(self, width: int) -> None:
        """Make ready for a width; asked before anything is laid out for it, nothing is laid out twice."""
        self.set_class(width < WIDE, "-narrow")
        self.query_one(RunHeader).fit(width - _BESIDE_LINES if self.is_narrow else 0)
        self._show_titles()

    def on_mount(self) -> None:
        """Name the panes."""
        self._show_titles()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the pane that has the focus."""
        for pane in PANES:
            if self._pane(pane) in event.widget.ancestors:
                self.show(pane)

    def show(self, pane: Pane, *, focus: bool = False) -> None:
        """Make a pane the current one; in a narrow terminal it takes the place of the one before."""
        self.current = pane
        for other in PANES:
            self._pane(other).set_class(other == pane, "-current")
        self._show_titles()
        if focus:
            self.home(pane).focus()
            if pane == "runs":  # the mouse may have scrolled it; a click's own focus moves nothing under the mouse
                self.query_one(RunTree).scroll_to_highlight()

    def cycle(self, by: int) -> None:
        """Go to the next pane, or the one before."""
        self.show(PANES[(PANES.index(self.current) + by) % len(PANES)], focus=True)

    def home(self, pane: Pane) -> Widget:
        """Return what has the focus in a pane: the plan while it is shown, before the timeline below it."""
        if pane == "runs":
            return self.query_one(RunTree)
        if pane == "inspector":
            return self.query_one(Inspector)
        plan, timeline = self.query_one(PlanEditor), self.query_one(Timeline)
        return plan if plan.is_shown else timeline if timeline.display else self.query_one(Invitation).line

    def invite(self, *, is_open: bool, is_first: bool) -> None:
        """Show no run: an invitation, once it is clear that none is on its way; at the first start nothing else."""
        self.set_class(is_first, "-first")
        self.query_one(Invitation).display = is_open
        self.query_one(Timeline).display = False

    def show_run(self, watched: Watched, now: float | None) -> None:
        """Show a run; `now` is the present of one that moves."""
        timeline, plan = self.query_one(Timeline), self.query_one(PlanEditor)
        self.set_class(False, "-first")
        self.query_one(Invitation).display = False
        timeline.display = not plan.is_alone
        timeline.show(
            watched.state,
            drafts=watched.shown_drafts,
            now=now,
            children=watched.shown_children,
            live=now is not None,
        )
        self.set_class(plan.is_alone, "-waiting")
        self.set_class(watched.is_scrubbing, "-scrubbing")
        self._mark(_signs(watched, timeline.chosen))

    def _mark(self, signs: list[Segment]) -> None:
        """Say on the frame which moment and which calls are shown; nothing where it is the end, and all."""
        if signs != self._signs:
            self._signs = signs
            self._show_titles()

    def _pane(self, pane: Pane) -> Widget:
        return self.query_one(f"#{pane}-pane")

    def _show_titles(self) -> None:
        for pane in PANES:
            tabs = list(enumerate(PANES, 1)) if self.is_narrow else [(PANES.index(pane) + 1, pane)]
            pieces: list[Segment] = []
            for number, name in tabs:
                is_here = name == self.current
                pieces += [Segment(f" {number} ", "key"), Segment(f"{name} ", "title" if is_here else "muted")]
            if pane == ("timeline" if not self.is_narrow else self.current):
                pieces += self._signs
            self._pane(pane).border_title = content(pieces)


def _signs(watched: Watched, chosen: Filter | None) -> list[Segment]:
    signs: list[Segment] = []
    if chosen is not None:
        signs.append(Segment(f" filter: {one_line(str(chosen), 48)} · {key_of('filter')} shows all ", "match"))
    if watched.is_live and not watched.is_mine:
        signs.append(Segment(" watching: another process drives it ", "muted"))
    if watched.is_scrubbing:
        place = f"{watched.position}/{watched.history.live.seq}"
        is_played = watched.instant is not None
        words = (
            f"▶ PLAYING {place} · {key_of('toggle')} stops"
            if is_played
            else f"◂ PLAYHEAD {place} · {key_of('end')} {'returns to live' if watched.is_moving else 'goes to the end'}"
        )
        signs.append(Segment(f" {words} ", "playhead"))
    return signs
