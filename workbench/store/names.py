"""From what a person typed to one run: an id, a unique prefix of one, or `@last`."""

from __future__ import annotations

import difflib
import sqlite3

from workbench.errors import AmbiguousRunError, RunNotFoundError
from workbench.events.content import normalise_text
from workbench.store.library import hidden_runs

LAST = "@last"
_NAMED = 5
"""How many runs a message names."""


def resolve(connection: sqlite3.Connection, name: str) -> str:
    """Return the id that `name` means.

    `@last` is the newest visible run that a person started here, or fork of one: no subagent, nothing imported. Of
    several runs with the prefix, one that is alone in being visible is meant.
    """
    wanted = normalise_text(name).strip()  # a terminal's bytes that are no text come as what cannot be stored
    if wanted == LAST:
        return _last(connection)
    if not wanted:
        raise RunNotFoundError("no run was named; give an id, the beginning of one, or @last")
    if connection.execute("SELECT 1 FROM runs WHERE id = ?", (wanted,)).fetchone():
        return wanted
    rows = connection.execute(
        "SELECT id FROM runs WHERE lower(substr(id, 1, length(?1))) = lower(?1) ORDER BY n DESC", (wanted,)
    ).fetchall()
    found = [str(row[0]) for row in rows]
    if len(found) > 1:
        hidden = hidden_runs(connection)
        found = [run for run in found if run not in hidden] or found
    if not found:
        raise _not_found(connection, wanted)
    if len(found) > 1:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise AmbiguousRunError(
            f"{wanted!r} is the beginning of {len(found)} runs: {', '.join(found[:_NAMED])}{more}. Give more of the id."
        )
    return found[0]


def _last(connection: sqlite3.Connection) -> str:
    hidden = hidden_runs(connection)
    rows = connection.execute(
        "SELECT id FROM runs WHERE depth = 0 AND caller_run IS NULL AND NOT imported ORDER BY n DESC"
    )
    for (run,) in rows.fetchall():
        if run not in hidden:
            return str(run)
    raise RunNotFoundError("there is no last run yet; `workbench run` starts one")


def _not_found(connection: sqlite3.Connection, wanted: str) -> RunNotFoundError:
    ids = [row[0] for row in connection.execute("SELECT id FROM runs ORDER BY n DESC").fetchall()]
    near = difflib.get_close_matches(wanted, [run[: max(len(wanted), 4)] for run in ids], n=_NAMED, cutoff=0.5)
    nearest = [run for run in ids if any(run.startswith(start) for start in near)] or ids
    if not nearest:
        return RunNotFoundError(f"there is no run {wanted!r}: this database holds none. `workbench run` starts one.")
    which = "the nearest are" if near else "the newest are"
    return RunNotFoundError(
        f"there is no run {wanted!r}; {which} {', '.join(nearest[:_NAMED])}. `workbench runs` lists them all."
    )
