"""Document and note indexes on SQLite FTS5, in files of their own.

The tools reach them through the protocols in `workbench.tools.library`. This room knows neither the loop nor the
store: an index is a cache that can be thrown away, a notebook is a file that only grows with what a run keeps.
"""

from __future__ import annotations

from pathlib import Path

from workbench.corpus.build import Cancelled, Progress
from workbench.corpus.index import DocumentIndex, open_index
from workbench.corpus.notes import NotesFile
from workbench.corpus.sources import EmbeddedSource, FolderSource

__all__ = ["Cancelled", "DocumentIndex", "NotesFile", "Progress", "open_embedded", "open_folder"]


def open_embedded(cache: Path, progress: Progress | None = None, cancelled: Cancelled | None = None) -> DocumentIndex:
    """Open the language reference that every Python carries, indexing it first where that is needed.

    Raises DocumentsError where `cache` cannot be written, OperationCancelledError when `cancelled` says so.
    """
    return open_index(EmbeddedSource(), cache, progress, cancelled)


def open_folder(
    folder: Path, cache: Path, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> DocumentIndex:
    """Open the documents below `folder`, indexing them first where something changed.

    Raises DocumentsError where the folder or the cache cannot be used, OperationCancelledError when `cancelled`
    says so; then nothing is left behind.
    """
    return open_index(FolderSource(folder), cache, progress, cancelled)
