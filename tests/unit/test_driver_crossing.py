"""Answers that cross: two results are on their way to one call, and it has one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig, answer
from tests.store_kit import found, started
from workbench.clock import ManualClock
from workbench.driver.commanding import obey
from workbench.driver.commands import AnswerCall, ListRuns, PauseRun
from workbench.engine.journal import MemoryJournal
from workbench.events.call import CallFinished, LateResultDropped
from workbench.events.run import RunPaused, RunResumed
from workbench.providers.scripted import Turn
from workbench.store import Batch, Store
from workbench.tools.declaring import tool


def patiently(rig: Rig, holds: Callable[[], bool]) -> None:
    """Give the driver its turn until something holds that nobody is told of."""
    for _ in range(2000):
        if holds():
            return
        rig.ask(ListRuns())
    pytest.fail("it never held")


def test_a_call_has_one_result_however_two_answers_cross(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer is being stored as the run comes to rest, another is given: the first counts, the second does not."""
    gates: list[asyncio.Event] = []
    append = Store.append

    async def gated(store: Store, *batches: Batch, **options: Any) -> None:
        if any(isinstance(event, RunPaused | CallFinished) for batch in batches for _, event in batch.events):
            gates.append(asyncio.Event())
            if len(gates) < 3:
                await gates[-1].wait()
        await append(store, *batches, **options)

    monkeypatch.setattr(Store, "append", gated)

    @tool(read_only=True)
    async def look() -> str:
        await asyncio.sleep(60)
        return "at last"

    with Rig(tmp_path, [Turn("", [("look", {})]), answer()], [look]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: (call := state.call("0.0")) is not None and call.status == "running")
        rig.ask(PauseRun(run))
        patiently(rig, lambda: len(gates) == 1)
        rig.ask(AnswerCall(run, "0.0", "first"))
        rig.open_gate(gates[0])
        patiently(rig, lambda: len(gates) == 2)
        second = rig.driver.submit(AnswerCall(run, "0.0", "second"))
        for _ in range(20):
            rig.ask(ListRuns())
        rig.open_gate(gates[1])
        second.result(20)
        rig.finish(run)
        events = [record.event for record in rig.history(run).records]
        assert [event.call for event in events if isinstance(event, CallFinished)].count("0.0") == 1
        assert [event.call for event in events if isinstance(event, LateResultDropped)] == ["0.0"]
        ref = rig.state(run).steps[0].calls["0.0"].result
        assert ref is not None
        results = rig.driver.run_blocking(rig.driver.store.bodies([(run, ref.seq)]))
        assert "first" in str(results)


async def test_two_results_in_one_batch_are_one(tmp_path: Path) -> None:
    """The same holds in memory, and for what is stored together."""
    journal = MemoryJournal("aaaa", ManualClock())
    await journal.append(started(), found("first"), found("second"), found("another", "0.1"))
    kinds = [record.event.kind for record in journal.records]
    assert kinds == ["run_started", "call_finished", "late_result_dropped", "call_finished"]


def test_a_run_that_comes_to_its_end_is_not_given_back_in_the_middle_of_a_decision(tmp_path: Path) -> None:
    """A decision is written under the lease by which it was judged; the run then goes on, or is given back."""
    began = threading.Event()

    @tool(read_only=True)
    async def look() -> str:
        if not began.is_set():
            began.set()
            await asyncio.sleep(60)
        return "found"

    with Rig(tmp_path, [Turn("", [("look", {})]), answer()], [look]) as rig:
        run = rig.start()
        assert began.wait(20)
        session = rig.driver._session
        assert session is not None

        async def decide() -> None:
            async with session.deciding(run):
                await obey(session, PauseRun(run))
                live = session.live[run]
                while live.state.end is None:
                    await session.store.header(run)
                for _ in range(200):
                    await session.store.header(run)
                assert session.drives(run)
                assert session.live[run] is live
                await session.append_to(run, RunResumed())

        rig.driver.run_blocking(decide())
        assert rig.finish(run).status == "completed"
        rig.wait_for(lambda: run not in rig.lives)
        assert not session.drives(run)
