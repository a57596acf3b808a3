"""Somebody sets the clock: the order of a log is that of its numbers, and a lease goes to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.points import STEPS, researcher, tools
from tests.harness import Rig
from tests.store_kit import Hand, said, texts
from workbench.agent.spec import AgentSpec
from workbench.clock import SystemClock
from workbench.driver.commands import ForkRun, ListRuns
from workbench.errors import RunHeldError
from workbench.store import Batch, Store, reader
from workbench.store.leases import EXPIRY_SECONDS, Holder, LeaseBook

DAY = 86_400.0
JUMPS = [
    *(sign * size for size in (1.0, 60.0, 3_600.0, DAY, 400 * DAY) for sign in (1, -1)),
    *(DAY / 2**half * (-1) ** half for half in range(1, 11)),
]
"""Seconds by which the clock is set: twenty of them."""


class SetClock(SystemClock):
    """The machine's clock, when people set its time of day."""

    def __init__(self, jump: float) -> None:
        self.jump, self.looks = jump, 0

    def wall(self) -> float:
        """Return a time of day that jumps at every look, there and back."""
        self.looks += 1
        return super().wall() + (self.jump if self.looks % 2 else 0.0)


def test_there_are_twenty_jumps() -> None:
    """Forwards and backwards, from a second to a year."""
    assert len(set(JUMPS)) == 20
    assert min(JUMPS) < -DAY < DAY < max(JUMPS)


async def faults(folder: Path, jump: float) -> list[str]:
    """Write runs while the clock jumps, and say what is out of order, or was lost."""
    found, clock, other_clock = list[str](), SetClock(jump), SetClock(-jump)
    async with (
        await Store.open(folder / "x.db", clock=clock) as store,
        await Store.open(folder / "x.db", clock=other_clock) as other,
    ):
        hand = Hand(store)
        for run in ("aaaa", "bbbb", "cccc"):
            await hand.run(run)
            for number in range(5):
                batch = Batch(run, hand.next[run], ((clock.wall(), said(str(number))),), token=hand.tokens[run])
                hand.next[run] += 1
                await store.append(batch)
        for run in ("aaaa", "bbbb", "cccc"):
            if texts(await store.read(run)) != [str(number) for number in range(5)]:
                found.append(f"the events of {run} are read as {texts(await store.read(run))}")
            try:
                await other.acquire(run)
                found.append(f"{run} was taken over")
            except RunHeldError:
                pass
        if [row.id for row in await store.runs()] != ["cccc", "bbbb", "aaaa"]:
            found.append(f"the runs are listed as {[row.id for row in await store.runs()]}")
        if await store.resolve("@last") != "cccc":
            found.append("the last run is another one")
    return found


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_clock_that_is_set_changes_no_order(tmp_path: Path, jump: float) -> None:
    """20 jumps, at every look at the clock: events, runs and leases are as if it had stood still."""
    assert await faults(tmp_path, jump) == []


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_run_goes_through_jumps(tmp_path: Path, jump: float) -> None:
    """A driver's times never go back while it lives, and a session a day earlier is still the later one."""
    (folder := tmp_path / "data").mkdir()
    spec, made = AgentSpec(plan="off"), tools(folder, lambda _: None, lambda _: None, 1)
    with Rig(folder, researcher, made, spec=spec, clock=SetClock(jump)) as rig:
        run = rig.start()
        assert rig.finish(run).finished_steps == STEPS + 1
        times = [record.at for record in rig.history(run).records]
        assert times == sorted(times)
    earlier = SetClock(0.0)
    earlier.jump, earlier.looks = -abs(jump), 0
    with Rig(folder, researcher, made, spec=spec, clock=earlier) as rig:
        fork = str(rig.ask(ForkRun(run, "2")))
        rig.finish(fork)
        records = rig.history(fork).records
        assert [record.seq for record in records] == list(range(len(records)))
        assert [row.id for row in rig.ask(ListRuns())] == [fork, run]


async def test_an_order_by_time_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading by time is wrong for each of the jumps that are longer than what happens between."""
    monkeypatch.setattr(reader, "_HEADS", reader._HEADS.replace("ORDER BY seq", "ORDER BY at"))
    for number, jump in enumerate((DAY, -DAY, 60.0, -60.0)):
        (folder := tmp_path / str(number)).mkdir()
        assert any("are read as" in fault for fault in await faults(folder, jump))


async def test_a_lease_by_the_time_of_day_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that is judged by the time of day loses its run when somebody sets the clock."""

    def is_gone(book: LeaseBook, holder: Holder) -> bool:
        return book._clock.wall() - holder.since > EXPIRY_SECONDS

    monkeypatch.setattr(LeaseBook, "_is_gone", is_gone)
    assert any("was taken over" in fault for fault in await faults(tmp_path, -DAY))
