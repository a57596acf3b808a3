"""Session files: what goes out comes in again, byte for byte; what is wrong is one sentence, and nothing came in."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.broken_sessions import BREAKS, bombs
from tests.session_kit import record, written
from workbench.clock import SystemClock
from workbench.driver.transfer import import_session, runs_to_export
from workbench.errors import ImportRefusedError, SessionFileError
from workbench.interchange import session_file
from workbench.interchange.session import SessionRun, session_lines
from workbench.interchange.session_file import is_session_file, read_session
from workbench.state.fold import fold
from workbench.state.run_state import RunState
from workbench.store import Store


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """Return a session file's text, and the ids of run and fork."""
    return record(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def text(recorded: tuple[str, list[str]]) -> str:
    """Return the session file's text."""
    return recorded[0]


def stored(folder: Path, path: Path, times: int = 1) -> tuple[list[int], str, list[RunState]]:
    """Import a file into a new database; return how many runs were new each time, an export of all, and the states."""

    async def work() -> tuple[list[int], str, list[RunState]]:
        async with await Store.open(folder / "in.db", clock=SystemClock()) as store:
            new = [await import_session(store, read_session(path), path.name) for _ in range(times)]
            rows = await store.runs()
            oldest = rows[-1].id
            lines = session_lines(await runs_to_export(store, oldest, forks=True))
            return new, "".join(lines), [fold(await store.read(row.id)) for row in rows]

    return asyncio.run(work())


def test_what_was_imported_is_exported_byte_for_byte(tmp_path: Path, text: str) -> None:
    """A session can be handed on any number of times without a byte changing, and importing twice changes nothing."""
    new, exported, states = stored(tmp_path, written(tmp_path, text), times=2)
    assert new == [text.count('{"run":{'), 0]
    assert new[0] == 4  # the run, its subagent, its fork and the fork's subagent
    assert exported == text
    assert {state.answer for state in states if state.depth == 0} == {"done", "forked"}


def test_unknown_fields_and_kinds_survive(tmp_path: Path, text: str) -> None:
    """What a newer program wrote into a file that this one can read is kept, although it means nothing here."""
    lines = text.splitlines()
    last = json.loads(lines[2])
    assert last["seq"] == 0
    lines[2] = lines[2].replace('"kind":"run_started"', '"kind":"run_started","mood":{"a":[1.50,1E5]}')
    tail = json.loads(lines[-1])
    strange = {"run": tail["run"], "seq": tail["seq"] + 1, "at": tail["at"], "event": {"kind": "run_praised", "run": 1}}
    changed = "\n".join([*lines, json.dumps(strange, separators=(",", ":"))]) + "\n"
    _, exported, _ = stored(tmp_path, written(tmp_path, changed))
    assert exported == changed
    assert '"mood":{"a":[1.50,1E5]}' in exported


def test_a_file_written_by_another_hand_is_taken_too(tmp_path: Path, text: str) -> None:
    """Spaces and another order of keys are no reason to refuse a file; the next export writes it our way."""
    lines = [json.dumps(dict(reversed(json.loads(line).items())), indent=None) for line in text.splitlines()]
    new, exported, _ = stored(tmp_path, written(tmp_path, "\r\n".join(lines)))
    assert new == [4]
    assert [json.loads(line) for line in exported.splitlines()] == [json.loads(line) for line in text.splitlines()]


def test_a_gzipped_file_is_the_same_file(tmp_path: Path, text: str) -> None:
    """Compressed or not, a session holds the same runs."""
    packed = read_session(written(tmp_path, gzip.compress(text.encode()), "x.jsonl.gz"))
    assert packed == read_session(written(tmp_path, text))


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_cut_short_gives_what_is_whole(tmp_path: Path, text: str, packed: bool) -> None:
    """Wherever a file was cut, its whole lines are taken and the cut is told; what lacks its parent is left out."""
    lines = text.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:index])) for index in range(len(lines))]
    for end in [*starts[3:], *(start + 40 for start in starts[3:]), len(text.encode()) - 2]:
        content = text.encode()[:end]
        path = written(tmp_path, gzip.compress(content) if packed else content)
        session = read_session(path)
        whole = [run for run in session.runs if run.events]
        assert list(session.runs) == whole
        assert any("cut short" in note for note in session.notes) == (end not in starts)
        for run in whole:
            assert run.parent is None or run.parent in {other.id for other in whole}
            assert fold_of(session.runs, run).seq == run.events[-1].seq
    assert stored(tmp_path, path)[0][0] == len(session.runs)


def fold_of(runs: tuple[SessionRun, ...], run: SessionRun) -> RunState:
    """Return the state that a run of a session has, folded from scratch."""
    from workbench.events.base import Recorded
    from workbench.events.codec import parse_event

    known = {other.id: other for other in runs}
    lineage: list[Recorded] = []
    upto: int | None = None
    here: SessionRun | None = run
    while here is not None:
        own = [event for event in here.events if upto is None or event.seq <= upto]
        lineage = [Recorded(here.id, event.seq, event.at, parse_event(event.json)) for event in own] + lineage
        upto, here = here.cut, known.get(here.parent or "")
    return fold(lineage)


def test_runs_that_need_a_missing_run_are_left_out_and_told(tmp_path: Path, text: str, recorded: Any) -> None:
    """A fork whose parent is not in the file, and that fork's subagent, cannot be used; the rest can."""
    run, fork = recorded[1]
    kept = [
        line
        for line in text.splitlines()
        if f'"run":"{run}"' not in line[:40] and f'{{"run":{{"id":"{run}"' not in line
    ]
    session = read_session(written(tmp_path, "\n".join(kept)))
    assert session.runs == ()
    assert any(f"run {fork[:8]} is left out: it needs run {run[:8]}" in note for note in session.notes)


def test_a_fork_beyond_its_parents_end_is_left_out(tmp_path: Path, text: str, recorded: Any) -> None:
    """A parent that lost its last events takes the fork made of them with it, and that is told."""
    run, fork = recorded[1]
    lines = text.splitlines()
    cut = next(json.loads(line)["run"]["cut"] for line in lines if line.startswith(f'{{"run":{{"id":"{fork}"'))
    kept = [line for line in lines if not (line.startswith(f'{{"run":"{run}"') and json.loads(line)["seq"] >= cut)]
    session = read_session(written(tmp_path, "\n".join(kept)))
    assert run in [each.id for each in session.runs]
    assert any(f"run {fork[:8]} is left out: run {run[:8]} has no event {cut}" in note for note in session.notes)


def test_another_run_under_the_same_id_is_refused(tmp_path: Path, text: str) -> None:
    """An id means one run for ever: a file that says otherwise changes nothing here."""
    path = written(tmp_path, text)
    stored(tmp_path, path)
    other = written(tmp_path, text.replace("Looking.", "Peering."), "other.jsonl")
    with pytest.raises(ImportRefusedError, match="exists here with other content"):
        stored(tmp_path, other)
    assert stored(tmp_path, path)[1] == text


@pytest.mark.parametrize("broken", BREAKS)
def test_a_malformed_file_is_one_sentence_and_nothing_came_in(tmp_path: Path, text: str, broken: str) -> None:
    """Whatever a stranger does to a file: one line that names the file, the line and the reason, and no row left."""
    for seed in range(20):
        lines = text.splitlines()
        BREAKS[broken](lines, random.Random(seed))
        path = written(tmp_path, "\n".join(lines) + "\n")
        with pytest.raises(SessionFileError) as caught:
            read_session(path)
        said = str(caught.value)
        assert "\n" not in said
        assert f"session file {str(path)!r}, line " in said
        assert len(said) < 400 + len(str(path))
    assert not (tmp_path / "in.db").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello\n", "is not a session file"),
        (b'{"format":"other","version":1}\n', "is not a session file"),
        (b'{"format":"workbench-session"}\n', "is not a session file"),
        (b'{"format":"workbench-session","version":true}\n', "is not a session file"),
        (b'{"format":"workbench-session","version":2}\n', "has version 2 of the session format; this workbench reads"),
        (b"\xff\xfe\x00", "is not a session file"),
        (b"SQLite format 3\x00", "is not a session file"),
        (b"\x1f\x8b not gzip at all", "cannot be read"),
    ],
)
def test_what_is_no_session_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """A file of another kind, or of a newer version, is told apart at its first line."""
    path = written(tmp_path, content)
    with pytest.raises(SessionFileError) as caught:
        read_session(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert not is_session_file(path) or b"version" in content


def test_a_folder_or_a_missing_file_is_named(tmp_path: Path) -> None:
    """A wrong name is told as such."""
    with pytest.raises(SessionFileError, match="is a folder"):
        read_session(tmp_path)
    with pytest.raises(SessionFileError, match="there is no session file"):
        read_session(tmp_path / "none.jsonl")


_READ_ALL = """
import re, sys
from pathlib import Path
from workbench.errors import SessionFileError
from workbench.interchange.session_file import read_session

for name in sys.argv[1:]:
    try:
        read_session(Path(name))
    except SessionFileError as error:
        print(str(error).replace(name, "F"))
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
def test_no_file_can_fill_the_memory(tmp_path: Path) -> None:
    """Lines, lists and archives made to burst are refused by their size before they are held."""
    files = bombs()
    paths = [str(written(tmp_path, content, name)) for name, content in files.items()]
    done = subprocess.run(
        [sys.executable, "-c", _READ_ALL, *paths], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    *told, peak = done.stdout.splitlines()
    assert len(told) == len(files)
    expected = [
        "longer than",
        "longer than",
        "more than 500,000",
        "malformed",
        "too many values",
        "it unpacks to more",
        "it has 50,000,0",
    ]
    assert [words for words, said in zip(expected, told, strict=True) if words not in said] == []
    assert int(peak) < 256


def test_more_runs_or_events_than_anybody_needs_are_refused(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is never larger than what can be worked with, and the limit is told."""
    path = written(tmp_path, text)
    monkeypatch.setattr(session_file, "MOST_EVENTS", 10)
    with pytest.raises(SessionFileError, match="more than 10 events"):
        read_session(path)
    monkeypatch.setattr(session_file, "MOST_RUNS", 2)
    monkeypatch.setattr(session_file, "MOST_EVENTS", 1000)
    with pytest.raises(SessionFileError, match="more than 2 runs"):
        read_session(path)
