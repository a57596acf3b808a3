"""Racing by keys: setting a race up, watching it in columns and as a table, stopping, keeping, repeating, exporting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import researched_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, select, stage
from tests.tui.race_kit import RACE, racing_driver, shown_race
from workbench.driver.commands import (
    ForkEdits,
    Label,
    PreviewFork,
    RepeatRace,
    ResumeRace,
    StartedRace,
    StartRace,
    StopRacers,
    Variant,
)
from workbench.driver.feed import RunsChanged
from workbench.errors import EditRefusedError
from workbench.events.library import RunHidden
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.dialogs.help import HelpDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.dialogs.race import RaceDialog
from workbench.tui.screens.compare import CompareScreen
from workbench.tui.screens.race import RaceScreen
from workbench.tui.widgets.race_column import RaceColumn
from workbench.views.selection import Selection

WIDE = (160, 48)


def columns(screen: RaceScreen) -> list[str]:
    """Return the runs that are shown as columns."""
    return [column.run[:4] for column in screen.query(RaceColumn) if column.has_class("-used")]


# Setting it up


async def set_up(acted: Stage) -> RaceDialog:
    """Open the dialog on a call and return it."""
    await select(acted, Selection("call", step=0, call="0.1"))
    await acted.press("R")
    dialog = await acted.opens(RaceDialog)
    assert isinstance(dialog, RaceDialog)
    await acted.until(lambda: dialog.query_one("#editor").has_focus)
    return dialog


async def test_r_races_the_place_under_the_cursor() -> None:
    """Two variants, four runs of each, three at a time, a check: what is typed is what is started, then it is shown."""
    log = researched_run()
    driver = FakeDriver(log)
    driver.answers[StartRace] = lambda _: StartedRace(RACE, ())
    driver.races[RACE] = racing_driver().races[RACE]
    for fork in racing_driver().logs.values():
        driver.logs.setdefault(fork.run, fork)
    async with stage(driver, run=log.run, size=WIDE) as acted:
        dialog = await set_up(acted)
        await acted.press("ctrl+n", "ctrl+a", "backspace")
        editor: Any = dialog.query_one("#editor")
        editor.load_text("nothing was found")
        await acted.press("shift+tab", "shift+tab", "shift+tab", "shift+tab", "shift+tab")
        for field, value in (("repeat", "4"), ("at_once", "3"), ("check", "pattern:found")):
            dialog.query_one(f"#{field}").value = value  # type: ignore[attr-defined]
        await acted.pilot.pause(0)
        await acted.press("ctrl+s")
        edited = Variant("result 0.1", ForkEdits(results={"0.1": "nothing was found"}))
        await acted.gives(driver, [StartRace(log.run, "0.1", (Variant("as it is"), edited), 4, 3, ("pattern:found",))])
        await acted.opens(RaceScreen)


async def test_the_preview_says_what_all_runs_cost() -> None:
    """What is kept, what runs again, and how many runs that makes, before anything is spent."""
    log = researched_run()
    async with stage(FakeDriver(log), run=log.run) as acted:
        await set_up(acted)
        await acted.shows("3 runs, 3 at a time")
        await acted.press("ctrl+n")
        await acted.shows("6 runs, 4 at a time")
        await acted.press("ctrl+r")
        await acted.shows("3 runs, 3 at a time")
        await acted.press("ctrl+r")
        await acted.shows("A race needs at least one variant.")


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("repeat", "many", "'many' does not say how often each runs"),
        ("at_once", "0", "'0' does not say how many run at once"),
        ("check", "good", "'good' is no check"),
        ("place", "somewhere", "'somewhere' is no place"),
    ],
)
async def test_what_is_no_race_is_not_started(field: str, value: str, why: str) -> None:
    """The dialog says what is wrong and stays."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver, run=log.run) as acted:
        dialog = await set_up(acted)
        dialog.query_one(f"#{field}").value = value  # type: ignore[attr-defined]
        await acted.pilot.pause(0)
        await acted.press("ctrl+s")
        await acted.shows(why)
        assert driver.commands == []


class Later:
    """A timer that a test lets ring."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act, self._is_stopped = act, False

    def stop(self) -> None:
        """Never ring."""
        self._is_stopped = True

    def ring(self) -> None:
        """Do it, where it was not stopped."""
        if not self._is_stopped:
            self._act()


async def test_a_variant_that_the_driver_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variant is tried before any fork is made; a preview that was on its way takes no sentence away."""
    log = researched_run()
    driver = FakeDriver(log)

    async with stage(driver, run=log.run) as acted:
        dialog = await set_up(acted)

        def refuse(_: object) -> None:
            raise EditRefusedError("there is no such model")

        driver.answers[PreviewFork] = refuse
        timers: list[Later] = []

        def set_timer(_: float, act: Callable[[], None]) -> Later:
            timers.append(Later(act))
            return timers[-1]

        monkeypatch.setattr(dialog, "set_timer", set_timer)
        dialog._preview_soon()
        await acted.press("ctrl+s")
        await acted.shows("as it is: there is no such model")
        for timer in timers:
            timer.ring()
        await acted.pilot.pause(0)
        assert "as it is: there is no such model" in acted.shown()
        assert acted.dialog is dialog


async def test_escape_starts_nothing() -> None:
    """Leaving the dialog leaves everything as it was."""
    log = researched_run()
    driver = FakeDriver(log)
    async with stage(driver, run=log.run) as acted:
        await set_up(acted)
        await acted.press("escape")
        await acted.closes()
        assert driver.commands == []


# Watching


async def test_runs_stand_side_by_side() -> None:
    """As many columns as fit, each with its variant and its fate in a word; the title says how far the race is."""
    async with stage(racing_driver(), size=WIDE) as acted:
        screen = await shown_race(acted)
        await acted.shows("2/4 done")
        assert columns(screen) == ["1111", "2222", "3333", "4444"]
        for words in ("as it is · 1", "✓ completed", "as it is · 2", "runs", "○ waits its turn", "✓ passes", "✗ fails"):
            await acted.shows(words)


async def test_little_room_shows_two_and_the_arrows_go_through_all() -> None:
    """At 80 columns two runs are seen; the one with the frame is the one that the keys are about."""
    async with stage(racing_driver(), size=(80, 24)) as acted:
        screen = await shown_race(acted)
        assert columns(screen) == ["1111", "2222"]
        await acted.press("right", "right")
        assert columns(screen) == ["2222", "3333"]
        assert screen.current is not None
        assert screen.current.run.startswith("3333")
        await acted.shows("3/4")
        await acted.press("left", "left", "left")
        assert columns(screen) == ["1111", "2222"]


async def test_what_a_run_does_appears_in_its_column() -> None:
    """A run that goes on is drawn as it goes, its neighbours stay as they are."""
    driver = racing_driver()
    async with stage(driver, size=WIDE) as acted:
        screen = await shown_race(acted)
        log = driver.logs["3333cccc00000000"]
        since = len(log.records)
        log.finish("failed", "error", error="the model is gone")
        driver.publish(log, since)
        await acted.shows("✗ failed")
        await acted.shows("3/4 done")
        assert screen.racers[2].fate == "failed"


@pytest.mark.parametrize("key", ["t", "tab"])
async def test_the_table_sums_the_variants_up(key: str) -> None:
    """One key changes to the table with rates, medians and ranges, and back; the arrows go through its runs."""
    async with stage(racing_driver(), size=WIDE) as acted:
        screen = await shown_race(acted)
        await acted.press(key)
        for words in ("variant", "answers", "1✓ 1⏵", "1/1", "21–100 %", "0/1", "fetch_doc", "They do not work"):
            await acted.shows(words)
        await acted.press("down", "down", "up")
        assert screen.current is not None
        assert screen.current.run.startswith("2222")
        await acted.press(key)
        assert not screen.is_table


async def test_one_run_each_is_said_to_prove_nothing() -> None:
    """A table of one sample of each says so, and how to get more."""
    driver = racing_driver()
    driver.races[RACE] = driver.races[RACE][:2]
    async with stage(driver, size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("t")
        await acted.shows("one sample of a model proves nothing")


async def test_runs_that_join_appear() -> None:
    """Repeats that were added, here or elsewhere, come in beside the others."""
    driver = racing_driver()
    rows = driver.races[RACE]
    driver.races[RACE] = rows[:1]
    async with stage(driver, size=WIDE) as acted:
        screen = await shown_race(acted)
        assert columns(screen) == ["1111"]
        driver.races[RACE] = rows
        driver.feed.publish(RunsChanged())
        await acted.until(lambda: len(columns(screen)) == 4)
        await acted.shows("○ waits its turn")
        await acted.shows("2 citations")
        await acted.shows("1 citation ")


# Doing


async def test_enter_opens_a_run_and_the_race_goes_on() -> None:
    """The run is opened in the main screen; nothing is stopped."""
    driver = racing_driver()
    async with stage(driver, size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("right", "enter")
        await acted.closes()
        await acted.until(lambda: acted.watched.run.startswith("2222"))
        assert driver.commands == []


async def test_c_compares_with_another_variant() -> None:
    """The first run of another variant stands beside it, the earlier one on the left; Escape is back at the race."""
    driver = racing_driver()
    async with stage(driver, size=WIDE) as acted:
        race = await shown_race(acted)
        await acted.press("right", "right", "c")
        compared = await acted.opens(CompareScreen)
        assert (compared.a.run[:4], compared.b.run[:4], compared.kept.run[:4]) == ("2222", "3333", "3333")
        await acted.press("escape")
        await acted.until(lambda: acted.app.screen is race)
        assert driver.commands == []


async def test_a_side_of_a_comparison_is_opened_over_the_race() -> None:
    """o shows the run in the main screen, not behind the race from which the comparison was asked for."""
    async with stage(racing_driver(), size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("c")
        await acted.opens(CompareScreen)
        await acted.press("o")
        await acted.closes()
        await acted.until(lambda: acted.watched.run.startswith("2222"))


async def test_escape_leaves_and_the_race_goes_on() -> None:
    """Back to the run that was watched before."""
    driver = racing_driver()
    async with stage(driver, size=WIDE) as acted:
        before = acted.watched.run
        await shown_race(acted)
        await acted.press("escape")
        await acted.closes()
        assert acted.watched.run == before
        assert driver.commands == []


async def test_x_stops_one_that_moves() -> None:
    """Of a run that is over it says so instead."""
    driver = racing_driver()
    async with stage(driver, size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("x")
        assert any("does not run" in notice for notice in acted.notices)
        await acted.press("right", "right", "x")
        await acted.gives(driver, [StopRacers(("3333cccc00000000",))])


async def test_shift_x_stops_the_losers() -> None:
    """All others that move or wait are stopped, in one command; the one with the frame is not."""
    driver = racing_driver()
    async with stage(driver, size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("X")
        await acted.gives(driver, [StopRacers(("3333cccc00000000", "4444dddd00000000"))])


async def test_k_keeps_one_after_a_question() -> None:
    """The others are stopped and hidden, the kept one is opened; n leaves all as they are."""
    driver = racing_driver()
    async with stage(driver, size=WIDE) as acted:
        screen = await shown_race(acted)
        await acted.press("k")
        await acted.opens(ChoiceDialog)
        await acted.shows("3 runs are stopped where they still move, and hidden")
        await acted.press("n")
        await acted.until(lambda: acted.dialog is screen)
        assert driver.commands == []
        await acted.press("k")
        await acted.opens(ChoiceDialog)
        await acted.press("k")
        await acted.closes()
        others = ("2222bbbb00000000", "3333cccc00000000", "4444dddd00000000")
        assert driver.commands == [
            StopRacers(others[1:]),
            *(Label(RunHidden(run=run, hidden=True)) for run in others),
        ]
        await acted.until(lambda: acted.watched.run.startswith("1111"))


async def test_u_shows_hidden_runs_again() -> None:
    """Keeping one is undone by one key, however long ago it was."""
    driver = racing_driver()
    rows = driver.races[RACE]
    driver.races[RACE] = [rows[0], *(replace(row, hidden=True) for row in rows[1:])]
    async with stage(driver, size=WIDE) as acted:
        screen = await shown_race(acted)
        assert columns(screen) == ["1111"]
        await acted.shows("3 hidden, u shows them")
        await acted.shows("Esc leave")
        await acted.press("u")
        await acted.gives(driver, [Label(RunHidden(run=row.id, hidden=False)) for row in rows[1:]])


async def test_a_adds_repeats() -> None:
    """Asks how many more, and refuses what is no number."""
    driver = racing_driver()
    driver.answers[RepeatRace] = lambda _: StartedRace(RACE, ())
    async with stage(driver, size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("a")
        await acted.opens(LineDialog)
        await acted.press("enter")
        await acted.gives(driver, [RepeatRace(RACE, 2)])
        await acted.press("a")
        await acted.opens(LineDialog)
        await acted.press("backspace", "x", "enter")
        await acted.until(lambda: any("'x' is no number of runs" in notice for notice in acted.notices))


async def test_space_lets_a_race_go_on() -> None:
    """Those that were stopped or have not begun are driven again."""
    driver = racing_driver()
    driver.answers[ResumeRace] = lambda _: ("4444dddd00000000",)
    async with stage(driver, size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("space")
        await acted.gives(driver, [ResumeRace(RACE)])
        await acted.until(lambda: any("1 run is on their way again" in notice for notice in acted.notices))


async def test_code_of_a_race_from_before_is_trusted_only_after_a_question() -> None:
    """A check that calls Python is named in full, and is called only when the person says that it is theirs."""
    rule = "function:/home/me/check.py:good"
    driver = racing_driver(checks=(rule,))
    driver.answers[ResumeRace] = lambda _: ()
    async with stage(driver, size=WIDE) as acted:
        screen = await shown_race(acted, is_trusted=False)
        await acted.press("space")
        await acted.opens(ChoiceDialog)
        await acted.shows(rule)
        await acted.press("n")
        await acted.until(lambda: acted.dialog is screen)
        assert driver.commands == []
        await acted.press("space")
        await acted.opens(ChoiceDialog)
        await acted.press("t")
        await acted.gives(driver, [ResumeRace(RACE, checks=(rule,))])


@pytest.mark.parametrize(("name", "begins"), [("race.csv", "race,run,variant"), ("race.md", f"# Race {RACE}")])
async def test_e_writes_a_file_by_its_end(tmp_path: Path, name: str, begins: str) -> None:
    """CSV or Markdown; a file that is there is overwritten only after a question."""
    path = tmp_path / name
    async with stage(racing_driver(), size=WIDE) as acted:
        screen = await shown_race(acted)

        async def export() -> None:
            await acted.press("e")
            dialog = await acted.opens(LineDialog)
            dialog.query_one("#line").value = str(path)
            await acted.press("enter")

        await export()
        await acted.until(path.exists)
        assert path.read_text("utf-8").startswith(begins)
        path.write_text("mine")
        await export()
        await acted.opens(ChoiceDialog)
        await acted.press("o")
        await acted.opens(LineDialog)
        await acted.press("escape")
        await acted.until(lambda: acted.dialog is screen)
        assert path.read_text() == "mine"
        await export()
        await acted.opens(ChoiceDialog)
        await acted.press("r")
        await acted.until(lambda: path.read_text("utf-8").startswith(begins))


@pytest.mark.parametrize(
    ("name", "why"), [("race.txt", "ends neither in .csv nor in .md"), ("nowhere/race.md", "cannot be written")]
)
async def test_e_says_why_a_file_cannot_be(tmp_path: Path, name: str, why: str) -> None:
    """Another end, or a folder that is not there."""
    async with stage(racing_driver(), size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("e")
        dialog: Any = await acted.opens(LineDialog)
        dialog.query_one("#line").value = str(tmp_path / name)
        await acted.press("enter")
        await acted.until(lambda: any(why in notice for notice in acted.notices))


async def test_question_mark_shows_the_keys() -> None:
    """The help is the same one as everywhere, and tells the keys of a race."""
    async with stage(racing_driver(), size=WIDE) as acted:
        await shown_race(acted)
        await acted.press("?")
        await acted.opens(HelpDialog)


async def test_r_on_a_run_of_a_race_opens_it_again() -> None:
    """After a restart, too: a run knows the race it is in; the same key offers another one from here."""
    driver = racing_driver()
    driver.remarks = {row.id: {"race": RACE, "variant": row.variant} for row in driver.races[RACE]}
    async with stage(driver, run="1111", size=WIDE) as acted:
        await acted.press("R")
        await acted.opens(ChoiceDialog)
        await acted.press("o")
        await acted.opens(RaceScreen)
        await acted.press("escape")
        await acted.closes()
        await acted.press("R")
        await acted.opens(ChoiceDialog)
        await acted.press("n")
        await acted.opens(RaceDialog)
