"""Summaries of runs for lists: a copy beside the log that the driver keeps, never the truth.

A summary says up to which event it was folded, so whoever lists folds those again that fell behind. How a summary is
folded is not known here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
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
_HEADERS = """
SELECT
  id, root, created, parent, cut, made_from, caller_run, caller_call, depth, imported,
  coalesce((SELECT max(seq) FROM events WHERE run = runs.id), cut, -1) AS last_seq
FROM runs ORDER BY n DESC
"""
_SUMMARIES = """
SELECT
  run, as_of_seq, task, model, status, reason, steps, calls, errors, input_tokens, output_tokens, cost, total_tokens,
  elapsed, answer_line, edited, address, updated
FROM summaries
"""


def save(connection: sqlite3.Connection, summary: RunSummary) -> None:
    """Keep a summary, unless a newer one is there."""
    connection.execute(_UPSERT, asdict(summary))


def runs(connection: sqlite3.Connection, *, hidden: bool, holders: Mapping[str, str]) -> list[RunRow]:
    """Return a row for every run, newest first; `holders` says by root who drives it."""
    unseen = hidden_runs(connection)
    said = remarks(connection)
    folded = {row["run"]: row for row in _named(connection.execute(_SUMMARIES))}
    return [
        _row(
            header,
            folded.get(header["id"]) or asdict(RunSummary(run=header["id"])),
            said.get(header["id"], Remarks()),
            is_hidden=header["id"] in unseen,
            held_by=holders.get(header["root"], ""),
        )
        for header in _named(connection.execute(_HEADERS))
        if hidden or header["id"] not in unseen
    ]


def _named(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _row(header: dict[str, Any], summary: dict[str, Any], said: Remarks, *, is_hidden: bool, held_by: str) -> RunRow:
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
    )
