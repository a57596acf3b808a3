"""SQLite: the append-only log of all runs, what was said about them, and who drives which.

The log alone is the truth. This room keeps it: group commit, forks as lineage rows, lazy bodies, leases with fencing,
import, purge and search. It does not know the fold, so it can never disagree with it, and nothing of screens or models.
"""

from workbench.store.model import (
    Batch,
    Durability,
    LibraryEntry,
    PurgeReport,
    RunHeader,
    RunRow,
    RunSummary,
    SearchHit,
    Segment,
)
from workbench.store.search import SearchFile, marker, search_path
from workbench.store.store import Store

__all__ = [
    "Batch",
    "Durability",
    "LibraryEntry",
    "PurgeReport",
    "RunHeader",
    "RunRow",
    "RunSummary",
    "SearchFile",
    "SearchHit",
    "Segment",
    "Store",
    "marker",
    "search_path",
]
