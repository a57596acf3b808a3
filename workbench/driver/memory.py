"""Which runs' notes a run may read beside those of its own line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.store import RunRow

if TYPE_CHECKING:
    from workbench.driver.session import Session


async def finished_others(session: Session, run: str) -> frozenset[str]:
    """Return the finished runs that are no relatives of `run`, as far as they are not hidden.

    Relatives are all that a chain of forks and subagents ties to it. What they noted may be its own future, told from
    another branch; what of it is its past, the run's own log says.
    """
    rows = await session.rows.listed(hidden=True)
    relatives = _relatives(rows, run)
    done = (row for row in rows if row.status in ("completed", "failed") and not row.hidden)
    return frozenset(row.id for row in done if row.id not in relatives)


def _relatives(rows: Iterable[RunRow], run: str) -> set[str]:
    tied: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for other in filter(None, (row.parent, row.made_from, row.caller_run)):
            tied[row.id].add(other)
            tied[other].add(row.id)
    known, fresh = {run}, [run]
    while fresh:
        more = tied[fresh.pop()] - known
        known |= more
        fresh += more
    return known
