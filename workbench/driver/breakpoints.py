"""A person's breakpoints: the list of them, what is in force now, and the small file that keeps it.

They belong to the person and not to a run: what is switched on holds for every run that this process moves, subagents
included, from the next moment on. Where the driver is given a file, the list outlives the process. The file has one
breakpoint a line, `on` or `off` before it; a line that cannot be read is told of, and kept as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.config.whole_file import write_whole
from workbench.debugger.baseline import Baseline, BaselineReader
from workbench.debugger.breakpoints import Breakpoint, diverge_rule, parse_rule
from workbench.debugger.stops import Stops
from workbench.driver.commands import AddBreakpoints, BreakpointSetting, ListBreakpoints, SetBreakpoints
from workbench.driver.feed import Trouble
from workbench.errors import BreakpointError, UserError

if TYPE_CHECKING:
    from workbench.driver.session import Session

BreakpointCommand = ListBreakpoints | SetBreakpoints | AddBreakpoints
HEAD: Final = "# Breakpoints of the workbench, one a line, each with on or off before it.\n"
SWITCHES: Final = {"on": True, "off": False}
RESULTS_AT_ONCE: Final = 50
"""Results of a baseline that are in memory together while it is read."""


class PersonalBreakpoints:
    """The list of one person, for all runs of a session."""

    def __init__(self, session: Session) -> None:
        self._session, self._file = session, session.settings.breakpoints
        self.listed: tuple[BreakpointSetting, ...] = ()
        self._in_force = Stops()
        self._baselines: dict[str, Baseline] = {}
        self._unread: list[str] = []
        """Lines of the file that say nothing here: of a newer version, or mistyped."""
        self._lock = asyncio.Lock()

    def in_force(self) -> Stops:
        """Return what stops runs as of now."""
        return self._in_force

    async def load(self) -> None:
        """Take the list from its file; what cannot be read is told of, and stops nothing."""
        if self._file is None:
            return
        try:
            text = await asyncio.to_thread(_read, self._file)
        except (OSError, UnicodeDecodeError) as error:
            self._tell(f"the breakpoints in {str(self._file)!r} cannot be read: {error}")
            return
        read = read_lines(text)
        for sentence in read.problems:
            self._tell(f"{self._file.name}: {sentence}")
        self._unread = read.unread
        async with self._lock:
            await self._put(read.settings, known=read.settings)
        for setting in self.listed:
            if setting.is_enabled and setting.trouble:
                self._tell(f"the breakpoint {setting.rule} stops nothing: {setting.trouble}")

    async def obey(self, command: BreakpointCommand) -> tuple[BreakpointSetting, ...]:
        """Change the list, keep it, let it be in force, and return it.

        Raises `UserError` for a new rule that cannot be used; then nothing has changed.
        """
        async with self._lock:
            if isinstance(command, SetBreakpoints):
                await self._put(command.settings, known=self.listed)
                await self._keep()
            elif isinstance(command, AddBreakpoints):
                await self._put(await self._with(command.rules), known=self.listed)
                await self._keep()
        return self.listed

    async def _with(self, rules: Sequence[str]) -> list[BreakpointSetting]:
        """Return the list with these switched on, those that are not in it yet included."""
        added = [BreakpointSetting((await self._read_rule(rule)).rule) for rule in rules]
        wanted = {setting.rule for setting in added}
        return [*(replace(one, is_enabled=one.is_enabled or one.rule in wanted) for one in self.listed), *added]

    async def _put(self, settings: Iterable[BreakpointSetting], known: Iterable[BreakpointSetting]) -> None:
        """Let a list be in force, each rule once; one that was known and cannot be used any more stays, and says so."""
        known_rules = {setting.rule for setting in known}
        put: dict[str, BreakpointSetting] = {}
        rules: list[Breakpoint] = []
        for setting in settings:
            trouble = ""
            try:
                read = await self._read_rule(setting.rule)
                if setting.is_enabled and read.kind == "diverge" and read.run not in self._baselines:
                    self._baselines[read.run] = await self._read_baseline(read.run)
            except UserError as error:
                if setting.rule not in known_rules:
                    raise
                read, trouble = parse_rule(setting.rule), str(error)
            if read.rule not in put:
                put[read.rule] = BreakpointSetting(read.rule, setting.is_enabled, trouble)
                rules += [read] if setting.is_enabled and not trouble else []
        self.listed = tuple(put.values())
        compared = {rule.run for rule in rules if rule.kind == "diverge"}
        self._baselines = {run: baseline for run, baseline in self._baselines.items() if run in compared}
        self._in_force = Stops(tuple(rules), self._baselines)

    async def _read_rule(self, text: str) -> Breakpoint:
        """Return what a rule says; a baseline by its whole id, so that it stays the same run."""
        read = parse_rule(text)
        return read if read.kind != "diverge" else diverge_rule(await self._session.store.resolve(read.run))

    async def _read_baseline(self, run: str) -> Baseline:
        history = await self._session.history(run)
        reader = BaselineReader(history.records, history.live)
        places = reader.places()
        refs = list(places)
        for first in range(0, len(refs), RESULTS_AT_ONCE):
            contents = await self._session.store.bodies(refs[first : first + RESULTS_AT_ONCE])
            for ref, content in contents.items():
                reader.take(places[ref], content)
        return reader.baseline()

    async def _keep(self) -> None:
        if self._file is None:
            return
        try:
            await asyncio.to_thread(write_whole, self._file, [file_text(self.listed, self._unread)])
        except OSError as error:
            self._tell(f"the breakpoints hold now, but cannot be kept in {str(self._file)!r}: {error}")

    def _tell(self, sentence: str) -> None:
        self._session.feed.publish(Trouble(sentence, level="warning"))


@dataclass(frozen=True, slots=True)
class ReadLines:
    """What a file of breakpoints says."""

    settings: list[BreakpointSetting]
    unread: list[str]
    problems: list[str]
    """A sentence about each line that is not understood."""


def read_lines(text: str) -> ReadLines:
    """Return what the lines say; a wrong one is left out, and becomes a sentence."""
    read = ReadLines([], [], [])
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        switch, _, rule = line.strip().partition(" ")
        try:
            read.settings.append(BreakpointSetting(parse_rule(rule).rule, _is_on(switch)))
        except BreakpointError as error:
            read.unread.append(line)
            read.problems.append(f"line {number} is left out: {error}")
    return read


def _is_on(switch: str) -> bool:
    if switch not in SWITCHES:
        raise BreakpointError(f"it begins with {switch[:40]!r}; expected on or off, and the breakpoint behind it")
    return SWITCHES[switch]


def file_text(settings: Iterable[BreakpointSetting], unread: Iterable[str] = ()) -> str:
    """Return the text of the file; what was not understood stands at the end as it was."""
    lines = [f"{'on ' if setting.is_enabled else 'off'} {setting.rule}" for setting in settings]
    return HEAD + "".join(f"{line}\n" for line in (*lines, *unread))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
