"""How a run is told on stdout: as text for people, or as one JSON object a line for programs."""

from __future__ import annotations

from typing import Any, Protocol

from workbench.cli.narrator import Narrator, member_words
from workbench.cli.paper import Paper
from workbench.driver.feed import Progress, Trouble
from workbench.events.base import Recorded
from workbench.events.call import SubagentStarted
from workbench.events.codec import UnknownEvent
from workbench.events.turn import TurnText
from workbench.state.run_state import RunState
from workbench.views.segments import Line, Segment

_OTHER_NAMES = {"run": "child"}
"""Fields of events whose names the envelope takes: the run of a subagent."""


class Printer(Protocol):
    """Where a run is told."""

    notes: Paper
    """Where a person is told what to do next."""

    def event(self, record: Recorded, state: RunState, *, is_child: bool) -> None:
        """Tell an event, after which its run is in `state`."""
        ...

    def progress(self, progress: Progress) -> None:
        """Tell how far something is."""
        ...

    def trouble(self, trouble: Trouble) -> None:
        """Tell what went wrong beside the run."""
        ...


class _Beside:
    """What both printers tell on stderr."""

    def __init__(self, err: Paper) -> None:
        self._err = err

    def progress(self, progress: Progress) -> None:
        """Show progress on one line, which disappears in the end."""
        is_done = progress.done >= progress.total > 0
        far = f"{progress.done} of {progress.total}" if progress.total else str(progress.done)
        self._err.progress("" if is_done else f"{progress.label}: {far}")

    def trouble(self, trouble: Trouble) -> None:
        """Print a sentence."""
        self._err.say(f"workbench: {trouble.message}", "error" if trouble.level == "error" else "waiting")


class TextPrinter(_Beside):
    """Tells a run to a person; a subagent's lines begin with the call that it is, and which of its ensemble."""

    def __init__(self, out: Paper, err: Paper) -> None:
        super().__init__(err)
        self.notes = out
        self._narrators: dict[str, Narrator] = {}
        self._members: dict[str, str] = {}
        """Which of an ensemble each of its subagents is, by run."""

    def event(self, record: Recorded, state: RunState, *, is_child: bool) -> None:
        """Print the lines of an event."""
        if isinstance(record.event, SubagentStarted):
            self._members[record.event.run] = member_words(record.event, state.agent)
        member = self._members.get(record.run, "")
        label = f"{state.caller.call}{member and f' {member}'} │ " if is_child and state.caller else ""
        if record.run not in self._narrators:
            self._narrators[record.run] = Narrator(self.notes.width - len(label))
        lines = self._narrators[record.run].lines(record, state)
        self.notes.lines(self._labelled(label, lines) if label else lines)

    def _labelled(self, label: str, lines: list[Line]) -> list[Line]:
        return [(Segment(label, "muted"), *line) for line in lines if line]


class JsonPrinter(_Beside):
    """Prints events, and nothing else on stdout."""

    def __init__(self, out: Paper, err: Paper, *, streamed: bool) -> None:
        super().__init__(err)
        self.notes = err
        self._out, self._streamed = out, streamed

    def event(self, record: Recorded, state: RunState, *, is_child: bool) -> None:  # noqa: ARG002 - the record says it
        """Print an event; text that is still streaming only where it was asked for."""
        if self._streamed or not isinstance(record.event, TurnText):
            self._out.json(event_document(record))


def event_document(record: Recorded) -> dict[str, Any]:
    """Return an event with its envelope as one flat JSON object."""
    event = record.event
    envelope: dict[str, Any] = {"run": record.run, "seq": record.seq, "at": record.at, "kind": event.kind}
    fields = event.raw if isinstance(event, UnknownEvent) else event.model_dump(mode="json")
    for key, value in fields.items():
        if key not in envelope:
            envelope[key] = value
        elif key != "kind":
            envelope[_OTHER_NAMES.get(key, f"event_{key}")] = value
    return envelope
