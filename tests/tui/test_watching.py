"""What the screen knows of a run is the fold of its log, whatever order things arrive in."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.builders import forked_run, live_run, researched_run, subagents_run
from tests.tui.fake_driver import FakeDriver
from workbench.driver.commands import OpenedRun
from workbench.driver.feed import Draft, Progress, RunsChanged, Trouble
from workbench.events.base import Recorded
from workbench.state.fold import fold
from workbench.tui.bridge import Bridge
from workbench.tui.watching import Follower, Watched
from workbench.views.selection import Selection


def watched_run(log_records: Iterable[Recorded], run: str, **flags: bool) -> Watched:
    """Return a run that was opened with all its records."""
    watched = Watched(run)
    watched.open_as(OpenedRun(run, tuple(log_records), live=flags.get("live", False), mine=flags.get("mine", False)))
    return watched


def test_what_arrives_while_the_log_is_read_is_kept() -> None:
    """Events that were published before the log was read enter once, in order, and not twice."""
    log = live_run()
    follower = Follower(log.run)
    for record in log.records[4:9]:
        assert not follower.take(record)
    follower.open(log.records[:7])
    assert follower.history.live == fold(log.records[:9])
    assert not follower.take(log.records[3])
    assert follower.take(log.records[9])


def test_a_gap_asks_for_the_log_again() -> None:
    """An event that does not follow is never folded; reading the log heals it."""
    log = live_run()
    follower = Follower(log.run)
    follower.open(log.records[:5])
    assert not follower.take(log.records[7])
    assert [follower.has_gap, follower.history.live.seq] == [True, 4]
    follower.open(log.records[:8])
    assert [follower.has_gap, follower.history.live] == [False, fold(log.records[:8])]


def test_the_playhead_shows_the_fold_up_to_there() -> None:
    """Wherever the playhead stands, the state is that of the log's beginning."""
    log = researched_run()
    watched = watched_run(log.records, log.run)
    last = log.state.seq
    for _ in range(3):
        watched.move(-1)
    assert watched.position == last - 3
    assert watched.state == fold(log.records[: last - 2])
    watched.move(-1000)
    assert watched.position == 0
    watched.move_to(last)
    assert (watched.playhead, watched.state is watched.history.live) == (None, True)


def test_the_playhead_moves_by_steps() -> None:
    """Braces go from one end of a step to the next, and stop at both ends of the run."""
    log = researched_run()
    watched = watched_run(log.records, log.run)
    places = []
    while watched.position > 0:
        watched.move_steps(-1)
        places.append(watched.position)
    assert places == [log.state.steps[1].before_seq, log.state.steps[0].before_seq, 0]
    watched.move_steps(1)
    assert watched.position == log.state.steps[0].before_seq


def test_words_that_stream_are_shown_until_the_turn_is_there() -> None:
    """A draft belongs to the turn that streams, is gone with it, and is never part of the past."""
    log = live_run()
    turn = next(record.seq for record in log.records if record.event.kind == "turn_finished" and record.seq > 5)
    watched = watched_run(log.records[:turn], log.run, live=True)
    step = len(watched.state.steps) - 1
    watched.take_draft(Draft(log.run, step, "step", "Two sep", ""))
    assert watched.shown_drafts[step].text == "Two sep"
    watched.playhead = 3
    assert not watched.shown_drafts
    watched.playhead = None
    watched.take(log.records[turn])
    assert not watched.shown_drafts
    watched.take_draft(Draft(log.run, step, "step", "too late", ""))
    assert not watched.shown_drafts


def test_subagents_are_shown_as_of_the_same_moment() -> None:
    """With the playhead in the past, a subagent is what it was then."""
    log, children = subagents_run(done=True)
    watched = watched_run(log.records, log.run)
    for child in children:
        watched.children[child.run].open(child.records)
    assert all(state.end is not None for state in watched.shown_children.values())
    started = next(record.seq for record in log.records if record.event.kind == "subagent_started")
    watched.playhead = started
    assert all(state.end is None for state in watched.shown_children.values())


async def test_nothing_published_while_a_run_is_opened_is_lost() -> None:
    """The screen and the log agree even when the run goes on between the question and the answer."""
    log = live_run()
    driver = FakeDriver(log, live=[log.run])
    bridge = Bridge(driver)
    records = log.records
    log.records = records[:10]

    def go_on() -> None:
        for record in records[8:]:
            driver.feed.publish(record)
        bridge.pump()

    driver.after_ask = go_on
    watched = await bridge.watch(log.run)
    assert watched.history.live == fold(records)


async def test_a_thousand_changes_are_one() -> None:
    """However much was published, one look takes all of it in and says once what is to be drawn."""
    log = researched_run()
    driver = FakeDriver(log)
    bridge = Bridge(driver)
    await bridge.watch(log.run)
    for number in range(1000):
        driver.feed.publish(RunsChanged())
        driver.feed.publish(Progress("indexing", number, 1000))
    driver.feed.publish(Trouble("the disk is full"))
    changes = bridge.pump()
    assert changes.runs
    assert [trouble.message for trouble in changes.troubles] == ["the disk is full"]
    assert bridge.progress["indexing"].done == 999
    driver.feed.publish(Progress("indexing", 1000, 1000))
    bridge.pump()
    assert not bridge.progress
    assert not bridge.pump()


async def test_subagents_are_read_when_they_are_first_heard_of() -> None:
    """A subagent that began before the screen looked is read from the log, then followed."""
    log, children = subagents_run()
    driver = FakeDriver(log, *children, live=[log.run])
    bridge = Bridge(driver)
    watched = await bridge.watch(log.run)
    unread = bridge.pump().reread
    assert {follower.run for follower in unread} == {child.run for child in children}
    for follower in unread:
        await bridge.read(follower)
    assert not bridge.pump().reread
    assert watched.shown_children[children[0].run] == children[0].state


async def test_results_are_read_once() -> None:
    """The blocks of a result are asked for when they are looked at, and then known."""
    log = forked_run()
    driver = FakeDriver(log)
    bridge = Bridge(driver)
    call = log.state.call("0.1")
    assert call is not None
    assert "until the server is restarted" in await bridge.result_text(call)
    driver.logs.clear()
    assert "until the server is restarted" in await bridge.result_text(call)
    assert call.result is not None
    assert bridge.known_content((call.result.run, call.result.seq)) is not None


@pytest.mark.parametrize("live", [True, False])
def test_a_run_without_a_driver_is_stranded(live: bool) -> None:
    """A run whose log stops in mid-air and that nobody drives is shown as interrupted, not as running."""
    log = live_run()
    watched = watched_run(log.records, log.run, live=live, mine=live)
    assert watched.is_stranded is not live
    assert watched.is_moving is live


def test_what_is_not_there_yet_is_not_selected() -> None:
    """A thing of the end is nothing in the past."""
    log = researched_run()
    watched = watched_run(log.records, log.run)
    things = [Selection("call", step=0, call="0.1"), Selection("step", step=1), Selection("plan")]
    assert [watched.has(thing) for thing in things] == [True, True, True]
    watched.move_to(0)
    assert [watched.has(thing) for thing in things] == [False, False, False]
    assert watched.has(Selection("message", index=0))
