"""A process that drives real runs until it is killed; `killer.py` starts and ends it.

`python -m tests.faults.engine_run FOLDER [MISTAKE]` forks a fresh driver for every line on stdin, which saves the start
of an interpreter, prints its pid, and prints it once more when it has ended. After the line `last` it ends with what is
unfinished; after `slowly` it takes its time. SIGTERM closes it cleanly. What comes out of the driver's feed is noted in
FOLDER/acks, because what is shown must be stored; every effect is noted in FOLDER/effects by the tool that has it.
MISTAKE is one of those that the test must catch.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.corpus import open_embedded
from workbench.driver import recovery
from workbench.driver.commands import ForkEdits, ForkRun, ListRuns, OpenedRun, OpenRun, ResolveUnknown, ResumeRun
from workbench.driver.feed import Subscription
from workbench.driver.journal import StoreJournal
from workbench.events.agent import Limits
from workbench.events.base import Event, Recorded
from workbench.events.call import OutcomeUnknown, UnknownAnswer
from workbench.events.request import AssistantMessage, Request
from workbench.providers.base import Delta
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.state.fold import fold
from workbench.store import RunRow
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool

STEPS = 4
PACES = {"slowly": 0.05}
"""Seconds between what happens, so that a kill can come between."""
PACE = 0.002
ANSWERS: tuple[UnknownAnswer, ...] = ("rerun", "result", "fail", "unknown")


class SlowModel(ScriptedProvider):
    """A scripted model that takes a moment for each piece."""

    pace = PACE

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the next turn."""
        async for delta in super().stream(request):
            await asyncio.sleep(self.pace)
            yield delta


def researcher(request: Request) -> Turn:
    """Look, write and look again in every step, hand the third one to a subagent, and answer."""
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    is_child = "task" in str(request.messages[0])
    if turns == (1 if is_child else STEPS):
        return answer(f"done after {turns} turns")
    calls: list[tuple[str, dict[str, Any]]] = [("look", {"word": "a"}), ("write", {}), ("look", {"word": "b"})]
    if turns == 2:
        calls[2] = ("spawn_subagent", {"task": "task"})
    return Turn("I look.", calls, pieces=2)


def tools(folder: Path, pace: float) -> list[Tool]:
    """Return the tools: one reads, one has an effect on the world."""
    effects = os.open(folder / "effects", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    @tool(read_only=True)
    async def look(word: str) -> str:
        await asyncio.sleep(pace)
        return f"found {word}"

    @tool
    async def write(context: ToolContext) -> str:
        await asyncio.sleep(pace)
        os.write(effects, f"{context.run} {context.call} {context.idempotency_key}\n".encode())
        await asyncio.sleep(5 * pace)
        return "written"

    return [look, write]


def rig_on(folder: Path, pace: float = PACE) -> Rig:
    """Return the rig of these runs."""
    (folder / "data").mkdir(exist_ok=True)
    spec = AgentSpec(plan="auto", limits=Limits(steps=None))
    rig = Rig(folder / "data", (), tools(folder, pace), spec=spec)
    model = SlowModel(researcher, plan=Turn("SEARCH: a\nVERIFY: it"))
    model.pace, rig.model, rig.models["scripted"] = pace, model, model
    return rig


class Acks:
    """Notes what came out of the feed, in the moment it is published."""

    def __init__(self, rig: Rig, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._lock = threading.Lock()
        self._subscription: Subscription = rig.driver.feed.subscribe(self._note)

    def _note(self) -> None:
        with self._lock:
            for change in self._subscription.drain():
                if isinstance(change, Recorded):
                    os.write(self._file, f"{change.run} {change.seq} {change.event.kind}\n".encode())


def drive_on(rig: Rig) -> str:
    """Drive what is unfinished, or else a fork of what is finished, or else a new run; return it when it has ended."""
    run = _next_run(rig)

    def is_over() -> bool:
        for row in rig.ask(ListRuns()):
            if row.root == run and row.status == "awaiting_approval":
                _answer_for(rig, row)
        return rig.state(run).status == "completed"

    rig.wait_for(is_over)
    return run


def _next_run(rig: Rig) -> str:
    roots = [row for row in rig.ask(ListRuns()) if row.caller_run is None]
    unfinished = [row for row in roots if row.status != "completed"]
    if unfinished:
        return str(rig.ask(ResumeRun(unfinished[-1].id)))
    if roots and not any(row.parent == roots[0].id for row in roots) and roots[0].parent is None:
        call = rig.state(roots[0].id).steps[1].asked_calls[0].id
        return str(rig.ask(ForkRun(roots[0].id, edits=ForkEdits(results={call: "found otherwise"}))))
    return rig.start()


def _answer_for(rig: Rig, row: RunRow) -> None:
    """Answer for calls of unknown outcome as a person would, a different way for each."""
    opened: OpenedRun = rig.ask(OpenRun(row.id))
    step = fold(opened.records).open_step
    for call in step.asked_calls if step is not None else ():
        if call.status == "unknown":
            given = ANSWERS[int(f"{row.id[-2:]}", 16) + int(call.id.replace(".", "")) & 3]
            rig.ask(ResolveUnknown(row.id, call.id, given, "it was written"))


def work(folder: Path, how: str) -> None:
    """Drive one run after the other until killed; with `last`, only the one that is unfinished."""
    with rig_on(folder, PACES.get(how, PACE)) as rig:
        Acks(rig, folder / "acks")
        drive_on(rig)
        while how != "last":
            drive_on(rig)


def publish_early() -> None:
    """Show events before they are stored."""
    append = StoreJournal.append

    async def wrong(journal: Any, *events: Event, durable: bool = False) -> None:
        for offset, event in enumerate(events):
            journal._feed.publish(Recorded(journal._run, journal.state.seq + 1 + offset, 0.0, event))
        await append(journal, *events, durable=durable)

    StoreJournal.append = wrong  # type: ignore[assignment, method-assign]


def doubt_nothing() -> None:
    """Take effectful calls that were in flight for calls that may run again."""
    loose_ends = recovery.loose_ends

    def wrong(*args: Any) -> Iterator[Event]:
        yield from (event for event in loose_ends(*args) if not isinstance(event, OutcomeUnknown))

    recovery.loose_ends = wrong  # type: ignore[assignment]


MISTAKES = {"early": publish_early, "careless": doubt_nothing}


def main() -> None:
    """Fork a driver for every line that comes in."""
    folder = Path(sys.argv[1])
    for mistake in sys.argv[2:]:
        MISTAKES[mistake]()
    open_embedded(folder / "cache", lambda *_: None).close()
    for how in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            with suppress(SystemExit):
                work(folder, how.strip())
            os._exit(0)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
