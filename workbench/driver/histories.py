"""The logs that were read lately. Each is read once; whoever asks again has what came since read, and nothing else.

Logs only grow, so what was read stays true. A fork's log begins as its parent's, so it is not read where that is here.
What is given out is the asker's own: it does not grow while they work with it. Results are never kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from workbench.events.base import Recorded
from workbench.events.call import ResultEvent
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.store import RunHeader, Store

MOST: Final = 20_000
"""Events that are kept of runs but for those looked at last: some 30 MB."""
LOOKED_AT: Final = 2
"""Runs that are kept however long they are: the one that is looked at, and the one that it is a fork of."""
WEIGHT: Final = 100
"""Events that take as much as a run that has none."""
PART: Final = 1_024
"""Events that are read or folded at once at first, where not all may be needed."""


@dataclass(slots=True)
class _Kept:
    records: list[Recorded]
    """The lineage from its beginning; all of it, or less."""
    history: History = field(default_factory=History)
    """The same, folded as far as somebody wanted."""

    @property
    def weight(self) -> int:
        """How much it takes, in events."""
        return len(self.records) + WEIGHT

    def owner(self, seq: int) -> str | None:
        """Return the run that owns an event, where that was read."""
        return self.records[seq].run if seq < len(self.records) else None

    def upto(self, seq: int) -> _Kept:
        """Return the same up to event `seq`, to go on by itself."""
        is_folded = self.history.live.seq >= seq
        return _Kept(self.records[: seq + 1], self.history.upto(seq) if is_folded else History())

    def extend(self, records: list[Recorded]) -> None:
        """Take what follows, of which somebody else may have brought the first ones meanwhile."""
        self.records += records[len(self.records) - records[0].seq :] if records else ()

    def fold(self, part: int | None = None) -> bool:
        """Fold what is not folded yet, at most `part` events of it; return whether there was any."""
        first = len(self.history.records)
        self.history.extend(self.records[first : None if part is None else first + part])
        return len(self.history.records) > first

    def folded(self) -> History:
        """Return what is folded, as a history that goes on by itself."""
        return self.history.upto(self.history.live.seq)


class Histories:
    """Reads the logs of a session's runs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        """Those used last come last."""
        self._looked_at: list[str] = []
        """The newest first."""

    async def records(self, run: str) -> tuple[Recorded, ...]:
        """Return the events of a run's whole lineage."""
        kept = await self._begun(run)
        await self._read_on(run, kept)
        self._look(run)
        self._keep(run, kept)
        return tuple(kept.records)

    async def history(self, run: str, enough: Callable[[RunState], bool] | None = None) -> History:
        """Return a run's whole history, or a beginning of it of which `enough` holds.

        `enough` is only asked about states in which the run itself has begun, so that they say whose they are.
        """
        header = await self._store.header(run)
        kept, is_read, part = await self._begun(run, header), False, None
        while enough is None or kept.history.live.seq < header.first_seq or not enough(kept.history.live):
            part = None if enough is None else max(PART, len(kept.history.records) // 2)
            if kept.fold(part):
                continue
            if is_read:
                break
            is_read = await self._read_on(run, kept, part)
        self._look(run)
        self._keep(run, kept)
        return kept.folded()

    async def state(self, run: str) -> RunState:
        """Return a run's state as its log has it."""
        kept = await self._begun(run)
        await self._read_on(run, kept)
        kept.fold()
        self._keep(run, kept)
        return kept.folded().live

    async def once(self, run: str) -> History:
        """Return the whole history of a run that somebody moves from here on; it is not kept for that."""
        kept = await self._begun(run)
        await self._read_on(run, kept)
        kept.fold()
        return kept.folded()

    def take(self, record: Recorded) -> None:
        """Take an event that was just stored, where what comes before it is here."""
        kept = self._kept.get(record.run)
        if kept is None or len(kept.records) != record.seq:
            return
        event = record.event
        if isinstance(event, ResultEvent):
            record = Recorded(record.run, record.seq, record.at, event.model_copy(update={"result": ()}))
        kept.records.append(record)
        if len(kept.records) % PART == 0:
            self._let_go()

    async def _begun(self, run: str, header: RunHeader | None = None) -> _Kept:
        """Return what is here of a run: what was kept, or what it has in common with a run that is."""
        if run in self._kept:
            return self._kept[run]
        header = header or await self._store.header(run)
        for origin in (header.parent, header.made_from):
            known = self._kept.get(origin or "")
            if known is not None and header.cut is not None and known.owner(header.cut) == header.parent:
                return known.upto(header.cut)
        return _Kept([])

    async def _read_on(self, run: str, kept: _Kept, part: int | None = None) -> bool:
        """Read what follows, at most `part` events of it; return whether that is all there is."""
        after = len(kept.records) - 1
        found = await self._store.read(run, after=after, upto=None if part is None else after + part)
        kept.extend(found)
        return part is None or len(found) < part

    def _look(self, run: str) -> None:
        self._looked_at = [run, *(other for other in self._looked_at if other != run)][:LOOKED_AT]

    def _keep(self, run: str, kept: _Kept) -> None:
        """Keep what was read as the newest, unless somebody else has read further."""
        known = self._kept.get(run)
        if known is None or len(known.records) <= len(kept.records):
            self._kept[run] = kept
        self._kept.move_to_end(run)
        self._let_go()

    def _let_go(self) -> None:
        """Forget what was not used for longest, until the rest is small enough."""
        others = [run for run in self._kept if run not in self._looked_at]
        weight = sum(self._kept[run].weight for run in others)
        for run in others:
            if weight <= MOST:
                return
            weight -= self._kept.pop(run).weight
