"""Many runs at once, each with its own watcher: nobody is told what he did not ask for."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.session_kit import look
from tests.store_kit import said
from workbench import Agent, Store
from workbench.driver.feed import Change, Feed, Progress, RunsChanged, Subscription, Trouble
from workbench.driver.live import LiveRun
from workbench.events.base import Event, Recorded
from workbench.events.request import Request
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.store import reader
from workbench.store.store import Store as Database


def event(run: str) -> Recorded:
    """Return an event of a run."""
    return Recorded(run, 0, 1.0, said("hello"))


def test_who_watches_a_run_is_told_of_it_alone() -> None:
    """Of its events and its troubles, and of those of every run that was named; others do not even enter its queue."""
    feed = Feed()
    everything, one = feed.subscribe(), feed.subscribe()
    changes: list[Change] = [event("aaaa"), event("bbbb"), Trouble("lost", run="aaaa"), Trouble("full"), RunsChanged()]
    changes.append(Progress("indexing", 1, 2))
    one.only("aaaa")
    for change in changes:
        feed.publish(change)
    assert one.drain() == [changes[0], changes[2]]
    assert everything.drain() == changes
    one.only("bbbb")
    one.only("bbbb")
    for change in changes:
        feed.publish(change)
    assert one.drain() == changes[:3]


def test_what_came_before_it_was_narrowed_stays() -> None:
    """Nothing is lost between the opening of a watcher and the moment at which its run is known."""
    feed = Feed()
    one = feed.subscribe()
    feed.publish(event("aaaa"))
    one.only("aaaa")
    feed.publish(event("bbbb"))
    assert one.drain() == [event("aaaa")]


def test_a_watcher_that_left_is_forgotten() -> None:
    """The feed keeps nothing of it, under any run."""
    feed = Feed()
    one, other = feed.subscribe(), feed.subscribe()
    for run in ("aaaa", "bbbb"):
        one.only(run)
    other.only("bbbb")
    one.close()
    one.close()
    feed.publish(event("bbbb"))
    assert one.drain() == []
    assert other.drain() == [event("bbbb")]
    other.close()
    assert not feed._of_run


def test_a_watcher_that_is_narrowed_while_something_is_published_is_told_once() -> None:
    """Also where another thread publishes: never twice, and never not at all."""
    feed = Feed()
    one = feed.subscribe()
    narrow = threading.Thread(target=lambda: one.only("aaaa"))

    class Interrupted(dict[str, tuple[Subscription, ...]]):
        """Lets the other thread go on, as far as it may, between two looks of the publishing one."""

        def get(self, *given: Any) -> Any:
            if narrow.ident is None:
                narrow.start()
                narrow.join(0.05)
            return super().get(*given)

    feed._of_run = Interrupted()
    feed.publish(event("aaaa"))
    narrow.join()
    assert one.drain() == [event("aaaa")]
    feed.publish(event("aaaa"))
    assert one.drain() == [event("aaaa")]


async def test_runs_beside_each_other_are_not_told_of_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of many runs in a store puts its own events into its own queue: once each, however many there are."""
    told: list[str] = []
    put = Subscription.put

    def counted(self: Subscription, change: Change, *, is_of_here: bool = True) -> None:
        told.append(getattr(change, "run", None) or "")
        put(self, change, is_of_here=is_of_here)

    monkeypatch.setattr(Subscription, "put", counted)
    script = [Turn(calls=[("look", {"word": "a"})]), Turn(calls=[("submit_answer", {"answer": "done"})])]
    agents = [Agent(model=ScriptedProvider(script), tools=[look], plan="off") for _ in range(8)]
    async with Store(tmp_path / "x.db") as store:
        results = await asyncio.gather(*(agent.run("?", store=store) for agent in agents))
        assert [result.answer for result in results] == ["done"] * 8
        written = [record.run for record in (await store.session.store.follow(0))[0]]
    events = [run for run in told if run in set(written)]
    assert sorted(events) == sorted(written)


async def test_a_run_that_begins_reads_nothing_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for what a driver before it left, it reads its own log, not what all others wrote meanwhile."""
    asked: list[str | None] = []
    follow = Database.follow

    async def noted(self: Database, position: int, run: str | None = None, **options: Any) -> Any:
        asked.append(run)
        return await follow(self, position, run=run, **options)

    monkeypatch.setattr(Database, "follow", noted)
    agent = Agent(model=ScriptedProvider([Turn(calls=[("submit_answer", {"answer": "done"})])]), plan="off")
    result = await agent.run("?", store=tmp_path / "x.db")
    assert result.run_id in asked


async def test_what_went_out_from_here_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for what other processes wrote makes no event of the runs that this one drives, or drove."""
    made: list[str] = []
    event_of = reader.event_of

    def counted(kind: str, text: str) -> Event:
        made.append(kind)
        return event_of(kind, text)

    asking, gate = asyncio.Event(), asyncio.Event()

    def script(_: Request) -> Turn:
        asking.set()
        return Turn(calls=[("submit_answer", {"answer": "done"})], gate=gate)

    agent = Agent(model=ScriptedProvider(script), plan="off")
    async with Store(tmp_path / "x.db") as store:
        session = store.session
        running = asyncio.ensure_future(agent.run("?", store=store))
        await asking.wait()
        monkeypatch.setattr(reader, "event_of", counted)
        for _ in ("while it lives", "when it is over"):
            session.position = 0
            await session.follow()
            gate.set()
            await running
        assert session.position > 0
        assert made == []


async def test_the_runs_of_a_tree_are_found_without_the_others(tmp_path: Path) -> None:
    """However many runs live at once, finding a run's subagents looks at none of them."""

    class Unwalked(dict[str, LiveRun]):
        def values(self) -> Any:
            raise AssertionError("all runs were looked at")

    gate, asking = asyncio.Event(), asyncio.Event()

    def script(_: Request) -> Turn:
        asking.set()
        return Turn(calls=[("submit_answer", {"answer": "done"})], gate=gate)

    agent = Agent(model=ScriptedProvider(script), plan="off")
    async with Store(tmp_path / "x.db") as store:
        session = store.session
        session.live = Unwalked()
        running = asyncio.ensure_future(agent.run("?", store=store))
        await asking.wait()
        (run,) = session.live
        assert [live.run for live in session.tree(run)] == [run]
        gate.set()
        await running
        assert session.tree(run) == []
        session.live = {}


async def test_runs_of_one_agent_keep_its_record_once(tmp_path: Path) -> None:
    """Its instructions and the schemas of its tools are in memory once, however many of its runs live."""
    gate, all_ask, asking = asyncio.Event(), asyncio.Event(), []

    def script(request: Request) -> Turn:
        asking.append(request)
        if len(asking) == 3:
            all_ask.set()
        return Turn(calls=[("submit_answer", {"answer": "done"})], gate=gate)

    agent = Agent(model=ScriptedProvider(script), plan="off")
    async with Store(tmp_path / "x.db") as store:
        runs = [asyncio.ensure_future(agent.run("?", store=store)) for _ in range(3)]
        await all_ask.wait()
        records = {id(live.state.agent) for live in store.session.live.values()}
        gate.set()
        await asyncio.gather(*runs)
    assert len(records) == 1


async def test_events_that_nobody_can_ask_for_are_not_kept(tmp_path: Path) -> None:
    """A run that is only awaited does not hold its events until its end; one that is iterated over later does."""
    alive: list[int] = []

    def kept() -> int:
        gc.collect()
        return sum(isinstance(each, Recorded) for each in gc.get_objects())

    def script(request: Request) -> Turn:
        if len(request.messages) < 16:
            return Turn(calls=[("look", {"word": "a"})])
        alive.append(kept() - others)
        return Turn(calls=[("submit_answer", {"answer": "done"})])

    agent = Agent(model=ScriptedProvider(script), tools=[look], plan="off")
    others = kept()
    async with Store(tmp_path / "x.db") as store:
        await agent.run("?", store=store)
        await agent.stream("?", store=store)
    awaited, heard = alive
    assert awaited < 5
    assert heard > 25
