"""A person who gives commands in any order to a process that dies now and then; what must hold is looked at each time.

Models and tools wait until they are let go, and the loop says when nothing moves (`quiet_loop`), so that every
command comes at a moment that is known. A process dies by leaving its files as they are at that moment: the next one
opens a copy of them. `test_any_order.py` gives the commands.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from asyncio import Future, gather, get_running_loop
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

from tests.faults.quiet_loop import QuietLoop
from tests.fork_kit import everything_said
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.clock import ManualClock
from workbench.conversation.messages import problems
from workbench.driver.commanding import obey
from workbench.driver.commands import AgentOptions, ApprovePlan, Command, DecidePermission, ResolveUnknown, ResumeRun
from workbench.driver.feed import Trouble
from workbench.driver.opening import opened_session
from workbench.driver.session import Session
from workbench.errors import UserError
from workbench.events.agent import Limits
from workbench.events.base import Recorded
from workbench.events.call import CallCancelled, CallFinished, OutcomeResolved
from workbench.events.content import TextBlock
from workbench.events.edit import InputEdited, ResultEdited, TextEdited
from workbench.events.request import AssistantMessage, Request
from workbench.providers.base import Delta, TurnEnd
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.state.fold import fold
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.store.connection import uri
from workbench.store.oslock import beside
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool

Row = tuple[int, float, str, str, str | None]


class World:
    """What is outside of all processes: what tools did to it, by run and call, and what is waited for."""

    def __init__(self) -> None:
        self.effects: Counter[tuple[str, str]] = Counter()
        self._waiting: list[Future[None]] = []
        self.is_free = False
        """Nothing waits any more."""
        self.has_stopped = False
        """The process that asks is dead: it has no effects."""

    async def moment(self) -> None:
        """Wait until let go."""
        if not self.is_free:
            future = get_running_loop().create_future()
            self._waiting.append(future)
            await future

    def let_go(self, which: int | None = None) -> None:
        """Let one go on of those that wait, or all of them."""
        self._waiting = [each for each in self._waiting if not each.done()]
        waiting = self._waiting
        for future in waiting if which is None or not waiting else [waiting[which % len(waiting)]]:
            future.set_result(None)

    def act(self, run: str, call: str) -> None:
        """Have an effect."""
        if not self.has_stopped:
            self.effects[run, call] += 1


def tools_of(world: World) -> list[Tool]:
    """Return tools of every kind: they wait until they are let go."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        await world.moment()
        return f"found {word}"

    @tool
    async def write(context: ToolContext) -> str:
        world.act(context.run, context.call)
        await world.moment()
        return "written"

    @tool(idempotent=True)
    async def ponder() -> str:
        return "pondered"

    @tool(read_only=True, permission="ask")
    async def ask_first() -> str:
        await world.moment()
        return "allowed"

    return [look, write, ponder, ask_first]


class HeldModel(ScriptedProvider):
    """A model that uses every tool at once in the first steps, hands something over, and answers.

    It waits with every turn half said.
    """

    def __init__(self, world: World) -> None:
        super().__init__(_turn, plan=Turn("SEARCH: a\nVERIFY: b"))
        self._world = world

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the next turn."""
        async for delta in super().stream(request):
            if isinstance(delta, TurnEnd):
                await self._world.moment()
            yield delta


def _turn(request: Request) -> Turn:
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    is_child = everything_said(request).startswith("task")
    if turns >= (1 if is_child else 3):
        return answer("done")
    calls: list[tuple[str, dict[str, Any]]] = [("look", {"word": "a"}), ("write", {}), ("ponder", {})]
    calls.append(("ask_first", {}) if is_child or turns != 1 else ("spawn_subagent", {"task": "task"}))
    return Turn("So.", calls)


class Process:
    """A session on a folder, until it is left or dies."""

    def __init__(self, loop: QuietLoop, folder: Path, world: World, tools: list[Tool], clock: ManualClock) -> None:
        folder.mkdir()
        self.folder, self._loop, self._world, self._stack = folder, loop, world, AsyncExitStack()
        spec = AgentSpec(plan="off", subagent="", limits=Limits(steps=4))
        rig = Rig(folder, (), tools, spec=spec, clock=clock, follow_every=3600)
        rig.model = rig.models["scripted"] = HeldModel(world)
        self.model, self._settings = rig.model, rig.driver.settings
        self._feed = rig.driver.feed
        self._subscription = self._feed.subscribe()
        self.shown: dict[tuple[str, int], str] = {}
        """Kind of each event that anybody was shown."""
        self.troubles: list[str] = []

    @property
    def database(self) -> Path:
        """The file."""
        return self._settings.database

    def open(self) -> None:
        """Begin."""
        self.session: Session = self._loop.do(
            self._stack.enter_async_context(opened_session(self._settings, self._feed))
        )

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something whole, and go on when nothing moves."""

        async def and_settle() -> Any:
            done = await work
            await self._loop.settle()
            return done

        return self._loop.do(and_settle())

    async def give(self, *commands: Command) -> None:
        """Give commands at once; what is refused in words is as good as done."""
        for done in await gather(*(obey(self.session, each) for each in commands), return_exceptions=True):
            if isinstance(done, BaseException) and not isinstance(done, UserError):
                raise done

    def drain(self) -> None:
        """Take in what was shown."""
        for change in self._subscription.drain():
            if isinstance(change, Recorded):
                assert (change.run, change.seq) not in self.shown, "the feed says nothing twice"
                self.shown[change.run, change.seq] = change.event.kind
            elif isinstance(change, Trouble):
                self.troubles.append(change.message)

    def leave(self) -> None:
        """Close cleanly."""
        self._loop.do(self._stack.aclose())

    def die(self, folder: Path, command: Command, turns: int) -> None:
        """Give a command, and be gone so many turns of the loop later; what is there then is in `folder`."""

        async def copied() -> None:
            given = get_running_loop().create_task(self.give(command))
            await self._loop.turns(turns)
            self.drain()
            self._world.has_stopped = True
            self._copy(folder)
            await gather(given, return_exceptions=True)

        self._loop.do(copied())
        self.leave()
        self._world.has_stopped = False
        shutil.rmtree(self.folder)

    def _copy(self, folder: Path) -> None:
        copy = folder / self.database.name
        # The log first: what moves into the database meanwhile is then in both.
        shutil.copy(beside(self.database, "-wal"), beside(copy, "-wal"))
        shutil.copy(self.database, copy)


def was_killed(database: Path) -> None:
    """Let the process that a copy names be one that is gone: it is this one, in truth."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE processes SET started = 'before'")


class Watcher:
    """Looks at the files from outside after each command, and says what is wrong with them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.logs: dict[str, list[Row]] = {}
        self.calls: dict[str, list[str]] = {}
        """Calls of each run, the inherited ones too."""
        self.open_calls: dict[str, list[str]] = {}
        """Those of each run that have no result yet."""
        self._asked = 0
        self._edited: set[tuple[str, int]] = set()

    def look(self, process: Process) -> None:
        """Compare what is there with what was there, with what was shown, and with what the process believes."""
        for run in self.look_at_files(process):
            process.do(self._judge(process.session, run))
        asked = process.model.requests[self._asked :]
        wrong = [problem for request in asked for problem in problems(request.messages)]
        assert not wrong, f"requests are whole: {wrong}"
        self._asked = len(process.model.requests)

    def look_at_files(self, process: Process) -> list[str]:
        """Compare what is there with what was there and what was shown; return the runs with new events."""
        process.drain()
        assert not process.troubles, process.troubles
        grown = self._grown(process.database)
        stored = {(run, row[0]): row[2] for run, rows in self.logs.items() for row in rows}
        assert process.shown.items() <= stored.items(), "what was shown is stored"
        return grown

    def forget_process(self) -> None:
        """Look at another process from now on."""
        self._asked = 0

    def _grown(self, database: Path) -> list[str]:
        """Return the runs with new events, after a look at all bytes of all logs."""
        with closing(sqlite3.connect(uri(database, "ro"), uri=True)) as connection:
            firsts = dict(connection.execute("SELECT id, coalesce(cut + 1, 0) FROM runs"))
            logs: dict[str, list[Row]] = {run: [] for run in firsts}
            query = (
                "SELECT run, seq, at, kind, head, coalesce(inline, content) FROM events LEFT JOIN bodies "
                "ON bodies.event = events.id LEFT JOIN blobs ON blobs.hash = bodies.blob ORDER BY run, seq"
            )
            for run, *row in connection.execute(query):
                logs[run].append(tuple(row))
        for run, rows in logs.items():
            before = self.logs.get(run, [])
            assert rows[: len(before)] == before, "a log only grows"
            assert [row[0] for row in rows] == list(range(firsts[run], firsts[run] + len(rows))), "without a gap"
        assert self.logs.keys() <= logs.keys(), "no run goes away"
        grown = [run for run, rows in logs.items() if len(rows) > len(self.logs.get(run, []))]
        self.logs = logs
        return grown

    async def _judge(self, session: Session, run: str) -> None:
        records = await session.store.read(run)
        own = [record for record in records if record.run == run]
        state = fold(records)
        self.calls[run] = [call for step in state.steps for call in step.calls]
        step = state.open_step
        self.open_calls[run] = [call.id for call in step.calls.values() if not call.has_result] if step else []
        if run in session.live:
            assert session.live[run].state == state, "what is folded is what is believed"
        results = Counter(each.event.call for each in own if isinstance(each.event, CallFinished | CallCancelled))
        assert all(number == 1 for number in results.values()), "one result a call"
        again = Counter(
            e.call for e in (r.event for r in own) if isinstance(e, OutcomeResolved) and e.answer == "rerun"
        )
        for (where, call), times in self._world.effects.items():
            assert where != run or times <= 1 + again[call], "no effect twice without leave"
        if (run, own[0].seq) not in self._edited:
            self._edited.add((run, own[0].seq))
            wrong = list(unproven(fold(records[: own[0].seq]), state, own))
            assert not wrong, f"an edit says what it replaced: {wrong}"


def unproven(before: RunState, after: RunState, own: Sequence[Recorded]) -> Iterator[str]:
    """Say which edits of a fork do not tell what they replaced, or do not show in what came of them."""
    for event in (record.event for record in own):
        match event:
            case ResultEdited():
                was, is_shown = _result(before.call(event.call)), _is_edited(after.call(event.call))
            case InputEdited():
                call = before.call(event.call)
                was = repr(sorted(call.input.items())) if call is not None else None
                is_shown = _is_edited(after.call(event.call))
            case TextEdited():
                content = before.steps[event.step].turn.content
                was = "\n".join(block.text for block in content if isinstance(block, TextBlock))
                is_shown = after.steps[event.step].turn.edited
            case _:
                continue
        digest = "" if was is None else hashlib.sha256(was.encode()).hexdigest()
        if event.replaces != digest or not is_shown:
            yield f"{event}: {was!r}, {is_shown}"


def _result(call: CallState | None) -> str | None:
    ref = call.result if call is not None else None
    return None if ref is None else f"{ref.run}/{ref.seq}/{ref.size}/{ref.first_line}"


def _is_edited(call: CallState | None) -> bool:
    return call is not None and call.edited


async def help_along(process: Process) -> bool:
    """Answer everything as a person would who wants all runs to end; return whether they have."""
    session = process.session
    rows = await session.rows.listed(hidden=False)
    for row in rows:
        state = await session.state(row.id)
        if state.reason == "plan":
            await process.give(ApprovePlan(row.id))
        elif row.status != "completed" and (row.caller_run is not None or not row.live):
            await process.give(ResumeRun(row.id, AgentOptions(max_steps=50)))
        for call in state.open_step.asked_calls if state.open_step else ():
            if call.status == "waiting":
                await process.give(DecidePermission(row.id, call.id, "allow"))
            elif call.status == "unknown":
                await process.give(ResolveUnknown(row.id, call.id, "result", "it is there"))
    return all(row.status == "completed" for row in rows if row.caller_run is None)
