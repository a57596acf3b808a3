"""Whatever is appended, forked and spawned, every run reads as a plain list in memory would."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store_kit import Hand, found, said
from workbench.clock import ManualClock
from workbench.events.base import Event, Recorded
from workbench.events.call import CallFinished
from workbench.store import Store


class Step(NamedTuple):
    """One thing that is done: to which run, at which of its events, and with how much text."""

    kind: str
    run: int
    place: int
    texts: tuple[str, ...]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
STEPS = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from(["start", "append", "append", "fork", "fork", "child"]),
        run=st.integers(0, 20),
        place=st.integers(0, 30),
        texts=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    ),
    max_size=25,
)
NUMBERS = itertools.count()


class Keeper:
    """An open store for a test that is no coroutine."""

    def __init__(self, path: Path) -> None:
        self.runner = asyncio.Runner()
        self.store = self.runner.run(Store.open(path, clock=ManualClock()))

    def close(self) -> None:
        """Close the store and its loop."""
        self.runner.run(self.store.close())
        self.runner.close()


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    """Return one store for all examples; each uses run ids of its own."""
    keeper = Keeper(tmp_path_factory.mktemp("model") / "x.db")
    yield keeper
    keeper.close()


def without_body(record: Recorded) -> Recorded:
    """Return what a plain read gives of an event."""
    event = record.event
    if isinstance(event, CallFinished):
        event = event.model_copy(update={"result": ()})
    return Recorded(record.run, record.seq, record.at, event)


async def check(store: Store, steps: list[Step]) -> None:
    """Do the steps with the store and with lists, and compare every run."""
    hand = Hand(store)
    model: dict[str, list[Recorded]] = {}
    for step in steps:
        events: list[Event] = [said(text) if len(text) % 2 else found(text * 9000) for text in step.texts]
        names = list(model)
        kind = step.kind if names else "start"
        new = f"{next(NUMBERS):08x}"
        source = names[step.run % len(names)] if names else new
        prefix: list[Recorded] = []
        if kind == "append":
            await hand.add(source, *events)
            new = source
        elif kind == "fork":
            cut = model[source][step.place % len(model[source])]
            prefix = model[source][: cut.seq + 1]
            await hand.fork(new, cut.run, cut.seq, *events, made_from=source)
        elif kind == "child":
            await hand.child(new, source, "0.0", *events)
        else:
            await hand.run(new, *events)
        before = model.get(new, prefix)
        own = await store.read(new, after=len(before) - 1, bodies=True)
        assert [record.event for record in own][-len(events) :] == events
        model[new] = before + own
    for run, expected in model.items():
        assert await store.read(run, bodies=True) == expected
        assert await store.read(run) == [without_body(record) for record in expected]
        assert [record.seq for record in expected] == list(range(len(expected)))
        middle = len(expected) // 2
        assert await store.read(run, after=middle - 1, upto=middle, bodies=True) == expected[middle : middle + 1]
        assert await store.last_seq(run) == len(expected) - 1
        assert await store.owner_of(run, middle) == expected[middle].run
        assert [(seq, at) for seq, at, _ in await store.raw(run)] == [
            (record.seq, record.at) for record in expected if record.run == run
        ]


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_every_run_reads_as_a_list_would(keeper: Keeper, steps: list[Step]) -> None:
    """Over any tree of forks and subagents, reading, parts of it, owners and raw events agree with a plain model."""
    keeper.runner.run(check(keeper.store, steps))
