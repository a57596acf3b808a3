"""A hundred texts that are code to somebody, in every place that looks something up: none is ever more than a text."""

from __future__ import annotations

import json
import random
import sqlite3
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import Shell
from tests.store_kit import Hand, beside, found, one
from workbench.clock import ManualClock
from workbench.corpus import NotesFile, open_folder
from workbench.errors import RunNotFoundError
from workbench.events.library import RunNamed, RunNoted, RunTagged
from workbench.store import SearchFile, Store, names, search, search_path
from workbench.tools.library import Readable

CANARY = "zyxwvcanary"
"""Stands in what no key may find."""

_CODE = r"""
' OR '1'='1
' OR 1=1 --
'; DROP TABLE events; --
" OR ""="
") OR 1=1 --
1) OR (1=1
' UNION SELECT head FROM events --
' UNION ALL SELECT NULL,NULL,NULL,sqlite_version() --
%
_
%%
%a%
____
[a-z]*
*
?
a* OR b*
"
'
''
""
`
\
\'
\"
;
--
/* */
/*
*/
#
?1
:name
@p
$1
?999999
{0}
{run}
{__class__}
%s
%(run)s
%n%n%n
${HOME}
$(id)
`id`
NEAR(a b, 2)
NEAR(
NOT a
a AND
a OR
OR
AND
NOT
text:a
words MATCH 'a'
^a
a^
-a
+a
(a
a)
((((
{a b}
"a
a"
"a" "b
"a"*
a.b.c
$.a
$[0]
$."a"
a'||'b
x'41'
0x10
1e999
-1
9223372036854775808
99999999999999999999999
NaN
NULL
null
true
../../etc/passwd
..\..\x
/dev/null
~
file:x?mode=memory
sqlite_master
rowid
events
<script>
[/]
[@click=app.quit()]a[/]
&amp;
Ω≈ç√∫
连接池
がな検索
"""
KEYS = [
    *_CODE.strip().split("\n"),
    "a\x00b",
    "\x00",
    "\udc80",
    "a\ud800'",
    "\x1b[2J",
    "\n",
    " ",
    "a" * 100_000,
    "'" * 1000,
    '"' * 999,
    "(" * 5000,
    "a " * 5000,
    "é" * 50,
    "\u202ea'",
    "\U000e0041",
]


def test_there_are_a_hundred_keys_and_more() -> None:
    """All different."""
    assert len(set(KEYS)) >= 100


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    """Yield a store with a run of plain words and one that no key may find."""
    async with await Store.open(tmp_path / "x.db", clock=ManualClock()) as store:
        hand = Hand(store)
        await hand.run("plainrun", found("alpha beta gamma"))
        await hand.run(f"{CANARY}run", found(f"{CANARY} delta"))
        yield store


def tables(path: Path) -> list[tuple[str, int]]:
    """Return what is in the database, by table."""
    named = [
        str(row[0]) for row in beside(path, lambda of: list(of.execute("SELECT name FROM sqlite_master ORDER BY 1")))
    ]
    counted = ("runs", "events", "bodies", "blobs")
    return [(name, int(str(one(path, f"SELECT count(*) FROM {name}"))) if name in counted else 0) for name in named]


async def looked_up(store: Store) -> list[str]:
    """Look every key up wherever the store takes a text; return what it was more than a text for."""
    faults: list[str] = []
    before = tables(store.path)
    async with SearchFile(search_path(store.path), store) as index:
        await index.update()
        for key in KEYS:
            shown = repr(key[:40])
            for what, look in LOOKUPS.items():
                # Ids come out of `resolve`, or out of the log: only there may be what is no text.
                asked = key if what in ("resolve", "find") else key.encode(errors="replace").decode()
                try:
                    if await look(store, index, asked):
                        faults.append(f"{what} {shown} found something")
                except RunNotFoundError as error:
                    if CANARY in str(error).split("newest")[0].split("nearest")[0]:
                        faults.append(f"{what} {shown}: {error}")
                except Exception as error:  # noqa: BLE001 - any is a fault
                    faults.append(f"{what} {shown}: {type(error).__name__}: {str(error)[:100]}")
    if tables(store.path) != before:
        faults.append("the database was changed")
    return faults


async def _find(_store: Store, index: SearchFile, key: str) -> bool:
    return any(CANARY in hit.run and hit.seq for hit in await index.find(key))


async def _bodies(store: Store, _index: SearchFile, key: str) -> bool:
    return bool(await store.bodies([(key, 0), (key, 1)]))


async def _holder(store: Store, _index: SearchFile, key: str) -> bool:
    return await store.holder(key) is not None


LOOKUPS: dict[str, Callable[[Store, SearchFile, str], Any]] = {
    "resolve": lambda store, _, key: store.resolve(key),
    "read": lambda store, _, key: store.read(key),
    "header": lambda store, _, key: store.header(key),
    "raw": lambda store, _, key: store.raw(key),
    "lineage": lambda store, _, key: store.lineage(key),
    "body": lambda store, _, key: store.body(key, 0),
    "bodies": _bodies,
    "holder": _holder,
    "find": _find,
}


async def test_no_key_is_more_than_a_text_to_the_store(store: Store) -> None:
    """Runs by id, results, leases, and the search of FTS5: no syntax error, no row that is not meant."""
    assert await looked_up(store) == []


async def test_what_is_said_of_a_run_is_kept_as_it_is(store: Store) -> None:
    """As a name, a note and a tag of one run each key comes back, and nothing else is changed."""
    for key in KEYS:
        text = key.encode(errors="replace").decode()
        await store.append_remarks(
            [
                RunNamed(run="plainrun", name=text),
                RunNoted(run="plainrun", note=text),
                RunTagged(run="plainrun", tags=(text,)),
            ],
            1.0,
        )
        canary, plain = await store.runs()
        assert (plain.name, plain.note, plain.tags) == (text, text, (text,))
        assert (canary.name, canary.note, canary.tags) == ("", "", ())


def test_no_key_is_more_than_a_text_to_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`show`, `open` and `runs --search` answer with a sentence or a list, never with an error of SQLite's."""
    shell = Shell(tmp_path / "x.db", capsys)
    assert shell("run", "What is alpha?", "--model", "offline").code in (0, 3)
    for key in KEYS:
        printed = shell("runs", f"--search={key}", "--json")
        assert printed.code == 0, (key[:40], printed.err)
        assert isinstance(json.loads(printed.out), list)
        if key.strip() and not key.startswith(("-", "@")):
            said = shell.refused("show", key)
            assert "SQL" not in said.replace(key, ""), said


def test_no_key_is_more_than_a_text_to_documents_and_notes(tmp_path: Path) -> None:
    """Passages by words and by name, notes by key and by words: what has none of the words is not found."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "plain.md").write_text("# Alpha\n\nalpha beta gamma\n")
    (tmp_path / "docs" / "other.md").write_text(f"# Delta\n\n{CANARY} delta\n")
    library = open_folder(tmp_path / "docs", tmp_path / "cache", lambda *_: None)
    notes = NotesFile(tmp_path / "notes.db")
    readable = Readable("mine", {}, frozenset())
    notes.save("others", CANARY, f"{CANARY} delta")
    for number, key in enumerate(KEYS):
        assert not [passage for passage in library.search(key) if CANARY in passage.text], key[:40]
        assert library.fetch(key) is None
        library.nearest(key)
        notes.save("mine", key, f"number{number}")
        assert not [note for note in notes.search(key, readable) if CANARY in note.text], key[:40]
        (newest, *_) = notes.search("", readable)
        assert newest.text == f"number{number}"
    library.close()
    notes.close()


async def test_a_key_inside_of_sql_is_found_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that puts a key into a statement, or hands it to FTS5, is caught, so the tests above can fail."""

    def resolve(connection: sqlite3.Connection, name: str) -> str:
        row = connection.execute(f"SELECT id FROM runs WHERE id LIKE '{name}%'").fetchone()
        if row is None:
            raise RunNotFoundError("there is none")
        return str(row[0])

    monkeypatch.setattr(names, "resolve", resolve)
    monkeypatch.setattr(search, "match_expression", lambda query: query)
    faults = await looked_up(store)
    assert any(fault.startswith("resolve") and "found something" in fault for fault in faults)
    assert any(fault.startswith("resolve") and "Error" in fault for fault in faults)
    assert any(fault.startswith("find") for fault in faults)


@pytest.mark.slow
async def test_no_random_key_is_more_than_a_text(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand keys made of signs."""
    chance = random.Random(3)
    keys = ["".join(chance.choices(string.punctuation + " ab\x00连", k=chance.randrange(1, 12))) for _ in range(10_000)]
    monkeypatch.setattr("tests.faults.test_hostile_keys.KEYS", keys)
    assert await looked_up(store) == []
