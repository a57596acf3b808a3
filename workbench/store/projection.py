"""Summaries of runs for lists: a copy beside the log that the driver keeps, never the truth.

A summary says up to which event it was folded, so whoever lists folds those again that fell behind. How a summary is
folded is not known here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from workbench.store.library import Remarks, hidden_runs, remarks
from workbench.store.model import RunRow, RunSummary

_UPSERT = """
INSERT INTO summaries (
  run, as_of_seq, task, model, status, reason, steps, calls, errors, input_tokens, output_tokens, cost, total_tokens,
  elapsed, answer_line, edited, address, updated
) VALUES (
  :run, :as_of_seq, :task, :model, :status, :reason, :steps, :calls, :errors, :input_tokens, :output_tokens, :cost,
  :total_tokens, :elapsed, :answer_line, :edited, :address, :updated
)
ON CONFLICT (run) DO UPDATE SET
  as_of_seq = excluded.as_of_seq, task = excluded.task, model = excluded.model, status = excluded.status,
  reason = excluded.reason, steps = excluded.steps, calls = excluded.calls, errors = excluded.errors,
  input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, cost = excluded.cost,
  total_tokens = excluded.total_tokens, elapsed = excluded.elapsed, answer_line = excluded.answer_line,
  edited = excluded.edited, address = excluded.address, updated = excluded.updated
WHERE excluded.as_of_seq >= summaries.as_of_seq
"""
_ALL = "SELECT json_group_array(id) FROM runs"
# The newest, those that were named, whatever these come from, and their subagents, so that no tree is torn. Without
# newest ones nobody shows a tree.
_PAGE = """
WITH RECURSIVE page (id) AS (
  SELECT * FROM (
    SELECT id FROM runs WHERE id NOT IN (SELECT value FROM json_each(:unseen)) ORDER BY n DESC LIMIT :limit
  )
  UNION SELECT value FROM json_each(:also)
  UNION
  SELECT origin.value FROM page JOIN runs AS r ON r.id = page.id
  JOIN json_each(json_array(r.caller_run, r.made_from, r.parent)) AS origin ON origin.value NOTNULL
  UNION SELECT r.id FROM page JOIN runs AS r ON r.caller_run = page.id WHERE :limit > 0
)
SELECT json_group_array(id) FROM page
"""
# The list of what is wanted comes first, so that SQLite looks each of it up.
_HEADERS = """
SELECT
  r.id, r.root, r.created, r.parent, r.cut, r.made_from, r.caller_run, r.caller_call, r.depth, r.imported,
  coalesce((SELECT max(seq) FROM events WHERE run = r.id), r.cut, -1) AS last_seq,
  (SELECT max(id) FROM runs WHERE id < r.id) AS before, (SELECT min(id) FROM runs WHERE id > r.id) AS after
FROM json_each(:runs) AS wanted CROSS JOIN runs AS r ON r.id = wanted.value ORDER BY r.n DESC
"""
_SUMMARIES = """
SELECT
  run, as_of_seq, task, model, status, reason, steps, calls, errors, input_tokens, output_tokens, cost, total_tokens,
  elapsed, answer_line, edited, address, updated
FROM summaries WHERE run IN (SELECT value FROM json_each(:runs))
"""


def save(connection: sqlite3.Connection, summary: RunSummary) -> None:
    """Keep a summary, unless a newer one is there."""
    connection.execute(_UPSERT, _columns(summary))


def runs(
    connection: sqlite3.Connection,
    *,
    hidden: bool,
    holders: Mapping[str, str],
    limit: int | None = None,
    also: Sequence[str] = (),
) -> list[RunRow]:
    """Return a row for every run, newest first; `holders` says by root who drives it.

    With a `limit` only the newest so many, and beside them those that are driven or named in `also`, all that any of
    these come from, and, unless the limit is 0, their subagents; the hidden ones too, where they are asked for. What is
    left out is not read.
    """
    unseen = hidden_runs(connection)
    if limit is None:
        page = connection.execute(_ALL).fetchone()[0]
    else:
        beside = [*also, *holders, *(unseen if hidden else ())]
        wanted = {"unseen": json.dumps(list(unseen)), "also": json.dumps(beside), "limit": limit}
        page = connection.execute(_PAGE, wanted).fetchone()[0]
    of = {"runs": page}
    said = remarks(connection, page)
    folded = {row["run"]: row for row in _named(connection.execute(_SUMMARIES, of))}
    return [
        _row(
            header,
            folded.get(header["id"]) or _columns(RunSummary(run=header["id"])),
            said.get(header["id"], Remarks()),
            is_hidden=header["id"] in unseen,
            held_by=holders.get(header["root"], ""),
        )
        for header in _named(connection.execute(_HEADERS, of))
        if hidden or header["id"] not in unseen
    ]


def visible(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of the runs that lists show."""
    unseen = hidden_runs(connection)
    return [run for (run,) in connection.execute("SELECT id FROM runs").fetchall() if run not in unseen]


def _columns(summary: RunSummary) -> dict[str, Any]:
    """Return a summary by column; its values are plain, and need not be copied as `asdict` does."""
    return {each.name: getattr(summary, each.name) for each in fields(summary)}


def _named(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _row(header: dict[str, Any], summary: dict[str, Any], said: Remarks, *, is_hidden: bool, held_by: str) -> RunRow:
    run, neighbours = header["id"], (header.pop("before"), header.pop("after"))
    return RunRow(
        **{**header, "imported": bool(header["imported"])},
        **{name: value for name, value in summary.items() if name != "run"},
        name=said.name,
        note=said.note,
        tags=said.tags,
        marked=said.marked,
        hidden=is_hidden,
        live=bool(held_by),
        held_by=held_by,
        race=said.race,
        variant=said.variant,
        checks=said.checks,
        is_judged=said.is_judged,
        passed=said.passed,
        why=said.why,
        judges=said.judges,
        unique=1 + max(_shared(run, other or "") for other in neighbours),
    )


def _shared(one: str, other: str) -> int:
    """Return how many characters two ids begin with in common."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
