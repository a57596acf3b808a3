"""Session files, out and in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExportRun:
    """Write a run with its lineage and subagents to a session file. Answers with `ExportedFile`.

    Raises `OverwriteRefusedError` where the file is there, unless `replace`.
    """

    run: str
    path: str
    forks: bool = False
    """The forks of these runs too."""
    replace: bool = False


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """What an export wrote."""

    path: str
    runs: int
    events: int
    size: int
    """Bytes."""
    is_too_large: bool
    """More than an import takes."""


@dataclass(frozen=True, slots=True)
class ImportFile:
    """Take in the runs of a session file, all or none. Answers with `ImportedFile`."""

    path: str


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What an import took in."""

    new: int
    """Runs that were not here before."""
    newest: str
    """The run to look at first."""
    notes: tuple[str, ...]
    """Sentences about what had to be left out."""
