"""`workbench doctor`: what is here, what is missing, and whether the database is sound."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from workbench.cli.paper import Paper, out
from workbench.cli.reading import with_store
from workbench.cli.workplace import check_values
from workbench.config.resources import shipped
from workbench.config.settings import Places, find_places, load_settings
from workbench.errors import UserError
from workbench.store import RunRow, Store
from workbench.store.facts import sqlite_facts
from workbench.version import __version__
from workbench.views.segments import Segment, Style
from workbench.views.show import short
from workbench.views.text import human_bytes, inert

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK")
"""Where providers look for keys; only whether they are set is told."""

_STYLES: dict[str, Style] = {"ok": "ok", "note": "waiting", "bad": "error"}
_GLYPHS = {"ok": "✓", "note": "·", "bad": "✗"}


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: Literal["ok", "note", "bad"]
    name: str
    text: str


def execute(args: argparse.Namespace) -> int:
    """Print all findings; exit 1 where something does not work."""
    places = find_places(args.db)
    findings = [*_program(), *_terminal(), *_places(places), *_database(places.database), *_files(places), *_keys()]
    paper = out()
    for finding in findings:
        _tell(finding, paper)
    return 1 if any(finding.level == "bad" for finding in findings) else 0


def _tell(finding: Finding, paper: Paper) -> None:
    mark = Segment(f"{_GLYPHS[finding.level]} ", _STYLES[finding.level])
    paper.lines([(mark, Segment(f"{finding.name:<10}", "key"), Segment(inert(finding.text).replace("\n", " ")))])


def _program() -> Iterator[Finding]:
    yield Finding("ok", "workbench", __version__)
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.system()}, {sys.executable}")

    sqlite = sqlite_facts()
    search = "with full-text search" if sqlite.has_fts5 else "without full-text search (FTS5), which is needed"
    yield Finding("ok" if sqlite.has_fts5 else "bad", "sqlite", f"{sqlite.version} {search}")


def _terminal() -> Iterator[Finding]:
    encoding = sys.stdout.encoding or "unknown"
    if sys.stdout.isatty():
        size = os.get_terminal_size(sys.stdout.fileno())
        kind = os.environ.get("TERM", "unknown")
        level: Literal["ok", "note"] = "ok" if size.columns >= 80 and size.lines >= 24 else "note"
        yield Finding(level, "terminal", f"{kind}, {size.columns}×{size.lines} (80×24 is the least), {encoding}")
    else:
        yield Finding("note", "terminal", f"none on stdout: runs are printed as text, {encoding}")


def _places(places: Places) -> Iterator[Finding]:
    for name, path in (("cache", places.cache), ("config", places.config), ("state", places.state)):
        yield Finding("ok", name, f"{path}{'' if path.exists() else ' (not there yet)'}")
    yield Finding("ok", "log", f"{places.log}{'' if places.log.exists() else ' (nothing was written yet)'}")
    from workbench.tui.keymap import check_keys

    try:
        settings = load_settings(places.settings)
        check_keys(settings.keys, places.settings)
        check_values(settings, places.settings)
    except UserError as error:
        yield Finding("bad", "settings", str(error))
    else:
        there = places.settings.is_file()
        yield Finding("ok", "settings", str(places.settings) if there else f"none; {places.settings} may hold some")


def _database(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding("note", "database", f"{path} (not there yet; the first run makes it)")
        return

    async def looked(store: Store) -> tuple[list[RunRow], list[str]]:
        return await store.runs(hidden=True), await store.check()

    try:
        rows, problems = with_store(path, looked)
    except UserError as error:
        yield Finding("bad", "database", str(error))
        return
    hidden = sum(row.hidden for row in rows)
    yield Finding("ok", "database", f"{path}, {human_bytes(path.stat().st_size)}, {len(rows)} runs, {hidden} hidden")
    for problem in problems:
        if not problem.startswith("the summary of run"):  # those are brought up when the runs are listed
            yield Finding("note" if problem.startswith("SQLite") else "bad", "database", problem)
    for row in rows:
        if row.live and row.id == row.root:
            yield Finding("ok", "driven", f"run {short(row.id)} by {row.held_by}")


def _files(places: Places) -> Iterator[Finding]:
    themes = sorted(path.stem for path in shipped("themes").glob("*.toml"))
    own = sorted(path.stem for path in places.themes.glob("*.toml"))
    yield Finding(
        "ok" if themes else "bad", "themes", ", ".join([*themes, *(f"{name} (yours)" for name in own)]) or "none"
    )
    sessions = sorted(path.stem for path in shipped("sessions").glob("*.jsonl"))
    yield Finding("ok" if sessions else "note", "sessions", ", ".join(sessions) or "none")


def _keys() -> Iterator[Finding]:
    found = [name for name in KEYS if os.environ.get(name)]
    yield Finding("ok" if found else "note", "keys", ", ".join(found) or "none set; the embedded model needs none")
