"""Importing: ids and bytes are kept, twice is once, and what does not fit is refused whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store_kit import Hand, called, found, said, started, texts
from workbench.clock import ManualClock
from workbench.errors import ImportRefusedError, NewerDatabaseError, SessionFileError
from workbench.events.codec import UnknownEvent
from workbench.events.content import JsonBlock, text_content
from workbench.events.library import RunHidden, RunImported
from workbench.store import RunHeader, Store
from workbench.store.transfer import ImportedRun, split_body

FIRST = started().model_dump_json()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open, empty store."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        yield store


def run(name: str, *events: str, parent: str | None = None, cut: int | None = None) -> ImportedRun:
    """Return a run of a file with these events."""
    header = RunHeader(name, name, 1.0, parent=parent, cut=cut)
    return header, [(seq, 1.0, text) for seq, text in enumerate(events, header.first_seq)]


async def test_an_imported_run_is_there_and_marked(store: Store) -> None:
    """It keeps its id, is marked as imported, and the library log says from where."""
    assert await store.import_runs([run("aaaa", FIRST, said("one").model_dump_json())], "file.jsonl") == 1
    assert texts(await store.read("aaaa")) == ["one"]
    assert (await store.header("aaaa")).imported
    assert [entry.event for entry in await store.library()] == [RunImported(run="aaaa", source="file.jsonl")]


async def test_importing_twice_is_importing_once(store: Store) -> None:
    """The same runs again change nothing and count as none, in the library log too."""
    runs = [run("aaaa", FIRST), run("bbbb", FIRST, parent="aaaa", cut=0)]
    assert await store.import_runs(runs, "file.jsonl") == 2
    before = await store.library()
    assert await store.import_runs([*runs, run("cccc", FIRST)], "other.jsonl") == 1
    assert [each.event for each in (await store.library())[len(before) :]] == [
        RunImported(run="cccc", source="other.jsonl")
    ]


async def test_what_was_exported_here_is_no_news_here(store: Store) -> None:
    """A run's own raw events, imported where they came from, are the same run."""
    hand = Hand(store)
    await hand.run("aaaa", called(), found("result é ☃ " + "x" * 40_000))
    header = replace(await store.header("aaaa"), root="other", imported=True)
    assert await store.import_runs([(header, await store.raw("aaaa"))], "file.jsonl") == 0
    assert not (await store.header("aaaa")).imported


async def test_the_same_id_with_other_content_is_refused(store: Store) -> None:
    """A changed event, a longer log, and another parent are refused by name, with everything else in the file."""
    await store.import_runs([run("aaaa", FIRST, said("one").model_dump_json()), run("pppp", FIRST)], "file.jsonl")
    others = {
        "event 1 differs": run("aaaa", FIRST, said("two").model_dump_json()),
        "2 events here and 1 in the file": run("aaaa", FIRST),
        "another parent": run("aaaa", FIRST, said("one").model_dump_json(), parent="pppp", cut=0),
    }
    for why, other in others.items():
        with pytest.raises(ImportRefusedError, match=why):
            await store.import_runs([run("bbbb", FIRST), other], "file.jsonl")
    assert {row.id for row in await store.runs()} == {"aaaa", "pppp"}


@pytest.mark.parametrize(
    "text",
    [
        '{"kind":"turn_text","v":1,"step":0,"attempt":0,"text":"a","future":{"x":[1.50,1e5,1E-7,"\\u00e9\\ud83d\\ude00"]}}',
        '{"kind":"dreamt_of","v":9,"sheep":123456789012345678901234567890,"nested": [ 1 ,  2 ]}',
        '{"kind":"dreamt_of","call":{"not":"a string"},"size":"big","elapsed":[],"first_line":7}',
        '{"kind":"dreamt_of","text":"\\ud800 \\u0000"}',
        '{"kind":"dreamt_of"}',
        '{"kind":"dreamt_of","result":"any\\u0020thing"}',
        found("line\nline").model_dump_json(exclude={"result"})[:-1] + ',"more":true,"result":[]}',
    ],
)
async def test_an_event_comes_out_byte_for_byte(store: Store, text: str) -> None:
    """Unknown kinds and fields, the spelling of numbers and strings, and the order of keys are kept."""
    await store.import_runs([run("aaaa", FIRST, text)], "file.jsonl")
    assert await store.raw("aaaa") == [(0, 1.0, FIRST), (1, 1.0, text)]
    assert len(await store.read("aaaa", bodies=True)) == 2


async def test_a_body_moves_to_the_end_and_stays_there(store: Store) -> None:
    """A result that stood elsewhere in the object is put last; from then on the text is always the same."""
    text = json.dumps(
        {"result": [{"type": "text", "text": "x"}], **json.loads(found("x").model_dump_json())}, indent=None
    )
    await store.import_runs([run("aaaa", FIRST, text)], "file.jsonl")
    (_, _, once) = (await store.raw("aaaa"))[1]
    assert json.loads(once) == json.loads(text)
    assert list(json.loads(once))[-1] == "result"
    assert await store.import_runs([run("aaaa", FIRST, once)], "file.jsonl") == 0
    assert await store.body("aaaa", 1) == text_content("x")


async def test_a_body_of_an_unknown_kind_is_shown_raw(store: Store) -> None:
    """A result that is no list of blocks is handed out as JSON, and the event keeps its raw fields."""
    await store.import_runs([run("aaaa", FIRST, '{"kind":"dreamt_of","result":{"sheep":3}}')], "file.jsonl")
    assert await store.body("aaaa", 1) == (JsonBlock(value={"sheep": 3}),)
    event = (await store.read("aaaa"))[1].event
    assert isinstance(event, UnknownEvent)
    assert event.raw == {"kind": "dreamt_of"}


async def test_forks_may_stand_before_their_parents(store: Store) -> None:
    """The order in the file does not matter; a fork of what is here needs nothing else in the file."""
    runs = [
        run("cccc", FIRST, parent="bbbb", cut=1),
        run("bbbb", FIRST, parent="aaaa", cut=0),
        run("aaaa", FIRST),
    ]
    assert await store.import_runs(runs, "file.jsonl") == 3
    assert [each.run for each in await store.read("cccc")] == ["aaaa", "bbbb", "cccc"]
    assert await store.import_runs([run("dddd", FIRST, parent="bbbb", cut=1)], "file.jsonl") == 1


async def test_a_subagent_belongs_to_its_caller(store: Store) -> None:
    """The root is worked out here, whatever the file says: the caller's, or its own where the caller is unknown."""
    child = RunHeader("cccc", "evil", 1.0, caller_run="aaaa", caller_call="0.0", depth=1)
    orphan = RunHeader("dddd", "evil", 1.0, caller_run="gone", caller_call="0.0", depth=1)
    await store.import_runs([(child, [(0, 1.0, FIRST)]), (orphan, [(0, 1.0, FIRST)]), run("aaaa", FIRST)], "file.jsonl")
    assert (await store.header("cccc")).root == "aaaa"
    assert (await store.header("dddd")).root == "dddd"


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ([run("../../etc", FIRST)], "no run id"),
        ([run("@last", FIRST)], "no run id"),
        ([run("aaaa")], "no events"),
        ([run("aaaa", FIRST), run("aaaa", FIRST)], "twice"),
        ([run("aaaa", FIRST, parent="bbbb", cut=0), run("bbbb", FIRST, parent="aaaa", cut=0)], "descend from each"),
        ([run("aaaa", FIRST, parent="aaaa", cut=0)], "descend from each"),
        ([run("aaaa", FIRST, parent="bbbb")], "header"),
        ([(RunHeader("aaaa", "aaaa", float("nan")), [(0, 1.0, FIRST)])], "header"),
        ([(RunHeader("aaaa", "aaaa", 1.0), [(0, 1.0, FIRST), (2, 1.0, FIRST)])], "event 2 where event 1"),
        ([(RunHeader("aaaa", "aaaa", 1.0), [(0, float("inf"), FIRST)])], "no time"),
        ([run("aaaa", "not json")], "event 0 of run 'aaaa'"),
        ([run("aaaa", "[1]")], "event 0 of run 'aaaa'"),
        ([run("aaaa", '{"no":"kind"}')], "no kind"),
        ([run("aaaa", '{"kind":"call_started"}')], "malformed"),
        ([run("aaaa", '{"kind":"dreamt_of","a":NaN}')], "NaN is no JSON"),
        ([run("aaaa", '{"kind":"dreamt_of","a":1,"a":2}')], "stands twice"),
        ([run("aaaa", '{"kind":"dreamt_of",\n"a":1}')], "several lines"),
        ([run("aaaa", "[" * 100_000)], "event 0 of run 'aaaa'"),
        ([run("aaaa", '{"kind":"dreamt_of","a":' + "[" * 100_000)], "event 0 of run 'aaaa'"),
        ([run("aaaa", '{"kind":"dreamt_of","a":"\ud800"}')], "event 0 of run 'aaaa'"),
        ([run("aaaa", found("x").model_dump_json().replace('"size":1', '"size":' + "9" * 30))], "impossible size"),
    ],
)
async def test_what_is_malformed_is_refused_whole(store: Store, runs: list[ImportedRun], why: str) -> None:
    """A clear reason, and not even the sound runs of the file are taken in."""
    with pytest.raises(SessionFileError, match=why):
        await store.import_runs([run("good", FIRST), *runs], "file.jsonl")
    assert await store.runs() == []
    assert await store.library() == []


async def test_a_newer_event_is_refused_with_its_version(store: Store) -> None:
    """A known kind of a version that this program does not read is named with that version."""
    with pytest.raises(NewerDatabaseError, match="version 2"):
        await store.import_runs([run("aaaa", FIRST.replace('"v":1', '"v":2'))], "file.jsonl")


async def test_a_fork_without_its_parent_is_refused(store: Store) -> None:
    """A parent, or the very event of the cut, that is neither in the file nor here, is asked for by name."""
    for fork in (run("bbbb", FIRST, parent="gone", cut=0), run("bbbb", FIRST, parent="aaaa", cut=5)):
        with pytest.raises(ImportRefusedError, match="neither in the file nor here"):
            await store.import_runs([run("aaaa", FIRST), fork], "file.jsonl")
    assert await store.runs() == []


async def test_an_imported_run_can_be_hidden_like_any_other(store: Store) -> None:
    """People's remarks work on imported runs too."""
    await store.import_runs([run("aaaa", FIRST)], "file.jsonl")
    await store.append_library(RunHidden(run="aaaa", hidden=True), 1.0)
    assert await store.runs() == []


def test_a_body_is_taken_out_as_it_is_written() -> None:
    """Only the member `result` of the object itself is the body, with every character of it kept."""
    assert split_body('{ "a" : {"result":1} , "result":[ 1,\t2 ], "b":2}') == (
        '{"a" : {"result":1},"b":2}',
        "[ 1,\t2 ]",
    )
    assert split_body("{}") == ("{}", None)
    for bad in ('{"a"}', '{"a":1', '{"a":1 "b":2}', "{1:2}", '{"a":1}x', "[]", ""):
        with pytest.raises(ValueError):
            split_body(bad)
