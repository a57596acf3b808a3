"""`--record`: what a driver publishes goes to a session file as it happens, beside whoever else watches.

It follows the feed on a thread of its own, so that neither the screen nor the driver waits for the file. What it needs
of earlier events it reads from the database, and at the end once more, so that nothing is missing.
"""

from __future__ import annotations

import threading
from pathlib import Path
from queue import SimpleQueue

from workbench.cli.reading import with_store
from workbench.driver.feed import Feed
from workbench.driver.transfer import runs_to_export
from workbench.errors import UserError
from workbench.events.base import Recorded
from workbench.events.codec import body_json, head_json, whole_json
from workbench.events.run import RunForked, RunStarted
from workbench.interchange.recorder import SessionRecorder
from workbench.interchange.session import SessionRun, StoredEvent


class Recording:
    """Records runs from `begin` to `finish`: those named, and the subagents and forks of these."""

    def __init__(self, file: Path, database: Path) -> None:
        """Raise `SessionFileError` where `file` is something else that should not be lost."""
        self._recorder = SessionRecorder(file)
        self._database = database
        self._runs: set[str] = set()
        self._takes_new = False
        self._wake: SimpleQueue[bool] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._error: UserError | None = None

    def begin(self, feed: Feed, *runs: str) -> None:
        """Follow a feed; record `runs`, or where none is named every run that a person starts."""
        self._runs.update(runs)
        self._takes_new = not runs
        self._subscription = feed.subscribe(lambda: self._wake.put(True))
        self._thread = threading.Thread(target=self._follow, name="workbench-recording", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Record what is missing, once the driver is closed; raises `SessionFileError` where that was not possible."""
        if self._thread is None:
            return
        self._subscription.close()
        self._wake.put(False)
        self._thread.join()
        self._thread = None
        if self._error is not None:
            raise self._error
        for run in self._runs:
            self._catch_up(run)
        self._recorder.close()

    def _follow(self) -> None:
        try:
            while self._wake.get():
                for change in self._subscription.drain():
                    if isinstance(change, Recorded):
                        self._take(change)
        except UserError as error:
            self._error = error

    def _take(self, record: Recorded) -> None:
        if record.run not in self._runs and not self._belongs(record):
            return
        self._runs.add(record.run)
        if not self._recorder.knows(record.run):
            self._catch_up(record.run)
        text = whole_json(head_json(record.event), body_json(record.event))
        self._recorder.add(record.run, StoredEvent(record.seq, record.at, text))

    def _belongs(self, record: Recorded) -> bool:
        event = record.event
        if isinstance(event, RunStarted):
            return self._takes_new if event.caller is None else event.caller.run in self._runs
        if isinstance(event, RunForked):
            above = {event.parent, event.made_from, event.caller.run if event.caller else ""}
            return bool(above & self._runs)
        return False

    def _catch_up(self, run: str) -> None:
        """Record what the database has of a run and of all that it needs."""
        runs: list[SessionRun] = with_store(self._database, lambda store: runs_to_export(store, run))
        for each in runs:
            self._recorder.add_run(each)
