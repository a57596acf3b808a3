"""Commands in any order, at any moment, and deaths: whatever a person presses, the rules of the log hold.

Hypothesis makes up what a person does, and after each command everything is looked at (`any_order`): logs only grow
and have no gaps, a call has one result, an effect is had once, an edit says what it replaced, what was shown is
stored, and what a process believes is the fold of what is stored. At the end every run comes to its own.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.faults.any_order import Process, Watcher, World, help_along, tools_of, was_killed
from tests.faults.engine_run import doubt_nothing
from tests.faults.quiet_loop import QuietLoop, counting
from tests.session_kit import record, written
from workbench.clock import ManualClock
from workbench.debugger import fork
from workbench.driver import recovery
from workbench.driver.commands import (
    AgentOptions,
    AnswerCall,
    ApprovePlan,
    CancelCall,
    Command,
    DecidePermission,
    EditPlan,
    ForkEdits,
    ForkRun,
    ImportFile,
    PauseRun,
    PreviewFork,
    ResolveUnknown,
    ResumeRun,
    Say,
    SkipPlan,
    StartRun,
)
from workbench.driver.feed import Feed
from workbench.driver.forking import Forks, NewFork
from workbench.driver.journal import StoreJournal, recorded
from workbench.events.agent import PlanMode
from workbench.events.base import Recorded
from workbench.events.call import CallFinished, UnknownAnswer
from workbench.events.plan import PlanStep

T = TypeVar("T")
EXAMPLES = 300
PARTS = 4
"""Tests among which the examples are divided, so that they run beside each other."""
STEPS = 40
MOST_RUNS = 12
MOST_PROCESSES = 8
HELP = 200
"""Rounds of a person's help within which all runs end."""
PLANS = st.sampled_from(["off", "auto", "ask"])
UNKNOWN: tuple[UnknownAnswer, ...] = ("rerun", "result", "fail", "unknown")
MEMORY = Path("/dev/shm")
"""A folder that is no disk, where there is one; every tenth example is on a disk all the same."""
NUMBER = st.integers(0, 1_000)
ODDS = st.booleans()
SEPARATELY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


class Person(RuleBasedStateMachine):
    """Presses keys, and pulls the plug. `places` are a folder in memory, one on a disk, and a session file."""

    places: tuple[Path, Path, Path]
    examples = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).examples += 1
        memory, disk, self._strangers = self.places
        self._folder = Path(tempfile.mkdtemp(dir=memory if self.examples % 10 else disk))
        self._world, self._clock, self._loop = World(), ManualClock(), QuietLoop()
        self._tools = tools_of(self._world)
        self._watcher, self._processes, self._has_imported = Watcher(self._world), 0, False
        self._process = self._begin()
        self._process.open()

    def _begin(self) -> Process:
        self._processes += 1
        folder = self._folder / str(self._processes)
        return Process(self._loop, folder, self._world, self._tools, self._clock)

    # What a person does

    @initialize(plan=PLANS)
    def begin(self, plan: PlanMode) -> None:
        """Ask a first question."""
        self.start(plan)

    @rule(plan=PLANS)
    def start(self, plan: PlanMode) -> None:
        """Ask a question."""
        if len(self._runs) < MOST_RUNS:
            self._press(StartRun("What?", AgentOptions(plan=plan)))

    @rule(which=NUMBER)
    def let_one_go(self, which: int) -> None:
        """Let one turn or one of the calls that run side by side come to its end."""
        self._world.let_go(which)
        self._press()

    @rule()
    def let_all_go(self) -> None:
        """Let all of them end at the same moment."""
        self._world.let_go()
        self._press()

    @rule(run=NUMBER, when=st.sampled_from(["now", "step"]), times=st.integers(1, 2))
    def interrupt(self, run: int, when: Literal["now", "step"], times: int) -> None:
        """Pause a run, gently or impatiently."""
        self._press(*[PauseRun(self._run(run), when)] * times)

    @rule(run=NUMBER, only_step=st.booleans(), steps=st.sampled_from([None, 20]))
    def resume(self, run: int, only_step: bool, steps: int | None) -> None:
        """Let a run go on."""
        self._press(ResumeRun(self._run(run), AgentOptions(max_steps=steps), only_step=only_step))

    @rule(run=NUMBER, what=NUMBER, call=NUMBER)
    def decide(self, run: int, what: int, call: int) -> None:
        """Answer what a run waits for, or what it does not."""
        self._press(self._decision(run, what, call))

    @rule(run=NUMBER, call=NUMBER, answers=ODDS)
    def give_up(self, run: int, call: int, answers: bool) -> None:
        """Give up a call in flight, or give its result by hand."""
        name, where = self._open_call(run, call), self._run(run)
        self._press(AnswerCall(where, name, "by hand") if answers else CancelCall(where, name))

    @rule(run=NUMBER, place=NUMBER, edit=NUMBER, call=NUMBER)
    def fork(self, run: int, place: int, edit: int, call: int) -> None:
        """Fork a run somewhere, with an edit or without."""
        self._press(self._fork(run, place, edit, call))

    @rule(run=NUMBER, call=NUMBER, result=st.booleans())
    def edit(self, run: int, call: int, result: bool) -> None:
        """Fork a run at a call, with another result or another input."""
        name, where = self._call(run, call), self._run(run)
        given = ForkEdits(results={name: "edited"}) if result else ForkEdits(inputs={name: {"word": "z"}})
        if len(self._runs) < MOST_RUNS:
            self._press(ForkRun(where, name, given))

    @rule(run=NUMBER, call=NUMBER, first=NUMBER, second=NUMBER)
    def cross(self, run: int, call: int, first: int, second: int) -> None:
        """Decide twice on the same at the same moment, while everything that waits goes on."""
        self._world.let_go()
        self._press(self._decision(run, first, call), self._decision(run, second, call))

    @rule(run=NUMBER)
    def say(self, run: int) -> None:
        """Say something further."""
        if len(self._runs) < MOST_RUNS:
            self._press(Say(self._run(run), "And?"))

    @precondition(lambda self: not self._has_imported)
    @rule()
    def import_file(self) -> None:
        """Read a stranger's session file."""
        self._has_imported = True
        self._press(ImportFile(str(self._strangers)))

    @precondition(lambda self: self._processes < MOST_PROCESSES)
    @rule(turns=st.integers(0, 40), command=st.tuples(NUMBER, NUMBER, NUMBER), is_let_go=ODDS, is_resumed=ODDS)
    def crash(self, turns: int, command: tuple[int, int, int], is_let_go: bool, is_resumed: bool) -> None:
        """Kill the process in the middle of what it was just told, and begin another on what it left."""
        if is_let_go:
            self._world.let_go()
        following = self._begin()
        self._process.die(following.folder, self._decision(*command), turns)
        was_killed(following.database)
        self._follow(following)
        if is_resumed:
            self._press(*map(ResumeRun, self._runs))

    @precondition(lambda self: self._processes < MOST_PROCESSES)
    @rule()
    def leave(self) -> None:
        """Close the workbench, and open it again."""
        self._process.leave()
        self._watcher.look_at_files(self._process)
        following = self._begin()
        shutil.copy(self._process.database, following.database)
        self._follow(following)

    def _follow(self, following: Process) -> None:
        left, self._process = self._process, following
        following.shown |= left.shown
        self._watcher.forget_process()
        following.open()
        self._watcher.look(following)
        following.shown.clear()

    def teardown(self) -> None:
        """Help all runs to their ends, where nothing went wrong, and leave."""
        try:
            if sys.exc_info()[1] is None:
                self._finish()
        finally:
            self._process.leave()
            self._loop.close()
            shutil.rmtree(self._folder)

    def _finish(self) -> None:
        self._world.is_free = True
        self._world.let_go()
        for _ in range(HELP):
            if self._process.do(help_along(self._process)):
                break
        else:
            rows = self._process.do(self._process.session.rows.listed(hidden=False))
            pytest.fail(f"not all runs end: {[(row.id, row.status, row.reason, row.live) for row in rows]}")
        self._watcher.look(self._process)

    # How

    @property
    def _runs(self) -> list[str]:
        return list(self._watcher.logs)

    def _press(self, *commands: Command) -> None:
        self._process.do(self._process.give(*commands))
        self._watcher.look(self._process)

    def _run(self, number: int) -> str:
        return _pick(number, self._runs or ["none"])

    def _call(self, run: int, number: int) -> str:
        return _pick(number, self._watcher.calls.get(self._run(run)) or ["0.0"])

    def _open_call(self, run: int, number: int) -> str:
        return _pick(number, self._watcher.open_calls.get(self._run(run)) or ["0.0"])

    def _decision(self, number: int, what: int, which: int) -> Command:
        run, call = self._run(number), self._open_call(number, which)
        made: Sequence[Callable[[], Command]] = [
            lambda: ApprovePlan(run),
            lambda: SkipPlan(run),
            lambda: EditPlan(run, [PlanStep(action="SEARCH", text="c")]),
            lambda: DecidePermission(run, call, "allow", "run" if which % 2 else "once"),
            lambda: DecidePermission(run, call, "deny"),
            lambda: ResolveUnknown(run, call, _pick(which, UNKNOWN), "so it is"),
            lambda: CancelCall(run, call),
            lambda: AnswerCall(run, call, "by hand"),
            lambda: PauseRun(run),
            lambda: ResumeRun(run),
        ]
        return _pick(what, made)()

    def _fork(self, number: int, place: int, edit: int, which: int) -> Command:
        run, call = self._run(number), self._call(number, which)
        step = call.partition(".")[0]
        where = _pick(place, ["plan", step, f"{step}.turn", call, call, "end", f"seq:{place % 60}"])
        edits = [
            ForkEdits(),
            ForkEdits(results={call: "edited"}),
            ForkEdits(inputs={call: {"word": "z"}}),
            ForkEdits(reruns=(call,)),
            ForkEdits(text="Otherwise.", say="And?"),
            ForkEdits(plan=[PlanStep(action="VERIFY", text="d")]),
            ForkEdits(instructions="Be brief."),
        ]
        is_full = len(self._runs) >= MOST_RUNS
        return (PreviewFork if is_full else ForkRun)(run, where, _pick(edit, edits))


def _pick(number: int, things: Sequence[T]) -> T:
    return things[number % len(things)]


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a session file of somebody else."""
    folder = tmp_path_factory.mktemp("strangers")
    return written(folder, record(folder / "recorded")[0])


@pytest.fixture
def places(tmp_path: Path, strangers: Path) -> Iterator[tuple[Path, Path, Path]]:
    """Return a folder in memory, one on a disk, and the session file."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as memory, counting():
        yield Path(memory), tmp_path, strangers


def press(places: tuple[Path, Path, Path], seed: int | None, how: settings) -> None:
    """Let Hypothesis press keys; the same ones for the same seed."""
    machine = type("AnyOrder", (Person,), {"places": places})
    if seed is not None:
        machine = hypothesis.seed(seed)(machine)
    run_state_machine_as_test(machine, settings=how)


@pytest.mark.parametrize("part", range(PARTS))
def test_commands_in_any_order(places: tuple[Path, Path, Path], part: int) -> None:
    """300 examples of 40 commands, deaths among them, a tenth of them on a disk: after each, every rule holds."""
    press(places, part, settings(SEPARATELY, max_examples=EXAMPLES // PARTS))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_many_commands_in_any_order(places: tuple[Path, Path, Path], part: int) -> None:
    """5,000 others, that nobody has seen before."""
    press(places, None, settings(SEPARATELY, derandomize=False, max_examples=250))


# What is checked above is seen to fail


def _edit_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Forks.write

    async def wrong(forks: Forks, made: Sequence[NewFork]) -> None:
        await write(forks, made)
        where = [(fork.plan.owner, fork.plan.cut.seq) for fork in made]

        def update(connection: sqlite3.Connection) -> None:
            connection.execute("DROP TRIGGER IF EXISTS events_never_update")
            connection.executemany("UPDATE events SET at = at + 1 WHERE run = ? AND seq = ?", where)

        await forks._session.store._write(update)

    monkeypatch.setattr(Forks, "write", wrong)


def _tell_nothing_of_an_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork, "_digest_of", lambda _: "")


def _show_early(monkeypatch: pytest.MonkeyPatch) -> None:
    batches, take = StoreJournal._batches, StoreJournal._take

    def early(journal: StoreJournal, write: Any) -> Any:
        made = batches(journal, write)
        for told in recorded(made[-1]):
            journal._feed.publish(told)
        return made

    def later(journal: StoreJournal, record: Recorded) -> None:
        feed, journal._feed = journal._feed, Feed()
        try:
            take(journal, record)
        finally:
            journal._feed = feed

    monkeypatch.setattr(StoreJournal, "_batches", early)
    monkeypatch.setattr(StoreJournal, "_take", later)


def _doubt_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "loose_ends", recovery.loose_ends)
    doubt_nothing()


def _believe_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fold what is published a little otherwise than what is stored."""
    take = StoreJournal._take

    def wrong(journal: StoreJournal, record: Recorded) -> None:
        take(journal, replace(record, at=record.at + 1) if isinstance(record.event, CallFinished) else record)

    monkeypatch.setattr(StoreJournal, "_take", wrong)


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        (_edit_in_place, "a log only grows"),
        (_tell_nothing_of_an_edit, "an edit says"),
        (_show_early, "what was shown is stored|nothing twice"),
        (_doubt_nothing, "no effect twice"),
        (_believe_otherwise, "what is folded"),
    ],
)
def test_a_program_that_errs_is_found_out(
    places: tuple[Path, Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    mistake: Callable[[pytest.MonkeyPatch], None],
    found: str,
) -> None:
    """A program that changes a log, or errs otherwise, is caught in time, so the examples above can fail."""
    look, seen = Watcher.look, list[str]()

    def noted(watcher: Watcher, process: Process) -> None:
        try:
            look(watcher, process)
        except AssertionError as error:
            seen.append(str(error))
            raise

    mistake(monkeypatch)
    monkeypatch.setattr(Watcher, "look", noted)
    with pytest.raises((AssertionError, Flaky)):  # pressed again, a mistake need not show in the same way
        press(places, 0, settings(SEPARATELY, max_examples=EXAMPLES // PARTS, phases=[Phase.generate]))
    assert any(re.search(found, said) for said in seen), seen
