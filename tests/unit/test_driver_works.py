"""Long work tells how far it is, can be given up, and leaves nothing half done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig, answer
from tests.session_kit import look, record, written
from workbench.driver.commands import (
    CancelWork,
    ExportedFile,
    ExportRun,
    ImportedFile,
    ImportFile,
    IndexRuns,
    Label,
    ListRuns,
    SearchRuns,
)
from workbench.driver.feed import Feed, Progress
from workbench.driver.works import Work, Works
from workbench.errors import (
    OperationCancelledError,
    OverwriteRefusedError,
    RunNotFoundError,
    SessionFileError,
)
from workbench.events.library import RunHidden, RunNamed, RunNoted, RunTagged
from workbench.providers.scripted import Turn
from workbench.store import search_path, soundness


def giving_up(rig: Rig, label: str) -> Callable[[], None]:
    """Give up the work whose label begins like this as soon as it is heard of; return what stops doing so."""

    def look() -> None:
        for change in subscription.drain():
            if isinstance(change, Progress) and change.work and change.label.startswith(label):
                assert rig.driver._session is not None
                rig.driver._session.works.give_up(change.work)

    subscription = rig.driver.feed.subscribe(look)
    return subscription.close


def progress(rig: Rig) -> list[Progress]:
    """Return all progress so far."""
    rig.seen()
    return [change for change in rig.changes if isinstance(change, Progress)]


# The mechanism


async def test_work_ends_with_a_sentence_when_it_is_given_up() -> None:
    """Whoever waits for it is told why, and the line of progress goes."""
    feed = Feed()
    heard = feed.subscribe()
    works = Works(feed)
    with pytest.raises(OperationCancelledError, match="stopped"), works.begin("x", given_up="stopped") as work:
        work.tell(1, 3)
        works.give_up(work.id)
        work.tell(2, 3)
    assert heard.drain() == [Progress("x", 1, 3, "1"), Progress("x", 1, 1, "1")]
    works.give_up("1")  # over already


async def test_the_end_is_told_when_it_is_over() -> None:
    """The last piece is not the end: what comes after it takes its time, too."""
    feed = Feed()
    heard = feed.subscribe()
    with Works(feed).begin("x", given_up="") as work:
        work.tell(3, 3)
        assert heard.drain() == []
    assert heard.drain() == [Progress("x", 1, 1, "1")]


async def test_a_command_that_is_given_up_waits_for_its_thread() -> None:
    """When the command line or a dialog goes away, the thread stops too, and cleans up before anything else happens."""
    feed, steps = Feed(), list[str]()
    begun, go = threading.Event(), threading.Event()

    def job(work: Work) -> None:
        begun.set()
        go.wait()
        try:
            work.tell(1, 2)
        finally:
            steps.append("cleaned up")

    task = asyncio.create_task(Works(feed).on_thread("x", job, given_up="stopped"))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["cleaned up"]


async def test_closing_gives_up_all_and_begins_no_more() -> None:
    """Nothing long is waited for when a person leaves, and nothing begins behind their back."""
    works = Works(Feed())

    def job(work: Work) -> None:
        while True:
            work.tell(0, 1)

    task = asyncio.create_task(works.on_thread("x", job, given_up="stopped"))
    await asyncio.sleep(0)
    await works.close(20.0)
    with pytest.raises(OperationCancelledError, match="stopped"):
        await task
    with pytest.raises(OperationCancelledError, match="too late"), works.begin("y", given_up="too late"):
        raise AssertionError("it began")


# Indexing


def test_a_run_whose_index_is_given_up_does_not_begin(tmp_path: Path) -> None:
    """Indexing stops, the run is refused with a sentence, nothing half-written stays, and asking again works."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.md").write_text(f"# Part {number}\n\nmarmalade {number}")
    cache = tmp_path / "cache"
    (tmp_path / "db").mkdir()
    with Rig(tmp_path / "db", [answer("done")]) as rig:
        stop = giving_up(rig, "indexing docs")
        before = set(cache.glob("*"))
        with pytest.raises(OperationCancelledError, match="indexing docs was stopped and nothing of it is kept"):
            rig.start(docs=str(folder))
        assert rig.ask(ListRuns()) == []
        assert set(cache.glob("*")) == before
        assert progress(rig)[-1].done == progress(rig)[-1].total
        stop()
        assert rig.finish(rig.start(docs=str(folder))).answer == "done"


# Session files


def finished(rig: Rig) -> str:
    """Return a run that is over."""
    run = rig.start("What of marmalade?")
    rig.finish(run)
    return run


def test_a_run_is_exported_and_imported(tmp_path: Path) -> None:
    """What one database wrote, another takes in, and says what there is to look at."""
    path = tmp_path / "out.jsonl"
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with Rig(tmp_path / "one", [answer("done")]) as rig:
        run = finished(rig)
        wrote = rig.ask(ExportRun(run, str(path)))
        assert wrote == ExportedFile(str(path), 1, len(rig.history(run).records), path.stat().st_size, False)
    with Rig(tmp_path / "two") as rig:
        assert rig.ask(ImportFile(str(path))) == ImportedFile(1, run, ())
        assert rig.ask(ImportFile(str(path))) == ImportedFile(0, run, ())
        assert [row.imported for row in rig.ask(ListRuns())] == [True]


def test_an_export_replaces_nothing_unasked(tmp_path: Path) -> None:
    """A session file that is there stays, unless a person says otherwise; a folder and a strange file always do."""
    path, strange = tmp_path / "out.jsonl", tmp_path / "notes.txt"
    strange.write_text("mine")
    with Rig(tmp_path, [answer("done")]) as rig:
        run = finished(rig)
        rig.ask(ExportRun(run, str(path)))
        before = path.read_bytes()
        with pytest.raises(OverwriteRefusedError, match="is there already"):
            rig.ask(ExportRun(run, str(path)))
        rig.ask(ExportRun(run, str(path), replace=True))
        assert path.read_bytes() == before
        with pytest.raises(SessionFileError, match="not a session file"):
            rig.ask(ExportRun(run, str(strange), replace=True))
        with pytest.raises(SessionFileError, match="is a folder"):
            rig.ask(ExportRun(run, str(tmp_path)))
        with pytest.raises(RunNotFoundError):
            rig.ask(ExportRun("nowhere", str(path)))
    assert strange.read_text() == "mine"


def test_an_export_that_is_given_up_leaves_no_file(tmp_path: Path) -> None:
    """Neither the file nor a part of it stays."""
    with Rig(tmp_path, [answer("done")]) as rig:
        run = finished(rig)
        before = sorted(tmp_path.iterdir())
        giving_up(rig, "writing")
        with pytest.raises(OperationCancelledError, match="no file was written"):
            rig.ask(ExportRun(run, str(tmp_path / "out.jsonl")))
        assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("label", ["reading", "importing"])
def test_an_import_that_is_given_up_takes_nothing_in(tmp_path: Path, label: str) -> None:
    """While the file is read or while it is taken in: all or nothing."""
    (tmp_path / "from").mkdir()
    path = written(tmp_path, record(tmp_path / "from")[0])
    with Rig(tmp_path) as rig:
        stop = giving_up(rig, label)
        with pytest.raises(OperationCancelledError, match=r"x\.jsonl was stopped; nothing of it was taken in"):
            rig.ask(ImportFile(str(path)))
        assert rig.ask(ListRuns()) == []
        stop()
        assert rig.ask(ImportFile(str(path))).new == 4


# Search over all runs


def test_runs_are_found_by_what_they_say_and_what_is_said_of_them(tmp_path: Path) -> None:
    """Hits are grouped by run, the best first; names, tags and notes count, and hidden runs do not."""
    script: list[Any] = [Turn("Looking.", [("look", {"word": "marmalade"})]), answer("done"), answer("x"), answer("y")]
    with Rig(tmp_path, script, [look]) as rig:
        first = rig.start("What is a?")
        rig.finish(first)
        second, third = finished(rig), finished(rig)
        rig.ask(Label(RunHidden(run=third, hidden=True)))
        assert rig.ask(SearchRuns("marmalade")) == []
        rig.ask(IndexRuns())
        found = {each.row.id: each for each in rig.ask(SearchRuns("marmalade"))}
        assert set(found) == {first, second}
        assert {hit.call for hit in found[first].hits} == {"0.0"}
        assert [hit.line for hit in found[second].hits] == ["What of marmalade?"]
        rig.ask(Label(RunNamed(run=first, name="The bitter one")))
        rig.ask(Label(RunTagged(run=second, tags=("bitter", "good"))))
        assert [each.label for each in rig.ask(SearchRuns("BITTER"))] == ["#bitter #good", "The bitter one"]
        rig.ask(Label(RunNoted(run=first, note="first\nas bitter as can be")))
        assert [each.label for each in rig.ask(SearchRuns("can bitter"))] == ["as bitter as can be"]
        assert rig.ask(SearchRuns(" ")) == rig.ask(SearchRuns('"*')) == []


def test_indexing_of_runs_that_is_given_up_keeps_what_it_has(tmp_path: Path) -> None:
    """It can be stopped at any time, and goes on from there the next time."""
    with Rig(tmp_path, [answer("done")]) as rig:
        finished(rig)
        stop = giving_up(rig, "indexing the runs")
        with pytest.raises(OperationCancelledError, match="what is indexed already is found"):
            while True:
                rig.ask(IndexRuns())
                rig.ask(Label(RunHidden(run=finished(rig), hidden=False)))
        stop()
        rig.ask(IndexRuns())
        assert rig.ask(SearchRuns("marmalade"))
        assert rig.ask(CancelWork("nothing")) is None


def test_an_index_that_is_made_again_inside_of_a_search_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large one that turns out to be damaged is as long work as the first time, and can be given up like it."""
    with Rig(tmp_path, [answer("done")]) as rig:
        run = finished(rig)
        rig.ask(IndexRuns())
    path = search_path(tmp_path / "runs.db")
    content = path.read_bytes()
    monkeypatch.setattr(soundness, "WHOLE", 0)  # so large that it is not read through when it is opened
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with Rig(tmp_path) as rig:
        stop = giving_up(rig, "indexing the runs")
        with pytest.raises(OperationCancelledError, match="what is indexed already is found"):
            rig.ask(SearchRuns("marmalade"))
        stop()
        rig.ask(IndexRuns())
        assert [each.row.id for each in rig.ask(SearchRuns("marmalade"))] == [run]
