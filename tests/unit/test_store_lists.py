"""Lists of runs, what people say about them, and finding one by what was typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store_kit import Hand, said, started
from workbench.clock import ManualClock
from workbench.errors import AmbiguousRunError, RunNotFoundError
from workbench.events.library import RunHidden, RunJudged, RunMarked, RunNamed, RunNoted, RunRaced, RunTagged
from workbench.store import LibraryEntry, RunHeader, RunSummary, Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open, empty store."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        yield store


async def imported(store: Store, run: str) -> None:
    """Import a run of one event."""
    await store.import_runs([(RunHeader(run, run, 9.0), [(0, 9.0, started().model_dump_json())])], "file.jsonl")


async def test_a_run_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    """The whole id, or as much of it as fits one run only, in either case."""
    hand = Hand(store)
    await hand.run("a4f7c2e1")
    await hand.run("a4f7")
    await hand.run("9c1e0000")
    assert await store.resolve("a4f7") == "a4f7"
    assert await store.resolve("a4f7c") == "a4f7c2e1"
    assert await store.resolve(" 9C ") == "9c1e0000"


async def test_a_beginning_that_fits_several_runs_names_them(store: Store) -> None:
    """At most five candidates are listed, newest first, and how many more there are."""
    hand = Hand(store)
    for number in range(7):
        await hand.run(f"abc{number}")
    with pytest.raises(AmbiguousRunError) as error:
        await store.resolve("abc")
    assert "7 runs: abc6, abc5, abc4, abc3, abc2 and 2 more" in str(error.value)


async def test_of_several_the_one_visible_run_is_meant(store: Store) -> None:
    """Hidden runs do not make a beginning ambiguous, but are found by their own."""
    hand = Hand(store)
    await hand.run("abc1")
    await hand.run("abc2")
    await store.append_library(RunHidden(run="abc1", hidden=True), 1.0)
    assert await store.resolve("abc") == "abc2"
    assert await store.resolve("abc1") == "abc1"


async def test_an_unknown_run_gets_the_nearest_ones(store: Store) -> None:
    """A typing mistake is answered with the ids it may have meant; an empty database says that it is empty."""
    with pytest.raises(RunNotFoundError, match="holds none"):
        await store.resolve("a4f7")
    hand = Hand(store)
    await hand.run("a4f7c2e1")
    await hand.run("77d01111")
    with pytest.raises(RunNotFoundError, match=r"nearest are a4f7c2e1\."):
        await store.resolve("a4g7")
    with pytest.raises(RunNotFoundError, match="newest are 77d01111, a4f7c2e1"):
        await store.resolve("%")
    with pytest.raises(RunNotFoundError, match="no run was named"):
        await store.resolve(" ")


async def test_last_is_the_newest_run_a_person_made_here(store: Store) -> None:
    """`@last` passes over subagents, imported runs and hidden ones, and counts forks."""
    with pytest.raises(RunNotFoundError, match="no last run"):
        await store.resolve("@last")
    hand = Hand(store)
    await hand.run("aaaa", said("one"))
    await hand.fork("bbbb", "aaaa", 1)
    await hand.child("cccc", "bbbb", "0.0")
    await imported(store, "dddd")
    assert await store.resolve("@last") == "bbbb"
    await store.append_library(RunHidden(run="bbbb", hidden=True), 1.0)
    assert await store.resolve("@last") == "aaaa"


async def test_a_row_has_what_is_known_of_a_run(store: Store) -> None:
    """Header, summary, remarks and lease come together in one row; the newest run is first."""
    hand = Hand(store)
    await hand.run("aaaa", said("one"))
    await hand.fork("bbbb", "aaaa", 0)
    summary = RunSummary("aaaa", as_of_seq=1, task="What?", status="completed", reason="answered", steps=2, cost=0.5)
    await store.save_row(summary)
    for event in (
        RunNamed(run="aaaa", name="first"),
        RunNoted(run="aaaa", note="look at step 2"),
        RunTagged(run="aaaa", tags=("good", "short")),
        RunMarked(run="aaaa", marked=True),
        RunNamed(run="aaaa", name="second"),
        RunRaced(run="aaaa", race="12ab", variant="short", checks=("pattern:x",)),
        RunJudged(run="aaaa", passed=True),
        RunJudged(run="aaaa", passed=False, why="no x", judges=("cccc",)),
    ):
        await store.append_library(event, 5.0)
    await store.release("aaaa")
    fork, first = await store.runs()
    assert (first.id, first.task, first.status, first.reason, first.steps, first.cost, first.as_of_seq) == (
        "aaaa", "What?", "completed", "answered", 2, 0.5, 1,
    )  # fmt: skip
    assert (first.name, first.note, first.tags, first.marked, first.hidden) == (
        "second", "look at step 2", ("good", "short"), True, False,
    )  # fmt: skip
    assert (first.race, first.variant, first.checks) == ("12ab", "short", ("pattern:x",))
    assert (first.is_judged, first.passed, first.why, first.judges) == (True, False, "no x", ("cccc",))
    assert (fork.race, fork.is_judged, fork.passed) == ("", False, None)
    assert (first.last_seq, first.live, first.held_by, first.imported) == (1, False, "", False)
    assert (fork.id, fork.parent, fork.cut, fork.as_of_seq, fork.last_seq, fork.live) == (
        "bbbb",
        "aaaa",
        0,
        -1,
        1,
        True,
    )


async def test_an_older_summary_does_not_replace_a_newer_one(store: Store) -> None:
    """Summaries are written lazily and may arrive late; the one folded furthest stays."""
    hand = Hand(store)
    await hand.run("aaaa", said("one"), said("two"))
    await store.save_row(RunSummary("aaaa", as_of_seq=2, status="completed"))
    await store.save_row(RunSummary("aaaa", as_of_seq=1, status="thinking"))
    (row,) = await store.runs()
    assert (row.as_of_seq, row.status) == (2, "completed")


async def test_a_row_that_fell_behind_says_so(store: Store) -> None:
    """After a further event `as_of_seq` is behind `last_seq`, so that the lister folds the run again."""
    hand = Hand(store)
    await hand.run("aaaa")
    await store.save_row(RunSummary("aaaa", as_of_seq=0))
    await hand.add("aaaa", said("one"))
    (row,) = await store.runs()
    assert row.as_of_seq < row.last_seq


async def test_a_hidden_run_leaves_the_lists_with_its_subagents(store: Store) -> None:
    """Hiding takes a run and its subagents out of the lists, forks of it stay; showing brings them back."""
    hand = Hand(store)
    await hand.run("aaaa", said("one"))
    await hand.child("bbbb", "aaaa", "0.0")
    await hand.fork("cccc", "aaaa", 1)
    await store.append_library(RunHidden(run="aaaa", hidden=True), 1.0)
    assert [row.id for row in await store.runs()] == ["cccc"]
    assert {row.id: row.hidden for row in await store.runs(hidden=True)} == {"aaaa": True, "bbbb": True, "cccc": False}
    await store.append_library(RunHidden(run="aaaa", hidden=False), 2.0)
    assert [row.id for row in await store.runs()] == ["cccc", "bbbb", "aaaa"]


async def test_the_library_log_keeps_every_entry(store: Store) -> None:
    """What people said is kept in order, with its time, and nothing is said about a run that does not exist."""
    await Hand(store).run("aaaa")
    first, second = RunNamed(run="aaaa", name="one"), RunNamed(run="aaaa", name="two")
    await store.append_library(first, 1.0)
    await store.append_library(second, 2.0)
    assert await store.library() == [LibraryEntry(1.0, first), LibraryEntry(2.0, second)]
    with pytest.raises(RunNotFoundError):
        await store.append_library(RunNamed(run="nope", name="x"), 3.0)
