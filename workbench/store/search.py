"""Search over runs: a file of its own, made from the log and made again whenever it does not fit.

An index inside the log would slow every append, so this one is brought up in idle time. Words are indexed as FTS5's
`unicode61` cuts them; runs of CJK characters, in which it finds no words, are cut into pairs here, the same way when
indexing and when asking. It reads the log through the store and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from workbench.errors import DamagedDatabaseError, DatabaseUnwritableError, ForeignDatabaseError
from workbench.events.base import Event, Recorded
from workbench.events.call import CallStarted, ResultEvent
from workbench.events.content import plain_text
from workbench.events.edit import InputEdited, MessageAdded, TextEdited
from workbench.events.plan import PlanEdited, PlanProposed
from workbench.events.request import ToolCallBlock
from workbench.events.run import RunFinished, RunStarted
from workbench.events.turn import TurnFinished
from workbench.store.connection import Database, whole
from workbench.store.model import SearchHit
from workbench.store.soundness import report
from workbench.store.store import Store

APPLICATION_ID = 0x57424653
"""`WBFS` in the file's header."""
VERSION = 1
CHUNK = 500
"""Events indexed in one transaction."""
LINE_LENGTH = 200
LONGEST_TEXT = 1_000_000
"""Characters of one event that are indexed."""
MOST_TERMS = 32
WEIGHED = 10_000
"""Matches of which the best are told: the newest, where a word stands in more events."""

Told = Callable[[int, int], None]
"""Hears how much of the log is indexed, of how much; it may raise to give up."""

_SCHEMA = (
    "CREATE TABLE progress (database TEXT NOT NULL, position INTEGER NOT NULL) STRICT",
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, run TEXT NOT NULL, seq INTEGER NOT NULL, call TEXT) STRICT",
    "CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='unicode61 remove_diacritics 2')",
    f"PRAGMA application_id={APPLICATION_ID}",
    f"PRAGMA user_version={VERSION}",
)
_MATCHES = """
SELECT run, seq, call FROM (
  SELECT e.run, e.seq, e.call, words.rank AS rank FROM words JOIN entries AS e ON e.id = words.rowid
  WHERE words MATCH :expression AND e.run IN (SELECT value FROM json_each(:visible))
  ORDER BY words.rowid DESC LIMIT :weighed
)
ORDER BY rank LIMIT :limit
"""
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_CJK_RUN = re.compile(f"[{_CJK}]+")
_TERM = re.compile(f"[{_CJK}]+|(?:(?![{_CJK}])[^\\W_])+")


def search_path(database: Path) -> Path:
    """Return where the index of a database's runs lies; it can be thrown away."""
    return database.with_name(f"{database.stem}-search.db")


class SearchFile:
    """The index of one database's runs, opened when first used; close it, best by `async with`."""

    def __init__(self, path: Path, store: Store) -> None:
        self._path, self._store = path, store
        self._database: Database | None = None
        self._opening, self._updating = asyncio.Lock(), asyncio.Lock()
        self._is_partial = False
        """Whether it is being made again, or whoever did that went away before the end."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the file."""
        database, self._database = self._database, None
        if database is not None:
            await database.close()

    async def update(self, told: Told = lambda _done, _total: None) -> int:
        """Index what the log got since the last time; returns the number of events looked at.

        Goes in small steps, before each of which `told` is called and each of which may be the last: what was indexed
        stays. A damaged file is made again.
        """
        async with self._updating:
            try:
                looked_at = await self._update(told)
            except DamagedDatabaseError:
                await self._discard()
                looked_at = await self._update(told)
            self._is_partial = False
            return looked_at

    async def _update(self, told: Told) -> int:
        database = await self._opened()
        identity = await self._store.identity()
        end_of_log = await self._store.position()
        total = 0
        while True:
            start = await database.run(partial(_position, identity=identity))
            told(start, end_of_log)
            events, end = await self._store.follow(start, CHUNK)
            if not events:
                return total
            refs = [(each.run, each.seq) for each in events if isinstance(each.event, ResultEvent)]
            bodies = await self._store.bodies(refs)
            texts = [(each, text_of(each.event, plain_text(bodies.get((each.run, each.seq), ())))) for each in events]
            await database.run(partial(_index, texts=texts, start=start, end=end))
            total += len(events)

    async def find(self, query: str, limit: int = 50, told: Told = lambda _done, _total: None) -> list[SearchHit]:
        """Return the best matches in visible runs, best first. `query` is any text: words that must all be there.

        The last word may be the beginning of one. A query without a word finds nothing. A file that turns out to be
        damaged is made again first, which `told` hears of as in `update`.
        """
        expression = match_expression(query)
        if not expression:
            return []
        if self._is_partial:
            await self.update(told)
        matches = partial(_matches, expression=expression, visible=await self._store.visible(), limit=limit)
        database = await self._opened()
        try:
            rows = await database.run(matches)
        except DamagedDatabaseError:
            await self._make_again(database, told)
            rows = await (await self._opened()).run(matches)
        hits = []
        for run, seq, call in rows:
            for found in await self._store.read(run, after=seq - 1, upto=seq, bodies=True):
                result = found.event.result if isinstance(found.event, ResultEvent) else ()
                line = matching_line(text_of(found.event, plain_text(result)), query)
                hits.append(SearchHit(run, seq, call, line, found.event.kind))
        return hits

    async def _opened(self) -> Database:
        async with self._opening:
            if self._database is None:
                try:
                    self._database = await self._open()
                except DamagedDatabaseError:
                    await self._discard()
                    self._database = await self._open()
            return self._database

    async def _make_again(self, damaged: Database, told: Told) -> None:
        """Make the file again, unless another did so while this waited for its turn."""
        async with self._updating:
            if self._database is damaged:
                await self._discard()
                self._is_partial = True
            await self._update(told)
            self._is_partial = False

    async def _discard(self) -> None:
        """Remove the file: nothing is in it that the log does not have."""
        await self.close()
        await whole(asyncio.to_thread(self._path.unlink, missing_ok=True))

    async def _open(self) -> Database:
        await whole(asyncio.to_thread(_make_if_missing, self._path))
        database = await Database.connect(self._path, "rw")
        try:
            await database.run(partial(_prepare, path=self._path))
        except BaseException:
            await database.close()
            raise
        return database


def text_of(event: Event, result: str) -> str:
    """Return what can be found of an event; `result` is the text of its body."""
    match event:
        case RunStarted():
            text = plain_text(event.task)
        case RunFinished():
            text = event.answer or event.error or ""
        case TurnFinished():
            text = "\n".join(block.text for block in event.content if not isinstance(block, ToolCallBlock))
        case CallStarted():
            text = f"{event.tool} {json.dumps(event.input, ensure_ascii=False)}"
        case InputEdited():
            text = json.dumps(event.input, ensure_ascii=False)
        case TextEdited():
            text = event.text
        case MessageAdded():
            text = plain_text(event.content)
        case PlanProposed() | PlanEdited():
            text = "\n".join(map(str, event.steps))
        case _:
            text = result
    return text[:LONGEST_TEXT]


def indexed_text(text: str) -> str:
    """Return `text` with its CJK runs cut into pairs, and the last character of each run once more alone."""
    return _CJK_RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} {run[0][-1]} ", text)


def match_expression(query: str) -> str:
    """Return an FTS5 expression for any text: only quoted words and pairs, so nothing in it can be syntax."""
    terms = _TERM.findall(query[:1000])[:MOST_TERMS]
    parts = []
    for place, term in enumerate(terms):
        is_pairs = bool(_CJK_RUN.match(term))
        words = " ".join(_pairs(term)) if is_pairs else term
        is_beginning = len(term) == 1 if is_pairs else place == len(terms) - 1
        parts.append(f'"{words}"{"*" if is_beginning else ""}')
    return " ".join(parts)


def matching_line(text: str, query: str) -> str:
    """Return the first line of `text` with a word of the query in it, cut to what stands around the word."""
    terms = [term.casefold() for term in _TERM.findall(query)]
    for line in text.split("\n"):
        places = [place for term in terms if (place := line.casefold().find(term)) >= 0]
        if places:
            start = max(0, min(places) - LINE_LENGTH // 4)
            return line[start : start + LINE_LENGTH].strip()
    return text.strip().split("\n", 1)[0][:LINE_LENGTH]


def marker(query: str) -> re.Pattern[str] | None:
    """Return what finds the words of a query in a line, for marking them; None where it has no word."""
    terms = sorted(set(_TERM.findall(query[:1000])[:MOST_TERMS]), key=len, reverse=True)
    parts = [re.escape(term) if _CJK_RUN.match(term) else rf"(?<![^\W_]){re.escape(term)}" for term in terms]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)] or [run]


def _make_if_missing(path: Path) -> None:
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise DatabaseUnwritableError(
            f"the search file {str(path)!r} cannot be written: {error.strerror}. Searching needs a folder to write in."
        ) from None


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    if pages and found != APPLICATION_ID:
        raise ForeignDatabaseError(f"{str(path)!r} is not a search file of the workbench; move it out of the way")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if pages and (version != VERSION or report(connection, ("progress",)) != "ok"):
        raise DamagedDatabaseError(f"the search file {str(path)!r} cannot be used; it is made again")
    if not pages:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("COMMIT")


def _position(connection: sqlite3.Connection, identity: str) -> int:
    """Return how far the log is indexed; an index of another file, or of one that was purged, is emptied first."""
    row = connection.execute("SELECT database, position FROM progress").fetchone()
    if row is not None and row[0] == identity:
        return int(row[1])
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
    connection.execute("DELETE FROM entries")
    connection.execute("DELETE FROM progress")
    connection.execute("INSERT INTO progress (database, position) VALUES (?, 0)", (identity,))
    connection.execute("COMMIT")
    return 0


def _index(connection: sqlite3.Connection, texts: Sequence[tuple[Recorded, str]], start: int, end: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    moved = connection.execute("UPDATE progress SET position = ? WHERE position = ?", (end, start))
    if moved.rowcount:  # else another process has just indexed these
        for found, text in texts:
            if text:
                call = getattr(found.event, "call", None)
                entry = connection.execute(
                    "INSERT INTO entries (run, seq, call) VALUES (?, ?, ?)", (found.run, found.seq, call)
                )
                words = (entry.lastrowid, indexed_text(text))
                connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", words)
    connection.execute("COMMIT")


def _matches(
    connection: sqlite3.Connection, expression: str, visible: Sequence[str], limit: int
) -> list[tuple[str, int, str | None]]:
    return connection.execute(
        _MATCHES, {"expression": expression, "visible": json.dumps(visible), "weighed": WEIGHED, "limit": limit}
    ).fetchall()
