"""One run as the screen sees it: its history, where the playhead stands, its subagents, and the words still streaming.

The screen folds what was published into states of its own, exactly as a second process does by following the log.
Nothing here knows a widget, or who publishes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from workbench.conversation.weights import Weights, weigh
from workbench.debugger.metrics import Meter
from workbench.debugger.playback import next_call_stop
from workbench.driver.commands import OpenedRun
from workbench.driver.feed import Draft
from workbench.events.base import Recorded
from workbench.events.call import SubagentStarted
from workbench.events.turn import TurnDiscarded, TurnFinished
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.views.selection import Selection


class Follower:
    """The history of one run: what was read of it, then what the feed brings, in order and without gaps.

    What arrives while the log is being read waits; what the log already had is dropped.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.history = History()
        self.meter = Meter()
        self.is_open = False
        self.has_gap = False
        """An event is missing: the log has to be read again."""
        self.is_reading = False
        """Its log is being read at this moment."""
        self._as_of: tuple[int, RunState] | None = None
        """The state after so many records, as last asked for."""
        self._waiting: list[Recorded] = []

    def take(self, record: Recorded) -> bool:
        """Take a published event of this run; return whether it changed the history."""
        expected = self.history.live.seq + 1
        if not self.is_open or record.seq > expected:
            self.has_gap = self.is_open
            self._waiting.append(record)
            return False
        if record.seq < expected:
            return False
        self._append(record)
        return True

    def open(self, records: Iterable[Recorded]) -> None:
        """Take what was read from the log, then what was published meanwhile."""
        for record in records:
            if record.seq == self.history.live.seq + 1:
                self._append(record)
        self.is_open, self.has_gap = True, False
        waiting, self._waiting = self._waiting, []
        for record in waiting:
            self.take(record)

    def _append(self, record: Recorded) -> None:
        self.history.append(record)
        self.meter.take(record)

    def at_time(self, at: float) -> RunState:
        """Return the state as of a moment, Unix seconds."""
        records = self.history.records
        position = bisect_right(records, at, key=lambda record: record.at)
        if self._as_of is None or self._as_of[0] != position:
            self._as_of = position, self.history.at(position - 1) if position else RunState(run=self.run)
        return self._as_of[1]


class Watched(Follower):
    """The run on the screen."""

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self.is_live = self.is_mine = self.is_imported = False
        self.children: dict[str, Follower] = {}
        self.drafts: dict[int, Draft] = {}
        self.playhead: int | None = None
        """Seq of the event up to which the screen shows the run; None for the end, which moves on."""
        self.instant: float | None = None
        """The moment that is shown, in Unix seconds, where the run is played: between two events."""
        self.is_pausing = False
        """A person asked it to stop, and it still moves."""
        self._ended_before: float | None = None
        """The past moment at which the end was to be shown: the way back leads to that of the caller."""
        self._shown: tuple[int, RunState] | None = None
        self._weighed: tuple[object, Weights] | None = None

    def open_as(self, opened: OpenedRun) -> None:
        """Take an answer of the driver."""
        self.is_live, self.is_mine, self.is_imported = opened.live, opened.mine, opened.imported
        self.open(opened.records)

    def _append(self, record: Recorded) -> None:
        super()._append(record)
        self.is_pausing = self.is_pausing and not self.history.live.is_resting
        match record.event:
            case SubagentStarted(run=child):
                self.children.setdefault(child, Follower(child))
            case TurnFinished(step=step) | TurnDiscarded(step=step):
                self.drafts.pop(step, None)

    def take_any(self, record: Recorded) -> bool:
        """Take a published event of this run or of one of its subagents; return whether it changed anything."""
        if record.run == self.run:
            return self.take(record)
        child = self.children.get(record.run)
        return child is not None and child.take(record)

    def holds(self, follower: Follower) -> bool:
        """Whether that is this run, or one of its subagents."""
        return follower is self or self.children.get(follower.run) is follower

    def take_draft(self, draft: Draft) -> None:
        """Keep the words of the turn that is streaming."""
        if self.history.live.active_turn is not None:
            self.drafts[draft.step] = draft

    # What is shown

    @property
    def state(self) -> RunState:
        """The run as of the playhead."""
        if self.playhead is None:
            return self.history.live
        if self._shown is None or self._shown[0] != self.playhead:
            self._shown = (self.playhead, self.history.at(self.playhead))
        return self._shown[1]

    @property
    def is_moving(self) -> bool:
        """Whether it goes on by itself, at its end."""
        return self.is_live and not self.history.live.is_resting

    @property
    def is_stranded(self) -> bool:
        """Whether it would go on, and no process drives it any more."""
        return not self.is_live and not self.is_imported and not self.history.live.is_resting

    @property
    def driven_run(self) -> str:
        """The run that moves when this one does: itself, or the one that called it."""
        caller = self.history.live.caller
        return caller.run if caller is not None else self.run

    @property
    def shown_drafts(self) -> Mapping[int, Draft]:
        """The words still streaming; none of them while the playhead stands in the past."""
        return self.drafts if self.playhead is None else {}

    @property
    def shown_children(self) -> Mapping[str, RunState]:
        """Its subagents as of the same moment."""
        opened = {run: child for run, child in self.children.items() if child.is_open}
        if self.playhead is None:
            return {run: child.history.live for run, child in opened.items()}
        moment = self.moment or 0.0
        return {run: child.at_time(moment) for run, child in opened.items()}

    def weights(self, selection: Selection) -> Weights | None:
        """Return what fills the request of the selected step, or the next one where no one thing is selected."""
        match selection:
            case Selection(kind="step", step=int(step)) if step < len(self.state.steps):
                before = self.state.steps[step].before_seq
                key: object = before
            case Selection(kind="none" | "answer"):
                before = self.position
                state = self.state
                key = (len(state.entries), state.finished_steps, len(state.elided), state.summary, state.agent)
            case _:
                return None
        if self._weighed is None or self._weighed[0] != key:
            self._weighed = (key, weigh(self.history.at(before)))
        return self._weighed[1]

    def has(self, selection: Selection) -> bool:
        """Whether a thing is there as of the playhead; a timeline that is out of sight may point at what is not."""
        match selection:
            case Selection(call=str(call)):
                return self.state.call(call) is not None
            case Selection(step=int(step)):
                return step < len(self.state.steps)
            case Selection(kind="plan" | "plan_step"):
                return self.state.plan is not None or self.state.plan_turn is not None
            case _:
                return True

    # Moving the playhead

    @property
    def is_scrubbing(self) -> bool:
        """Whether the playhead stands in the past."""
        return self.playhead is not None

    @property
    def moment(self) -> float | None:
        """The past moment that is shown, Unix seconds; None for the end, unless that was before such a moment."""
        if self.playhead is None:
            return self._ended_before
        return self.instant if self.instant is not None else self.history.records[self.playhead].at

    @property
    def position(self) -> int:
        """Seq of the last event that is shown."""
        return self.history.live.seq if self.playhead is None else self.playhead

    def move_to(self, seq: int) -> None:
        """Show the run up to an event; the last one means the end, which is followed."""
        last = self.history.live.seq
        self.playhead, self.instant, self._ended_before = None if seq >= last else max(seq, 0), None, None

    def move_to_moment(self, moment: float) -> None:
        """Show the run as it was at a moment, Unix seconds."""
        records = self.history.records
        self.move_to(bisect_right(records, moment, key=lambda record: record.at) - 1)
        self._ended_before = moment if self.playhead is None else None

    def move(self, events: int) -> None:
        """Move by so many events."""
        self.move_to(self.position + events)

    def move_calls(self, direction: int) -> None:
        """Move to the nearest start or end of a call before or after where the playhead stands."""
        self.move_to(next_call_stop(self.history.records, self.position, direction))

    def move_steps(self, direction: int) -> None:
        """Move to the nearest end of a step before or after where the playhead stands."""
        ends = sorted({0, self.history.live.seq, *(step.before_seq for step in self.history.live.steps)} - {-1})
        if direction < 0:
            self.move_to(max((end for end in ends if end < self.position), default=0))
        else:
            self.move_to(min((end for end in ends if end > self.position), default=self.history.live.seq))
