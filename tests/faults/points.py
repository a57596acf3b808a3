"""A process that is gone at a named point of what it does; `test_points.py` starts it.

`python -m tests.faults.points CACHE [MISTAKE]` forks a process for every line `NUMBER FOLDER POINT` on stdin and prints
with which code it ended. A point is put around a function of the program, in the process that is to die there, so the
program itself knows of none. MISTAKE is one that the test must catch.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.corpus import open_embedded
from workbench.driver.commands import ForkEdits, ForkRun
from workbench.events.agent import Limits
from workbench.events.call import CallFinished, CallStarted
from workbench.events.edit import ResultEdited
from workbench.events.request import AssistantMessage, Request
from workbench.events.run import RunForked
from workbench.providers.scripted import Turn
from workbench.store import Batch, Store, migrations, opening
from workbench.store import append as appending
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool

STEPS = 5
GONE = 137
PAGE = opening.PAGE_SIZE
MAKING = ("make_private", "migrate", "set_wal", "sync_file", "sync_folder")
"""What is done, in this order, when a database is made."""


def die() -> None:
    """Be gone, as after `kill -9`."""
    os._exit(GONE)


def researcher(request: Request) -> Turn:
    """Look and write in each of five steps, then answer."""
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    return answer("done") if turns == STEPS else Turn("I look.", [("look", {"word": "a"}), ("write", {})])


def tools(folder: Path, before: Callable[[str], None], after: Callable[[str], None], size: int) -> list[Tool]:
    """Return a tool that reads, with so many words to say, and one whose effect is a line in a file."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        return f"found {word} " * size

    @tool
    async def write(context: ToolContext) -> str:
        before(context.call)
        with (folder / "effects").open("a") as effects:
            effects.write(f"{context.call.partition('.')[0]}\n")
        after(context.call)
        return "written"

    return [look, write]


def nothing(_call: str) -> None:
    """Go on."""


def rig_on(
    folder: Path, before: Callable[[str], None] = nothing, after: Callable[[str], None] = nothing, size: int = 4000
) -> Rig:
    """Return a driver of such runs; `before` and `after` are called around each effect."""
    spec = AgentSpec(plan="off", limits=Limits(steps=None))
    return Rig(folder, researcher, tools(folder, before, after, size), spec=spec)


def at_append(is_there: Callable[[Any], bool], *, after: bool) -> None:
    """Die just before, or just after, a batch with such an event is committed."""
    append = Store.append

    async def wrapped(store: Store, *batches: Batch, **options: Any) -> None:
        is_point = any(is_there(event) for batch in batches for _, event in batch.events)
        if is_point and not after:
            die()
        await append(store, *batches, **options)
        if is_point:
            die()

    Store.append = wrapped  # type: ignore[assignment, method-assign]


def is_call(kind: type, number: int) -> Callable[[Any], bool]:
    """Return what knows the event of the call with an effect in step `number`."""
    return lambda event: isinstance(event, kind) and getattr(event, "call", "") == f"{number}.1"


def in_transaction(number: int) -> None:
    """Die when all rows of a batch are inserted, and nothing is committed."""
    append = appending.append

    def wrapped(connection: sqlite3.Connection, batches: Any, owner: str) -> None:
        append(connection, batches, owner)
        if any(row.kind == "call_finished" and row.call == f"{number}.1" for batch in batches for row in batch.rows):
            die()

    appending.append = wrapped


def run(folder: Path, number: int, point: str) -> None:
    """Drive a run to a point of the effect of step `number`."""

    def here(call: str) -> None:
        if call == f"{number}.1":
            die()

    before: Callable[[str], None] = nothing
    after: Callable[[str], None] = nothing
    match point:
        case "before started":
            at_append(is_call(CallStarted, number), after=False)
        case "after started":
            at_append(is_call(CallStarted, number), after=True)
        case "in the tool":
            before = here
        case "after the effect":
            after = here
        case "before finished":
            at_append(is_call(CallFinished, number), after=False)
        case "in the transaction":
            in_transaction(number)
        case "after finished":
            at_append(is_call(CallFinished, number), after=True)
    with rig_on(folder, before, after) as rig:
        started = rig.start()
        rig.wait_for(lambda: started not in rig.lives)  # not what is stored: a mistake may hold that back


def fork(folder: Path, number: int, point: str) -> None:
    """Fork a finished run in step `number`, with an edit or without, and die around its first batch."""
    kind = ResultEdited if point.endswith("edit") else RunForked
    with rig_on(folder) as rig:
        first = rig.start()
        rig.finish(first)
        edits = ForkEdits(results={f"{number}.0": "otherwise"}) if kind is ResultEdited else ForkEdits()
        (folder / "parent").write_text(repr(rig.raw(first)))
        at_append(lambda event: isinstance(event, kind), after=point.startswith("after"))
        rig.ask(ForkRun(first, f"{number}.0" if kind is ResultEdited else str(number), edits))


def checkpoint(folder: Path, number: int) -> None:
    """Finish a run, and be ended by the system after some pages of the log were moved into the database."""
    with rig_on(folder) as rig:
        first = rig.start()
        rig.finish(first)
        (folder / "parent").write_text(repr(rig.raw(first)))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        most = PAGE * (2 + 3 * number)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        writer = rig.driver.store._writer
        assert writer is not None
        rig.driver.run_blocking(writer.checkpoint())


def migration(folder: Path, number: int) -> None:
    """Finish a run, and die after statement `number` of a step to a newer version."""
    with rig_on(folder) as rig:
        first = rig.start()
        rig.finish(first)
        (folder / "parent").write_text(repr(rig.raw(first)))

    def second(connection: sqlite3.Connection) -> None:
        for place in range(STEPS):
            connection.execute(f"CREATE TABLE later_{place} AS SELECT * FROM events")
            if place == number:
                die()

    migrations.MIGRATIONS.append(second)
    with rig_on(folder):
        pass


def making(folder: Path, number: int) -> None:
    """Die after something that is done when a database is made."""
    name = MAKING[number]
    do = getattr(opening, name)

    def wrapped(*args: Any) -> None:
        do(*args)
        die()

    setattr(opening, name, wrapped)
    with rig_on(folder):
        pass


def hold_back() -> None:
    """Write that a call started only together with what comes next."""
    append, held = Store.append, list[Batch]()

    async def wrong(store: Store, *batches: Batch, **options: Any) -> None:
        if any(isinstance(event, CallStarted) for batch in batches for _, event in batch.events):
            held.extend(batches)
            return
        together = [*held, *batches]
        held.clear()
        await append(store, *together, **options)

    Store.append = wrong  # type: ignore[assignment, method-assign]


def act(point: str, number: int, folder: Path) -> None:
    """Do what leads to a point."""
    folder.mkdir()
    match point:
        case "in a checkpoint":
            checkpoint(folder, number)
        case "in a migration":
            migration(folder, number)
        case "in making":
            making(folder, number)
        case _ if point.endswith(("fork", "edit")):
            fork(folder, number, point)
        case _:
            run(folder, number, point)


def main() -> None:
    """Fork a process for every line that comes in."""
    open_embedded(Path(sys.argv[1]), lambda *_: None).close()
    if sys.argv[2:]:
        hold_back()
    for line in sys.stdin:
        number, folder, point = line.strip().split(" ", 2)
        pid = os.fork()
        if pid == 0:
            act(point, int(number), Path(folder))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
