"""A process is gone at each named point, five times: what is there then, and how it goes on, is as in a table."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.points import GONE, STEPS, rig_on
from tests.harness import Rig
from tests.store_kit import one, serious
from workbench.driver.commands import ListRuns, ResolveUnknown, ResumeRun
from workbench.events.call import CallFinished, CallStarted, OutcomeUnknown
from workbench.events.edit import ResultEdited
from workbench.events.run import RunForked
from workbench.store import RunRow
from workbench.store.migrations import MIGRATIONS

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class There:
    """What is there of the call with an effect in whose midst the process was gone."""

    started: bool
    finished: bool
    effects: int
    after: int
    """How often it has had its effect when the run has come to its end."""
    is_asked: bool
    """A person is asked what became of it, before the run goes on."""


TABLE = {
    "before started": There(started=False, finished=False, effects=0, after=1, is_asked=False),
    "after started": There(started=True, finished=False, effects=0, after=0, is_asked=True),
    "in the tool": There(started=True, finished=False, effects=0, after=0, is_asked=True),
    "after the effect": There(started=True, finished=False, effects=1, after=1, is_asked=True),
    "before finished": There(started=True, finished=False, effects=1, after=1, is_asked=True),
    "in the transaction": There(started=True, finished=False, effects=1, after=1, is_asked=True),
    "after finished": There(started=True, finished=True, effects=1, after=1, is_asked=False),
}
WHOLE = ("before a fork", "after a fork", "before an edit", "after an edit")
"""Points around the first batch of a fork."""

Die = Callable[[str, int], Path]


@contextmanager
def dying(folder: Path, *mistakes: str) -> Iterator[Die]:
    """Yield what lets a process come to a point, in the way of a number; it returns the folder in which it was."""
    command = [sys.executable, "-m", "tests.faults.points", str(folder / "cache"), *mistakes]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        asked, said = process.stdin, process.stdout
        assert asked is not None
        assert said is not None

        def die(point: str, number: int) -> Path:
            where = folder / f"{point.replace(' ', '-')}-{number}"
            asked.write(f"{number} {where} {point}\n")
            asked.flush()
            code = int(said.readline())
            assert code == (-signal.SIGXFSZ if point == "in a checkpoint" else GONE), (point, number, code)
            return where

        yield die


def effects(folder: Path, step: int) -> int:
    """Return how often the call with an effect of a step had it."""
    file = folder / "effects"
    return file.read_text().split().count(str(step)) if file.exists() else 0


def faults(folder: Path, point: str, number: int) -> list[str]:
    """Say in what a run differs from the table, at once and when it has gone on."""
    there, call, found = TABLE[point], f"{number}.1", list[str]()

    def compare(what: str, is_so: object, expected: object) -> None:
        if is_so != expected:
            found.append(f"{point}, step {number}: {what} is {is_so}, not {expected}")

    with rig_on(folder) as rig:
        (row,) = rig.ask(ListRuns())
        events = [record.event for record in rig.history(row.id).records]
        compare("started", any(isinstance(e, CallStarted) and e.call == call for e in events), there.started)
        compare("finished", any(isinstance(e, CallFinished) and e.call == call for e in events), there.finished)
        compare("effects", effects(folder, number), there.effects)
        rig.ask(ResumeRun(row.id))
        rig.wait_for(lambda: rig.state(row.id).end is not None or rig.state(row.id).reason == "outcome_unknown")
        asked = [e.call for e in (r.event for r in rig.history(row.id).records) if isinstance(e, OutcomeUnknown)]
        compare("asked", asked, [call] if there.is_asked else [])
        if rig.state(row.id).end is None:
            rig.ask(ResolveUnknown(row.id, asked[0], "result", "it is there"))
        state = rig.finish(row.id)
        compare("status", state.status, "completed")
        compare("results", [c.has_result for step in state.steps for c in step.asked_calls], [True] * (2 * STEPS + 1))
        for step in range(STEPS):
            compare(f"effects of {step}", effects(folder, step), there.after if step == number else 1)
        compare("check", unsound(rig), [])
    return found


def unsound(rig: Rig) -> list[str]:
    """Return what is wrong with the database."""
    return serious(rig.driver.run_blocking(rig.driver.store.check()))


@pytest.mark.parametrize("point", TABLE)
def test_a_run_goes_on_as_in_the_table(tmp_path: Path, point: str) -> None:
    """Gone around a call with an effect, in each of five steps: never twice, never lost, asked for where unknown."""
    with dying(tmp_path) as die:
        for number in range(STEPS):
            assert faults(die(point, number), point, number) == []


@pytest.mark.parametrize("point", WHOLE)
def test_a_fork_is_there_whole_or_not_at_all(tmp_path: Path, point: str) -> None:
    """Gone around the first batch of a fork at five places: all of it or nothing, and its parent is as it was."""
    with dying(tmp_path) as die:
        for number in range(STEPS):
            folder = die(point, number)
            with rig_on(folder) as rig:
                rows: list[RunRow] = rig.ask(ListRuns())
                assert repr(rig.raw(rows[-1].id)) == (folder / "parent").read_text()
                assert len(rows) == (2 if point.startswith("after") else 1)
                if len(rows) == 2:
                    own = [r.event for r in rig.history(rows[0].id).records if r.run == rows[0].id]
                    wanted = [RunForked, ResultEdited] if point.endswith("edit") else [RunForked]
                    assert [type(event) for event in own] == wanted
                    rig.ask(ResumeRun(rows[0].id))
                    assert rig.finish(rows[0].id).status == "completed"
                assert unsound(rig) == []


@pytest.mark.parametrize("point", ["in a checkpoint", "in a migration"])
def test_the_file_is_whole_although_it_was_being_rewritten(tmp_path: Path, point: str) -> None:
    """Gone in the middle of moving the log into the file, or of a newer version's tables: all is there as it was."""
    with dying(tmp_path) as die:
        for number in range(STEPS):
            folder = die(point, number)
            with rig_on(folder) as rig:
                (row,) = rig.ask(ListRuns())
                assert repr(rig.raw(row.id)) == (folder / "parent").read_text()
                assert rig.state(row.id).status == "completed"
                assert unsound(rig) == []
            assert one(folder / "runs.db", "PRAGMA user_version") == len(MIGRATIONS)
            assert one(folder / "runs.db", "SELECT count(*) FROM sqlite_master WHERE name LIKE 'later%'") == 0


def test_a_database_that_was_being_made_is_made(tmp_path: Path) -> None:
    """Gone after each thing that is done in making one: the next to come has an empty database."""
    with dying(tmp_path) as die:
        for number in range(5):
            with rig_on(die("in making", number)) as rig:
                assert rig.ask(ListRuns()) == []
                assert unsound(rig) == []
                assert rig.finish(rig.start()).status == "completed"


def test_a_start_that_is_written_late_is_found_out(tmp_path: Path) -> None:
    """A driver that writes that a call started when it has finished differs from the table where it matters."""
    with dying(tmp_path, "late") as die:
        folder = die("after the effect", 2)
        with rig_on(folder) as rig:
            (row,) = rig.ask(ListRuns())
            events = [record.event for record in rig.history(row.id).records]
        assert effects(folder, 2) == 1
        assert not any(isinstance(event, CallStarted) and event.call == "2.1" for event in events)
        assert faults(folder, "after the effect", 2)
