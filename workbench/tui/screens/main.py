"""The main screen: runs, timeline and inspector side by side, or one at a time where there is no room.

It brings what the bridge took in to the widgets, and what a person does to the flows; it decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, Final, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import OptionList

from workbench.driver.commands import AgentOptions, Command
from workbench.errors import UserError
from workbench.events.library import LibraryEvent
from workbench.store.model import RunRow
from workbench.tui.actions import bindings, key_of, keys_of_main
from workbench.tui.bridge import PER_SECOND, Bridge, Changes
from workbench.tui.context import Context, Scope
from workbench.tui.finding import Finder
from workbench.tui.flows import flow_of
from workbench.tui.focus import scope_of
from workbench.tui.herald import Herald
from workbench.tui.player import Player
from workbench.tui.screens.live import LiveScreen
from workbench.tui.watching import Follower, Watched
from workbench.tui.widgets.find_line import FindLine
from workbench.tui.widgets.inspector import Inspector
from workbench.tui.widgets.invitation import Invitation
from workbench.tui.widgets.keys import Keys
from workbench.tui.widgets.panes import Panes
from workbench.tui.widgets.plan_editor import PlanEditor
from workbench.tui.widgets.playhead import PlayheadLine
from workbench.tui.widgets.progress import ProgressLine
from workbench.tui.widgets.prompt import Prompt
from workbench.tui.widgets.run_detail import RunDetail
from workbench.tui.widgets.run_tree import RunTree
from workbench.tui.widgets.status_bar import StatusBar
from workbench.tui.widgets.timeline import Timeline
from workbench.views.breadcrumb import breadcrumb
from workbench.views.selection import NOTHING, Selection

TICKS: Final = 2
"""Every how many looks at the feed a run that moves is drawn again, for its timers."""
LIST_TICKS: Final = 2 * PER_SECOND
"""Every how many the list is read again while something runs."""


class MainScreen(LiveScreen):
    """What a person sees most of the time."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("find"), *bindings("main")]
    SCOPES: ClassVar[tuple[Scope, ...]] = ("find", "main", "runs")

    DEFAULT_CSS = """
    MainScreen.-first #playhead {
        display: none;
    }
    """

    def __init__(self, bridge: Bridge, options: AgentOptions, now: Callable[[], float]) -> None:
        super().__init__(bridge)
        self.options, self.now = options, now
        self.finder, self.player = Finder(self), Player()
        self._ticks = 0
        self._herald = Herald(self)
        self._wanted: list[tuple[str, int]] = []
        """Results that were last asked for."""
        self.taken_back: list[LibraryEvent] = []
        """What takes back each thing that was done to a run of the list, the last at the end."""
        self.last_search = ""
        self._listed: object = None
        """Status of the watched run when the list was last read."""

    # The parts

    def compose(self) -> ComposeResult:
        """Build the parts from top to bottom."""
        yield StatusBar(id="status")
        yield Panes(id="panes")
        yield Prompt(id="prompt")
        yield FindLine(id="find")
        yield ProgressLine(id="progress")
        yield PlayheadLine(id="playhead")
        yield Keys(id="keys")

    def on_mount(self) -> None:
        """Begin to look at the feed."""
        self.show_run()
        self.workbench.begin()

    @property
    def panes(self) -> Panes:
        """Runs, timeline and inspector."""
        return self.query_one(Panes)

    @property
    def plan_editor(self) -> PlanEditor:
        """Where a plan is decided on."""
        return self.query_one(PlanEditor)

    @property
    def timeline(self) -> Timeline:
        """Where the run is shown."""
        return self.query_one(Timeline)

    @property
    def highlighted_row(self) -> RunRow | None:
        """The run under the cursor of the list."""
        return self.bridge.row(self.query_one(RunTree).highlighted_run)

    @property
    def watched(self) -> Watched:
        """The run on the screen; actions that need one are refused without."""
        if self.bridge.watched is None:
            raise UserError(f"No run is open: Enter opens one of the list, {key_of('new')} asks a new question.")
        return self.bridge.watched

    # What comes in

    def look(self, changes: Changes) -> None:
        """Take in what changed, and let the timers of a run that moves go on."""
        self._ticks += 1
        watched = self.bridge.watched
        ticks = watched is not None and watched.is_moving and not watched.is_scrubbing and self._ticks % TICKS == 0
        ticks |= self.player.tick(watched, self.now())
        if changes:
            self._take(changes)
        if changes.run or ticks:
            self.show_run()
        if changes.runs or self._is_list_old():
            self.work(self.list_runs, group="list", exclusive=True)

    def _is_list_old(self) -> bool:
        """Whether a run of the list may look different by now, though nothing said so."""
        watched = self.bridge.watched
        status = None if watched is None else (watched.run, watched.history.live.status_and_reason)
        is_other, self._listed = status != self._listed, status
        return is_other or (self._ticks % LIST_TICKS == 0 and any(row.live for row in self.bridge.rows))

    def _take(self, changes: Changes) -> None:
        for follower in changes.reread:
            self.work(partial(self._read, follower), group=f"read {follower.run}")
        if changes.progress:
            self.query_one(ProgressLine).show(self.bridge.progress.values())

    async def _read(self, follower: Follower) -> None:
        await self.bridge.read(follower)
        self.show_run()

    async def list_runs(self) -> None:
        """Read the list of runs again and show it."""
        await self.bridge.list_runs()
        self._show_rows()
        self.show_run()

    def _show_rows(self) -> None:
        watched = self.bridge.watched
        current = watched.run if watched is not None else ""
        self.query_one(RunTree).show(self.bridge.rows, current, has_older=self.bridge.has_older)
        self.query_one(RunDetail).show(self.highlighted_row)

    # What is shown

    def show_run(self) -> None:
        """Bring every part up to date with the run on the screen."""
        watched = self.bridge.watched
        self.set_class(watched is None and not self.bridge.rows, "-first")
        status = self.query_one(StatusBar)
        if watched is None:
            status.show(None, None)
            self.panes.invite(is_open=self.workbench.is_begun, is_first=not self.bridge.rows)
        else:
            now = self.now() if watched.is_moving and not watched.is_scrubbing else watched.instant
            self._follow_plan(watched)
            self.panes.show_run(watched, now)
            self._herald.look(watched)
            self.query_one(PlayheadLine).show(watched, self.player.speed)
            crumbs = breadcrumb(watched.state, self.bridge.rows)
            is_stranded = watched.is_stranded and not watched.is_scrubbing
            status.show(watched.state, now, crumbs=crumbs, is_stranded=is_stranded)
            self.finder.update()
        self.show_selection()

    def show_selection(self) -> None:
        """Bring the inspector and the keys up to date with what is selected."""
        watched, selection = self.bridge.watched, self.selection
        if watched is not None:
            call = self.context().call
            refs = [ref for ref in (call.result, call.original) if ref is not None and ref.run] if call else []
            wanted = [(ref.run, ref.seq) for ref in refs]
            if wanted != self._wanted and any(self.bridge.known_content(ref) is None for ref in wanted):
                self._wanted = wanted
                self.work(partial(self._read_contents, wanted), group="contents", exclusive=True)
            known = {ref: found for ref in wanted if (found := self.bridge.known_content(ref)) is not None}
            self.query_one(Inspector).show(watched.state, selection, known, watched.weights(selection))
        self.show_keys()

    async def _read_contents(self, refs: list[tuple[str, int]]) -> None:
        await self.bridge.contents(*refs)
        self.show_selection()

    def show_keys(self) -> None:
        """Offer the keys that hold where the focus is."""
        context = self.context()
        self.query_one(Keys).show(keys_of_main(context), context)

    def _follow_plan(self, watched: Watched) -> None:
        """Show the plan's editor while the plan waits for this person, and no longer."""
        editor, state = self.plan_editor, watched.state
        waits = self.context().waits_for == "plan" and not self.context().is_foreign and not watched.is_scrubbing
        if waits and state.plan is not None and not editor.shows((watched.run, state.plan.proposed_seq)):
            of = (watched.run, state.plan.proposed_seq)
            editor.open(state.plan.steps, purpose="approve", of=of, question="" if state.steps else state.task)
            if self.context().scope in ("main", "runs"):
                self.panes.show("timeline", focus=True)
        elif not waits and editor.is_shown and editor.purpose == "approve":
            self.close_plan()

    # What is selected

    @property
    def selection(self) -> Selection:
        """What the cursor of the timeline is on, where that is there at the moment that is shown."""
        watched, selection = self.bridge.watched, self.timeline.selection
        is_there = watched is not None and not self.plan_editor.is_alone and watched.has(selection)
        return selection if is_there else NOTHING

    def context(self) -> Context:
        """Return what decides which actions make sense now."""
        watched = self.bridge.watched
        scope = self._scope()
        row = self.highlighted_row if scope == "runs" else self.bridge.row(watched.run if watched is not None else None)
        if watched is None:
            return Context(scope=scope, row=row)
        return Context(
            scope=scope,
            state=watched.state,
            selection=self.selection,
            is_live=watched.is_live,
            is_mine=watched.is_mine,
            is_imported=watched.is_imported,
            is_scrubbing=watched.is_scrubbing,
            row=row,
            is_playing=self.player.is_playing,
            is_filtered=self.timeline.chosen is not None,
        )

    def _scope(self) -> Scope:
        return scope_of(self.focused, is_finding=self.finder.is_open)

    # Where the focus is

    def on_descendant_focus(self) -> None:
        """Offer the keys that hold there."""
        self.show_keys()

    def close_plan(self) -> None:
        """Leave the plan's editor."""
        had_focus = self.plan_editor.has_focus_within
        self.plan_editor.close()
        if had_focus:
            self.timeline.focus()

    def open_prompt(self, kind: Literal["question", "message"], words: str) -> None:
        """Let the person type."""
        self.query_one(Prompt).open(kind, words, [row.task for row in self.bridge.rows if row.caller_run is None])

    # What a person does

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys hold now: those of the screen, and of where the focus is."""
        return ("main", self._scope())

    def deed(self, action: str) -> Callable[[], Coroutine[Any, Any, None]]:
        """Return what does an action: its flow."""
        return partial(flow_of(action), self)

    async def drive(self, command: Command, *, follow: bool = False) -> Any:
        """Do what moves the run on, and look at its end where asked to; from then on this process drives it."""
        watched = self.watched
        answer = await self.bridge.ask(command)
        watched.is_live = watched.is_mine = True
        if follow:
            self.show_run()
            self.timeline.follow()
        return answer

    async def open_run(self, run: str) -> None:
        """Show a run and follow it."""
        self.close_plan()
        before = self.bridge.watched
        await self.bridge.watch(run)
        if before is None or self.watched.run != before.run:
            self.finder.leave(back=False)
            self.timeline.choose(None)
        self._show_rows()
        self.show_run()
        if self._scope() != "runs" or self.plan_editor.is_shown:
            self.panes.show("timeline", focus=True)
        if self.watched.is_moving:
            self.timeline.follow()

    @on(OptionList.OptionHighlighted, "#runs")
    def _choose_row(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.query_one(RunDetail).show(self.highlighted_row)
        self.show_keys()

    @on(RunTree.EndSeen)
    def _list_older(self) -> None:
        if self.bridge.has_older:
            self.bridge.want_more_runs()
            self.work(self.list_runs, group="list", exclusive=True)

    @on(OptionList.OptionSelected, "#runs")
    def _open_row(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.work(partial(self.open_run, event.option_id), group="flow")

    @on(Timeline.Selected)
    def _select(self) -> None:
        self.show_selection()
        self.finder.show_line()

    @on(StatusBar.Followed)
    def _follow_way(self, event: StatusBar.Followed) -> None:
        from workbench.tui.flows import looking

        self.work(partial(looking.to_call, self, event.crumb.run, event.crumb.call), group="flow")

    @on(FindLine.Changed)
    def _look_for(self, event: FindLine.Changed) -> None:
        self.finder.look_for(event.text)

    @on(FindLine.Taken)
    def _walk_hits(self) -> None:
        self.panes.home(self.panes.current).focus()

    @on(FindLine.Left)
    def _leave_finding(self) -> None:
        self.finder.leave(back=True)
        self.panes.home(self.panes.current).focus()

    @on(Timeline.Opened)
    def _open(self, event: Timeline.Opened) -> None:
        from workbench.tui.flows import looking

        call = self.context().call
        child = looking.subagent_of(event.selection, call)
        if child is not None:
            self.work(partial(looking.open_beside, self, child), group="flow")
        else:
            self.panes.show("inspector", focus=True)

    @on(PlayheadLine.Moved)
    def _move_playhead(self, event: PlayheadLine.Moved) -> None:
        from workbench.tui.flows import playhead

        self.work(partial(playhead.move_to, self, event.seq), group="flow")

    @on(PlanEditor.Moved)
    def _plan_moved(self) -> None:
        self.show_keys()

    @on(PlanEditor.Decided)
    def _decide_plan(self, event: PlanEditor.Decided) -> None:
        from workbench.tui.flows import plans

        self.work(partial(plans.decide, self, event.purpose, event.steps), group="flow")

    @on(PlanEditor.Skipped)
    def _skip_plan(self) -> None:
        from workbench.tui.flows import plans

        self.work(partial(plans.skip, self), group="flow")

    @on(PlanEditor.Left)
    def _leave_plan(self) -> None:
        self.close_plan()

    @on(Invitation.Asked)
    def _take_question(self, event: Invitation.Asked) -> None:
        from workbench.tui.flows import runs

        self.work(partial(runs.ask_question, self, event.text), group="flow")

    @on(Invitation.Chosen)
    def _begin_otherwise(self, event: Invitation.Chosen) -> None:
        from workbench.tui.flows.beginnings import BEGINNINGS

        self.work(partial(BEGINNINGS[event.way], self), group="flow")

    @on(Prompt.Given)
    def _take_text(self, event: Prompt.Given) -> None:
        from workbench.tui.flows import runs

        self._leave_prompt()
        self.work(partial(runs.take_line, self, event.kind, event.text), group="flow")

    @on(Prompt.Left)
    def _leave_prompt(self) -> None:
        self.query_one(Prompt).close()
        self.panes.home(self.panes.current).focus()
