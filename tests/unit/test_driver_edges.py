"""When things go wrong: appends given up half way, leases lost, full disks, bugs, and tools that do not stop."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fork_kit import everything_said, statuses
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.clock import SessionTime, SystemClock
from workbench.driver.commands import ListRuns, OpenRun, PauseRun, ResolveUnknown, ResumeRun
from workbench.driver.driver import Driver
from workbench.driver.feed import Feed, Trouble
from workbench.driver.journal import StoreJournal, first_batch
from workbench.driver.settings import DriverSettings
from workbench.errors import DatabaseUnwritableError, ForeignDatabaseError, WorkbenchError
from workbench.events.content import text_content
from workbench.events.edit import MessageAdded
from workbench.events.request import AssistantMessage, Request
from workbench.events.run import RunStarted
from workbench.providers.scripted import Turn
from workbench.state.fold import fold
from workbench.state.parts import Said
from workbench.store import Batch, RunHeader, RunSummary, Store
from workbench.tools.base import Tool
from workbench.tools.declaring import tool

CLOCK = SystemClock()


def calling(*names: str) -> Callable[[Request], Turn]:
    """Return a model that calls tools at once, and then answers with all that it saw."""

    def model(request: Request) -> Turn:
        if any(isinstance(message, AssistantMessage) for message in request.messages):
            return answer(everything_said(request))
        return Turn("Calling.", [(name, {}) for name in names])

    return model


def troubles(rig: Rig) -> list[str]:
    """Return what went wrong so far, in sentences."""
    rig.seen()
    return [change.message for change in rig.changes if isinstance(change, Trouble)]


async def test_an_append_whose_waiter_is_cancelled_is_folded_all_the_same(tmp_path: Path) -> None:
    """Whenever the waiter is cancelled, what is stored and what is folded stay the same."""
    clock = SystemClock()
    async with await Store.open(tmp_path / "runs.db", clock=clock) as store:
        token = await store.acquire("run1")
        await store.append(first_batch(RunHeader("run1", "run1", 0.0), (started(),), at=0.0, token=token))
        journal = StoreJournal(
            store, Feed(), SessionTime(clock), run="run1", token=token, state=fold(await store.read("run1"))
        )
        for turns in range(40):
            said = MessageAdded(content=text_content(f"message {turns}"))
            waiter = asyncio.create_task(journal.append(said, durable=turns % 3 == 0))
            for _ in range(turns % 8):
                await asyncio.sleep(0)
            waiter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiter
        await journal.append(MessageAdded(content=text_content("the last")))
        assert fold(await store.read("run1")) == journal.state
        assert "the last" in str(journal.state.entries[-1])


async def test_appends_of_a_run_are_stored_in_order_and_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    """Each begins when the one before is folded; it costs no task but the store's own."""
    clock, loop = SystemClock(), asyncio.get_running_loop()
    async with await Store.open(tmp_path / "runs.db", clock=clock) as store:
        token = await store.acquire("run1")
        await store.append(first_batch(RunHeader("run1", "run1", 0.0), (started(),), at=0.0, token=token))
        journal = StoreJournal(
            store, Feed(), SessionTime(clock), run="run1", token=token, state=fold(await store.read("run1"))
        )
        made: list[str] = []

        def counted(of: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
            made.append(work.__qualname__)
            return asyncio.Task(work, loop=of, **options)

        def message(text: str) -> MessageAdded:
            return MessageAdded(content=text_content(text))

        bad = message("bad").model_copy(update={"content": object()})
        asked = [journal.append(message("a")), journal.append(bad), journal.append(bad), journal.append(message("b"))]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        loop.set_task_factory(counted)
        await journal.append(message("c"))
        await journal.append(message("d"))
        loop.set_task_factory(None)
        assert [outcome is None for outcome in outcomes] == [True, False, False, True]
        assert [
            entry.content for entry in journal.state.entries if isinstance(entry, Said) and entry.kind == "message"
        ] == [text_content(text) for text in "abcd"]
        assert fold(await store.read("run1")) == journal.state
        assert set(made) == {"Writer._drain"}
        assert len(made) <= 2


def started() -> RunStarted:
    """Return the beginning of a run."""
    return RunStarted(task=text_content("What?"), agent=AgentSpec(plan="off").record(), date="2026-01-01")


class Held:
    """An effectful and a read-only tool that wait for a gate at their first call."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.gates: list[asyncio.Event] = []
        self.is_held = True
        self.size = 10

    def tools(self) -> list[Tool]:
        """Return the tools."""

        @tool
        async def write() -> str:
            return await self._do("write")

        @tool(read_only=True)
        async def look() -> str:
            return await self._do("look")

        return [write, look]

    async def _do(self, what: str) -> str:
        self.did.append(what)
        if self.is_held:
            self.gates.append(asyncio.Event())
            await self.gates[-1].wait()
        return what * self.size

    def open(self, rig: Rig) -> None:
        """Let all go on."""
        self.is_held = False
        for gate in self.gates:
            rig.open_gate(gate)


def on_writer(rig: Rig, work: Callable[[sqlite3.Connection], Any]) -> Any:
    """Do something with the connection that writes."""
    return rig.driver.run_blocking(rig.driver.store._write(work))


def test_a_driver_that_lost_its_lease_stops_and_says_so(tmp_path: Path) -> None:
    """Nothing more is written to the run; a resume takes it over again and recovers it."""
    held = Held()
    with Rig(tmp_path, calling("look"), held.tools()) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        on_writer(rig, lambda connection: connection.execute("UPDATE leases SET token = token + 1, owner = NULL"))
        before = rig.raw(run)
        held.open(rig)
        rig.wait_for(lambda: any("is driven by another process now" in said for said in troubles(rig)))
        assert rig.raw(run) == before
        assert [(row.status, row.reason) for row in rig.ask(ListRuns())] == [("interrupted", "crashed")]
        rig.ask(ResumeRun(run))
        assert rig.finish(run).answer == f"What? | {'look' * held.size}"
        assert rig.kinds(run)[len(before)] == "run_recovered"


def test_a_run_is_resumed_while_its_pause_is_still_being_tidied_up(tmp_path: Path) -> None:
    """Whoever sees a pause may resume at once: the lease is kept, and the run goes on once all is tidied up."""
    held = Held()
    with Rig(tmp_path, calling("look"), held.tools()) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        store, tidy = rig.driver.store, asyncio.Event()
        save_row = store.save_row

        async def slowly(summary: RunSummary) -> None:
            await tidy.wait()
            await save_row(summary)

        store.save_row = slowly  # type: ignore[method-assign]
        rig.ask(PauseRun(run))
        rig.finish(run)
        assert rig.ask(ResumeRun(run)) == run
        assert rig.ask(OpenRun(run)).mine
        held.is_held = False
        rig.open_gate(tidy)
        assert rig.wait(run, lambda state: state.status == "completed").answer == f"What? | {'look' * held.size}"


def test_what_another_driver_wrote_last_comes_before_what_this_one_writes(tmp_path: Path) -> None:
    """Taking a run over, a watcher here misses nothing, even where the log was not read since."""
    held = Held()
    with Rig(tmp_path, calling("look"), held.tools(), follow_every=3600) as rig:
        with Rig(tmp_path, calling("look"), held.tools()) as other:
            run = other.start()
            other.wait(run, lambda state: statuses(state) == ["running"])
        held.is_held = False
        assert [record for record in rig.seen() if record.run == run] == []
        rig.ask(ResumeRun(run))
        last = rig.wait(run, lambda state: state.status == "completed").seq
        assert [record.seq for record in rig.shown(run)] == list(range(last + 1))


def test_a_full_disk_stops_a_run_with_a_sentence_and_it_goes_on_later(tmp_path: Path) -> None:
    """What could not be stored did not happen: the effectful call is in doubt, and a person answers for it."""
    held = Held()
    held.size = 100_000
    with Rig(tmp_path, calling("write"), held.tools()) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running"])
        pages = on_writer(rig, lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
        on_writer(rig, lambda connection: connection.execute(f"PRAGMA max_page_count={pages}").fetchone())
        held.open(rig)
        rig.wait_for(lambda: any("stopped and can be resumed" in said for said in troubles(rig)))
        assert "disk is not full" in troubles(rig)[-1]
        assert statuses(rig.state(run)) == ["running"]
        on_writer(rig, lambda connection: connection.execute("PRAGMA max_page_count=1000000").fetchone())
        rig.ask(ResumeRun(run))
        state = rig.wait(run, lambda state: state.is_resting)
        assert state.status_and_reason == ("awaiting_approval", "outcome_unknown")
        rig.ask(ResolveUnknown(run, "0.0", "result", "written"))
        assert rig.finish(run).answer == "What? | written"
        assert held.did == ["write"]
        assert rig.state(run) == rig.live_state(run)


def test_trouble_with_a_subagents_log_stops_its_caller_too(tmp_path: Path) -> None:
    """It is no result for the model; resumed, the subagent goes on and its answer arrives."""
    held = Held()

    def model(request: Request) -> Turn:
        if everything_said(request).startswith("task") or len(request.messages) > 1:
            return calling("look")(request)
        return Turn(calls=[("spawn_subagent", {"task": "task"})])

    spec = AgentSpec(plan="off", subagent="")
    with Rig(tmp_path, model, held.tools(), spec=spec) as rig:
        run = rig.start()
        rig.wait(run, lambda state: (call := state.call("0.0")) is not None and call.child is not None)
        child = rig.state(run).steps[0].calls["0.0"].child
        assert child is not None
        rig.wait(child, lambda state: statuses(state) == ["running"])
        store = rig.driver.store
        with broken_for(store, child):
            held.open(rig)
            rig.wait_for(lambda: any("stopped and can be resumed" in said for said in troubles(rig)))
        assert rig.state(run).steps[0].calls["0.0"].status == "running"
        rig.ask(ResumeRun(run))
        assert rig.finish(run).answer == f"What? | task | {'look' * held.size}"


@contextlib.contextmanager
def broken_for(store: Store, run: str) -> Iterator[None]:
    """Refuse every append to a run, as a full disk would."""
    append = store.append

    async def refuse(*batches: Batch, **options: Any) -> None:
        if any(batch.run == run for batch in batches):
            raise DatabaseUnwritableError("the disk is full")
        await append(*batches, **options)

    store.append = refuse  # type: ignore[method-assign]
    yield
    store.append = append  # type: ignore[method-assign]


def test_a_bug_ends_a_run_as_a_fact_and_it_can_be_resumed(tmp_path: Path) -> None:
    """An error that nobody foresaw is shown and stored; what was in flight is not lost."""
    held = Held()
    with Rig(tmp_path, calling("look", "write"), held.tools()) as rig:
        run = rig.start()
        rig.wait(run, lambda state: statuses(state) == ["running", "running"])
        live = rig.lives.all[run]

        def break_down(*_: object) -> None:
            raise ZeroDivisionError("a bug")

        live.loop.calls._collect = break_down  # type: ignore[assignment, method-assign]
        held.open(rig)
        state = rig.finish(run)
        assert (state.status_and_reason, state.error) == (("failed", "error"), "ZeroDivisionError: a bug")
        assert statuses(state) == ["interrupted", "unknown"]
        assert f"run {run[:8]} failed: ZeroDivisionError: a bug" in troubles(rig)
        rig.ask(ResumeRun(run))
        rig.wait(run, lambda state: state.status == "awaiting_approval")
        rig.ask(ResolveUnknown(run, "0.1", "result", "written"))
        done = rig.wait(run, lambda state: state.status == "completed")
        assert done.answer == f"What? | {'look' * held.size} | written"


Tools = tuple[list[Tool], Callable[[], None]]


def never_returns() -> Tools:
    """Return a sync tool that waits until the test is over."""
    over = threading.Event()

    @tool
    def act() -> str:
        over.wait()
        return "late"

    return [act], over.set


def swallows_cancellation() -> Tools:
    """Return an async tool that does not let itself be cancelled."""

    @tool
    async def act() -> str:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    return [act], lambda: None


def blocks_the_loop() -> Tools:
    """Return an async tool that does not await for two seconds."""

    @tool
    async def act() -> str:
        time.sleep(2)  # noqa: ASYNC251 - what the test is about
        return "late"

    return [act], lambda: None


@pytest.mark.parametrize("make", [never_returns, swallows_cancellation, blocks_the_loop])
def test_closing_ends_within_seconds_whatever_a_tool_does(tmp_path: Path, make: Callable[[], Tools]) -> None:
    """What does not stop is left behind; the run is paused or in doubt, and another driver goes on with it at once."""
    tools, let_go = make()
    rig = Rig(tmp_path, calling("act"), tools)
    with rig:
        run = rig.start()
        rig.wait_for(lambda: any(record.event.kind == "call_started" for record in rig.seen()))
        begun = CLOCK.monotonic()
        rig.driver.close()
        assert CLOCK.monotonic() - begun < 6
    let_go()

    @tool
    async def act() -> str:
        return "done"

    with Rig(tmp_path, calling("act"), [act]) as rig:
        state = rig.state(run)
        if statuses(state) == ["unknown"]:
            rig.ask(ResolveUnknown(run, "0.0", "rerun"))
        if rig.state(run).end is not None:
            rig.ask(ResumeRun(run))
        done = rig.wait(run, lambda state: state.status == "completed")
        assert done.answer in ("What? | done", "What? | late")


def test_closing_during_a_stream_pauses_the_run(tmp_path: Path) -> None:
    """A model that says nothing is not waited for; the turn is asked again later."""
    never = asyncio.Event()
    with Rig(tmp_path, [Turn("Thinking", gate=never)]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.active_turn is not None)
    with Rig(tmp_path, [answer("so")]) as rig:
        assert rig.state(run).status_and_reason == ("interrupted", "paused")
        rig.ask(ResumeRun(run))
        assert rig.wait(run, lambda state: state.status == "completed").answer == "so"


def settings(folder: Path) -> DriverSettings:
    """Return settings for a driver of the test's own."""
    return DriverSettings(database=folder / "runs.db", cache=folder / "cache")


def test_a_driver_that_cannot_open_says_why_and_can_be_started_later(tmp_path: Path) -> None:
    """A file that is no database is refused each time; once it is out of the way, the same driver starts."""
    (tmp_path / "runs.db").write_text("a diary, not a database. " * 100)
    driver = Driver(settings(tmp_path))
    for _ in range(2):
        with pytest.raises(ForeignDatabaseError):
            driver.start()
    driver.close()
    (tmp_path / "runs.db").unlink()
    with driver:
        assert driver.ask_blocking(ListRuns()) == []
    with driver:
        assert driver.ask_blocking(ListRuns()) == []


async def test_a_closed_driver_answers_nothing_more(tmp_path: Path) -> None:
    """Asking before the start or after the end is an error in words, and so is what was still open."""
    driver = Driver(settings(tmp_path))
    with pytest.raises(WorkbenchError, match="the driver is not open"):
        await driver.ask(ListRuns())
    async with driver:
        driver._submit(asyncio.sleep(3600))
        waiting = asyncio.create_task(asyncio.to_thread(driver.run_blocking, asyncio.sleep(3600)))
        assert await driver.ask(ListRuns()) == []
    driver.close()
    with pytest.raises(WorkbenchError, match="closed before it answered"):
        await waiting
    with pytest.raises(WorkbenchError, match="the driver is not open"):
        driver.ask_blocking(ListRuns())
