"""Commands in any order, at any moment: whatever a person presses, the rules of the log and of histories hold."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fork_kit import everything_said
from tests.harness import Rig, answer
from tests.session_kit import record, written
from workbench.agent.spec import AgentSpec
from workbench.conversation.messages import problems
from workbench.driver.commands import (
    AgentOptions,
    AnswerCall,
    ApprovePlan,
    CancelCall,
    Command,
    DecidePermission,
    EditPlan,
    ForkEdits,
    ForkRun,
    ImportFile,
    ListRuns,
    PauseRun,
    PreviewFork,
    ResolveUnknown,
    ResumeRun,
    Say,
)
from workbench.driver.feed import Trouble
from workbench.driver.forking import Forks, NewFork
from workbench.errors import UserError
from workbench.events.agent import Limits, PlanMode
from workbench.events.call import CallCancelled, CallFinished, OutcomeResolved
from workbench.events.plan import PlanStep
from workbench.events.request import AssistantMessage, Request
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.store import RunRow
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool

COMMANDS = 40
WALKS = 20
MOST_RUNS = 20


class Playground:
    """Tools that take a moment, one of them with an effect, and a model that uses them all."""

    def __init__(self) -> None:
        self.effects: Counter[tuple[str, str]] = Counter()

    def model(self, request: Request) -> Turn:
        """Use every tool in the first steps, hand something over, and answer."""
        turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
        is_child = everything_said(request).startswith("task")
        if turns >= (1 if is_child else 3):
            return answer("done")
        calls: list[tuple[str, dict[str, Any]]] = [("look", {"word": "a"}), ("write", {}), ("ponder", {})]
        calls.append(("ask_first", {}) if is_child or turns != 1 else ("spawn_subagent", {"task": "task"}))
        return Turn("So.", calls, pieces=3)

    def tools(self) -> list[Tool]:
        """Return the tools."""

        @tool(read_only=True)
        async def look(word: str) -> str:
            await asyncio.sleep(0.001)
            return f"found {word}"

        @tool
        async def write(context: ToolContext) -> str:
            await asyncio.sleep(0.001)
            self.effects[context.run, context.call] += 1
            await asyncio.sleep(0.004)
            return "written"

        @tool(idempotent=True)
        def ponder() -> str:
            return "pondered"

        @tool(read_only=True, permission="ask")
        async def ask_first() -> str:
            return "allowed"

        return [look, write, ponder, ask_first]


class Walk:
    """A person who presses keys at random, and sees to it that everything ends."""

    def __init__(self, folder: Path, seed: int, strangers: Path) -> None:
        self.folder, self.chance, self.strangers = folder, random.Random(seed), strangers
        self.plan: PlanMode = "ask" if seed % 2 else "auto"
        self.ground = Playground()
        self.logs: dict[str, list[tuple[int, float, str]]] = {}
        self.requests: list[Request] = []

    def rig(self) -> Rig:
        """Return the rig, new or again."""
        spec = AgentSpec(plan=self.plan, subagent="", limits=Limits(steps=4))
        return Rig(self.folder, self.ground.model, self.ground.tools(), plan=Turn("SEARCH: a\nVERIFY: b"), spec=spec)

    def wander(self) -> None:
        """Give commands at random, in two sessions, and then bring every run to its end."""
        for session in range(3):
            with self.rig() as rig:
                for _ in range(COMMANDS if session < 2 else 0):
                    self._press(rig)
                if session == 2:
                    self._finish(rig)
                self._check(rig)
                self.requests += rig.model.requests

    def _press(self, rig: Rig) -> None:
        rows: list[RunRow] = rig.ask(ListRuns())
        if len(rows) < 2:
            rig.start()
            return
        row = self.chance.choice(rows)
        with suppress(UserError):  # refused in words is as good as done
            command = self._command(row, rig.state(row.id), len(rows))
            rig.ask(command)
            if isinstance(command, PauseRun) and self.chance.random() < 0.7:
                rig.ask(command)  # impatient

    def _command(self, row: RunRow, state: RunState, runs: int) -> Command:
        step, run, pick = state.open_step, row.id, self.chance.choice
        call = pick([*(step.calls if step else ()), "0.0"])
        fork = self._fork(run, state)
        made: Sequence[Callable[[], Command]] = [
            lambda: PauseRun(run),
            lambda: PauseRun(run, "step"),
            lambda: ResumeRun(run),
            lambda: ResumeRun(run, AgentOptions(max_steps=20)),
            lambda: Say(run, "And?") if runs < MOST_RUNS or row.status != "completed" else ListRuns(),
            lambda: ApprovePlan(run),
            lambda: EditPlan(run, [PlanStep(action="SEARCH", text="c")]),
            lambda: DecidePermission(run, call, pick(["allow", "deny"]), pick(["once", "run"])),
            lambda: ResolveUnknown(run, call, pick(["rerun", "result", "fail", "unknown"]), "so it is"),
            lambda: CancelCall(run, call),
            lambda: AnswerCall(run, call, "by hand"),
            lambda: PreviewFork(run, fork.address, fork.edits),
            lambda: ImportFile(str(self.strangers)) if runs < MOST_RUNS else ListRuns(),
            *[lambda: fork if runs < MOST_RUNS else ListRuns()] * 5,
        ]
        return pick(made)()

    def _fork(self, run: str, state: RunState) -> ForkRun:
        pick, calls = self.chance.choice, [call for step in state.steps for call in step.calls]
        call = pick(calls or ["0.0"])
        step = call.partition(".")[0]
        where = pick(["plan", step, f"{step}.turn", call, call, "end", f"seq:{pick(range(state.seq + 1))}"])
        return ForkRun(run, where, self._edits(call))

    def _edits(self, call: str) -> ForkEdits:
        return self.chance.choice(
            [
                ForkEdits(),
                ForkEdits(results={call: "edited"}),
                ForkEdits(inputs={call: {"word": "z"}}),
                ForkEdits(text="Otherwise.", say="And?"),
                ForkEdits(plan=[PlanStep(action="VERIFY", text="d")]),
                ForkEdits(instructions="Be brief."),
            ]
        )

    def _finish(self, rig: Rig) -> None:
        def is_over() -> bool:
            rows: list[RunRow] = rig.ask(ListRuns())
            for row in rows:
                self._help(rig, row)
            return all(row.status == "completed" for row in rows if row.caller_run is None)

        rig.wait_for(is_over)

    def _help(self, rig: Rig, row: RunRow) -> None:
        state = rig.state(row.id)
        with suppress(UserError):
            if state.reason == "plan":
                rig.ask(ApprovePlan(row.id))
            elif row.caller_run is None and not row.live:
                rig.ask(ResumeRun(row.id, AgentOptions(max_steps=50)))
            for call in state.open_step.asked_calls if state.open_step else ():
                if call.status == "waiting":
                    rig.ask(DecidePermission(row.id, call.id, "allow"))
                elif call.status == "unknown":
                    rig.ask(ResolveUnknown(row.id, call.id, "result", "it is there"))

    def _check(self, rig: Rig) -> None:
        rows: list[RunRow] = rig.ask(ListRuns())
        for row in rows:
            before, raw = self.logs.get(row.id, []), rig.raw(row.id)
            assert raw[: len(before)] == before, "a log only grows"
            self.logs[row.id] = raw
            first = 0 if row.cut is None else row.cut + 1
            assert [seq for seq, _, _ in raw] == list(range(first, first + len(raw)))
            self._check_calls(rig, row.id)
        assert [problem for request in rig.model.requests for problem in problems(request.messages)] == []
        seen: dict[str, int] = {}
        for change in rig.seen():
            assert change.seq > seen.get(change.run, -1), "the feed goes on in order, and says nothing twice"
            seen[change.run] = change.seq
        assert [change for change in rig.changes if isinstance(change, Trouble)] == []

    def _check_calls(self, rig: Rig, run: str) -> None:
        events = [record.event for record in rig.history(run).records if record.run == run]
        results = Counter(event.call for event in events if isinstance(event, CallFinished | CallCancelled))
        assert all(number == 1 for number in results.values()), "one result a call"
        again = Counter(e.call for e in events if isinstance(e, OutcomeResolved) and e.answer == "rerun")
        for (where, call), times in self.ground.effects.items():
            assert where != run or times <= 1 + again[call], "no effect twice without leave"
        live = rig.lives.all.get(run)
        if live is not None and not live.is_moving and live.state.is_resting:
            assert rig.state(run) == live.state


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a session file of somebody else."""
    folder = tmp_path_factory.mktemp("strangers")
    return written(folder, record(folder / "recorded")[0])


@pytest.mark.parametrize("seed", range(WALKS))
def test_commands_in_any_order(tmp_path: Path, seed: int, strangers: Path) -> None:
    """80 random commands in two sessions, then everything is answered: all runs end, and every rule holds."""
    Walk(tmp_path, seed, strangers).wander()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 250))
def test_many_commands_in_any_order(tmp_path: Path, seed: int, strangers: Path) -> None:
    """The same a hundred and fifty times, otherwise each time."""
    Walk(tmp_path, seed, strangers).wander()


def test_an_edit_in_place_is_found_out(tmp_path: Path, strangers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork that changes what its parent's log says is caught, so the walks above can fail."""
    write = Forks.write

    async def wrong(forks: Forks, made: Sequence[NewFork]) -> None:
        await write(forks, made)
        where = [(fork.plan.owner, fork.plan.cut.seq) for fork in made]

        def update(connection: sqlite3.Connection) -> None:
            connection.execute("DROP TRIGGER IF EXISTS events_never_update")
            connection.executemany("UPDATE events SET at = at + 1 WHERE run = ? AND seq = ?", where)

        await forks._session.store._write(update)

    monkeypatch.setattr(Forks, "write", wrong)
    with pytest.raises(AssertionError, match=r"a log only grows|RunState"):
        Walk(tmp_path, 1, strangers).wander()
