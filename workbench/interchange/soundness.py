"""Whether the events of a session file fit together: each run is folded while it is read.

So whatever was imported can be opened, and a nonsensical file is refused with its line instead of failing on screen.
"""

from __future__ import annotations

from bisect import bisect_right

from workbench.events.base import Event, Recorded
from workbench.events.call import ResultEvent
from workbench.events.run import RunForked, RunStarted
from workbench.interchange.session import SessionRun, StoredEvent
from workbench.state.fold import apply
from workbench.state.history import SNAPSHOT_EVERY, snapshot
from workbench.state.run_state import RunState


class Unsound(Exception):  # noqa: N818 - a reason, which the reader turns into an error with file and line
    """What is wrong with a line."""


class Replayed:
    """A run as far as it was read, and what it was at any earlier event of its own."""

    def __init__(self, run: SessionRun, parent: Replayed | None) -> None:
        self.run = run
        self.state = parent.at(run.cut or 0) if parent else RunState()
        self._records: list[Recorded] = []
        self._snapshots: list[tuple[int, RunState]] = [(self.state.seq, snapshot(self.state))]

    def owns(self, seq: int) -> bool:
        """Whether event `seq` is one of its own, as far as it was read."""
        return self.run.first_seq <= seq <= self.state.seq

    def append(self, record: Recorded) -> None:
        """Take in its next event."""
        apply(self.state, record)
        self._records.append(record)
        if record.seq - self._snapshots[-1][0] >= SNAPSHOT_EVERY:
            self._snapshots.append((record.seq, snapshot(self.state)))

    def at(self, seq: int) -> RunState:
        """Return its state after event `seq` of its own, an object of its own."""
        nearest, near = self._snapshots[bisect_right(self._snapshots, seq, key=lambda item: item[0]) - 1]
        state = snapshot(near)
        for record in self._records[nearest + 1 - self.run.first_seq : seq + 1 - self.run.first_seq]:
            apply(state, record)
        return state


def replay(run: Replayed, stored: StoredEvent, event: Event) -> None:
    """Fold the next event of a run; raises `Unsound` where it does not fit what stands before it."""
    if stored.seq == run.run.first_seq:
        _check_first(run.run, event)
    elif isinstance(event, RunStarted | RunForked):
        raise Unsound(f"{event.kind!r} stands inside a run; expected at its beginning only")
    if isinstance(event, ResultEvent):
        event = event.model_copy(update={"result": ()})  # the fold never reads it, and it may be large
    try:
        run.append(Recorded(run.run.id, stored.seq, stored.at, event))
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise Unsound(f"{event.kind!r} does not fit what stands before it ({error})") from None


def _check_first(run: SessionRun, event: Event) -> None:
    expected = "run_started" if run.parent is None else "run_forked"
    if event.kind != expected or not isinstance(event, RunStarted | RunForked):
        raise Unsound(f"run {run.id!r} begins with {event.kind!r}; expected {expected!r}")
    caller = (event.caller.run, event.caller.call) if event.caller else (None, None)
    agrees = caller == (run.caller_run, run.caller_call)
    if isinstance(event, RunForked):
        agrees = agrees and (event.parent, event.cut) == (run.parent, run.cut)
    else:
        agrees = agrees and event.depth == run.depth
    if not agrees:
        raise Unsound(f"run {run.id!r} and its first event do not agree on where it comes from")
