"""Runs without a screen: drives one, tells it as it goes on, and says at the end what it needs.

The first Ctrl-C pauses the run, the second leaves at once; the log is safe either way.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any, Self

from workbench.cli.printers import Printer, TextPrinter
from workbench.cli.recording import Recording
from workbench.cli.tree import RunTree
from workbench.cli.waiting import COMPLETED, FAILED, INTERRUPTED, WAITING, exit_code, interrupted_sentence, what_next
from workbench.cli.workplace import Workplace
from workbench.debugger.address import beginning_end
from workbench.driver.commands import (
    AddBreakpoints,
    Command,
    ForkRun,
    OpenedRun,
    OpenRun,
    PauseRun,
    ReadContents,
    ResumeRace,
    ResumeRun,
    Say,
    StartRun,
)
from workbench.driver.driver import Driver
from workbench.driver.feed import Progress, Trouble
from workbench.events.base import Recorded
from workbench.events.call import ResultEvent
from workbench.events.run import RunForked
from workbench.state.fold import fold
from workbench.state.run_state import RunState
from workbench.telemetry.starting import telemetry
from workbench.views.show import answer_lines, ending_lines, short

LOOK_SECONDS = 0.1
"""How long a Ctrl-C can go unnoticed: one that comes just before a wait begins does not end that wait."""
LEAVE_SECONDS = 2.0
"""How long a person waits who pressed Ctrl-C twice."""
_BEGINNINGS = (StartRun, ForkRun, ResumeRun, ResumeRace, Say)
"""Commands after which a run moves."""


class Headless(AbstractContextManager["Headless"]):
    """A driver, whoever is told of its run, and a recording where one was asked for."""

    def __init__(self, place: Workplace, printer: Printer, record: str | None) -> None:
        self._place, self._printer = place, printer
        self._recording = Recording(Path(record).expanduser(), place.database) if record else None
        self._driver = Driver(place.driver_settings())
        self._watched = telemetry(self._driver, place.watching)
        # A SimpleQueue may be filled from a signal handler; an Event may not.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._subscription = self._driver.feed.subscribe(lambda: self._wake.put(None))
        self._pending: list[Recorded] = []
        self._lost: set[str] = set()
        self.told: set[str] = set()
        """Warnings that the person has read already."""
        self._breaks: tuple[str, ...] = ()
        self._presses = 0
        self._is_following = self._is_pausing = False
        self._before: Any = None

    def __enter__(self) -> Self:
        """Open the database; raises `StoreError` where it cannot be used, `UserError` where telemetry cannot."""
        self._watched.__enter__()
        try:
            self._driver.start()
        except BaseException:
            self._watched.__exit__(None, None, None)
            raise
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Pause what runs and let go of it; in a hurry where the person is."""
        closing = threading.Thread(target=self._driver.close, daemon=True)
        closing.start()
        closing.join(LEAVE_SECONDS if self._presses > 1 or kind is KeyboardInterrupt else None)
        self._watched.__exit__(None, None, None)
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._recording is not None:
            self._recording.finish()

    def ask(self, command: Command) -> Any:
        """Give a command and wait for its answer, showing progress meanwhile.

        Ctrl-C gives it up; but once a run moves, the first one is kept for whoever follows it.
        """
        answer = self._driver.submit(command)
        answer.add_done_callback(lambda _: self._wake.put(None))
        while not answer.done():
            self._listen()
            if self._presses > self._is_following and answer.cancel():  # else it was answered meanwhile
                raise KeyboardInterrupt
        answered = answer.result()
        self._is_following |= isinstance(command, _BEGINNINGS)
        return answered

    def wait_out(self, command: Command, stop: Command, tell: Callable[[Recorded], None]) -> bool:
        """Give a command that is answered when long work is over, and tell what happens meanwhile.

        The first Ctrl-C gives `stop`, which brings the work to its end; the second leaves. Returns whether it was
        stopped.
        """
        self._is_following = True
        answer = self._driver.submit(command)
        answer.add_done_callback(lambda _: self._wake.put(None))
        while not answer.done():
            self._listen()
            for record in self._pending:
                tell(record)
            self._pending.clear()
            if self._presses > 1:
                raise KeyboardInterrupt
            if self._presses and not self._is_pausing:
                self._is_pausing = True
                self._driver.submit(stop)
        answer.result()
        return self._is_pausing

    def stop_at(self, rules: Sequence[str]) -> None:
        """Let runs stop at these breakpoints; they end with this command."""
        if rules:
            self._breaks = tuple(setting.rule for setting in self.ask(AddBreakpoints(tuple(rules))))

    def follow(self, opened: OpenedRun, *, upto: int, denies_asks: bool = False) -> int:
        """Tell what happens in a run after event `upto`, until it rests; returns the exit code."""
        if self._recording is not None:
            self._recording.begin(self._driver.feed, opened.run)
        tree = RunTree(self.ask, opened, upto=upto, denies_asks=denies_asks)
        self._is_following = True
        try:
            for record in opened.records:
                self._tell(tree, record)
            self._tell_pending(tree)
            while not tree.is_resting and tree.root not in self._lost:
                self._listen()
                self._obey_presses(tree.root)
                self._tell_pending(tree)
        except KeyboardInterrupt:
            self._printer.notes.say(interrupted_sentence(tree.state, self._place))
            return INTERRUPTED
        return self._end(tree)

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self._presses += 1
        self._wake.put(None)

    def _listen(self) -> None:
        """Wait until something happens, and take it in."""
        with suppress(Empty):
            self._wake.get(timeout=LOOK_SECONDS)
            while True:
                self._wake.get_nowait()
        for change in self._subscription.drain():
            if isinstance(change, Recorded):
                self._pending.append(change)
            elif isinstance(change, Progress):
                self._printer.progress(change)
            elif isinstance(change, Trouble) and change.message not in self.told:
                self._printer.trouble(change)
                if change.run is not None and change.level == "error":
                    self._lost.add(change.run)

    def _obey_presses(self, root: str) -> None:
        """Pause the run at the first Ctrl-C; raise `KeyboardInterrupt` at the second."""
        if self._presses > 1:
            raise KeyboardInterrupt
        if self._presses and not self._is_pausing:
            self._is_pausing = True
            self._driver.submit(PauseRun(root))  # refused only where it came to rest by itself meanwhile

    def _tell_pending(self, tree: RunTree) -> None:
        while self._pending:
            records, self._pending = self._pending, []
            for record in records:
                self._tell(tree, record)

    def _tell(self, tree: RunTree, record: Recorded) -> None:
        for new in tree.take(record):
            whole = self._with_result(new)
            state = tree.fold(whole)
            self._printer.event(whole, self._begun(whole, state), is_child=whole.run != tree.root)

    def _begun(self, record: Recorded, state: RunState) -> RunState:
        """Return the state to tell an event by: that of a fork has the edits which were written together with it."""
        if not isinstance(record.event, RunForked):
            return state
        opened: OpenedRun = self.ask(OpenRun(record.run))
        return fold(opened.records[: beginning_end(opened.records, record.seq) + 1])

    def _with_result(self, record: Recorded) -> Recorded:
        """Return the event with its result, which what is read from the log comes without."""
        event = record.event
        if not isinstance(event, ResultEvent) or event.result or not event.size:
            return record
        contents = self.ask(ReadContents(((record.run, record.seq),)))
        result = contents.get((record.run, record.seq), ())
        return Recorded(record.run, record.seq, record.at, event.model_copy(update={"result": result}))

    def _end(self, tree: RunTree) -> int:
        state, notes = tree.state, self._printer.notes
        if not tree.is_resting:
            return FAILED  # what happened was told as trouble
        if state.end == ("interrupted", "paused"):
            notes.say(interrupted_sentence(state, self._place))
            return INTERRUPTED
        if isinstance(self._printer, TextPrinter):
            if state.told_answer:
                notes.lines([(), *answer_lines(state.told_answer, state.citations, notes.width), ()])
            notes.lines(ending_lines(state, notes.width, waiting=tree.waiting()))
        code = WAITING if tree.waiting() else exit_code(state)
        if code != COMPLETED:
            notes.lines(what_next(tree, self._place, notes.width, self._breaks))
        elif isinstance(self._printer, TextPrinter):
            notes.say(f"look at it with: {self._place.command('open', short(state.run))}", "muted")
        return code
