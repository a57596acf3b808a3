"""Two pictures of a comparison: with room for both runs beside each other, and without."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from tests.builders import ANSWER, CITATIONS, PLAN, Call, RunLog, first_calls
from tests.snapshots.test_pictures import Picture, app_on, once_shown
from tests.tui.fake_driver import FakeDriver
from workbench.clock import ManualClock
from workbench.tui.screens.compare import CompareScreen

OTHER_ANSWER = ANSWER.replace("may not exist on the server that runs the next", "still exists until the restart")


def family(*, done: bool = False) -> tuple[RunLog, RunLog]:
    """Return a run that is done, and a fork with an edited result, done or still on its way."""
    parent = RunLog()
    parent.plan(PLAN)
    parent.step([Call("search_docs", {"query": "pool modes"}, "pgbouncer-config::3 pool_mode\n" * 4)], text="First.")
    parent.step(first_calls(), text="Two separate topics; I search for both at once.")
    cut = parent.state.steps[1].finished_seq or 0
    fork = parent.fork("9c1e0b7744aa21d3", cut, address="1.1", reset={"1.1": "answered"})
    fork.edit_result("1.1", "sql-prepare::0 Prepared statements last until the server is restarted.\n" * 3)
    modes = Call("fetch_doc", {"name": "pgbouncer-config::14"}, "When this is set to a non-zero value\n" * 9, 0.24)
    parent.step(
        [
            Call("search_docs", {"query": "max_prepared_statements"}, "pgbouncer-config::14 the limit\n" * 6, 0.16),
            modes,
        ],
        text="What does the setting change? I read its passage.",
    )
    fork.step(
        [
            Call("search_docs", {"query": "server restart and prepared statements"}, "app-pg-ctl::2 restart", 0.4),
            Call(
                "fetch_doc", {"name": "pgbouncer-config::14"}, "TimeoutError: no answer within 60 s", 0.9,
                is_error=True, outcome="timeout", attempts=(("timeout", 0.3, 0.1),),
            ),
        ],
        text="If they last until a restart, what matters is how long a server connection lives.",
    )  # fmt: skip
    parent.answer(ANSWER, CITATIONS)
    if done:
        fork.answer(OTHER_ANSWER, CITATIONS)
        return parent, fork
    fork.step(
        [
            Call("search_docs", {"query": "server_lifetime"}, "pgbouncer-config::40 server_lifetime", 0.2),
            Call("fetch_doc", {"name": "sql-prepare::0"}, seconds=None, begins=0.05, progress="read 3 of 9 passages"),
        ],
        text="One more look at lifetimes.",
    )
    return parent, fork


def once_compared(*keys: str, place: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what waits for the comparison, presses keys in it, and waits until it stands at a place, such as `2/6`.

    How many differences there are is known once results that look alike have been read, and how far a key scrolls
    once all has its size; one that comes before goes elsewhere.
    """

    def stands_at(pilot: Pilot[Any], place: str) -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, CompareScreen) or screen.compared.alignment.undecided or screen._is_stale:
            return False
        is_laid_out = screen.view.laid_out == screen.view.scrollable_content_region.size
        return is_laid_out and place in "\n".join(strip.text for strip in screen._compositor.render_strips())

    async def wait(pilot: Pilot[Any]) -> None:
        await once_shown()(pilot)
        await pilot.press("c")
        for wanted, pressed in ((f"1/{place.partition('/')[2]}", keys), (place, ())):
            while not stands_at(pilot, wanted):
                await pilot.pause(0.01)
            await pilot.pause(0.1)  # what was said to the parts is drawn
            await pilot.press(*pressed)

    return wait


def test_a_fork_beside_its_parent(snap_compare: Picture) -> None:
    """160×48: what both share folded, where they part, what only follows muted, and the figures below."""
    parent, fork = family()
    app = app_on(FakeDriver(parent, fork, live=[fork.run]), fork.run, fork.at - ManualClock().wall() + 1.2)
    assert snap_compare(app, run_before=once_compared(place="1/8"), terminal_size=(160, 48))


def test_a_comparison_with_little_room(snap_compare: Picture) -> None:
    """80×24: both runs below each other, each line with the name of its side."""
    parent, fork = family(done=True)
    app = app_on(FakeDriver(parent, fork), fork.run)
    assert snap_compare(app, run_before=once_compared("n", place="2/6"), terminal_size=(80, 24))
