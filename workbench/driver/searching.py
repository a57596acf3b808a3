"""Search over all runs: the index brought up on demand, and hits grouped by the run they stand in."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path

from workbench.driver.commands import FoundRun
from workbench.driver.rows import Rows
from workbench.driver.works import Work, Works
from workbench.store import RunRow, SearchFile, SearchHit, Store

MOST_HITS = 200


class Searches:
    """The index of one database's runs, opened when somebody first searches."""

    def __init__(self, store: Store, path: Path, rows: Rows, works: Works) -> None:
        self._store, self._file, self._rows, self._works = store, SearchFile(path, store), rows, works
        self._updating = asyncio.Lock()

    async def update(self) -> None:
        """Index what is new; what was indexed when a person gives it up stays."""
        async with self._updating:
            with self._indexing() as work:
                await self._file.update(work.tell)

    async def find(self, text: str) -> list[FoundRun]:
        """Return the runs that say `text`, the best first, then those about which people said it."""
        if not text.strip():
            return []
        hits: dict[str, list[SearchHit]] = {}
        with self._indexing() as work:  # told of only where the file turns out to be damaged
            found = await self._file.find(text, MOST_HITS, work.tell)
        for hit in found:
            hits.setdefault(hit.run, []).append(hit)
        wanted = [*hits, *await self._store.labelled()]
        rows = {row.id: row for row in await self._rows.listed(limit=0, also=wanted)}
        labels = {run: label for run, row in rows.items() if (label := labelled(row, text))}
        order = dict.fromkeys([*hits, *labels])
        return [FoundRun(rows[run], tuple(hits.get(run, ())), labels.get(run, "")) for run in order if run in rows]

    def _indexing(self) -> AbstractContextManager[Work]:
        sentence = "indexing the runs was stopped; what is indexed already is found"
        return self._works.begin("indexing the runs", given_up=sentence)

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()


def labelled(row: RunRow, text: str) -> str:
    """Return what people said about a run that has all words of `text`: its name, its tags, or a line of its note."""
    words = text.casefold().split()
    said = (row.name, " ".join(f"#{tag}" for tag in row.tags), *row.note.splitlines())
    return next((line for line in said if words and all(word in line.casefold() for word in words)), "")
