"""`workbench runs`: list the runs, say something about them, hide them, show them again."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from workbench.cli.paper import out
from workbench.cli.reading import fresh_rows, with_store
from workbench.cli.values import run_value, text_or_file
from workbench.cli.workplace import Workplace, find_workplace
from workbench.clock import SystemClock
from workbench.events.content import normalise_text
from workbench.events.library import LibraryEvent, RunHidden, RunMarked, RunNamed, RunNoted, RunTagged, tags_in
from workbench.store import RunRow, SearchFile, Store, search_path
from workbench.views.marks import EDITED, reason_words, run_mark
from workbench.views.run_tree import MARKED
from workbench.views.segments import Line, Segment
from workbench.views.show import short
from workbench.views.text import fit, inert, one_line

_MOST_HITS: Final = 1_000


def execute(args: argparse.Namespace) -> int:
    """Write down what was said about runs, else print the list."""
    place = find_workplace(args)
    paper = out()
    if remarks := _remarks(args):
        for line in _label(place, remarks):
            paper.say(line)
        return 0
    rows = _read(place, hidden=args.all, search=args.search)
    if args.json:
        paper.json([row_document(row) for row in rows], indent=2)
        return 0
    shown = [row for row in rows if args.all or row.caller_run is None]
    if not shown and args.search is not None and place.database.exists():
        paper.say(f"No run fits. All that there are: {place.command('runs', '--all')}")
    elif not shown:
        paper.say(f"No runs yet. Start one with: {place.command('run', 'What is a context manager?')}")
    paper.lines(row_line(row, paper.width) for row in shown)
    return 0


def row_document(row: RunRow) -> dict[str, Any]:
    """Return a run of the list as JSON."""
    return {
        "id": row.id,
        "parent": row.parent,
        "fork_at": row.address or None,
        "caller": {"run": row.caller_run, "call": row.caller_call} if row.caller_run else None,
        "status": row.status,
        "reason": row.reason,
        "task": row.task,
        "model": row.model,
        "steps": row.steps,
        "calls": row.calls,
        "created": row.created,
        "updated": row.updated,
        "made_from": row.made_from,
        "tokens": row.total_tokens,
        "cost": row.cost,
        "answer": row.answer_line or None,
        "name": row.name or None,
        "note": row.note or None,
        "marked": row.marked,
        "tags": list(row.tags),
        "live": row.live,
        "imported": row.imported,
        "hidden": row.hidden,
    }


def row_line(row: RunRow, width: int) -> Line:
    """Return a run of the list on one line."""
    mark = run_mark(row.status)
    words = mark.word if row.status == "completed" else reason_words(row.reason) or mark.word
    made = datetime.fromtimestamp(row.created, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    kind = ""
    if row.made_from or row.parent:
        kind = f"{EDITED} {short(row.made_from or row.parent or '')} at {row.address}  "
    elif row.caller_run:
        kind = f"subagent of {short(row.caller_run)} {row.caller_call}  "
    marks = "".join(f"{word}  " for word, holds in (("imported", row.imported), ("hidden", row.hidden)) if holds)
    head = f"{short(row.id)}  {made}  "
    state = fit(f"{mark.glyph} {words}", 20)
    steps = f"{row.steps:>3} {'step ' if row.steps == 1 else 'steps'}  "
    rest = max(width - len(head) - len(state) - len(steps), 20)
    star, tags = f"{MARKED} " if row.marked else "", "".join(f"  #{tag}" for tag in row.tags)
    tail = one_line(inert(f"{kind}{marks}{star}{row.name or row.task}{tags}"), rest)
    return (Segment(head, "key"), Segment(state, mark.style), Segment(steps, "muted"), Segment(tail))


def _read(place: Workplace, *, hidden: bool, search: str | None) -> list[RunRow]:
    if not place.database.exists():
        return []

    async def read(store: Store) -> list[RunRow]:
        rows = await fresh_rows(store, hidden=hidden)
        if search is None:
            return rows
        async with SearchFile(search_path(place.database), store) as index:
            await index.update()
            found = {hit.run for hit in await index.find(search, _MOST_HITS)}
        return [row for row in rows if row.id in found or _is_labelled(row, search)]

    return with_store(place.database, read)


def _is_labelled(row: RunRow, text: str) -> bool:
    wanted = text.casefold()
    return any(wanted in said.casefold() for said in (row.task, row.name, row.note, *row.tags))


@dataclass(frozen=True, slots=True)
class _Remark:
    """What is said about a run, before it is known which run is meant."""

    run: str
    event: Callable[[str], LibraryEvent]
    words: str


def _remarks(args: argparse.Namespace) -> list[_Remark]:
    """Return what was said, in the order of the options; raises `UserError` for what is malformed."""
    remarks = [_Remark(name, lambda run: RunHidden(run=run, hidden=True), "hidden") for name in args.hide]
    remarks += [_Remark(name, lambda run: RunHidden(run=run, hidden=False), "shown again") for name in args.unhide]
    remarks += [_Remark(name, lambda run: RunMarked(run=run, marked=True), "marked") for name in args.mark]
    remarks += [
        _Remark(name, lambda run: RunMarked(run=run, marked=False), "not marked any more") for name in args.unmark
    ]
    remarks += [_named(*run_value("--name", text, "TEXT")) for text in args.name]
    remarks += [_tagged(*run_value("--tag", text, "A,B")) for text in args.tag]
    remarks += [_noted(*run_value("--note", text, "TEXT")) for text in args.note]
    return remarks


def _named(name: str, value: str) -> _Remark:
    text = " ".join(normalise_text(value).split())
    return _Remark(name, lambda run: RunNamed(run=run, name=text), f"named {text!r}" if text else "without a name")


def _tagged(name: str, value: str) -> _Remark:
    tags = tags_in(normalise_text(value))
    words = "tagged " + " ".join(f"#{tag}" for tag in tags) if tags else "without tags"
    return _Remark(name, lambda run: RunTagged(run=run, tags=tags), words)


def _noted(name: str, value: str) -> _Remark:
    note = text_or_file("--note", value).strip()
    return _Remark(name, lambda run: RunNoted(run=run, note=note), "noted on" if note else "without a note")


def _label(place: Workplace, remarks: list[_Remark]) -> list[str]:
    async def labelled(store: Store) -> list[str]:
        meant = [(await store.resolve(remark.run), remark) for remark in remarks]  # all or none
        for run, remark in meant:
            await store.append_library(remark.event(run), SystemClock().wall())
        return [f"run {short(run)} is {inert(remark.words)}" for run, remark in meant]

    return with_store(place.database, labelled, write=True)
