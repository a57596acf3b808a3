"""The disk fails at the k-th write of a run, for every k: the run stops in words, and goes on to the same end."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.faults.points import STEPS, rig_on
from tests.harness import Rig
from tests.store_kit import serious
from workbench.driver.commands import ResolveUnknown, ResumeRun
from workbench.driver.feed import Trouble
from workbench.errors import StoreError
from workbench.state.run_state import RunState
from workbench.store import connection
from workbench.store.oslock import beside
from workbench.store.writer import Writer, _Failed, _Write

LAST = 60
WRITES = ("BEGIN", "SAVEPOINT", "INSERT", "UPDATE", "DELETE", "RELEASE", "COMMIT")
Kind = Literal["FULL", "IOERR", "BUSY"]
KINDS: dict[Kind, tuple[int, str]] = {
    "FULL": (sqlite3.SQLITE_FULL, "database or disk is full"),
    "IOERR": (sqlite3.SQLITE_IOERR_WRITE, "disk I/O error"),
    "BUSY": (sqlite3.SQLITE_BUSY, "database is locked"),
}


@dataclass
class Disk:
    """Says which write fails."""

    kind: Kind = "FULL"
    left: int = 0
    """Writes until one fails; none does while it is 0."""
    lasts: bool = False
    """All after it fail, too."""
    gives_up: bool = False
    """SQLite gives up the whole transaction with it, as it may."""
    failed: list[str] = field(default_factory=list)
    stopped: int = 0
    """Runs that it has stopped, or that could not begin."""

    def meet(self, of: sqlite3.Connection, statement: str) -> None:
        """Fail, if this is the write that does."""
        if not self.left or not statement.lstrip().startswith(WRITES):
            return
        self.left -= 1
        if self.left:
            return
        self.left = int(self.lasts)
        self.failed.append(statement.split(None, 1)[0])
        if self.gives_up and of.in_transaction:
            sqlite3.Connection.execute(of, "ROLLBACK")
        code, text = KINDS[self.kind]
        error = sqlite3.OperationalError(text)
        error.sqlite_errorcode = code
        raise error


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return a disk on which every connection that is opened from now on writes."""
    disk = Disk()

    class Failing(connection._JobConnection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            disk.meet(self, statement)
            return super().execute(statement, *values)

        def executemany(self, statement: str, values: Any) -> sqlite3.Cursor:
            disk.meet(self, statement)
            return super().executemany(statement, values)

    monkeypatch.setattr(connection, "_JobConnection", Failing)
    return disk


def outcome(state: RunState, rig: Rig) -> Any:
    """Return what a run came to: its answer, and each call's tool, input and result."""
    calls = [call for step in state.steps for call in step.asked_calls]
    refs = [(call.result.run, call.result.seq) for call in calls if call.result]
    results = rig.driver.run_blocking(rig.driver.store.bodies(refs))
    said = [[getattr(block, "text", "") for block in results[ref]] for ref in refs]
    return state.status, state.answer, [(call.tool, call.input) for call in calls], said


def go(rig: Rig, disk: Disk) -> tuple[str, list[str]]:
    """Start a run whose disk may fail, let the disk work again, and bring the run to its end; say what was wrong."""
    faults: list[str] = []
    rig.seen()
    told = len(rig.changes)

    def told_since() -> list[Trouble]:
        rig.seen()
        return [change for change in rig.changes[told:] if isinstance(change, Trouble)]

    try:
        run = rig.start()
    except StoreError as error:
        run = ""
        faults += wrong_words(str(error))
    else:
        rig.wait_for(lambda: run not in rig.lives and (bool(told_since()) or rig.state(run).status == "completed"))
        for trouble in told_since():
            faults += wrong_words(trouble.message)
            faults += [f"a traceback is shown: {trouble.detail}"] if trouble.detail else []
    disk.left = 0
    disk.stopped += not run or any(trouble.run == run for trouble in told_since())
    if not run:
        run = rig.start()
    elif rig.state(run).status != "completed":
        rig.ask(ResumeRun(run))
    asked: set[str] = set()

    def is_over() -> bool:
        state = rig.state(run)
        for call in state.open_step.asked_calls if state.open_step else ():
            if call.status == "unknown" and call.id not in asked:
                asked.add(call.id)
                rig.ask(ResolveUnknown(run, call.id, "result", "written"))
        return state.end is not None and run not in rig.lives

    rig.wait_for(is_over)
    return run, faults


def troubles(rig: Rig, run: str) -> list[Trouble]:
    """Return what was said to be wrong with a run up to now."""
    rig.seen()
    return [change for change in rig.changes if isinstance(change, Trouble) and change.run == run]


def wrong_words(said: str) -> list[str]:
    """Say what is wrong with a sentence about the disk."""
    is_right = "runs.db" in said and ("cannot be written" in said or "is busy" in said) and "\n" not in said
    return [] if is_right else [f"it is said: {said}"]


def campaign(folder: Path, disk: Disk, kind: Kind, places: range) -> list[str]:
    """Let a run meet a failing write at each of many places; return what is wrong."""
    folder.mkdir()
    faults: list[str] = []
    with rig_on(folder, size=10) as rig:
        right = outcome(rig.finish(rig.start()), rig)
        for place in places:
            (folder / "effects").unlink()
            disk.kind, disk.lasts, disk.gives_up = kind, place % 2 == 0, place % 3 == 0 and kind != "BUSY"
            disk.left = place
            run, found = go(rig, disk)
            if outcome(rig.state(run), rig) != right:
                found.append(f"it comes to {outcome(rig.state(run), rig)}")
            done = (folder / "effects").read_text().split()
            if max(map(done.count, done)) > 1 or len(done) < STEPS - 1:
                found.append(f"its effects were {done}")
            faults += [f"{kind} at {place} ({disk.failed[-1:]}): {fault}" for fault in found]
        faults += serious(rig.driver.run_blocking(rig.driver.store.check()))
    return faults


@pytest.mark.parametrize("kind", KINDS)
def test_the_nth_write_fails(tmp_path: Path, disk: Disk, kind: Kind) -> None:
    """60 places, once or from then on: each run stops with a sentence, and ends as if nothing had been."""
    assert campaign(tmp_path / "data", disk, kind, range(1, LAST + 1)) == []
    assert len(disk.failed) >= LAST
    assert disk.stopped > LAST * 3 // 4, "the others failed beside a run, such as at the row of a list"
    assert {"BEGIN", "INSERT", "COMMIT"} <= set(disk.failed)


def test_an_error_that_is_swallowed_is_found_out(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that takes a failed write for a done one is caught, so the test above can fail."""
    commit = Writer._commit

    async def wrong(writer: Writer, writes: list[_Write]) -> None:
        transaction = writer._transaction

        def swallowed(of: sqlite3.Connection, writes: Any) -> list[Any]:
            try:
                return [None if isinstance(one, _Failed) else one for one in transaction(of, writes)]
            except (sqlite3.Error, StoreError):
                return [None] * len(writes)

        with monkeypatch.context() as patch:
            patch.setattr(writer, "_transaction", swallowed)
            await commit(writer, writes)

    monkeypatch.setattr(Writer, "_commit", wrong)
    monkeypatch.setattr("tests.harness.WAIT", 2.0)
    with pytest.raises(AssertionError, match="not so after"):  # it neither ends nor says why
        campaign(tmp_path / "data", disk, "FULL", range(21, 24))


@contextmanager
def no_more_pages(rig: Rig, _folder: Path) -> Iterator[None]:
    """Let the database have no more pages than it has."""
    database = rig.driver.store._database
    assert database is not None

    def limit(of: sqlite3.Connection) -> None:
        pages = of.execute("PRAGMA page_count").fetchone()[0]
        of.execute(f"PRAGMA max_page_count={pages + 2}")

    rig.driver.run_blocking(database.run(limit))
    yield
    rig.driver.run_blocking(database.run(lambda of: of.execute("PRAGMA max_page_count=1000000") and None))


@contextmanager
def no_longer_files(_rig: Rig, folder: Path) -> Iterator[None]:
    """Let no file of this process grow beyond a little more than the log has."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = beside(folder / "runs.db", "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("fills_up", [no_more_pages, no_longer_files])
def test_a_disk_that_is_full_stops_a_run(tmp_path: Path, fills_up: Any) -> None:
    """SQLite's own errors: the run stops with a sentence, what was shown is stored, and with room it goes on."""
    (folder := tmp_path / "data").mkdir()
    with rig_on(folder) as rig:
        right = outcome(rig.finish(rig.start()), rig)
        with fills_up(rig, folder):
            run = rig.start()
            rig.wait_for(lambda: bool(troubles(rig, run)))  # it is said after the run was let go
            (trouble,) = troubles(rig, run)
            assert wrong_words(trouble.message) == []
            assert "can be resumed" in trouble.message
            shown = [record.seq for record in rig.shown(run)]
            assert shown == list(range(rig.state(run).seq + 1))
            assert 0 < len(shown) < 40
        (folder / "effects").unlink()
        rig.ask(ResumeRun(run))
        rig.wait_for(lambda: rig.state(run).end is not None or rig.state(run).reason == "outcome_unknown")
        for call in rig.state(run).open_step.asked_calls if rig.state(run).open_step else ():  # type: ignore[union-attr]
            if call.status == "unknown":
                rig.ask(ResolveUnknown(run, call.id, "result", "written"))
        assert outcome(rig.finish(run), rig) == right
