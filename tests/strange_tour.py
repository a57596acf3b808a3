"""A tour by keys through every screen and dialog that shows what somebody wrote, on runs that are strange throughout.

The same tours are taken without a terminal and on a real one. A stop says what is pressed, and words of ours that stand
on the screen then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from tests.run_log import RunLog
from tests.strange_results import Deck, strange_child, strange_run
from tests.tui.fake_driver import PREVIEW, FakeDriver, row_of
from workbench.driver.commands import BreakpointSetting, FoundRun, PreviewFork, SearchRuns, SetBreakpoints
from workbench.driver.feed import Draft, Trouble
from workbench.errors import EditRefusedError
from workbench.events.run import Caller
from workbench.store.model import SearchHit

ENDED: Final = "a4f7c2e19b305d68"
PAGES: Final = "d" * 16
LIVE: Final = "b" * 16
CHILD: Final = "c" * 16
RACE: Final = "12ab34cd"
RACERS: Final = ("1" * 16, "2" * 16, "3" * 16)


class Stop(NamedTuple):
    """What is pressed, and what is to be seen then."""

    keys: tuple[str, ...]
    sees: str


def _stop(keys: str, sees: str, times: int = 1) -> Stop:
    return Stop(tuple(keys.split()) * times, sees)


_BACK: Final = "inspector"
TOURS: Final[dict[str, tuple[Stop, ...]]] = {
    ENDED: (
        _stop("2 home", _BACK),
        _stop("down", _BACK, 30),
        _stop("3 pagedown pagedown end", _BACK),
        _stop("2 up up [ [ { ( ) }", "event"),
        _stop("end", _BACK),
        _stop("/", "to the hits"),
        _stop("o enter n n N n", "stay here"),
        _stop("escape", _BACK),
        _stop("F", "Show only some calls"),
        _stop("down down space down space up enter", "filter:"),
        _stop("F", _BACK),
        _stop("i", "response"),
        _stop("space pagedown pagedown end tab space pagedown end", "response"),
        _stop("escape", _BACK),
        _stop("M", "aggregation"),
        _stop("end", "by tool"),
        _stop("escape", _BACK),
        _stop("c", "Compare a4f7"),
        _stop("down", "Compare a4f7"),
        _stop("enter", "another run"),
        _stop("n", "another run", 4),
        _stop("enter pagedown pagedown", "leave"),
        _stop("escape", "another run"),
        _stop("end pageup pageup home enter", "Task"),
        _stop("escape", "another run"),
        _stop("escape", _BACK),
        _stop("2 home down down down down down down e", "The result of call"),
        _stop("pagedown x ctrl+s", "What the fork does"),
        _stop("escape", "The result of call"),
        _stop("escape escape", _BACK),
        _stop("E", "The input of call"),
        _stop("escape", _BACK),
        _stop("f", "Fork a4f7"),
        _stop("shift+tab down down up enter x ctrl+s", "Fork a4f7"),
        _stop("escape escape escape", _BACK),
        _stop("R", "Race of a4f7"),
        _stop("ctrl+n down up", "Race of a4f7"),
        _stop("escape escape", _BACK),
        _stop("1 down down up up", _BACK),
        _stop("r", "Name run"),
        _stop("escape", _BACK),
        _stop("o", "A note on run"),
        _stop("escape", _BACK),
        _stop("#", "Tags of run"),
        _stop("escape", _BACK),
        _stop("X", "Export run"),
        _stop("escape", _BACK),
        _stop("/", "Search over all runs"),
        _stop("p o", "0.1 result"),
        _stop("down down", "0.1 result"),
        _stop("escape", _BACK),
        _stop("b", "Breakpoints"),
        _stop("down down space a", "where a run is to stop"),
        _stop("t o o l enter", "Breakpoints"),
        _stop("escape escape", _BACK),
        _stop("!", "Messages"),
        _stop("down down", "Messages"),
        _stop("escape", _BACK),
        _stop("t", "Themes"),
        _stop("down up escape", _BACK),
        _stop("n", "A new question"),
        _stop("up up", "A new question"),
        _stop("escape", _BACK),
    ),
    PAGES: (
        _stop("2 home", _BACK),
        _stop("pagedown", _BACK, 12),
        _stop("end", _BACK),
        _stop("c", "Compare dddd"),
        _stop("enter", "another run"),
        _stop("pagedown", "another run", 6),
        _stop("escape", _BACK),
        _stop("i", "response"),
        _stop("pagedown", "response", 6),
        _stop("escape", _BACK),
    ),
    LIVE: (
        _stop("2 end up up", _BACK),
        _stop("a", "An unknown outcome"),
        _stop("pagedown", "An unknown outcome"),
        _stop("escape", _BACK),
    ),
    RACERS[0]: (
        _stop("R", "race 12ab34cd"),
        _stop("right right left down pagedown", "race 12ab34cd"),
        _stop("t down down", "race 12ab34cd"),
        _stop("escape", _BACK),
    ),
}
"""The tours, each by the run that is open on it."""


def strange_driver(texts: Sequence[str]) -> FakeDriver:
    """Return a driver with strange runs, and strange answers to everything that is asked on the tours."""
    deck = Deck(texts, at=5)
    half = len(texts) // 2
    ended = strange_run(texts, ENDED)
    pages = strange_run(texts[::-1], PAGES)
    live = strange_run(texts[half:], LIVE, ends=False, child=CHILD)
    child = strange_child(texts[::-1], CHILD, Caller(run=LIVE, call=f"{len(live.state.steps) - 1}.3"))
    racers = [strange_run([*texts, *texts, *texts][number : number + 5], run) for number, run in enumerate(RACERS)]
    driver = FakeDriver(*racers, child, live, pages, ended, live=[LIVE])
    for log in (ended, pages, live, *racers):
        said = {"name": deck.safe(), "note": deck.safe(), "tags": (deck.safe(), deck.safe()), "marked": True}
        driver.remarks[log.run] = said
    _race(driver, deck, racers)
    driver.remarks[ENDED].pop("name")  # the question is shown instead
    driver.breakpoints = tuple(
        BreakpointSetting(deck.safe(), trouble=deck.safe() if number else "") for number in (0, 1)
    )
    driver.preview = replace(PREVIEW, effects=(deck.safe(),), simulated=True, dropped=(deck.safe(),), problems=())
    driver.answers |= _answers(driver, deck)
    return driver


def _race(driver: FakeDriver, deck: Deck, racers: Sequence[RunLog]) -> None:
    rows = []
    for log in racers:
        raced: dict[str, Any] = {"race": RACE, "variant": deck.safe(), "checks": (deck.safe(),)}
        driver.remarks[log.run] |= raced
        rows.append(replace(row_of(log), **raced, is_judged=True, passed=False, why=deck.safe()))
    driver.races[RACE] = rows


def _answers(driver: FakeDriver, deck: Deck) -> dict[type[Any], Any]:
    def find(_: SearchRuns) -> list[FoundRun]:
        rows = {row.id: row for row in driver.rows()}
        hits = tuple(SearchHit(ENDED, 20, "0.1", deck.safe()[:200], "call_finished") for _ in range(3))
        return [FoundRun(rows[ENDED], hits, deck.safe()), FoundRun(rows[LIVE], (), f"#{deck.safe()}")]

    def refuse(_: object) -> Any:
        raise EditRefusedError(deck.safe())

    looks = iter(range(1_000))

    def preview(command: PreviewFork) -> Any:
        return refuse(command) if next(looks) % 3 == 2 else driver.preview

    return {SearchRuns: find, SetBreakpoints: refuse, PreviewFork: preview}


def say_strange_things(driver: FakeDriver, texts: Sequence[str]) -> None:
    """Let what comes by itself come in: words that stream in, and what went wrong."""
    deck = Deck(texts, at=9)
    step = len(driver.logs[LIVE].state.steps) - 1
    driver.feed.publish(Draft(LIVE, step, "step", deck.safe(), deck.safe()))
    for level in ("error", "warning"):
        driver.feed.publish(Trouble(deck.safe(), level=level, detail=deck.safe()))
