"""Reads session files: JSON Lines with a header, then runs, each before its own events.

A file is taken whole or not at all, and whatever is wrong with it is one sentence that names file, line and reason.
Only a file that was cut short is taken up to its last whole line, and only runs whose ancestors are missing are left
out; both is said.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.errors import NewerDatabaseError, SessionFileError
from workbench.events.codec import parse_event
from workbench.events.library import LibraryEvent
from workbench.interchange.lines import Line, read_lines
from workbench.interchange.session import (
    FORMAT,
    MOST_EVENTS,
    MOST_RUNS,
    VERSION,
    Session,
    SessionRun,
    StoredEvent,
    Told,
    event_prefix,
    nobody,
)
from workbench.interchange.soundness import Replayed, Unsound, replay
from workbench.interchange.strict_json import strict_json

LATEST: Final = 253_402_300_799
"""Last second of the year 9999; later ones no calendar can show."""

_RunId = Annotated[str, Field(pattern=r"\A[0-9A-Za-z][0-9A-Za-z_-]{3,63}\z")]
_Number = Annotated[int, Field(ge=0, lt=1 << 31)]


class _RunLine(BaseModel):
    """What stands in the line of a run; other keys are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")

    id: _RunId
    root: _RunId
    created: Annotated[float, Field(ge=0, le=LATEST)]
    parent: _RunId | None = None
    cut: _Number | None = None
    made_from: _RunId | None = None
    caller_run: _RunId | None = None
    caller_call: Annotated[str, Field(pattern=r"\A[0-9]{1,9}\.[0-9]{1,9}\z")] | None = None
    depth: _Number


def read_session(path: Path, told: Told = nobody) -> Session:
    """Return the runs of the session file at `path`, checked; raises `SessionFileError`."""
    reader = _Reader(path)
    for line in read_lines(path, told):
        reader.take(line)
    return reader.finish()


def is_session_file(path: Path) -> bool:
    """Whether the file begins like a session file."""
    try:
        first = next(read_lines(path), None)
        return first is not None and _header_version(strict_json(first.text)) is not None
    except (SessionFileError, ValueError):
        return False


class _Reader:
    """Takes lines one by one and knows where it is, for the sentence about what is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._line = 0
        self._has_header = False
        self._is_cut = False
        self._events = 0
        self._runs: dict[str, SessionRun] = {}
        self._replayed: dict[str, Replayed] = {}
        self._left_out: dict[str, str] = {}
        """Runs that cannot be used, and why."""

    def take(self, line: Line) -> None:
        """Take the next line."""
        self._line = line.number
        try:
            value = strict_json(line.text)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            if not line.is_whole and self._has_header:
                self._is_cut = True
                return
            raise self._refused(f"it is not JSON: {error}") from None
        except ValueError as error:
            raise self._refused(str(error)) from None
        try:
            self._take_value(line.text.decode(), value)
        except Unsound as error:
            raise self._refused(str(error)) from None

    def finish(self) -> Session:
        """Return what was read."""
        if not self._has_header:
            raise SessionFileError(f"{str(self._path)!r} is empty; expected a session file")
        self._leave_out_what_lacks()
        notes = []
        if self._is_cut:
            events = f"{self._events} event{'' if self._events == 1 else 's'}"
            notes.append(f"{self._path.name} is cut short in line {self._line}; the {events} before it were read")
        notes += [f"run {run[:8]} is left out: {why}" for run, why in self._left_out.items()]
        return Session(tuple(self._runs.values()), tuple(notes))

    def _refused(self, reason: str) -> SessionFileError:
        if self._has_header:
            return SessionFileError(f"session file {str(self._path)!r}, line {self._line}: {reason}")
        return SessionFileError(
            f"{str(self._path)!r} is not a session file: it does not begin with a line like "
            f'{{"format":"{FORMAT}","version":{VERSION}}}'
        )

    def _take_value(self, text: str, value: Any) -> None:
        if not self._has_header:
            self._take_header(value)
        elif not isinstance(value, dict) or not isinstance(value.get("run"), dict | str):
            raise Unsound("expected a run or an event, an object with the key 'run'")
        elif isinstance(value["run"], dict):
            self._take_run(_parse_run(value["run"]))
        elif value["run"] not in self._left_out:
            self._take_event(text, value)

    def _take_header(self, value: Any) -> None:
        version = _header_version(value)
        if version is None:
            raise Unsound("no header")
        if version > VERSION:
            raise SessionFileError(
                f"{str(self._path)!r} has version {version} of the session format; this workbench reads up to "
                f"{VERSION}. Use a newer workbench."
            )
        self._has_header = True

    def _take_run(self, run: SessionRun) -> None:
        if run.id in self._runs or run.id in self._left_out:
            raise Unsound(f"run {run.id!r} stands in the file twice")
        if len(self._runs) + len(self._left_out) >= MOST_RUNS:
            raise Unsound(f"the file has more than {MOST_RUNS:,} runs")
        for needed in (run.parent, run.caller_run):
            if needed is not None and needed not in self._runs:
                self._left_out[run.id] = f"it needs run {needed[:8]}, which the file does not hold before it"
                return
        caller = self._runs.get(run.caller_run or "")
        root, depth = (caller.root, caller.depth + 1) if caller else (run.id, 0)
        if (run.root, run.depth) != (root, depth):
            raise Unsound(f"run {run.id!r} says root {run.root!r}, depth {run.depth}; expected {root!r}, {depth}")
        self._runs[run.id] = run

    def _take_event(self, text: str, value: dict[str, Any]) -> None:
        run = self._runs.get(value["run"])
        if run is None:
            raise Unsound(f"the event is of run {value['run']!r}, which no line before it introduces")
        if value.keys() != {"run", "seq", "at", "event"}:
            raise Unsound("expected an event with the keys run, seq, at, event and no others")
        seq, at = value["seq"], value["at"]
        expected = run.events[-1].seq + 1 if run.events else run.first_seq
        if type(seq) is not int or seq != expected:
            raise Unsound(f"event {seq!r} of run {run.id!r} does not follow; expected {expected}")
        if type(at) not in (int, float) or not 0 <= at <= LATEST:
            raise Unsound(f"'at' is {at!r}; expected Unix seconds")
        self._events += 1
        if self._events > MOST_EVENTS:
            raise Unsound(f"the file has more than {MOST_EVENTS:,} events")
        stored = StoredEvent(seq, float(at), _event_text(text, run.id, value))
        if run.events or self._begin(run):
            self._check(run, stored)
            run.events.append(stored)

    def _begin(self, run: SessionRun) -> bool:
        """Prepare the replay of a run; False where its parent does not reach the cut and it is left out."""
        parent = self._replayed.get(run.parent or "")
        if run.parent is not None and (parent is None or run.cut is None or not parent.owns(run.cut)):
            del self._runs[run.id]
            self._left_out[run.id] = f"run {run.parent[:8]} has no event {run.cut}, where it was forked"
            return False
        self._replayed[run.id] = Replayed(run, parent)
        return True

    def _check(self, run: SessionRun, stored: StoredEvent) -> None:
        try:
            event = parse_event(stored.json)
        except (SessionFileError, NewerDatabaseError) as error:
            raise Unsound(str(error)) from None
        if isinstance(event, LibraryEvent):
            raise Unsound(f"{event.kind!r} is said of a run and does not stand in one")
        replay(self._replayed[run.id], stored, event)

    def _leave_out_what_lacks(self) -> None:
        """Leave out runs without events, and what needs them."""
        for run in list(self._runs.values()):
            needed = next((name for name in (run.parent, run.caller_run) if name in self._left_out), None)
            if needed is not None:
                self._left_out[run.id] = f"it needs run {needed[:8]}, which is left out"
            elif not run.events:
                self._left_out[run.id] = "the file holds no event of it"
            if run.id in self._left_out:
                del self._runs[run.id]


def _header_version(value: Any) -> int | None:
    """Return the version in a header line, or None where `value` is no header."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        return None
    version = value.get("version")
    return version if type(version) is int and version > 0 else None


def _parse_run(value: dict[str, Any]) -> SessionRun:
    try:
        line = _RunLine.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Unsound(f"the run is malformed at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if (line.parent is None) != (line.cut is None) or (line.caller_run is None) != (line.caller_call is None):
        raise Unsound("a run has 'parent' with 'cut', and 'caller_run' with 'caller_call', or neither of the two")
    return SessionRun(**line.model_dump())


def _event_text(text: str, run: str, value: dict[str, Any]) -> str:
    """Return the JSON of the event itself, as it stands in the line wherever the program wrote that line."""
    prefix = event_prefix(run, value["seq"], float(value["at"]))
    if text.startswith(prefix):
        return text[len(prefix) :].rstrip().removesuffix("}")
    return json.dumps(value["event"], ensure_ascii=False, separators=(",", ":"))
