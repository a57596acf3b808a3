"""The one bridge into the screen: what the driver publishes enters here, and commands leave here.

A timer of the screen calls `pump` about twenty times a second; it takes all that came since and says what is to be
drawn again. So a thousand events cost one repaint, and nothing of the driver touches a widget. It knows the driver by
its two ends only, `feed` and `ask`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.driver.commands import Command, ListRuns, OpenRun, ReadContents
from workbench.driver.feed import Draft, Feed, Progress, RunsChanged, Subscription, Trouble
from workbench.events.base import Recorded
from workbench.events.content import Content, plain_text
from workbench.state.parts import CallState
from workbench.store.model import RunRow
from workbench.tui.watching import Follower, Watched

PER_SECOND = 20
"""How often the screen takes in what happened."""
PAGE = 200
"""Runs that are listed at first, and that join them when a person comes to the end of the list."""
CONTENTS_KEPT = 64
"""Results whose blocks stay in memory."""


class Desk(Protocol):
    """The two ends of a driver, and its life."""

    feed: Feed

    def start(self) -> None:
        """Open the store; raises a `UserError` where it cannot be used."""
        ...

    def close(self) -> None:
        """Pause what runs and let go of it."""
        ...

    async def ask(self, command: Command) -> Any:
        """Do a command and return its answer; raises its `UserError`."""
        ...


@dataclass(slots=True)
class Changes:
    """What is to be drawn again."""

    run: bool = False
    """The watched run, its words or its subagents."""
    beside: set[str] = field(default_factory=set)
    """Runs followed beside it that changed."""
    runs: bool = False
    """The list of runs has to be read again."""
    progress: bool = False
    reread: list[Follower] = field(default_factory=list)
    """Runs whose log has to be read."""
    troubles: list[Trouble] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anything is to be done."""
        return self.run or bool(self.beside) or self.runs or self.progress or bool(self.reread) or bool(self.troubles)


class Bridge:
    """The screen's own picture of the runs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._subscription: Subscription = desk.feed.subscribe()
        self.rows: list[RunRow] = []
        """The list of runs as last read, newest first; the oldest are left out until they are wanted."""
        self.has_older = False
        """Whether there may be older runs than those of the list."""
        self.lists_hidden = False
        """Whether the list has the hidden runs too."""
        self._limit = PAGE
        self._moved: dict[str, None] = {}
        """Runs that went on while they were listed; they stay in the list when they rest, however old they are."""
        self._by_id: dict[str, RunRow] = {}
        self.watched: Watched | None = None
        self.progress: dict[str, Progress] = {}
        self._contents: dict[tuple[str, int], Content] = {}
        self._beside: dict[str, Watched] = {}
        self._followers: Counter[str] = Counter()
        """How many follow each of those."""
        self._read_again: set[str] = set()
        """Runs whose log was read since the last look."""
        self._held: list[list[Recorded]] = []
        """What was published while runs are being opened: their ids may still be unknown."""

    def close(self) -> None:
        """Take in nothing more."""
        self._subscription.close()

    # What comes in

    def pump(self) -> Changes:
        """Take in what was published since the last time."""
        changes = Changes()
        for change in self._subscription.drain():
            match change:
                case Recorded():
                    self._take(change, changes)
                case Draft():
                    self._take_draft(change, changes)
                case RunsChanged():
                    changes.runs = True
                case Progress():
                    changes.progress = True
                    self._take_progress(change)
                case Trouble():
                    changes.troubles.append(change)
        changes.reread = self._unread()
        changes.beside |= self._read_again
        self._read_again = set()
        return changes

    def _take(self, record: Recorded, changes: Changes) -> None:
        for held in self._held:
            held.append(record)
        if self.watched is not None:
            changes.run |= self.watched.take_any(record)
        changes.beside |= {run for run, watched in self._beside.items() if watched.take_any(record)}

    def _take_draft(self, draft: Draft, changes: Changes) -> None:
        if self.watched is not None and self.watched.run == draft.run:
            self.watched.take_draft(draft)
            changes.run = True
        if draft.run in self._beside:
            self._beside[draft.run].take_draft(draft)
            changes.beside.add(draft.run)

    def _take_progress(self, progress: Progress) -> None:
        if progress.total and progress.done >= progress.total:
            self.progress.pop(progress.key, None)
        else:
            self.progress[progress.key] = progress

    def _unread(self) -> list[Follower]:
        opened = [watched for watched in (self.watched, *self._beside.values()) if watched is not None]
        followers = [
            follower for watched in opened if watched.is_open for follower in (watched, *watched.children.values())
        ]
        return [
            follower for follower in followers if not follower.is_reading and (follower.has_gap or not follower.is_open)
        ]

    # What is asked

    async def ask(self, command: Command) -> Any:
        """Do a command; raises its `UserError`."""
        return await self._desk.ask(command)

    async def list_runs(self) -> None:
        """Read the list of runs, and with it who drives the watched one."""
        opened = dict.fromkeys(watched.run for watched in (self.watched, *self._beside.values()) if watched is not None)
        limit = self._limit
        self.rows = await self.ask(ListRuns(self.lists_hidden, limit, tuple(self._moved | opened)))
        self.has_older = len(self.rows) >= limit
        self._moved |= dict.fromkeys(row.id for row in self.rows if row.live)
        self._by_id = rows = {row.id: row for row in self.rows}
        for watched in (self.watched, *self._beside.values()):
            if watched is not None and (row := rows.get(watched.run)) is not None:
                watched.is_live = row.live
                watched.is_mine = watched.is_mine and row.live

    def want_more_runs(self) -> None:
        """List older runs too from the next time on."""
        self._limit = len(self.rows) + PAGE

    @property
    def stoppable(self) -> Progress | None:
        """The work whose progress is shown, where it can be stopped."""
        latest = next(reversed(self.progress.values()), None)
        return latest if latest is not None and latest.work else None

    def row(self, run: str | None) -> RunRow | None:
        """Return a run of the list as last read, or None where it is not in it."""
        return self._by_id.get(run) if run is not None else None

    async def watch(self, run: str) -> Watched:
        """Open a run and follow it from now on; raises `RunNotFoundError` and its like."""
        self.watched = watched = await self._open(run)
        return watched

    async def follow(self, run: str) -> Watched:
        """Open a run beside the watched one and follow it until `unfollow`; raises like `watch`."""
        watched = self._beside.get(run) or await self._open(run)
        watched = self._beside.setdefault(watched.run, watched)
        self._followers[watched.run] += 1
        return watched

    def unfollow(self, run: str) -> None:
        """Follow a run no longer, once as often as it was followed."""
        self._followers[run] -= 1
        if self._followers[run] <= 0:
            self._beside.pop(run, None)
            del self._followers[run]

    async def _open(self, run: str) -> Watched:
        held: list[Recorded] = []
        self._held.append(held)
        try:
            opened = await self.ask(OpenRun(run))
        finally:
            self._held = [other for other in self._held if other is not held]
        watched = Watched(opened.run)
        watched.open_as(opened)
        for record in held:
            if record.run == watched.run:
                watched.take(record)
        return watched

    async def read(self, follower: Follower) -> None:
        """Read a run's log again, or for the first time."""
        follower.is_reading = True
        try:
            opened = await self.ask(OpenRun(follower.run))
        finally:
            follower.is_reading = False
        self._read_again |= {run for run, watched in self._beside.items() if watched.holds(follower)}
        if isinstance(follower, Watched):
            follower.open_as(opened)
        else:
            follower.open(opened.records)

    async def contents(self, *refs: tuple[str, int]) -> dict[tuple[str, int], Content]:
        """Return results by the run that owns them and their seq, read once."""
        missing = tuple(ref for ref in refs if ref not in self._contents)
        if missing:
            self._contents.update(await self.ask(ReadContents(missing)))
        found = {ref: content for ref in refs if (content := self.known_content(ref)) is not None}
        for oldest in list(self._contents)[: max(0, len(self._contents) - CONTENTS_KEPT)]:
            del self._contents[oldest]
        return found

    async def result_text(self, call: CallState) -> str:
        """Return the recorded result of a call as text; empty where there is none."""
        if call.result is None:
            return ""
        ref = (call.result.run, call.result.seq)
        return plain_text((await self.contents(ref)).get(ref, ()))

    def known_content(self, ref: tuple[str, int]) -> Content | None:
        """Return a result that was read already, or None; what is looked at stays the longest."""
        content = self._contents.pop(ref, None)
        if content is not None:
            self._contents[ref] = content
        return content
