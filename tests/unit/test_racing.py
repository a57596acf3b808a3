"""Races: forks of one moment, a few at a time, judged when they are over, stopped together, opened again later."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.race_kit import Track, edited
from workbench.driver.commands import (
    AddBreakpoints,
    AgentOptions,
    AwaitRace,
    ForkEdits,
    Label,
    ListRuns,
    OpenRace,
    StartRace,
    StopRacers,
    Variant,
)
from workbench.driver.feed import Progress, Trouble
from workbench.errors import ModelNotFoundError, UserError
from workbench.events.agent import ModelParameters
from workbench.events.base import Recorded
from workbench.events.library import RunHidden
from workbench.events.run import RunResumed
from workbench.state.fold import apply, fold


def test_variants_of_one_moment_run_and_differ(tmp_path: Path) -> None:
    """Each variant is a fork of the same place with its own edit, named by the variant, and answers for itself."""
    with Track(tmp_path) as track:
        before = track.rig.raw(track.run)
        cold = Variant("cold", ForkEdits(reruns=("0.1",), parameters={"temperature": 0.0}))
        race, runs = track.start(edited("nothing", "no b"), Variant("other model", ForkEdits(model="other")), cold)
        track.ask(AwaitRace(race))
        answers = [track.rig.state(run).answer for run in runs]
        assert answers == [
            "scripted None: found a, no b, found c",
            "other None: found a, found b, found c",
            "scripted 0.0: found a, found b, found c",
        ]
        rows = track.rows(race)
        assert [rows[run].variant for run in runs] == ["nothing", "other model", "cold"]
        assert {row.name for row in rows.values()} == {"nothing", "other model", "cold"}
        assert {row.made_from for row in rows.values()} == {track.run}
        assert track.rig.raw(track.run) == before
        agent = track.rig.state(runs[2]).agent
        assert agent is not None
        assert agent.parameters == ModelParameters(temperature=0.0)


def test_only_so_many_run_at_once(tmp_path: Path) -> None:
    """The rest waits for its turn, and the next begins when one comes to its end."""
    with Track(tmp_path, gated=True) as track:
        race, runs = track.start(repeat=5, at_once=2)
        track.wait_for_gates(2)
        assert len(track.gates) == 2
        assert sum(row.live for row in track.rows(race).values()) == 2
        track.open_gates(1)
        track.wait_for_gates(3)
        assert len(track.gates) == 3
        track.is_gated = False
        track.open_gates(0, 2)
        track.ask(AwaitRace(race))
        assert {track.rig.state(run).status for run in runs} == {"completed"}


def test_progress_is_told(tmp_path: Path) -> None:
    """How many are done of how many is published from the first to the last."""
    with Track(tmp_path) as track:
        race, _ = track.start(repeat=3, at_once=1)
        track.ask(AwaitRace(race))
        track.rig.seen()
        told = [one for one in track.rig.changes if isinstance(one, Progress) and one.label == f"race {race}"]
        assert [one.done for one in told] == sorted(one.done for one in told)
        assert (told[0].done, told[0].total) == (0, 3)
        assert (told[-1].done, told[-1].total) == (3, 3)


@pytest.mark.parametrize(
    ("variants", "options", "error", "why"),
    [
        (
            (edited("a", "x"), Variant("b", ForkEdits(model="nobody"))),
            {},
            UserError,
            "variant 'b': there is no model 'nobody'",
        ),
        (
            (edited("a", "x"), Variant("b", ForkEdits(results={"7.0": "x"}))),
            {},
            UserError,
            "variant 'b': the run has no step 7",
        ),
        ((edited("a", "x"), edited("a", "y")), {}, UserError, "a name of its own"),
        ((edited("a", "x"),), {"repeat": 101}, UserError, "at most 100"),
        ((edited("a", "x"),), {"at_once": 0}, UserError, "0 cannot run at once"),
        ((edited("a", "x"),), {"checks": ("pattern:(",)}, UserError, "cannot be read"),
        ((edited("a", "x"),), {"checks": ("function:nowhere.py:f",)}, UserError, "there is no file 'nowhere.py'"),
        ((edited("a", "x"),), {"checks": ("judge[nobody]:x",)}, ModelNotFoundError, "nobody"),
    ],
)
def test_a_race_that_cannot_be_run_writes_nothing(
    tmp_path: Path, variants: tuple[Variant, ...], options: dict[str, object], error: type[Exception], why: str
) -> None:
    """One variant, number or check that is refused refuses the whole race: no fork is left half there."""
    with Track(tmp_path) as track:
        with pytest.raises(error) as refused:
            track.ask(StartRace(track.run, "0.1", variants, **options))  # type: ignore[arg-type]
        assert why in str(refused.value)
        assert [row.id for row in track.ask(ListRuns(hidden=True))] == [track.run]


def test_losers_are_stopped_and_the_line_goes_home(tmp_path: Path) -> None:
    """What runs is paused, what waits never begins, and one that is not named goes on to its end."""
    with Track(tmp_path, gated=True) as track:
        race, runs = track.start(repeat=4, at_once=2)
        track.wait_for_gates(2)
        going = [run for run, row in track.rows(race).items() if row.live]
        track.ask(StopRacers(tuple(run for run in runs if run != going[0])))
        track.rig.wait(going[1], lambda state: state.end is not None)
        track.open_gates(0, 1)
        track.ask(AwaitRace(race))
        ends = {run: track.rig.state(run).end for run in runs}
        assert ends[going[0]] == ("completed", "answered")
        assert ends[going[1]] == ("interrupted", "paused")
        assert [ends[run] for run in runs if run not in going] == [None, None]
        assert len(track.gates) == 2


def test_a_race_is_opened_and_gone_on_with_after_a_restart(tmp_path: Path) -> None:
    """What belongs to a race is in the database: those that had not begun, and the one that was stopped, go on."""
    with Track(tmp_path, gated=True) as track:
        race, runs = track.start(edited("x", "no b"), repeat=3, at_once=1, checks=("pattern:found c",))
        track.wait_for_gates(1)
        root = track.run
    with Track(tmp_path) as track:
        opened = track.ask(OpenRace(runs[1]))
        assert opened.race == race
        assert [row.id for row in opened.rows] == list(runs)
        assert [row.checks for row in opened.rows] == [("pattern:found c",)] * 3
        assert set(track.go_on(race)) == set(runs)
        track.ask(AwaitRace(race))
        assert {track.rig.state(run).status for run in runs} == {"completed"}
        assert {row.passed for row in track.rows(race).values()} == {True}
        assert track.go_on(race) == ()
        assert {row.made_from for row in track.rows(race).values()} == {root}


def test_the_time_in_the_line_is_not_the_runs_own(tmp_path: Path) -> None:
    """A fork that waited for its turn has not used up its time limit."""
    with Track(tmp_path) as track:
        _, (run,) = track.start(drive=False)
        records = track.rig.history(run).records
        state = fold(records)
        apply(state, Recorded(run, state.seq + 1, state.at + 3600, RunResumed()))
        assert state.driven_seconds < 1


def test_more_of_the_same_begins_as_the_first_began(tmp_path: Path) -> None:
    """Repeats have the place and the edits of the variant they repeat, whatever became of it."""
    with Track(tmp_path) as track:
        race, runs = track.start(edited("x", "no b"), edited("y", "b, twice"), checks=("pattern:twice",))
        track.ask(AwaitRace(race))
        asked = len(track.rig.model.requests)
        more = track.repeat(race, repeat=2)
        track.ask(AwaitRace(race))
        assert len(track.rig.model.requests) == asked + 4  # each answers for itself
        rows = track.rows(race)
        assert [rows[run].variant for run in (*runs, *more)] == ["x", "y", "x", "x", "y", "y"]
        assert track.rig.state(more[0]).answer == track.rig.state(runs[0]).answer
        assert [rows[run].passed for run in more] == [False, False, True, True]
        assert track.rig.state(more[0]).own_edits == track.rig.state(runs[0]).own_edits


def test_a_hidden_run_stays_out_of_the_line(tmp_path: Path) -> None:
    """A loser that was put away is not driven when the race goes on."""
    with Track(tmp_path) as track:
        race, runs = track.start(repeat=2, drive=False)
        track.ask(Label(RunHidden(run=runs[0], hidden=True)))
        assert track.go_on(race) == (runs[1],)
        track.ask(AwaitRace(race))
        assert track.rows(race)[runs[0]].hidden


def test_a_judge_is_a_run_of_its_own(tmp_path: Path) -> None:
    """Its words and its cost are in the log; lists leave it out, and `@last` is not it."""
    with Track(tmp_path) as track:
        race, runs = track.start(
            edited("x", "no b"), Variant("as it is", ForkEdits(reruns=("0.1",))), checks=("judge[other]:It found b.",)
        )
        track.ask(AwaitRace(race))
        rows = track.rows(race)
        assert [(rows[run].passed, rows[run].why) for run in runs] == [(False, "It did not."), (True, "It found b.")]
        (judge,) = rows[runs[0]].judges
        state = track.rig.state(judge)
        assert state.agent is not None
        assert (state.agent.model, state.agent.tools, state.total_usage.total_tokens) == ("other", (), 15)
        assert judge not in [row.id for row in track.ask(ListRuns())]


def test_a_breakpoint_does_not_stop_a_judge(tmp_path: Path) -> None:
    """Nobody watches a judge, so it comes to its verdict whatever the person's breakpoints say of runs."""
    with Track(tmp_path) as track:
        track.ask(AddBreakpoints((f"diverge:{track.run}",)))
        race, (run,) = track.start(checks=("judge:It found b.",))
        track.ask(AwaitRace(race))
        row = track.rows(race)[run]
        assert (row.status, row.passed, row.why) == ("completed", True, "It found b.")


def test_a_function_of_the_persons_own_judges(tmp_path: Path) -> None:
    """A Python function named by the person gets the answer; what goes wrong in it is told and decides nothing."""
    file = tmp_path / "own.py"
    file.write_text(
        "def short(answer): return len(answer) < 5\n"
        "def broken(answer): return answer.nothing\n"
        "def leaves(answer): raise SystemExit(3)\n"
    )
    found = {}
    with Track(tmp_path / "db") as track:
        for name in ("short", "broken", "leaves"):
            race, (run,) = track.start(checks=(f"function:{file}:{name}",))
            track.ask(AwaitRace(race))
            row = track.rows(race)[run]
            found[name] = (row.is_judged, row.passed, row.why)
        with pytest.raises(UserError, match="has no function 'long'"):
            track.start(checks=(f"function:{file}:long",))
    assert found["short"] == (True, False, "")
    assert found["broken"][1] is None
    assert "AttributeError" in found["broken"][2]
    assert found["leaves"][1] is None
    assert "wanted to end the program" in found["leaves"][2]


def test_code_that_only_a_database_names_is_not_called(tmp_path: Path) -> None:
    """After a restart a function has to be named again by the person before it is trusted."""
    file = tmp_path / "own.py"
    file.write_text("def good(answer): return True\n")
    rule = f"function:{file}:good"
    with Track(tmp_path / "db") as track:
        race, _ = track.start(checks=(rule,), drive=False)
    with Track(tmp_path / "db") as track:
        with pytest.raises(UserError, match="calls Python code that only this database names"):
            track.go_on(race)
        track.go_on(race, checks=(rule,))
        track.ask(AwaitRace(race))
        assert {row.passed for row in track.rows(race).values()} == {True}


def test_a_pattern_that_never_ends_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern that backtracks for ever is given up, and its answer has neither passed nor failed."""
    monkeypatch.setattr("workbench.driver.checking.PATTERN_SECONDS", 0.3)
    with Track(tmp_path) as track:
        race, (run,) = track.start(edited("x", "a" * 60), checks=("pattern:(a+)+[$]",))
        track.ask(AwaitRace(race))
        row = track.rows(race)[run]
        assert (row.is_judged, row.passed) == (True, None)
        assert "the pattern took more than" in row.why


def test_a_run_without_an_answer_fails_its_check(tmp_path: Path) -> None:
    """Leaving out those that gave up would flatter a variant."""
    with Track(tmp_path) as track:
        limited = Variant("one step", ForkEdits(options=AgentOptions(max_steps=1)))
        race, (run,) = track.start(limited, checks=("pattern:x",))
        track.ask(AwaitRace(race))
        row = track.rows(race)[run]
        assert row.reason == "step_limit"
        assert (row.passed, row.why) == (False, "it gave no answer")


def test_a_race_whose_model_cannot_be_asked_is_refused_whole(tmp_path: Path) -> None:
    """A lost key is said once and nothing is written; forks that are not to go on need none."""
    with Track(tmp_path) as track:
        race, runs = track.start(repeat=1, drive=False)
        del track.rig.models["scripted"]
        rows = [row.id for row in track.ask(ListRuns(hidden=True))]
        for held in (False, True):
            with pytest.raises(UserError, match="variant 'as it is': there is no model 'scripted'"):
                track.start(repeat=2, held=held)
        with pytest.raises(ModelNotFoundError, match="'scripted'"):
            track.repeat(race)
        with pytest.raises(ModelNotFoundError, match="'scripted'"):
            track.go_on(race)
        assert [row.id for row in track.ask(ListRuns(hidden=True))] == rows
        track.rig.seen()
        assert not [one for one in track.rig.changes if isinstance(one, Trouble)]
        assert track.rig.kinds(runs[0])[-1] == "run_forked"
        assert len(track.start(drive=False)[1]) == 1


def test_held_runs_wait_for_the_word(tmp_path: Path) -> None:
    """A person can be told something before anything is spent."""
    with Track(tmp_path) as track:
        race, runs = track.start(repeat=2, held=True)
        assert {track.rig.state(run).end for run in runs} == {None}
        assert not any(row.live for row in track.rows(race).values())
        assert set(track.go_on(race)) == set(runs)
        track.ask(AwaitRace(race))
        assert {track.rig.state(run).status for run in runs} == {"completed"}
