"""Leases: at most one process drives a run and its subagents.

Every lease has a fencing token that grows with each change of hands; an append carries it, and the transaction that
inserts checks it, so a driver that lost its lease can write nothing. Whether a holder still lives is judged first by
the operating system, and where that cannot tell, by watching the holder's heartbeat count on the observer's own
monotonic clock; wall clocks decide nothing.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace

from workbench.clock import Clock
from workbench.errors import RunHeldError, UserError
from workbench.store.process import Process

EXPIRY_SECONDS = 15.0
"""How long a heartbeat must stand still before a holder that cannot be seen counts as gone."""

_HOLDERS = """
SELECT l.root, l.token, l.since, p.beat, p.owner, p.pid, p.host, p.boot, p.started
FROM leases AS l JOIN processes AS p ON p.owner = l.owner
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a lease, whether it lives or not."""

    root: str
    token: int
    since: float
    """Unix seconds, for people."""
    beat: int
    process: Process
    is_seen_alive: bool = False
    """The operating system says that it is running."""


class LeaseBook:
    """Takes, keeps and judges leases for one process."""

    def __init__(self, process: Process, clock: Clock) -> None:
        self.process = process
        self._clock = clock
        # By owner the last beat and since when. Both connections' threads look and note; that one may miss what the
        # other has just noted does no harm.
        self._seen: dict[str, tuple[int, float]] = {}

    def take(self, connection: sqlite3.Connection, root: str) -> int | Holder:
        """Take the lease on `root` if it is free, ours, or its holder is gone; return its token, or who keeps it."""
        imported = connection.execute("SELECT imported FROM runs WHERE id = ?", (root,)).fetchone()
        if imported is not None and imported[0]:
            raise UserError(f"run {root} was imported; it can be opened and forked, but not driven on")
        holder = self._holder(connection, root)
        if holder is not None and holder.process.owner == self.process.owner:
            return holder.token
        if holder is not None and not self._is_gone(holder):
            return replace(holder, is_seen_alive=self.process.sees_alive(holder.process) is True)
        self.beat(connection)
        connection.execute(
            "INSERT INTO leases (root, owner, token, since) VALUES (?1, ?2, 1, ?3) "
            "ON CONFLICT (root) DO UPDATE SET owner = ?2, token = token + 1, since = ?3",
            (root, self.process.owner, self._clock.wall()),
        )
        connection.execute(
            "DELETE FROM processes WHERE owner <> ? AND owner NOT IN (SELECT owner FROM leases WHERE owner NOTNULL)",
            (self.process.owner,),
        )
        token: int = connection.execute("SELECT token FROM leases WHERE root = ?", (root,)).fetchone()[0]
        return token

    def give_back(self, connection: sqlite3.Connection, root: str | None = None) -> None:
        """Free the lease on `root`, or all of this process's leases, and then its heartbeat row too."""
        owner = self.process.owner
        if root is not None:
            connection.execute("UPDATE leases SET owner = NULL WHERE root = ? AND owner = ?", (root, owner))
            return
        connection.execute("UPDATE leases SET owner = NULL WHERE owner = ?", (owner,))
        connection.execute("DELETE FROM processes WHERE owner = ?", (owner,))

    def beat(self, connection: sqlite3.Connection) -> None:
        """Show that this process lives."""
        own = self.process
        connection.execute(
            "INSERT INTO processes (owner, pid, host, boot, started, beat) VALUES (?, ?, ?, ?, ?, 0) "
            "ON CONFLICT (owner) DO UPDATE SET beat = beat + 1",
            (own.owner, own.pid, own.host, own.boot, own.started),
        )

    def living(self, connection: sqlite3.Connection) -> dict[str, str]:
        """Return by root who drives a run now, `pid 123 on host`."""
        holders = [_as_holder(row) for row in connection.execute(_HOLDERS).fetchall()]
        return {holder.root: str(holder.process) for holder in holders if not self._is_gone(holder)}

    def _holder(self, connection: sqlite3.Connection, root: str) -> Holder | None:
        row = connection.execute(f"{_HOLDERS} WHERE l.root = ?", (root,)).fetchone()
        return None if row is None else _as_holder(row)

    def _is_gone(self, holder: Holder) -> bool:
        if holder.process.owner == self.process.owner:
            return False
        if self.process.sees_alive(holder.process) is False:
            return True
        now = self._clock.monotonic()
        beat, since = self._seen.get(holder.process.owner, (None, now))
        if beat != holder.beat:
            since = now
        self._seen[holder.process.owner] = (holder.beat, since)
        return now - since >= EXPIRY_SECONDS


def held_error(holder: Holder) -> RunHeldError:
    """Return the error for a run that another process drives."""
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.since))
    return RunHeldError(
        f"run {holder.root} is driven by {holder.process} since {since}; watch it with "
        f"`workbench open {holder.root}`, or end that process to take it over"
    )


def _as_holder(row: tuple[str, int, float, int, str, int, str, str, str]) -> Holder:
    root, token, since, beat, owner, pid, host, boot, started = row
    return Holder(root, token, since, beat, Process(owner, pid, host, boot, started))
