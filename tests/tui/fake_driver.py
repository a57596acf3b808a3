"""A driver that holds still: runs made by the builders, commands written down, nothing that moves by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from tests.builders import RunLog
from workbench.debugger.cost import ForkCost
from workbench.debugger.fork import ForkPreview
from workbench.debugger.requests import SentRequest, rebuild
from workbench.driver.commands import (
    BreakpointSetting,
    Command,
    FindInResults,
    ForkRun,
    IndexRuns,
    Label,
    ListBreakpoints,
    ListRuns,
    OpenedRace,
    OpenedRun,
    OpenRace,
    OpenRun,
    PreviewFork,
    ReadContents,
    ReadRequest,
    SearchRuns,
    SetBreakpoints,
)
from workbench.driver.feed import Feed, RunsChanged
from workbench.driver.finding import count_in
from workbench.driver.summary import summarise
from workbench.errors import RunNotFoundError
from workbench.events.base import Recorded
from workbench.events.call import ResultEvent
from workbench.events.content import Content
from workbench.state.history import History
from workbench.state.parts import ResultRef
from workbench.store.model import RunRow

PREVIEW = ForkPreview(
    address="0.1",
    cut=12,
    kept="0 steps and 2 results are kept from the record",
    kept_steps=0,
    kept_calls=2,
    reruns=(),
    effects=(),
    simulated=False,
    dropped=(),
    cost=ForkCost("offline", prefix_tokens=912, cached_tokens=800),
)


class FakeDriver:
    """Answers what reads with what it was given; writes down what acts, and answers it by `answers`."""

    def __init__(self, *logs: RunLog, live: Iterable[str] = ()) -> None:
        self.feed = Feed()
        self.logs = {log.run: log for log in logs}
        self.live = set(live)
        """Runs that this driver drives."""
        self.commands: list[Any] = []
        self.preview = PREVIEW
        self.races: dict[str, list[RunRow]] = {}
        self.answers: dict[type[Any], Callable[[Any], Any]] = {}
        self.remarks: dict[str, dict[str, Any]] = {}
        """What was said about each run, as fields of its row."""
        self.after_ask: Callable[[], None] = lambda: None
        """Happens between the making of an answer and its arrival."""
        self.is_closed = False
        self.breakpoints: tuple[BreakpointSetting, ...] = ()

    def start(self) -> None:
        """Open nothing."""

    def close(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True

    def add(self, log: RunLog, *, live: bool = False) -> str:
        """Have another run; return its id."""
        self.logs[log.run] = log
        if live:
            self.live.add(log.run)
        self.feed.publish(RunsChanged())
        return log.run

    def publish(self, log: RunLog, since: int) -> None:
        """Let the events of a run from `since` on appear in the feed."""
        for record in log.records[since:]:
            self.feed.publish(record)

    async def ask(self, command: Command) -> Any:
        """Answer a command."""
        answer = await self._rebuild(command) if isinstance(command, ReadRequest) else self._answer(command)
        self.after_ask()
        return answer

    def _answer(self, command: Command) -> Any:
        match command:
            case OpenRun(run):
                return self._open(run)
            case ListRuns(hidden, limit, also):
                shown = [row for row in self.rows() if hidden or not row.hidden]
                beside = {*also, *self.live}
                return [row for at, row in enumerate(shown) if limit is None or at < limit or row.id in beside]
            case IndexRuns():
                return None
            case SearchRuns() if SearchRuns not in self.answers:
                return []
            case Label(event):
                said = event.model_dump(exclude={"kind", "run", "v"})
                self.remarks.setdefault(event.run, {}).update(said)
            case ReadContents(refs):
                return {ref: content for ref in refs if (content := self._content(ref)) is not None}
            case FindInResults(refs, text):
                return count_in({ref: content for ref in refs if (content := self._content(ref)) is not None}, text)
            case ListBreakpoints():
                return self.breakpoints
            case OpenRace(name):
                return self._open_race(name)
            case PreviewFork() if PreviewFork not in self.answers:
                return self.preview
        self.commands.append(command)
        answer = self.answers.get(type(command))
        if isinstance(command, SetBreakpoints) and answer is None:
            self.breakpoints = command.settings
            return self.breakpoints
        return answer(command) if answer is not None else getattr(command, "run", None)

    def rows(self) -> list[RunRow]:
        """Return the rows of all runs, the newest first."""
        return [
            replace(row_of(log, live=log.run in self.live), **self.remarks.get(log.run, {}))
            for log in reversed(self.logs.values())
        ]

    def _open(self, name: str) -> OpenedRun:
        run = next((known for known in self.logs if known.startswith(name)), None)
        if run is None:
            raise RunNotFoundError(f"there is no run {name!r}")
        is_live = run in self.live
        return OpenedRun(run, tuple(self.logs[run].records), live=is_live, mine=is_live)

    async def _rebuild(self, command: ReadRequest) -> SentRequest:
        history = History()
        for record in self.logs[command.run].records:
            history.append(record)

        async def load(refs: Iterable[ResultRef]) -> dict[tuple[str, int], Content]:
            return {(ref.run, ref.seq): self._content((ref.run, ref.seq)) or () for ref in refs}

        return await rebuild(history, command.seq, load)

    def _open_race(self, name: str) -> OpenedRace:
        """Return the rows that were given in `races`, with the figures and the life of their runs as of now."""
        rows = self.races[name]
        return OpenedRace(name, tuple(replace(row, live=row.id in self.live) for row in rows))

    def _content(self, ref: tuple[str, int]) -> Content | None:
        for log in self.logs.values():
            for record in log.records:
                if (record.run, record.seq) == ref and isinstance(record.event, ResultEvent):
                    return record.event.result
        return None


def row_of(log: RunLog, *, live: bool = False) -> RunRow:
    """Return the row of a run as lists show it."""
    state = log.state
    summary = summarise(log.run, state)
    header: Recorded = next(record for record in log.records if record.run == log.run)
    caller = state.caller
    return RunRow(
        id=log.run,
        root=caller.run if caller is not None else log.run,
        created=header.at,
        parent=state.parent,
        cut=state.cut,
        made_from=state.made_from,
        caller_run=caller.run if caller is not None else None,
        caller_call=caller.call if caller is not None else None,
        depth=state.depth,
        imported=False,
        as_of_seq=summary.as_of_seq,
        task=summary.task,
        model=summary.model,
        status=summary.status,
        reason=summary.reason,
        steps=summary.steps,
        calls=summary.calls,
        errors=summary.errors,
        input_tokens=summary.input_tokens,
        output_tokens=summary.output_tokens,
        cost=summary.cost,
        total_tokens=summary.total_tokens,
        elapsed=summary.elapsed,
        answer_line=summary.answer_line,
        edited=summary.edited,
        address=summary.address,
        updated=summary.updated,
        last_seq=state.seq,
        live=live,
    )


def fork_answer(driver: FakeDriver, fork: RunLog) -> None:
    """Let the next fork be this one."""

    def answer(_: ForkRun) -> str:
        driver.add(fork)
        return fork.run

    driver.answers[ForkRun] = answer
