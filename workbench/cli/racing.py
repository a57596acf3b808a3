"""`workbench fork --repeat N` and its like: a race without a screen.

It makes the forks, tells on stderr how each comes to its end, and prints the table at the end. Ctrl-C stops all of
them and says how to go on.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from workbench.cli.headless import Headless
from workbench.cli.paper import err, out
from workbench.cli.printers import TextPrinter
from workbench.cli.variants import read_variants
from workbench.cli.waiting import COMPLETED, FAILED, INTERRUPTED, WAITING
from workbench.cli.workplace import Workplace, find_workplace
from workbench.debugger.fork import ForkPreview
from workbench.debugger.race import Fate, Racer, standings
from workbench.driver.commands import (
    AwaitRace,
    ForkEdits,
    OpenedRace,
    OpenedRun,
    OpenRace,
    OpenRun,
    PreviewFork,
    ResumeRace,
    StartedRace,
    StartRace,
    StopRacers,
)
from workbench.errors import UserError
from workbench.events.base import Recorded
from workbench.events.run import RunFinished, RunPaused
from workbench.state.history import History
from workbench.store import RunRow
from workbench.views.fork_cost import cost_words
from workbench.views.race import ONE_EACH, racers_of, run_line, table_lines
from workbench.views.race_files import csv_text, markdown_text, race_document

AT_ONCE: Final = 4
"""How many of a race run at the same time where nothing else is said."""

_STOPPED: Final = {"breakpoint": "stopped at a breakpoint"}
_NEEDS: Final[dict[Fate, str]] = {"asks": "wait for an answer", "limit": "reached a limit"}


def is_race(args: argparse.Namespace) -> bool:
    """Whether `fork` was asked for several forks, or for what only a race has."""
    return bool(args.repeat or args.at_once or args.vary or args.check or args.csv or args.markdown or args.go_on)


def race(args: argparse.Namespace, read_edits: Callable[[argparse.Namespace], ForkEdits]) -> int:
    """Run a race to its end, or as far as it gets."""
    place, base = find_workplace(args), read_edits(args)
    files = [_new_file(option, name) for option, name in (("--csv", args.csv), ("--markdown", args.markdown)) if name]
    if args.go_on and (not base.is_empty or args.vary or args.repeat or args.no_drive or args.at):
        raise UserError("--go-on takes a race as it is; changes belong into another race")
    if args.record:
        raise UserError("--record follows one run; export the runs of a race when they are done: workbench export RUN")
    if args.no_drive and args.breaks:
        raise UserError("--break is for runs that go on at once; give it with --go-on later")
    options = replace(base.options, deny_asks=args.deny_asks or bool(place.settings.deny_asks))
    base = replace(base, options=options)
    with Headless(place, TextPrinter(out(), err()), None) as headless:
        headless.stop_at(args.breaks)
        started = _go_on(headless, args) if args.go_on else _start(headless, args, base)
        teller = _Teller(headless.ask(OpenRace(started)).rows)
        is_stopped = False
        if not args.no_drive:
            try:
                is_stopped = headless.wait_out(AwaitRace(started), StopRacers(tuple(teller.names)), teller.tell)
            except KeyboardInterrupt:
                _say_command(place, "left; go on with", "fork", next(iter(teller.names))[:8], "--go-on")
                return INTERRUPTED
        opened: OpenedRace = headless.ask(OpenRace(started))
        rows = [row for row in opened.rows if not row.hidden]
        racers = racers_of(opened.rows, {row.id: _history(headless, row.id) for row in rows})
    _print(args, opened, racers)
    for path, text in zip(files, _texts(args, opened, racers), strict=True):
        _write(path, text)
    return _ending(place, opened, racers, is_stopped=is_stopped, is_driven=not args.no_drive)


def _start(headless: Headless, args: argparse.Namespace, base: ForkEdits) -> str:
    variants, repeat, at_once = read_variants(args.vary, base), args.repeat or 1, args.at_once or AT_ONCE
    preview: ForkPreview = headless.ask(PreviewFork(args.run, args.at, variants[0].edits))
    checks = tuple(args.check)
    is_driven = not args.no_drive
    started: StartedRace = headless.ask(
        StartRace(args.run, args.at, variants, repeat, at_once, checks, drive=is_driven, held=True)
    )
    words = cost_words(preview.cost)
    err().say(f"race at {preview.address}: {preview.kept}; sent again: {words.sends}; cost: {words.cost}", "muted")
    for effect in preview.effects:
        err().say(f"simulated: {effect}, and that is not undone", "waiting")
    count = len(started.runs)
    err().say(f"race {started.race}: {count} runs, {min(at_once, count)} at a time", "muted")
    if is_driven:
        headless.ask(ResumeRace(started.race, at_once))
    return started.race


def _go_on(headless: Headless, args: argparse.Namespace) -> str:
    race: str = headless.ask(OpenRace(args.run)).race
    headless.ask(ResumeRace(race, args.at_once or AT_ONCE, tuple(args.check)))
    return race


class _Teller:
    """Tells on stderr how runs come to their end."""

    def __init__(self, rows: Sequence[RunRow]) -> None:
        counts: Counter[str] = Counter()
        self.names: dict[str, str] = {}
        for row in rows:
            counts[row.variant] += 1
            self.names[row.id] = f"{row.variant} · {counts[row.variant]}"
        self._done = sum(row.status in ("completed", "failed") for row in rows)

    def tell(self, record: Recorded) -> None:
        """Say that a run ended, or was stopped."""
        event = record.event
        if record.run not in self.names or not isinstance(event, RunFinished | RunPaused):
            return
        words = event.status if isinstance(event, RunFinished) else _STOPPED.get(event.reason, "stopped")
        self._done += isinstance(event, RunFinished)
        far = f"{self._done}/{len(self.names)}"
        err().say(f"{far}  {self.names[record.run]}: {words}", "ok" if words == "completed" else "waiting")


def _history(headless: Headless, run: str) -> History:
    opened: OpenedRun = headless.ask(OpenRun(run))
    return History(opened.records)


def _print(args: argparse.Namespace, opened: OpenedRace, racers: Sequence[Racer]) -> None:
    paper, checks = out(), opened.rows[0].checks
    if args.json:
        paper.json(race_document(opened.race, racers, checks))
        return
    found = standings(racers)
    paper.lines(table_lines(found, paper.width))
    paper.lines([()])
    paper.lines([run_line(racer, paper.width) for racer in racers])
    if max(one.runs for one in found) < 2:
        err().say(ONE_EACH.partition(" a adds")[0] + " --repeat N makes more.", "waiting")


def _texts(args: argparse.Namespace, opened: OpenedRace, racers: Sequence[Racer]) -> list[str]:
    texts = [csv_text(opened.race, racers)] if args.csv else []
    return [*texts, *([markdown_text(opened.race, racers, opened.rows[0].checks)] if args.markdown else [])]


def _new_file(option: str, name: str) -> Path:
    """Return the file to write; raises `UserError` where something is there already, before anything is spent."""
    path = Path(name).expanduser()
    if path.exists():
        raise UserError(f"{option}: there is a file {name!r} already; name another")
    if not path.parent.is_dir():
        raise UserError(f"{option}: there is no folder {str(path.parent)!r}")
    return path


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"{str(path)!r} cannot be written: {error.strerror or error}") from None
    err().say(f"written: {path}", "muted")


def _say_command(place: Workplace, what: str, *words: str) -> None:
    err().say(f"{what}: {place.command(*words)}\n{place.reach.reminder}".rstrip(), "waiting")


def _ending(place: Workplace, opened: OpenedRace, racers: Sequence[Racer], *, is_stopped: bool, is_driven: bool) -> int:
    """Return the exit code, and say how to go on where there is something left."""
    fates = Counter(racer.fate for racer in racers)
    left = fates["waits"] + fates["stopped"] + fates["runs"]
    if left:
        done = f"{len(racers) - left} of {len(racers)} are done; go on with"
        _say_command(place, done, "fork", opened.rows[0].id[:8], "--go-on")
    if is_stopped or (left and is_driven):
        return INTERRUPTED
    verdicts = [racer.verdict.passed for racer in racers if racer.verdict is not None]
    if fates["failed"] or (opened.rows[0].checks and verdicts and True not in verdicts):
        return FAILED
    for fate, words in _NEEDS.items():
        if fates[fate]:
            named = [racer.run[:8] for racer in racers if racer.fate == fate]
            said = f"{fates[fate]} {words}: {', '.join(named)}; see what it takes with"
            _say_command(place, said, "resume", named[0])
    return WAITING if fates["asks"] or fates["limit"] else COMPLETED
