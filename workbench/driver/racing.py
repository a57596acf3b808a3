"""Races: forks of one moment that are driven a few at a time, judged when they are over, and stopped together.

What belongs to a race stands in the library log, so that it can be opened again; here is only the line of those that
wait for their turn. It ends with the session: after a restart `ResumeRace` makes another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from workbench.driver import commands as c
from workbench.driver.feed import Progress, RunsChanged, Trouble
from workbench.driver.forking import NewFork
from workbench.driver.live import LiveRun
from workbench.errors import EditRefusedError, UserError, WorkbenchError
from workbench.events.library import LibraryEvent, RunNamed, RunRaced
from workbench.events.run import RunResumed
from workbench.state.fold import fold
from workbench.store import RunRow

if TYPE_CHECKING:
    from workbench.driver.session import Session

MOST_RUNS: Final = 100
"""Of one start: what is more was hardly meant, and costs."""
MOST_AT_ONCE: Final = 32
WAITED_SECONDS: Final = 0.5
"""From when on a run that waited for its turn says so in its log."""
RESUMABLE: Final = ("paused", "breakpoint", "crashed", None)
"""Reasons of rest from which a race goes on by itself; a limit or a question needs a person."""

RaceCommand = c.StartRace | c.RepeatRace | c.OpenRace | c.ResumeRace | c.AwaitRace | c.StopRacers


@dataclass(slots=True)
class _Line:
    """The runs of one race that this session drives."""

    race: str
    at_once: int
    checks: tuple[str, ...] = ()
    runs: set[str] = field(default_factory=set)
    waiting: deque[str] = field(default_factory=deque)
    moving: set[str] = field(default_factory=set)
    judging: set[str] = field(default_factory=set)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def done(self) -> int:
        """How many are at rest, and judged where they are to be."""
        return len(self.runs) - len(self.waiting) - len(self.moving) - len(self.judging)


class Races:
    """The races of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines: dict[str, _Line] = {}
        self._of: dict[str, _Line] = {}
        """The line of each run that was driven in one."""
        self._trusted: set[str] = set()
        """Rules that a person gave in this session."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def obey(self, command: RaceCommand) -> Any:
        """Do a command about races."""
        match command:
            case c.StartRace():
                return await self._start(command)
            case c.RepeatRace():
                return await self._repeat(command)
            case c.OpenRace():
                return await self._open(command.name)
            case c.ResumeRace():
                return await self._resume(command)
            case c.AwaitRace():
                if (line := self._lines.get(command.race)) is not None:
                    await line.idle.wait()
                return None
            case c.StopRacers():
                return await self._stop(command.runs)

    # Making the forks

    async def _start(self, command: c.StartRace) -> c.StartedRace:
        from workbench.driver.checking import usable  # it knows runs, which know the session, which knows races

        _require_sizes(len(command.variants), command.repeat, command.at_once)
        names = [variant.name.strip() for variant in command.variants]
        if not all(names) or len(set(names)) < len(names):
            raise UserError("each variant needs a name of its own")
        checks = await usable(command.checks, self._session)
        self._trusted.update(checks)
        made: list[tuple[str, list[NewFork]]] = []
        denying: list[str] = []
        for variant, name in zip(command.variants, names, strict=True):
            for _ in range(command.repeat):
                fork = c.ForkRun(command.run, command.address, variant.edits, drive=command.drive)
                made.append((name, await self._prepared(name, fork)))
                denying += [made[-1][1][0].root] if variant.edits.options.deny_asks else []
        self._session.deny_asks.update(denying)
        race = made[0][1][0].root[:8]
        return await self._write(race, made, checks, command.at_once, drive=command.drive and not command.held)

    async def _prepared(self, name: str, fork: c.ForkRun) -> list[NewFork]:
        try:
            return await self._session.forks.prepare(fork)
        except UserError as error:
            raise UserError(f"variant {name!r}: {error}") from error

    async def _repeat(self, command: c.RepeatRace) -> c.StartedRace:
        from workbench.driver.checking import usable

        opened = await self._open(command.race)
        given = await usable(command.checks, self._session)
        checks = given or opened.rows[0].checks
        self._require_trust(checks, given)
        firsts = {row.variant: row for row in reversed(opened.rows)}
        _require_sizes(len(firsts), command.repeat, command.at_once)
        made = [
            (variant, [await self._session.forks.again(row.id)])
            for variant, row in reversed(firsts.items())
            for _ in range(command.repeat)
        ]
        return await self._write(opened.race, made, checks, command.at_once, drive=True)

    async def _write(
        self,
        race: str,
        made: Sequence[tuple[str, list[NewFork]]],
        checks: tuple[str, ...],
        at_once: int,
        *,
        drive: bool,
    ) -> c.StartedRace:
        """Write all forks in one transaction, say what they are, and let the first of them go."""
        session = self._session
        await session.forks.write([fork for _, forks in made for fork in forks])
        roots = [forks[0].root for _, forks in made]
        said: list[LibraryEvent] = []
        for root, (variant, _) in zip(roots, made, strict=True):
            said.append(RunRaced(run=root, race=race, variant=variant, checks=checks))
            said.append(RunNamed(run=root, name=variant))
        await session.store.append_remarks(said, session.time.now())
        session.feed.publish(RunsChanged())
        for root in roots:
            await session.release(root)  # whoever's turn it is takes it again
        if drive:
            self._enqueue(race, roots, checks, at_once)
        return c.StartedRace(race, tuple(roots))

    # Opening and going on

    async def _open(self, name: str) -> c.OpenedRace:
        listed = [row for row in await self._session.rows.listed(hidden=True) if row.race]
        race = name if any(row.race == name for row in listed) else await self._race_of(name, listed)
        return c.OpenedRace(race, tuple(row for row in reversed(listed) if row.race == race))

    async def _race_of(self, name: str, listed: Sequence[RunRow]) -> str:
        run = await self._session.store.resolve(name)
        race = next((row.race for row in listed if row.id == run), None)
        if race is None:
            raise UserError(f"run {run[:8]} is in no race")
        return race

    async def _resume(self, command: c.ResumeRace) -> tuple[str, ...]:
        from workbench.driver.checking import usable

        _require_sizes(1, 1, command.at_once)
        opened = await self._open(command.race)
        given = await usable(command.checks, self._session)
        checks = given or opened.rows[0].checks
        self._require_trust(checks, given)
        line = self._lines.get(opened.race)
        active = line.moving | line.judging | set(line.waiting) if line is not None else set()
        idle = [row for row in opened.rows if not row.hidden and row.id not in active]
        going = [row for row in idle if _can_go_on(row)]
        for model in dict.fromkeys(row.model for row in going):
            self._session.settings.make_provider(model, 0.0)  # a missing key is said before anything goes on
        runs = [row.id for row in going]
        unjudged = [row.id for row in idle if checks and not row.is_judged and _is_over(row.status, row.reason)]
        line = self._enqueue(opened.race, runs, checks, command.at_once)
        for run in unjudged:
            line.runs.add(run)
            self._of[run] = line
            self._judge_soon(line, run)
        self._tell(line)
        return tuple(runs)

    def _require_trust(self, checks: tuple[str, ...], given: tuple[str, ...]) -> None:
        self._trusted.update(given)
        unknown = [rule for rule in checks if rule.startswith("function:") and rule not in self._trusted]
        if unknown:
            raise UserError(
                f"the check {unknown[0]!r} calls Python code that only this database names; give the check again to "
                "say that you trust it"
            )

    # The line

    def _enqueue(self, race: str, runs: Sequence[str], checks: tuple[str, ...], at_once: int) -> _Line:
        line = self._lines.setdefault(race, _Line(race, at_once, checks))
        line.at_once, line.checks = at_once, checks
        line.idle.clear()
        line.runs.update(runs)
        line.waiting.extend(runs)
        self._of.update(dict.fromkeys(runs, line))
        self._fill(line)
        return line

    def _fill(self, line: _Line) -> None:
        """Let as many go as may."""
        while line.waiting and len(line.moving) < line.at_once and not self._is_closing:
            run = line.waiting.popleft()
            line.moving.add(run)
            self._spawn(self._begin(line, run))
        self._tell(line)

    async def _begin(self, line: _Line, run: str) -> None:
        try:
            async with self._session.decision(run):
                live = await self._session.revive(run)
                has_waited = self._session.time.now() - live.state.at > WAITED_SECONDS
                if run in line.moving and (live.state.end is not None or has_waited):
                    await live.journal.append(RunResumed(), durable=True)  # the time that it waited is not its own
                if run in line.moving:
                    self._session.mover.drive(live)
                else:  # it was stopped before it began
                    await self._session.forget(run)
        except WorkbenchError as error:
            self._session.feed.publish(Trouble(f"run {run[:8]} of race {line.race} does not go on: {error}", run=run))
            self._leave(line, run)

    def rested(self, root: LiveRun) -> None:
        """Take note that a run came to rest: another may go, and what is over is judged."""
        line = self._of.get(root.run)
        if line is None:
            return
        if line.checks and _is_over(*(root.state.end or ("idle", None))):
            self._judge_soon(line, root.run)
        self._leave(line, root.run)

    def _leave(self, line: _Line, run: str) -> None:
        line.moving.discard(run)
        self._fill(line)

    def _tell(self, line: _Line) -> None:
        if not line.runs:
            line.idle.set()
            return
        done, total = line.done, len(line.runs)
        self._session.feed.publish(Progress(f"race {line.race}", done, total))
        if done >= total:
            line.idle.set()

    async def _stop(self, runs: Sequence[str]) -> None:
        session = self._session
        elsewhere = ""
        for run in runs:
            line, live = self._of.get(run), session.live.get(run)
            if line is not None and run in line.waiting:
                line.waiting.remove(run)
            elif live is not None and live.is_under_way:
                session.mover.pause(live, "now")
            elif line is not None and run in line.moving and (live is None or not live.is_moving):
                line.moving.discard(run)  # it was about to begin
            elif live is None and (holder := await session.store.holder(run)) is not None:
                elsewhere = f"run {run[:8]} cannot be stopped from here: it is driven by {holder}"
        for line in {line.race: line for run in runs if (line := self._of.get(run))}.values():
            self._fill(line)
        if elsewhere:
            raise EditRefusedError(elsewhere)

    # Verdicts

    def _judge_soon(self, line: _Line, run: str) -> None:
        if run not in line.judging and not self._is_closing:
            line.judging.add(run)
            line.idle.clear()
            self._spawn(self._judge(line, run))

    async def _judge(self, line: _Line, run: str) -> None:
        from workbench.driver.checking import Checker

        session = self._session
        try:
            verdict = await Checker(session).judge(fold(await session.store.read(run)), line.checks)
            await session.store.append_library(verdict, session.time.now())
        except WorkbenchError as error:
            session.feed.publish(Trouble(f"the answer of run {run[:8]} was not checked: {error}", level="warning"))
        finally:
            line.judging.discard(run)
            session.feed.publish(RunsChanged())
            self._tell(line)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let nobody else go."""
        self._is_closing = True
        for line in self._lines.values():
            line.waiting.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _can_go_on(row: RunRow) -> bool:
    """Whether a run of a race goes on when the race does."""
    if row.live or row.status in ("completed", "failed", "awaiting_approval"):
        return False
    return row.reason in RESUMABLE


def _is_over(status: str, reason: str | None) -> bool:
    """Whether a run came to its end by itself; one that reached a limit gave no answer either."""
    return status in ("completed", "failed") or (reason or "").endswith("_limit")


def _require_sizes(variants: int, repeat: int, at_once: int) -> None:
    if variants < 1 or repeat < 1:
        raise UserError("a race needs at least one variant, and each runs at least once")
    if variants * repeat > MOST_RUNS:
        raise UserError(f"{variants} x {repeat} are {variants * repeat} runs; one race starts at most {MOST_RUNS}")
    if not 1 <= at_once <= MOST_AT_ONCE:
        raise UserError(f"{at_once} cannot run at once; write a number from 1 to {MOST_AT_ONCE}")
